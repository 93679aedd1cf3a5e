//! A run of any length that has ended, for tests of what shows it. Its frames come from two parts
//! through the ingest service, as those of agents do, and so does its report.
//!
//! It needs a folder with control's SQLite database, or an empty one, that no control is using. Other
//! crates take this file in by `#[path]`; it uses nothing but acp-control, acp-report, acp-wire and
//! tokio. The same numbers come every time: response times that go up and down, and every ten
//! minutes a bad spell with a long tail and time-outs.

use acp_control::api::plan_hash;
use acp_control::clock::Clock;
use acp_control::ingest::Ingest;
use acp_control::schedule::IngestView as _;
use acp_control::store::{EventRecord, PartRecord, RunRecord, RunState, Store, TaskRecord, open};
use acp_report::{Sum, encode, new_histogram};
use acp_wire::agent::{FrameBatch, PartFrames, PartState, PartStatus, Share};
use acp_wire::frame::{Cost, Flags};
use acp_wire::report::Run;
use acp_wire::{ErrorClass, Frame, Plan, Report};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Requests of each part in a second.
const PER_SECOND: u64 = 500;
const PARTS: u32 = 2;
/// Seconds given to ingest at once: it keeps a few more before they have to be stored.
const AT_ONCE: usize = 100;
/// Good seconds that differ, and bad ones.
const SHAPES: u64 = 48;
const BAD_SHAPES: u64 = 8;
/// Requests of a bad second that are not answered in time.
const TIMEOUTS: u64 = 10;
const BAD_EVERY_S: u64 = 600;
const BAD_FOR_S: u64 = 20;

/// A run that was written.
pub(crate) struct LongRun {
    /// Id of the run.
    pub(crate) run: String,
    /// As it is stored.
    pub(crate) report: Report,
}

/// Writes a finished run of `seconds` measured seconds after a warm-up into `folder/acp.db`.
///
/// # Panics
///
/// When the database cannot be written.
pub(crate) async fn write_long_run(
    folder: &Path,
    name: &str,
    warmup_seconds: u64,
    seconds: u64,
) -> LongRun {
    let store = open(&format!("sqlite:{}", folder.join("acp.db").display())).await.unwrap();
    let clock = Clock::new();
    let now_unix_us = clock.now_unix_us();
    let t0_unix_us = now_unix_us - (warmup_seconds + seconds + 60) * 1_000_000;
    let (task, run) = (format!("{now_unix_us:026}"), format!("{:026}", now_unix_us + 1));
    let plan = plan(name, warmup_seconds, seconds);
    let record = TaskRecord {
        id: task.clone(),
        name: name.into(),
        plan: plan.clone(),
        owner: "local".into(),
        created_unix_us: t0_unix_us,
        updated_unix_us: t0_unix_us,
        is_deleted: false,
    };
    store.create_task(&record).await.unwrap();
    let record = RunRecord {
        id: run.clone(),
        task,
        name: name.into(),
        plan_hash: plan_hash(&plan),
        plan,
        owner: "local".into(),
        state: RunState::Running,
        t0_unix_us: Some(t0_unix_us),
        created_unix_us: t0_unix_us,
        ..RunRecord::default()
    };
    store.create_run(&record).await.unwrap();
    let parts: Vec<_> = (0..PARTS).map(|number| part(&run, number)).collect();
    store.add_parts(&parts).await.unwrap();
    let ingest = Ingest::new(Arc::clone(&store), clock);
    send_frames(&ingest, &run, warmup_seconds, seconds).await;
    end_parts(&*store, &run, seconds).await;
    let report = finish(&*store, &ingest, &run, seconds).await;
    LongRun { run, report }
}

fn plan(name: &str, warmup_seconds: u64, seconds: u64) -> Plan {
    let mut plan =
        Plan { schema: acp_wire::PLAN_SCHEMA.into(), name: name.into(), ..Plan::default() };
    plan.target.url = "http://127.0.0.1:8080/".into();
    plan.load.model = acp_wire::plan::Model::Open;
    plan.load.rate = Some((PER_SECOND * u64::from(PARTS)).to_string());
    plan.load.duration = Some(format!("{seconds}s"));
    plan.load.warmup = format!("{warmup_seconds}s");
    plan.stop.slo = vec!["p99<1s".into(), "errors<5%".into()];
    plan
}

fn part(run: &str, number: u32) -> PartRecord {
    PartRecord {
        part: format!("{run}.{number}"),
        run: run.into(),
        number,
        agent: format!("agent-{number}"),
        share: Share {
            offset: number.into(),
            stride: PARTS.into(),
            first_connection: number * 32,
            ..Share::whole(32)
        },
        cores: 1,
        state: PartState::Running,
        lost_at_us: None,
        taken_over_by: Vec::new(),
        stored: 0,
        status: PartStatus::default(),
        sums: String::new(),
    }
}

/// Seconds of a part as they may be: to be given a number each.
struct Shapes {
    good: Vec<Frame>,
    bad: Vec<Frame>,
}

impl Shapes {
    fn new() -> Self {
        Self {
            good: (0..SHAPES).map(|number| shape(number, 0)).collect(),
            bad: (0..BAD_SHAPES).map(|number| shape(number * 5, TIMEOUTS)).collect(),
        }
    }

