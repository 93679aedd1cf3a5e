//! Frames: committed at once with how far the parts are, numbered, replaced, read in two orders.

use super::world::{World, commit, frame, kind, on_both, part, sums};
use acp_control::store::{FrameCommit, FrameExtent, RunSecond, StoredFrame};
use acp_wire::Frame;
use acp_wire::frame::{Histograms, Slow, Tagged, TcpInfo};
use acp_wire::{ErrorClass, NotSent};
use std::collections::BTreeMap;
use std::task::Poll;

on_both!(
    comes_back_as_it_was,
    numbers,
    order_of_time,
    counts,
    all_or_nothing,
    many_writers,
    given_up,
    fenced
);

fn numbers_of(frames: &[StoredFrame]) -> Vec<i64> {
    frames.iter().map(|frame| frame.number).collect()
}

/// A leader that was replaced writes no frames any more.
async fn fenced(world: World) {
    world.run("r").await;
    let mut run = world.store.run("r").await.unwrap().unwrap();
    run.epoch = 7;
    world.store.update_run(&run).await.unwrap();
    for (epoch, expected) in [(6, "conflict"), (7, "ok"), (8, "ok")] {
        let commit = FrameCommit { epoch, ..commit("r", vec![frame(epoch, 1)], &[]) };
        let done = world.store.commit_frames(&commit).await;
        assert_eq!(kind(done), expected, "{epoch}");
    }
    assert_eq!(world.store.frames_after("r", 0, 10).await.unwrap().len(), 2);
}

async fn comes_back_as_it_was(world: World) {
    world.run("r").await;
    let mut full = frame(u64::from(u32::MAX), 1 << 62);
    full.width_s = 60;
    full.frame.schema = acp_wire::FRAME_SCHEMA.into();
    full.frame.run = "r".into();
    full.frame.flags.last = true;
    full.frame.not_sent = BTreeMap::from([(NotSent::Backlog, u64::MAX)]);
    full.frame.errors = BTreeMap::from([(ErrorClass::Reset, 3)]);
    full.frame.status = BTreeMap::from([(200, 1), (503, 2)]);
    full.frame.rate_target = 33_333.333_333_333_336;
    full.frame.cost.busy_ratio = 0.1 + 0.2;
    full.frame.histograms = Histograms {
        response: Some("SGlzdG9ncmFtL+8=".repeat(10_000)),
        connect: Some(String::new()),
        ..Histograms::default()
    };
    full.frame.classes = BTreeMap::from([(0, "other".into()), (2, "good".into())]);
    let tagged = Tagged { completed: 2, errors: u64::MAX, response: Some("text".into()) };
    full.frame.tags = BTreeMap::from([("a \"tag\" 标签".to_string(), tagged)]);
    full.frame.slowest = vec![
        Slow {
            slot: u64::MAX,
            error: Some(ErrorClass::Timeout),
            tcp: Some(TcpInfo { rtt_us: 9, retransmits: 1 }),
            ..Slow::default()
        },
        Slow { status: Some(503), first_byte_ns: Some(0), ..Slow::default() },
    ];
    full.frame.response_ns = Some(acp_wire::report::Distribution {
        count: 3,
        mean: 1.0 / 3.0,
        ..acp_wire::report::Distribution::default()
    });
    world.store.commit_frames(&commit("r", vec![full.clone()], &[])).await.unwrap();
    (full.run, full.number, full.frame.seq) = ("r".into(), 1, 1);
    assert_eq!(world.store.frames_after("r", 0, 10).await.unwrap(), [full.clone()]);
    assert_eq!(world.store.frames_from("r", true, 0, 10).await.unwrap(), [full]);
}

async fn numbers(world: World) {
    world.run("r").await;
    world.run("s").await;
    let store = &world.store;
    store.commit_frames(&commit("r", vec![frame(0, 1), frame(1, 1)], &[])).await.unwrap();
    store.commit_frames(&commit("s", vec![frame(0, 7)], &[])).await.unwrap();
    store.commit_frames(&commit("r", vec![frame(0, 5), frame(2, 1)], &[])).await.unwrap();
    let found = store.frames_after("r", 0, 100).await.unwrap();
    assert_eq!(numbers_of(&found), [2, 3, 4], "a second that is replaced has a new number");
    let seconds: Vec<_> = found.iter().map(|f| (f.frame.second, f.frame.sent)).collect();
    assert_eq!(seconds, [(1, 1), (0, 5), (2, 1)]);
    assert!(found.iter().all(|frame| frame.frame.seq == frame.number.unsigned_abs()));
    for (row, after, limit, expect) in [
        ("behind the second", 2, 100, &[3, 4][..]),
        ("the first two", 0, 2, &[2, 3]),
        ("behind the last", 4, 100, &[]),
        ("from below all", i64::MIN, 100, &[2, 3, 4]),
        ("none asked for", 0, 0, &[]),
    ] {
        let found = store.frames_after("r", after, limit).await.unwrap();
        assert_eq!(numbers_of(&found), expect, "{row}");
    }
    assert_eq!(numbers_of(&store.frames_after("s", 0, 9).await.unwrap()), [1], "its own numbers");
    assert_eq!(store.frames_after("none", 0, 9).await.unwrap(), []);
    store.commit_frames(&commit("r", vec![frame(9, 1), frame(9, 2)], &[])).await.unwrap();
    let last = store.frames_after("r", 4, 9).await.unwrap();
    assert_eq!(last.len(), 1, "a second that is twice in one commit is there once");
    assert_eq!((last[0].number, last[0].frame.sent), (6, 2), "as it came last");
}

