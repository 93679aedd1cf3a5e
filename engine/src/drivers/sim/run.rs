//! One simulated run, all its shards, and what holds at its end.

use super::driver::{self, Outcome, Spares};
use super::random::Random;
use super::scenario::Scenario;
use crate::plan::{Course, Plan, Schedule, ShardPlan, split};
use crate::record::{Distributions, Record, Tagged};
use crate::shard::GRACE_NS;
use acp_wire::plan::Catchup;
use acp_wire::{Books, ErrorClass, NotSent};
use hdrhistogram::Histogram;
use std::net::SocketAddr;

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;
/// How often one request is sent again, at the most.
const RETRIES: u64 = 3;

/// Classes that nothing here brings about.
const IMPOSSIBLE: [ErrorClass; 5] = [
    ErrorClass::Dns,
    ErrorClass::ConnectOther,
    ErrorClass::TlsUnknownCa,
    ErrorClass::TlsExpired,
    ErrorClass::TlsHostName,
];

/// Simulates the run of a seed and checks it.
pub(super) fn check(seed: u64, is_traced: bool, spares: &mut Spares) {
    let mut random = Random::new(seed);
    let scenario = Scenario::new(seed, &mut random);
    if is_traced {
        eprintln!("{:#?}\n{:#?}", scenario.plan.document, scenario.faults);
        let Scenario { shards, stop_ns, share, begun_ns, changes, .. } = &scenario;
        eprintln!("{shards} shards, stop {stop_ns:?}, {share:?}, begun {begun_ns}, {changes:#?}");
    }
    let address = SocketAddr::from(([127, 0, 0, 1], 80));
    let mut total = spares.take();
    let mut expected = Some(0);
    for part in split(&scenario.plan, &scenario.share, scenario.shards, &[address]) {
        let own = part.clone();
        let part_random = Random::new(random.next());
        let outcome = driver::run(&scenario, part, part_random, is_traced, spares);
        let planned = planned(&own, &outcome);
        check_shard(&scenario, &outcome, planned);
        expected = expected.zip(planned).map(|(sum, planned)| sum + planned);
        total.add(&outcome.measured);
        spares.give(outcome.measured);
        spares.give(outcome.warmup);
    }
    let books = total.counts.books();
    assert!(books.balanced, "{books:#?}");
    if let Some(expected) = expected {
        assert_eq!(books.planned, expected, "slots of the schedule");
    }
    spares.give(total);
}

/// Slots of the changed schedule, where they do not depend on the servers. With a change that was told
/// late, slots may have been taken that it has not.
fn planned(part: &ShardPlan, outcome: &Outcome) -> Option<u64> {
    match (&part.plan.schedule, &outcome.course) {
        (Schedule::Closed { requests, .. }, _) => {
            requests.map(|requests| part.share(requests).saturating_sub(part.skip))
        }
        (Schedule::Open { .. }, Course::Open(pace)) => {
            let total = part.share(part.plan.slots_of(pace));
            let planned = total.saturating_sub(part.first_index(pace));
            let found = outcome.measured.counts.planned;
            Some(if outcome.is_told_late { planned.max(found) } else { planned })
        }
        (Schedule::Open { .. }, Course::Closed(_)) => None,
    }
}

fn check_shard(scenario: &Scenario, outcome: &Outcome, planned: Option<u64>) {
    let (plan, books) = (&*scenario.plan, outcome.measured.counts.books());
    assert!(books.balanced, "{books:#?}");
    assert_eq!(books.planned, planned.unwrap_or(books.sent), "slots of the schedule");
    check_reasons(scenario, outcome, &books);
    check_histograms(scenario, &outcome.measured, &books);
    check_groups(scenario, &outcome.measured, &books);
    assert_eq!(outcome.warmup.slowest.iter().len(), 0, "slow requests of the warm-up");
    check_times(scenario, outcome, &books);
    check_network(scenario, outcome);
    check_time(&plan.with_course(&outcome.course), scenario.extra_ns(), outcome, &books);
    if scenario.faults.is_calm {
        check_calm(plan, outcome, &books);
    }
}