    /// A second of a part; the warm-up counts from its own 0.
    fn frame(&self, part: u32, seq: u64, flags: Flags, second: u64) -> Frame {
        let is_bad = !flags.warmup && second % BAD_EVERY_S >= BAD_EVERY_S - BAD_FOR_S;
        let shapes = if is_bad { &self.bad } else { &self.good };
        // Half a minute of each, so that it is seen to move.
        let turn = second / 30 + second % 3 + u64::from(part);
        let at = usize::try_from(turn).unwrap() % shapes.len();
        Frame { seq, second, flags, ..shapes[at].clone() }
    }
}

fn shape(number: u64, timeouts: u64) -> Frame {
    let completed = PER_SECOND - timeouts;
    let tail = if timeouts > 0 { 40 } else { 4 };
    let (mut response, mut service, mut send_lag) =
        (new_histogram(), new_histogram(), new_histogram());
    // From one shape to the next it goes up, and down again.
    let middle_us = 1_000 + 50 * number.min(SHAPES - number.min(SHAPES));
    for request in 0..completed {
        let place = request * request / completed;
        let in_tail = if request % 50 == 0 { tail } else { 1 };
        let service_ns = (middle_us + place * 3) * 1_000 * in_tail;
        let lag_ns = 2_000 + request * 37 % 9_000;
        service.record(service_ns).unwrap();
        response.record(service_ns + lag_ns).unwrap();
    }
    for request in 0..PER_SECOND {
        send_lag.record(2_000 + request * 37 % 9_000).unwrap();
    }
    let mut frame = Frame {
        schema: acp_wire::FRAME_SCHEMA.into(),
        shard_count: 1,
        planned: PER_SECOND,
        sent: PER_SECOND,
        completed,
        status: BTreeMap::from([(200, completed - 3), (304, 3)]),
        in_flight: 4 + number % 7,
        bytes_sent: PER_SECOND * 120,
        bytes_received: completed * 640,
        rate_target: PER_SECOND as f64,
        cpu_us: 40_000 + 300 * number,
        steal_us: 100 * (number % 5),
        reused_requests: PER_SECOND,
        cost: Cost {
            cpu_user_us: 10_000,
            cpu_system_us: 30_000 + 300 * number,
            machine_us: 2_000_000,
            busy_ratio: 0.04 + number as f64 / 1_000.0,
            max_rss_bytes: 30 << 20,
            turns: 900,
            completions: 1_500,
            ..Cost::default()
        },
        ..Frame::default()
    };
    if timeouts > 0 {
        frame.errors.insert(ErrorClass::Timeout, timeouts);
        (frame.connects, frame.disconnects) = (timeouts, timeouts);
    }
    frame.histograms.response = encode(&response);
    frame.histograms.service = encode(&service);
    frame.histograms.send_lag = encode(&send_lag);
    frame
}

async fn send_frames(ingest: &Ingest, run: &str, warmup_seconds: u64, seconds: u64) {
    let (shapes, all) = (Shapes::new(), warmup_seconds + seconds);
    for from in (0..all).step_by(AT_ONCE) {
        let next = all.min(from + AT_ONCE as u64);
        let frame = |number: u32, seq: u64| {
            let flags = Flags { warmup: seq < warmup_seconds, last: seq + 1 == all };
            let second = seq - if flags.warmup { 0 } else { warmup_seconds };
            shapes.frame(number, seq, flags, second)
        };
        let parts = (0..PARTS).map(|number| PartFrames {
            part: format!("{run}.{number}"),
            run: run.into(),
            frames: (from..next).map(|seq| frame(number, seq)).collect(),
        });
        let batch = FrameBatch { parts: parts.collect(), ..FrameBatch::default() };
        let taken = ingest.take(&batch).await;
        ingest.commit().await;
        assert!(taken.acks.values().all(|ack| ack.next == next), "{:?}", taken.acks);
    }
}

/// The agents say how their engines ended.
async fn end_parts(store: &dyn Store, run: &str, seconds: u64) {
    let mut parts = store.parts(run).await.unwrap();
    let shapes = Shapes::new();
    for part in &mut parts {
        let mut sum = Sum::new();
        for second in 0..seconds {
            sum.add_next_counts(&shapes.frame(part.number, 0, Flags::default(), second));
        }
        part.state = PartState::Finished;
        part.status.books = Some(sum.books());
        part.status.run_info = Some(Run {
            duration_us: seconds * 1_000_000,
            shards: 1,
            driver: "uring".into(),
            host: part.agent.clone(),
            ..Run::default()
        });
    }
    store.update_parts(&parts).await.unwrap();
}

async fn finish(store: &dyn Store, ingest: &Ingest, run: &str, seconds: u64) -> Report {
    let mut record = store.run(run).await.unwrap().unwrap();
    let origin_unix_us = record.t0_unix_us.unwrap_or_default();
    let event = EventRecord {
        run: run.into(),
        at_unix_us: origin_unix_us,
        at_us: Some(0),
        kind: "note".into(),
        text: "the measured part begins".into(),
        ..EventRecord::default()
    };
    store.add_event(&event).await.unwrap();
    let parts = store.parts(run).await.unwrap();
    let report = ingest.finish(&record, &parts, Vec::new()).await.unwrap();
    store.put_report(run, &report).await.unwrap();
    record.verdict = Some(report.verdict.state.name().into());
    record.state = RunState::Done;
    record.ended_unix_us = Some(origin_unix_us + (seconds + 1) * 1_000_000);
    store.update_run(&record).await.unwrap();
    report
}
