//! The connections of a ring: sockets in its table of files, and what is under way on them.
//!
//! Opening waits until the end of a turn. A socket is put into the table at once, while closing goes
//! through the queue: so what was queued about the old socket has to be submitted first.

use super::outbox::{Outbox, Segment};
use super::remainder::Remainder;
use super::tcp_info::tcp_info_of_installed;
use super::{AddressId, Notify, Ring, RingError, Token, Wait};
use crate::drivers::{errno, socket};
use crate::plan::ShardPlan;
use crate::shard::{Net, SMALL_BATCH_BYTES, wants_written};
use acp_wire::ErrorClass;
use acp_wire::frame::TcpInfo;
use socket2::SockAddr;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

/// Kinds of tokens.
pub(super) const RECEIVE: u8 = 1;
pub(super) const CONNECT: u8 = 2;
pub(super) const SEND: u8 = 3;
pub(super) const RECEIVE_LARGE: u8 = 4;
const END: u8 = 5;
/// A send of bytes from the outbox that fits at once, in silence.
pub(super) const WRITE: u8 = 6;
/// A send of bytes that did not.
pub(super) const REMAINDER: u8 = 7;
/// A descriptor is made, to look what the kernel knows of a connection.
pub(super) const INSPECT: u8 = 8;

/// A connection that has filled so many small buffers to the brim gets large ones.
const FULL_BUFFERS: u8 = 8;

/// What is under way on one connection.
#[derive(Default)]
struct Link {
    /// Raised by closing: what completes later belongs to nobody.
    generation: u32,
    /// Kind of the multishot receive that is armed.
    receiving: Option<u8>,
    is_connecting: bool,
    /// Has a socket in the table of files.
    has_file: bool,
    /// Is to be opened at the end of the turn.
    is_waiting: bool,
    /// Small buffers filled to the brim, up to [`FULL_BUFFERS`].
    full_buffers: u8,
    /// What was written last.
    segment: Segment,
    /// What went with a flush last.
    flushed: Segment,
    remainder: Option<Box<Remainder>>,
}

impl Link {
    fn receive_kind(&self) -> u8 {
        if self.full_buffers == FULL_BUFFERS { RECEIVE_LARGE } else { RECEIVE }
    }
}

/// A connection that could not be opened, with the reason in words.
type Failure = (usize, ErrorClass, String);

/// All connections of one ring.
pub(super) struct Links {
    // First: the ring goes before the memory that its operations name.
    pub(super) ring: Ring,
    links: Vec<Link>,
    outbox: Outbox,
    /// Connections whose remainder may go when the sends of the last flush have ended.
    held: Vec<usize>,
    /// Bytes that are with the kernel on behalf of connections that were closed since, by token.
    orphans: Vec<(u64, Box<Remainder>)>,
    /// As many copies of the request as a connection may carry.
    requests: Vec<u8>,
    request_bytes: usize,
    notify: Notify,
    /// Buffer groups: small, large.
    groups: [u16; 2],
    /// Addresses of the target that were ever used, as the ring keeps them.
    addresses: Vec<(SocketAddr, AddressId)>,
    plan: ShardPlan,
    /// Connections to be opened at the end of the turn.
    waiting: Vec<usize>,
    /// Something queued names a file that opening would replace.
    must_flush: bool,
    failures: Vec<Failure>,
    /// The kernel has not said yet that it cannot make descriptors.
    can_inspect: bool,
    /// Descriptors that are being made.
    inspecting: u32,
}

impl Links {
    pub(super) fn new(ring: Ring, plan: &ShardPlan, groups: [u16; 2]) -> Self {
        let connections = plan.connections as usize;
        let request = &plan.plan.request.bytes;
        Self {
            ring,
            links: (0..connections).map(|_| Link::default()).collect(),
            outbox: Outbox::default(),
            held: Vec::new(),
            orphans: Vec::new(),
            requests: request.repeat(plan.plan.pipeline as usize),
            request_bytes: request.len(),
            notify: if wants_written(plan) { Notify::Always } else { Notify::OnFailure },
            groups,
            addresses: Vec::new(),
            plan: plan.clone(),
            waiting: Vec::with_capacity(connections),
            must_flush: false,
            failures: Vec::new(),
            can_inspect: true,
            inspecting: 0,
        }
    }

