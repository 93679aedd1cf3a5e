//! Operations: what a ring can be asked to do, one method each.
//!
//! Files are named by their index in the ring's table. Nothing happens before [`Ring::enter`].

use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd};
use std::rc::Rc;
use std::sync::Arc;

use io_uring::squeue::{Entry, Flags};
use io_uring::{opcode, types};
use socket2::SockAddr;

use super::ring::Ring;

/// Whether an operation that went well says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notify {
    /// A completion in every case.
    Always,
    /// A completion only on failure: for what is followed by something that tells as much.
    OnFailure,
}

/// Which directions of a connection to shut down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// No more is sent; the peer sees the end of the stream.
    Write,
    /// Nothing goes either way; an armed receive ends.
    Both,
}

/// The name of an address that a ring keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressId(usize);

/// The name of bytes that a ring keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BytesId(usize);

impl Ring {
    /// Does nothing and completes.
    #[cfg(test)]
    pub(super) fn nop(&mut self, user_data: u64) {
        self.push_plain(opcode::Nop::new().build(), Notify::Always, user_data);
    }

    /// Accepts connections until it is cancelled: a completion each, whose result is the index in
    /// the table of files that the kernel has chosen. Options such as `TCP_NODELAY` are inherited
    /// from the listener.
    pub fn accept_multishot(&mut self, listener: &impl AsFd, user_data: u64) {
        let descriptor = types::Fd(listener.as_fd().as_raw_fd());
        let entry = opcode::AcceptMulti::new(descriptor).allocate_file_index(true);
        self.push_plain(entry.build(), Notify::Always, user_data);
    }

    /// Makes a TCP socket at index `file` of the table, without a file descriptor.
    pub fn socket(&mut self, file: u32, domain: socket2::Domain, user_data: u64) {
        let Ok(target) = types::DestinationSlot::try_from_slot_target(file) else {
            unreachable!("file index `{file}` beyond any table")
        };
        let entry = opcode::Socket::new(domain.into(), libc::SOCK_STREAM, libc::IPPROTO_TCP)
            .file_index(Some(target));
        self.push_plain(entry.build(), Notify::Always, user_data);
    }

    /// Keeps an address for [`Ring::connect`]. Call it once for each address, before the run.
    pub fn keep_address(&mut self, address: SockAddr) -> AddressId {
        self.addresses.push(Rc::new(address));
        AddressId(self.addresses.len() - 1)
    }

    /// Connects the socket at `file`.
    ///
    /// # Panics
    ///
    /// `address` must come from this ring.
    pub fn connect(&mut self, file: u32, address: AddressId, user_data: u64) {
        let address = &self.addresses[address.0];
        let entry =
            opcode::Connect::new(types::Fixed(file), address.as_ptr().cast(), address.len());
        let entry = entry.build().user_data(user_data);
        // SAFETY: the address stays where it is until the ring is gone.
        unsafe { self.push(entry) };
    }

    /// Receives until the connection ends, it is cancelled, or the group is out of buffers: a
    /// completion for each filled buffer. When [`super::Completion::more`] is false it must be
    /// armed again.
    #[inline]
    pub fn receive_multishot(&mut self, file: u32, group: u16, user_data: u64) {
        let entry = opcode::RecvMulti::new(types::Fixed(file), group);
        self.push_plain(entry.build(), Notify::Always, user_data);
    }

    /// Sends all of `bytes`: a partial send is continued by the kernel, and ends short only on an
    /// error.
    ///
    /// Two sends to one file must not be under way at the same time when one of them may block:
    /// their bytes could interleave.
    ///
    /// # Safety
    ///
    /// `bytes` must stay valid and unchanged until the send has ended. With [`Notify::Always`] that
    /// is its completion. With [`Notify::OnFailure`] success is silent, so the bytes must live
    /// until something else proves it (the peer's answer to the last of them) or until the ring is
    /// gone.
    #[inline]
    pub unsafe fn send(&mut self, file: u32, bytes: &[u8], notify: Notify, user_data: u64) {
        // A length is cut at 4 GiB; the count in the completion says so.
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        // MSG_WAITALL also makes a short send count as a failure, which ends the silence.
        let entry = opcode::Send::new(types::Fixed(file), bytes.as_ptr(), length)
            .flags(libc::MSG_NOSIGNAL | libc::MSG_WAITALL)
            .build();
        // SAFETY: the caller keeps the bytes.
        unsafe { self.push(noted(entry, notify, user_data)) };
    }

