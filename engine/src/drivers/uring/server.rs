//! Server: the loop of one serving thread of the built-in target. It moves the bytes; what to
//! answer is decided by [`crate::target`]'s desk.
//!
//! One turn: enter the ring, take all completions, then send at most once on each connection that
//! has something to say. A send goes out by [`Ring::send_now`], silently; only if it did not fit
//! into the socket is the rest sent with a completion to wait for.
//!
//! ```text
//!            ┌──────────── fits ───────────┐
//! Idle ──► send_now ──► does not fit ──► Sending ──(done)──► Idle ──(last answer)──► shutdown
//!                                                                      │
//! receive ends (end of stream, reset) and not Sending ──► close ◄──────┘ (peer's end of stream)
//! ```

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use super::{
    Buffers, Completion, Counters, Notify, Ring, RingError, RingOptions, Shutdown, Token, Wait,
};
use crate::target::clock::monotonic_ns;
use crate::target::desk::{Desk, Run};
use crate::target::response::{ResponseId, Responses, render_count};

/// Place of the pipe that ends the loop in the table of files; connections get the places after it.
const STOP_FILE: u32 = 0;
const BUFFER_GROUP: u16 = 0;
const BUFFER_COUNT: u16 = 1024;
const COMPLETIONS: u32 = 8192;

const ACCEPT: u8 = 1;
const RECEIVE: u8 = 2;
const SEND: u8 = 3;
const CLOSE: u8 = 4;
const STOP: u8 = 5;

/// What a server is set up with.
pub(crate) struct ServerOptions {
    pub(crate) listener: TcpListener,
    /// The loop ends when the other end of this writes or closes.
    pub(crate) stop: UnixStream,
    /// Connections at the same time.
    pub(crate) connections: u32,
    /// Never sleep.
    pub(crate) spin: bool,
}

/// One serving thread.
pub(crate) struct Server {
    // First: the kernel lets go of all bytes before they are freed.
    ring: Ring,
    responses: Arc<Responses>,
    wires: Vec<Wire>,
    buffers: Buffers,
    desk: Desk,
    listener: TcpListener,
    spin: bool,
    stopping: bool,
    accepting: bool,
    /// Connections that are open.
    open: u32,
    /// The time of this turn; 0 where nobody needs it.
    now_ns: u64,
    batch: Vec<Completion>,
    ready: Vec<u32>,
}

/// The kernel's side of a connection. Its number is its place in the table of files.
#[derive(Default)]
struct Wire {
    generation: u32,
    /// A receive is armed.
    receiving: bool,
    /// A send with a completion is under way.
    sending: bool,
    /// The peer has ended its side.
    ended: bool,
    /// Nothing can be sent any more.
    broken: bool,
    /// Our side is shut down.
    shut: bool,
    /// What was sent last, or is being sent.
    parcel: Option<Parcel>,
    /// The bytes of an answer with counts, in place while they are sent.
    own_bytes: Box<[u8]>,
}

/// A run of answers on its way.
#[derive(Clone, Copy)]
struct Parcel {
    run: Run,
    /// Bytes that the kernel has taken before.
    offset: usize,
    /// Bytes in all.
    length: usize,
}

impl Server {
    /// Makes the ring of the calling thread.
    pub(crate) fn new(options: ServerOptions, desk: Desk) -> Result<Server, RingError> {
        let mut ring = Ring::new(RingOptions {
            entries: 1024,
            completions: COMPLETIONS,
            files: options.connections + STOP_FILE + 1,
        })?;
        let buffers = Buffers::register(&mut ring, BUFFER_GROUP, BUFFER_COUNT)?;
        ring.install(STOP_FILE, &options.stop)?;
        let stop = Token { kind: STOP, generation: 0, index: STOP_FILE };
        ring.receive_multishot(STOP_FILE, BUFFER_GROUP, stop.pack());
        Ok(Server {
            ring,
            responses: Arc::clone(desk.responses()),
            wires: Vec::new(),
            buffers,
            desk,
            listener: options.listener,
            spin: options.spin,
            stopping: false,
            accepting: false,
            open: 0,
            now_ns: 0,
            batch: Vec::with_capacity(COMPLETIONS as usize),
            ready: Vec::new(),
        })
    }

    /// Serves until it is told to stop.
    pub(crate) fn run(mut self) -> Result<Counters, RingError> {
        self.accept();
        while !self.stopping {
            self.enter()?;
            // Sends of the last turn that the kernel was too busy to take come before new ones.
            let may_send = !self.ring.has_unsubmitted();
            if self.desk.needs_clock() {
                self.now_ns = monotonic_ns();
            }
            self.take_completions();
            self.desk.release_due(self.now_ns);
            // Before and after sending: whoever has an answer finds its request counted, and the
            // answer too unless the queue was so full that it left early.
            self.desk.show_counts();
            if may_send {
                self.send_ready();
            }
            self.desk.show_counts();
            self.buffers.publish();
        }
        Ok(self.ring.counters())
    }

