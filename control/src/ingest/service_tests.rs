//! Ingest over a database in a file: frames in, report out, through restarts and failures.

use super::*;
use crate::ingest::Moment;
use crate::store::{Intent, TaskRecord, open};
use acp_report::{Sum, books_of, encode, new_histogram};
use acp_wire::agent::{PartState, PartStatus, Share};
use acp_wire::frame::{Slow, Tagged};
use acp_wire::report::{Calibration, Run};
use acp_wire::verdict::State;
use acp_wire::{ErrorClass, NotSent};

/// A run of two parts at 200/s, 10 s, that began long ago: no second is waited for.
struct Bed {
    _folder: tempfile::TempDir,
    url: String,
    store: Arc<dyn Store>,
    ingest: Ingest,
}

fn plan() -> acp_wire::Plan {
    let schema = acp_wire::PLAN_SCHEMA.into();
    let mut plan = acp_wire::Plan { schema, ..acp_wire::Plan::default() };
    plan.target.url = "http://127.0.0.1/".into();
    plan.load.model = acp_wire::plan::Model::Open;
    plan.load.rate = Some("200".into());
    plan.load.duration = Some("10s".into());
    plan.stop.slo = vec!["p99<50ms".into(), "rate>=300".into()];
    plan.stop.abort_on = vec!["errors>5% over 3s".into()];
    plan
}

fn part(number: u32) -> PartRecord {
    PartRecord {
        part: format!("r.{number}"),
        run: "r".into(),
        number,
        agent: format!("agent-{number}"),
        share: Share { offset: number.into(), stride: 2, ..Share::whole(4) },
        cores: 1,
        state: PartState::Running,
        lost_at_us: None,
        taken_over_by: Vec::new(),
        stored: 0,
        status: PartStatus::default(),
        sums: String::new(),
    }
}

impl Bed {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("acp.db").display());
        let store = open(&url).await.unwrap();
        let task = TaskRecord { id: "t".into(), plan: plan(), ..TaskRecord::default() };
        store.create_task(&task).await.unwrap();
        let clock = Clock::new();
        let run = RunRecord {
            id: "r".into(),
            task: "t".into(),
            plan: plan(),
            plan_hash: "0".repeat(64),
            state: RunState::Running,
            t0_unix_us: Some(clock.now_unix_us() - 100_000_000),
            ..RunRecord::default()
        };
        store.create_run(&run).await.unwrap();
        store.add_parts(&[part(0), part(1)]).await.unwrap();
        let ingest = Ingest::new(Arc::clone(&store), clock);
        Self { _folder: folder, url, store, ingest }
    }

    /// Control is killed and started again.
    fn restart(&mut self) {
        self.ingest = Ingest::new(Arc::clone(&self.store), Clock::new());
    }

    async fn take(&self, part: u32, frames: &[Frame]) -> Option<PartAck> {
        let frames =
            PartFrames { part: format!("r.{part}"), run: "r".into(), frames: frames.to_vec() };
        let batch = FrameBatch { parts: vec![frames], ..FrameBatch::default() };
        self.ingest.take(&batch).await.acks.remove(&format!("r.{part}"))
    }

    async fn record(&self) -> RunRecord {
        self.store.run("r").await.unwrap().unwrap()
    }

    async fn finish(&self) -> Report {
        let parts = self.store.parts("r").await.unwrap();
        self.ingest.finish(&self.record().await, &parts, Vec::new()).await.unwrap()
    }

    async fn progress(&self) -> Vec<PartProgress> {
        let parts = self.store.parts("r").await.unwrap();
        self.ingest.progress("r", &parts).await.unwrap()
    }

    /// The agents say how their engines ended.
    async fn end_parts(&self, all: &[Vec<Frame>]) {
        let mut parts = self.store.parts("r").await.unwrap();
        for (number, (part, frames)) in (1_u32..).zip(parts.iter_mut().zip(all)) {
            part.state = PartState::Finished;
            part.status.books = Some(sum(frames).books());
            let requests_per_s = 100_000.0 / f64::from(number);
            let calibration = Some(Calibration { requests_per_s, ..Default::default() });
            let info =
                Run { duration_us: 10_000_000, shards: 1, calibration, ..Default::default() };
            part.status.run_info = Some(info);
        }
        self.store.update_parts(&parts).await.unwrap();
    }
}

