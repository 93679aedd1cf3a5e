//! Runs that are made up, with noise that lasts for seconds, and how often they are judged wrongly.

use super::buckets::{Buckets, highest_of};
use super::judge::Judgement;
use super::{Blocks, Subject, compare};
use crate::{band_of, new_histogram, summary};
use acp_plan::Random;
use acp_wire::plan::{Load, Model};
use acp_wire::report::{Distribution, Latency, Report};
use acp_wire::{ErrorClass, Frame};
use hdrhistogram::Histogram;
use std::collections::{BTreeMap, VecDeque};

/// How a run is made up.
#[derive(Clone, Copy)]
pub(super) struct Simulated {
    pub(super) seconds: u64,
    /// Response times are so many times as long.
    pub(super) slowdown: f64,
    /// Mean of the rate.
    pub(super) requests_per_s: u64,
    /// The plan has a schedule: a constant rate.
    pub(super) open: bool,
    /// The plan has a schedule: a rate that grows from 0 to twice the mean.
    pub(super) ramp: bool,
    /// So many requests are sent as there should be, and none fails.
    pub(super) is_exact: bool,
    /// Seconds from a request to its response.
    pub(super) late_s: u64,
    /// Sending goes on for so long after the last whole second.
    pub(super) rest_us: u64,
    /// Standard deviation of the logarithm of a time within a second.
    pub(super) spread: f64,
}

impl Default for Simulated {
    fn default() -> Self {
        Self {
            seconds: 300,
            slowdown: 1.0,
            requests_per_s: 100,
            open: false,
            ramp: false,
            is_exact: false,
            late_s: 0,
            rest_us: 0,
            spread: 0.4,
        }
    }
}

/// A run that was made up.
pub(super) struct Run {
    report: Report,
    blocks: Blocks,
}

impl Run {
    /// As its report alone has it.
    pub(super) fn of_report(self) -> Self {
        let blocks = Blocks::of_report(&self.report).unwrap();
        assert_eq!(blocks.unreadable_s(), 0);
        Self { blocks, ..self }
    }

    pub(super) fn subject<'a>(&'a self, run: &'a str) -> Subject<'a> {
        Subject { run, report: &self.report, blocks: Some(&self.blocks) }
    }
}

/// Roughly normal: the sum of twelve uniform numbers (mean 0, standard deviation 1).
fn normal(random: &mut Random) -> f64 {
    (0..12).map(|_| random.unit()).sum::<f64>() - 6.0
}

#[expect(clippy::cast_possible_truncation, reason = "what is made up is small and not below 0")]
fn whole(number: f64) -> u64 {
    number.round() as u64
}

/// As a histogram has them, from values in order.
fn figures(values: &[u64]) -> Distribution {
    let (Some(first), Some(last)) = (values.first(), values.last()) else {
        return Distribution::default();
    };
    let count = values.len() as f64;
    let at = |quantile: f64| {
        let rank = usize::try_from(whole((quantile * count).ceil())).unwrap().max(1);
        highest_of(values[rank - 1])
    };
    Distribution {
        count: values.len() as u64,
        min: new_histogram().lowest_equivalent(*first),
        mean: values.iter().sum::<u64>() as f64 / count,
        max: highest_of(*last),
        p50: at(0.5),
        p90: at(0.9),
        p99: at(0.99),
        p99_9: at(0.999),
        p99_99: at(0.9999),
        ..Distribution::default()
    }
}

fn bands(values: &[u64]) -> BTreeMap<u16, u64> {
    let mut bands = BTreeMap::new();
    values.iter().for_each(|&ns| *bands.entry(band_of(ns)).or_default() += 1);
    bands
}

/// Half of how far a second is off is still there in the next.
const MEMORY: f64 = 0.5;

impl Simulated {
    pub(super) fn run(&self, seed: u64) -> Run {
        let mut random = Random::new(seed);
        let (mut slow, mut busy) = (0.0, 0.0);
        let mut report = Report::default();
        let mut blocks = Blocks::new(self.duration_us());
        let (mut response, mut service) = (new_histogram(), new_histogram());
        let mut cpu_us = 0;
        let mut on_its_way =
            VecDeque::from((0..self.late_s).map(|_| (0, BTreeMap::new())).collect::<Vec<_>>());
        for second in 0..self.seconds + self.late_s {
            slow = MEMORY * slow + normal(&mut random) * 0.05;
            busy = MEMORY * busy + normal(&mut random) * 0.02;
            let mut frame = self.frame(second, busy, &mut random);
            on_its_way.push_back((frame.completed, std::mem::take(&mut frame.errors)));
            (frame.completed, frame.errors) = on_its_way.pop_front().unwrap();
            let (of_response, of_service) = self.times(frame.completed, slow, &mut random);
            of_response.iter().for_each(|&ns| response.record(ns).unwrap());
            of_service.iter().for_each(|&ns| service.record(ns).unwrap());
            frame.response_ns = Some(figures(&of_response));
            frame.service_ns = Some(figures(&of_service));
            frame.response_bands = bands(&of_response);
            cpu_us += frame.cost.cpu_user_us;
            report.books.sent += frame.sent;
            report.books.completed += frame.completed;
            for (class, count) in &frame.errors {
                *report.books.errors.entry(*class).or_default() += count;
            }
            let [of_response, of_service] =
                [of_response, of_service].map(|times| Buckets::of_sorted(&times));
            blocks.put(&frame, 1, of_response, of_service);
            report.series.push(frame);
        }
        self.finish(&mut report, &response, &service, cpu_us);
        Run { report, blocks }
    }

