//! The simulated network: connections with a server at the end of each, and what is under way.
//!
//! It holds the core to the contract of [`Net`], and counts what servers received and answered.

use super::random::Random;
use super::scenario::{Faults, Scenario, Split};
use super::secure::{Piece, Secure};
use super::server::{GOOD_BYE, Reply};
use crate::plan::Plan;
use crate::shard::{Closed, Net, SMALL_BATCH_BYTES};
use acp_wire::ErrorClass;
use rustls::ServerConfig;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

/// What a driver tells the core.
#[derive(Debug)]
pub(super) enum Event {
    Opened,
    OpenFailed(ErrorClass),
    Received {
        bytes: Vec<u8>,
        /// How many responses end in them.
        ends: usize,
        /// One of these says that the connection carries no other.
        is_last: bool,
    },
    Written,
    Closed(Closed),
}

/// Something that happens to the present life of a connection at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Token {
    pub(super) at_ns: u64,
    sequence: u64,
    pub(super) conn: usize,
    generation: u64,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// The next event of its queue is there.
    Next,
    /// The server closes, whatever is under way.
    Doom { is_reset: bool },
    /// The server speaks if nobody has asked.
    GoodBye { closes: bool },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    #[default]
    Closed,
    Connecting,
    Open,
}

/// One connection, both ends.
#[derive(Default)]
pub(super) struct Link {
    pub(super) state: State,
    generation: u64,
    /// Since when it is in its state.
    pub(super) since_ns: u64,
    /// When each request was written that has no whole response yet.
    pub(super) asked_ns: VecDeque<u64>,
    pub(super) issued: u64,
    /// Responses that the client has got.
    served: u64,
    /// A send was not reported as written.
    pub(super) is_writing: bool,
    pub(super) written_since_ns: u64,
    events: VecDeque<(u64, Event)>,
    /// The server has done all it did up to here.
    server_ns: u64,
    /// The server reads no more.
    is_deaf: bool,
    /// The client knows that.
    is_last: bool,
    /// The server's side of its encryption.
    secure: Option<Box<Secure>>,
}

/// All connections of one shard.
pub(super) struct Network {
    pub(super) links: Vec<Link>,
    pub(super) random: Random,
    pub(super) now: u64,
    /// The core was told to stop.
    pub(super) is_stopped: bool,
    pub(super) is_traced: bool,
    /// Requests handed to connections.
    pub(super) sends: u64,
    /// Bytes of them.
    pub(super) sent_bytes: u64,
    /// Requests that servers have received and answered, in full.
    pub(super) received: u64,
    pub(super) answered: u64,
    /// Requests whose connection ended when it had carried others.
    pub(super) lost_on_used: u64,
    /// Sum of the times from a request to the end of its response.
    pub(super) service_ns: u64,
    /// Calls of the core.
    pub(super) calls: u64,
    /// By this servers encrypt.
    pub(super) secure: Option<Arc<ServerConfig>>,
    /// Connections that the core has asked about, and how many there were in all.
    pub(super) asked: Vec<usize>,
    pub(super) inspections: u64,
    faults: Faults,
    plan: Arc<Plan>,
    wants_written: bool,
    tokens: BinaryHeap<Reverse<Token>>,
    sequence: u64,
}

impl Network {
    pub(super) fn new(
        scenario: &Scenario,
        connections: u32,
        wants_written: bool,
        random: Random,
        is_traced: bool,
    ) -> Self {
        Self {
            links: (0..connections).map(|_| Link::default()).collect(),
            random,
            now: 0,
            is_stopped: false,
            is_traced,
            sends: 0,
            sent_bytes: 0,
            received: 0,
            answered: 0,
            lost_on_used: 0,
            service_ns: 0,
            calls: 0,
            secure: None,
            asked: Vec::new(),
            inspections: 0,
            faults: scenario.faults.clone(),
            plan: Arc::clone(&scenario.plan),
            wants_written,
            tokens: BinaryHeap::new(),
            sequence: 0,
        }
    }

    pub(super) fn trace(&self, what: impl FnOnce() -> String) {
        if self.is_traced {
            eprintln!("{:>14} {}", self.now, what());
        }
    }

    pub(super) fn open_links(&self) -> u64 {
        self.links.iter().filter(|link| link.state == State::Open).count() as u64
    }

    /// When something happens next.
    pub(super) fn next_ns(&self) -> Option<u64> {
        self.tokens.peek().map(|Reverse(token)| token.at_ns)
    }

