//! One connection as the core sees it, and the requests that are on it.

use super::check::Check;
use super::feed::PLANNED;
use crate::conn::Http1;
use crate::conn::tls::Session;
use crate::record::Times;
use std::net::SocketAddr;

/// Where a connection is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Not open, and nothing is done about it.
    Closed,
    /// Being opened, with the handshake where there is one.
    Connecting,
    /// Carries requests.
    Open,
    /// Failed a moment ago; tried again later.
    BackOff,
}

/// A connection. Small, since there may be a million: what it receives is held only in pieces of
/// response heads.
pub(super) struct Connection {
    pub(super) state: State,
    /// Whether it is in the queue of free connections.
    pub(super) is_queued: bool,
    /// A send has not been reported as written.
    pub(super) is_writing: bool,
    /// Its address is not the one that it should go to any more.
    pub(super) is_stale: bool,
    /// Where it goes to.
    pub(super) address: SocketAddr,
    /// Failures in a row.
    pub(super) failures: u8,
    /// Requests written to it since it was opened.
    pub(super) issued: u32,
    /// Responses since it was opened.
    pub(super) served: u32,
    /// Start of connecting, of writing, or end of the back-off.
    pub(super) since_ns: u64,
    /// When its TCP connection was open; 0: it is not.
    pub(super) connected_ns: u64,
    /// When its TLS handshake was done; 0: it was not, or there is none.
    pub(super) handshake_ns: u64,
    pub(super) parser: Http1,
    /// What is asked of its responses beyond their status.
    pub(super) check: Option<Box<dyn Check>>,
    /// Where it is encrypted, from the beginning of the handshake on.
    pub(super) session: Option<Box<Session>>,
}

impl Connection {
    pub(super) fn new(head_request: bool) -> Self {
        Self {
            state: State::Closed,
            is_queued: false,
            is_writing: false,
            is_stale: false,
            address: SocketAddr::from(([0; 4], 0)),
            failures: 0,
            issued: 0,
            served: 0,
            since_ns: 0,
            connected_ns: 0,
            handshake_ns: 0,
            parser: Http1::new(head_request),
            check: None,
            session: None,
        }
    }
}

/// One request that was handed to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// Its number among all slots of its part of the run.
    pub(super) slot: u64,
    pub(super) due_ns: u64,
    pub(super) sent_ns: u64,
    /// 0 until the first byte of the response.
    pub(super) first_byte_ns: u64,
    /// Belongs to the measured part.
    pub(super) is_measured: bool,
    /// It waited for its connection to be opened.
    pub(super) has_waited: bool,
    /// How often it was sent again.
    pub(super) retries: u8,
    /// Its method is HEAD.
    pub(super) is_head: bool,
    /// Number of its tag.
    pub(super) tag: u16,
    /// Where its bytes are; [`super::feed::PLANNED`]: they are the plan's.
    pub(super) bytes: u32,
}

impl Request {
    pub(super) fn times(&self, ended_ns: u64) -> Times {
        Times {
            due_ns: self.due_ns,
            sent_ns: self.sent_ns,
            first_byte_ns: self.first_byte_ns,
            ended_ns,
        }
    }
}

/// The requests of all connections: a ring of `depth` places each, in one piece of memory.
pub(super) struct Requests {
    depth: usize,
    places: Vec<Request>,
    /// First request and number of requests of each connection.
    rings: Vec<(u16, u16)>,
}

impl Requests {
    pub(super) fn new(connections: usize, depth: usize) -> Self {
        let empty = Request {
            slot: 0,
            due_ns: 0,
            sent_ns: 0,
            first_byte_ns: 0,
            is_measured: false,
            has_waited: false,
            retries: 0,
            is_head: false,
            tag: 0,
            bytes: PLANNED,
        };
        Self { depth, places: vec![empty; connections * depth], rings: vec![(0, 0); connections] }
    }

    #[inline]
    pub(super) fn len(&self, conn: usize) -> usize {
        usize::from(self.rings[conn].1)
    }

    #[inline]
    pub(super) fn room(&self, conn: usize) -> usize {
        self.depth - self.len(conn)
    }

    #[inline]
    fn place(&self, conn: usize, number: usize) -> usize {
        let mut at = usize::from(self.rings[conn].0) + number;
        if at >= self.depth {
            at -= self.depth;
        }
        conn * self.depth + at
    }

    #[inline]
    pub(super) fn push(&mut self, conn: usize, request: Request) {
        debug_assert!(self.room(conn) > 0);
        let place = self.place(conn, self.len(conn));
        self.places[place] = request;
        self.rings[conn].1 += 1;
    }

    /// The oldest request of a connection.
    #[inline]
    pub(super) fn front_mut(&mut self, conn: usize) -> Option<&mut Request> {
        let place = self.place(conn, 0);
        if self.len(conn) == 0 { None } else { Some(&mut self.places[place]) }
    }

    /// The request of a connection that is `number` behind the oldest.
    #[inline]
    pub(super) fn get(&self, conn: usize, number: usize) -> &Request {
        debug_assert!(number < self.len(conn));
        &self.places[self.place(conn, number)]
    }

    /// Every request of a connection, oldest first.
    pub(super) fn for_each_mut(&mut self, conn: usize, mut visit: impl FnMut(&mut Request)) {
        for number in 0..self.len(conn) {
            let place = self.place(conn, number);
            visit(&mut self.places[place]);
        }
    }

    #[inline]
    pub(super) fn pop(&mut self, conn: usize) -> Option<Request> {
        if self.len(conn) == 0 {
            return None;
        }
        let place = self.place(conn, 0);
        let (first, count) = &mut self.rings[conn];
        *first = if usize::from(*first) + 1 == self.depth { 0 } else { *first + 1 };
        *count -= 1;
        Some(self.places[place])
    }
}
