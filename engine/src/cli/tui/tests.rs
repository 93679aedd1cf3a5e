//! The page, drawn on a terminal in memory. `UPDATE=1` accepts what has changed.

use super::feed::{News, Seconds};
use super::history::SECONDS_MAX;
use super::model::{Model, Phase};
use super::page::Page;
use crate::report::{Distributions, summary};
use acp_wire::frame::{Cost, Flags};
use acp_wire::plan::Model as LoadModel;
use acp_wire::report::Run;
use acp_wire::{ErrorClass, Frame, NotSent};
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};
use std::path::Path;

const SIZES: [(u16, u16); 4] = [(80, 24), (120, 40), (40, 10), (20, 5)];

/// A minute at 20,000 a second, or as many as a closed loop gets.
fn model(load: LoadModel) -> Model {
    let schema = acp_wire::PLAN_SCHEMA.into();
    let mut document = acp_wire::Plan { schema, ..acp_wire::Plan::default() };
    document.name = "checkout".into();
    document.target.url = "http://10.0.0.5:8080/cart".into();
    document.load.model = load;
    document.load.rate = (load == LoadModel::Open).then(|| "20k".into());
    document.load.duration = Some("60s".into());
    Model::new(&crate::plan::compile(&document).expect("plan"))
}

/// A second in which all went well. Its times have a middle and a tail.
fn good(second: u64) -> Frame {
    let sent = 19_990 + second * 7 % 20;
    let mut times = Distributions::new();
    let wave_ns = 1_000 * (second % 7);
    for (nanos, count) in [(27_000, 15_000), (64_000, 4_000), (410_000, 900), (1_900_000, 90)] {
        times.response.record_n(nanos + wave_ns, count).expect("in bounds");
        times.service.record_n(nanos + wave_ns - 800, count).expect("in bounds");
        times.send_lag.record_n(nanos / 90, count).expect("in bounds");
    }
    Frame {
        second,
        seq: second,
        shard_count: 2,
        planned: sent,
        sent,
        completed: sent - 3,
        status: [(200, sent - 3)].into(),
        in_flight: 12,
        connects: 64 * u64::from(second == 0),
        bytes_sent: sent * 41,
        bytes_received: sent * 90,
        rate_target: 20_000.0,
        cost: Cost {
            cpu_user_us: 20_000,
            cpu_system_us: 110_000,
            cpu_spin_us: 31_000,
            machine_us: 2_000_000,
            busy_ratio: 0.45,
            max_rss_bytes: 40 << 20,
            ..Cost::default()
        },
        steal_us: 4_000,
        ..Frame::default()
    }
    .with(&times)
}

/// A second in which the target is too slow for the rate, and so is the generator.
fn overloaded(second: u64) -> Frame {
    let mut times = Distributions::new();
    for (nanos, count) in [(180_000_000, 5_000), (2_100_000_000, 2_000), (9_400_000_000, 200)] {
        let nanos = nanos * (second + 1) / 3;
        times.response.record_n(nanos, count).expect("in bounds");
        times.service.record_n(nanos / 20, count).expect("in bounds");
        times.send_lag.record_n(nanos / 2, count).expect("in bounds");
    }
    let mut frame = good(second);
    (frame.planned, frame.sent, frame.completed) = (19_000, 7_200, 7_200);
    frame.status = [(200, 7_200)].into();
    frame.not_sent = [(NotSent::Backlog, 11_000), (NotSent::Catchup, 800)].into();
    (frame.in_flight, frame.blocked, frame.late) = (64, 6_900, 250);
    (frame.cost.busy_ratio, frame.steal_us) = (0.99, 190_000);
    frame.with(&times)
}

/// A second with errors of several classes.
fn failing(second: u64) -> Frame {
    let mut frame = good(second);
    frame.completed = frame.sent - 1_200;
    frame.status = [(200, 17_000), (503, 1_500), (429, 230), (404, 60)].into();
    frame.errors = [
        (ErrorClass::Unexpected, 1_790),
        (ErrorClass::Timeout, 800),
        (ErrorClass::Reset, 390),
        (ErrorClass::ConnectRefused, 10),
    ]
    .into();
    frame
}