fn sum(frames: &[Frame]) -> Sum {
    let mut sum = Sum::new();
    frames.iter().for_each(|frame| sum.add_frame(frame).unwrap());
    sum
}

/// Ten seconds of a part: 100 slots each, `timeouts` of which are not answered in time.
fn frames(part: u32, timeouts: u64) -> Vec<Frame> {
    let second = |second: u64| {
        let mut frame = Frame { seq: second, second, shard_count: 1, ..Frame::default() };
        (frame.planned, frame.sent, frame.completed) = (100, 100, 100 - timeouts);
        if timeouts > 0 {
            frame.errors.insert(ErrorClass::Timeout, timeouts);
        }
        frame.status.insert(200, 100 - timeouts);
        frame.flags.last = second == 9;
        frame.rate_target = 100.0;
        let mut response = new_histogram();
        response.record_n(1_000_000 * (second + 1) + u64::from(part), 100 - timeouts).unwrap();
        frame.histograms.response = encode(&response);
        frame.classes.extend(encode(&response).map(|text| (2, text)));
        let tagged = Tagged { completed: 50, errors: timeouts, response: encode(&response) };
        frame.tags.insert(format!("tag {}", (u64::from(part) + second) % 3), tagged);
        frame.slowest = (0..5)
            .map(|slot| Slow {
                slot: 100 * second + slot,
                ended_ns: 1_000_000 * (second + 1) + 10 * slot + u64::from(part),
                agent: format!("agent {part}"),
                ..Slow::default()
            })
            .collect();
        let mut send_lag = new_histogram();
        send_lag.record_n(20_000, 100).unwrap();
        frame.histograms.send_lag = encode(&send_lag);
        frame
    };
    (0..10).map(second).collect()
}

#[tokio::test]
async fn frames_of_all_agents_become_one_report() {
    let bed = Bed::new().await;
    let all = [frames(0, 0), frames(1, 0)];
    for (number, frames) in (0..).zip(&all) {
        assert_eq!(bed.take(number, frames).await.unwrap(), PartAck { next: 10, stored: 0 });
    }
    bed.ingest.commit().await;
    assert_eq!(bed.take(0, &[]).await.unwrap(), PartAck { next: 10, stored: 10 });
    let progress = bed.progress().await;
    assert!(progress.iter().all(|part| part.is_complete() && part.planned == 1000));
    assert_eq!(progress[0].last_frame_end_us, Some(10_000_000));
    bed.end_parts(&all).await;
    let report = bed.finish().await;

    assert_eq!(report.verdict.state, State::Valid, "{:?}", report.verdict);
    assert!(report.books.balanced);
    assert_eq!((report.books.planned, report.books.completed), (2000, 2000));
    assert_eq!(report.rate.sent_per_s, 200.0);
    let expected = sum(&all.concat());
    assert_eq!(report.histograms, expected.distributions().to_wire());
    let breakdown = expected.breakdown();
    assert_eq!((&report.classes, &report.tags), (&breakdown.classes(), &breakdown.tags()));
    assert_eq!(report.classes[&2].count, 2000);
    assert_eq!(report.tags.values().map(|tag| tag.completed).sum::<u64>(), 1000);
    assert_eq!(report.slowest, breakdown.slowest());
    let first = &report.slowest[0];
    assert_eq!((report.slowest.len(), first.slot, first.agent.as_str()), (50, 904, "agent 1"));
    assert!(report.series.iter().all(|frame| frame.classes.is_empty() && frame.slowest.is_empty()));
    assert_eq!(report.series.len(), 10);
    assert!(report.series.iter().all(|frame| frame.rate_target == 200.0 && frame.shard_count == 2));
    assert!(report.series.iter().all(|frame| frame.response_ns.unwrap().count == 200));
    let goals: Vec<_> = report.slo.iter().map(|goal| goal.pass).collect();
    assert_eq!(goals, [true, false], "{:?}", report.slo);
    let agents: Vec<_> = report.agents.iter().map(|agent| agent.state.as_str()).collect();
    assert_eq!(agents, ["finished", "finished"]);
    let lag_ns = report.agents[1].send_lag_p99_ns;
    assert!((20_000..20_100).contains(&lag_ns), "{lag_ns}");
    assert_eq!(report.run.shards, 2);
    assert_eq!(report.run.calibration.unwrap().requests_per_s, 50_000.0, "of the weakest agent");
}