    /// Everything that has happened by now, in no order but that of each connection.
    pub(super) fn take_due(&mut self) -> Vec<Token> {
        let mut due = Vec::new();
        while let Some(Reverse(token)) = self.tokens.peek()
            && token.at_ns <= self.now
        {
            due.extend(self.tokens.pop().map(|Reverse(token)| token));
        }
        // Which event of a connection a token brings is up to the connection's queue.
        if !self.faults.is_calm {
            self.random.shuffle(&mut due);
        }
        due
    }

    /// What a token brings; nothing if its connection was closed since then.
    pub(super) fn arrive(&mut self, token: Token) -> Option<Event> {
        let link = &mut self.links[token.conn];
        if link.generation != token.generation {
            return None;
        }
        match token.kind {
            Kind::Next => {}
            Kind::Doom { is_reset } => self.doom(token.conn, token.at_ns, is_reset),
            Kind::GoodBye { closes } => {
                self.say_good_bye(token.conn, token.at_ns, closes);
                return None;
            }
        }
        self.take_event(token.conn)
    }

    fn take_event(&mut self, conn: usize) -> Option<Event> {
        let link = &mut self.links[conn];
        let is_there = |events: &VecDeque<(u64, Event)>, now| {
            events.front().is_some_and(|&(at_ns, _)| at_ns <= now)
        };
        if !is_there(&link.events, self.now) {
            return None;
        }
        let (_, mut event) = link.events.pop_front()?;
        if let Event::Received { bytes, ends, is_last } = &mut event {
            while is_there(&link.events, self.now)
                && matches!(link.events.front(), Some((_, Event::Received { .. })))
                && self.random.chance(self.faults.merged)
                && let Some((
                    _,
                    Event::Received { bytes: more, ends: more_ends, is_last: more_last },
                )) = link.events.pop_front()
            {
                bytes.extend_from_slice(&more);
                *ends += more_ends;
                *is_last |= more_last;
            }
        }
        let event = if link.secure.is_some() { self.encrypt(conn, event)? } else { event };
        let link = &mut self.links[conn];
        match event {
            Event::Received { ends, is_last, .. } => {
                link.is_last |= is_last;
                link.served += ends as u64;
                for asked_ns in link.asked_ns.drain(..ends.min(link.asked_ns.len())) {
                    self.service_ns += self.now - asked_ns;
                }
            }
            // Where there is a handshake to come, the client has yet to say when it is done.
            Event::Opened if link.secure.is_none() => {
                (link.state, link.since_ns) = (State::Open, self.now);
            }
            Event::Written => link.is_writing = false,
            Event::Opened | Event::OpenFailed(_) | Event::Closed(_) => {}
        }
        Some(event)
    }

    /// What comes of an event of an encrypted connection; nothing if that is yet to come.
    fn encrypt(&mut self, conn: usize, event: Event) -> Option<Event> {
        let link = &mut self.links[conn];
        let secure = link.secure.as_mut()?;
        let piece = match event {
            Event::Received { bytes, ends, is_last } => {
                if self.random.chance(self.faults.garbage) {
                    secure.break_off(&mut self.random);
                }
                secure.say(&bytes, ends, is_last);
                secure.next(&mut self.random, self.faults.split)
            }
            Event::Closed(Closed::Gracefully) => {
                if self.random.chance(700) {
                    secure.say_good_bye();
                }
                let rest = secure.rest(&mut self.random);
                if rest.is_none() {
                    return Some(event);
                }
                self.push(conn, self.now, event);
                rest
            }
            event => return Some(event),
        };
        self.speak_on(conn, self.now);
        piece.map(|Piece { bytes, ends, is_last }| Event::Received { bytes, ends, is_last })
    }

    /// What an encrypted connection has yet to bring comes a little later.
    fn speak_on(&mut self, conn: usize, now: u64) {
        if self.links[conn].secure.as_ref().is_some_and(|secure| secure.has_more()) {
            let at_ns = now + self.random.spread(100, 20_000);
            let (bytes, ends, is_last) = (Vec::new(), 0, false);
            self.push(conn, at_ns, Event::Received { bytes, ends, is_last });
        }
    }

    /// The client takes a connection for open, which it knows before the server does.
    pub(super) fn note_handshake(&mut self, conn: usize) {
        let link = &mut self.links[conn];
        if link.state == State::Connecting {
            (link.state, link.since_ns) = (State::Open, self.now);
        }
    }