    fn token(&self, kind: u8, conn: usize) -> u64 {
        let generation = self.links[conn].generation;
        Token { kind, generation, index: file(conn) }.pack()
    }

    /// Whether a token belongs to the present life of its connection.
    #[inline]
    pub(super) fn is_live(&self, token: Token) -> bool {
        self.links[token.index as usize].generation == token.generation
    }

    /// Arms a receive.
    pub(super) fn receive(&mut self, conn: usize) {
        let kind = self.links[conn].receive_kind();
        self.links[conn].receiving = Some(kind);
        let group = self.groups[usize::from(kind == RECEIVE_LARGE)];
        let token = self.token(kind, conn);
        self.ring.receive_multishot(file(conn), group, token);
    }

    /// A small buffer was filled: a connection that goes on so is given large ones. Its receive is
    /// cancelled, and armed again when that has ended it.
    #[cold]
    pub(super) fn filled_small_buffer(&mut self, conn: usize) {
        let link = &mut self.links[conn];
        if link.full_buffers == FULL_BUFFERS {
            return;
        }
        link.full_buffers += 1;
        if link.full_buffers == FULL_BUFFERS && link.receiving.is_some() {
            self.cancel(RECEIVE, conn);
        }
    }

    pub(super) fn receive_ended(&mut self, conn: usize) {
        self.links[conn].receiving = None;
    }

    pub(super) fn connected(&mut self, conn: usize) {
        self.links[conn].is_connecting = false;
        self.receive(conn);
    }

    /// A descriptor was made, or not. Returns what the kernel says about its connection.
    #[cold]
    pub(super) fn inspected(&mut self, made: Result<u32, i32>) -> Option<TcpInfo> {
        self.inspecting -= 1;
        // Before Linux 6.8 every other one would fail too.
        self.can_inspect &= made != Err(libc::EINVAL);
        tcp_info_of_installed(made.ok()?)
    }

    /// Whether descriptors are being made.
    pub(super) fn is_inspecting(&self) -> bool {
        self.inspecting > 0
    }

    pub(super) fn has_failures(&self) -> bool {
        !self.failures.is_empty()
    }

    pub(super) fn next_failure(&mut self) -> Option<Failure> {
        self.failures.pop()
    }

    /// Opens the connections that were asked for in this turn.
    #[inline]
    pub(super) fn open_waiting(&mut self) -> Result<(), RingError> {
        if self.waiting.is_empty() { Ok(()) } else { self.open_all_waiting() }
    }

    fn open_all_waiting(&mut self) -> Result<(), RingError> {
        if self.must_flush {
            self.ring.enter(Wait::No)?;
            self.entered();
            // A kernel that is too busy takes it the next time.
            self.must_flush = self.ring.has_unsubmitted();
            if self.must_flush {
                return Ok(());
            }
        }
        for number in 0..self.waiting.len() {
            let conn = self.waiting[number];
            if !std::mem::take(&mut self.links[conn].is_waiting) {
                continue;
            }
            if let Err(error) = self.connect(conn) {
                let code = error.raw_os_error().unwrap_or(0);
                let text = errno::describe("open a socket", code);
                self.failures.push((conn, errno::connect_class(code), text));
            }
        }
        self.waiting.clear();
        Ok(())
    }

    /// Cancels what holds the socket. One by one: the kernel finds an operation by its token at once,
    /// but would look through those of all connections for the ones of a file.
    fn end_operations(&mut self, conn: usize) {
        let link = &mut self.links[conn];
        let (receiving, is_connecting) = (link.receiving, link.is_connecting);
        if let Some(remainder) = link.remainder.take_if(|remainder| remainder.is_going()) {
            self.orphans.push((self.token(REMAINDER, conn), remainder));
            self.cancel(REMAINDER, conn);
        }
        if let Some(kind) = receiving {
            self.cancel(kind, conn);
        }
        if is_connecting {
            self.cancel(CONNECT, conn);
        }
        // A small send is never under way for long.
        if self.notify == Notify::Always {
            self.cancel(SEND, conn);
        }
    }

