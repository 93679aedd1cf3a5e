//! `acp data check`: parts are what their manifests say, and no key comes twice.

use super::stop::{Progress, Stop, millions};
use crate::output;
use acp_data::generate::{CheckError, Checked, check};
use acp_data::grouped;
use acp_engine::cli::EXIT_INTERRUPTED;
use anyhow::Result;
use clap::Args;
use std::path::{Path, PathBuf};

/// Check files that `acp data generate` made: each row, and that no key comes twice
#[derive(Args)]
#[command(after_help = "\
Each row is made again and compared with what is on disk; each key is read from the disk and traced back
to the row that it belongs to, of which there is a bit: 12.5 MB for 100 million rows.

Exit codes: 0 all is well, 1 it is not, 2 usage, 130 Ctrl-C")]
pub(super) struct CheckArgs {
    /// Folder of parts, or one file
    path: PathBuf,
    /// Threads, a part each [default: the CPUs that we may use]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// No progress on standard error
    #[arg(long)]
    quiet: bool,
}

pub(super) fn run(arguments: &CheckArgs) -> Result<u8> {
    let threads = arguments.threads.map_or_else(cores, usize::from);
    look(&arguments.path, threads, arguments.quiet, &Stop::listen()?)
}

/// CPUs that this process may use.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Checks a path and says what was found.
pub(super) fn look(path: &Path, threads: usize, is_quiet: bool, stop: &Stop) -> Result<u8> {
    let progress = Progress::new(0, is_quiet);
    let found = check(path, threads, &|| stop.is_asked(), &|rows| progress.tell(rows));
    match found {
        Ok(found) => {
            output::out(sentence(&found, progress.seconds()))?;
            Ok(0)
        }
        Err(CheckError::Stopped) => {
            output::tell("stopped: not all rows were checked");
            Ok(EXIT_INTERRUPTED)
        }
        Err(error) => Err(error.into()),
    }
}

fn sentence(found: &Checked, seconds: f64) -> String {
    let count = found.rows.end - found.rows.start;
    let rows = match count == found.all {
        true => grouped(count),
        false => format!(
            "{} to {} of {}",
            grouped(found.rows.start),
            grouped(found.rows.end - 1),
            grouped(found.all)
        ),
    };
    let keys = match found.keys.as_slice() {
        [] => "there are no keys".into(),
        [key] => format!("no `{key}` comes twice"),
        keys => {
            let names: Vec<_> = keys.iter().map(|key| format!("`{key}`")).collect();
            format!("none of {} comes twice", names.join(", "))
        }
    };
    let parts = if found.parts == 1 { "1 part".into() } else { format!("{} parts", found.parts) };
    let rate = millions(count as f64 / seconds);
    format!("good: rows {rows} in {parts} are those of the template, {keys} ({rate} rows/s)")
}