async fn order_of_time(world: World) {
    world.run("r").await;
    let mut frames: Vec<_> = [3, 0, 2, 1].map(|second| frame(second, second)).into();
    for second in [1, 0] {
        let mut warmup = frame(second, 100 + second);
        warmup.frame.flags.warmup = true;
        frames.push(warmup);
    }
    world.store.commit_frames(&commit("r", frames, &[])).await.unwrap();
    for (row, warmup, second, limit, expect) in [
        ("all", true, 0, 10, &[100, 101, 0, 1, 2, 3][..]),
        ("from the second of the warm-up", true, 1, 10, &[101, 0, 1, 2, 3]),
        ("behind the warm-up", true, 2, 10, &[0, 1, 2, 3]),
        ("the measured part", false, 0, 10, &[0, 1, 2, 3]),
        ("from the middle, two", false, 1, 2, &[1, 2]),
        ("behind the end", false, 4, 10, &[]),
        ("far behind the end", false, u64::MAX, 10, &[]),
        ("far behind the warm-up", true, u64::MAX, 2, &[0, 1]),
    ] {
        let found = world.store.frames_from("r", warmup, second, limit).await.unwrap();
        let sent: Vec<_> = found.iter().map(|frame| frame.frame.sent).collect();
        assert_eq!(sent, expect, "{row}");
    }
}

async fn counts(world: World) {
    world.run("r").await;
    world.run("s").await;
    assert_eq!(world.store.frame_extent("r").await.unwrap(), None);
    let mut frames: Vec<_> = (0..80).map(|second| frame(second * 10, second)).collect();
    for stored in &mut frames[..3] {
        stored.frame.flags.warmup = true;
        stored.width_s = 10;
        stored.frame.histograms.response = Some("large".into());
        stored.frame.classes.insert(2, "large".into());
        stored.frame.tags.insert("large".into(), Tagged::default());
        stored.frame.slowest.push(Slow { agent: "large".into(), ..Slow::default() });
    }
    world.store.commit_frames(&commit("r", frames[..70].to_vec(), &[])).await.unwrap();
    frames[70].width_s = 60;
    world.store.commit_frames(&commit("r", frames[70..].to_vec(), &[])).await.unwrap();
    world.store.commit_frames(&commit("s", vec![frame(7, 1)], &[])).await.unwrap();
    let warmup = |second| RunSecond { is_warmup: true, second };
    let measured = |second| RunSecond { is_warmup: false, second };
    for (run, first, last, width_s, number) in
        [("r", warmup(0), measured(790), 10, 80), ("s", measured(7), measured(7), 1, 1)]
    {
        let expected = FrameExtent { first, last, width_s, number };
        assert_eq!(world.store.frame_extent(run).await.unwrap(), Some(expected), "{run}");
    }
    assert_eq!(world.store.frame_extent("none").await.unwrap(), None);
    for (what, run, from, limit) in [
        ("all", "r", warmup(0), 100),
        ("some", "r", warmup(10), 7),
        ("none of the warm-up", "r", measured(0), 100),
        ("between two", "r", measured(61), 2),
        ("behind the end", "r", measured(791), 100),
        ("none asked for", "r", measured(0), 0),
        ("of another", "s", warmup(0), 100),
        ("of none", "none", warmup(0), 100),
    ] {
        let RunSecond { is_warmup, second } = from;
        let frames = world.store.frames_from(run, is_warmup, second, limit).await.unwrap();
        let found = world.store.frame_counts_from(run, from, limit).await.unwrap();
        assert_eq!(found.len(), frames.len(), "{what}");
        for (counts, mut stored) in found.iter().zip(frames) {
            stored.frame.histograms = Histograms::default();
            stored.frame.classes.clear();
            stored.frame.tags.clear();
            stored.frame.slowest.clear();
            let at =
                RunSecond { is_warmup: stored.frame.flags.warmup, second: stored.frame.second };
            assert_eq!((counts.number, counts.width_s), (stored.number, stored.width_s), "{what}");
            assert_eq!((counts.at, counts.read::<Frame>().unwrap()), (at, stored.frame), "{what}");
            assert_eq!(kind(counts.read::<String>()), "bad record", "{what}");
            assert!(!counts.text.contains("large"), "{what}");
        }
    }
}

