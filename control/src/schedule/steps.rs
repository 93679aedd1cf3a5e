//! The states of a run and the legal steps between them.

use crate::store::RunState;
use RunState::{Aborted, Assigned, Done, Draining, Failed, Pending, Ready, Running};

/// Every legal step. The start comes when its time has come, whether all engines are ready or not;
/// whoever has begun must drain before it is done; any run may fail or be aborted until it ends.
const STEPS: [(RunState, &[RunState]); 8] = [
    (Pending, &[Assigned, Failed, Aborted]),
    (Assigned, &[Ready, Running, Draining, Failed, Aborted]),
    (Ready, &[Running, Draining, Failed, Aborted]),
    (Running, &[Draining, Failed, Aborted]),
    (Draining, &[Done, Failed, Aborted]),
    (Done, &[]),
    (Failed, &[]),
    (Aborted, &[]),
];

/// Whether a run may go from one state to the other.
#[must_use]
pub fn is_step(from: RunState, to: RunState) -> bool {
    STEPS.iter().any(|(state, next)| *state == from && next.contains(&to))
}

/// Whether nothing happens to a run any more.
#[must_use]
pub fn is_final(state: RunState) -> bool {
    STEPS.iter().any(|(row, next)| *row == state && next.is_empty())
}

/// The state after a step.
///
/// # Panics
///
/// When the step is not legal: whoever asks for it is wrong about where the run is.
#[must_use]
pub fn step(from: RunState, to: RunState) -> RunState {
    assert!(is_step(from, to), "a run does not go from {from:?} to {to:?}");
    to
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [RunState; 8] = [Pending, Assigned, Ready, Running, Draining, Done, Failed, Aborted];

    #[test]
    fn the_whole_table() {
        // Columns in the order of `ALL`.
        let rows = [
            (Pending, ".A....FX"),
            (Assigned, "..RrD.FX"),
            (Ready, "...rD.FX"),
            (Running, "....D.FX"),
            (Draining, ".....dFX"),
            (Done, "........"),
            (Failed, "........"),
            (Aborted, "........"),
        ];
        for (from, row) in rows {
            for (to, mark) in ALL.into_iter().zip(row.chars()) {
                assert_eq!(is_step(from, to), mark != '.', "{from:?} to {to:?}");
            }
            assert_eq!(is_final(from), row == "........", "{from:?}");
        }
    }

    #[test]
    fn no_run_goes_back_or_stays() {
        for from in ALL {
            assert!(ALL.iter().filter(|to| **to <= from).all(|to| !is_step(from, *to)), "{from:?}");
        }
    }

    #[test]
    #[should_panic(expected = "does not go from Done to Running")]
    fn an_illegal_step_is_a_bug() {
        drop(format!("{:?}", step(Done, Running)));
    }
}
