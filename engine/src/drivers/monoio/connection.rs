//! One connection: a task that connects, then reads and writes until either side closes.
//!
//! A read is always under way, so each open connection holds [`RECEIVE_BYTES`] of memory.

use super::client::Core;
use super::links::Batch;
use crate::drivers::socket;
use crate::shard::Closed;
use monoio::buf::IoBuf as _;
use monoio::io::Splitable as _;
use monoio::io::{AsyncReadRent as _, AsyncWriteRentExt as _, OwnedReadHalf, OwnedWriteHalf};
use monoio::net::TcpStream;
use std::cell::RefCell;
use std::future::{Future as _, pending, poll_fn};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

/// What one read may take.
const RECEIVE_BYTES: usize = 8192;

/// A connection in one of its lives.
struct Connection {
    core: Rc<RefCell<Core>>,
    conn: usize,
    life: u64,
}

/// Carries one life of connection `conn`, until it is closed.
pub(super) async fn run(core: Rc<RefCell<Core>>, conn: usize, life: u64) {
    let connection = Connection { core: Rc::clone(&core), conn, life };
    let mut body = pin!(connection.live());
    poll_fn(|context| {
        if !core.borrow_mut().links.enter(conn, life, context.waker()) {
            return Poll::Ready(());
        }
        let polled = body.as_mut().poll(context);
        if core.borrow_mut().links.leave(conn, life) { polled } else { Poll::Ready(()) }
    })
    .await;
}

impl Connection {
    async fn live(&self) {
        let stream = match self.connect().await {
            Ok(stream) => stream,
            Err(error) => return self.core.borrow_mut().open_failed(self.conn, self.life, &error),
        };
        self.core.borrow_mut().links.connected(self.conn, self.life, &stream);
        self.core.borrow_mut().opened(self.conn, self.life);
        let (reader, writer) = stream.into_split();
        let (mut reading, mut writing) = (pin!(self.read(reader)), pin!(self.write(writer)));
        poll_fn(|context| {
            let polled = reading.as_mut().poll(context);
            if polled.is_pending() && writing.as_mut().poll(context).is_ready() {
                unreachable!("writing has no end of its own");
            }
            polled
        })
        .await;
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        let (address, origin) = self.core.borrow().links.route(self.conn);
        let stream = match origin {
            None => TcpStream::connect_addr(address).await?,
            Some(_) => self.connect_from(&address, origin).await?,
        };
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// The runtime binds no socket, so this one is made and connected without it.
    async fn connect_from(
        &self,
        address: &SocketAddr,
        origin: Option<IpAddr>,
    ) -> io::Result<TcpStream> {
        let socket = socket::new(address, origin)?;
        socket.set_nonblocking(true)?;
        match socket.connect(&(*address).into()) {
            Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => {}
            result => result?,
        }
        // A second handle on it, since the runtime's one tells no error.
        let handle = socket.try_clone()?;
        let stream = TcpStream::from_std(socket.into())?;
        stream.writable(false).await?;
        if let Some(error) = handle.take_error()? {
            return Err(error);
        }
        // io_uring waits by itself, unless the socket says that nobody should.
        handle.set_nonblocking(!self.core.borrow().is_on_uring())?;
        Ok(stream)
    }

    async fn read(&self, mut reader: OwnedReadHalf<TcpStream>) {
        let mut buffer = Vec::with_capacity(RECEIVE_BYTES);
        loop {
            let (result, filled) = reader.read(buffer).await;
            buffer = filled;
            let mut core = self.core.borrow_mut();
            match result {
                Ok(0) => return core.closed(self.conn, self.life, Closed::Gracefully, None),
                Ok(length) => core.received(self.conn, self.life, &buffer[..length]),
                Err(error) => {
                    return core.closed(self.conn, self.life, Closed::Broken, Some(&error));
                }
            }
            if !core.links.is_live(self.conn, self.life) {
                return;
            }
        }
    }

    /// Writes what the core has asked for, in order.
    async fn write(&self, mut writer: OwnedWriteHalf<TcpStream>) {
        loop {
            // Looked at whenever the task runs, and the task is woken when there is something.
            let batch = poll_fn(|_| {
                let batch = self.core.borrow_mut().take_batch(self.conn, self.life);
                batch.map_or(Poll::Pending, Poll::Ready)
            })
            .await;
            let result = match batch {
                Batch::Copies(requests, bytes) => writer.write_all(requests.slice(..bytes)).await.0,
                Batch::Bytes(bytes) => {
                    let (result, bytes) = writer.write_all(bytes).await;
                    self.core.borrow_mut().links.give_back(self.conn, self.life, bytes);
                    result
                }
            };
            match result {
                Ok(_) => self.core.borrow_mut().written(self.conn, self.life),
                // Says nothing that the end of the reading does not say too.
                Err(_) => pending().await,
            }
        }
    }
}
