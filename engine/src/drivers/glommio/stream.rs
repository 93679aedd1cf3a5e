//! The halves of a connection, which are one stream here.
//!
//! A buffer is kept for each open connection, so it holds [`RECEIVE_BYTES`] of memory.

use crate::drivers::tasks::{Batch, Reader, Writer};
use futures_io::{AsyncRead as _, AsyncWrite as _};
use glommio::net::TcpStream;
use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;

/// What one read may take.
const RECEIVE_BYTES: usize = 8192;

/// The halves of `stream`.
pub(super) fn halves(stream: TcpStream) -> (ReadHalf, WriteHalf) {
    let stream = Rc::new(RefCell::new(stream));
    let reader = ReadHalf { stream: Rc::clone(&stream), buffer: vec![0; RECEIVE_BYTES] };
    (reader, WriteHalf { stream })
}

/// The half that reads.
pub(super) struct ReadHalf {
    stream: Rc<RefCell<TcpStream>>,
    buffer: Vec<u8>,
}

impl Reader for ReadHalf {
    async fn read(&mut self) -> io::Result<&[u8]> {
        let Self { stream, buffer } = self;
        let length =
            poll_fn(|context| Pin::new(&mut *stream.borrow_mut()).poll_read(context, buffer))
                .await?;
        Ok(&self.buffer[..length])
    }
}

/// The half that writes.
pub(super) struct WriteHalf {
    stream: Rc<RefCell<TcpStream>>,
}

impl WriteHalf {
    async fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = poll_fn(|context| {
                Pin::new(&mut *self.stream.borrow_mut()).poll_write(context, bytes)
            });
            bytes = &bytes[written.await?..];
        }
        Ok(())
    }
}

impl Writer for WriteHalf {
    async fn write(&mut self, batch: Batch) -> (io::Result<()>, Batch) {
        (self.write_all(batch.bytes()).await, batch)
    }
}
