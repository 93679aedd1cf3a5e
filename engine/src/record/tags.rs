//! Names of the tags that requests carry, and the small numbers that stand for them.

use acp_wire::frame::{MAX_TAGS, OTHER_TAGS};
use std::sync::{Arc, Mutex, PoisonError};

/// The tags of a run. Clones are the same table.
///
/// The first ones have a number each, from 1; all that come later share one. 0 is no tag.
#[derive(Clone, Debug, Default)]
pub struct TagNames {
    names: Arc<Mutex<Vec<String>>>,
}

impl TagNames {
    /// The number of a tag, which is given one where it has none yet.
    #[must_use]
    pub fn number(&self, name: &str) -> u16 {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let place = match names.iter().position(|known| known == name) {
            Some(place) => place,
            None if names.len() < MAX_TAGS => {
                names.push(name.into());
                names.len() - 1
            }
            None => MAX_TAGS,
        };
        u16::try_from(place + 1).unwrap_or(u16::MAX)
    }

    /// The tag with a number; none for 0 and for numbers that were not given.
    #[must_use]
    pub fn name(&self, number: u16) -> Option<String> {
        let place = usize::from(number).checked_sub(1)?;
        if place == MAX_TAGS {
            return Some(OTHER_TAGS.into());
        }
        self.names.lock().unwrap_or_else(PoisonError::into_inner).get(place).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_tags_have_numbers_and_the_rest_share_one() {
        let tags = TagNames::default();
        let same = tags.clone();
        for round in 0..2 {
            for number in 0..MAX_TAGS + 10 {
                let given = usize::from(tags.number(&format!("tag {number}")));
                assert_eq!(given, number.min(MAX_TAGS) + 1, "round {round}");
            }
        }
        assert_eq!(same.name(0), None);
        assert_eq!(same.name(1).as_deref(), Some("tag 0"));
        assert_eq!(same.name(65).as_deref(), Some(OTHER_TAGS));
        assert_eq!(same.name(66), None);
        assert_eq!(TagNames::default().name(1), None);
    }
}
