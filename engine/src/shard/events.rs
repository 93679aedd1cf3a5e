//! The life of a request, in order: a slot gets a connection, the request is written, bytes come
//! back, the response ends.

use super::connection::{Connection, Request, State};
use super::feed::{Given, PLANNED};
use super::slots::Taken;
use super::slow::Outcome;
use super::{Net, Phase, Shard};
use crate::conn::{Progress, Response};
use acp_wire::{ErrorClass, NotSent};

impl Shard {
    /// Sends every slot that is due and has a connection.
    pub(super) fn send_due(&mut self, net: &mut impl Net, now: u64) {
        while self.slots.is_overdue(now) || !self.retries.is_empty() {
            let Some(conn) = self.take_free() else {
                self.exhausted_since_ns.get_or_insert(now);
                break;
            };
            if self.fill(net, conn, now) == 0 {
                // Held back to catch up smoothly.
                self.offer(conn);
                break;
            }
            self.offer(conn);
        }
        let (beyond_backlog, late) = self.slots.give_up_late(now);
        self.record.counts.not_sent[NotSent::Backlog.index()] += self.counted(beyond_backlog);
        self.record.counts.not_sent[NotSent::Catchup.index()] += self.counted(late);
        if !self.free.is_empty() && !self.slots.is_overdue(now) {
            self.exhausted_since_ns = None;
        }
    }

    /// During the warm-up nothing is booked as not sent.
    fn counted(&self, slots: u64) -> u64 {
        if self.phase == Phase::Warmup { 0 } else { slots }
    }

    /// A connection is open.
    pub fn opened(&mut self, net: &mut impl Net, conn: usize, now: u64) {
        if self.connections[conn].state != State::Connecting {
            return;
        }
        if self.tls.is_some() {
            return self.shake_hands(net, conn, now);
        }
        self.carry(net, conn, now);
    }

    /// A connection is ready for requests.
    pub(super) fn carry(&mut self, net: &mut impl Net, conn: usize, now: u64) {
        let connection = &mut self.connections[conn];
        connection.state = State::Open;
        self.record.counts.connects += 1;
        if connection.connected_ns == 0 {
            connection.connected_ns = now;
        }
        let connect_ns = now.saturating_sub(connection.since_ns);
        self.record.distributions.connect.saturating_record(connect_ns);
        let waiting = self.requests.len(conn);
        if waiting > 0 {
            self.requests.for_each_mut(conn, |request| {
                (request.sent_ns, request.has_waited) = (now, true);
            });
            self.write(net, conn, waiting, now);
        }
        self.resume(net, conn, now);
    }

    /// All bytes of the last send are with the kernel.
    pub fn written(&mut self, net: &mut impl Net, conn: usize, now: u64) {
        self.connections[conn].is_writing = false;
        self.resume(net, conn, now);
    }

    /// Bytes have come.
    pub fn received(&mut self, net: &mut impl Net, conn: usize, bytes: &[u8], now: u64) {
        if self.tls.is_some() {
            return self.received_encrypted(net, conn, bytes, now);
        }
        if self.connections[conn].state == State::Open && self.take_in(net, conn, bytes, now) {
            self.resume(net, conn, now);
        }
    }

    /// Takes in bytes of responses. Returns whether the connection goes on.
    #[inline(always)]
    pub(super) fn take_in(
        &mut self,
        net: &mut impl Net,
        conn: usize,
        bytes: &[u8],
        now: u64,
    ) -> bool {
        self.record.counts.bytes_received += bytes.len() as u64;
        let mut rest = bytes;
        while !rest.is_empty() {
            let Some(front) = self.requests.front_mut(conn) else {
                // Nobody asked: some servers say good-bye before they close a kept connection.
                self.disconnect(net, conn, now);
                return false;
            };
            let Connection { parser, check, .. } = &mut self.connections[conn];
            parser.expect_head(front.is_head);
            let progress = match check {
                None => parser.feed(rest, &mut self.heads),
                Some(check) => {
                    parser.feed_to(rest, &mut self.heads, &mut |piece| check.body(piece))
                }
            };
            // A blank line behind the last response is not yet a byte of this one.
            let has_begun = !matches!(progress, Ok((_, Progress::Partial))) || !parser.is_idle();
            if has_begun && front.first_byte_ns == 0 {
                front.first_byte_ns = now;
            }
            match progress {
                // Behind the end of another response: that one has made room.
                Ok((_, Progress::Partial)) => break,
                Ok((used, Progress::Done(response))) => {
                    rest = &rest[used..];
                    self.end_request(conn, &response, now);
                    if !self.may_carry_more(conn, &response) {
                        self.retry_requests(conn, now);
                        self.disconnect(net, conn, now);
                        return false;
                    }
                }
                Err(error) => {
                    if !self.protocol_errors.contains(&error) {
                        self.protocol_errors.push(error);
                    }
                    self.fail_requests(conn, ErrorClass::Protocol, now);
                    self.disconnect(net, conn, now);
                    return false;
                }
            }
        }
        self.inspect(net);
        true
    }

