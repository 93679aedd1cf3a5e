//! `acp data generate`: rows from a template, into files.

use super::check::{cores, look};
use super::stop::{Progress, Stop, millions};
use crate::output;
use crate::usage::usage;
use acp_data::generate::{Cut, GenerateError, Job, Made, Output, Template, cut, generate as make};
use acp_data::grouped;
use acp_engine::cli::EXIT_INTERRUPTED;
use acp_wire::rows::{Count, Layout};
use acp_wire::units::parse_count;
use anyhow::{Context as _, Result, anyhow};
use clap::{Args, ValueEnum};
use nix::sys::resource::{UsageWho, getrusage};
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

/// Make rows from a template: query files, JSON or CSV, with keys that never come twice
#[derive(Args)]
#[command(after_help = "\
A template is a text with values in double braces, or a file of columns (TOML). Row K follows from the
template, the seed and K: any row can be made again alone, and parts on different machines.

Values: row  seq START STEP  key DIGITS  int 1 1000  float 0 9.99 2  normal 100 15 0 200  zipf 1000000 1.1
        pick a b  weighted a 3 b 1  date 2026-01-01 2026-12-31 %F  uuid  hex 16

A file of columns:
  schema = \"acp.rows/1\"
  [[columns]]
  name = \"id\"
  kind = \"key\"      # sequence key int float normal zipf list file date uuid hex text constant
  [[columns]]
  name = \"city\"
  kind = \"list\"
  values = [\"hangzhou\", \"beijing\"]
  weights = [3, 1]
  [format]
  kind = \"path\"     # path line jsonl csv
  path = \"/item/{{id}}?city={{city}}\"

Examples:
  acp data generate --template '/item/{{key}}?user={{zipf 1000000 1.1}}' --rows 1M -o queries.txt
  acp data generate --template items.toml --rows 100M --seed 1 --parts 8 -o parts/
  acp data generate --template items.toml --rows 100M --seed 1 --parts 8 --only 3 -o parts/
  acp data generate --template items.toml --rows 100M --from-row 41 --to-row 42

Exit codes: 0 done, 1 error, 2 usage, 130 Ctrl-C; nothing half done is left")]
pub(super) struct GenerateArgs {
    /// Text with values in double braces, or a file of columns (TOML)
    #[arg(long, value_name = "TEXT|FILE")]
    template: String,
    /// Rows in all: `100M` [default: those of the file]
    #[arg(long, value_name = "N", value_parser = count)]
    rows: Option<u64>,
    /// Seed of everything random [default: that of the file, or 1]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Write the columns of a file in another way
    #[arg(long, value_name = "NAME")]
    format: Option<FormatFlag>,
    /// File or folder; `-` is standard output
    #[arg(short, long, value_name = "PATH", default_value = "-")]
    output: PathBuf,
    /// Cut the rows into so many parts, in a folder
    #[arg(long, value_name = "N", value_parser = count)]
    parts: Option<u64>,
    /// Cut the rows into parts of so many, in a folder
    #[arg(long, value_name = "N", value_parser = count, conflicts_with = "parts")]
    rows_per_part: Option<u64>,
    /// Make this part only, from 0: the others are made elsewhere
    #[arg(long, value_name = "K")]
    only: Option<u64>,
    /// The first row to make, from 0
    #[arg(long, value_name = "K", default_value = "0", value_parser = count)]
    from_row: u64,
    /// The row behind the last [default: the number of rows]
    #[arg(long, value_name = "K", value_parser = count)]
    to_row: Option<u64>,
    /// Threads that make rows [default: the CPUs that we may use]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Pack the parts
    #[arg(long)]
    gzip: bool,
    /// Replace what is there
    #[arg(long)]
    force: bool,
    /// Read everything again then, and prove that no key comes twice
    #[arg(long)]
    check: bool,
    /// No progress and no summary
    #[arg(long)]
    quiet: bool,
}

/// `--format`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum FormatFlag {
    /// A JSON object each row.
    Jsonl,
    /// Values with commas between them.
    Csv,
}

fn count(text: &str) -> Result<u64, String> {
    parse_count(text).map_err(|error| error.to_string())
}

/// Makes the rows and returns the exit code.
///
/// # Errors
///
/// When the template or the output cannot be used.
pub(super) fn run(arguments: &GenerateArgs) -> Result<u8> {
    let stop = Stop::listen()?;
    let job = arguments.job()?;
    let output = arguments.output(&job)?;
    let is_file = !matches!(output, Output::Stream { .. });
    if arguments.check && !is_file {
        return Err(usage(anyhow!("--check reads what was written\nhint: -o parts/")));
    }
    let rows = job.parts.iter().map(|part| part.rows.end - part.rows.start).sum();
    let progress = Progress::new(rows, arguments.quiet);
    let made = make(&job, output, &|| stop.is_asked(), &mut |rows| progress.tell(rows));
    match made {
        Ok(made) => {
            if !arguments.quiet {
                let summary = summary(&made, job.threads, progress.seconds());
                match is_file {
                    true => output::out(summary)?,
                    false => output::tell(summary),
                }
            }
        }
        Err(error) if error.is_closed_pipe() => return Ok(0),
        Err(GenerateError::Stopped) => {
            output::tell("stopped: nothing was written");
            return Ok(EXIT_INTERRUPTED);
        }
        Err(error @ (GenerateError::Exists(_) | GenerateError::NoFolder(_))) => {
            return Err(usage(error.into()));
        }
        Err(error) => return Err(error.into()),
    }
    if arguments.check {
        return look(&arguments.output, job.threads, arguments.quiet, &stop);
    }
    Ok(0)
}

