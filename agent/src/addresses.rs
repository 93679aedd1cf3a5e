//! Addresses: which control plane to talk to.
//!
//! The one that answered last is kept until it fails or names another as the leader. Then the known
//! ones take turns: the assignment's, the coordinator's, those of the settings.

/// Which control plane to talk to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Addresses {
    kept: Option<String>,
    assignment: String,
    failures: usize,
}

impl Addresses {
    /// An assignment names the control plane that wrote it: from a new one on, that is the one.
    pub(crate) fn assigned(&mut self, control: &str) {
        if self.assignment != control {
            control.clone_into(&mut self.assignment);
            self.kept = None;
            self.failures = 0;
        }
    }

    /// That one answered.
    pub(crate) fn answered(&mut self, control: &str) {
        self.kept = Some(control.to_owned());
    }

    /// The one that was asked names the leader.
    pub(crate) fn leads(&mut self, leader: &str) {
        self.kept = Some(leader.to_owned());
    }

    /// That one did not answer.
    pub(crate) fn failed(&mut self, control: &str) {
        if self.kept.as_deref() == Some(control) {
            self.kept = None;
        } else {
            self.failures = self.failures.wrapping_add(1);
        }
    }

    /// The one that answered last, or was named as the leader.
    pub(crate) fn kept(&self) -> Option<&str> {
        self.kept.as_deref()
    }

    /// The one to ask next; none while none is known.
    pub(crate) fn choose(
        &self,
        coordinator: Option<String>,
        settings: &[String],
    ) -> Option<String> {
        if let Some(kept) = &self.kept {
            return Some(kept.clone());
        }
        let mut known: Vec<String> = Vec::new();
        let assignment = Some(self.assignment.clone()).filter(|address| !address.is_empty());
        for address in assignment.into_iter().chain(coordinator).chain(settings.iter().cloned()) {
            if !known.contains(&address) {
                known.push(address);
            }
        }
        if known.is_empty() { None } else { Some(known.swap_remove(self.failures % known.len())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps like `assigned x`, then who is asked with coordinator `c` and settings `s`, `t`.
    fn check(steps: &[&str], expect: &str) {
        let mut addresses = Addresses::default();
        for step in steps {
            match step.split_once(' ').unwrap() {
                ("assigned", address) => addresses.assigned(address),
                ("answered", address) => addresses.answered(address),
                ("leads", address) => addresses.leads(address),
                ("failed", address) => addresses.failed(address),
                _ => panic!("unknown step `{step}`"),
            }
        }
        let settings = ["s".to_owned(), "t".to_owned()];
        let chosen = addresses.choose(Some("c".to_owned()), &settings);
        assert_eq!(chosen.as_deref(), Some(expect), "{steps:?}");
    }

    #[test]
    fn the_one_that_answers_is_kept_and_the_others_take_turns() {
        check(&[], "c");
        check(&["assigned a"], "a");
        check(&["failed c"], "s");
        check(&["failed c", "failed s"], "t");
        check(&["failed c", "failed s", "failed t"], "c");
        check(&["assigned a", "failed a"], "c");
        check(&["assigned a", "failed a", "assigned b"], "b");
        check(&["assigned a", "failed a", "assigned a"], "c");
        check(&["answered t"], "t");
        check(&["answered t", "failed t"], "c");
        check(&["answered t", "failed s"], "t");
        check(&["answered t", "leads l"], "l");
        check(&["answered t", "leads l", "failed l"], "c");
        check(&["answered t", "assigned a"], "a");
        check(&["assigned a", "answered a", "assigned a"], "a");
        check(&["assigned c", "failed c"], "s");
    }

    #[test]
    fn nobody_known_is_nobody_asked() {
        assert_eq!(Addresses::default().choose(None, &[]), None);
    }
}
