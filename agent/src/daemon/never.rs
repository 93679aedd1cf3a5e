//! Names of parts that control has ended before they were known here: an assignment that comes late
//! must not start them.

use std::collections::VecDeque;

/// Names kept. Control gives its parts up one by one, and an assignment is late for seconds.
const NAMES: usize = 4096;

/// Parts that are never to be started, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Never {
    names: VecDeque<String>,
}

impl Never {
    /// Remembers a name; whether it is a new one.
    pub(super) fn add(&mut self, name: &str) -> bool {
        if self.has(name) {
            return false;
        }
        if self.names.len() == NAMES {
            self.names.pop_front();
        }
        self.names.push_back(name.to_owned());
        true
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_remembered_once_and_the_newest_longest() {
        let mut never = Never::default();
        assert!(!never.has("r.0"), "nothing yet");
        assert!(never.add("r.0") && !never.add("r.0"), "once");
        assert!(never.has("r.0") && !never.has("r.00") && !never.has("r"));
        for number in 1..NAMES {
            assert!(never.add(&format!("r.{number}")));
        }
        assert!(never.has("r.0"), "as many as there is room for");
        never.add("s.0");
        assert!(!never.has("r.0") && never.has("r.1") && never.has("s.0"), "not one more");
        assert_eq!(never.names.len(), NAMES);
    }
}
