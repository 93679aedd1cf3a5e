//! Launch: starts the threads of a target, and stops them.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use socket2::{Domain, Protocol, Socket, Type};
use thiserror::Error;

use super::arrivals::{ArrivalWriter, ArrivalsError, Recorder};
use super::clock::monotonic_ns;
use super::counts::{Board, Counts};
use super::desk::{Desk, DeskOptions};
use super::faults::{ErrorDice, ErrorRate, Stall, Timing};
use super::response::{ResponseOptions, Responses};
use super::server::{Server, ServerOptions, stop};
use super::tls::{TargetTls, TargetTlsError, acceptor};
use crate::cpus::{CpuError, pin_current_thread};
use crate::drivers::uring::{RingError, probe};

/// What a target does.
#[derive(Debug, Clone)]
pub struct TargetOptions {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Serving threads, at least 1. Connections are spread over them by the kernel, by hash.
    pub threads: usize,
    /// CPUs to pin the threads to, in turn; none: not pinned.
    pub cpus: Vec<usize>,
    /// The answer to everything.
    pub response: ResponseOptions,
    /// How long each answer is kept back, in ns.
    pub delay_ns: u64,
    /// When nothing is answered.
    pub stalls: Vec<Stall>,
    /// How many answers are 500.
    pub error_rate: ErrorRate,
    /// Which ones.
    pub seed: u64,
    /// A connection is closed after this many answers; 0: never.
    pub close_every: u64,
    /// Where arrivals are written to.
    pub record: Option<PathBuf>,
    /// Look for work without sleeping: takes whole CPUs, and sees arrivals sooner.
    pub spin: bool,
    /// Speak TLS, 1.2 and 1.3, and nothing else.
    pub tls: Option<TargetTls>,
}

impl Default for TargetOptions {
    fn default() -> Self {
        TargetOptions {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            threads: 1,
            cpus: Vec::new(),
            response: ResponseOptions::default(),
            delay_ns: 0,
            stalls: Vec::new(),
            error_rate: ErrorRate::NONE,
            seed: 1,
            close_every: 0,
            record: None,
            spin: false,
            tls: None,
        }
    }
}

/// Why a target could not start or go on.
#[derive(Debug, Error)]
pub enum TargetError {
    /// There is no io_uring here.
    #[error("the target needs io_uring: {reason}")]
    Unavailable {
        /// Why not, with a hint.
        reason: String,
    },
    /// The address could not be listened on.
    #[error("failed to listen on `{address}`")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The failure.
        source: io::Error,
    },
    /// It cannot speak TLS.
    #[error("failed to prepare TLS")]
    Tls {
        /// The failure.
        #[from]
        source: TargetTlsError,
    },
    /// A thread could not be started.
    #[error("failed to start a serving thread")]
    Thread {
        /// The failure.
        source: io::Error,
    },
    /// A thread could not be pinned.
    #[error("failed to place a serving thread")]
    Cpu {
        /// The failure.
        #[from]
        source: CpuError,
    },
    /// A serving thread failed.
    #[error("failed to serve")]
    Serve {
        /// The failure.
        #[from]
        source: RingError,
    },
    /// A serving thread panicked: a bug.
    #[error("a serving thread panicked")]
    Panicked,
    /// Arrivals could not be written or read.
    #[error("failed to keep the record")]
    Record {
        /// The failure.
        #[from]
        source: ArrivalsError,
    },
    /// There is nothing to judge.
    #[error("failed to judge: two arrivals and a rate above zero are needed")]
    NothingToJudge,
    /// The signals that end a target could not be waited for.
    #[error("failed to wait for a signal")]
    Signals {
        /// The failure.
        source: io::Error,
    },
}

/// A running target. Dropping it stops it.
pub struct Target {
    address: SocketAddr,
    scheme: &'static str,
    board: Arc<Board>,
    threads: Vec<Thread>,
    writer: Option<ArrivalWriter>,
    ended: Receiver<()>,
    end: Sender<()>,
}

struct Thread {
    handle: JoinHandle<Result<(), TargetError>>,
    stop: UnixStream,
}

impl Target {
    /// Starts a target. When this returns, connections are accepted.
    ///
    /// # Errors
    ///
    /// See [`TargetError`].
    pub fn start(options: TargetOptions) -> Result<Target, TargetError> {
        probe().map_err(|reason| TargetError::Unavailable { reason })?;
        let failed = |source| TargetError::Listen { address: options.listen, source };
        let listeners = listen(options.listen, options.threads).map_err(failed)?;
        let address = listeners[0].local_addr().map_err(failed)?;
        let (writer, recorders) = match &options.record {
            None => (None, Vec::new()),
            Some(path) => {
                let (writer, recorders) = ArrivalWriter::start(path, options.threads)?;
                (Some(writer), recorders)
            }
        };
        let (end, ended) = channel();
        let mut target = Target {
            address,
            scheme: if options.tls.is_some() { "https" } else { "http" },
            board: Arc::new(Board::new(options.threads)),
            threads: Vec::new(),
            writer,
            ended,
            end,
        };
        target.start_threads(&options, listeners, recorders)?;
        Ok(target)
    }