    /// Sends what fits into the socket right now and never waits: silent when that was everything.
    /// Otherwise completes with the count that fitted or with `EAGAIN`, and that completion is
    /// queued before any that the kernel makes after this operation was submitted.
    ///
    /// So with one `send_now` for a file between two calls of [`Ring::enter`], and all completions
    /// looked at before the next, the bytes of a connection keep their order without a completion
    /// for each send.
    ///
    /// # Safety
    ///
    /// `bytes` must stay valid until the [`Ring::enter`] that submits it has returned; on a queue
    /// that was full when it was pushed, until the operation has completed or the ring is gone.
    #[inline]
    pub unsafe fn send_now(&mut self, file: u32, bytes: &[u8], user_data: u64) {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let entry = opcode::Send::new(types::Fixed(file), bytes.as_ptr(), length)
            .flags(libc::MSG_NOSIGNAL | libc::MSG_WAITALL | libc::MSG_DONTWAIT)
            .build();
        // SAFETY: the caller keeps the bytes.
        unsafe { self.push(noted(entry, Notify::OnFailure, user_data)) };
    }

    /// Keeps bytes for [`Ring::send_kept_now`], as long as the ring lives.
    pub fn keep_bytes(&mut self, bytes: Arc<[u8]>) -> BytesId {
        self.kept.push(bytes);
        BytesId(self.kept.len() - 1)
    }

    /// [`Ring::send_now`] of a part of bytes that the ring keeps.
    ///
    /// # Panics
    ///
    /// `bytes` must come from this ring, and `part` must be inside of them.
    #[inline]
    pub fn send_kept_now(&mut self, file: u32, bytes: BytesId, part: Range<usize>, user_data: u64) {
        let part = std::ptr::from_ref(&self.kept[bytes.0][part]);
        // SAFETY: kept bytes are shared, so nobody changes them, and stay until the ring is gone;
        // the reference is only separated from the borrow of `self`.
        unsafe { self.send_now(file, &*part, user_data) };
    }

    /// [`Ring::send_now`] of a part of bytes that are shared with the caller until they are sent.
    ///
    /// # Panics
    ///
    /// `part` must be inside of the bytes.
    pub fn send_shared_now(
        &mut self,
        file: u32,
        bytes: Arc<[u8]>,
        part: Range<usize>,
        user_data: u64,
    ) {
        let part = std::ptr::from_ref(&bytes[part]);
        self.outgoing.push(bytes);
        // SAFETY: shared bytes are changed by nobody, and the ring lets go of its share only when
        // nothing is left to submit; the reference is only separated from the borrow of `self`.
        unsafe { self.send_now(file, &*part, user_data) };
    }

    /// Completes once when more can be sent, or never will be again.
    pub fn wait_writable(&mut self, file: u32, user_data: u64) {
        let events = u32::from(libc::POLLOUT.unsigned_abs());
        let entry = opcode::PollAdd::new(types::Fixed(file), events);
        self.push_plain(entry.build(), Notify::Always, user_data);
    }

    /// Sends bytes that live for ever.
    #[inline]
    pub fn send_static(&mut self, file: u32, bytes: &'static [u8], notify: Notify, user_data: u64) {
        // SAFETY: the bytes are static.
        unsafe { self.send(file, bytes, notify, user_data) };
    }

    /// Ends the connection at `file` in one or both directions.
    pub fn shutdown(&mut self, file: u32, how: Shutdown, notify: Notify, user_data: u64) {
        let how = match how {
            Shutdown::Write => libc::SHUT_WR,
            Shutdown::Both => libc::SHUT_RDWR,
        };
        let entry = opcode::Shutdown::new(types::Fixed(file), how);
        self.push_plain(entry.build(), notify, user_data);
    }

    /// Cancels everything under way on `file`; each cancelled operation completes with `ECANCELED`,
    /// and this one with their number. Nothing to cancel is a failure (`ENOENT`).
    pub fn cancel_all(&mut self, file: u32, notify: Notify, user_data: u64) {
        let matching = types::CancelBuilder::fd(types::Fixed(file)).all();
        self.push_plain(opcode::AsyncCancel2::new(matching).build(), notify, user_data);
    }

