//! A target that is slow, stands still or fails because it was told to.

use super::{Client, REQUEST, start};
use acp_engine::target::{TargetOptions, parse_error_rate, parse_stall};
use std::time::{Duration, Instant};

#[test]
fn answers_are_not_given_before_their_delay() {
    let target = start(TargetOptions { delay_ns: 30_000_000, ..TargetOptions::default() });
    let mut client = Client::connect(&target);
    for _ in 0..3 {
        let start = Instant::now();
        client.send(REQUEST.repeat(5));
        for _ in 0..5 {
            assert_eq!(client.response().status, 200);
        }
        assert!(start.elapsed() >= Duration::from_millis(30));
    }
}

#[test]
fn nothing_is_answered_in_a_stall() {
    // An answer of just before a stall may be seen in it by a client that was held up.
    let tries: Vec<_> = (0..5).map(|_| answers_in_stalls()).take_while(|&seen| seen > 0).collect();
    assert!(tries.len() < 5, "answers in stalls: {tries:?}");
}

/// Answers that a client sees in the stalls of a target.
fn answers_in_stalls() -> usize {
    let before = Instant::now();
    let stalls =
        vec![parse_stall("100ms@0s").expect("stall"), parse_stall("100ms@200ms").expect("stall")];
    let target = start(TargetOptions { stalls, ..TargetOptions::default() });
    let started = Instant::now();
    let mut client = Client::connect(&target);
    let mut answers = Vec::new();
    while started.elapsed() < Duration::from_millis(400) {
        assert_eq!(client.get().status, 200);
        answers.push(Instant::now());
    }
    // The target began between `before` and `started`, so these instants are in a stall whenever it
    // was.
    let slack = started - before;
    let is_stalled = |answer: &&Instant| {
        [0, 200].iter().any(|&begin| {
            **answer > started + Duration::from_millis(begin)
                && **answer + slack < started + Duration::from_millis(begin + 100)
        })
    };
    assert!(!answers.is_empty());
    answers.iter().filter(is_stalled).count()
}

#[test]
fn errors_are_injected_and_counted() {
    let error_rate = parse_error_rate("10%").expect("share");
    let target = start(TargetOptions { error_rate, ..TargetOptions::default() });
    let mut client = Client::connect(&target);
    let errors = (0..2000).filter(|_| client.get().status == 500).count();
    assert!((100..300).contains(&errors), "{errors}");
    assert_eq!(client.counts().injected_errors, errors as u64);
    let same = start(TargetOptions { error_rate, ..TargetOptions::default() });
    let mut client = Client::connect(&same);
    assert_eq!((0..2000).filter(|_| client.get().status == 500).count(), errors);
}
