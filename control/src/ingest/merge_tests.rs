//! Nothing is lost and nothing doubled: kills, repeats, failures of the store, late frames.

use super::*;
use crate::ingest::lost_share;
use acp_report::{Sum, books_of, encode, new_histogram};
use acp_wire::agent::{PartState, PartStatus, Share};
use acp_wire::frame::{MAX_TAGS, Slow, Tagged};
use acp_wire::{Books, PLAN_SCHEMA};
use proptest::prelude::*;

const ORIGIN_US: u64 = 1_000_000_000;

fn timeline() -> Timeline {
    Timeline { t0_unix_us: ORIGIN_US - 2_000_000, warmup_us: 2_000_000 }
}

fn record(number: u32, from_us: u64) -> PartRecord {
    PartRecord {
        part: format!("r.{number}"),
        run: "r".into(),
        number,
        agent: format!("a{number}"),
        share: Share { offset: number.into(), stride: 3, from_us, ..Share::whole(1) },
        cores: 1,
        state: PartState::Running,
        lost_at_us: None,
        taken_over_by: Vec::new(),
        stored: 0,
        status: PartStatus::default(),
        sums: String::new(),
    }
}

/// Frames of a part whose newest seconds are `seconds`; the last is flagged.
fn frames(part: u32, seconds: &[(bool, u64)]) -> Vec<Frame> {
    let mut all: Vec<_> = (0..)
        .zip(seconds)
        .map(|(seq, &(is_measured, second))| {
            let sent = 10 + seq * 7 + u64::from(part);
            let mut frame = Frame { seq, second, sent, completed: sent, ..Frame::default() };
            frame.flags.warmup = !is_measured;
            frame.planned = sent;
            frame.status.insert(200, sent);
            frame.rate_target = 33.5;
            frame.shard_count = 1;
            let mut response = new_histogram();
            response.record_n(1_000 * (seq + 1), sent).unwrap();
            frame.histograms.response = encode(&response);
            frame.histograms.send_lag = encode(&response);
            frame.classes.extend(encode(&response).map(|text| (2, text)));
            let tagged = Tagged { completed: sent, errors: seq, response: encode(&response) };
            frame.tags.insert(format!("tag {}", (u64::from(part) + seq) % 5), tagged);
            let slow = |slot| Slow { slot, ended_ns: sent + slot % 3, ..Slow::default() };
            frame.slowest = (seq..seq + 4).map(slow).collect();
            frame
        })
        .collect();
    if let Some(last) = all.last_mut() {
        last.flags.last = true;
    }
    all
}

fn batch(part: u32, frames: &[Frame]) -> PartFrames {
    PartFrames { part: format!("r.{part}"), run: "r".into(), frames: frames.to_vec() }
}

/// What a database would hold.
#[derive(Clone, Default)]
struct Stored {
    frames: BTreeMap<Moment, Frame>,
    parts: Vec<PartRecord>,
}

impl Stored {
    fn apply(&mut self, commit: &FrameCommit) {
        for stored in &commit.frames {
            self.frames.insert(Moment::of(&stored.frame), stored.frame.clone());
        }
        for (name, end) in &commit.stored {
            let part = self.parts.iter_mut().find(|part| part.part == *name).unwrap();
            assert!(part.stored < *end, "`stored` only grows");
            part.stored = *end;
        }
        for (name, sums) in &commit.sums {
            let part = self.parts.iter_mut().find(|part| part.part == *name).unwrap();
            part.sums = sums.clone();
        }
    }

    fn start(&self) -> RunMerge {
        RunMerge::new("r", timeline(), &self.parts)
    }

    fn fill(&self, merge: &mut RunMerge, now_unix_us: u64) {
        for moment in merge.wanted(now_unix_us) {
            merge.put_base(moment, self.frames.get(&moment).cloned());
        }
    }

