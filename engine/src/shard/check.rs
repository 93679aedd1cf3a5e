//! What is asked of a response beyond its status.

use super::Shard;
use crate::conn::Response;
use memchr::memmem::Finder;

/// Looks at the responses of one connection, one after the other. It is called on the thread of the
/// connection's shard, which sends nothing and hears nothing as long as that takes: it does not wait.
pub trait Check: Send {
    /// A piece of the body of the present response, without what frames it. Where a body is cut says
    /// nothing: a network does that.
    fn body(&mut self, piece: &[u8]);
    /// The present response is whole. Returns whether it is as expected; the next one begins. One that
    /// is not counts as an error of the class `unexpected`.
    fn end(&mut self, response: &Response) -> bool;
    /// The present response was cut off: the next one begins.
    fn reset(&mut self);
}

impl<C: Check + ?Sized> Check for Box<C> {
    fn body(&mut self, piece: &[u8]) {
        (**self).body(piece);
    }

    fn end(&mut self, response: &Response) -> bool {
        (**self).end(response)
    }

    fn reset(&mut self) {
        (**self).reset();
    }
}

impl Shard {
    /// With a check of responses for each connection, besides what the plan asks of them and the
    /// checks that there are: all must hold.
    #[must_use]
    pub fn with_checks(mut self, checks: impl IntoIterator<Item = Box<dyn Check>>) -> Self {
        for (connection, check) in self.connections.iter_mut().zip(checks) {
            connection.check = Some(match connection.check.take() {
                None => check,
                Some(other) => Box::new(Both(other, check)),
            });
        }
        self
    }
}

/// Two checks of the same responses: both must hold.
struct Both(Box<dyn Check>, Box<dyn Check>);

impl Check for Both {
    fn body(&mut self, piece: &[u8]) {
        self.0.body(piece);
        self.1.body(piece);
    }

    fn end(&mut self, response: &Response) -> bool {
        // Each has to hear of the end, whatever the other says.
        let are_met = [self.0.end(response), self.1.end(response)];
        are_met == [true; 2]
    }

    fn reset(&mut self) {
        self.0.reset();
        self.1.reset();
    }
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

    #[test]
    fn both_must_hold_and_both_hear_of_each_response() {
        let both = |one: &str, other: &str| -> [Box<dyn Check>; 2] {
            [Box::new(Contains::new(one)), Box::new(Contains::new(other))]
        };
        for (one, other, body, is_met) in [
            ("a", "b", "ab", true),
            ("a", "b", "a", false),
            ("a", "b", "b", false),
            ("a", "b", "", false),
        ] {
            let [first, second] = both(one, other);
            let mut check = Both(first, second);
            check.body(b"ab");
            check.reset();
            for _ in 0..2 {
                check.body(body.as_bytes());
                assert_eq!(check.end(&RESPONSE), is_met, "`{one}` and `{other}` in `{body}`");
            }
            assert!(!check.end(&RESPONSE), "an empty one");
        }
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
