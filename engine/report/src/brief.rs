//! What columns need of a frame: its counts and a few percentiles, without what takes long to read.
//!
//! It is read from the same JSON as a [`Frame`], in about half the time: a day of frames is 86,400.

use acp_wire::frame::Flags;
use acp_wire::report::Distribution;
use acp_wire::{ErrorClass, Frame, NotSent};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

/// A table of counts in the order it was written in, without the cost of a map.
type Table<K> = Vec<(K, u64)>;

/// Percentiles of a frame in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Figures {
    /// Values recorded.
    pub count: u64,
    /// Largest.
    pub max: u64,
    /// 50th percentile.
    pub p50: u64,
    /// 90th percentile.
    pub p90: u64,
    /// 99th percentile.
    pub p99: u64,
    /// 99.9th percentile.
    pub p99_9: u64,
}

/// What a frame cost, as far as columns show it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct BriefCost {
    pub(crate) machine_us: u64,
    pub(crate) busy_ratio: f64,
}

/// A frame in brief. Every field is the one of a [`Frame`] with its name.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Brief {
    pub(crate) second: u64,
    pub(crate) flags: Flags,
    pub(crate) planned: u64,
    pub(crate) sent: u64,
    pub(crate) completed: u64,
    #[serde(deserialize_with = "table")]
    pub(crate) not_sent: Table<NotSent>,
    #[serde(deserialize_with = "table")]
    pub(crate) errors: Table<ErrorClass>,
    #[serde(deserialize_with = "table")]
    pub(crate) status: Table<u16>,
    pub(crate) in_flight: u64,
    pub(crate) blocked: u64,
    pub(crate) connects: u64,
    pub(crate) disconnects: u64,
    pub(crate) bytes_sent: u64,
    pub(crate) bytes_received: u64,
    pub(crate) rate_target: f64,
    pub(crate) cpu_us: u64,
    pub(crate) steal_us: u64,
    pub(crate) late: u64,
    pub(crate) cost: BriefCost,
    pub(crate) response_ns: Option<Figures>,
    pub(crate) service_ns: Option<Figures>,
    pub(crate) send_lag_ns: Option<Figures>,
    #[serde(deserialize_with = "table")]
    pub(crate) response_bands: Table<u16>,
}

impl From<Distribution> for Figures {
    fn from(from: Distribution) -> Self {
        let Distribution { count, max, p50, p90, p99, p99_9, .. } = from;
        Self { count, max, p50, p90, p99, p99_9 }
    }
}

impl From<&Frame> for Brief {
    fn from(frame: &Frame) -> Self {
        let cost =
            BriefCost { machine_us: frame.cost.machine_us, busy_ratio: frame.cost.busy_ratio };
        Self {
            second: frame.second,
            flags: frame.flags,
            planned: frame.planned,
            sent: frame.sent,
            completed: frame.completed,
            not_sent: listed(&frame.not_sent),
            errors: listed(&frame.errors),
            status: listed(&frame.status),
            in_flight: frame.in_flight,
            blocked: frame.blocked,
            connects: frame.connects,
            disconnects: frame.disconnects,
            bytes_sent: frame.bytes_sent,
            bytes_received: frame.bytes_received,
            rate_target: frame.rate_target,
            cpu_us: frame.cpu_us,
            steal_us: frame.steal_us,
            late: frame.late,
            cost,
            response_ns: frame.response_ns.map(Figures::from),
            service_ns: frame.service_ns.map(Figures::from),
            send_lag_ns: frame.send_lag_ns.map(Figures::from),
            response_bands: listed(&frame.response_bands),
        }
    }
}

fn listed<K: Copy>(table: &BTreeMap<K, u64>) -> Table<K> {
    table.iter().map(|(&key, &count)| (key, count)).collect()
}

/// Reads a map as a list of its entries.
fn table<'de, K, D>(deserializer: D) -> Result<Table<K>, D::Error>
where
    K: Deserialize<'de>,
    D: Deserializer<'de>,
{
    struct Entries<K>(PhantomData<K>);

    impl<'de, K: Deserialize<'de>> Visitor<'de> for Entries<K> {
        type Value = Table<K>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a table of counts")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut entries = Vec::new();
            while let Some(entry) = map.next_entry()? {
                entries.push(entry);
            }
            Ok(entries)
        }
    }

    deserializer.deserialize_map(Entries(PhantomData))
}

#[cfg(test)]
mod tests {
    use super::*;
    use acp_wire::frame::Cost;

    fn frame() -> Frame {
        let response_ns =
            Some(Distribution { count: 9, p99: 5, mean: 0.1, ..Distribution::default() });
        Frame {
            schema: acp_wire::FRAME_SCHEMA.into(),
            run: "r".into(),
            second: 7,
            flags: Flags { warmup: true, last: false },
            sent: 12,
            rate_target: 12.5,
            not_sent: BTreeMap::from([(NotSent::Backlog, 1)]),
            errors: BTreeMap::from([(ErrorClass::Reset, 2)]),
            status: BTreeMap::from([(99, 1), (200, 8), (1000, 2)]),
            cost: Cost { machine_us: 5, busy_ratio: 0.5, turns: 9, ..Cost::default() },
            response_ns,
            send_lag_ns: response_ns,
            response_bands: BTreeMap::from([(9, 4), (10, 5)]),
            ..Frame::default()
        }
    }

    #[test]
    fn what_is_read_is_what_is_taken_from_a_frame() {
        for frame in [Frame::default(), frame()] {
            let text = serde_json::to_string(&frame).unwrap();
            assert_eq!(serde_json::from_str::<Brief>(&text).unwrap(), Brief::from(&frame));
        }
    }

    #[test]
    fn what_is_not_a_frame_is_not_read() {
        for (what, text) in [
            ("not an object", "3"),
            ("cut off", r#"{"second":"#),
            ("a count below 0", r#"{"sent":-1}"#),
            ("a class of no error", r#"{"errors":{"luck":1}}"#),
            ("a status that is no number", r#"{"status":{"ok":1}}"#),
            ("a table that is a list", r#"{"response_bands":[[1,2]]}"#),
        ] {
            assert!(serde_json::from_str::<Brief>(text).is_err(), "{what}");
        }
    }
}
