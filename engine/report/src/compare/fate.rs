//! What became of the requests that each block sent. Frames count a response when it comes, which may
//! be seconds after its request was sent: the first blocks of a run then have too few and its last one
//! too many, though every request was answered.

use super::blocks::Block;

/// Complete responses to what each block sent. Requests are taken to end in the order in which they were
/// sent. Outcomes beyond what was sent are of the last block.
pub(super) fn completed_of_sent(blocks: &[&Block]) -> Vec<f64> {
    let mut found = Vec::with_capacity(blocks.len());
    let mut outcomes = blocks.iter().map(|block| Outcomes::of(block));
    let mut next = Outcomes::default();
    for block in blocks {
        let (mut wanted, mut completed) = (block.sent as f64, 0.0);
        while wanted > 0.0 {
            if next.count <= 0.0 {
                let Some(of_next_block) = outcomes.next() else { break };
                next = of_next_block;
            }
            let taken = next.count.min(wanted);
            (wanted, next.count) = (wanted - taken, next.count - taken);
            completed += taken * next.completed_ratio;
        }
        found.push(completed);
    }
    if let Some(last) = found.last_mut() {
        *last += std::iter::once(next).chain(outcomes).map(|rest| rest.completed()).sum::<f64>();
    }
    found
}

/// What ended in a block.
#[derive(Default)]
struct Outcomes {
    count: f64,
    completed_ratio: f64,
}

impl Outcomes {
    fn of(block: &Block) -> Self {
        let count = block.ended as f64;
        let completed_ratio = block.completed as f64 / count.max(1.0);
        Self { count, completed_ratio }
    }

    fn completed(&self) -> f64 {
        self.count * self.completed_ratio
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn block(&(sent, completed, failed): &(u64, u64, u64)) -> Block {
        Block { sent, completed, ended: completed + failed, ..Block::default() }
    }

    fn found(blocks: &[(u64, u64, u64)]) -> Vec<f64> {
        let blocks: Vec<_> = blocks.iter().map(block).collect();
        completed_of_sent(&blocks.iter().collect::<Vec<_>>())
    }

    #[test]
    fn responses_belong_to_what_was_sent() {
        for (what, blocks, expect) in [
            ("nothing", &[][..], &[][..]),
            ("answered at once", &[(20, 20, 0), (20, 20, 0)], &[20.0, 20.0]),
            ("late", &[(20, 0, 0), (20, 20, 0), (20, 40, 0)], &[20.0; 3]),
            ("late by half a block", &[(20, 10, 0), (20, 20, 0), (20, 30, 0)], &[20.0; 3]),
            ("never answered", &[(20, 0, 0), (20, 0, 0)], &[0.0; 2]),
            ("half is never answered", &[(20, 20, 0), (20, 0, 0)], &[20.0, 0.0]),
            ("half fails", &[(20, 0, 0), (20, 10, 10), (20, 20, 20)], &[10.0; 3]),
            ("one block fails", &[(20, 0, 0), (20, 0, 20), (20, 40, 0)], &[0.0, 20.0, 20.0]),
            ("nothing is sent for a block", &[(20, 0, 0), (0, 20, 0)], &[20.0, 0.0]),
            ("more than was sent", &[(20, 30, 0), (10, 20, 0)], &[20.0, 30.0]),
            ("sent before the first block", &[(0, 5, 0), (10, 10, 0)], &[0.0, 15.0]),
        ] {
            assert_eq!(found(blocks), expect, "{what}");
        }
    }

    proptest! {
        #[test]
        fn no_response_is_lost(
            blocks in prop::collection::vec((0_u64..99, 0_u64..99, 0_u64..9), 1..40),
        ) {
            let sum: u64 = blocks.iter().map(|block| block.1).sum();
            let found = found(&blocks);
            prop_assert_eq!(found.len(), blocks.len());
            prop_assert!((found.iter().sum::<f64>() - sum as f64).abs() < 1e-6);
        }
    }
}
