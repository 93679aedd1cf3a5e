//! `acp piemon`: the command line of the engine of ACP 1.0.

mod arguments;
mod progress;
mod text;

pub use arguments::PiemonArgs;

use super::super::messages::{Messages, say};
use super::super::sink::Sink;
use super::refusal::Refusal;
use super::run::{exit_code, run};
use crate::launch::Seen;
use jiff::tz::TimeZone;
use std::path::Path;

/// Runs `acp piemon` and returns its exit code. `words` are the arguments as they were written: the
/// summary shows them. Errors are on standard error.
#[must_use]
pub fn piemon(arguments: &PiemonArgs, words: impl IntoIterator<Item = String>) -> u8 {
    let words: Vec<_> = words.into_iter().collect();
    exit_code(try_piemon(arguments, &words.join(" ")))
}

fn try_piemon(arguments: &PiemonArgs, command: &str) -> Result<(), Refusal> {
    let mut out = Sink::open(Path::new("-")).map_err(Refusal::Write)?;
    if arguments.shows_version() {
        let version = env!("CARGO_PKG_VERSION");
        let line = format!("acp {version}, with the flags and the summary of piemon (ACP 1.0)\n");
        out.write(&line).map_err(Refusal::Write)?;
    }
    // Asked for nothing but the version.
    let Some(job) = arguments.job()? else { return Ok(()) };
    // A file that cannot be written must not cost a result.
    let mut log = arguments.log().map(Sink::open).transpose().map_err(Refusal::Value)?;
    arguments.notes().iter().for_each(|note| say(note));
    // A pipe that nobody reads must not hold up the seconds of the run.
    let messages = Messages::start_on(std::io::stdout())
        .map_err(|error| Refusal::Write(format!("failed to start a thread: {error}")))?;
    let connections = job.plan.load.connections;
    let finished = run(&job, &mut |seen| match seen {
        Seen::Ready { .. } => messages.say(&format!("target host:{}", arguments.host())),
        Seen::Frame(frame, seen) => {
            let response = &seen.sum.distributions().response;
            for line in progress::lines(frame, seen.total_s, response, connections) {
                messages.say(&line);
            }
        }
    })?;
    messages.flush();
    let summary = text::summary(&finished, command, &TimeZone::system());
    out.write(&summary).map_err(Refusal::Write)?;
    match &mut log {
        Some(log) => log.write(&text::errors_log(&finished.report)).map_err(Refusal::Write),
        None => Ok(()),
    }
}
