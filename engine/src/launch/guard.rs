//! Feeds and checks that are not ours: what goes wrong in them ends the run and is named, and leaves
//! the shard as it is.

use super::Control;
use crate::shard::{Answer, Check, Feed, Given, Response, Wanted};
use memchr::memmem::Finder;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The end of the head of a request.
const HEAD_END: &[u8] = b"\r\n\r\n";

/// Ends a run because of something that a program has added to it.
#[derive(Clone)]
pub(super) struct Alarm {
    control: Control,
    /// Whose fault it is.
    who: String,
    /// A shard may have many of the kind: the first fault of all of them is told.
    is_raised: Arc<AtomicBool>,
}

impl Alarm {
    pub(super) fn new(control: &Control, who: String) -> Self {
        Self { control: control.clone(), who, is_raised: Arc::default() }
    }

    #[cold]
    fn raise(&self, fault: &str) {
        if self.is_raised.swap(true, Ordering::Relaxed) {
            return;
        }
        let text = format!("{} {fault}", self.who);
        if self.control.is_stopped() {
            self.control.tell("error", text);
        } else {
            self.control.stop_because(&text);
        }
    }
}

/// What somebody has panicked with.
pub(super) fn panic_text(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text")
}

/// Drops something that has panicked, which may panic again.
fn discard<T>(thing: Option<T>) {
    // There is nobody left to tell.
    drop(catch_unwind(AssertUnwindSafe(|| drop(thing))));
}

/// A feed that may be at fault. After the first fault it has nothing any more.
pub(super) struct GuardedFeed<F> {
    feed: Option<F>,
    alarm: Alarm,
    limit_bytes: usize,
    head_end: Finder<'static>,
}

impl<F: Feed> GuardedFeed<F> {
    /// `limit_bytes`: the longest request.
    pub(super) fn new(feed: F, alarm: Alarm, limit_bytes: usize) -> Self {
        Self { feed: Some(feed), alarm, limit_bytes, head_end: Finder::new(HEAD_END) }
    }

    /// What is wrong with a request.
    #[inline]
    fn fault_of(&self, given: Given, bytes: &[u8]) -> Option<String> {
        let is_head = bytes.starts_with(b"HEAD ");
        if bytes.is_empty() {
            Some("gave a request without bytes".into())
        } else if bytes.len() > self.limit_bytes {
            Some(format!("gave {} bytes, the limit is {}", bytes.len(), self.limit_bytes))
        } else if self.head_end.find(bytes).is_none() {
            Some("gave a request without a blank line behind its headers".into())
        } else if is_head && !given.is_head {
            Some("gave a HEAD request that is not marked as one".into())
        } else if !is_head && given.is_head {
            Some("marked as HEAD a request that is none".into())
        } else {
            None
        }
    }

    #[cold]
    fn fail(&mut self, fault: &str, bytes: &mut Vec<u8>) -> Answer {
        bytes.clear();
        discard(self.feed.take());
        self.alarm.raise(fault);
        Answer::NotYet
    }
}

impl<F: Feed> Feed for GuardedFeed<F> {
    #[inline]
    fn give(&mut self, wanted: Wanted, bytes: &mut Vec<u8>) -> Answer {
        let Some(feed) = &mut self.feed else { return Answer::NotYet };
        let fault = match catch_unwind(AssertUnwindSafe(|| feed.give(wanted, bytes))) {
            Ok(Answer::Given(given)) => match self.fault_of(given, bytes) {
                None => return Answer::Given(given),
                Some(fault) => fault,
            },
            Ok(answer) if bytes.is_empty() => return answer,
            Ok(_) => "has no request and gave bytes all the same".into(),
            Err(payload) => format!("panicked: {}", panic_text(&*payload)),
        };
        self.fail(&fault, bytes)
    }
}

/// A check that may be at fault. After the first fault no response is as expected.
pub(super) struct GuardedCheck<C> {
    check: Option<C>,
    alarm: Alarm,
}

impl<C: Check> GuardedCheck<C> {
    pub(super) fn new(check: C, alarm: Alarm) -> Self {
        Self { check: Some(check), alarm }
    }

    #[inline]
    fn with<T>(&mut self, ask: impl FnOnce(&mut C) -> T) -> Option<T> {
        let check = self.check.as_mut()?;
        match catch_unwind(AssertUnwindSafe(|| ask(check))) {
            Ok(answer) => Some(answer),
            Err(payload) => {
                discard(self.check.take());
                self.alarm.raise(&format!("panicked: {}", panic_text(&*payload)));
                None
            }
        }
    }
}

impl<C: Check> Check for GuardedCheck<C> {
    fn body(&mut self, piece: &[u8]) {
        self.with(|check| check.body(piece));
    }

    fn end(&mut self, response: &Response) -> bool {
        self.with(|check| check.end(response)).unwrap_or(false)
    }