    fn commit(&mut self, merge: &mut RunMerge, now_unix_us: u64) -> Vec<u64> {
        self.fill(merge, now_unix_us);
        let Some(commit) = merge.begin_commit(now_unix_us) else { return Vec::new() };
        self.apply(&commit);
        merge.end_commit();
        commit.frames.iter().map(|stored| stored.frame.second).collect()
    }

    fn sum(&self) -> Sum {
        let mut sum = Sum::new();
        self.frames.values().for_each(|frame| sum.add_frame(frame).unwrap());
        sum
    }
}

fn at_s(seconds: u64) -> u64 {
    ORIGIN_US + seconds * 1_000_000
}

fn two_parts() -> (Stored, RunMerge) {
    let parts = vec![record(0, 0), record(1, 0)];
    let stored = Stored { parts, ..Stored::default() };
    let merge = stored.start();
    (stored, merge)
}

const MEASURED: [(bool, u64); 4] = [(true, 0), (true, 1), (true, 2), (true, 3)];

#[test]
fn a_second_waits_for_every_part_and_not_for_ever() {
    let (mut stored, mut merge) = two_parts();
    let (first, second) = (frames(0, &MEASURED), frames(1, &MEASURED));
    let ack = merge.take(&batch(0, &first[..2])).unwrap();
    assert_eq!((ack.next, ack.stored), (2, 0));
    assert!(stored.commit(&mut merge, at_s(2)).is_empty(), "the other part has said nothing");
    merge.take(&batch(1, &second[..1]));
    assert_eq!(stored.commit(&mut merge, at_s(2)), [0]);
    assert_eq!(merge.take(&batch(0, &[])).unwrap(), PartAck { next: 2, stored: 1 });
    assert!(stored.commit(&mut merge, at_s(7)).is_empty(), "5 s are not over");
    assert_eq!(stored.commit(&mut merge, at_s(7) + 1), [1]);
    assert_eq!(stored.frames[&Moment::measured(1)].shard_count, 1);
    merge.take(&batch(1, &second[1..2]));
    assert_eq!(stored.commit(&mut merge, at_s(8)), [1], "the late frame, with what was there");
    assert_eq!(stored.frames[&Moment::measured(1)].shard_count, 2);
    assert_eq!(stored.frames[&Moment::measured(1)].rate_target, 67.0);
}

#[test]
fn parts_come_and_go() {
    let (mut stored, mut merge) = two_parts();
    merge.take(&batch(0, &frames(0, &MEASURED)));
    merge.take(&batch(1, &frames(1, &MEASURED)[..1]));
    assert_eq!(stored.commit(&mut merge, at_s(3)), [0]);
    assert!(
        merge.lose("r.1", LostShare { planned: 5, not_sent_agent_lost: 5, ..LostShare::default() })
    );
    assert!(!merge.lose("r.1", LostShare::default()), "only once");
    stored.parts.push(record(2, 2_500_000));
    merge.add_parts(&stored.parts);
    assert_eq!(stored.commit(&mut merge, at_s(3)), [1], "the new part begins in second 2");
    let ack = merge.take(&batch(1, &frames(1, &MEASURED))).unwrap();
    assert_eq!(ack.next, CLOSED, "a lost part may forget its frames");
    merge.take(&batch(2, &frames(2, &[(true, 2), (true, 3)])));
    assert_eq!(stored.commit(&mut merge, at_s(3)), [2, 3]);
    assert!(stored.frames[&Moment::measured(3)].flags.last);
    assert_eq!(stored.parts[1].stored, CLOSED);
    let progress = stored.start().progress();
    assert!(progress[1].is_lost && progress[0].is_last_seen && progress[2].is_last_seen);
    assert_eq!(progress[1].planned, merge.sum_of("r.1").unwrap().counts.planned);
    assert!(progress[1].is_shut && !progress[0].is_shut);
}

