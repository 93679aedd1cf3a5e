//! The row of any request, where rows are made instead of read.

use super::cursor::Fetched;
use super::order;
use crate::plan::rows::Rows;
use acp_wire::plan::Order;
use std::sync::Arc;

/// A way through rows. Any of them is made at once, so it has nothing to look for.
pub(super) struct RowCursor {
    rows: Arc<Rows>,
    order: Order,
    seed: u64,
    row: u64,
    text: Vec<u8>,
}

impl RowCursor {
    pub(super) fn new(rows: &Arc<Rows>, order: Order, seed: u64) -> Self {
        Self { rows: Arc::clone(rows), order, seed, row: 0, text: Vec::new() }
    }

    /// The row that was made.
    #[inline]
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Its number.
    pub(super) fn row(&self) -> u64 {
        self.row
    }

    /// Makes the row of request `number`; it is that of `slot`.
    #[inline]
    pub(super) fn fetch(&mut self, number: u64, slot: u64) -> Fetched {
        let rows = self.rows.rows();
        self.row = match self.order {
            Order::Seq => number % rows,
            Order::Random => order::random(self.seed, slot, rows),
            Order::Shuffle => order::shuffle(self.seed, number, rows),
        };
        self.text.clear();
        self.rows.write(self.row, &mut self.text);
        Fetched::Line
    }
}
