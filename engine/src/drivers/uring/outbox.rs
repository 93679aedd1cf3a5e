//! Bytes on their way to the kernel: written by the core, sent when the ring is entered next.
//!
//! ```text
//!  write ─► page being filled ── flush ─► pages submitted ── all completions seen ─► free pages
//!               one segment a connection       bytes must stay: a send may have been short
//! ```
//!
//! All that is written to a connection between two submissions is one send, so that its bytes keep
//! their order though nothing waits for completions.

use std::ops::Range;

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
}

/// Bytes that were written and not yet sent for certain.
#[derive(Default)]
pub(super) struct Outbox {
    filling: Vec<u8>,
    /// Connections with a segment in the page that is being filled.
    conns: Vec<usize>,
    /// Flushes so far.
    flushes: u64,
    /// Pages of earlier flushes, the oldest first; the last of them is that of `flushes`.
    submitted: Vec<Vec<u8>>,
    free: Vec<Vec<u8>>,
}

impl Outbox {
    /// Adds bytes behind those of `segment`, which is the connection's last one.
    #[inline]
    pub(super) fn write(&mut self, conn: usize, segment: Segment, bytes: &[u8]) -> Segment {
        let flush = self.flushes + 1;
        let mut start = self.filling.len();
        if segment.flush != flush {
            self.conns.push(conn);
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
        segment.flush > self.flushes
    }

    /// Whether anything does.
    #[inline]
    pub(super) fn has_waiting(&self) -> bool {
        !self.conns.is_empty()
    }

    /// The bytes of a segment that waits.
    pub(super) fn waiting_bytes(&self, segment: Segment) -> &[u8] {
        &self.filling[segment.range()]
    }

    /// Connections with a segment that waits, in order, some perhaps without one by now.
    /// [`Self::flushed`] has to follow.
    #[inline]
    pub(super) fn take_conns(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.conns)
    }

    /// From here on what is written goes with the next flush. The page stays as it is until
    /// [`Self::recycle`].
    #[inline]
    pub(super) fn flushed(&mut self, mut conns: Vec<usize>) {
        conns.clear();
        self.conns = conns;
        self.flushes += 1;
        let page = self.free.pop().unwrap_or_default();
        self.submitted.push(std::mem::replace(&mut self.filling, page));
    }

    /// The bytes of a segment that was flushed, from its byte `from` on; none: they are gone.
    pub(super) fn rest(&self, segment: Segment, from: usize) -> Option<&[u8]> {
        let behind = usize::try_from(self.flushes.checked_sub(segment.flush)?).ok()?;
        let page = self.submitted.len().checked_sub(behind + 1)?;
        self.submitted[page].get(segment.start + from..segment.end)
    }

    /// Everything flushed so far was taken by the kernel, or has completed.
    #[inline]
    pub(super) fn recycle(&mut self) {
        while let Some(mut page) = self.submitted.pop() {
            page.clear();
            self.free.push(page);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flush(outbox: &mut Outbox) -> Vec<usize> {
        let conns = outbox.take_conns();
        outbox.flushed(conns.clone());
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
    fn bytes_stay_until_all_has_completed() {
        let mut outbox = Outbox::default();
        let old = outbox.write(1, Segment::default(), b"0123");
        flush(&mut outbox);
        let new = outbox.write(1, old, b"4567");
        flush(&mut outbox);
        let waiting = outbox.write(1, new, b"89");
        assert_eq!(outbox.rest(old, 1), Some(&b"123"[..]));
        assert_eq!(outbox.rest(new, 4), Some(&b""[..]));
        assert_eq!(outbox.rest(new, 5), None, "more than there was");
        assert_eq!(outbox.rest(waiting, 0), None, "not flushed");
        outbox.recycle();
        assert_eq!((outbox.rest(old, 0), outbox.rest(new, 0)), (None, None));
        assert_eq!(outbox.waiting_bytes(waiting), b"89");
    }
}