#[test]
fn repeats_and_holes_are_not_taken() {
    let (_, mut merge) = two_parts();
    let all = frames(0, &MEASURED);
    for (what, range, next) in [
        ("a hole at the start", 1..3, 0),
        ("the first", 0..1, 1),
        ("again, and more", 0..3, 3),
        ("all again", 0..3, 3),
        ("the last", 3..4, 4),
    ] {
        assert_eq!(merge.take(&batch(0, &all[range])).unwrap().next, next, "{what}");
    }
    assert_eq!(merge.take(&batch(9, &all)), None, "an unknown part");
    assert_eq!(merge.sum_of("r.0").unwrap().counts.sent, all.iter().map(|f| f.sent).sum::<u64>());
}

#[test]
fn a_shut_part_is_not_waited_for_and_says_nothing_new() {
    let (mut stored, mut merge) = two_parts();
    let (first, second) = (frames(0, &MEASURED), frames(1, &MEASURED));
    merge.take(&batch(0, &first));
    merge.take(&batch(1, &second[..1]));
    merge.shut("r.1");
    let ack = merge.take(&batch(1, &second)).unwrap();
    assert_eq!((ack.next, ack.stored), (1, 0), "its agent keeps what it has");
    assert_eq!(stored.commit(&mut merge, at_s(3)), [0, 1, 2, 3]);
    stored.parts[1].lost_at_us = Some(1);
    assert!(stored.start().progress()[1].is_shut, "from the start");
}

#[test]
fn memory_is_bounded_while_the_store_is_away() {
    let (mut stored, mut merge) = two_parts();
    let seconds: Vec<_> = (0..300).map(|second| (true, second)).collect();
    let all = frames(0, &seconds);
    assert_eq!(merge.take(&batch(0, &all)).unwrap().next, MAX_PENDING as u64);
    stored.commit(&mut merge, at_s(1000));
    assert_eq!(merge.take(&batch(0, &all)).unwrap().next, 2 * MAX_PENDING as u64);
}

#[test]
fn a_histogram_that_cannot_be_read_costs_no_counts() {
    let (mut stored, mut merge) = two_parts();
    let mut bad = frames(0, &MEASURED[..1]);
    bad[0].histograms.response = Some("nonsense".into());
    merge.take(&batch(0, &bad));
    merge.close();
    stored.commit(&mut merge, 0);
    assert_eq!(stored.sum().counts().sent, bad[0].sent);
    assert_eq!(PartSum::read(&stored.parts[0].sums).unreadable, 1);
}

#[test]
fn hostile_tags_are_bounded_and_bad_ones_cost_no_counts() {
    let (mut stored, mut merge) = two_parts();
    let mut many = frames(0, &MEASURED[..1]);
    let tag = |number: u64| (format!("{number:04}"), Tagged { completed: 1, ..Tagged::default() });
    many[0].tags = (0..1000).map(tag).collect();
    many[0].slowest = vec![Slow { agent: "x".repeat(1 << 20), ..Slow::default() }; 3];
    merge.take(&batch(0, &many));
    let mut bad = frames(1, &MEASURED[..1]);
    bad[0].classes.insert(5, "nonsense".into());
    merge.take(&batch(1, &bad));
    merge.close();
    stored.commit(&mut merge, 0);
    let frame = stored.frames.values().next().unwrap();
    assert_eq!(frame.sent, many[0].sent + bad[0].sent);
    assert_eq!(frame.tags.len(), MAX_TAGS + 1);
    assert_eq!(frame.tags.values().map(|tagged| tagged.completed).sum::<u64>(), 1000);
    assert!(frame.slowest.is_empty() && frame.classes.len() == 1, "{:?}", frame.classes);
    assert_eq!([0, 1].map(|part| PartSum::read(&stored.parts[part].sums).unreadable), [0, 1]);
}