    fn reset(&mut self) {
        self.with(C::reset);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives the same bytes and the same answer again and again.
    struct Same(&'static [u8], Answer);

    impl Feed for Same {
        fn give(&mut self, _: Wanted, bytes: &mut Vec<u8>) -> Answer {
            bytes.extend_from_slice(self.0);
            self.1
        }
    }

    const WANTED: Wanted = Wanted { index: 0, slot: 0, is_warmup: false };
    const GET: Answer = Answer::Given(Given { is_head: false, tag: 0 });
    const HEAD: Answer = Answer::Given(Given { is_head: true, tag: 0 });

    #[test]
    fn what_is_no_request_ends_the_run_and_is_named() {
        for (what, bytes, answer, fault) in [
            ("a request", &b"GET / HTTP/1.1\r\n\r\n"[..], GET, None),
            ("a marked HEAD", b"HEAD / HTTP/1.1\r\n\r\n", HEAD, None),
            ("later", b"", Answer::NotYet, None),
            ("over", b"", Answer::Over, None),
            ("nothing", b"", GET, Some("gave a request without bytes")),
            ("a long one", &[b'x'; 101], GET, Some("gave 101 bytes, the limit is 100")),
            ("no end", b"GET / HTTP/1.1\r\n", GET, Some("without a blank line")),
            ("HEAD", b"HEAD / HTTP/1.1\r\n\r\n", GET, Some("not marked as one")),
            ("no HEAD", b"GET / HTTP/1.1\r\n\r\n", HEAD, Some("marked as HEAD")),
            ("bytes of nothing", b"GET", Answer::NotYet, Some("has no request and gave bytes")),
            ("bytes of the end", b"GET", Answer::Over, Some("has no request and gave bytes")),
        ] {
            let control = Control::default();
            let alarm = Alarm::new(&control, "the feed of shard 7".into());
            let mut feed = GuardedFeed::new(Same(bytes, answer), alarm, 100);
            let mut place = Vec::new();
            let found = feed.give(WANTED, &mut place);
            let Some(fault) = fault else {
                assert_eq!((found, place.as_slice()), (answer, bytes), "{what}");
                assert!(!control.is_stopped(), "{what}");
                continue;
            };
            for found in [found, feed.give(WANTED, &mut place)] {
                assert_eq!((found, place.len()), (Answer::NotYet, 0), "{what}");
            }
            assert!(control.is_stopped(), "{what}");
            let reason = control.stop_reason();
            assert!(reason.starts_with("the feed of shard 7 "), "{what}: {reason}");
            assert!(reason.contains(fault), "{what}: {reason}");
        }
    }

    /// Panics in one of its methods, and when it is dropped.
    struct Broken(&'static str);

    impl Broken {
        fn at(&self, place: &str) {
            assert_ne!(self.0, place, "broken");
        }
    }

    impl Feed for Broken {
        fn give(&mut self, _: Wanted, bytes: &mut Vec<u8>) -> Answer {
            bytes.extend_from_slice(b"GET");
            panic!("no {}", "luck");
        }
    }

    impl Check for Broken {
        fn body(&mut self, _: &[u8]) {
            self.at("body");
        }

        fn end(&mut self, _: &Response) -> bool {
            self.at("end");
            true
        }

        fn reset(&mut self) {
            self.at("reset");
        }
    }

    impl Drop for Broken {
        fn drop(&mut self) {
            self.at("give");
        }
    }

    #[test]
    fn panics_end_the_run_and_nothing_else() {
        let control = Control::default();
        let alarm = Alarm::new(&control, "the feed of shard 0".into());
        let mut feed = GuardedFeed::new(Broken("give"), alarm, 100);
        let mut bytes = Vec::new();
        for _ in 0..2 {
            assert_eq!(feed.give(WANTED, &mut bytes), Answer::NotYet);
            assert!(bytes.is_empty());
        }
        assert_eq!(control.stop_reason(), "the feed of shard 0 panicked: no luck");
        let response = Response { status: 200, reuse: true, body_bytes: 0 };
        for (place, first, second) in [
            ("body", false, false),
            ("end", false, false),
            ("reset", true, false),
            ("", true, true),
        ] {
            let control = Control::default();
            let alarm = Alarm::new(&control, "the check of shard 0".into());
            let mut check = GuardedCheck::new(Broken(place), alarm);
            check.body(b"x");
            assert_eq!(check.end(&response), first, "{place}");
            check.reset();
            assert_eq!(check.end(&response), second, "{place}");
            let reason = control.stop_reason();
            let is_named = reason.starts_with("the check of shard 0 panicked: ");
            assert_eq!(is_named, !place.is_empty(), "{place}: {reason}");
        }
    }

    #[test]
    fn what_goes_wrong_behind_a_stop_is_an_event() {
        let control = Control::default();
        control.stop();
        Alarm::new(&control, "the check of shard 3".into()).raise("panicked: late");
        assert_eq!(control.stop_reason(), "");
        let events = control.events();
        let texts: Vec<_> = events.iter().map(|event| event.text.as_str()).collect();
        assert_eq!(texts, ["the check of shard 3 panicked: late"]);
    }
}
