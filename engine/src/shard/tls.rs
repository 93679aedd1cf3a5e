//! Encrypted connections: the handshake before a connection carries requests, records around them
//! after that.
//!
//! The handshake belongs to opening: it runs in [`State::Connecting`], under the connect timeout.
//! Counts of bytes are those of HTTP, without what encryption adds.

use super::connection::State;
use super::fed::gather;
use super::{Closed, Net, SMALL_BATCH_BYTES, Shard};
use crate::conn::tls::{Buffers, Client, Failure, Received};

/// What the encrypted connections of a shard share.
pub(super) struct Tls {
    client: Client,
    buffers: Buffers,
    /// As many copies of the plan's request as a connection may carry.
    requests: Vec<u8>,
    /// Why connections failed, each reason once.
    failures: Vec<String>,
}

impl Shard {
    /// The same core with all its connections encrypted. Call it on the thread of the shard.
    #[must_use]
    pub fn encrypted(mut self, client: Client) -> Self {
        client.prepare_thread();
        let plan = &self.plan.plan;
        let requests = plan.request.bytes.repeat(plan.pipeline as usize);
        let (buffers, failures) = (Buffers::default(), Vec::new());
        self.tls = Some(Box::new(Tls { client, buffers, requests, failures }));
        self
    }

    /// Why encrypted connections failed, each reason once.
    #[must_use]
    pub fn tls_failures(&self) -> &[String] {
        self.tls.as_ref().map_or(&[], |tls| &tls.failures)
    }

    /// A connection that is to be encrypted is open.
    pub(super) fn shake_hands(&mut self, net: &mut impl Net, conn: usize, now: u64) {
        let Some(tls) = &self.tls else { return };
        // After a stop nothing is written: nobody waits for this connection any more.
        if self.is_stopped {
            return;
        }
        self.connections[conn].connected_ns = now;
        match tls.client.open(now) {
            Ok(session) => {
                self.connections[conn].session = Some(Box::new(session));
                self.write_handshake(net, conn);
            }
            Err(failure) => self.fail_handshake(net, conn, &failure, now),
        }
    }

    /// Bytes have come on an encrypted connection.
    pub(super) fn received_encrypted(
        &mut self,
        net: &mut impl Net,
        conn: usize,
        bytes: &[u8],
        now: u64,
    ) {
        match self.connections[conn].state {
            State::Open => self.received_records(net, conn, bytes, now),
            State::Connecting if !self.is_stopped => {
                self.received_handshake(net, conn, bytes, now);
            }
            State::Connecting | State::Closed | State::BackOff => {}
        }
    }

    fn received_handshake(&mut self, net: &mut impl Net, conn: usize, bytes: &[u8], now: u64) {
        let Some(tls) = &mut self.tls else { return };
        let Some(session) = &mut self.connections[conn].session else { return };
        // A server may speak before it is asked, as soon as it can.
        let mut early = Vec::new();
        let received = session.receive(bytes, &mut tls.buffers, |plain| {
            early.extend_from_slice(plain);
            true
        });
        let is_done = !session.is_handshaking();
        match received {
            Err(failure) => return self.fail_handshake(net, conn, &failure, now),
            Ok(Received::End) if !is_done => {
                return self.fail_handshake(net, conn, &Failure::gone("ended"), now);
            }
            Ok(_) => {}
        }
        self.write_handshake(net, conn);
        if !is_done {
            return;
        }
        self.note_handshake(conn, now);
        self.carry(net, conn, now);
        let goes_on = early.is_empty() || self.take_in(net, conn, &early, now);
        if goes_on && received == Ok(Received::End) {
            self.closed(net, conn, Closed::Gracefully, now);
        }
    }

    fn note_handshake(&mut self, conn: usize, now: u64) {
        let Some(session) = &self.connections[conn].session else { return };
        let counts = &mut self.record.counts;
        if session.is_resumed() {
            counts.resumed_handshakes += 1;
        } else {
            counts.full_handshakes += 1;
        }
        let handshake_ns = now.saturating_sub(session.begun_ns());
        self.connections[conn].handshake_ns = now;
        self.record.distributions.handshake.saturating_record(handshake_ns);
    }

