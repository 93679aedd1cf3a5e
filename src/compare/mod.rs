//! `acp compare`: reports of runs beside that of a baseline, and whether they differ by more than noise.

mod json;
mod junit;
mod markdown;
mod read;
mod table;
mod text;

use crate::output;
use crate::usage::usage;
use acp_report::compare::{Comparison, Judgement, Subject, compare_within};
use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};
use read::Run;
use std::path::{Path, PathBuf};

/// No measure is worse.
const EXIT_OK: u8 = 0;
/// One of the results is not valid.
const EXIT_NOT_VALID: u8 = 98;
/// Something is worse.
const EXIT_WORSE: u8 = 99;

/// Two to four reports beside each other: what differs, and whether by more than noise.
#[derive(Args)]
#[command(after_help = "\
Reports are those of `acp bench -o x.json` and `acp task report --format json`. They keep percentiles of
each second, which is enough for an interval of the ratio; with the frames of a run (`acp bench --frames
x.jsonl`) the histograms of each second are used.

Exit codes: 0 nothing is worse, 1 error, 2 usage, 98 a result is not valid, 99 something is worse")]
pub(crate) struct CompareArgs {
    /// Report of the baseline
    a: PathBuf,
    /// Reports to compare with it
    #[arg(required = true, num_args = 1..=3, value_name = "B")]
    others: Vec<PathBuf>,
    /// Frames of the baseline
    #[arg(long, value_name = "FILE")]
    frames_a: Option<PathBuf>,
    /// Frames of B
    #[arg(long, value_name = "FILE")]
    frames_b: Option<PathBuf>,
    /// Frames of C
    #[arg(long, value_name = "FILE")]
    frames_c: Option<PathBuf>,
    /// Frames of D
    #[arg(long, value_name = "FILE")]
    frames_d: Option<PathBuf>,
    /// A difference of so much is called the same: `5%`
    #[arg(long, value_name = "SHARE", default_value = "1%", value_parser = tolerance)]
    tolerance: f64,
    /// Format of what is printed, and of files whose suffix does not tell
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Also write it to a file: `.json`, `.md`, `.xml`, `.txt`; `-` is standard output (repeatable)
    #[arg(short, long, value_name = "FILE")]
    output: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// Everything.
    Json,
    /// A table for a comment on a change.
    Markdown,
    /// A test a measure, for CI.
    Junit,
}

fn tolerance(text: &str) -> Result<f64, String> {
    crate::share::parse(text)
        .filter(|share| (0.0..1.0).contains(share))
        .ok_or_else(|| "expected a share from `0%` to below `100%`".into())
}

/// What renderers show.
struct Shown<'a> {
    runs: &'a [Run],
    /// What runs are called beside a table: `A`.
    letters: &'a [&'static str],
    tolerance: f64,
    found: &'a Comparison,
    exit_code: u8,
}

/// Compares, prints, and returns the exit code.
///
/// # Errors
///
/// When a file cannot be read or written, or is not a report.
pub(crate) fn run(arguments: CompareArgs) -> Result<u8> {
    let runs = read_all(&arguments)?;
    let subjects: Vec<_> = runs.iter().map(Run::subject).collect();
    let mut found = compare_within(&subjects, arguments.tolerance);
    found.warnings.splice(0..0, of_files(&subjects));
    let exit_code = exit_code(&found);
    let letters = &["A", "B", "C", "D"][..runs.len()];
    let tolerance = arguments.tolerance;
    let shown = Shown { runs: &runs, letters, tolerance, found: &found, exit_code };
    let is_stdout = |path: &&PathBuf| path.as_path() == Path::new("-");
    for path in &arguments.output {
        let format = arguments.format.filter(|_| path.as_path() == Path::new("-"));
        let format = format.or(format_of(path)).or(arguments.format).unwrap_or(Format::Text);
        let text = shown.render(format);
        match is_stdout(&path) {
            true => output::text(&text)?,
            false => std::fs::write(path, text)
                .with_context(|| format!("failed to write `{}`", path.display()))?,
        }
    }
    if !arguments.output.iter().any(|path| is_stdout(&path)) {
        output::text(&shown.render(arguments.format.unwrap_or(Format::Text)))?;
    }
    Ok(exit_code)
}

fn read_all(arguments: &CompareArgs) -> Result<Vec<Run>> {
    let frames = [
        (&arguments.frames_a, "--frames-a"),
        (&arguments.frames_b, "--frames-b"),
        (&arguments.frames_c, "--frames-c"),
        (&arguments.frames_d, "--frames-d"),
    ];
    let paths: Vec<_> = std::iter::once(&arguments.a).chain(&arguments.others).collect();
    let extra = frames[paths.len()..].iter().find(|(file, _)| file.is_some());
    if let Some((_, flag)) = extra {
        return Err(usage(anyhow::anyhow!("{flag} is of a run that is not compared")));
    }
    if arguments.output.iter().filter(|path| path.as_path() == Path::new("-")).count() > 1 {
        bail!(usage(anyhow::anyhow!("standard output can take one of the outputs")));
    }
    let read = |(path, (frames, _)): (&&PathBuf, (&Option<PathBuf>, _))| {
        Run::read(path, frames.as_deref())
    };
    paths.iter().zip(frames).map(read).collect()
}

/// What only files can be.
fn of_files(runs: &[Subject<'_>]) -> Vec<String> {
    let mut warnings = Vec::new();
    for (place, run) in runs.iter().enumerate().skip(1) {
        if let Some(same) = runs[..place].iter().find(|other| other.report == run.report) {
            let text = match same.run == run.run {
                true => format!("`{}` is compared with itself", run.run),
                false => format!("`{}` and `{}` are the same report", same.run, run.run),
            };
            warnings.push(text);
        }
    }
    let first = runs.first().map(|run| &run.report.run.host);
    if runs.iter().any(|run| Some(&run.report.run.host) != first) {
        warnings
            .push("the runs are of several hosts: a difference may be that of the hosts".into());
    }
    warnings
}

fn exit_code(found: &Comparison) -> u8 {
    let differences = found.judged.iter().flat_map(|row| row.differences.iter().flatten());
    let is_worse = differences.map(|found| found.judgement).any(|found| found == Judgement::Worse);
    match (found.runs.iter().all(|run| run.verdict == "valid"), is_worse) {
        (false, _) => EXIT_NOT_VALID,
        (true, true) => EXIT_WORSE,
        (true, false) => EXIT_OK,
    }
}

fn format_of(path: &Path) -> Option<Format> {
    match path.extension()?.to_str()? {
        "json" => Some(Format::Json),
        "md" => Some(Format::Markdown),
        "xml" => Some(Format::Junit),
        "txt" => Some(Format::Text),
        _ => None,
    }
}

impl Shown<'_> {
    fn render(&self, format: Format) -> String {
        match format {
            Format::Text => text::render(self),
            Format::Json => json::render(self),
            Format::Markdown => markdown::render(self),
            Format::Junit => junit::render(self),
        }
    }

    /// What the intervals rest on, a sentence a run.
    fn bases(&self) -> Vec<String> {
        let of = |(run, letter): (&Run, &&str)| format!("{letter}: {}", run.basis());
        self.runs.iter().zip(self.letters).map(of).collect()
    }
}

#[cfg(test)]
mod tests;
