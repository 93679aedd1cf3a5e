//! Pauses of a closed loop: the only change of a schedule that has no due times.

/// When nothing is sent, in nanoseconds from the start of the measured part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pauses {
    /// Starts and ends in turn, in order; the last pause may have no end.
    edges_ns: Vec<u64>,
}

impl Pauses {
    /// With a pause that begins, or ends, at `at_ns`. A change does not reach back behind the one
    /// before it.
    #[must_use]
    pub fn with_edge(&self, at_ns: u64, is_pause: bool) -> Self {
        let is_paused = self.edges_ns.len() % 2 == 1;
        let mut changed = self.clone();
        if is_pause != is_paused {
            let after_ns = self.edges_ns.last().copied().unwrap_or(0);
            changed.edges_ns.push(at_ns.max(after_ns));
        }
        changed
    }

    /// Start and end of the pause that goes on at `t_ns`, or of the next one; `u64::MAX`: none.
    #[must_use]
    pub fn from(&self, t_ns: u64) -> (u64, u64) {
        let is_over = |pause: &&[u64]| pause.get(1).is_some_and(|&end_ns| end_ns <= t_ns);
        match self.edges_ns.chunks(2).find(|pause| !is_over(pause)) {
            Some(pause) => (pause[0], pause.get(1).copied().unwrap_or(u64::MAX)),
            None => (u64::MAX, u64::MAX),
        }
    }

    /// How many pauses there are.
    pub(crate) fn count(&self) -> usize {
        self.edges_ns.len().div_ceil(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_where_the_table_says() {
        const EVER: u64 = u64::MAX;
        for (what, edges, t_ns, expected) in [
            ("none", vec![], 5, (EVER, EVER)),
            ("a resume without a pause", vec![(3, false)], 5, (EVER, EVER)),
            ("one to come", vec![(10, true), (20, false)], 5, (10, 20)),
            ("at its start", vec![(10, true), (20, false)], 10, (10, 20)),
            ("within", vec![(10, true), (20, false)], 19, (10, 20)),
            ("over at its end", vec![(10, true), (20, false)], 20, (EVER, EVER)),
            ("without an end", vec![(10, true)], 1000, (10, EVER)),
            ("a second pause changes nothing", vec![(10, true), (15, true)], 12, (10, EVER)),
            ("the next one", vec![(1, true), (2, false), (5, true), (6, false)], 3, (5, 6)),
            ("an end before its start", vec![(10, true), (4, false)], 0, (10, 10)),
        ] {
            let pauses = edges
                .into_iter()
                .fold(Pauses::default(), |all, (at_ns, is_pause)| all.with_edge(at_ns, is_pause));
            assert_eq!(pauses.from(t_ns), expected, "{what}");
        }
    }
}