    /// The server closes at `at_ns`; what it sent before that still comes, unless it is a reset.
    fn doom(&mut self, conn: usize, at_ns: u64, is_reset: bool) {
        let link = &mut self.links[conn];
        link.is_deaf = true;
        link.events.retain(|&(sent_ns, _)| !is_reset && sent_ns <= at_ns);
        let how = if is_reset { Closed::Broken } else { Closed::Gracefully };
        link.events.push_back((at_ns, Event::Closed(how)));
    }

    fn say_good_bye(&mut self, conn: usize, at_ns: u64, closes: bool) {
        let link = &mut self.links[conn];
        if link.state != State::Open || link.is_deaf || !link.asked_ns.is_empty() {
            return;
        }
        let bytes = if closes { GOOD_BYE } else { b"\r\n" };
        link.is_deaf = closes;
        // A request that crosses with it takes it for its answer.
        self.answered += u64::from(closes);
        self.push(
            conn,
            at_ns,
            Event::Received { bytes: bytes.to_vec(), ends: usize::from(closes), is_last: closes },
        );
        if closes {
            self.push(conn, at_ns, Event::Closed(Closed::Gracefully));
        }
    }

    /// Adds an event to the queue of a connection, and the token that brings it.
    fn push(&mut self, conn: usize, at_ns: u64, event: Event) {
        let link = &mut self.links[conn];
        let at_ns = at_ns.max(self.now);
        let place = link.events.partition_point(|&(other_ns, _)| other_ns <= at_ns);
        link.events.insert(place, (at_ns, event));
        self.schedule(conn, at_ns, Kind::Next);
    }

    fn schedule(&mut self, conn: usize, at_ns: u64, kind: Kind) {
        self.sequence += 1;
        let generation = self.links[conn].generation;
        let token = Token { at_ns, sequence: self.sequence, conn, generation, kind };
        self.tokens.push(Reverse(token));
    }

    fn connect(&mut self, conn: usize) {
        let (random, faults) = (&mut self.random, &self.faults);
        if random.chance(faults.exhausted) {
            let class = random.pick(&[ErrorClass::PortsExhausted, ErrorClass::TooManyFiles]);
            return self.push(conn, self.now, Event::OpenFailed(class));
        }
        let at_ns = self.now + random.spread(5_000, faults.connect_max_ns);
        if random.chance(faults.refused) {
            return self.push(conn, at_ns, Event::OpenFailed(ErrorClass::ConnectRefused));
        }
        if random.chance(faults.unanswered) {
            return;
        }
        let life_ns = random.spread(1_000, faults.life_max_ns.max(1_000));
        let doom = random.chance(faults.doomed).then(|| random.chance(500));
        let good_bye = random.chance(faults.unsolicited).then(|| random.chance(700));
        self.links[conn].secure = self.secure.as_ref().map(|config| Box::new(Secure::new(config)));
        self.push(conn, at_ns, Event::Opened);
        if let Some(is_reset) = doom {
            self.schedule(conn, at_ns + life_ns, Kind::Doom { is_reset });
        }
        if let Some(closes) = good_bye {
            self.schedule(conn, at_ns + life_ns, Kind::GoodBye { closes });
        }
    }

    /// The server reads `count` requests, one after the other, and answers.
    fn serve(&mut self, conn: usize, count: usize) {
        let mut read_ns = self.now + self.random.spread(2_000, 10_000);
        for _ in 0..count {
            let begun_ns = read_ns;
            if self.faults.is_read_slowly {
                read_ns += self.random.spread(1_000, 5_000_000);
            }
            if self.links[conn].is_deaf || self.random.chance(self.faults.stuck) {
                self.links[conn].is_deaf = true;
                return;
            }
            let is_early = self.random.chance(self.faults.early);
            self.answer(conn, if is_early { begun_ns } else { read_ns });
        }
        if self.links[conn].is_writing {
            self.push(conn, read_ns, Event::Written);
        }
    }