#[test]
fn an_earlier_second_after_a_later_one_is_not_doubled_by_a_restart() {
    let (mut stored, mut merge) = two_parts();
    let first = frames(0, &[(true, 5), (true, 6), (true, 5), (true, 7)]);
    merge.take(&batch(0, &first[..3]));
    merge.take(&batch(1, &frames(1, &[(true, 5), (true, 6)])[..1]));
    assert_eq!(stored.commit(&mut merge, at_s(7)), [5]);
    assert_eq!(stored.parts[0].stored, 1, "the third frame is not in, though it is of second 5");
    let mut merge = stored.start();
    merge.take(&batch(0, &first[1..]));
    merge.close();
    stored.commit(&mut merge, 0);
    let sent: u64 = first.iter().map(|frame| frame.sent).sum();
    assert_eq!(PartSum::read(&stored.parts[0].sums).counts.sent, sent);
}

#[derive(Clone, Debug)]
enum Step {
    /// An agent sends so many of its frames from its acknowledged number, or from 0.
    Send {
        part: usize,
        count: usize,
        from_start: bool,
    },
    Commit {
        outcome: Outcome,
    },
    Kill,
    Lose {
        part: usize,
    },
    Wait {
        seconds: u64,
    },
}

#[derive(Clone, Copy, Debug)]
enum Outcome {
    Good,
    Refused,
    /// Stored, and the answer was lost.
    Unsure,
    /// Stored or not, and control is killed before it knows.
    Killed {
        is_stored: bool,
    },
}

fn steps() -> impl Strategy<Value = Step> {
    let outcome = prop_oneof![
        4 => Just(Outcome::Good),
        1 => Just(Outcome::Refused),
        1 => Just(Outcome::Unsure),
        1 => any::<bool>().prop_map(|is_stored| Outcome::Killed { is_stored }),
    ];
    prop_oneof![
        6 => (0..3_usize, 0..5_usize, any::<bool>())
            .prop_map(|(part, count, from_start)| Step::Send { part, count, from_start }),
        4 => outcome.prop_map(|outcome| Step::Commit { outcome }),
        1 => Just(Step::Kill),
        1 => (0..3_usize).prop_map(|part| Step::Lose { part }),
        2 => (0..4_u64).prop_map(|seconds| Step::Wait { seconds }),
    ]
}

/// Seconds of a part: they go on, but for a few that come late.
fn seconds() -> impl Strategy<Value = Vec<(bool, u64)>> {
    prop::collection::vec((0_u64..3, 0_u64..8), 1..12).prop_map(|steps| {
        let mut at = 0;
        steps
            .into_iter()
            .map(|(step, back)| {
                at += step;
                let second = if back == 0 { at.saturating_sub(1) } else { at };
                (second >= 2, if second >= 2 { second - 2 } else { second })
            })
            .collect()
    })
}

struct World {
    stored: Stored,
    merge: RunMerge,
    agents: Vec<Vec<Frame>>,
    is_lost: Vec<bool>,
    now_unix_us: u64,
}

impl World {
    fn send(&mut self, part: usize, count: usize, from_start: bool) {
        let number = u32::try_from(part).unwrap();
        let ack = self.merge.take(&batch(number, &[])).unwrap();
        assert!(ack.stored <= ack.next);
        let from = if from_start { ack.stored } else { ack.next };
        let frames = &self.agents[part];
        let from = usize::try_from(from).unwrap().min(frames.len());
        let to = (from + count).min(frames.len());
        self.merge.take(&batch(number, &frames[from..to]));
    }

    fn lose(&mut self, part: usize) {
        let books = books_of(&self.merge.sum_of(&format!("r.{part}")).unwrap().counts);
        let share = lost_share(&plan(), &record(0, 0).share, &books, 9_000_000, None);
        self.merge.lose(&format!("r.{part}"), share);
        self.is_lost[part] = true;
    }

    fn restart(&mut self) {
        self.merge = self.stored.start();
        // Whoever leads asks again for what it does not find done.
        for part in 0..self.agents.len() {
            if self.is_lost[part] && !self.merge.progress()[part].is_lost {
                self.lose(part);
            }
        }
    }