    fn may_carry_more(&self, conn: usize, response: &Response) -> bool {
        let plan = &self.plan.plan;
        let served = self.connections[conn].served;
        response.reuse
            && plan.keep_alive
            && plan.requests_per_connection.is_none_or(|limit| served < limit)
    }

    /// Books the response to the oldest request of a connection.
    #[inline]
    pub(super) fn end_request(&mut self, conn: usize, response: &Response, now: u64) {
        let Some(request) = self.requests.pop(conn) else { return };
        self.bytes.give_back(request.bytes);
        let connection = &mut self.connections[conn];
        connection.served += 1;
        let is_checked = connection.check.as_mut().is_none_or(|check| check.end(response));
        self.active -= 1;
        if self.phase == Phase::Warmup {
            self.record.counts.completed += 1;
        }
        if !request.is_measured {
            return;
        }
        self.in_flight -= 1;
        self.last_response_ns = now;
        let (status, times) = (response.status, request.times(now));
        let error = if is_checked && self.plan.plan.expect.status(status) {
            self.record.add_expected(status, request.tag, &times);
            None
        } else {
            self.record.add_unexpected(status, request.tag, &times);
            Some(ErrorClass::Unexpected)
        };
        if self.record.slowest.takes(times.response_ns()) {
            self.note_slow(Some(conn), &request, &Outcome { status: Some(status), error }, now);
        }
    }

    /// Goes on with a connection that has nothing else to wait for: gives it requests, or opens it.
    pub(super) fn resume(&mut self, net: &mut impl Net, conn: usize, now: u64) {
        if self.phase == Phase::Preparing {
            return;
        }
        match self.connections[conn].state {
            State::Open if self.connections[conn].is_stale => self.leave_stale(net, conn, now),
            State::Open => {
                // In an open loop a waiting slot is served here too, without waiting for a turn.
                self.fill(net, conn, now);
                self.offer(conn);
            }
            State::Closed => {
                let taken = self.fill(net, conn, now);
                if taken == 0 && self.plan.plan.keep_alive && self.phase != Phase::Draining {
                    self.open(net, conn, now);
                } else {
                    self.offer(conn);
                }
            }
            State::Connecting | State::BackOff => {}
        }
    }

    /// Gives a connection as many requests as it has room for and are due. Returns how many.
    #[inline]
    fn fill(&mut self, net: &mut impl Net, conn: usize, now: u64) -> usize {
        let room = self.room(conn);
        let mut count = 0;
        while count < room {
            let Some(request) = self.next_request(now) else { break };
            self.requests.push(conn, request);
            count += 1;
        }
        if count == 0 {
            return 0;
        }
        // From the moment that the last connection is taken, slots that come due find none.
        if self.free.is_empty() && self.room(conn) == 0 {
            self.exhausted_since_ns.get_or_insert(now);
        }
        if self.connections[conn].state == State::Open {
            self.write(net, conn, count, now);
        } else {
            self.open(net, conn, now);
        }
        count
    }

    /// How many requests a connection can take now.
    #[inline]
    fn room(&self, conn: usize) -> usize {
        let connection = &self.connections[conn];
        if connection.is_writing {
            return 0;
        }
        // In an open loop each slot gets the connection that is least loaded.
        let most = if self.plan.plan.is_open_loop() { 1 } else { usize::MAX };
        let allowed = match self.plan.plan.requests_per_connection {
            Some(limit) if connection.state == State::Open => {
                limit.saturating_sub(connection.issued) as usize
            }
            Some(limit) => limit as usize,
            None => usize::MAX,
        };
        self.requests.room(conn).min(most).min(allowed)
    }

