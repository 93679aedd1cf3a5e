//! States of runs in words.

use crate::store::RunState;

/// The name of a state on the wire.
pub(super) fn state_name(state: RunState) -> String {
    let name = match state {
        RunState::Pending => "pending",
        RunState::Assigned => "assigned",
        RunState::Ready => "ready",
        RunState::Running => "running",
        RunState::Draining => "draining",
        RunState::Done => "done",
        RunState::Failed => "failed",
        RunState::Aborted => "aborted",
    };
    name.into()
}

/// Whether a run has ended.
pub(super) fn is_final(state: RunState) -> bool {
    matches!(state, RunState::Done | RunState::Failed | RunState::Aborted)
}