    fn cancel(&mut self, kind: u8, conn: usize) {
        let (operation, end) = (self.token(kind, conn), self.token(END, conn));
        self.ring.cancel_by_user_data(operation, Notify::OnFailure, end);
    }

    /// Whether something waits for the ring to be entered.
    pub(super) fn has_unsubmitted(&mut self) -> bool {
        self.outbox.has_waiting() || self.ring.has_unsubmitted()
    }

    /// Hands what was written to the ring, unless it still has to say what became of the last bytes:
    /// behind some that did not fit nothing may go.
    #[inline]
    pub(super) fn flush(&mut self) {
        if !self.outbox.has_waiting() {
            return;
        }
        if !self.outbox.may_flush() {
            self.recycle();
        }
        if self.outbox.may_flush() {
            self.flush_waiting();
        }
    }

    /// The ring was entered.
    #[inline]
    pub(super) fn entered(&mut self) {
        if !self.ring.has_unsubmitted() {
            self.outbox.submitted();
        }
    }

    /// Whether something that was written could not be handed to the ring.
    #[inline]
    pub(super) fn is_held_up(&self) -> bool {
        self.outbox.has_waiting()
    }

    fn flush_waiting(&mut self) {
        let conns = self.outbox.take_conns();
        for &conn in &conns {
            let Link { segment, generation, .. } = self.links[conn];
            if self.outbox.is_waiting(segment) {
                self.links[conn].flushed = segment;
                let token = Token { kind: WRITE, generation, index: file(conn) }.pack();
                let bytes = self.outbox.waiting_bytes(segment);
                // SAFETY: the page is not changed from here on until it is recycled, which is when
                // everything was submitted and has completed as far as it does so at once.
                unsafe { self.ring.send_now(file(conn), bytes, token) };
            }
        }
        self.outbox.flush(conns);
    }

    /// Bytes behind what is written already, and not all of it at once.
    #[cold]
    fn write_large(&mut self, conn: usize, bytes: &[u8], reports: bool) {
        self.take_back_waiting(conn);
        let link = &mut self.links[conn];
        let remainder = link.remainder.get_or_insert_default();
        remainder.push(bytes);
        remainder.reports |= reports;
        if self.outbox.rest(link.flushed, 0).is_some() {
            // What went before may turn out to have been short.
            self.held.push(conn);
        } else {
            self.send_remainder(conn);
        }
    }

    /// What waits for the next flush goes with the remainder.
    fn take_back_waiting(&mut self, conn: usize) {
        let link = &mut self.links[conn];
        if self.outbox.is_waiting(link.segment) {
            let waiting = self.outbox.waiting_bytes(link.segment);
            link.remainder.get_or_insert_default().push(waiting);
            link.segment = link.segment.emptied();
        }
    }

    /// Once all completions that there were have been looked at no send was short that is not known.
    #[inline]
    pub(super) fn recycle(&mut self) {
        if self.ring.is_drained() {
            self.outbox.recycle();
        }
        if !self.held.is_empty() && self.outbox.may_flush() {
            self.send_held();
        }
    }

    #[cold]
    fn send_held(&mut self) {
        for conn in std::mem::take(&mut self.held) {
            self.send_remainder(conn);
        }
    }

    /// A send from the outbox took less than all, or nothing: its rest goes before all that was
    /// written since.
    #[cold]
    pub(super) fn fell_short(&mut self, conn: usize, taken: usize) {
        let link = &mut self.links[conn];
        let Some(rest) = self.outbox.rest(link.flushed, taken) else { return };
        link.remainder.get_or_insert_default().push_front(rest);
        self.take_back_waiting(conn);
        self.send_remainder(conn);
    }

