//! The first look at a log: its routes, its methods, and how many requests each stratum has.

use super::bad_line::BadLine;
use super::entry::Entry;
use super::pattern::Pattern;
use super::route::Routes;
use super::stratum::{Stratum, Tally, latency_band, time_band};

/// Methods that a log can have.
pub(super) const MAX_METHODS: usize = 64;

/// What was seen of a log.
#[derive(Debug)]
pub(super) struct Census {
    pub(super) routes: Routes,
    methods: Vec<String>,
    pub(super) tally: Tally,
    /// First and last time.
    pub(super) span_us: Option<(i64, i64)>,
    pub(super) without_time: u64,
}

impl Census {
    pub(super) fn new(patterns: Vec<Pattern>) -> Self {
        Self {
            routes: Routes::new(patterns),
            methods: Vec::new(),
            tally: Tally::default(),
            span_us: None,
            without_time: 0,
        }
    }

    /// Counts a request. The route of its stratum is good until routes are merged.
    pub(super) fn add(&mut self, entry: &Entry<'_>) -> Result<Stratum, BadLine> {
        let method = match self.method_number(&entry.method) {
            Some(number) => number,
            None => self.new_method(&entry.method)?,
        };
        let stratum = stratum(entry, method, self.routes.add(&entry.path));
        self.tally.add(stratum);
        match (entry.stamp, &mut self.span_us) {
            (None, _) => self.without_time += 1,
            (Some(stamp), Some((first, last))) => {
                (*first, *last) = ((*first).min(stamp.unix_us), (*last).max(stamp.unix_us));
            }
            (Some(stamp), none) => *none = Some((stamp.unix_us, stamp.unix_us)),
        }
        Ok(stratum)
    }

    /// The stratum of a request that was counted; none where it cannot have been.
    pub(super) fn find(&mut self, entry: &Entry<'_>) -> Option<Stratum> {
        let method = self.method_number(&entry.method)?;
        Some(stratum(entry, method, self.routes.find(&entry.path)?))
    }

    /// Counts by the routes that there are in the end.
    pub(super) fn settle(&mut self) {
        self.tally = std::mem::take(&mut self.tally).resolved(|route| self.routes.resolve(route));
    }

    pub(super) fn method(&self, number: u8) -> &str {
        &self.methods[usize::from(number)]
    }

    fn method_number(&self, method: &str) -> Option<u8> {
        let place = self.methods.iter().position(|known| known == method)?;
        u8::try_from(place).ok()
    }

    fn new_method(&mut self, method: &str) -> Result<u8, BadLine> {
        let number = u8::try_from(self.methods.len()).unwrap_or(u8::MAX);
        if usize::from(number) >= MAX_METHODS {
            return Err(BadLine::Methods);
        }
        self.methods.push(method.into());
        Ok(number)
    }
}

fn stratum(entry: &Entry<'_>, method: u8, route: u32) -> Stratum {
    Stratum {
        route,
        method,
        status: entry.status,
        latency: latency_band(entry.latency_us),
        time: time_band(entry.stamp.map(|stamp| stamp.second_of_day)),
    }
}
