//! `acp oha`: the command line of oha.

mod address;
mod arguments;
mod json;
mod refused;
mod scale;
mod shape;
mod text;

pub use arguments::OhaArgs;

use super::super::sink::Sink;
use super::refusal::Refusal;
use super::run::{exit_code, run};
use arguments::Format;

/// Runs `acp oha` and returns its exit code. Errors are on standard error.
#[must_use]
pub fn oha(arguments: &OhaArgs) -> u8 {
    exit_code(try_oha(arguments))
}

fn try_oha(arguments: &OhaArgs) -> Result<(), Refusal> {
    let job = arguments.job()?;
    // A file that cannot be written must not cost a result.
    let mut out = Sink::open(arguments.output()).map_err(Refusal::Value)?;
    let finished = run(&job, &mut |_| ())?;
    let text = match arguments.format() {
        Format::Text => text::summary(&finished, arguments.scale()),
        Format::Json => json::summary(&finished),
        Format::Quiet | Format::Csv => return Ok(()),
    };
    out.write(&text).map_err(Refusal::Write)
}
