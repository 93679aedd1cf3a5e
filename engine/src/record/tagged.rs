//! What became of the requests with each tag, by its number.

use acp_report::Buckets;
use acp_wire::frame::MAX_TAGS;

/// The requests with one tag.
#[derive(Default)]
pub struct Tagged {
    /// Complete responses.
    pub completed: u64,
    /// Requests that did not end as expected.
    pub errors: u64,
    /// Due time to last byte, expected responses.
    pub response: Buckets,
}

/// The requests with a tag. The memory of a histogram is asked for with the first response that it
/// gets, and kept: a tag costs that once, not a request.
pub struct ByTag(Box<[Tagged]>);

impl ByTag {
    pub(super) fn new() -> Self {
        Self((0..=MAX_TAGS).map(|_| Tagged::default()).collect())
    }

    /// The place of a tag that is not 0; a number of no tag counts as another one.
    #[inline]
    fn of(&mut self, tag: u16) -> &mut Tagged {
        &mut self.0[usize::from(tag - 1).min(MAX_TAGS)]
    }

    #[inline]
    pub(super) fn add_expected(&mut self, tag: u16, response_ns: u64) {
        if tag > 0 {
            let tagged = self.of(tag);
            tagged.completed += 1;
            tagged.response.record(response_ns);
        }
    }

    pub(super) fn add_error(&mut self, tag: u16, is_completed: bool) {
        if tag > 0 {
            let tagged = self.of(tag);
            tagged.completed += u64::from(is_completed);
            tagged.errors += 1;
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            mine.completed += theirs.completed;
            mine.errors += theirs.errors;
            mine.response.add(&theirs.response);
        }
    }

    pub(super) fn reset(&mut self) {
        for tagged in &mut self.0 {
            (tagged.completed, tagged.errors) = (0, 0);
            tagged.response.reset();
        }
    }

    /// Every tag that has requests, by its number.
    pub fn used(&self) -> impl Iterator<Item = (u16, &Tagged)> {
        let numbered = (1..).zip(&self.0);
        numbered.filter(|(_, tagged)| tagged.completed + tagged.errors > 0)
    }
}
