//! Bytes of a connection that do not fit into its socket at once: they are sent one piece after the
//! other, each when the one before has gone.

/// What is left to send on one connection. Its memory is kept.
#[derive(Default)]
pub(super) struct Remainder {
    /// With the kernel: unchanged until it says that they have gone.
    going: Vec<u8>,
    is_going: bool,
    /// Behind them.
    queued: Vec<u8>,
    /// The core is to be told when all has gone.
    pub(super) reports: bool,
}

impl Remainder {
    /// Whether bytes are with the kernel.
    pub(super) fn is_going(&self) -> bool {
        self.is_going
    }

    /// Whether there is nothing, neither with the kernel nor behind that.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        !self.is_going && self.queued.is_empty()
    }

    /// Adds bytes before all others, none of which are with the kernel.
    pub(super) fn push_front(&mut self, bytes: &[u8]) {
        debug_assert!(!self.is_going, "what is with the kernel cannot be overtaken");
        self.queued.splice(..0, bytes.iter().copied());
    }

    /// Adds bytes behind all others.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.queued.extend_from_slice(bytes);
    }

    /// The next piece, which is with the kernel from now on; none: all has gone.
    pub(super) fn next(&mut self) -> Option<&[u8]> {
        debug_assert!(!self.is_going, "one piece at a time");
        self.going.clear();
        std::mem::swap(&mut self.going, &mut self.queued);
        self.is_going = !self.going.is_empty();
        self.is_going.then_some(&self.going)
    }

    /// The kernel has so many bytes of the piece. Returns whether that was all of it.
    pub(super) fn gone(&mut self, bytes: usize) -> bool {
        self.is_going = false;
        bytes == self.going.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_go_one_after_the_other() {
        let mut remainder = Remainder::default();
        remainder.push(b"ab");
        remainder.push(b"cd");
        remainder.push_front(b"xy");
        assert!(!remainder.is_empty());
        assert_eq!(remainder.next(), Some(&b"xyabcd"[..]));
        remainder.push(b"ef");
        assert!(remainder.is_going());
        assert!(!remainder.gone(3), "a piece that is cut off");
        assert!(!remainder.is_empty());
        assert_eq!(remainder.next(), Some(&b"ef"[..]));
        assert!(remainder.gone(2));
        assert_eq!(remainder.next(), None);
        assert!(!remainder.is_going() && remainder.is_empty());
    }
}
