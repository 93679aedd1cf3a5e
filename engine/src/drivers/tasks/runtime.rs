//! What the tasks of a shard need of a runtime. All of it is called on the thread of the shard, inside
//! of the runtime.

use super::links::Batch;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;
use std::task::{Context, Poll};
use std::time::Duration;

/// A runtime.
pub(in crate::drivers) trait Runtime: 'static {
    /// Wakes the turns.
    type Timer: Timer;
    /// A connection that is open.
    type Stream: AsRawFd;
    /// The half of it that reads.
    type Reader: Reader;
    /// The half of it that writes.
    type Writer: Writer;

    /// How long a look takes, where that is too long to begin one just before a due time.
    const LOOK_NS: u64;

    /// Starts a task, which is not polled before the caller has returned to the runtime.
    fn spawn(task: impl Future<Output = ()> + 'static);

    /// Lets I/O and all tasks go on for one round, without sleeping.
    fn look() -> impl Future<Output = ()>;

    /// Connects to `address`, from `origin` where one is given. Small writes leave at once.
    fn connect(
        address: SocketAddr,
        origin: Option<IpAddr>,
    ) -> impl Future<Output = io::Result<Self::Stream>>;

    /// The halves of a connection. It is closed when both are gone.
    fn split(stream: Self::Stream) -> (Self::Reader, Self::Writer);
}

/// A timer that one task waits for.
pub(in crate::drivers) trait Timer: Sized {
    /// A timer that is not running.
    fn new() -> io::Result<Self>;

    /// Starts it, or starts it anew. `wait` is above 0.
    fn start(&mut self, wait: Duration) -> io::Result<()>;

    /// Ready when the time is over. It has to be started again then.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()>;
}

/// The half of a connection that reads.
pub(in crate::drivers) trait Reader {
    /// What has come; nothing: the peer has closed.
    async fn read(&mut self) -> io::Result<&[u8]>;
}

/// The half of a connection that writes.
pub(in crate::drivers) trait Writer {
    /// Writes all of `batch`, and gives it back: its memory may serve again.
    async fn write(&mut self, batch: Batch) -> (io::Result<()>, Batch);
}
