//! Random numbers of one simulated run: all of them follow from its seed.

/// The numbers of a seed, in the shapes that a simulation needs.
pub(super) struct Random(crate::plan::Random);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(crate::plan::Random::new(seed))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0.draw()
    }

    /// From `low` to `high`, both included.
    pub(super) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    /// From `low` to `high`, each power of two as likely as another.
    pub(super) fn spread(&mut self, low: u64, high: u64) -> u64 {
        let bits = self.between(0, u64::from((high / low.max(1)).max(1).ilog2()));
        let from = low.max(1) << bits;
        self.between(from.min(high), (from * 2).min(high))
    }

    /// True in so many of 1,000 cases.
    pub(super) fn chance(&mut self, per_mille: u64) -> bool {
        per_mille > 0 && self.next() % 1000 < per_mille
    }

    pub(super) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.next() % length as u64).unwrap()
    }

    pub(super) fn pick<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.index(values.len())]
    }

    pub(super) fn shuffle<T>(&mut self, values: &mut [T]) {
        for last in (1..values.len()).rev() {
            let other = self.index(last + 1);
            values.swap(last, other);
        }
    }
}