#[tokio::test]
async fn a_restart_at_any_second_changes_nothing() {
    let all = [frames(0, 1), frames(1, 0)];
    let mut reports = Vec::new();
    for restart_at in [None, Some(0), Some(1), Some(5), Some(9)] {
        let mut bed = Bed::new().await;
        for at in 0..10 {
            bed.take(0, &all[0][at..=at]).await;
            bed.take(1, &all[1][at..=at]).await;
            if at % 2 == 0 {
                bed.ingest.commit().await;
            }
            if restart_at == Some(at) {
                bed.restart();
                for part in 0..2 {
                    let ack = bed.take(part, &[]).await.unwrap();
                    assert_eq!(ack.next, ack.stored, "what was in memory only is asked for again");
                    let next = usize::try_from(ack.next).unwrap();
                    bed.take(part, &all[part as usize][next..=at]).await;
                }
            }
        }
        bed.end_parts(&all).await;
        let mut report = bed.finish().await;
        report.run.started_unix_us = 0;
        // A restarted control has the send lag of an agent from then on; here it is always the same.
        reports.push(serde_json::to_string(&report.agents).unwrap());
        report.series.iter_mut().for_each(|frame| frame.seq = 0);
        reports.push(serde_json::to_string(&report).unwrap());
        assert_eq!(report.verdict.state, State::Valid, "{:?}", report.verdict);
    }
    assert!(reports.chunks(2).all(|pair| pair == &reports[..2]));
}

#[tokio::test]
async fn a_rule_that_fires_stops_the_run_once() {
    let mut bed = Bed::new().await;
    let bad = frames(0, 6);
    bed.take(0, &bad[..2]).await;
    bed.take(1, &frames(1, 6)[..2]).await;
    bed.ingest.commit().await;
    assert_eq!(bed.record().await.intent, Intent::Run, "two seconds are no window of three");
    // What was seen before a restart counts.
    bed.restart();
    bed.take(0, &bad[2..4]).await;
    bed.ingest.commit().await;
    bed.ingest.commit().await;
    let Intent::Stop { kind, reason } = bed.record().await.intent else { panic!("it goes on") };
    assert_eq!((kind.as_str(), reason.as_str()), ("rule", "errors>5% over 3s: found 6%"));
    bed.take(0, &bad[4..]).await;
    bed.ingest.commit().await;
    let events = bed.store.events_after("r", 0, 10).await.unwrap();
    let kinds: Vec<_> = events.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["rule"]);
    let report = bed.finish().await;
    assert_eq!(report.verdict.state, State::Aborted);
    let first = &report.verdict.reasons[0].text;
    assert_eq!(first, "stopped before its end: rule: errors>5% over 3s: found 6%");
}

#[tokio::test]
async fn a_lost_agent_is_in_the_books() {
    let mut bed = Bed::new().await;
    let mut lost_frames = frames(1, 0);
    lost_frames[3].completed -= 10;
    bed.take(0, &frames(0, 0)).await;
    bed.take(1, &lost_frames[..4]).await;
    bed.ingest.shut("r", &["r.1".into()]).await.unwrap();
    assert_eq!(bed.take(1, &lost_frames[4..]).await.unwrap().next, 4, "it came too late");
    let mut parts = bed.store.parts("r").await.unwrap();
    parts[1].lost_at_us = Some(5_000_000);
    bed.store.update_parts(&parts).await.unwrap();
    for _ in 0..2 {
        bed.ingest.lose(&bed.record().await, &parts[1], None).await.unwrap();
    }
    // It was not stored yet, so it has to be asked for again after a kill, and only then.
    bed.restart();
    assert!(!bed.progress().await[1].is_lost);
    bed.ingest.lose(&bed.record().await, &parts[1], None).await.unwrap();
    bed.take(0, &frames(0, 0)).await;
    bed.ingest.commit().await;
    bed.restart();
    assert!(bed.progress().await[1].is_lost);
    assert_eq!(bed.take(1, &lost_frames).await.unwrap().stored, CLOSED);
    bed.ingest.lose(&bed.record().await, &parts[1], None).await.unwrap();
    let report = bed.finish().await;

    assert!(report.books.balanced, "{:?}", report.books);
    assert_eq!(report.books.planned, 2000, "every slot of the plan");
    // Frames of the lost part were in memory only: its first 5 s may have been sent.
    assert_eq!(report.books.lost_with_agent, 500);
    assert_eq!(report.books.not_sent[&NotSent::AgentLost], 500);
    assert_eq!(report.verdict.state, State::Partial);
    assert!(report.verdict.reasons[0].text.starts_with("agent `agent-1` was lost at 5.0 s"));
    assert_eq!(report.agents[1].state, "lost");
    let sent = report.agents.iter().map(|agent| agent.books.sent);
    assert_eq!(sent.sum::<u64>(), report.books.sent);
}

