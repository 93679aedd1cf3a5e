//! The counters of a record.

use acp_wire::{Books, ErrorClass, NotSent};
use std::collections::BTreeMap;

/// Status codes run from 0 to 999.
const STATUS_CODES: usize = 1000;

/// Counters of one shard. Times are sums in nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Slots that were settled in this record: sent, or given up.
    pub planned: u64,
    /// Slots handed to a connection.
    pub sent: u64,
    /// Complete responses.
    pub completed: u64,
    /// Slots given up, by [`NotSent::index`].
    pub not_sent: [u64; NotSent::COUNT],
    /// Errors, by [`ErrorClass::index`].
    pub errors: [u64; ErrorClass::COUNT],
    status: Box<[u64; STATUS_CODES]>,
    /// Slots that found no free connection when they were due.
    pub blocked: u64,
    /// Slots that had a free connection and were sent later than the limit of the verdict.
    pub late: u64,
    /// Requests without an outcome at the end.
    pub in_flight_at_stop: u64,
    /// Connections opened.
    pub connects: u64,
    /// Connections closed by either side.
    pub disconnects: u64,
    /// Requests on a connection that had carried one before.
    pub reused_requests: u64,
    /// Requests sent again after a kept connection was closed under them.
    pub retried_requests: u64,
    /// TLS handshakes with certificates and all.
    pub full_handshakes: u64,
    /// TLS handshakes that resumed an earlier session.
    pub resumed_handshakes: u64,
    /// Bytes of requests.
    pub bytes_sent: u64,
    /// Bytes of responses.
    pub bytes_received: u64,
    /// Turns of the driver.
    pub turns: u64,
    /// Completions of the driver.
    pub completions: u64,
    /// Completions that did not fit into the completion queue.
    pub overflows: u64,
    /// Receives armed again because receive buffers ran out.
    pub buffer_shortages: u64,
    /// CPU time of the shard's thread.
    pub cpu_ns: u64,
    /// Part of `cpu_ns` spent waiting for a due time.
    pub spin_ns: u64,
}

impl Counts {
    pub(super) fn new() -> Self {
        Self {
            planned: 0,
            sent: 0,
            completed: 0,
            not_sent: [0; NotSent::COUNT],
            errors: [0; ErrorClass::COUNT],
            status: Box::new([0; STATUS_CODES]),
            blocked: 0,
            late: 0,
            in_flight_at_stop: 0,
            connects: 0,
            disconnects: 0,
            reused_requests: 0,
            retried_requests: 0,
            full_handshakes: 0,
            resumed_handshakes: 0,
            bytes_sent: 0,
            bytes_received: 0,
            turns: 0,
            completions: 0,
            overflows: 0,
            buffer_shortages: 0,
            cpu_ns: 0,
            spin_ns: 0,
        }
    }

    #[inline]
    pub(super) fn add_status(&mut self, status: u16) {
        if let Some(count) = self.status.get_mut(usize::from(status)) {
            *count += 1;
        }
    }

    /// Adds the counters of another record.
    pub(super) fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.all_mut().zip(other.clone().all_mut()) {
            *mine += *theirs;
        }
    }

    pub(super) fn reset(&mut self) {
        self.all_mut().for_each(|count| *count = 0);
    }

    /// Where every planned request went.
    #[must_use]
    pub fn books(&self) -> Books {
        let books = Books {
            planned: self.planned,
            sent: self.sent,
            not_sent: self.not_sent_by_reason(),
            completed: self.completed,
            errors: self.errors_by_class(),
            in_flight_at_stop: self.in_flight_at_stop,
            lost_with_agent: 0,
            balanced: false,
        };
        books.close()
    }

    /// Slots given up, by reason; reasons with none are left out.
    #[must_use]
    pub fn not_sent_by_reason(&self) -> BTreeMap<NotSent, u64> {
        let counted = NotSent::ALL.iter().map(|&reason| (reason, self.not_sent[reason.index()]));
        counted.filter(|&(_, count)| count > 0).collect()
    }

    /// Errors by class; classes with none are left out.
    #[must_use]
    pub fn errors_by_class(&self) -> BTreeMap<ErrorClass, u64> {
        let counted = ErrorClass::ALL.iter().map(|&class| (class, self.errors[class.index()]));
        counted.filter(|&(_, count)| count > 0).collect()
    }

    /// Responses by status code.
    #[must_use]
    pub fn by_status(&self) -> BTreeMap<u16, u64> {
        (0_u16..).zip(self.status.iter().copied()).filter(|&(_, count)| count > 0).collect()
    }

    fn all_mut(&mut self) -> impl Iterator<Item = &mut u64> {
        let scalars = [
            &mut self.planned,
            &mut self.sent,
            &mut self.completed,
            &mut self.blocked,
            &mut self.late,
            &mut self.in_flight_at_stop,
            &mut self.connects,
            &mut self.disconnects,
            &mut self.reused_requests,
            &mut self.retried_requests,
            &mut self.full_handshakes,
            &mut self.resumed_handshakes,
            &mut self.bytes_sent,
            &mut self.bytes_received,
            &mut self.turns,
            &mut self.completions,
            &mut self.overflows,
            &mut self.buffer_shortages,
            &mut self.cpu_ns,
            &mut self.spin_ns,
        ];
        let tables = self.not_sent.iter_mut().chain(&mut self.errors).chain(self.status.iter_mut());
        scalars.into_iter().chain(tables)
    }
}
