//! Server: the loop of one serving thread of the built-in target. It moves the bytes; what to
//! answer is decided by [`crate::target`]'s desk.
//!
//! One turn: enter the ring, take all completions, then send at most once on each connection that
//! has something to say. A send that fits into the socket is silent; one that does not is resumed
//! when the socket is writable.
//!
//! ```text
//!          ┌──────── it fits ────────┐
//! Idle ──send──► it does not ──► Blocked ──(writable)──► Resume ──send──► …
//!
//! last answer sent ──► shut down ──► the peer ends its side ──► close
//! ```

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use super::clock::monotonic_ns;
use super::desk::{Desk, Run};
use super::response::{ResponseId, render_count};
use super::secure::Secure;
use super::wire::{Parcel, Sending, Wire};
use crate::conn::tls;
use crate::drivers::uring::{
    Buffers, BytesId, Completion, Notify, Ring, RingError, RingOptions, SMALL_BUFFER_BYTES,
    Shutdown, Token, Wait,
};

/// Place of the pipe that ends the loop in the table of files; connections get the places after it.
const STOP_FILE: u32 = 0;
const BUFFER_GROUP: u16 = 0;
const BUFFER_COUNT: u16 = 1024;
const COMPLETIONS: u32 = 8192;

const ACCEPT: u8 = 1;
const RECEIVE: u8 = 2;
const SEND: u8 = 3;
const WRITABLE: u8 = 4;
const CLOSE: u8 = 5;
const SHUT: u8 = 6;
const STOP: u8 = 7;

/// What a server is set up with.
pub(crate) struct ServerOptions {
    pub(crate) listener: TcpListener,
    /// The loop ends when the other end of this writes or closes.
    pub(crate) stop: UnixStream,
    /// Connections at the same time.
    pub(crate) connections: u32,
    /// Never sleep.
    pub(crate) spin: bool,
    /// For connections that are encrypted.
    pub(crate) tls: Option<tls::Server>,
}

/// One serving thread.
pub(crate) struct Server {
    ring: Ring,
    /// Where the ring keeps each response.
    responses: Vec<BytesId>,
    pub(super) wires: Vec<Wire>,
    pub(super) buffers: Buffers,
    pub(super) desk: Desk,
    pub(super) secure: Option<Secure>,
    listener: TcpListener,
    spin: bool,
    stopping: bool,
    accepting: bool,
    /// Connections that are open.
    open: u32,
    /// The time of this turn; 0 where nobody needs it.
    pub(super) now_ns: u64,
    batch: Vec<Completion>,
    ready: Vec<u32>,
    /// Connections whose receive found no buffer.
    starved: Vec<Token>,
}

impl Server {
    /// Makes the ring of the calling thread.
    pub(crate) fn new(options: ServerOptions, desk: Desk) -> Result<Server, RingError> {
        let mut ring = Ring::new(RingOptions {
            entries: 1024,
            completions: COMPLETIONS,
            files: options.connections + STOP_FILE + 1,
        })?;
        let buffers = Buffers::register(&mut ring, BUFFER_GROUP, BUFFER_COUNT, SMALL_BUFFER_BYTES)?;
        ring.install(STOP_FILE, &options.stop)?;
        let stop = Token { kind: STOP, generation: 0, index: STOP_FILE };
        ring.receive_multishot(STOP_FILE, BUFFER_GROUP, stop.pack());
        let responses = desk.responses().blocks().map(|bytes| ring.keep_bytes(bytes)).collect();
        Ok(Server {
            ring,
            responses,
            wires: Vec::new(),
            buffers,
            desk,
            secure: options.tls.map(Secure::new),
            listener: options.listener,
            spin: options.spin,
            stopping: false,
            accepting: false,
            open: 0,
            now_ns: 0,
            batch: Vec::with_capacity(COMPLETIONS as usize),
            ready: Vec::new(),
            starved: Vec::new(),
        })
    }