    /// Cancels the operations that were given `target` as their `user_data`.
    pub fn cancel_by_user_data(&mut self, target: u64, notify: Notify, user_data: u64) {
        let matching = types::CancelBuilder::user_data(target).all();
        self.push_plain(opcode::AsyncCancel2::new(matching).build(), notify, user_data);
    }

    /// Makes a file descriptor for the file at index `file`, which stays in the table: the result of
    /// the completion, and whoever gets it has to close it. Linux 6.8; `EINVAL` before that.
    pub fn install_descriptor(&mut self, file: u32, user_data: u64) {
        let entry = opcode::FixedFdInstall::new(types::Fixed(file), 0);
        self.push_plain(entry.build(), Notify::Always, user_data);
    }

    /// Takes `file` out of the table and closes it. An armed receive holds its file: the connection
    /// lives on until that has ended, so cancel or shut down first.
    pub fn close(&mut self, file: u32, notify: Notify, user_data: u64) {
        let entry = opcode::Close::new(types::Fixed(file));
        self.push_plain(entry.build(), notify, user_data);
    }

    #[inline]
    fn push_plain(&mut self, entry: Entry, notify: Notify, user_data: u64) {
        // SAFETY: the operation names no memory of ours.
        unsafe { self.push(noted(entry, notify, user_data)) };
    }
}

