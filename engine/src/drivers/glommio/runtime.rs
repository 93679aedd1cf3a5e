//! The runtime: how it is started, how it looks without sleeping, how it connects.
//!
//! Pacing. A look is a round of the runtime over its three rings, which takes about 10 µs: what comes
//! due meanwhile would be late. So the last [`Runtime::LOOK_NS`] before a due time are waited out. Send
//! lag at 1,000/s, p50 in µs (2 vCPU VM that others used too): 5.7 with looks alone, 0.14 like this.

use super::stream::{ReadHalf, WriteHalf, halves};
use super::timer::Alarm;
use crate::drivers::host::Host;
use crate::drivers::tasks::{DriveError, Load, Runtime};
use crate::drivers::{socket, uring};
use crate::shard::Shard;
use futures_io::AsyncWrite as _;
use glommio::net::TcpStream;
use glommio::timer::Timer;
use glommio::{
    GlommioError, LocalExecutor, LocalExecutorBuilder, Placement, executor, spawn_local_into,
};
use std::future::{Future, poll_fn};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll};
use std::time::Duration;

/// Locked memory for files, of which there are none: what the runtime makes of any smaller number.
const IO_MEMORY_BYTES: usize = 64 * 1024;
/// Longer than it takes to ask for a timer, shorter than the runtime takes to look at it.
const MOMENT: Duration = Duration::from_nanos(200);

/// What runs a shard here.
///
/// # Errors
///
/// Why the runtime cannot be used, in words for a person, with a hint.
pub(in crate::drivers) fn driver() -> Result<fn(Shard, Host), String> {
    static ANSWER: OnceLock<Result<(), String>> = OnceLock::new();
    ANSWER.get_or_init(try_to_start).clone().map(|()| run as fn(Shard, Host))
}

fn try_to_start() -> Result<(), String> {
    // The runtime leaves the process where io_uring lacks something, so another has to ask.
    uring::probe().map_err(|why| format!("{why}, or --driver monoio-epoll"))?;
    let executor = start(1).map_err(|error| {
        let hint = "hint: `ulimit -l` of 512 or more, or --driver monoio-epoll";
        format!("failed to start the runtime: {error}, {hint}")
    })?;
    drop(executor);
    Ok(())
}

/// The runtime, on the thread that calls, and on the cores that this one has.
fn start(connections: u32) -> Result<LocalExecutor, GlommioError<()>> {
    let builder = LocalExecutorBuilder::new(Placement::Unbound);
    let entries = connections.next_power_of_two().clamp(256, 4096) as usize;
    builder.io_memory(IO_MEMORY_BYTES).ring_depth(entries).make()
}

/// Runs a shard to its end on the thread that calls.
fn run(shard: Shard, host: Host) {
    let runtime = match start(shard.plan().connections) {
        Ok(runtime) => runtime,
        Err(error) => return host.fail(&DriveError::Start(error.into())),
    };
    let load = Load::<Glommio>::new(shard, host);
    let result = runtime.run(load.drive());
    drop(runtime);
    load.end(&result);
}

/// The runtime.
struct Glommio;

impl Runtime for Glommio {
    type Timer = Alarm;
    type Stream = TcpStream;
    type Reader = ReadHalf;
    type Writer = WriteHalf;

    const LOOK_NS: u64 = 10_000;

    fn spawn(task: impl Future<Output = ()> + 'static) {
        // Into a queue by name: else it would be polled right here.
        let queue = executor().current_task_queue();
        let task = spawn_local_into(task, queue).expect("the queue of the task that is running");
        drop(task.detach());
    }

    /// The runtime looks at I/O only when no task can run, and goes on without sleeping where a timer
    /// is over by then. So this task waits for a timer that is over in a moment. To yield would not
    /// do: while there is a task that can run, I/O is looked at every 100 ms.
    async fn look() {
        let mut has_looked = false;
        let mut moment = Moment::new();
        poll_fn(|context| {
            if std::mem::replace(&mut has_looked, true) {
                return Poll::Ready(());
            }
            moment.begin(context);
            Poll::Pending
        })
        .await;
    }

    async fn connect(address: SocketAddr, origin: Option<IpAddr>) -> io::Result<TcpStream> {
        // The runtime's own way binds no socket.
        let socket = std::net::TcpStream::from(socket::connecting(&address, origin)?);
        let mut stream = TcpStream::from(socket2_of_glommio::Socket::from(socket));
        // Nothing can be written, not even nothing, until the socket is connected or cannot be.
        poll_fn(|context| Pin::new(&mut stream).poll_write(context, &[])).await?;
        Ok(stream)
    }

    fn split(stream: TcpStream) -> (ReadHalf, WriteHalf) {
        halves(stream)
    }
}

/// A timer that is over in a moment.
struct Moment {
    timer: Timer,
    wait: Duration,
}

impl Moment {
    fn new() -> Self {
        Self { timer: Timer::new(MOMENT), wait: MOMENT }
    }

    /// Registers the timer, which must not be over before that.
    fn begin(&mut self, context: &mut Context<'_>) {
        while Pin::new(&mut self.timer).poll(context).is_ready() {
            self.wait *= 2;
            self.timer = Timer::new(self.wait);
        }
    }
}