trait With {
    fn with(self, times: &Distributions) -> Self;
}

impl With for Frame {
    fn with(mut self, times: &Distributions) -> Self {
        self.response_ns = Some(summary(&times.response));
        self.service_ns = Some(summary(&times.service));
        self.send_lag_ns = Some(summary(&times.send_lag));
        self.histograms = times.to_wire();
        self
    }
}

fn take(model: &mut Model, frame: Frame, count: u64) {
    let run = Run { driver: "uring".into(), cpus: vec![0, 1], ..Run::default() };
    let seconds = Seconds { frame, count, total_s: Some(60.0), run };
    model.take(News::Seconds(Box::new(seconds)));
}

fn after(load: LoadModel, seconds: u64, frame: fn(u64) -> Frame) -> Model {
    let mut model = model(load);
    model.take(News::Ready { open_connections: 64 });
    (0..seconds).for_each(|second| take(&mut model, frame(second), 1));
    model
}

fn drawn(model: &Model, (width, height): (u16, u16), has_color: bool) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("in memory");
    terminal.draw(|frame| Page { has_color }.draw(model, frame)).expect("in memory");
    terminal.backend().buffer().clone()
}

fn text_of(buffer: &Buffer) -> String {
    let row = |y| {
        let cells = (0..buffer.area.width).map(|x| buffer[(x, y)].symbol());
        format!("{}\n", cells.collect::<String>().trim_end())
    };
    (0..buffer.area.height).map(row).collect()
}

/// Compares pictures of all sizes with the golden ones.
fn check(name: &str, model: &Model) {
    for size in SIZES {
        let (width, height) = size;
        let text = text_of(&drawn(model, size, true));
        let file = format!("src/cli/tui/golden/{name}_{width}x{height}.txt");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("folder");
            std::fs::write(&path, &text).expect("golden file");
        }
        let golden = std::fs::read_to_string(&path).expect("golden file; UPDATE=1 writes it");
        assert_eq!(text, golden, "{} has changed; UPDATE=1 accepts it", path.display());
    }
}

#[test]
fn a_page_looks_as_it_always_did() {
    check("before", &model(LoadModel::Open));
    check("good", &after(LoadModel::Open, 45, good));
    check("overloaded", &after(LoadModel::Open, 8, overloaded));
    check("failing", &after(LoadModel::Open, 12, failing));
    check("closed", &after(LoadModel::Closed, 3, good));
    let mut paused = after(LoadModel::Open, 5, good);
    (paused.is_paused, paused.shows_help, paused.said) = (true, true, "paused".into());
    check("help", &paused);
}

#[test]
fn lines_above_the_table_say_what_goes_on() {
    let check = |what: &str, model: &Model, expect: &str| {
        let text = text_of(&drawn(model, (100, 30), true));
        let head = text.lines().take(3).collect::<Vec<_>>().join("\n");
        assert!(head.contains(expect), "{what}: `{expect}` is not in:\n{head}");
    };
    check("nothing yet", &model(LoadModel::Open), "opening connections");
    check("open", &after(LoadModel::Open, 0, good), "64 connections are open");
    let mut warm = model(LoadModel::Open);
    take(&mut warm, Frame { flags: Flags { warmup: true, last: false }, ..good(2) }, 1);
    check("a warm-up", &warm, "warm-up: nothing is counted yet");
    check("a warm-up", &warm, "warm-up 3 s  ░");
    take(&mut warm, good(0), 1);
    check("after it", &warm, "valid so far · no errors · none late · none blocked");
    check("a closed loop", &after(LoadModel::Closed, 3, good), "valid so far · no errors");
    check("errors", &after(LoadModel::Open, 3, failing), "8,970 errors (15.0 %)");
    let overloaded = after(LoadModel::Open, 3, overloaded);
    check(
        "too much",
        &overloaded,
        "schedule_missed so far · no errors · 750 late · 20,700 blocked",
    );
    check("too much", &overloaded, "35,400 not sent");
    let mut stopping = after(LoadModel::Open, 3, good);
    stopping.phase = Phase::Stopping;
    take(&mut stopping, good(3), 1);
    check("a stop", &stopping, "STOPPING  checkout");
    check("a stop", &stopping, "12 requests were in flight");
    let mut paused = after(LoadModel::Open, 3, good);
    paused.is_paused = true;
    check("a pause", &paused, "PAUSED  checkout");
}