    fn accept(&mut self) {
        self.accepting = true;
        let token = Token { kind: ACCEPT, generation: 0, index: 0 };
        self.ring.accept_multishot(&self.listener, token.pack());
    }

    #[inline]
    fn enter(&mut self) -> Result<(), RingError> {
        if self.desk.has_ready() {
            return self.ring.enter(Wait::No);
        }
        if self.spin {
            return self.spin();
        }
        self.ring.enter(match self.desk.next_due_ns() {
            None => Wait::For(1),
            Some(due_ns) => {
                Wait::Within { count: 1, timeout_ns: due_ns.saturating_sub(monotonic_ns()) }
            }
        })
    }

    /// Submits, then looks without sleeping until there is something to do.
    fn spin(&mut self) -> Result<(), RingError> {
        self.ring.enter(Wait::No)?;
        while !self.ring.has_work() {
            if self.desk.next_due_ns().is_some_and(|due_ns| due_ns <= monotonic_ns()) {
                return Ok(());
            }
            std::hint::spin_loop();
        }
        self.ring.enter(Wait::No)
    }

    /// All of them, before anything is sent: a send that did not fit must be known before the next.
    fn take_completions(&mut self) {
        let mut batch = std::mem::take(&mut self.batch);
        loop {
            batch.clear();
            if self.ring.reap(&mut batch) == 0 {
                break;
            }
            for completion in &batch {
                self.take(completion);
            }
        }
        self.batch = batch;
    }

    #[inline]
    fn take(&mut self, completion: &Completion) {
        let token = Token::unpack(completion.user_data);
        match token.kind {
            RECEIVE => self.on_receive(token, completion),
            SEND => self.on_send(token, completion),
            ACCEPT => self.on_accept(completion),
            STOP => self.stopping = true,
            _ => {}
        }
    }

    fn on_accept(&mut self, completion: &Completion) {
        self.accepting = completion.more();
        match completion.count() {
            Ok(connection) => self.open(connection),
            // No place is left: accepting goes on when a connection has ended.
            Err(libc::ENFILE) if self.open > 0 => return,
            // The peer was gone before it was accepted.
            Err(_) => {}
        }
        if !self.accepting {
            self.accept();
        }
    }

    fn open(&mut self, connection: u32) {
        let index = connection as usize;
        if self.wires.len() <= index {
            self.wires.resize_with(index + 1, Wire::default);
        }
        let generation = self.wires[index].generation;
        self.wires[index] = Wire { generation, ..Wire::default() };
        self.open += 1;
        self.desk.open(connection);
        self.receive(connection);
    }

    fn token(&self, kind: u8, connection: u32) -> u64 {
        let generation = self.wires[connection as usize].generation;
        Token { kind, generation, index: connection }.pack()
    }

    fn receive(&mut self, connection: u32) {
        let token = self.token(RECEIVE, connection);
        self.wires[connection as usize].receiving = true;
        self.ring.receive_multishot(connection, BUFFER_GROUP, token);
    }

    #[inline]
    fn on_receive(&mut self, token: Token, completion: &Completion) {
        let connection = token.index;
        // A place is given away only after its receive has ended, so this one is current.
        let wire = &mut self.wires[connection as usize];
        debug_assert_eq!(wire.generation, token.generation);
        wire.receiving = completion.more();
        match completion.count() {
            Ok(0) => wire.ended = true,
            Ok(length) => self.on_bytes(connection, completion, length),
            // All buffers were taken; this turn gives them back.
            Err(libc::ENOBUFS) => {}
            Err(_) => self.break_off(connection),
        }
        if let Some(id) = completion.buffer() {
            self.buffers.recycle(id);
        }
        if !completion.more() {
            self.on_receive_end(connection);
        }
    }

    fn on_receive_end(&mut self, connection: u32) {
        let wire = &self.wires[connection as usize];
        if wire.ended || wire.broken {
            self.desk.mark_ready(connection);
        } else {
            self.receive(connection);
        }
    }

    #[inline]
    fn on_bytes(&mut self, connection: u32, completion: &Completion, length: u32) {
        if self.desk.is_recording() {
            self.now_ns = monotonic_ns();
        }
        if let Some(id) = completion.buffer() {
            self.desk.receive(connection, self.buffers.get(id, length), self.now_ns);
        }
    }

    /// Sends the next answers of every connection that has some, or ends it.
    fn send_ready(&mut self) {
        let mut ready = std::mem::take(&mut self.ready);
        self.desk.take_ready(&mut ready);
        for &connection in &ready {
            self.advance(connection);
        }
        self.ready = ready;
    }

    /// One step of a connection: send, shut down or close.
    #[inline]
    fn advance(&mut self, connection: u32) {
        let wire = &self.wires[connection as usize];
        if wire.broken {
            self.close(connection);
        } else if wire.sending {
            // The next step is taken when it is done.
        } else if let Some(run) = self.desk.next_run(connection) {
            self.send_run(connection, run);
        } else if self.desk.is_drained(connection) {
            if wire.ended {
                self.close(connection);
            } else if self.desk.is_last_decided(connection) && !wire.shut {
                self.shut(connection);
            }
        }
    }

