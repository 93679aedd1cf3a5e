//! `acp wrk`: the command lines of wrk and wrk2.

mod arguments;
mod spectrum;
mod text;
mod units;

pub use arguments::WrkArgs;

use super::super::messages::say;
use super::super::sink::Sink;
use super::refusal::Refusal;
use super::run::{exit_code, run};
use crate::launch::Seen;
use std::path::Path;

/// Runs `acp wrk` and returns its exit code. Errors are on standard error.
#[must_use]
pub fn wrk(arguments: &WrkArgs) -> u8 {
    exit_code(try_wrk(arguments))
}

fn try_wrk(arguments: &WrkArgs) -> Result<(), Refusal> {
    let mut out = Sink::open(Path::new("-")).map_err(Refusal::Write)?;
    if arguments.shows_version() {
        let version = env!("CARGO_PKG_VERSION");
        out.write(&format!("acp {version}, with the flags and the summary of wrk 4 and wrk2\n"))
            .map_err(Refusal::Write)?;
    }
    // Asked for nothing but the version.
    let Some(job) = arguments.job()? else { return Ok(()) };
    let style = arguments.style();
    let mut heading = Ok(());
    let finished = run(&job, &mut |seen| {
        if let Seen::Ready { .. } = seen {
            heading = out.write(&text::heading(&job.plan, style));
        }
    })?;
    if let Err(message) = heading {
        say(&format!("warning: {message}"));
    }
    out.write(&text::summary(&finished, style)).map_err(Refusal::Write)
}
