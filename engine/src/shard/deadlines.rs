//! Deadlines of connections: timeouts of requests and of connecting, and the end of a back-off.
//!
//! Timeouts are constants of the plan, so nothing that begins later can end earlier than what a scan
//! over all connections has found. A scan is due only then: about once per timeout as long as
//! responses come, and never more often than once a millisecond.

use super::connection::State;
use super::{Net, Shard};
use acp_wire::ErrorClass;

/// Scans are at least this far apart.
const SCAN_NS: u64 = 1_000_000;
/// First wait after a failed connection; it doubles with each failure in a row.
const BACK_OFF_NS: u64 = 1_000_000;
/// Doublings of the wait, at the most: up to 128 ms.
const BACK_OFF_DOUBLINGS: u8 = 7;

impl Shard {
    /// Makes sure that a deadline at `at_ns` is looked at.
    #[inline]
    pub(super) fn watch(&mut self, at_ns: u64) {
        self.check_ns = self.check_ns.min(at_ns);
    }

    /// Before this nothing that begins at `now` can have taken too long.
    #[inline]
    pub(super) fn patience_ns(&self, now: u64) -> u64 {
        now.saturating_add(self.plan.plan.timeout_ns.min(self.plan.plan.connect_timeout_ns))
    }

    /// Lets a connection rest after a failure.
    pub(super) fn back_off(&mut self, conn: usize, now: u64) {
        let connection = &mut self.connections[conn];
        let wait_ns = BACK_OFF_NS << connection.failures.min(BACK_OFF_DOUBLINGS);
        connection.failures = connection.failures.saturating_add(1);
        connection.state = State::BackOff;
        connection.since_ns = now + wait_ns;
        self.watch(now + wait_ns);
    }

    /// Ends what has taken too long, and wakes what has rested.
    pub(super) fn check_deadlines(&mut self, net: &mut impl Net, now: u64) {
        self.check_ns = u64::MAX;
        for conn in 0..self.connections.len() {
            while let Some(deadline_ns) = self.deadline_ns(conn)
                && deadline_ns <= now
            {
                self.expire(net, conn, now);
            }
        }
        let earliest = (0..self.connections.len()).filter_map(|conn| self.deadline_ns(conn)).min();
        let bound_ns = self.patience_ns(now);
        self.watch(earliest.unwrap_or(bound_ns).min(bound_ns).max(now + SCAN_NS));
    }

    fn deadline_ns(&mut self, conn: usize) -> Option<u64> {
        let connection = &self.connections[conn];
        let plan = &self.plan.plan;
        match connection.state {
            State::Closed => None,
            State::BackOff => Some(connection.since_ns),
            State::Connecting => Some(connection.since_ns.saturating_add(plan.connect_timeout_ns)),
            State::Open => {
                let sent_ns = self.requests.front_mut(conn).map(|request| request.sent_ns);
                let since_ns = sent_ns.or(connection.is_writing.then_some(connection.since_ns));
                since_ns.map(|since_ns| since_ns.saturating_add(plan.timeout_ns))
            }
        }
    }

    fn expire(&mut self, net: &mut impl Net, conn: usize, now: u64) {
        match self.connections[conn].state {
            State::Closed => {}
            State::BackOff => {
                self.connections[conn].state = State::Closed;
                self.resume(net, conn, now);
            }
            State::Connecting => {
                net.close(conn);
                self.fail_connect(conn, ErrorClass::ConnectTimeout, now);
            }
            State::Open => {
                self.fail_requests(conn, ErrorClass::Timeout, now);
                self.disconnect(net, conn, now);
            }
        }
    }
}