    fn commit(&mut self, outcome: Outcome) {
        self.stored.fill(&mut self.merge, self.now_unix_us);
        let Some(commit) = self.merge.begin_commit(self.now_unix_us) else { return };
        // Frames come while the store is busy.
        self.send(0, 2, false);
        match outcome {
            Outcome::Good => {
                self.stored.apply(&commit);
                self.merge.end_commit();
            }
            Outcome::Refused => self.merge.settle_commit(&self.stored.parts),
            Outcome::Unsure => {
                self.stored.apply(&commit);
                self.merge.settle_commit(&self.stored.parts);
            }
            Outcome::Killed { is_stored } => {
                if is_stored {
                    self.stored.apply(&commit);
                }
                self.restart();
            }
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Send { part, count, from_start } => self.send(part, count, from_start),
            Step::Commit { outcome } => self.commit(outcome),
            Step::Kill => self.restart(),
            Step::Lose { part } => self.lose(part),
            Step::Wait { seconds } => self.now_unix_us += seconds * 1_000_000,
        }
    }
}

fn plan() -> acp_plan::Plan {
    let mut document = acp_wire::Plan { schema: PLAN_SCHEMA.into(), ..acp_wire::Plan::default() };
    document.target.url = "http://127.0.0.1/".into();
    document.load.model = acp_wire::plan::Model::Open;
    document.load.rate = Some("3k".into());
    acp_plan::compile(&document).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn nothing_is_lost_and_nothing_doubled(
        seconds in prop::collection::vec(seconds(), 3),
        steps in prop::collection::vec(steps(), 0..60),
    ) {
        let parts: Vec<_> = (0..3).map(|number| record(number, 0)).collect();
        let stored = Stored { parts, ..Stored::default() };
        let agents: Vec<_> =
            (0..).zip(&seconds).map(|(number, seconds)| frames(number, seconds)).collect();
        let merge = stored.start();
        let now_unix_us = ORIGIN_US;
        let mut world = World { stored, merge, agents, is_lost: vec![false; 3], now_unix_us };
        steps.iter().for_each(|step| world.step(step));
        // In the end every agent that is left sends the rest.
        for part in 0..3 {
            world.send(part, usize::MAX >> 1, false);
        }
        world.merge.close();
        world.commit(Outcome::Good);
        while !world.merge.is_empty() {
            world.commit(Outcome::Good);
        }

        let mut expected = Sum::new();
        for part in (0..3).filter(|&part| !world.is_lost[part]) {
            let sum = PartSum::read(&world.stored.parts[part].sums);
            let frames = &world.agents[part];
            let measured = || frames.iter().filter(|frame| !frame.flags.warmup);
            prop_assert_eq!(sum.counts.sent, measured().map(|frame| frame.sent).sum::<u64>());
            prop_assert!(sum.is_last_seen);
            frames.iter().for_each(|frame| expected.add_frame(frame).unwrap());
        }
        let found = world.stored.sum();
        if world.is_lost.contains(&true) {
            let mut books = Books::default();
            for part in &world.stored.parts {
                let of_part = books_of(&PartSum::read(&part.sums).counts);
                books.planned += of_part.planned;
                books.sent += of_part.sent;
                books.lost_with_agent += of_part.lost_with_agent;
            }
            let mut measured = Sum::new();
            let frames = world.stored.frames.iter().filter(|(moment, _)| moment.is_measured);
            frames.for_each(|(_, frame)| measured.add_frame(frame).unwrap());
            let in_frames = measured.books();
            prop_assert!(in_frames.balanced, "{in_frames:?}");
            prop_assert_eq!(
                (in_frames.planned, in_frames.sent, in_frames.lost_with_agent),
                (books.planned, books.sent, books.lost_with_agent)
            );
        } else {
            let text = |sum: &Sum| {
                let frame = sum.to_frame("r", 0, 0, Flags::default());
                // The rate of a second is counted once a part, however many frames it has of it.
                serde_json::to_string(&Frame { rate_target: 0.0, ..frame }).unwrap()
            };
            prop_assert_eq!(text(&found), text(&expected));
        }
    }
}