async fn all_or_nothing(world: World) {
    world.run("r").await;
    world.store.add_parts(&[part("r", 0), part("r", 1)]).await.unwrap();
    let stored = async || {
        let parts = world.store.parts("r").await.unwrap();
        for part in parts.iter().filter(|part| part.stored > 0) {
            assert_eq!(part.sums, sums(part.stored), "sums are of the frames that are stored");
        }
        let stored: Vec<_> = parts.iter().map(|part| part.stored).collect();
        let frames = world.store.frames_after("r", 0, 100).await.unwrap();
        (stored, frames.len())
    };
    let good = commit("r", vec![frame(0, 1)], &[("r.0", 1), ("r.1", 3)]);
    world.store.commit_frames(&good).await.unwrap();
    assert_eq!(stored().await, (vec![1, 3], 1));
    let rows: [(&str, FrameCommit); 3] = [
        ("of no run", commit("none", vec![frame(1, 1)], &[("r.0", 2)])),
        ("of an unknown part", commit("r", vec![frame(1, 1)], &[("r.0", 2), ("r.9", 2)])),
        ("without frames of no run", commit("none", Vec::new(), &[("r.0", 2)])),
    ];
    for (row, bad) in rows {
        assert_eq!(kind(world.store.commit_frames(&bad).await), "conflict", "{row}");
        assert_eq!(stored().await, (vec![1, 3], 1), "{row}: nothing of it");
    }
    let mut endless = frame(1, 1);
    endless.frame.rate_target = f64::NAN;
    let endless = commit("r", vec![endless], &[("r.0", 2)]);
    assert_eq!(kind(world.store.commit_frames(&endless).await), "bad record");
    assert_eq!(stored().await, (vec![1, 3], 1), "not a number: nothing of it");
    let mut endless = frame(1, 1);
    let times = acp_wire::report::Distribution { mean: f64::INFINITY, ..Default::default() };
    endless.frame.send_lag_ns = Some(times);
    let endless = commit("r", vec![endless], &[("r.0", 2)]);
    assert_eq!(kind(world.store.commit_frames(&endless).await), "bad record");
    let only_stored = commit("r", Vec::new(), &[("r.1", u64::MAX)]);
    world.store.commit_frames(&only_stored).await.unwrap();
    assert_eq!(stored().await, (vec![1, u64::MAX], 1));
}

async fn many_writers(world: World) {
    world.run("r").await;
    world.store.add_parts(&[part("r", 0), part("r", 1)]).await.unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for second in 0..32 {
        let store = world.store.clone();
        writers.spawn(async move {
            // In either order, so that two of them would wait for each other without the lock.
            let mut stored = [("r.0", second), ("r.1", second)];
            if second % 2 == 0 {
                stored.reverse();
            }
            let frames = vec![frame(second, 1), frame(second + 100, 1)];
            store.commit_frames(&commit("r", frames, &stored)).await.unwrap();
        });
    }
    writers.join_all().await;
    let found = world.store.frames_after("r", 0, 1_000).await.unwrap();
    assert_eq!(numbers_of(&found), (1..=64).collect::<Vec<_>>(), "no number twice or left out");
}

/// Whoever asked may go away in the middle of a commit, at any moment of it.
async fn given_up(world: World) {
    world.run("r").await;
    world.store.add_parts(&[part("r", 0)]).await.unwrap();
    let mut given_up = 0;
    for round in 0..40_u64 {
        let frames = (0..50).map(|second| frame(round * 50 + second, 1)).collect();
        let below = world.store.frames_after("r", 0, u32::MAX).await.unwrap().len() as u64 + 50;
        let frames = commit("r", frames, &[("r.0", below)]);
        let is_done = {
            let mut work = std::pin::pin!(world.store.commit_frames(&frames));
            // Dropped after so many steps of it, unless it is done by then.
            let mut steps = 0;
            std::future::poll_fn(|context| {
                steps += 1;
                match work.as_mut().poll(context) {
                    Poll::Ready(_) => Poll::Ready(true),
                    Poll::Pending if steps > round => Poll::Ready(false),
                    Poll::Pending => Poll::Pending,
                }
            })
            .await
        };
        given_up += u32::from(!is_done);
        // What was given up is taken back, or was done: this waits for either.
        world.store.commit_frames(&commit("r", Vec::new(), &[])).await.unwrap();
        let count = world.store.frames_after("r", 0, u32::MAX).await.unwrap().len() as u64;
        let stored = world.store.parts("r").await.unwrap()[0].stored;
        assert_eq!(count, stored, "round {round}: one without the other");
    }
    assert!(given_up > 0, "nothing was given up");
}