/// Slots are given up only for reasons that there are.
fn check_reasons(scenario: &Scenario, outcome: &Outcome, books: &Books) {
    let plan = &*scenario.plan;
    for (&reason, &count) in &books.not_sent {
        let is_possible = match (reason, &plan.schedule) {
            (NotSent::Source, Schedule::Open { .. }) => !scenario.is_fed_well(),
            (NotSent::Source, Schedule::Closed { .. }) => scenario.feed_holds.is_some(),
            (NotSent::Stopped, _) => outcome.is_stopped,
            (NotSent::Backlog, Schedule::Open { backlog, .. }) => {
                *backlog < count + books.sent + 1000
            }
            (NotSent::Catchup, Schedule::Open { catchup, .. }) => *catchup == Catchup::None,
            (NotSent::Ended, _) => !outcome.is_stopped || outcome.drain_ns != u64::MAX,
            _ => false,
        };
        assert!(is_possible, "{count} slots not sent for `{}`", reason.name());
    }
    let unanswered = books.in_flight_at_stop - books.in_flight_at_stop.min(outcome.unanswered);
    // Of those, only requests that wait for a connection were not on one.
    let most = u64::from(plan.connections) * u64::from(plan.pipeline);
    assert!(unanswered <= most, "{unanswered} requests in flight that are on no connection");
    let is_tls_possible = scenario.is_secure && !scenario.faults.is_calm;
    for class in IMPOSSIBLE.into_iter().chain((!is_tls_possible).then_some(ErrorClass::Tls)) {
        assert!(!books.errors.contains_key(&class), "there was no `{}`", class.name());
    }
}

fn check_histograms(scenario: &Scenario, record: &Record, books: &Books) {
    let plan = &*scenario.plan;
    let (counts, distributions) = (&record.counts, &record.distributions);
    let unexpected = counts.errors[ErrorClass::Unexpected.index()];
    let Distributions {
        response,
        service,
        first_byte,
        connect,
        handshake,
        send_lag,
        error_response,
    } = distributions;
    let handshakes = if scenario.is_secure { counts.connects } else { 0 };
    assert_eq!(handshake.len(), handshakes, "handshake times");
    let counted = counts.full_handshakes + counts.resumed_handshakes;
    assert_eq!(counted, handshakes, "handshakes");
    assert_eq!(response.len(), books.completed - unexpected, "response times");
    assert_eq!(service.len(), response.len(), "service times");
    assert_eq!(first_byte.len(), response.len(), "first bytes");
    assert_eq!(error_response.len(), books.errors_total(), "times of errors");
    assert_eq!(counts.by_status().values().sum::<u64>(), books.completed, "status codes");
    assert!(counts.connects == connect.len(), "connect times");
    let lags = if plan.is_open_loop() { books.sent } else { 0 };
    assert_eq!(send_lag.len(), lags, "send lags");
    assert!(counts.blocked + counts.late <= lags, "a slot is blocked or late, not both");
    if let Schedule::Open { catchup: Catchup::None, late_limit_ns, .. } = plan.schedule {
        assert!(send_lag.max() <= rounded(late_limit_ns), "a late slot was sent, not given up");
    }
}

/// Classes of status and tags add up.
fn check_groups(scenario: &Scenario, record: &Record, books: &Books) {
    let mut of_class = [0; 6];
    for (status, count) in record.counts.by_status() {
        of_class[usize::from(acp_report::class_of(status))] += count;
    }
    let found: Vec<_> = record.classes.iter().map(acp_report::Buckets::len).collect();
    assert_eq!(found, of_class, "response times by class");
    let unexpected = record.counts.errors[ErrorClass::Unexpected.index()];
    let tags: Vec<_> = record.tags.used().map(|(_, tagged)| tagged).collect();
    if scenario.feed.is_none() {
        assert!(tags.is_empty(), "nobody gave tags");
        return;
    }
    let sum = |of: fn(&&Tagged) -> u64| tags.iter().map(of).sum::<u64>();
    assert_eq!(sum(|tag| tag.completed), books.completed, "responses by tag");
    assert_eq!(sum(|tag| tag.errors), books.errors_total(), "errors by tag");
    let expected = books.completed - unexpected;
    assert_eq!(sum(|tag| tag.response.len()), expected, "response times by tag");
}