    #[inline]
    fn send_run(&mut self, connection: u32, run: Run) {
        let index = connection as usize;
        if run.response.is_count() {
            let closes = run.response == ResponseId::LAST_COUNT;
            self.wires[index].own_bytes = render_count(&self.desk.counts_json(), closes);
        }
        let length = bytes_of(&self.responses, &self.wires[index], run).len();
        self.desk.add_bytes_sent(length as u64);
        let parcel = Parcel { run, offset: 0, length };
        self.wires[index].parcel = Some(parcel);
        let leads_to_end = self.wires[index].ended || self.desk.is_last_decided(connection);
        if run.response.is_count() || (leads_to_end && self.desk.is_drained(connection)) {
            self.send_rest(connection, parcel);
            return;
        }
        let token = self.token(SEND, connection);
        let bytes = self.responses.bytes(run.response, run.count);
        // SAFETY: the bytes belong to `responses`, which never changes and outlives the ring.
        unsafe { self.ring.send_now(connection, bytes, token) };
        if self.desk.has_output(connection) {
            self.desk.mark_ready(connection);
            if self.desk.is_over_limit(connection) {
                self.break_off(connection);
            }
        }
    }

    /// Sends what is left of a parcel, with a completion.
    fn send_rest(&mut self, connection: u32, parcel: Parcel) {
        let token = self.token(SEND, connection);
        let wire = &mut self.wires[connection as usize];
        wire.sending = true;
        wire.parcel = Some(parcel);
        let bytes = bytes_of(&self.responses, wire, parcel.run);
        // SAFETY: the bytes belong to `responses`, or to the wire, which leaves them alone while
        // `sending`; both outlive the ring, and the bytes stay where they are when the wires grow.
        unsafe {
            self.ring.send(connection, &bytes[parcel.offset..], Notify::Always, token);
        }
    }

    /// A send has ended that was not silent, or should have been: it did not fit, or failed.
    #[cold]
    fn on_send(&mut self, token: Token, completion: &Completion) {
        let wire = &mut self.wires[token.index as usize];
        if wire.generation != token.generation {
            return;
        }
        let Some(mut parcel) = wire.parcel.take() else { return };
        wire.sending = false;
        match completion.count() {
            Ok(count) => parcel.offset += count as usize,
            Err(libc::EAGAIN) => {}
            Err(_) => return self.lose(token.index, parcel),
        }
        if parcel.offset == parcel.length {
            self.desk.mark_ready(token.index);
        } else if wire.broken {
            self.lose(token.index, parcel);
        } else {
            self.send_rest(token.index, parcel);
        }
    }

    /// The rest of a parcel will not reach the peer: so it was not sent.
    fn lose(&mut self, connection: u32, parcel: Parcel) {
        let left = parcel.length - parcel.offset;
        self.desk.take_back_bytes_sent(left as u64);
        if parcel.run.response.is_final() && !parcel.run.response.is_count() {
            let unit = self.responses.unit(parcel.run.response);
            self.desk.unsent(left.div_ceil(unit) as u64);
        }
        self.break_off(connection);
    }

    /// Gives a connection up; it is closed when nothing is under way on it.
    fn break_off(&mut self, connection: u32) {
        self.desk.give_up(connection);
        self.wires[connection as usize].broken = true;
        self.desk.mark_ready(connection);
    }

    /// Everything is said: the peer learns it, and closes.
    fn shut(&mut self, connection: u32) {
        self.wires[connection as usize].shut = true;
        let token = self.token(CLOSE, connection);
        self.ring.shutdown(connection, Shutdown::Write, Notify::OnFailure, token);
    }

    /// Closes a connection, or first ends what is under way on it and holds the socket.
    fn close(&mut self, connection: u32) {
        let token = self.token(CLOSE, connection);
        let wire = &mut self.wires[connection as usize];
        if wire.receiving || wire.sending {
            self.ring.cancel_all(connection, Notify::OnFailure, token);
            return;
        }
        let generation = Token::next_generation(wire.generation);
        *wire = Wire { generation, ..Wire::default() };
        self.open -= 1;
        self.desk.close(connection);
        self.ring.close(connection, Notify::OnFailure, token);
        if !self.accepting {
            self.accept();
        }
    }
}

fn bytes_of<'a>(responses: &'a Responses, wire: &'a Wire, run: Run) -> &'a [u8] {
    if run.response.is_count() { &wire.own_bytes } else { responses.bytes(run.response, run.count) }
}

/// Ends the loop of the server that holds the other end.
pub(crate) fn stop(stop: &UnixStream) {
    let mut stop = stop;
    // A server that is gone has stopped.
    stop.write_all(&[0]).ok();
}
