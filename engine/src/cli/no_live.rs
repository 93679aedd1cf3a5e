//! In the place of the live view, where the program was built without it.

use super::arguments::RunArgs;
use crate::launch::{Control, Seen};
use crate::plan::Plan;

/// A live view, of which there is none.
pub(super) enum Live {}

impl Live {
    pub(super) fn start(
        arguments: &RunArgs,
        _: &Plan,
        _: &Control,
    ) -> Result<Option<Self>, String> {
        match arguments.tui {
            true => {
                Err("this program was built without the live view\nhint: `acp bench` has it".into())
            }
            false => Ok(None),
        }
    }

    /// Whether it was shown.
    pub(super) fn see(&mut self, _: &Seen) -> bool {
        match *self {}
    }
    pub(super) fn end(self) {
        match self {}
    }
}
