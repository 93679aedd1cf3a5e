//! The names of tags, and their numbers, by which requests know them.

use acp_wire::frame::{MAX_TAGS, OTHER_TAGS};
use std::sync::{Arc, Mutex, PoisonError};

/// A table of names that all who number tags share: a clone is the same table. Bounded: what comes
/// when it is full is one tag, [`OTHER_TAGS`].
#[derive(Clone, Debug, Default)]
pub struct TagNames {
    names: Arc<Mutex<Vec<String>>>,
}

impl TagNames {
    /// The number of a tag, from 1; 0 is that of no tag, which has no name. Takes a lock: not for
    /// the path of a request.
    #[must_use]
    pub fn number(&self, name: &str) -> u16 {
        if name.is_empty() {
            return 0;
        }
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let known = names.iter().position(|known| known == name);
        let place = known.unwrap_or(names.len());
        if known.is_none() && place < MAX_TAGS && name != OTHER_TAGS {
            names.push(name.to_string());
        }
        let place = if name == OTHER_TAGS { MAX_TAGS } else { place.min(MAX_TAGS) };
        u16::try_from(place + 1).unwrap_or(u16::MAX)
    }

    /// The name of a number.
    #[must_use]
    pub fn name(&self, number: u16) -> Option<String> {
        let place = usize::from(number).checked_sub(1)?;
        if place == MAX_TAGS {
            return Some(OTHER_TAGS.to_string());
        }
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.get(place).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_number_and_a_number_one_name() {
        let names = TagNames::default();
        let same = names.clone();
        for (name, number) in [("", 0), ("a", 1), ("b", 2), ("a", 1), ("", 0)] {
            assert_eq!(names.number(name), number, "`{name}`");
        }
        assert_eq!(same.name(2).as_deref(), Some("b"));
        assert_eq!([same.name(0), same.name(3), same.name(u16::MAX)], [None, None, None]);
    }

    #[test]
    fn a_full_table_has_one_number_for_all_others() {
        let names = TagNames::default();
        let other = u16::try_from(MAX_TAGS + 1).unwrap();
        assert_eq!(names.number(OTHER_TAGS), other, "before it is full");
        for number in 1..other {
            assert_eq!(names.number(&format!("tag {number}")), number);
        }
        for name in ["one more", "another", OTHER_TAGS] {
            assert_eq!(names.number(name), other, "`{name}`");
        }
        assert_eq!(names.name(other).as_deref(), Some(OTHER_TAGS));
        assert_eq!(names.number("tag 7"), 7);
    }
}
