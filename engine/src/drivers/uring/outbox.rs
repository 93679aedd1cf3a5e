//! Bytes on their way to the kernel: written by the core, sent when the ring is entered next.
//!
//! ```text
//!  write ─► page being filled ── flush ─► pages flushed ── ring entered, all completions seen ─► free
//!               one segment a connection       bytes must stay: a send may have been short
//! ```
//!
//! All that is written to a connection between two flushes is one send, and nothing is flushed while
//! an earlier send may yet turn out to have been short: so bytes keep their order though nothing waits
//! for the completion of a send.

use std::ops::Range;

/// Memory of a page that is kept for the next.
const KEPT_BYTES: usize = 1 << 20;

/// Where the bytes of one send are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Segment {
    /// Number of the flush with which it goes, from 1; 0: there is none.
    flush: u64,
    start: usize,
    end: usize,
}

impl Segment {
    fn range(self) -> Range<usize> {
        self.start..self.end
    }

    /// The same without its bytes: its connection is listed for that flush all the same.
    pub(super) fn emptied(self) -> Self {
        Self { end: self.start, ..self }
    }
}

/// Bytes that were written and not yet sent for certain.
#[derive(Default)]
pub(super) struct Outbox {
    filling: Vec<u8>,
    /// Connections with a segment in the page that is being filled.
    conns: Vec<usize>,
    /// Flushes so far.
    flushes: u64,
    /// The page of the last of them, until all of its sends are known to have ended.
    flushed: Option<Vec<u8>>,
    /// The ring has taken all of that page.
    is_submitted: bool,
    free: Vec<u8>,
}

impl Outbox {
    /// Adds bytes behind those of `segment`, which is the connection's last one.
    #[inline]
    pub(super) fn write(&mut self, conn: usize, segment: Segment, bytes: &[u8]) -> Segment {
        let flush = self.flushes + 1;
        let mut start = self.filling.len();
        if segment.flush != flush {
            self.conns.push(conn);
        } else if segment.range().is_empty() {
            // Listed, but what it had has gone another way.
        } else if segment.end == start {
            start = segment.start;
        } else {
            self.filling.extend_from_within(segment.range());
        }
        self.filling.extend_from_slice(bytes);
        Segment { flush, start, end: self.filling.len() }
    }

    /// Whether a segment waits for the next flush.
    #[inline]
    pub(super) fn is_waiting(&self, segment: Segment) -> bool {
        segment.flush > self.flushes && !segment.range().is_empty()
    }

    /// Whether anything does.
    #[inline]
    pub(super) fn has_waiting(&self) -> bool {
        !self.conns.is_empty()
    }

    /// Whether all earlier sends have ended, so that the next ones may begin.
    #[inline]
    pub(super) fn may_flush(&self) -> bool {
        self.flushed.is_none()
    }

    /// The bytes of a segment that waits.
    pub(super) fn waiting_bytes(&self, segment: Segment) -> &[u8] {
        &self.filling[segment.range()]
    }

    /// Connections that are listed for the flush, in order, some perhaps without a segment by now.
    /// [`Self::flush`] has to follow.
    #[inline]
    pub(super) fn take_conns(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.conns)
    }

    /// From here on what is written goes with the next flush. The page stays as it is until
    /// [`Self::recycle`].
    #[inline]
    pub(super) fn flush(&mut self, mut conns: Vec<usize>) {
        debug_assert!(self.may_flush(), "sends of an earlier page have not ended");
        conns.clear();
        self.conns = conns;
        self.flushes += 1;
        let page = std::mem::take(&mut self.free);
        self.flushed = Some(std::mem::replace(&mut self.filling, page));
        self.is_submitted = false;
    }

    /// The bytes of a segment that was flushed, from its byte `from` on; none: they are gone.
    pub(super) fn rest(&self, segment: Segment, from: usize) -> Option<&[u8]> {
        let page = self.flushed.as_ref().filter(|_| segment.flush == self.flushes)?;
        page.get(segment.start + from..segment.end)
    }

    /// The ring has taken everything that was flushed.
    #[inline]
    pub(super) fn submitted(&mut self) {
        self.is_submitted = true;
    }

    /// Every completion that there is was looked at: sends that were submitted have ended.
    #[inline]
    pub(super) fn recycle(&mut self) {
        if !self.is_submitted {
            return;
        }
        if let Some(mut page) = self.flushed.take() {
            page.clear();
            page.shrink_to(KEPT_BYTES);
            self.free = page;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flush(outbox: &mut Outbox) -> Vec<usize> {
        let conns = outbox.take_conns();
        outbox.flush(conns.clone());
        conns
    }

    #[test]
    fn what_a_connection_writes_between_flushes_is_one_segment() {
        let mut outbox = Outbox::default();
        let none = Segment::default();
        assert!(!outbox.is_waiting(none) && !outbox.has_waiting());
        let first = outbox.write(7, none, b"ab");
        let first = outbox.write(7, first, b"cd");
        let other = outbox.write(8, none, b"xy");
        let first = outbox.write(7, first, b"ef");
        assert_eq!(outbox.waiting_bytes(first), b"abcdef");
        assert_eq!(outbox.waiting_bytes(other), b"xy");
        assert_eq!(flush(&mut outbox), [7, 8]);
        assert!(!outbox.is_waiting(first) && !outbox.has_waiting());
        let next = outbox.write(7, first, b"gh");
        assert_eq!(outbox.waiting_bytes(next), b"gh", "behind a flush it is another one");
    }

    #[test]
    fn a_connection_is_listed_once_whatever_becomes_of_its_bytes() {
        let mut outbox = Outbox::default();
        let first = outbox.write(7, Segment::default(), b"ab").emptied();
        assert!(!outbox.is_waiting(first) && outbox.has_waiting());
        outbox.write(8, Segment::default(), b"xy");
        let first = outbox.write(7, first, b"cd");
        let first = outbox.write(7, first, b"ef");
        assert_eq!(outbox.waiting_bytes(first), b"cdef");
        assert_eq!(flush(&mut outbox), [7, 8]);
    }

    #[test]
    fn bytes_stay_until_all_has_completed() {
        let mut outbox = Outbox::default();
        let old = outbox.write(1, Segment::default(), b"0123");
        flush(&mut outbox);
        let waiting = outbox.write(1, old, b"89");
        outbox.recycle();
        assert!(!outbox.may_flush(), "the ring has not taken them");
        assert_eq!(outbox.rest(old, 1), Some(&b"123"[..]));
        assert_eq!(outbox.rest(old, 4), Some(&b""[..]));
        assert_eq!(outbox.rest(old, 5), None, "more than there was");
        assert_eq!(outbox.rest(waiting, 0), None, "not flushed");
        outbox.submitted();
        outbox.recycle();
        assert!(outbox.may_flush());
        assert_eq!(outbox.rest(old, 0), None);
        assert_eq!(outbox.waiting_bytes(waiting), b"89");
        assert_eq!(flush(&mut outbox), [1]);
        assert_eq!(outbox.rest(waiting, 1), Some(&b"9"[..]));
        outbox.recycle();
        assert!(!outbox.may_flush(), "each page is submitted by itself");
    }

    #[test]
    fn large_pages_shrink() {
        let mut outbox = Outbox::default();
        outbox.write(1, Segment::default(), &vec![0; 4 * KEPT_BYTES]);
        for _ in 0..2 {
            flush(&mut outbox);
            outbox.submitted();
            outbox.recycle();
        }
        assert!(outbox.filling.capacity() <= KEPT_BYTES && outbox.free.capacity() <= KEPT_BYTES);
    }
}