#[inline]
fn noted(entry: Entry, notify: Notify, user_data: u64) -> Entry {
    let entry = entry.user_data(user_data);
    match notify {
        Notify::Always => entry,
        Notify::OnFailure => entry.flags(Flags::SKIP_SUCCESS),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    use super::super::{Buffers, Completion, RingOptions, Wait};
    use super::*;

    const OPTIONS: RingOptions = RingOptions { entries: 16, completions: 64, files: 8 };

    fn next(ring: &mut Ring) -> Completion {
        let mut completions = Vec::with_capacity(1);
        while ring.reap(&mut completions) == 0 {
            ring.enter(Wait::For(1)).expect("enter");
        }
        completions[0]
    }

    fn assert_silent(ring: &mut Ring) {
        ring.enter(Wait::Within { count: 1, timeout_ns: 1_000_000 }).expect("enter");
        let mut completions = Vec::with_capacity(1);
        assert_eq!(ring.reap(&mut completions), 0, "{completions:?}");
    }

    fn listen() -> (TcpListener, SockAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
        let address = listener.local_addr().expect("address").into();
        (listener, address)
    }

    #[test]
    fn a_client_socket_lives_and_dies_in_the_file_table() {
        let (listener, address) = listen();
        let mut ring = Ring::new(OPTIONS).expect("ring");
        let mut buffers = Buffers::register(&mut ring, 3, 4, 2048).expect("buffers");
        let address = ring.keep_address(address);
        ring.socket(5, socket2::Domain::IPV4, 1);
        assert_eq!(next(&mut ring).result, 0);
        ring.connect(5, address, 2);
        assert_eq!(next(&mut ring).result, 0);
        let (mut peer, _) = listener.accept().expect("accept");

        ring.receive_multishot(5, buffers.group(), 3);
        ring.send_static(5, b"ping", Notify::OnFailure, 4);
        assert_silent(&mut ring);
        let mut bytes = [0; 4];
        peer.read_exact(&mut bytes).expect("read");
        assert_eq!(&bytes, b"ping");

        for round in 0..10_u8 {
            peer.write_all(&[round; 100]).expect("write");
            let completion = next(&mut ring);
            assert_eq!((completion.user_data, completion.count()), (3, Ok(100)));
            let id = completion.buffer().expect("buffer");
            assert_eq!(buffers.get(id, 100), [round; 100]);
            buffers.recycle(id);
            buffers.publish();
            assert!(completion.more());
        }

        ring.cancel_all(5, Notify::Always, 6);
        let both = [next(&mut ring), next(&mut ring)].map(|c| (c.user_data, c.result));
        assert!(both.contains(&(3, -libc::ECANCELED)) && both.contains(&(6, 1)), "{both:?}");
        ring.close(5, Notify::OnFailure, 7);
        assert_silent(&mut ring);
        assert_eq!(peer.read(&mut bytes).expect("read"), 0);
    }

    #[test]
    fn accepted_connections_get_a_place_in_the_file_table() {
        let (listener, _) = listen();
        let mut ring = Ring::new(OPTIONS).expect("ring");
        ring.accept_multishot(&listener, 1);
        let address = listener.local_addr().expect("address");
        for expected in 0..3 {
            let mut client = TcpStream::connect(address).expect("connect");
            let completion = next(&mut ring);
            assert_eq!(completion.result, expected);
            assert!(completion.more());
            let file = completion.count().expect("accepted");
            ring.send_static(file, b"x", Notify::OnFailure, 2);
            ring.shutdown(file, Shutdown::Write, Notify::Always, 3);
            assert_eq!(next(&mut ring).result, 0);
            let mut answer = String::new();
            client.read_to_string(&mut answer).expect("read");
            assert_eq!(answer, "x");
        }
        ring.cancel_by_user_data(1, Notify::OnFailure, 4);
        assert_eq!(next(&mut ring).result, -libc::ECANCELED);
    }

    #[test]
    fn a_receive_without_buffers_ends_and_says_why() {
        let (listener, address) = listen();
        let mut ring = Ring::new(OPTIONS).expect("ring");
        let mut buffers = Buffers::register(&mut ring, 0, 1, 2048).expect("buffers");
        let stream = TcpStream::connect(address.as_socket().expect("inet")).expect("connect");
        let (mut peer, _) = listener.accept().expect("accept");
        ring.install(0, &stream).expect("install");
        ring.receive_multishot(0, buffers.group(), 1);
        peer.write_all(&[1; 3000]).expect("write");
        let first = next(&mut ring);
        assert_eq!(first.count(), Ok(2048));
        let second = next(&mut ring);
        assert_eq!((second.count(), second.more()), (Err(libc::ENOBUFS), false));
        buffers.recycle(first.buffer().expect("buffer"));
        buffers.publish();
        ring.receive_multishot(0, buffers.group(), 1);
        assert_eq!(next(&mut ring).count(), Ok(952));
    }

    #[test]
    fn send_now_tells_how_much_did_not_fit_and_nothing_otherwise() {
        static MUCH: [u8; 16 << 20] = [7; 16 << 20];
        let (listener, address) = listen();
        let mut ring = Ring::new(OPTIONS).expect("ring");
        let stream = TcpStream::connect(address.as_socket().expect("inet")).expect("connect");
        let (_peer, _) = listener.accept().expect("accept");
        ring.install(0, &stream).expect("install");
        // SAFETY: the bytes are static.
        unsafe { ring.send_now(0, b"little", 1) };
        assert_silent(&mut ring);
        // SAFETY: as above.
        unsafe { ring.send_now(0, &MUCH, 2) };
        let part = next(&mut ring).count().expect("a part");
        assert!(part > 0 && (part as usize) < MUCH.len(), "{part}");
        let kept = ring.keep_bytes(Arc::from(*b"little"));
        ring.send_kept_now(0, kept, 1..4, 3);
        assert_eq!(next(&mut ring).count(), Err(libc::EAGAIN));
        ring.send_shared_now(0, Arc::from(*b"a little"), 2..8, 4);
        assert_eq!(next(&mut ring).count(), Err(libc::EAGAIN));
        assert!(ring.outgoing.is_empty());
    }

    #[test]
    fn a_connection_is_writable_again_when_its_peer_has_read() {
        static MUCH: [u8; 16 << 20] = [7; 16 << 20];
        let (listener, address) = listen();
        let mut ring = Ring::new(OPTIONS).expect("ring");
        let stream = TcpStream::connect(address.as_socket().expect("inet")).expect("connect");
        let (mut peer, _) = listener.accept().expect("accept");
        ring.install(0, &stream).expect("install");
        // SAFETY: the bytes are static.
        unsafe { ring.send_now(0, &MUCH, 1) };
        let part = next(&mut ring).count().expect("a part");
        ring.wait_writable(0, 2);
        assert_silent(&mut ring);
        peer.read_exact(&mut vec![0; part as usize]).expect("read");
        let writable = next(&mut ring);
        assert_eq!(
            (writable.user_data, writable.count()),
            (2, Ok(u32::from(libc::POLLOUT.unsigned_abs())))
        );
        ring.wait_writable(0, 3);
        drop(peer);
        stream.shutdown(std::net::Shutdown::Both).expect("shutdown");
        assert!(next(&mut ring).result > 0);
    }
}
