//! Connections that end: by us, by the peer, or before they were open.

use super::connection::{Request, State};
use super::slow::Outcome;
use super::{Closed, Net, Shard};
use crate::conn::End;
use acp_wire::ErrorClass;
use std::net::SocketAddr;
use std::sync::Arc;

/// How often one request is sent again, at the most.
const MAX_RETRIES: u8 = 3;

impl Shard {
    /// A connection could not be opened.
    pub fn open_failed(&mut self, net: &mut impl Net, conn: usize, class: ErrorClass, now: u64) {
        if self.connections[conn].state == State::Connecting {
            net.close(conn);
            self.fail_connect(conn, class, now);
        }
    }

    /// A connection was closed by the peer, or broke.
    pub fn closed(&mut self, net: &mut impl Net, conn: usize, how: Closed, now: u64) {
        match self.connections[conn].state {
            State::Open => {}
            State::Connecting if self.connections[conn].session.is_some() => {
                return self.closed_in_handshake(net, conn, how, now);
            }
            State::Connecting | State::Closed | State::BackOff => return,
        }
        let is_idle = self.connections[conn].parser.is_idle();
        let end = match how {
            Closed::Gracefully => match self.connections[conn].parser.end(&mut self.heads) {
                End::Done(_) if self.is_cut_off(conn) => End::Early,
                end => end,
            },
            Closed::Broken if is_idle => End::Idle,
            Closed::Broken => End::Early,
        };
        match (end, how) {
            (End::Done(response), _) => {
                self.end_request(conn, &response, now);
                self.retry_requests(conn, now);
            }
            // A server may close a kept connection at any time: what it has not begun to answer is
            // sent again, once, on another.
            (End::Idle, _) if self.connections[conn].served > 0 => self.retry_requests(conn, now),
            (End::Idle | End::Early, Closed::Gracefully) => {
                self.fail_requests(conn, ErrorClass::ClosedEarly, now);
            }
            (End::Idle | End::Early, Closed::Broken) => {
                self.fail_requests(conn, ErrorClass::Reset, now);
            }
        }
        self.disconnect(net, conn, now);
    }

    /// Closes a connection that carries no request any more, and goes on with it.
    pub(super) fn disconnect(&mut self, net: &mut impl Net, conn: usize, now: u64) {
        self.inspect(net);
        net.close(conn);
        self.record.counts.disconnects += 1;
        let connection = &mut self.connections[conn];
        connection.parser.reset(&mut self.heads);
        if let Some(check) = &mut connection.check {
            check.reset();
        }
        connection.is_writing = false;
        connection.session = None;
        // One that is left for another address has done nothing wrong.
        if connection.served > 0 || connection.is_stale {
            connection.failures = 0;
            connection.state = State::Closed;
            self.resume(net, conn, now);
        } else {
            self.back_off(conn, now);
        }
    }

    /// The target has other addresses now: connections are spread over them anew. What is under way
    /// is waited for.
    pub fn retarget(&mut self, net: &mut impl Net, addresses: &Arc<[SocketAddr]>, now: u64) {
        // Connections that are left at once get requests, which are those of the part of the run that
        // the present frame belongs to.
        self.leave_warmup(net, now);
        self.plan.addresses = Arc::clone(addresses);
        net.retarget(addresses);
        for conn in 0..self.connections.len() {
            let address = addresses[self.plan.address_index(conn)];
            let connection = &mut self.connections[conn];
            connection.is_stale = connection.address != address;
            if connection.state == State::Open && connection.is_stale {
                self.leave_stale(net, conn, now);
            }
        }
    }

    /// Closes a connection to an address of earlier as soon as it carries nothing.
    pub(super) fn leave_stale(&mut self, net: &mut impl Net, conn: usize, now: u64) {
        if self.requests.len(conn) == 0 && !self.connections[conn].is_writing {
            self.disconnect(net, conn, now);
        }
    }

    pub(super) fn fail_connect(&mut self, conn: usize, class: ErrorClass, now: u64) {
        self.connections[conn].session = None;
        self.fail_requests(conn, class, now);
        self.back_off(conn, now);
    }

    /// Every request of a connection ends with `class`.
    pub(super) fn fail_requests(&mut self, conn: usize, class: ErrorClass, now: u64) {
        while let Some(request) = self.requests.pop(conn) {
            self.fail_request(Some(conn), &request, class, now);
        }
    }

    /// A request that is on a connection, or waits for another, ends with `class`.
    pub(super) fn fail_request(
        &mut self,
        conn: Option<usize>,
        request: &Request,
        class: ErrorClass,
        now: u64,
    ) {
        self.active -= 1;
        self.bytes.give_back(request.bytes);
        if request.is_measured {
            self.in_flight -= 1;
            let times = request.times(now);
            self.record.add_error(class, request.tag, &times);
            if self.record.slowest.takes(times.response_ns()) {
                self.note_slow(conn, request, &Outcome { status: None, error: Some(class) }, now);
            }
        }
    }

    /// Every request of a connection waits to be sent again.
    pub(super) fn retry_requests(&mut self, conn: usize, now: u64) {
        while let Some(request) = self.requests.pop(conn) {
            if request.retries == MAX_RETRIES || self.is_stopped {
                self.fail_request(Some(conn), &request, ErrorClass::ClosedEarly, now);
            } else {
                let again = Request { retries: request.retries + 1, first_byte_ns: 0, ..request };
                self.retries.push_back(Request { has_waited: false, ..again });
            }
        }
    }
}
