//! Tests of the breakdown: what is put together, what is folded, and what hostile frames do to it.

use super::*;
use crate::{Sum, decode, encode, new_histogram};
use acp_wire::frame::Flags;
use proptest::prelude::*;

fn text(values: &[u64]) -> Option<String> {
    let mut histogram = new_histogram();
    values.iter().for_each(|&value| histogram.saturating_record(value));
    encode(&histogram)
}

fn tagged(completed: u64, values: &[u64]) -> Tagged {
    Tagged { completed, errors: 1, response: text(values) }
}

fn frame_of(tags: impl IntoIterator<Item = (String, u64)>) -> Frame {
    let tags = tags.into_iter().map(|(name, count)| (name, tagged(count, &[count])));
    Frame { tags: tags.collect(), ..Frame::default() }
}

fn sum_of<'a>(frames: impl IntoIterator<Item = &'a Frame>) -> Sum {
    let mut sum = Sum::new();
    frames.into_iter().for_each(|frame| sum.add_frame(frame).unwrap());
    sum
}

fn written(sum: &Sum) -> Frame {
    sum.to_frame("r", 0, 0, Flags::default())
}

#[test]
fn statuses_have_the_class_that_the_table_says() {
    for (status, class) in
        [(0, 0), (99, 0), (100, 1), (200, 2), (304, 3), (499, 4), (503, 5), (600, 0), (999, 0)]
    {
        assert_eq!(class_of(status), class, "{status}");
    }
    assert_eq!(class_of(u16::MAX), 0);
}

#[test]
fn classes_and_tags_are_sums_of_histograms() {
    let mut one = frame_of([("a".to_string(), 5)]);
    one.classes = BTreeMap::from([(2, text(&[10, 20]).unwrap()), (5, text(&[1]).unwrap())]);
    let mut other = frame_of([("a".to_string(), 7), ("b".to_string(), 1)]);
    other.classes = BTreeMap::from([(2, text(&[30]).unwrap()), (77, text(&[4]).unwrap())]);
    let sum = sum_of([&one, &other]);
    let found = written(&sum);
    let expect = [(0, vec![4]), (2, vec![10, 20, 30]), (5, vec![1])];
    let expect = expect.map(|(class, values)| (class, text(&values).unwrap()));
    assert_eq!(found.classes, BTreeMap::from(expect));
    let a = Tagged { completed: 12, errors: 2, response: text(&[5, 7]) };
    assert_eq!(found.tags["a"], a);
    assert_eq!(sum.breakdown().classes()[&2].max, 30);
    assert_eq!(sum.breakdown().tags()["b"].response_ns.count, 1);
}

#[test]
fn the_most_frequent_tags_are_shown_and_the_rest_is_one() {
    let names = (0..MAX_TAGS as u64 + 10).map(|tag| (format!("tag-{tag:03}"), 1 + tag));
    let frame = frame_of(names.chain([(OTHER_TAGS.to_string(), 1000)]));
    let found = written(&sum_of([&frame]));
    assert_eq!(found.tags.len(), MAX_TAGS + 1);
    assert!(!found.tags.contains_key("tag-009"), "one of the ten with the fewest");
    assert_eq!(found.tags["tag-010"].completed, 11);
    let rest = &found.tags[OTHER_TAGS];
    assert_eq!((rest.completed, rest.errors), (1000 + (1..=10).sum::<u64>(), 11));
    assert_eq!(decode(rest.response.as_deref().unwrap()).unwrap().len(), 11);
}

#[test]
fn a_thousand_tags_are_bounded_and_add_up() {
    let names = |from: u64| (from..from + 1000).map(|tag| (format!("{tag}"), 1));
    let long = ("x".repeat(TAG_BYTES_MAX + 1), 5);
    let frames = [frame_of(names(0)), frame_of(names(500)), frame_of([long])];
    let sum = sum_of(&frames);
    assert!(sum.breakdown().tags.len() <= KEPT_TAGS + 1);
    let found = written(&sum);
    assert_eq!(found.tags.len(), MAX_TAGS + 1);
    assert_eq!(found.tags.values().map(|tag| tag.completed).sum::<u64>(), 2005);
    // In another order they are the same to the bit.
    assert_eq!(written(&sum_of(frames.iter().rev())).tags, found.tags);
}

#[test]
fn what_cannot_be_read_adds_nothing() {
    let good = frame_of([("a".to_string(), 5)]);
    let bad_tag = Tagged { response: Some("!".into()), ..Tagged::default() };
    let bad = [
        ("a class", Frame { classes: BTreeMap::from([(2, "!".into())]), ..Frame::default() }),
        ("a tag", Frame { tags: BTreeMap::from([("b".into(), bad_tag)]), ..Frame::default() }),
        ("an empty class", Frame { classes: BTreeMap::from([(2, "".into())]), ..good.clone() }),
    ];
    for (what, mut bad) in bad {
        bad.slowest = vec![Slow::default()];
        let mut sum = sum_of([&good]);
        assert!(sum.add_frame(&bad).is_err(), "{what}");
        assert_eq!(written(&sum), written(&sum_of([&good])), "{what}");
    }
}

#[test]
fn names_of_a_megabyte_are_not_kept() {
    let mut frame = Frame::default();
    let long = "x".repeat(1 << 20);
    frame.slowest = vec![
        Slow { slot: 1, agent: long.clone(), ..Slow::default() },
        Slow { slot: 2, tag: long, ..Slow::default() },
        Slow { slot: 3, ..Slow::default() },
    ];
    let slots: Vec<_> = written(&sum_of([&frame])).slowest.iter().map(|slow| slow.slot).collect();
    assert_eq!(slots, [3]);
}

#[test]
fn a_second_has_fewer_slow_requests_than_a_run() {
    let slow = |slot| Slow { slot, ended_ns: slot, ..Slow::default() };
    let frames: Vec<_> = (0..10)
        .map(|second| Frame {
            slowest: (0..30).map(|slot| slow(30 * second + slot)).collect(),
            ..Frame::default()
        })
        .collect();
    let sum = sum_of(&frames);
    assert_eq!(written(&sum).slowest.len(), SLOWEST_OF_SECOND);
    let slots: Vec<_> = sum.breakdown().slowest().iter().map(|slow| slow.slot).collect();
    assert_eq!(slots, (250..300).rev().collect::<Vec<u64>>());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn however_many_tags_there_are_their_order_does_not_show(
        tags in prop::collection::vec((0_u64..600, 1_u64..1000), 1..700),
        turn in 0_usize..700,
    ) {
        let mut frames: Vec<_> =
            tags.iter().map(|&(tag, count)| frame_of([(format!("{tag}"), count)])).collect();
        let expect = written(&sum_of(&frames)).tags;
        let all: u64 = tags.iter().map(|(_, count)| count).sum();
        prop_assert_eq!(expect.values().map(|tag| tag.completed).sum::<u64>(), all);
        let turn = turn % frames.len();
        frames.rotate_left(turn);
        let (left, right) = frames.split_at(frames.len() / 2);
        let mut sum = sum_of(right);
        sum.add(&sum_of(left));
        prop_assert_eq!(written(&sum).tags, expect);
    }
}