    fn duration_us(&self) -> u64 {
        self.seconds * 1_000_000 + self.rest_us
    }

    fn load(&self) -> Load {
        let (rate, seconds) = (self.requests_per_s, self.seconds.max(1));
        let profile = match (self.ramp, self.open) {
            (true, _) => format!("line(0,{},{seconds}s)", 2 * rate),
            (false, true) => format!("const({rate},{seconds}s)"),
            (false, false) => return Load::default(),
        };
        Load { model: Model::Open, profile: Some(profile), ..Load::default() }
    }

    fn frame(&self, second: u64, busy: f64, random: &mut Random) -> Frame {
        let busy = if self.is_exact { 0.0 } else { busy };
        let shape = match self.ramp {
            _ if second >= self.seconds => 0.0,
            true => (second as f64 + 0.5) * 2.0 / self.seconds as f64,
            false => 1.0,
        };
        let sent = whole(self.requests_per_s as f64 * shape * (1.0 + busy).max(0.1));
        let fails = |random: &mut Random| random.draw().is_multiple_of(100);
        let failed = (0..sent).filter(|_| !self.is_exact && fails(random)).count() as u64;
        let errors = BTreeMap::from([(ErrorClass::Unexpected, failed)]);
        let mut frame = Frame { second, sent, completed: sent, errors, ..Frame::default() };
        let noise = 1.0 + 0.05 * normal(random);
        frame.cost.cpu_user_us = whole(sent as f64 * 20.0 * self.slowdown * noise);
        frame
    }

    /// Response and service times by value. Log-normal, as they roughly are, around a level of the
    /// second.
    fn times(&self, count: u64, slow: f64, random: &mut Random) -> (Vec<u64>, Vec<u64>) {
        let scale_ns = 2e6 * self.slowdown;
        let time = |_| scale_ns * (slow + self.spread * normal(random)).exp();
        let mut service: Vec<_> = (0..count).map(time).collect();
        service.sort_unstable_by(f64::total_cmp);
        let response = service.iter().map(|ns| whole(ns * 1.1)).collect();
        (response, service.into_iter().map(whole).collect())
    }

    fn finish(
        &self,
        report: &mut Report,
        response: &Histogram<u64>,
        service: &Histogram<u64>,
        cpu_us: u64,
    ) {
        let per = |part: u64, whole: u64| part as f64 / whole.max(1) as f64;
        report.run.duration_us = self.duration_us();
        report.plan.load = self.load();
        report.books.balanced = true;
        report.rate.completed_per_s = per(report.books.completed, self.seconds + self.late_s);
        report.generator.cpu_us_per_request = per(cpu_us, report.books.sent);
        let (response_ns, service_ns) = (summary(response), summary(service));
        report.latency = Latency { response_ns, service_ns, ..Latency::default() };
        report.histograms.response = crate::encode(response);
        report.histograms.service = crate::encode(service);
    }
}

/// What a measure is judged to be, of so many pairs of runs.
#[derive(Debug, Default)]
struct Found {
    differ: u64,
    same: u64,
}

fn judged(a: Simulated, b: Simulated, pairs: u64) -> BTreeMap<&'static str, Found> {
    judged_as(a, b, pairs, |run| run)
}

fn judged_as(
    a: Simulated,
    b: Simulated,
    pairs: u64,
    seen: fn(Run) -> Run,
) -> BTreeMap<&'static str, Found> {
    let mut found = BTreeMap::<_, Found>::new();
    for seed in 0..pairs {
        let (a, b) = (seen(a.run(2 * seed)), seen(b.run(2 * seed + 1)));
        for row in compare(&[a.subject("a"), b.subject("b")]).judged {
            let judgement = row.differences[1].unwrap().judgement;
            let found = found.entry(row.name).or_default();
            found.differ += u64::from(matches!(judgement, Judgement::Better | Judgement::Worse));
            found.same += u64::from(judgement == Judgement::Same);
        }
    }
    println!("seeds 0 to {}: {found:#?}", 2 * pairs - 1);
    found
}

const OF_240_S: fn() -> Simulated = || Simulated { seconds: 240, ..Simulated::default() };