    /// A request to be sent now: one that has to be sent again, or the next slot.
    #[inline]
    fn next_request(&mut self, now: u64) -> Option<Request> {
        if let Some(request) = self.retries.pop_front() {
            self.record.counts.retried_requests += u64::from(request.is_measured);
            return Some(Request { sent_ns: now, ..request });
        }
        let (taken, given, bytes) = self.next_slot(now)?;
        let due_ns = taken.due_ns;
        let is_measured = self.phase == Phase::Measuring;
        self.active += 1;
        self.record.counts.sent += 1;
        if is_measured {
            self.in_flight += 1;
        }
        if self.plan.plan.is_open_loop() {
            self.note_lag(due_ns, now);
        }
        Some(Request {
            slot: taken.slot,
            due_ns,
            sent_ns: now,
            first_byte_ns: 0,
            is_measured,
            has_waited: false,
            retries: 0,
            is_head: given.is_head,
            tag: given.tag,
            bytes,
        })
    }

    /// The next slot that may be sent, and its request.
    #[inline]
    fn next_slot(&mut self, now: u64) -> Option<(Taken, Given, u32)> {
        if self.feed.is_some() {
            return self.next_fed_slot(now);
        }
        let taken = self.slots.take(now)?;
        let is_head = self.plan.plan.request.is_head;
        Some((taken, Given { is_head, tag: 0 }, PLANNED))
    }

    /// Whose fault a late slot is: the target's when no connection was free at its due time, else
    /// ours.
    #[inline]
    fn note_lag(&mut self, due_ns: u64, now: u64) {
        let lag_ns = now - due_ns;
        self.record.distributions.send_lag.saturating_record(lag_ns);
        if self.exhausted_since_ns.is_some_and(|since_ns| due_ns >= since_ns) {
            self.record.counts.blocked += 1;
        } else if lag_ns > self.slots.late_limit_ns() {
            self.record.counts.late += 1;
        }
    }

    #[inline]
    fn write(&mut self, net: &mut impl Net, conn: usize, count: usize, now: u64) {
        let wants_written = self.wants_written();
        let connection = &mut self.connections[conn];
        #[expect(clippy::cast_possible_truncation, reason = "the pipeline depth is at most 1,024")]
        let requests = count as u32;
        if connection.issued > 0 {
            self.record.counts.reused_requests += u64::from(requests);
        } else {
            self.record.counts.reused_requests += u64::from(requests) - 1;
        }
        connection.issued = connection.issued.saturating_add(requests);
        if self.tls.is_some() {
            return self.write_encrypted(net, conn, count, now);
        }
        if self.feed.is_some() {
            return self.write_fed(net, conn, count, now);
        }
        self.record.counts.bytes_sent += (count * self.plan.plan.request.bytes.len()) as u64;
        connection.is_writing = wants_written;
        if wants_written {
            connection.since_ns = now;
        }
        net.send(conn, count);
    }

    pub(super) fn open(&mut self, net: &mut impl Net, conn: usize, now: u64) {
        let connection = &mut self.connections[conn];
        connection.state = State::Connecting;
        connection.since_ns = now;
        (connection.connected_ns, connection.handshake_ns) = (0, 0);
        connection.issued = 0;
        connection.served = 0;
        connection.is_writing = false;
        connection.is_stale = false;
        connection.address = self.plan.addresses[self.plan.address_index(conn)];
        connection.session = None;
        self.watch(self.patience_ns(now));
        net.open(conn);
    }

    /// Puts a connection that can take a request into the queue of free ones.
    #[inline]
    fn offer(&mut self, conn: usize) {
        if !self.plan.plan.is_open_loop()
            || self.connections[conn].is_queued
            || !self.can_take(conn)
        {
            return;
        }
        self.connections[conn].is_queued = true;
        self.free.push_back(conn);
    }

    #[inline]
    fn can_take(&self, conn: usize) -> bool {
        match self.connections[conn].state {
            State::Open => self.room(conn) > 0 && !self.connections[conn].is_stale,
            State::Closed => !self.plan.plan.keep_alive || self.phase == Phase::Draining,
            State::Connecting | State::BackOff => false,
        }
    }

    /// The connection that has been free for the longest time.
    #[inline]
    fn take_free(&mut self) -> Option<usize> {
        while let Some(conn) = self.free.pop_front() {
            self.connections[conn].is_queued = false;
            if self.can_take(conn) {
                return Some(conn);
            }
        }
        None
    }
}
