//! How counts of frames are put together, field by field: side by side or one after the other.
//!
//! | Field | parts of one second | seconds in their order |
//! |---|---|---|
//! | counts, times, bytes, tables, bands | sum | sum |
//! | `cost.busy_ratio`, `cost.max_rss_bytes` | largest | largest |
//! | `rate_target`, `in_flight` | sum | of the later |
//! | `shard_count` | sum | largest |
//! | `flags.last` | all of them | of the later |
//!
//! Classes, tags and slowest requests are put together with the histograms, in `breakdown`.
//!
//! Sums end at the greatest number instead of going round, and a rate is held in steps that floats
//! add without rounding: so the order in which frames are put together never shows.

use acp_wire::Frame;
use acp_wire::frame::{Cost, Histograms};
use std::collections::BTreeMap;

/// Steps of `rate_target` in 1/s. Up to 2²⁹/s their sums are exact.
const RATE_STEPS: f64 = 16_777_216.0;

/// A frame without its histograms, to which others can be added.
#[must_use]
pub fn counts_of(frame: &Frame) -> Frame {
    Frame {
        histograms: Histograms::default(),
        response_ns: None,
        service_ns: None,
        send_lag_ns: None,
        response_bands: frame.response_bands.clone(),
        rate_target: exact_rate(frame.rate_target),
        run: frame.run.clone(),
        agent: frame.agent.clone(),
        schema: frame.schema.clone(),
        not_sent: frame.not_sent.clone(),
        errors: frame.errors.clone(),
        status: frame.status.clone(),
        classes: BTreeMap::new(),
        tags: BTreeMap::new(),
        slowest: Vec::new(),
        ..*frame
    }
}

/// Adds counts of the same second.
pub(crate) fn add_beside(frame: &mut Frame, other: &Frame) {
    add_sums(frame, other);
    frame.flags.last &= other.flags.last;
    frame.shard_count = frame.shard_count.saturating_add(other.shard_count);
    frame.in_flight = frame.in_flight.saturating_add(other.in_flight);
    frame.rate_target += exact_rate(other.rate_target);
}

/// Adds the counts of `next`, a later second. The distributions are not known any more.
pub fn add_after(frame: &mut Frame, next: &Frame) {
    add_sums(frame, next);
    frame.flags.last = next.flags.last;
    frame.shard_count = frame.shard_count.max(next.shard_count);
    frame.in_flight = next.in_flight;
    frame.rate_target = next.rate_target;
    (frame.response_ns, frame.service_ns, frame.send_lag_ns) = (None, None, None);
}

fn exact_rate(rate: f64) -> f64 {
    (rate * RATE_STEPS).round() / RATE_STEPS
}

fn add_sums(frame: &mut Frame, other: &Frame) {
    for (mine, theirs) in sums_mut(frame).into_iter().zip(sums_mut(&mut other.clone())) {
        *mine = mine.saturating_add(*theirs);
    }
    add_table(&mut frame.not_sent, &other.not_sent);
    add_table(&mut frame.errors, &other.errors);
    add_table(&mut frame.status, &other.status);
    add_table(&mut frame.response_bands, &other.response_bands);
    let (mine, theirs) = (&mut frame.cost, &other.cost);
    mine.busy_ratio = mine.busy_ratio.max(theirs.busy_ratio);
    mine.max_rss_bytes = mine.max_rss_bytes.max(theirs.max_rss_bytes);
}

fn sums_mut(frame: &mut Frame) -> [&mut u64; 25] {
    let Cost {
        cpu_user_us,
        cpu_system_us,
        cpu_spin_us,
        machine_us,
        turns,
        completions,
        overflows,
        buffer_shortages,
        ..
    } = &mut frame.cost;
    [
        &mut frame.planned,
        &mut frame.sent,
        &mut frame.completed,
        &mut frame.blocked,
        &mut frame.connects,
        &mut frame.disconnects,
        &mut frame.bytes_sent,
        &mut frame.bytes_received,
        &mut frame.cpu_us,
        &mut frame.steal_us,
        &mut frame.late,
        &mut frame.in_flight_at_stop,
        &mut frame.lost_with_agent,
        &mut frame.reused_requests,
        &mut frame.retried_requests,
        &mut frame.full_handshakes,
        &mut frame.resumed_handshakes,
        cpu_user_us,
        cpu_system_us,
        cpu_spin_us,
        machine_us,
        turns,
        completions,
        overflows,
        buffer_shortages,
    ]
}

fn add_table<K: Ord + Copy>(table: &mut BTreeMap<K, u64>, other: &BTreeMap<K, u64>) {
    for (&key, &count) in other {
        let mine = table.entry(key).or_default();
        *mine = mine.saturating_add(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// Every number of a frame, by name; what is new in a frame shows up here.
    fn numbers(value: u64) -> Value {
        let mut frame = serde_json::to_value(Frame::default()).unwrap();
        fn fill(value: &mut Value, number: u64) {
            match value {
                Value::Number(_) => *value = json!(number),
                Value::Object(fields) => fields.values_mut().for_each(|field| fill(field, number)),
                _ => {}
            }
        }
        fill(&mut frame, value);
        frame["not_sent"] = json!({"backlog": value});
        frame["errors"] = json!({"reset": value});
        frame["status"] = json!({"200": value});
        frame["response_bands"] = json!({"9": value});
        frame
    }

    fn check(put_together: fn(&mut Frame, &Frame), expect: fn(&str) -> f64) {
        let mut frame: Frame = serde_json::from_value(numbers(2)).unwrap();
        put_together(&mut frame, &serde_json::from_value(numbers(3)).unwrap());
        let found = serde_json::to_value(&frame).unwrap();
        let fields = found.as_object().unwrap().iter();
        let (costs, fields): (Vec<_>, Vec<_>) = fields.partition(|(_, value)| value.is_object());
        let inner = costs.iter().flat_map(|(_, table)| table.as_object().unwrap());
        for (name, value) in fields.into_iter().chain(inner) {
            if let Some(number) = value.as_f64() {
                assert_eq!(number, expect(name), "{name}");
            }
        }
    }

    #[test]
    fn parts_of_a_second_are_put_together_field_by_field() {
        check(add_beside, |name| match name {
            "seq" | "second" => 2.0,
            "busy_ratio" | "max_rss_bytes" => 3.0,
            _ => 5.0,
        });
    }

    #[test]
    fn seconds_are_put_together_field_by_field() {
        check(add_after, |name| match name {
            "seq" | "second" => 2.0,
            "busy_ratio" | "max_rss_bytes" | "shard_count" | "in_flight" | "rate_target" => 3.0,
            _ => 5.0,
        });
    }

    #[test]
    fn nothing_goes_round() {
        let mut frame = Frame { sent: u64::MAX, shard_count: u32::MAX, ..Frame::default() };
        add_beside(&mut frame, &Frame { sent: 1, shard_count: 1, ..Frame::default() });
        assert_eq!((frame.sent, frame.shard_count), (u64::MAX, u32::MAX));
    }
}
