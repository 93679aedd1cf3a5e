//! The runtime: how it is started, how it looks without sleeping, how it connects.
//!
//! Pacing. The runtime sleeps in whole milliseconds, so it is woken by a timer that is a file
//! ([`Alarm`]); shortly before a due time, where a shard may spin, it looks for I/O without sleeping.
//! How late that is, in µs at 1,000/s and at 20,000/s (2 vCPU VM that others used too, one thread;
//! p99 is preemption, 1 to 4 ms with each of them):
//!
//! | waits by | io_uring p50 | p90 | epoll p50 | p90 |
//! |---|---|---|---|---|
//! | the runtime's timer | 1032, 546 | 1867, 983 | 1056, 585 | 1892, 1055 |
//! | a thread that sleeps and writes to a socket | 86, 72 | 112, – | 90, 70 | 121, 91 |
//! | the alarm | 41, 16 | 47, 36 | 39, 16 | 44, 36 |
//! | the alarm, then 100 µs of looking | 0.2, 0.2 | –, 0.3 | 0.2, 0.2 | 4, – |
//!
//! (–: preempted more often than that.) So it is the alarm, and looking where a core is ours.

use super::alarm::Alarm;
use super::stream::{ReadHalf, WriteHalf};
use crate::drivers::host::Host;
use crate::drivers::socket;
use crate::drivers::tasks::{DriveError, Load, Runtime};
use crate::shard::Shard;
use monoio::io::Splitable as _;
use monoio::net::TcpStream;
use monoio::{Buildable, Driver, IoUringDriver, LegacyDriver, RuntimeBuilder};
use std::future::{Future, poll_fn};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::task::Poll;

/// The runtime, over io_uring or over epoll.
struct Monoio<const ON_URING: bool>;

/// Runs a shard to its end on the thread that calls, over io_uring.
pub(in crate::drivers) fn run_on_uring(shard: Shard, host: Host) {
    run::<IoUringDriver, true>(shard, host);
}

/// Runs a shard to its end on the thread that calls, over epoll.
pub(in crate::drivers) fn run_on_epoll(shard: Shard, host: Host) {
    run::<LegacyDriver, false>(shard, host);
}

fn run<D: Driver + Buildable, const ON_URING: bool>(shard: Shard, host: Host) {
    let entries = shard.plan().connections.next_power_of_two().clamp(256, 4096);
    let mut runtime = match D::build(RuntimeBuilder::<D>::new().with_entries(entries)) {
        Ok(runtime) => runtime,
        Err(error) => return host.fail(&DriveError::Start(error)),
    };
    let load = Load::<Monoio<ON_URING>>::new(shard, host);
    let result = runtime.block_on(load.drive());
    // Closes what the last tasks have left.
    drop(runtime);
    load.end(&result);
}

impl<const ON_URING: bool> Runtime for Monoio<ON_URING> {
    type Timer = Alarm;
    type Stream = TcpStream;
    type Reader = ReadHalf;
    type Writer = WriteHalf;

    const LOOK_NS: u64 = 0;

    fn spawn(task: impl Future<Output = ()> + 'static) {
        drop(monoio::spawn(task));
    }

    /// The runtime sleeps only when no task can run, so there is one. A future that wakes itself would
    /// not do: the runtime polls it again before anything else.
    async fn look() {
        let mut has_looked = false;
        poll_fn(|context| {
            if std::mem::replace(&mut has_looked, true) {
                return Poll::Ready(());
            }
            let waker = context.waker().clone();
            drop(monoio::spawn(async move { waker.wake() }));
            Poll::Pending
        })
        .await;
    }

    async fn connect(address: SocketAddr, origin: Option<IpAddr>) -> io::Result<TcpStream> {
        let stream = match origin {
            None => TcpStream::connect_addr(address).await?,
            Some(_) => connect_from::<ON_URING>(&address, origin).await?,
        };
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn split(stream: TcpStream) -> (ReadHalf, WriteHalf) {
        let (reader, writer) = stream.into_split();
        (ReadHalf::new(reader), WriteHalf::new(writer))
    }
}

/// The runtime binds no socket, so this one is made and connected without it.
async fn connect_from<const ON_URING: bool>(
    address: &SocketAddr,
    origin: Option<IpAddr>,
) -> io::Result<TcpStream> {
    let socket = socket::connecting(address, origin)?;
    // A second handle on it, since the runtime's one tells no error.
    let handle = socket.try_clone()?;
    let stream = TcpStream::from_std(socket.into())?;
    stream.writable(false).await?;
    if let Some(error) = handle.take_error()? {
        return Err(error);
    }
    // io_uring waits by itself, unless the socket says that nobody should.
    handle.set_nonblocking(!ON_URING)?;
    Ok(stream)
}