#[tokio::test]
async fn what_is_missing_is_said() {
    type Spoil = fn(&mut PartRecord);
    let rows: [(&str, &str, Spoil); 3] = [
        ("an engine that failed", "the engine of agent `agent-1` failed: no ring", |part| {
            part.state = PartState::Failed;
            part.status.text = "no ring".into();
        }),
        ("books that differ", "agent `agent-1` counted 1000 planned, 999 sent", |part| {
            part.status.books.as_mut().unwrap().sent = 999;
        }),
        ("an agent that never came back", "agent `agent-1` was lost at -1.0 s", |part| {
            part.lost_at_us = Some(-1_000_000);
        }),
    ];
    for (what, text, spoil) in rows {
        let bed = Bed::new().await;
        let all = [frames(0, 0), frames(1, 0)];
        bed.take(0, &all[0]).await;
        bed.take(1, &all[1]).await;
        bed.end_parts(&all).await;
        let mut parts = bed.store.parts("r").await.unwrap();
        spoil(&mut parts[1]);
        bed.store.update_parts(&parts).await.unwrap();
        let verdict = bed.finish().await.verdict;
        assert_eq!(verdict.state, State::Partial, "{what}");
        assert!(verdict.reasons[0].text.starts_with(text), "{what}: {verdict:?}");
    }
    let bed = Bed::new().await;
    bed.take(0, &frames(0, 0)).await;
    bed.take(1, &frames(1, 0)[..6]).await;
    let reasons = bed.finish().await.verdict.reasons;
    assert_eq!(reasons[0].text, "frames of agent `agent-1` are missing from second 6 on");
}

#[tokio::test]
async fn who_is_not_known_is_not_answered() {
    let bed = Bed::new().await;
    assert_eq!(bed.take(7, &frames(7, 0)).await, None, "a part that is not there");
    bed.store.add_parts(&[part(7)]).await.unwrap();
    assert_eq!(bed.take(7, &frames(7, 0)[..1]).await.unwrap().next, 1, "now it is");
    let mut early = frames(7, 0)[1].clone();
    early.second = 1_000_000;
    assert_eq!(bed.take(7, &[early]).await.unwrap().next, 1, "a second of the far future");
    let other = PartFrames { part: "x.0".into(), run: "x".into(), frames: frames(0, 0) };
    let batch = FrameBatch { parts: vec![other], ..FrameBatch::default() };
    let taken = bed.ingest.take(&batch).await;
    assert!(taken.acks.is_empty(), "{taken:?}");
    assert_eq!(taken.homeless.len(), batch.parts.len(), "engines of nobody are to end");
    let over = RunRecord { state: RunState::Done, ..bed.record().await };
    bed.store.update_run(&over).await.unwrap();
    let late = Ingest::new(Arc::clone(&bed.store), Clock::new());
    let frames = PartFrames { part: "r.0".into(), run: "r".into(), frames: frames(0, 0) };
    let batch = FrameBatch { parts: vec![frames], ..FrameBatch::default() };
    let ack = late.take(&batch).await.acks["r.0"];
    assert_eq!(ack, PartAck { next: CLOSED, stored: CLOSED }, "agents may forget what is over");
}

