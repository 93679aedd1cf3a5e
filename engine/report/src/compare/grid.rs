//! Cells of equal width on the axis of seconds, of which there are never more than so many: beyond,
//! the width doubles and neighbours are put together.

use std::collections::BTreeMap;

/// Cells in the order of time. Memory does not depend on how many seconds there are.
pub(super) struct Grid<T> {
    cells_max: usize,
    width_s: u64,
    put_together: fn(&mut T, T),
    cells: BTreeMap<u64, T>,
}

impl<T> Grid<T> {
    /// No cells yet, the first ones a second wide. `put_together` adds a cell to one before it.
    pub(super) fn new(cells_max: usize, put_together: fn(&mut T, T)) -> Self {
        Self { cells_max, width_s: 1, put_together, cells: BTreeMap::new() }
    }

    /// Adds what happened from a second on.
    pub(super) fn push(&mut self, second: u64, cell: T) {
        let Self { put_together, width_s, .. } = *self;
        add(&mut self.cells, second / width_s, cell, put_together);
        while self.cells.len() > self.cells_max.max(1) {
            self.width_s = self.width_s.saturating_mul(2);
            for (place, cell) in std::mem::take(&mut self.cells) {
                add(&mut self.cells, place / 2, cell, put_together);
            }
        }
    }

    /// Seconds of a cell.
    pub(super) fn width_s(&self) -> u64 {
        self.width_s
    }

    /// Cells that something happened in.
    pub(super) fn cells(&self) -> impl ExactSizeIterator<Item = &T> {
        self.cells.values()
    }
}

fn add<T>(cells: &mut BTreeMap<u64, T>, place: u64, cell: T, put_together: fn(&mut T, T)) {
    use std::collections::btree_map::Entry;
    match cells.entry(place) {
        Entry::Vacant(free) => drop(free.insert(cell)),
        Entry::Occupied(mut taken) => put_together(taken.get_mut(), cell),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(what: &str, seconds: &[u64], expect: (u64, &[u64])) {
        let mut grid = Grid::new(4, |mine: &mut u64, next| *mine += next);
        seconds.iter().for_each(|&second| grid.push(second, 1));
        let cells: Vec<_> = grid.cells().copied().collect();
        assert_eq!((grid.width_s(), cells.as_slice()), expect, "{what}");
    }

    #[test]
    fn cells_get_wider_and_lose_nothing() {
        check("nothing", &[], (1, &[]));
        check("as many as fit", &[0, 1, 2, 3], (1, &[1, 1, 1, 1]));
        check("one more", &[0, 1, 2, 3, 4], (2, &[2, 2, 1]));
        check("the same second again", &[7, 7, 7], (1, &[3]));
        check("in any order", &[4, 0, 3, 1, 2], (2, &[2, 2, 1]));
        check("with a hole", &[0, 1, 100, 101, 102, 103], (2, &[2, 2, 2]));
        check("twice at once", &[0, 2, 4, 6, 1 << 40], (4, &[2, 2, 1]));
        check("the last second there is", &[0, 1, 2, 3, u64::MAX], (2, &[2, 2, 1]));
        let day: Vec<_> = (0..86_400).collect();
        check("a day", &day, (32_768, &[32_768, 32_768, 20_864]));
    }
}
