//! `acp hey`: the command line of hey.

mod arguments;
mod go_flags;
mod text;

pub use arguments::HeyArgs;
pub use go_flags::go_arguments;

use super::super::sink::Sink;
use super::refusal::Refusal;
use super::run::{exit_code, run};
use std::path::Path;

/// Runs `acp hey` and returns its exit code. Errors are on standard error.
#[must_use]
pub fn hey(arguments: &HeyArgs) -> u8 {
    exit_code(try_hey(arguments))
}

fn try_hey(arguments: &HeyArgs) -> Result<(), Refusal> {
    let job = arguments.job()?;
    let finished = run(&job, &mut |_| ())?;
    let mut out = Sink::open(Path::new("-")).map_err(Refusal::Write)?;
    out.write(&text::summary(&finished)).map_err(Refusal::Write)
}