    /// The server has received one request and answers it after those before it.
    fn answer(&mut self, conn: usize, asked_ns: u64) {
        let mut think_ns = self.random.spread(1_000, self.faults.think_max_ns);
        if self.random.chance(self.faults.stalled) {
            think_ns += self.random.spread(1_000_000, self.faults.stall_max_ns);
        }
        let mut at_ns = self.links[conn].server_ns.max(asked_ns) + think_ns;
        let reply = Reply::new(&mut self.random, &self.plan, &self.faults);
        self.received += 1;
        self.answered += u64::from(reply.is_whole);
        let mut begin = 0;
        while begin < reply.bytes.len() {
            let left = reply.bytes.len() - begin;
            let length = match self.faults.split {
                Split::Whole => left,
                Split::Bytes if left < 200 => 1,
                Split::Bytes | Split::Pieces => self.random.index(left) + 1,
            };
            let ends = reply.end.is_some_and(|end| begin < end && end <= begin + length);
            let bytes = reply.bytes[begin..begin + length].to_vec();
            let is_last = ends && reply.says_close;
            self.push(conn, at_ns, Event::Received { bytes, ends: usize::from(ends), is_last });
            at_ns += if self.random.chance(500) { 0 } else { self.random.spread(100, 20_000) };
            begin += length;
        }
        if let Some(how) = reply.close {
            self.links[conn].is_deaf = true;
            at_ns += self.random.spread(1, 200_000);
            self.push(conn, at_ns, Event::Closed(how));
        }
        self.links[conn].server_ns = at_ns;
    }
}

impl Network {
    /// Bytes of requests come to the server, in so many bytes on the wire. Requests from a feed have
    /// no body here, so their ends can be counted.
    fn hear(&mut self, conn: usize, plain: &[u8], bytes: usize) {
        let request = &self.plan.request.bytes;
        let count = match plain.starts_with(request) {
            true => plain.len() / request.len(),
            false => plain.windows(4).filter(|&window| window == b"\r\n\r\n").count(),
        };
        self.sent_bytes += plain.len() as u64;
        self.carry(conn, count, bytes > SMALL_BATCH_BYTES);
    }

    /// Requests come to the server.
    fn carry(&mut self, conn: usize, count: usize, wants_written: bool) {
        self.trace(|| format!("{conn:>3} send {count}"));
        self.calls += 1;
        self.sends += count as u64;
        let link = &mut self.links[conn];
        assert!(!self.is_stopped, "a request is written after the stop");
        assert_eq!(link.state, State::Open, "a request is written to connection {conn}");
        assert!(!link.is_writing, "a send on connection {conn}, which is still writing");
        assert!(!link.is_last, "a request on connection {conn}, which was said to close");
        assert!(count > 0, "an empty send");
        link.asked_ns.extend(std::iter::repeat_n(self.now, count));
        assert!(link.asked_ns.len() <= self.plan.pipeline as usize, "deeper than the pipeline");
        link.issued += count as u64;
        let most = self.plan.requests_per_connection.map_or(u64::MAX, u64::from);
        let most = if self.plan.keep_alive { most } else { 1 };
        assert!(link.issued <= most, "more requests than a connection may carry");
        (link.is_writing, link.written_since_ns) = (wants_written, self.now);
        self.serve(conn, count);
    }
}

impl Net for Network {
    fn retarget(&mut self, _: &Arc<[SocketAddr]>) {
        self.calls += 1;
    }

    fn open(&mut self, conn: usize) {
        self.trace(|| format!("{conn:>3} open"));
        self.calls += 1;
        let link = &mut self.links[conn];
        assert_eq!(link.state, State::Closed, "connection {conn} is opened, but was not closed");
        let generation = link.generation;
        *link =
            Link { state: State::Connecting, generation, since_ns: self.now, ..Link::default() };
        self.connect(conn);
    }

    fn send(&mut self, conn: usize, count: usize) {
        let wants_written = self.wants_written;
        self.sent_bytes += (count * self.plan.request.bytes.len()) as u64;
        self.carry(conn, count, wants_written);
    }

    fn write(&mut self, conn: usize, bytes: &[u8]) {
        assert!(!self.is_stopped, "bytes are written after the stop");
        let Some(secure) = &mut self.links[conn].secure else {
            return self.hear(conn, bytes, bytes.len());
        };
        let plain = secure.hear(bytes);
        self.speak_on(conn, self.now);
        if !plain.is_empty() {
            self.note_handshake(conn);
            self.hear(conn, &plain, bytes.len());
        }
    }

    fn inspect(&mut self, conn: usize) {
        assert_eq!(self.links[conn].state, State::Open, "connection {conn} is asked about");
        self.inspections += 1;
        self.asked.push(conn);
    }

    fn close(&mut self, conn: usize) {
        self.trace(|| format!("{conn:>3} close"));
        self.calls += 1;
        let link = &mut self.links[conn];
        assert_ne!(link.state, State::Closed, "connection {conn} is closed twice");
        if link.served > 0 {
            self.lost_on_used += link.asked_ns.len() as u64;
        }
        let generation = link.generation + 1;
        *link = Link { generation, since_ns: self.now, ..Link::default() };
    }
}
