//! The short way: a head that equals the last one of this shard needs no parsing.
//!
//! A load test sees the same head again and again, until the second in its `Date` changes. A head
//! has its own end mark (a blank line), so bytes that begin with a known head have exactly that
//! head, and with it the same verdict; nothing behind it can change that. The verdict also depends
//! on whether the request was HEAD, so that is compared as well.

use super::head::Verdict;

/// Longest head that is remembered: longer ones cost more to compare than they save.
const MAX_BYTES: usize = 512;

/// The last head that was parsed, and what it said.
#[derive(Debug)]
pub(super) struct Remembered {
    bytes: [u8; MAX_BYTES],
    /// Length of the head, 0 before the first.
    len: usize,
    head_request: bool,
    verdict: Verdict,
}

impl Default for Remembered {
    fn default() -> Self {
        Self { bytes: [0; MAX_BYTES], len: 0, head_request: false, verdict: Verdict::default() }
    }
}

impl Remembered {
    /// Length and verdict of the head that `bytes` begins with, if it is the remembered one.
    #[inline]
    pub(super) fn recall(&self, bytes: &[u8], head_request: bool) -> Option<(usize, Verdict)> {
        let known = self.len > 0
            && self.head_request == head_request
            && bytes.starts_with(&self.bytes[..self.len]);
        known.then_some((self.len, self.verdict))
    }

    /// Remembers a head in place of the last one.
    pub(super) fn learn(&mut self, head: &[u8], head_request: bool, verdict: Verdict) {
        if let Some(room) = self.bytes.get_mut(..head.len()) {
            room.copy_from_slice(head);
            self.len = head.len();
            self.head_request = head_request;
            self.verdict = verdict;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::head::Framing;
    use super::*;

    const HEAD: &[u8] = b"HTTP/1.1 204 \r\n\r\n";
    const VERDICT: Verdict = Verdict { status: 204, reuse: true, framing: Framing::Length(0) };

    #[test]
    fn recalls_only_the_last_head() {
        let mut remembered = Remembered::default();
        assert_eq!(remembered.recall(b"", false), None, "nothing learnt");
        remembered.learn(HEAD, false, VERDICT);
        let longer = [HEAD, b"more"].concat();
        let rows: [(&str, &[u8], bool, bool); 6] = [
            ("the same", HEAD, false, true),
            ("with bytes behind", &longer, false, true),
            ("for a HEAD request", HEAD, true, false),
            ("one byte short", &HEAD[..HEAD.len() - 1], false, false),
            ("another byte", b"HTTP/1.1 205 \r\n\r\n", false, false),
            ("nothing", b"", false, false),
        ];
        for (word, bytes, head_request, known) in rows {
            let expected = known.then_some((HEAD.len(), VERDICT));
            assert_eq!(remembered.recall(bytes, head_request), expected, "{word}");
        }
    }

    #[test]
    fn a_head_too_long_to_remember_leaves_the_last_one() {
        let mut remembered = Remembered::default();
        remembered.learn(HEAD, false, VERDICT);
        remembered.learn(&[b'x'; MAX_BYTES + 1], false, VERDICT);
        assert_eq!(remembered.recall(HEAD, false), Some((HEAD.len(), VERDICT)));
    }

    #[test]
    fn a_shorter_head_replaces_a_longer_one() {
        let mut remembered = Remembered::default();
        remembered.learn(b"HTTP/1.1 204 No Content\r\n\r\n", false, VERDICT);
        remembered.learn(HEAD, false, VERDICT);
        assert_eq!(remembered.recall(HEAD, false), Some((HEAD.len(), VERDICT)));
    }
}