impl GenerateArgs {
    fn job(&self) -> Result<Job> {
        let bad = |text: String| usage(anyhow!(text));
        let mut template = Template::read(&self.template).map_err(|error| usage(error.into()))?;
        let generate = &mut template.generate;
        if let Some(rows) = self.rows {
            generate.rows = Some(Count::Number(rows));
        }
        generate.seed = Some(self.seed.or(generate.seed).unwrap_or(1));
        if let Some(format) = self.format {
            if generate.columns.is_empty() {
                return Err(bad("--format is for a file of columns".into()));
            }
            generate.template = None;
            generate.format = Some(format.to_wire());
        }
        let (rows, values_sha256) = template.compile().map_err(|error| usage(error.into()))?;
        let range = self.from_row..self.to_row.unwrap_or(rows.rows());
        if range.end > rows.rows() {
            let rows = rows.rows();
            return Err(bad(format!("--to-row {} is behind the last of {rows} rows", range.end)));
        }
        let how = match (self.parts, self.rows_per_part) {
            (Some(parts), _) => Cut::Parts(parts),
            (None, Some(rows)) => Cut::Rows(rows),
            (None, None) if self.only.is_some() => {
                return Err(bad("--only is one of parts\nhint: --parts 8 --only 3".into()));
            }
            (None, None) => Cut::Whole,
        };
        let mut parts = cut(range, how).map_err(bad)?;
        if let Some(only) = self.only {
            let last = parts.len() - 1;
            parts.retain(|part| part.number == only);
            if parts.is_empty() {
                return Err(bad(format!("there is no part {only}: they are 0 to {last}")));
            }
        }
        Ok(Job {
            generate: template.generate,
            rows,
            values_sha256,
            parts,
            is_some: self.only.is_some(),
            threads: self.threads.map_or_else(cores, usize::from),
            is_packed: self.gzip,
            is_forced: self.force,
        })
    }

    /// Where the rows go: a folder where there is one, or where there are parts, or where the path ends
    /// in a slash.
    fn output(&self, job: &Job) -> Result<Output> {
        let path = &self.output;
        let is_cut = self.parts.is_some() || self.rows_per_part.is_some();
        if path == Path::new("-") {
            let to = Box::new(std::io::stdout());
            return match is_cut && job.parts.len() > 1 {
                true => Err(usage(anyhow!("standard output takes one part\nhint: -o parts/"))),
                false => Ok(Output::Stream { name: "standard output".into(), to }),
            };
        }
        let is_slashed = path.as_os_str().as_encoded_bytes().ends_with(b"/");
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => Ok(Output::Folder(path.clone())),
            Ok(found) if !found.is_file() => {
                // A device or a pipe is written to, not replaced.
                let file = OpenOptions::new().write(true).open(path);
                let file = file.with_context(|| format!("failed to open `{}`", path.display()))?;
                Ok(Output::Stream { name: path.clone(), to: Box::new(file) })
            }
            Ok(_) if is_cut => Err(usage(GenerateError::NoFolder(path.clone()).into())),
            Ok(_) => Ok(Output::File(path.clone())),
            Err(_) if is_cut || is_slashed => Ok(Output::Folder(path.clone())),
            Err(_) => Ok(Output::File(path.clone())),
        }
    }
}

impl FormatFlag {
    fn to_wire(self) -> Layout {
        match self {
            Self::Csv => Layout::Csv { columns: Vec::new(), header: true },
            Self::Jsonl => Layout::Jsonl {
                method: None,
                path: None,
                headers: BTreeMap::new(),
                body: None,
                tag: None,
                columns: Vec::new(),
            },
        }
    }
}

fn summary(made: &Made, threads: usize, seconds: f64) -> String {
    let rate = millions(made.rows as f64 / seconds);
    let of_core = match cpu_seconds() {
        cpu if cpu > 0.0 => {
            format!(", {} rows per second of a core", millions(made.rows as f64 / cpu))
        }
        _ => String::new(),
    };
    let parts =
        if made.parts.len() == 1 { "1 part".into() } else { format!("{} parts", made.parts.len()) };
    let mut text = format!(
        "{} rows, {} bytes in {parts}; {seconds:.1} s, {rate} rows/s with {threads} threads{of_core}",
        grouped(made.rows),
        grouped(made.bytes),
    );
    if let Some(manifest) = &made.manifest {
        text.push_str(&format!("\nmanifest: {}", manifest.display()));
    }
    text
}

/// Time of all cores that this process has taken; 0: not known.
fn cpu_seconds() -> f64 {
    let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) else { return 0.0 };
    let seconds =
        |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    seconds(usage.user_time()) + seconds(usage.system_time())
}