#[test]
fn runs_of_the_same_thing_are_seldom_told_apart() {
    let pairs = 200;
    for (what, run) in [("closed", OF_240_S()), ("ramp", Simulated { ramp: true, ..OF_240_S() })] {
        let found = judged(run, run, pairs);
        let all: u64 = found.values().map(|found| found.differ).sum();
        let tests = pairs * found.len() as u64;
        assert!(all * 100 <= tests * 6, "{what}: {all} of {tests} at 95 %");
        for (name, found) in &found {
            // Of 200 fair ones with 5 % each, 3 % on top are twice what chance adds.
            assert!(found.differ * 100 <= pairs * 8, "{what} {name}: {found:?} at 95 %");
        }
        for name in ["response_ns.p50", "response_ns.mean", "cpu_us_per_request"] {
            let same = found[name].same;
            assert!(same >= pairs * 9 / 10, "{what} {name}: the same {same} times");
        }
    }
}

#[test]
fn a_tenth_slower_is_found() {
    let pairs = 100;
    for (what, run) in [("closed", OF_240_S()), ("ramp", Simulated { ramp: true, ..OF_240_S() })] {
        let found = judged(run, Simulated { slowdown: 1.1, ..run }, pairs);
        for name in ["p50", "p90", "p99", "mean"] {
            let differ = found[format!("response_ns.{name}").as_str()].differ;
            assert!(differ >= pairs * 9 / 10, "{what}, response {name}: {differ} of {pairs}");
        }
        let differ = found["cpu_us_per_request"].differ;
        assert!(differ >= pairs * 9 / 10, "{what}, CPU time: {differ} of {pairs}");
        assert!(found["completed_per_s"].differ <= pairs / 10, "{what}: the rate is the same");
    }
}

/// Runs whose noise a report can hide: all of a second is within one band, and it is not.
const NARROW: f64 = 0.01;

#[test]
fn by_their_reports_alone_the_same_things_are_seldom_told_apart() {
    let pairs = 100;
    for (what, run) in [
        ("closed", OF_240_S()),
        ("ramp", Simulated { ramp: true, ..OF_240_S() }),
        ("narrow", Simulated { spread: NARROW, ..OF_240_S() }),
    ] {
        let found = judged_as(run, run, pairs, Run::of_report);
        let all: u64 = found.values().map(|found| found.differ).sum();
        let tests = pairs * found.len() as u64;
        assert!(all * 100 <= tests * 7, "{what}: {all} of {tests} at 95 %");
        // A percentile that a second or two decide fools histograms too: those are no worse.
        let by_histograms = judged(run, run, pairs);
        for (name, found) in &found {
            let most = by_histograms[name].differ + pairs / 20;
            assert!(found.differ <= most, "{what} {name}: {found:?}, {most} at the most");
        }
        let same = found["response_ns.p50"].same;
        assert!(same >= pairs * 8 / 10, "{what}: the same {same} times");
    }
}

#[test]
fn by_their_reports_alone_a_twentieth_slower_is_found() {
    let pairs = 100;
    for (what, run) in [
        ("closed", OF_240_S()),
        ("ramp", Simulated { ramp: true, ..OF_240_S() }),
        ("narrow", Simulated { spread: NARROW, ..OF_240_S() }),
    ] {
        let found = judged_as(run, Simulated { slowdown: 1.05, ..run }, pairs, Run::of_report);
        for name in ["response_ns.p50", "response_ns.p90", "response_ns.mean", "service_ns.p50"] {
            let differ = found[name].differ;
            assert!(differ >= pairs * 9 / 10, "{what}, {name}: {differ} of {pairs}");
        }
        assert!(found["completed_per_s"].differ <= pairs / 10, "{what}: the rate is the same");
    }
}

/// What is built again says of noise what the histograms of each second say.
#[test]
fn intervals_of_reports_are_about_as_wide_as_those_of_histograms() {
    for (what, run) in [
        ("closed", OF_240_S()),
        ("narrow", Simulated { spread: NARROW, ..OF_240_S() }),
        ("busy", Simulated { requests_per_s: 1_000, seconds: 60, ..OF_240_S() }),
    ] {
        let width = |seen: fn(Run) -> Run, name: &str| {
            let widths = (0..8).map(|seed| {
                let (a, b) = (seen(run.run(2 * seed)), seen(run.run(2 * seed + 1)));
                let judged = compare(&[a.subject("a"), b.subject("b")]).judged;
                let row = judged.iter().find(|row| row.name == name).unwrap().differences[1];
                row.and_then(|row| Some(row.high? - row.low?)).unwrap()
            });
            widths.sum::<f64>() / 8.0
        };
        for name in [
            "response_ns.p50",
            "response_ns.p90",
            "response_ns.p99",
            "response_ns.mean",
            "service_ns.p50",
            "service_ns.p99",
        ] {
            let (built, true_one) = (width(Run::of_report, name), width(|run| run, name));
            let ratio = built / true_one;
            println!("{what} {name}: {ratio}");
            assert!((0.85..1.18).contains(&ratio), "{what} {name}: {built} for {true_one}");
        }
    }
}