    fn received_records(&mut self, net: &mut impl Net, conn: usize, bytes: &[u8], now: u64) {
        let Some(mut session) = self.connections[conn].session.take() else { return };
        let Some(tls) = &mut self.tls else { return };
        // Both are not there while the core takes the plaintext in: nothing is written meanwhile.
        let mut buffers = std::mem::take(&mut tls.buffers);
        let received =
            session.receive(bytes, &mut buffers, |plain| self.take_in(net, conn, plain, now));
        if let Some(tls) = &mut self.tls {
            tls.buffers = buffers;
        }
        // Of the old life of the connection nothing is left then.
        if received == Ok(Received::Unwanted) {
            return;
        }
        self.connections[conn].session = Some(session);
        match received {
            Ok(Received::All | Received::Unwanted) => self.resume(net, conn, now),
            Ok(Received::End) => self.closed(net, conn, Closed::Gracefully, now),
            Err(failure) => self.break_off(net, conn, &failure, now),
        }
    }

    /// Writes the newest `count` requests of a connection.
    pub(super) fn write_encrypted(
        &mut self,
        net: &mut impl Net,
        conn: usize,
        count: usize,
        now: u64,
    ) {
        let Some(tls) = &mut self.tls else { return };
        let connection = &mut self.connections[conn];
        let Some(session) = &mut connection.session else { return };
        let plain = match self.feed {
            None => &tls.requests[..count * self.plan.plan.request.bytes.len()],
            Some(_) => gather(&self.requests, &self.bytes, &mut self.scratch, conn, count),
        };
        match session.encrypt(plain, &mut tls.buffers) {
            Ok(records) => {
                self.record.counts.bytes_sent += plain.len() as u64;
                if records.len() > SMALL_BATCH_BYTES {
                    (connection.is_writing, connection.since_ns) = (true, now);
                }
                net.write(conn, records);
            }
            Err(failure) => self.break_off(net, conn, &failure, now),
        }
    }

    /// Writes what the handshake has to say, in pieces that need no answer.
    fn write_handshake(&mut self, net: &mut impl Net, conn: usize) {
        let Some(session) = &mut self.connections[conn].session else { return };
        let bytes = session.take_outgoing();
        bytes.chunks(SMALL_BATCH_BYTES).for_each(|piece| net.write(conn, piece));
    }

    /// The peer has closed a connection that was not open for requests yet.
    pub(super) fn closed_in_handshake(
        &mut self,
        net: &mut impl Net,
        conn: usize,
        how: Closed,
        now: u64,
    ) {
        let how = match how {
            Closed::Gracefully => "closed",
            Closed::Broken => "reset",
        };
        self.fail_handshake(net, conn, &Failure::gone(how), now);
    }

    /// Whether a peer that has closed may have been cut off: it has not said that it would.
    pub(super) fn is_cut_off(&self, conn: usize) -> bool {
        self.connections[conn].session.as_ref().is_some_and(|session| !session.is_ended())
    }

    fn fail_handshake(&mut self, net: &mut impl Net, conn: usize, failure: &Failure, now: u64) {
        self.keep_failure(failure);
        net.close(conn);
        self.fail_connect(conn, failure.class, now);
    }

    /// Ends a connection whose records cannot be read or written any more.
    fn break_off(&mut self, net: &mut impl Net, conn: usize, failure: &Failure, now: u64) {
        self.keep_failure(failure);
        self.fail_requests(conn, failure.class, now);
        self.disconnect(net, conn, now);
    }

    fn keep_failure(&mut self, failure: &Failure) {
        let Some(tls) = &mut self.tls else { return };
        if !tls.failures.contains(&failure.text) && tls.failures.len() < FAILURES_MAX {
            tls.failures.push(failure.text.clone());
        }
    }
}

/// Reasons that are kept: some hold a time, and would be new each second.
const FAILURES_MAX: usize = 8;