/// Times are those that the network has seen.
fn check_times(scenario: &Scenario, outcome: &Outcome, books: &Books) {
    let times = &outcome.measured.distributions;
    let sum = |histogram: &Histogram<u64>| histogram.mean() * histogram.len() as f64;
    let is_order = |less: f64, more: f64| less <= more * 1.005 + 1e3;
    let is_equal = |one: f64, other: f64| is_order(one, other) && is_order(other, one);
    assert!(is_order(sum(&times.first_byte), sum(&times.service)), "first bytes, last ones");
    assert!(is_order(sum(&times.service), sum(&times.response)), "service is part of response");
    if books.in_flight_at_stop == 0 {
        let waited = sum(&times.send_lag) + outcome.under_way_ns as f64;
        let booked = sum(&times.response) + sum(&times.error_response);
        assert!(is_equal(waited, booked), "{waited} ns from due to outcome, {booked} booked");
    }
    if scenario.faults.is_calm && outcome.warmup.counts.sent == 0 {
        let served = outcome.service_ns as f64;
        assert!(is_equal(sum(&times.service), served), "{served} ns of service");
    }
    if scenario.faults.unsolicited == 0 && !times.first_byte.is_empty() {
        assert!(times.first_byte.min() > 0, "a byte came before its request");
    }
}

/// The highest value that a histogram does not tell from this one.
fn rounded(value: u64) -> u64 {
    value + value / 500 + 1
}

fn check_network(scenario: &Scenario, outcome: &Outcome) {
    let (measured, warmup) = (&outcome.measured.counts, &outcome.warmup.counts);
    assert!(outcome.received <= outcome.sends, "requests that nobody has sent");
    assert!(measured.completed + warmup.completed <= outcome.answered, "answers that nobody gave");
    if outcome.is_stopped_in_warmup {
        return;
    }
    let received = measured.bytes_received + warmup.bytes_received;
    if scenario.is_secure {
        // Counted are those of HTTP, without what encryption adds.
        assert!(received <= outcome.received_bytes, "bytes that nobody has sent");
    } else {
        assert_eq!(received, outcome.received_bytes, "bytes received");
    }
    // Retries are counted for requests of the measured part only.
    let most = measured.sent + measured.retried_requests + warmup.sent * (RETRIES + 1);
    assert!(outcome.sends <= most, "requests are sent twice");
    assert!(measured.retried_requests <= measured.sent * RETRIES, "too many retries");
    if scenario.faults.odd_framing == 0 {
        // Else the end of a connection may be the end of its first response.
        let most = outcome.lost_on_used;
        assert!(measured.retried_requests <= most, "a request on a new connection is sent again");
    }
    let bytes = measured.bytes_sent + warmup.bytes_sent;
    assert_eq!(bytes, outcome.sent_bytes, "bytes sent");
    let (connects, disconnects) =
        (measured.connects + warmup.connects, measured.disconnects + warmup.disconnects);
    assert_eq!(connects, disconnects + outcome.open, "connections that are open");
    let reused = measured.reused_requests + warmup.reused_requests;
    assert!(reused <= outcome.sends, "more requests on used connections than requests");
    assert!(outcome.sends - reused <= connects, "a connection is new once");
}

/// A run ends in time.
fn check_time(plan: &Plan, extra_ns: u64, outcome: &Outcome, books: &Books) {
    // A turn is late by 50 ms at the most, and a deadline by 2.
    let slack_ns = 120 * MS + extra_ns;
    // A connection may still be opening when sending ends.
    let wait_ns = plan.timeout_ns + plan.connect_timeout_ns;
    assert!(outcome.end_ns <= outcome.drain_ns + wait_ns + slack_ns, "draining takes too long");
    let each_ns = (RETRIES + 1) * (plan.timeout_ns + plan.connect_timeout_ns + 200 * MS);
    let length_ns =
        plan.duration_ns().map_or((books.sent + 2) * each_ns, |length| length + GRACE_NS);
    let end_ns = outcome.start_ns.saturating_add(length_ns + slack_ns);
    assert!(outcome.drain_ns <= end_ns, "sending takes too long");
    assert!(outcome.end_ns < 1_000_000 * SECOND, "a run without an end");
}

/// Nothing went wrong, so nothing is missing.
fn check_calm(plan: &Plan, outcome: &Outcome, books: &Books) {
    let (measured, warmup) = (&outcome.measured.counts, &outcome.warmup.counts);
    assert!(books.errors.is_empty(), "{:?}", books.errors);
    assert_eq!(books.in_flight_at_stop, 0, "in flight at the end");
    assert_eq!(outcome.sends, measured.sent + warmup.sent, "each request is sent once");
    assert_eq!(outcome.received, outcome.sends, "each request is received");
    assert_eq!(books.completed, books.sent, "each request is answered");
    let gives_up = match &plan.schedule {
        Schedule::Open { catchup, .. } => *catchup == Catchup::None,
        Schedule::Closed { requests, duration_ns } => requests.is_some() && duration_ns.is_some(),
    };
    if !gives_up {
        assert!(books.not_sent.is_empty(), "{:?}", books.not_sent);
    }
}