    /// Serves until it is told to stop.
    pub(crate) fn run(mut self) -> Result<(), RingError> {
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
            self.feed_starved();
        }
        Ok(())
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
            SEND => self.on_short_send(token, completion),
            WRITABLE => self.on_writable(token),
            ACCEPT => self.on_accept(completion),
            SHUT => self.on_shut(token),
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
        self.shake_hands(connection);
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
            // All buffers are taken; this turn gives them back, and receiving goes on after it.
            Err(libc::ENOBUFS) => self.starved.push(token),
            Err(_) => self.break_off(connection),
        }
        if let Some(id) = completion.buffer() {
            self.buffers.recycle(id);
        }
        if !completion.more() && completion.count() != Err(libc::ENOBUFS) {
            self.on_receive_end(connection);
        }
    }

    /// Receives again where buffers had run out. Only after they were given back: before, each
    /// receive would fail at once, and failures are completions, which this turn waits to see the
    /// end of.
    fn feed_starved(&mut self) {
        while let Some(token) = self.starved.pop() {
            // It may have been closed in this turn.
            if self.wires[token.index as usize].generation == token.generation {
                self.on_receive_end(token.index);
            }
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
        let Some(id) = completion.buffer() else { return };
        if self.secure.is_some() {
            return self.on_records(connection, id, length);
        }
        if self.desk.is_recording() {
            self.now_ns = monotonic_ns();
        }
        self.desk.receive(connection, self.buffers.get(id, length), self.now_ns);
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
        match (wire.sending, wire.parcel) {
            _ if wire.broken => self.close(connection),
            (Sending::Blocked, _) => {}
            (Sending::Resume, Some(parcel)) => self.send(connection, parcel),
            _ if wire.has_handshake() => self.send_handshake(connection),
            _ => match self.desk.next_run(connection) {
                Some(run) => self.send_run(connection, run),
                None => self.end(connection),
            },
        }
    }

    /// Ends a connection that has nothing more to say.
    fn end(&mut self, connection: u32) {
        let wire = &self.wires[connection as usize];
        if !self.desk.is_drained(connection) {
            // Answers are waiting to be due.
        } else if wire.ended {
            self.close(connection);
        } else if self.desk.is_last_decided(connection)
            && !wire.shut
            && !self.says_goodbye(connection)
        {
            self.shut(connection);
        }
    }

    #[inline]
    fn send_run(&mut self, connection: u32, run: Run) {
        let rendered = run.response.is_count().then(|| {
            let closes = run.response == ResponseId::LAST_COUNT;
            render_count(&self.desk.counts_json(), closes)
        });
        let bytes = match &rendered {
            Some(rendered) => rendered,
            None => self.desk.responses().bytes(run.response, run.count),
        };
        let plain = bytes.len();
        let wire = &mut self.wires[connection as usize];
        let own_bytes = match (&mut wire.session, &mut self.secure) {
            (Some(session), Some(secure)) => {
                session.encrypt(bytes, &mut secure.buffers).map(|records| Some(records.into()))
            }
            _ => Ok(rendered.map(Into::into)),
        };
        self.desk.add_bytes_sent(plain as u64);
        match own_bytes {
            Ok(own_bytes) => {
                let length = own_bytes.as_ref().map_or(plain, |bytes: &Arc<[u8]>| bytes.len());
                wire.own_bytes = own_bytes;
                self.send(connection, Parcel { run: Some(run), offset: 0, length, plain });
            }
            Err(_) => {
                self.lose(Parcel { run: Some(run), offset: 0, length: plain, plain });
                self.break_off(connection);
            }
        }
        if self.desk.is_over_limit(connection) {
            self.break_off(connection);
        }
    }

    /// Sends what is left of a parcel. The next step, if there is one, is taken in the next turn:
    /// by then it is known whether it did fit.
    #[inline]
    pub(super) fn send(&mut self, connection: u32, parcel: Parcel) {
        let token = self.token(SEND, connection);
        let wire = &mut self.wires[connection as usize];
        wire.sending = Sending::Idle;
        wire.parcel = Some(parcel);
        let goes_on = wire.ended || wire.has_handshake();
        let rest = parcel.offset..parcel.length;
        match (&wire.own_bytes, parcel.run) {
            (Some(bytes), _) => {
                self.ring.send_shared_now(connection, Arc::clone(bytes), rest, token);
            }
            (None, Some(run)) => {
                let bytes = self.responses[run.response.index()];
                self.ring.send_kept_now(connection, bytes, rest, token);
            }
            (None, None) => {}
        }
        if goes_on || self.desk.has_output(connection) || self.desk.is_last_decided(connection) {
            self.desk.mark_ready(connection);
        }
    }

    /// A silent send has spoken: it did not fit, or failed.
    #[cold]
    fn on_short_send(&mut self, token: Token, completion: &Completion) {
        let writable = self.token(WRITABLE, token.index);
        let wire = &mut self.wires[token.index as usize];
        let (true, Some(parcel)) = (wire.generation == token.generation, &mut wire.parcel) else {
            return;
        };
        parcel.offset += completion.count().map_or(0, |count| count as usize);
        if matches!(completion.count(), Ok(_) | Err(libc::EAGAIN)) && !wire.broken {
            wire.sending = Sending::Blocked;
            self.ring.wait_writable(token.index, writable);
        } else {
            wire.sending = Sending::Resume;
            self.break_off(token.index);
        }
    }

    #[cold]
    fn on_writable(&mut self, token: Token) {
        let wire = &mut self.wires[token.index as usize];
        if wire.generation == token.generation {
            wire.sending = Sending::Resume;
            self.desk.mark_ready(token.index);
        }
    }

    /// What is left of a parcel will not reach the peer: so it was not sent.
    #[cold]
    fn lose(&mut self, parcel: Parcel) {
        let Some(run) = parcel.run else { return };
        let left = parcel.plain_left();
        self.desk.take_back_bytes_sent(left as u64);
        let response = run.response;
        if response.is_final() && !response.is_count() {
            let unit = self.desk.responses().unit(response);
            self.desk.unsent(left.div_ceil(unit) as u64);
        }
    }

    /// Gives a connection up; it is closed when nothing is under way on it.
    pub(super) fn break_off(&mut self, connection: u32) {
        self.desk.give_up(connection);
        self.wires[connection as usize].broken = true;
        self.desk.mark_ready(connection);
    }

    /// Everything is said: the peer learns it, and closes.
    fn shut(&mut self, connection: u32) {
        let wire = &mut self.wires[connection as usize];
        wire.shut = true;
        wire.shutting = true;
        let token = self.token(SHUT, connection);
        self.ring.shutdown(connection, Shutdown::Write, Notify::Always, token);
    }

    fn on_shut(&mut self, token: Token) {
        self.wires[token.index as usize].shutting = false;
        self.desk.mark_ready(token.index);
    }

    /// Closes a connection, or first ends what is under way on it and holds the socket.
    fn close(&mut self, connection: u32) {
        let token = self.token(CLOSE, connection);
        let wire = &mut self.wires[connection as usize];
        // The kernel shuts down in a thread of its own and looks only then which connection has the
        // place: it must not be the next one.
        if wire.shutting {
            return;
        }
        if wire.receiving || wire.sending == Sending::Blocked {
            self.ring.cancel_all(connection, Notify::OnFailure, token);
            return;
        }
        let generation = Token::next_generation(wire.generation);
        let wire = std::mem::replace(wire, Wire { generation, ..Wire::default() });
        if let (Sending::Resume, Some(parcel)) = (wire.sending, wire.parcel) {
            self.lose(parcel);
        }
        self.open -= 1;
        self.desk.close(connection);
        self.ring.close(connection, Notify::OnFailure, token);
        if !self.accepting {
            self.accept();
        }
    }
}

/// Ends the loop of the server that holds the other end.
pub(crate) fn stop(stop: &UnixStream) {
    let mut stop = stop;
    // A server that is gone has stopped.
    stop.write_all(&[0]).ok();
}
