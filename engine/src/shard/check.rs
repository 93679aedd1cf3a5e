//! What is asked of a response beyond its status.

use crate::conn::Response;
use memchr::memmem::Finder;

/// Looks at the responses of one connection, one after the other. On the path of a request: it does
/// not wait.
pub trait Check: Send {
    /// A piece of the body of the present response, without what frames it.
    fn body(&mut self, piece: &[u8]);
    /// The present response is whole. Returns whether it is as expected; the next one begins.
    fn end(&mut self, response: &Response) -> bool;
    /// The present response was cut off: the next one begins.
    fn reset(&mut self);
}

/// Bodies that hold a text, wherever it is cut.
pub(super) struct Contains {
    finder: Finder<'static>,
    is_found: bool,
    /// The end of what has come, too short to hold the text.
    tail: Vec<u8>,
}

impl Contains {
    pub(super) fn new(text: &str) -> Self {
        let finder = Finder::new(text.as_bytes()).into_owned();
        Self { finder, is_found: false, tail: Vec::with_capacity(2 * text.len()) }
    }
}

impl Check for Contains {
    fn body(&mut self, piece: &[u8]) {
        if self.is_found {
            return;
        }
        let overlap = self.finder.needle().len().saturating_sub(1);
        let before = self.tail.len();
        self.tail.extend_from_slice(&piece[..piece.len().min(overlap)]);
        self.is_found = self.finder.find(&self.tail).is_some() || self.finder.find(piece).is_some();
        if piece.len() > overlap {
            self.tail.truncate(before);
            self.tail.extend_from_slice(&piece[piece.len() - overlap..]);
        }
        let excess = self.tail.len().saturating_sub(overlap);
        self.tail.drain(..excess);
    }

    fn end(&mut self, _: &Response) -> bool {
        let is_found = self.is_found;
        self.reset();
        is_found
    }

    fn reset(&mut self) {
        self.is_found = false;
        self.tail.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RESPONSE: Response = Response { status: 200, reuse: true, body_bytes: 0 };

    fn holds(text: &str, pieces: &[&[u8]]) -> bool {
        let mut check = Contains::new(text);
        pieces.iter().for_each(|piece| check.body(piece));
        check.end(&RESPONSE)
    }

    #[test]
    fn a_text_is_found_wherever_it_is_cut() {
        for (text, pieces, is_found) in [
            ("abc", &[&b"xabcx"[..]][..], true),
            ("abc", &[b"a", b"b", b"c"], true),
            ("abc", &[b"xa", b"", b"bcx"], true),
            ("aab", &[b"a", b"aab"], true),
            ("abc", &[b"ab", b"xc"], false),
            ("abc", &[], false),
            ("a", &[b"b", b"a"], true),
            ("é", &["é".as_bytes().split_at(1).0, "é".as_bytes().split_at(1).1], true),
        ] {
            assert_eq!(holds(text, pieces), is_found, "`{text}` in {pieces:?}");
        }
    }

    #[test]
    fn responses_do_not_run_together() {
        let mut check = Contains::new("abc");
        check.body(b"ab");
        assert!(!check.end(&RESPONSE));
        check.body(b"c");
        assert!(!check.end(&RESPONSE), "half of it was in the response before");
        check.body(b"ab");
        check.reset();
        check.body(b"c");
        assert!(!check.end(&RESPONSE), "the one before was cut off");
        check.body(b"abc");
        assert!(check.end(&RESPONSE));
        assert!(!check.end(&RESPONSE));
    }

    proptest! {
        #[test]
        fn pieces_change_nothing(
            text in "[ab]{1,4}", body in "[ab]{0,40}", cuts in prop::collection::vec(0_usize..6, 1..20),
        ) {
            let mut check = Contains::new(&text);
            let (mut rest, mut cuts) = (body.as_bytes(), cuts.iter().cycle());
            // A few empty pieces are enough.
            for _ in 0..200 {
                let (piece, after) = rest.split_at(rest.len().min(*cuts.next().unwrap_or(&1)));
                check.body(piece);
                rest = after;
            }
            check.body(rest);
            prop_assert_eq!(check.end(&RESPONSE), body.contains(&text));
        }
    }
}
