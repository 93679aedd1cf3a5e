//! Which stratum a request is of: method and route, status, band of the latency, time of
//! the day; and how many there are of each value.

use std::collections::{BTreeMap, HashMap};

/// A band of the time of day is a quarter of an hour.
const TIME_BAND_S: u32 = 900;
/// Where a log does not say.
pub(super) const UNKNOWN: u8 = u8::MAX;

/// A stratum. Its order is that of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Stratum {
    pub(super) route: u32,
    pub(super) method: u8,
    /// 0: none.
    pub(super) status: u16,
    /// See [`latency_band`].
    pub(super) latency: u8,
    /// Quarter of an hour of the day, or [`UNKNOWN`].
    pub(super) time: u8,
}

impl Stratum {
    /// Strata of one method, route and class of the status are of one group.
    pub(super) fn group(self) -> (u32, u8, u16) {
        (self.route, self.method, self.status / 100)
    }
}

/// The power of two of µs that a latency is below: a band is twice as wide as the one before it.
pub(super) fn latency_band(latency_us: Option<u64>) -> u8 {
    match latency_us {
        Some(us) => u8::try_from(u64::BITS - us.leading_zeros()).unwrap_or(UNKNOWN),
        None => UNKNOWN,
    }
}

/// Quarters of an hour since midnight.
pub(super) fn time_band(second_of_day: Option<u32>) -> u8 {
    match second_of_day {
        Some(second) => u8::try_from(second / TIME_BAND_S).unwrap_or(UNKNOWN),
        None => UNKNOWN,
    }
}

/// How many requests there are of each stratum.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) strata: HashMap<Stratum, u64>,
}

/// Something in which requests differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dimension {
    Route,
    Method,
    Status,
    Latency,
    TimeOfDay,
}

impl Dimension {
    pub(super) const ALL: [Self; 5] =
        [Self::Route, Self::Method, Self::Status, Self::Latency, Self::TimeOfDay];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Route => "route",
            Self::Method => "method",
            Self::Status => "status",
            Self::Latency => "latency",
            Self::TimeOfDay => "time of day",
        }
    }

    /// What a stratum has there; none where its log does not say.
    fn value(self, stratum: Stratum) -> Option<u64> {
        let known = |value: u8| Some(u64::from(value)).filter(|_| value != UNKNOWN);
        match self {
            Self::Route => Some(u64::from(stratum.route) << 8 | u64::from(stratum.method)),
            Self::Method => Some(u64::from(stratum.method)),
            Self::Status => Some(u64::from(stratum.status)),
            Self::Latency => known(stratum.latency),
            Self::TimeOfDay => known(stratum.time),
        }
    }
}

impl Tally {
    pub(super) fn add(&mut self, stratum: Stratum) {
        *self.strata.entry(stratum).or_default() += 1;
    }

    pub(super) fn total(&self) -> u64 {
        self.strata.values().sum()
    }

    /// With the routes that numbers have become.
    pub(super) fn resolved(self, route: impl Fn(u32) -> u32) -> Self {
        let mut strata = HashMap::with_capacity(self.strata.len());
        for (stratum, count) in self.strata {
            let stratum = Stratum { route: route(stratum.route), ..stratum };
            *strata.entry(stratum).or_default() += count;
        }
        Self { strata }
    }

    /// Strata with their numbers, in order.
    pub(super) fn sorted(&self) -> Vec<(Stratum, u64)> {
        let mut sorted: Vec<_> = self.strata.iter().map(|(key, count)| (*key, *count)).collect();
        sorted.sort_unstable();
        sorted
    }

    /// How many requests have each value of a dimension; empty where a log does not say.
    pub(super) fn counts(&self, dimension: Dimension) -> BTreeMap<u64, u64> {
        let mut counts = BTreeMap::new();
        for (stratum, count) in &self.strata {
            if let Some(value) = dimension.value(*stratum) {
                *counts.entry(value).or_default() += count;
            }
        }
        if dimension == Dimension::Status && counts.keys().all(|status| *status == 0) {
            counts.clear();
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_of_latency_double() {
        for (latency_us, band) in [
            (None, UNKNOWN),
            (Some(0), 0),
            (Some(1), 1),
            (Some(2), 2),
            (Some(3), 2),
            (Some(4), 3),
            (Some(1023), 10),
            (Some(1024), 11),
            (Some(u64::MAX), 64),
        ] {
            assert_eq!(latency_band(latency_us), band, "{latency_us:?}");
        }
    }

    #[test]
    fn bands_of_time_are_quarters_of_an_hour() {
        for (second, band) in
            [(None, UNKNOWN), (Some(0), 0), (Some(899), 0), (Some(900), 1), (Some(86_399), 95)]
        {
            assert_eq!(time_band(second), band, "{second:?}");
        }
    }

    #[test]
    fn counts_of_a_dimension_add_up() {
        let mut tally = Tally::default();
        let of = |route, status, time| Stratum { route, method: 0, status, latency: UNKNOWN, time };
        for stratum in [of(1, 200, 3), of(1, 204, 4), of(2, 0, UNKNOWN), of(9, 200, 3)] {
            tally.add(stratum);
        }
        let tally = tally.resolved(|route| if route == 9 { 1 } else { route });
        let counts = |dimension| tally.counts(dimension).into_iter().collect::<Vec<_>>();
        assert_eq!(counts(Dimension::Route), [(1 << 8, 3), (2 << 8, 1)]);
        assert_eq!(counts(Dimension::Method), [(0, 4)]);
        assert_eq!(counts(Dimension::Status), [(0, 1), (200, 2), (204, 1)]);
        assert_eq!(counts(Dimension::Latency), []);
        assert_eq!(counts(Dimension::TimeOfDay), [(3, 2), (4, 1)]);
        assert_eq!((tally.total(), tally.strata.len()), (4, 3));
    }
}
