//! The halves of a connection.
//!
//! A read is always under way, so each open connection holds [`RECEIVE_BYTES`] of memory.

use crate::drivers::tasks::{Batch, Reader, Writer};
use monoio::buf::IoBuf as _;
use monoio::io::{AsyncReadRent as _, AsyncWriteRentExt as _, OwnedReadHalf, OwnedWriteHalf};
use monoio::net::TcpStream;
use std::io;

/// What one read may take.
const RECEIVE_BYTES: usize = 8192;

/// The half that reads.
pub(super) struct ReadHalf {
    half: OwnedReadHalf<TcpStream>,
    buffer: Vec<u8>,
}

impl ReadHalf {
    pub(super) fn new(half: OwnedReadHalf<TcpStream>) -> Self {
        Self { half, buffer: Vec::with_capacity(RECEIVE_BYTES) }
    }
}

impl Reader for ReadHalf {
    async fn read(&mut self) -> io::Result<&[u8]> {
        let (result, filled) = self.half.read(std::mem::take(&mut self.buffer)).await;
        self.buffer = filled;
        Ok(&self.buffer[..result?])
    }
}

/// The half that writes.
pub(super) struct WriteHalf {
    half: OwnedWriteHalf<TcpStream>,
}

impl WriteHalf {
    pub(super) fn new(half: OwnedWriteHalf<TcpStream>) -> Self {
        Self { half }
    }
}

impl Writer for WriteHalf {
    async fn write(&mut self, batch: Batch) -> (io::Result<()>, Batch) {
        match batch {
            Batch::Copies(requests, bytes) => {
                let (result, slice) = self.half.write_all(requests.slice(..bytes)).await;
                (result.map(drop), Batch::Copies(slice.into_inner(), bytes))
            }
            Batch::Bytes(bytes) => {
                let (result, bytes) = self.half.write_all(bytes).await;
                (result.map(drop), Batch::Bytes(bytes))
            }
        }
    }
}