/// Another process holds the file for longer than the store waits.
#[tokio::test]
async fn a_store_that_is_away_costs_nothing() {
    let bed = Bed::new().await;
    let all = [frames(0, 0), frames(1, 0)];
    bed.take(0, &all[0][..5]).await;
    bed.take(1, &all[1][..5]).await;
    bed.ingest.commit().await;
    let pool = sqlx::SqlitePool::connect(&bed.url).await.unwrap();
    let mut holder = pool.acquire().await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *holder).await.unwrap();
    bed.take(0, &all[0][5..8]).await;
    bed.take(1, &all[1][5..8]).await;
    bed.ingest.commit().await;
    let ack = bed.take(0, &all[0][8..]).await.unwrap();
    assert_eq!((ack.next, ack.stored), (10, 5), "taken, and not said to be stored");
    sqlx::query("ROLLBACK").execute(&mut *holder).await.unwrap();
    drop(holder);
    pool.close().await;
    bed.take(1, &all[1][8..]).await;
    bed.ingest.commit().await;
    assert_eq!(bed.take(0, &[]).await.unwrap().stored, 10);
    bed.end_parts(&all).await;
    let report = bed.finish().await;
    assert_eq!(report.books.completed, 2000);
    assert_eq!(report.verdict.state, State::Valid, "{:?}", report.verdict);
    assert_eq!(report.histograms, sum(&all.concat()).distributions().to_wire());
}

#[tokio::test]
async fn the_task_stores_what_comes_until_it_is_stopped() {
    let bed = Bed::new().await;
    let ingest = Arc::new(Ingest::new(Arc::clone(&bed.store), Clock::new()));
    let stop = CancellationToken::new();
    let task = tokio::spawn(Arc::clone(&ingest).run(stop.clone()));
    let part = PartFrames { part: "r.0".into(), run: "r".into(), frames: frames(0, 0) };
    ingest.take(&FrameBatch { parts: vec![part], ..FrameBatch::default() }).await;
    stop.cancel();
    task.await.unwrap();
    let parts = bed.store.parts("r").await.unwrap();
    assert_eq!(parts[0].stored, 10);
    assert_eq!(books_of(&crate::ingest::PartSum::read(&parts[0].sums).counts).completed, 1000);
    let stored = bed.store.frames_from("r", false, 0, 100).await.unwrap();
    assert!(stored.iter().map(|stored| Moment::of(&stored.frame).second).eq(0..10));
}

#[tokio::test]
async fn parts_are_read_only_when_one_is_new() {
    let bed = Bed::new().await;
    let mut parts = bed.store.parts("r").await.unwrap();
    assert_eq!(bed.ingest.progress("r", &parts).await.unwrap().len(), 2);
    parts.push(part(2));
    bed.store.add_parts(&parts[2..]).await.unwrap();
    assert_eq!(bed.ingest.progress("r", &parts).await.unwrap().len(), 3, "one more");
    let pool = sqlx::SqlitePool::connect(&bed.url).await.unwrap();
    sqlx::query("ALTER TABLE part RENAME TO away").execute(&pool).await.unwrap();
    pool.close().await;
    assert_eq!(bed.ingest.progress("r", &parts).await.unwrap().len(), 3, "all are known");
    parts.push(part(3));
    assert!(bed.ingest.progress("r", &parts).await.is_err(), "one is not");
}

/// The schedule ends after 10 s; its last slots are answered later.
#[tokio::test]
async fn responses_after_the_end_of_sending_take_their_time() {
    for (what, late_second, longest_ns, elapsed_us) in [
        ("none", None, 20_000_000, 10_000_000),
        ("a moment later", Some(10), 20_000_000, 10_020_000),
        ("seconds later", Some(13), 3_500_000_000, 13_500_000),
        ("one was slow long before", Some(10), 5_000_000_000, 11_000_000),
    ] {
        let bed = Bed::new().await;
        let mut all = [frames(0, 0), frames(1, 0)];
        if let Some(second) = late_second {
            let last = all[0].last_mut().unwrap();
            (last.completed, last.flags.last) = (90, false);
            let mut late = Frame { seq: 10, second, completed: 10, ..Frame::default() };
            late.flags.last = true;
            let mut response = new_histogram();
            response.record_n(longest_ns, 10).unwrap();
            late.histograms.response = encode(&response);
            all[0].push(late);
        }
        for (number, frames) in (0..).zip(&all) {
            bed.take(number, frames).await.unwrap();
        }
        bed.end_parts(&all).await;
        let report = bed.finish().await;
        assert_eq!(report.books.completed, 2000, "{what}");
        let expected = 2000.0 / (f64::from(elapsed_us) / 1e6);
        let found = report.rate.completed_per_s;
        // A histogram has three digits.
        assert!((found / expected - 1.0).abs() < 1e-3, "{what}: {found}, not {expected}");
        assert_eq!(report.rate.sent_per_s, 200.0, "{what}");
    }
}