    fn start_threads(
        &mut self,
        options: &TargetOptions,
        listeners: Vec<TcpListener>,
        recorders: Vec<Recorder>,
    ) -> Result<(), TargetError> {
        let tls = options.tls.as_ref().map(|tls| acceptor(tls, self.address)).transpose()?;
        let responses = Arc::new(Responses::new(&options.response));
        let start_ns = monotonic_ns();
        let connections = connection_limit();
        let mut recorders = recorders.into_iter();
        for (thread, listener) in listeners.into_iter().enumerate() {
            let desk = DeskOptions {
                thread,
                responses: Arc::clone(&responses),
                board: Arc::clone(&self.board),
                timing: Timing::new(options.delay_ns, &options.stalls, start_ns),
                dice: ErrorDice::new(options.error_rate, options.seed + thread as u64),
                close_every: options.close_every,
                recorder: recorders.next(),
            };
            let cpu = options.cpus.iter().copied().cycle().nth(thread);
            let spin = options.spin;
            let tls = tls.clone();
            let server = |stop| ServerOptions { listener, stop, connections, spin, tls };
            self.start_thread(cpu, desk, server)?;
        }
        Ok(())
    }

    /// Starts a thread and waits until it serves or has failed.
    fn start_thread(
        &mut self,
        cpu: Option<usize>,
        desk: DeskOptions,
        server: impl FnOnce(UnixStream) -> ServerOptions,
    ) -> Result<(), TargetError> {
        let failed = |source| TargetError::Thread { source };
        let (ours, theirs) = UnixStream::pair().map_err(failed)?;
        let (ready, is_ready) = channel();
        let server = server(theirs);
        let end = self.end.clone();
        let handle = std::thread::Builder::new()
            .name(format!("target-{}", desk.thread))
            .spawn(move || {
                let result = serve(cpu, desk, server, ready);
                // Nobody may be waiting any more.
                end.send(()).ok();
                result
            })
            .map_err(failed)?;
        if is_ready.recv().is_err() {
            return Err(join(handle).err().unwrap_or(TargetError::Panicked));
        }
        self.threads.push(Thread { handle, stop: ours });
        Ok(())
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL that it answers: `http://ADDRESS/`, or `https://` where it speaks TLS.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}/", self.scheme, self.address)
    }

    /// What it has done so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.board.sum()
    }

    /// Ends [`Target::wait`] from elsewhere.
    pub(crate) fn end(&self) -> Sender<()> {
        self.end.clone()
    }

    /// Waits until it is told to end, or a thread has failed.
    pub(crate) fn wait(&self) {
        // The channel cannot be closed: `end` is a sender of it.
        self.ended.recv().ok();
    }

    /// Stops all threads, completes the record, and returns what was done in all.
    ///
    /// # Errors
    ///
    /// The first failure of a thread or of the record; everything is stopped in any case.
    pub fn stop(mut self) -> Result<Counts, TargetError> {
        self.stop_all()?;
        Ok(self.counts())
    }

    fn stop_all(&mut self) -> Result<(), TargetError> {
        for thread in &self.threads {
            stop(&thread.stop);
        }
        let mut result = Ok(());
        for thread in self.threads.drain(..) {
            result = result.and(join(thread.handle));
        }
        if let Some(writer) = self.writer.take() {
            result = result.and(writer.finish().map(drop).map_err(TargetError::from));
        }
        result
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        // Whoever wants to know how it ended calls `stop`.
        self.stop_all().ok();
    }
}

fn serve(
    cpu: Option<usize>,
    desk: DeskOptions,
    server: ServerOptions,
    ready: Sender<()>,
) -> Result<(), TargetError> {
    if let Some(cpu) = cpu {
        pin_current_thread(cpu)?;
    }
    let server = Server::new(server, Desk::new(desk))?;
    // Nobody listens any more if the start was given up.
    ready.send(()).ok();
    server.run()?;
    Ok(())
}

fn join(handle: JoinHandle<Result<(), TargetError>>) -> Result<(), TargetError> {
    handle.join().unwrap_or(Err(TargetError::Panicked))
}

/// A listener for each thread. More than one share the port, and only then: a second target on a
/// port that is taken must fail, not take half of the connections.
fn listen(address: SocketAddr, threads: usize) -> io::Result<Vec<TcpListener>> {
    if threads > 1 && address.port() != 0 {
        // Sharing would let us in beside another target; alone it is refused.
        drop(bind(address, false)?);
    }
    let mut listeners: Vec<TcpListener> = Vec::with_capacity(threads);
    for _ in 0..threads.max(1) {
        let address = listeners.first().map_or(Ok(address), TcpListener::local_addr)?;
        let socket = bind(address, threads > 1)?;
        // The kernel cuts it to `net.core.somaxconn`.
        socket.listen(i32::from(i16::MAX))?;
        listeners.push(socket.into());
    }
    Ok(listeners)
}

fn bind(address: SocketAddr, shares: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shares)?;
    // Inherited by what is accepted.
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// Connections a thread can hold: what the limit of open files allows, which counts for tables of
/// rings too.
fn connection_limit() -> u32 {
    const MOST: u64 = 64 * 1024;
    let limit = getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(soft, hard)| {
        let raised = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
        if raised.is_ok() { hard } else { soft }
    });
    u32::try_from(limit.clamp(2, MOST) - 1).unwrap_or(1)
}
