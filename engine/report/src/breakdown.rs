//! What frames say of their requests by class of status and by tag, and of the slowest of them.
//!
//! Sums of these do not depend on the order of what is put together. Of tags a sum keeps the first
//! [`KEPT_TAGS`] in the order of their names, which do not depend on the order either, and whoever
//! reads it gets the [`MAX_TAGS`] most frequent ones. All others are [`OTHER_TAGS`].

use crate::decode::decode_counts;
use crate::slowest::{SLOWEST_OF_SECOND, insert};
use crate::{Buckets, HistogramError, summary};
use acp_wire::Frame;
use acp_wire::frame::{MAX_TAGS, OTHER_TAGS, Slow, Tagged};
use acp_wire::report::{Distribution, TagReport};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Tags of a sum: several times those of a frame, for engines that have seen different ones.
const KEPT_TAGS: usize = 4 * MAX_TAGS;
/// A longer name is no tag of ours: it counts as another one.
const TAG_BYTES_MAX: usize = 256;
/// Classes of status that have a name of their own, 1xx to 5xx; all others are 0.
const CLASSES: std::ops::RangeInclusive<u8> = 1..=5;

/// The class of a status: 2 is 2xx; 0: none of 1xx to 5xx.
#[inline]
#[must_use]
pub fn class_of(status: u16) -> u8 {
    u8::try_from(status / 100).ok().filter(|class| CLASSES.contains(class)).unwrap_or(0)
}

/// The name of a class: `2xx`.
pub(crate) fn class_name(class: u8) -> String {
    if class == 0 { "other".into() } else { format!("{class}xx") }
}

/// What is known of the requests with one tag.
#[derive(Default)]
struct TagSum {
    completed: u64,
    errors: u64,
    response: Buckets,
}

impl TagSum {
    fn add(&mut self, other: &Self) {
        self.add_counts(other.completed, other.errors);
        self.response.add(&other.response);
    }

    fn add_counts(&mut self, completed: u64, errors: u64) {
        self.completed = self.completed.saturating_add(completed);
        self.errors = self.errors.saturating_add(errors);
    }
}

/// Requests by class of status, by tag, and the slowest of them.
#[derive(Default)]
pub struct Breakdown {
    classes: BTreeMap<u8, Buckets>,
    tags: BTreeMap<String, TagSum>,
    slowest: Vec<Slow>,
}

/// The histograms of a frame's classes and tags, by bucket.
pub(crate) struct Read {
    classes: Vec<(u8, Vec<(u64, u64)>)>,
    tags: Vec<Vec<(u64, u64)>>,
}

impl Read {
    /// Reads those of a frame: all, or it is an error.
    pub(crate) fn of(frame: &Frame) -> Result<Self, HistogramError> {
        let classes = frame.classes.iter();
        let classes = classes.map(|(&class, text)| Ok((class, decode_counts(text)?)));
        let tags = frame
            .tags
            .values()
            .map(|tagged| tagged.response.as_deref().map_or_else(|| Ok(Vec::new()), decode_counts));
        Ok(Self {
            classes: classes.collect::<Result<_, _>>()?,
            tags: tags.collect::<Result<_, _>>()?,
        })
    }
}

impl Breakdown {
    /// Adds response times of a class.
    pub fn add_class(&mut self, class: u8, response: &Buckets) {
        if !response.is_empty() {
            self.class_mut(class).add(response);
        }
    }

    /// Adds what became of requests with a tag.
    pub fn add_tag(&mut self, name: &str, completed: u64, errors: u64, response: &Buckets) {
        let sum = self.tag_mut(name);
        sum.add_counts(completed, errors);
        sum.response.add(response);
    }

    /// Adds one of the slowest requests.
    pub fn add_slow(&mut self, slow: &Slow) {
        if slow.tag.len() <= TAG_BYTES_MAX && slow.agent.len() <= TAG_BYTES_MAX {
            insert(&mut self.slowest, slow);
        }
    }

    /// Adds all of another one.
    pub fn add(&mut self, other: &Self) {
        other.classes.iter().for_each(|(&class, buckets)| self.add_class(class, buckets));
        other.tags.iter().for_each(|(name, sum)| self.tag_mut(name).add(sum));
        other.slowest.iter().for_each(|slow| self.add_slow(slow));
    }