    /// Sends the next piece of what did not fit, unless one is under way. Returns whether all has
    /// gone.
    fn send_remainder(&mut self, conn: usize) -> bool {
        let token = self.token(REMAINDER, conn);
        let Some(remainder) = &mut self.links[conn].remainder else { return true };
        if remainder.is_going() {
            return false;
        }
        let Some(bytes) = remainder.next() else { return true };
        // SAFETY: the bytes stay as they are until the completion, among the orphans if need be.
        unsafe { self.ring.send(file(conn), bytes, Notify::Always, token) };
        false
    }

    /// A piece of what did not fit has gone. Returns whether the core wants to know that all has.
    pub(super) fn piece_gone(&mut self, conn: usize, bytes: usize) -> bool {
        let Some(remainder) = &mut self.links[conn].remainder else { return false };
        // What was cut off is followed by the end of the connection.
        if !remainder.gone(bytes) || !self.send_remainder(conn) {
            return false;
        }
        let remainder = self.links[conn].remainder.as_mut();
        remainder.is_some_and(|remainder| std::mem::take(&mut remainder.reports))
    }

    /// The kernel has let go of bytes of a connection that was closed.
    pub(super) fn free_orphan(&mut self, token: Token) {
        self.orphans.retain(|(owner, _)| *owner != token.pack());
    }

    fn kept(&mut self, address: SocketAddr) -> AddressId {
        if let Some((_, id)) = self.addresses.iter().find(|(known, _)| *known == address) {
            return *id;
        }
        let id = self.ring.keep_address(SockAddr::from(address));
        self.addresses.push((address, id));
        id
    }

    fn connect(&mut self, conn: usize) -> io::Result<()> {
        let target = self.plan.addresses[self.plan.address_index(conn)];
        let socket = socket::new(&target, self.plan.origin(conn))?;
        let address = self.kept(target);
        self.ring.install(file(conn), &socket).map_err(RingError::into_io)?;
        let link = &mut self.links[conn];
        link.has_file = true;
        link.is_connecting = true;
        let token = self.token(CONNECT, conn);
        self.ring.connect(file(conn), address, token);
        Ok(())
    }
}

impl Net for Links {
    fn retarget(&mut self, addresses: &Arc<[SocketAddr]>) {
        self.plan.addresses = Arc::clone(addresses);
    }

    fn open(&mut self, conn: usize) {
        self.links[conn].is_waiting = true;
        self.waiting.push(conn);
    }

    #[inline]
    fn send(&mut self, conn: usize, count: usize) {
        let bytes = &self.requests[..count * self.request_bytes];
        let generation = self.links[conn].generation;
        let token = Token { kind: SEND, generation, index: file(conn) }.pack();
        // SAFETY: the bytes are never changed and live as long as the ring, which is dropped first.
        unsafe { self.ring.send(file(conn), bytes, self.notify, token) };
    }

    #[inline]
    fn write(&mut self, conn: usize, bytes: &[u8]) {
        let link = &mut self.links[conn];
        let is_small = bytes.len() <= SMALL_BATCH_BYTES;
        if is_small && link.remainder.as_ref().is_none_or(|remainder| remainder.is_empty()) {
            link.segment = self.outbox.write(conn, link.segment, bytes);
        } else {
            self.write_large(conn, bytes, !is_small);
        }
    }

    fn inspect(&mut self, conn: usize) {
        if self.can_inspect && self.links[conn].has_file {
            self.inspecting += 1;
            self.ring.install_descriptor(file(conn), self.token(INSPECT, conn));
        }
    }

    fn close(&mut self, conn: usize) {
        if self.links[conn].has_file {
            self.end_operations(conn);
            self.ring.close(file(conn), Notify::OnFailure, self.token(END, conn));
            self.must_flush = true;
        }
        let link = &mut self.links[conn];
        let generation = Token::next_generation(link.generation);
        let (full_buffers, remainder) = (link.full_buffers, link.remainder.take());
        let remainder = remainder.map(|_| Box::default());
        let segment = link.segment.emptied();
        *link = Link { generation, full_buffers, segment, remainder, ..Link::default() };
    }
}

/// The place of a connection in the table of files.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "a plan has at most 2²² connections")]
fn file(conn: usize) -> u32 {
    conn as u32
}