#[test]
fn time_goes_on_between_frames_but_not_beyond_the_next() {
    let mut model = after(LoadModel::Open, 59, good);
    for (since_frame_s, expect_s) in [(-1.0, 59.0), (0.0, 59.0), (0.5, 59.5), (30.0, 59.999)] {
        model.since_frame_s = since_frame_s;
        assert!((model.elapsed_s() - expect_s).abs() < 1e-9, "{since_frame_s}");
    }
    take(&mut model, good(59), 1);
    model.since_frame_s = 0.5;
    assert_eq!((model.elapsed_s(), model.progress()), (60.0, Some(1.0)));
    take(&mut model, good(75), 1);
    assert_eq!((model.elapsed_s(), model.progress()), (60.0, Some(1.0)), "the last responses");
}

#[test]
fn seconds_put_together_are_counted_and_not_drawn() {
    let mut model = after(LoadModel::Open, 2, good);
    let sent = model.counts().sent;
    let mut several = good(7);
    several.sent = 99_000;
    take(&mut model, several, 5);
    assert_eq!(model.counts().sent, sent + 99_000);
    assert_eq!((model.history.len(), model.last.sent, model.last.second), (2, 0, 7));
    assert_eq!(model.last.in_flight, 12);
}

#[test]
fn the_whole_run_is_the_sum_of_its_histograms() {
    let model = after(LoadModel::Open, 10, good);
    let all: u64 = (0..10).map(|second| good(second).response_ns.expect("times").count).sum();
    assert_eq!(model.latency().response_ns.count, all);
    assert_eq!(model.latency().service_ns.count, all);
}

#[test]
fn without_colours_there_are_none() {
    for size in SIZES {
        for model in [after(LoadModel::Open, 9, failing), after(LoadModel::Open, 9, overloaded)] {
            let plain = drawn(&model, size, false);
            let is_plain = |(fg, bg)| (fg, bg) == (Color::Reset, Color::Reset);
            assert!(plain.content.iter().all(|cell| is_plain((cell.fg, cell.bg))), "{size:?}");
            let bold = plain.content.iter().any(|cell| cell.modifier.contains(Modifier::BOLD));
            assert!(bold, "what is bad is bold: {size:?}");
            let colored = drawn(&model, size, true);
            assert!(colored.content.iter().any(|cell| cell.fg == Color::Red), "{size:?}");
            assert_eq!(text_of(&plain), text_of(&colored), "colours are not the only sign");
        }
    }
}

#[test]
fn a_long_run_costs_no_more_memory_than_a_short_one() {
    let model = after(LoadModel::Open, SECONDS_MAX as u64 * 2, good);
    assert_eq!(model.history.len(), SECONDS_MAX);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_size_and_no_number_brings_it_down(
        width in 0_u16..200,
        height in 0_u16..60,
        sent: u64,
        nanos in 0_u64..=u64::MAX,
        rate_target in prop::num::f64::ANY,
        seconds in 0_u64..4,
        shows_help: bool,
        has_color: bool,
    ) {
        let mut model = after(LoadModel::Open, seconds, failing);
        let mut times = Distributions::new();
        times.response.saturating_record(nanos);
        let mut frame = overloaded(seconds).with(&times);
        (frame.sent, frame.completed, frame.rate_target) = (sent / 8, sent / 9, rate_target);
        take(&mut model, frame, 1);
        (model.shows_help, model.said) = (shows_help, "é".repeat(300));
        let buffer = drawn(&model, (width, height), has_color);
        prop_assert_eq!(buffer.content.len(), usize::from(width) * usize::from(height));
    }
}