    /// Adds that of a frame, of which the histograms were read.
    pub(crate) fn add_frame(&mut self, frame: &Frame, read: &Read) {
        for (class, buckets) in read.classes.iter().filter(|(_, buckets)| !buckets.is_empty()) {
            self.class_mut(*class).add_read(buckets);
        }
        for ((name, tagged), buckets) in frame.tags.iter().zip(&read.tags) {
            let sum = self.tag_mut(name);
            sum.add_counts(tagged.completed, tagged.errors);
            sum.response.add_read(buckets);
        }
        frame.slowest.iter().for_each(|slow| self.add_slow(slow));
    }

    fn class_mut(&mut self, class: u8) -> &mut Buckets {
        self.classes.entry(if CLASSES.contains(&class) { class } else { 0 }).or_default()
    }

    /// Where a tag is counted. The name behind all others makes room where there are too many: it
    /// was never among the first, so nothing of it is missing in those others.
    fn tag_mut(&mut self, name: &str) -> &mut TagSum {
        let is_known = self.tags.contains_key(name);
        if is_known || name == OTHER_TAGS || name.len() > TAG_BYTES_MAX {
            let name = if is_known { name } else { OTHER_TAGS };
            return self.tags.entry(name.to_string()).or_default();
        }
        let has_other = usize::from(self.tags.contains_key(OTHER_TAGS));
        if self.tags.len() - has_other >= KEPT_TAGS {
            let last = self.tags.keys().rev().find(|known| *known != OTHER_TAGS).cloned();
            match last.filter(|last| name < last.as_str()) {
                Some(last) => self.fold(&last),
                None => return self.tags.entry(OTHER_TAGS.to_string()).or_default(),
            }
        }
        self.tags.entry(name.to_string()).or_default()
    }

    /// Counts a tag among the others from now on.
    fn fold(&mut self, name: &str) {
        if let Some(sum) = self.tags.remove(name) {
            self.tags.entry(OTHER_TAGS.to_string()).or_default().add(&sum);
        }
    }

    /// The most frequent tags, and the sum of all others where there are any.
    fn tags_shown(&self) -> (Vec<(&str, &TagSum)>, Option<TagSum>) {
        let mut shown: Vec<_> = self.tags.iter().map(|(name, sum)| (name.as_str(), sum)).collect();
        shown.retain(|(name, _)| *name != OTHER_TAGS);
        shown.sort_by_key(|&(name, sum)| (Reverse(sum.completed.saturating_add(sum.errors)), name));
        let folded = shown.split_off(shown.len().min(MAX_TAGS));
        let known = self.tags.get(OTHER_TAGS);
        let has_other = known.is_some() || !folded.is_empty();
        let mut other = TagSum::default();
        let sums = known.into_iter().chain(folded.into_iter().map(|(_, sum)| sum));
        sums.for_each(|sum| other.add(sum));
        (shown, has_other.then_some(other))
    }

    fn tags_as<T>(&self, of: impl Fn(&TagSum) -> T) -> BTreeMap<String, T> {
        let (shown, other) = self.tags_shown();
        let shown = shown.into_iter().map(|(name, sum)| (name.to_string(), of(sum)));
        shown.chain(other.map(|sum| (OTHER_TAGS.to_string(), of(&sum)))).collect()
    }

    /// Writes it into a frame, whose own is replaced.
    pub fn put_into(&self, frame: &mut Frame) {
        let classes = self.classes.iter();
        frame.classes = classes.filter_map(|(&class, sum)| Some((class, sum.encode()?))).collect();
        frame.tags = self.tags_as(|sum| Tagged {
            completed: sum.completed,
            errors: sum.errors,
            response: sum.response.encode(),
        });
        frame.slowest = self.slowest.iter().take(SLOWEST_OF_SECOND).cloned().collect();
    }

    /// Response times of complete responses by class of status.
    #[must_use]
    pub fn classes(&self) -> BTreeMap<u8, Distribution> {
        let classes = self.classes.iter();
        classes.map(|(&class, sum)| (class, summary(&sum.to_histogram()))).collect()
    }

    /// Requests by tag.
    #[must_use]
    pub fn tags(&self) -> BTreeMap<String, TagReport> {
        self.tags_as(|sum| TagReport {
            completed: sum.completed,
            errors: sum.errors,
            response_ns: summary(&sum.response.to_histogram()),
        })
    }

    /// The slowest requests, slowest first.
    #[must_use]
    pub fn slowest(&self) -> &[Slow] {
        &self.slowest
    }
}

#[cfg(test)]
#[path = "breakdown_tests.rs"]
mod tests;
