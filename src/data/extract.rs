//! `acp data extract`: a sample of access logs as a query file, and how close it is.

use crate::output;
use crate::usage::usage;
use acp_data::extract::{
    COMBINED, COMMON, Extraction, Format, JsonFields, LatencyUnit, Layout, LogFormat, NGINX,
    Options, Pattern, Privacy, Profile, Replay, Sample, Speed, TimeOf, extract,
};
use acp_wire::plan::{Format as PlanFormat, Load, Model, Source};
use acp_wire::units::parse_count;
use acp_wire::{PLAN_SCHEMA, Plan};
use anyhow::{Context as _, Result, anyhow};
use clap::{Args, ValueEnum};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Bytes of a key, at the most.
const MAX_KEY_BYTES: usize = 4096;

/// Take a representative sample of access logs
#[derive(Args)]
#[command(after_help = "\
Examples:
  acp data extract access.log --format combined --size 100k -o sample.jsonl
  acp bench --requests-file sample.jsonl -R 2k http://127.0.0.1:8080/
  acp data extract /var/log/nginx --log-format '$remote_addr [$time_local] \"$request\" $status $request_time'
  zcat access.log.*.gz | acp data extract - --format nginx --size 10k --replay --speed 10 -o day.jsonl

Paths and values of queries go out as they are in the log: see --drop-values and --hash-values.

Exit codes: 0 done, 1 error, also where too many lines are bad, 2 usage")]
pub(crate) struct ExtractArgs {
    /// Logs: files, folders (all files in them), `-` for standard input; gzip is recognised
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// How lines are written
    #[arg(long, value_name = "NAME", default_value = "combined")]
    format: FormatFlag,
    /// A `log_format` of nginx that lines are written by
    #[arg(long, value_name = "TEXT", conflicts_with = "format")]
    log_format: Option<String>,
    /// What a field of JSON means, `meaning=name` with dots in the name for objects in objects
    /// (repeatable): request, method, path, query, status, time, latency, host, user_agent
    #[arg(long, value_name = "MEANING=NAME")]
    field: Vec<String>,
    /// What a number of a latency counts, where it has no unit
    #[arg(long, value_name = "UNIT", default_value = "s")]
    latency_unit: UnitFlag,
    /// A route that is known: `/item/{id}`, `/files/*` (repeatable; the first that matches)
    #[arg(long, value_name = "PATTERN")]
    route: Vec<String>,
    /// Which requests are taken
    #[arg(long, value_name = "HOW", default_value = "stratified")]
    sample: SampleFlag,
    /// Requests of the sample: `100k`, `all`
    #[arg(long, value_name = "N", default_value = "100k", value_parser = size)]
    size: SizeFlag,
    /// Seed of what is random
    #[arg(long, value_name = "N", default_value = "1")]
    seed: u64,
    /// The part of the lines that may be bad
    #[arg(long, value_name = "SHARE", default_value = "1%", value_parser = share)]
    bad_lines_max: f64,
    /// The query file; `-` is standard output
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// How the query file is written
    #[arg(long = "as", value_name = "NAME", default_value = "jsonl")]
    layout: LayoutFlag,
    /// Headers that are kept, where the log has them
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    headers: Vec<HeaderFlag>,
    /// Leave all values of queries out
    #[arg(long)]
    drop_values: bool,
    /// Write digests in place of the values of these parameters
    #[arg(long, value_name = "NAMES", value_delimiter = ',', conflicts_with = "drop_values")]
    hash_values: Vec<String>,
    /// Key of the digests: the same one gives the same digests; default: another one each time
    #[arg(long, value_name = "FILE", requires = "hash_values")]
    hash_key: Option<PathBuf>,
    /// Write requests in the order of their times, with the times, and a plan that sends them so:
    /// `FILE.plan.toml`
    #[arg(long)]
    replay: bool,
    /// How fast the plan of a replay is: 2 is twice as fast
    #[arg(long, value_name = "FACTOR", default_value = "1", requires = "replay", value_parser = speed)]
    speed: Speed,
    /// Target of the plan of a replay
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080/", requires = "replay")]
    url: String,
    /// What the times of a log are; default: the end for `nginx` and `json`, else the start
    #[arg(long, value_name = "WHAT", requires = "replay")]
    time_of: Option<TimeFlag>,
    /// Also write how close the sample is, as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormatFlag {
    /// Of Apache and nginx.
    Combined,
    /// Of Apache.
    Common,
    /// `combined` with `$request_time` behind it.
    Nginx,
    /// An object a line.
    Json,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum UnitFlag {
    S,
    Ms,
    Us,
    Ns,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SampleFlag {
    /// With the shares that route, status, latency and time of day have in the log.
    Stratified,
    /// Each as likely.
    Uniform,
    /// Those at the beginning.
    First,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LayoutFlag {
    /// A path with its query.
    Path,
    /// `METHOD PATH`.
    Line,
    /// A JSON object, with the route as tag.
    Jsonl,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum HeaderFlag {
    Host,
    UserAgent,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum TimeFlag {
    /// When a request came.
    Start,
    /// When its response was sent.
    End,
}

/// None: all.
#[derive(Clone, Copy, Debug)]
struct SizeFlag(Option<u64>);

fn size(text: &str) -> Result<SizeFlag, String> {
    if text == "all" {
        return Ok(SizeFlag(None));
    }
    match parse_count(text) {
        Ok(0) => Err("a sample has at least one request".into()),
        Ok(count) => Ok(SizeFlag(Some(count))),
        Err(error) => Err(error.to_string()),
    }
}

fn share(text: &str) -> Result<f64, String> {
    crate::share::parse(text)
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| "expected a share from `0%` to `100%`".into())
}

fn speed(text: &str) -> Result<Speed, String> {
    text.parse::<f64>()
        .ok()
        .and_then(Speed::new)
        .ok_or_else(|| "expected a factor from 0.001 to 1000".into())
}

/// Takes the sample, prints how close it is, and returns the exit code.
///
/// # Errors
///
/// When a log cannot be read, too much of it is bad, or a file cannot be written.
pub(crate) fn run(arguments: &ExtractArgs) -> Result<u8> {
    let options = arguments.options().map_err(usage)?;
    let is_stdout = arguments.output.as_path() == Path::new("-");
    if is_stdout && arguments.replay {
        return Err(usage(anyhow!("a replay has a plan beside its query file\nhint: -o FILE")));
    }
    arguments.check_outputs().map_err(usage)?;
    let found = match is_stdout {
        true => to_stdout(&options)?,
        false => to_file(&options, &arguments.output)?,
    };
    if let Some(path) = &arguments.report {
        let json = serde_json::to_string_pretty(&found.report).context("failed to write JSON")?;
        std::fs::write(path, json + "\n")
            .with_context(|| format!("failed to write `{}`", path.display()))?;
    }
    let mut text = found.report.text();
    if let Some(profile) = &found.profile {
        let plan = arguments.write_plan(profile)?;
        text.push_str(&format!("\nReplay:  acp bench --plan {}\n", plan.display()));
    }
    // Where standard output is the sample, nothing else is.
    match is_stdout {
        true => output::tell(text.trim_end()),
        false => output::text(&text)?,
    }
    Ok(0)
}

fn to_stdout(options: &Options) -> Result<Extraction> {
    let mut to = BufWriter::new(std::io::stdout().lock());
    Ok(extract(options, &mut to)?)
}

/// Under another name until it is whole; a device or a pipe has no other name.
fn to_file(options: &Options, path: &Path) -> Result<Extraction> {
    let failed = || format!("failed to write `{}`", path.display());
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        let mut to = BufWriter::new(File::create(path).with_context(failed)?);
        return Ok(extract(options, &mut to)?);
    }
    let mut name = path.as_os_str().to_os_string();
    name.push(".partial");
    let partial = PathBuf::from(name);
    let file = File::create(&partial).with_context(failed)?;
    let mut to = BufWriter::new(file);
    let found = extract(options, &mut to).map_err(anyhow::Error::from);
    let found = found.and_then(|found| {
        to.flush().with_context(failed)?;
        std::fs::rename(&partial, path).with_context(failed)?;
        Ok(found)
    });
    if found.is_err() {
        // What is there is no sample; that it is in the way is no second failure.
        drop(std::fs::remove_file(&partial));
    }
    found
}

impl ExtractArgs {
    fn options(&self) -> Result<Options> {
        let text = |format: &str| Ok::<_, anyhow::Error>(Format::Text(LogFormat::parse(format)?));
        let format = match (&self.log_format, self.format) {
            (Some(format), _) => text(format)?,
            (None, FormatFlag::Combined) => text(COMBINED)?,
            (None, FormatFlag::Common) => text(COMMON)?,
            (None, FormatFlag::Nginx) => text(NGINX)?,
            (None, FormatFlag::Json) => Format::Json(JsonFields::parse(&self.field)?),
        };
        if !self.field.is_empty() && !matches!(format, Format::Json(_)) {
            anyhow::bail!("--field is of JSON\nhint: --format json");
        }
        let patterns = self.route.iter().map(|route| Pattern::parse(route));
        Ok(Options {
            paths: self.paths.clone(),
            format,
            latency_unit: match self.latency_unit {
                UnitFlag::S => LatencyUnit::Second,
                UnitFlag::Ms => LatencyUnit::Millisecond,
                UnitFlag::Us => LatencyUnit::Microsecond,
                UnitFlag::Ns => LatencyUnit::Nanosecond,
            },
            patterns: patterns.collect::<Result<_, _>>()?,
            sample: match self.sample {
                SampleFlag::Stratified => Sample::Stratified,
                SampleFlag::Uniform => Sample::Uniform,
                SampleFlag::First => Sample::First,
            },
            size: self.size.0,
            seed: self.seed,
            bad_share_max: self.bad_lines_max,
            layout: match self.layout {
                LayoutFlag::Path => Layout::Path,
                LayoutFlag::Line => Layout::Line,
                LayoutFlag::Jsonl => Layout::Jsonl,
            },
            has_host: self.headers.contains(&HeaderFlag::Host),
            has_user_agent: self.headers.contains(&HeaderFlag::UserAgent),
            privacy: self.privacy()?,
            replay: self.replay.then(|| Replay { time_of: self.time_of(), speed: self.speed }),
        })
    }

    fn privacy(&self) -> Result<Privacy> {
        if self.drop_values {
            return Ok(Privacy::Drop);
        }
        if self.hash_values.is_empty() {
            return Ok(Privacy::Keep);
        }
        let names = self.hash_values.clone();
        let Some(path) = &self.hash_key else { return Ok(Privacy::hash_by_a_random_key(names)) };
        let key = std::fs::read(path)
            .with_context(|| format!("failed to read key `{}`", path.display()))?;
        let key = key.trim_ascii_end().to_vec();
        match key.len() {
            0 => Err(anyhow!("key `{}` is empty", path.display())),
            1..=MAX_KEY_BYTES => Ok(Privacy::Hash { names, key }),
            _ => Err(anyhow!("key `{}` is longer than {MAX_KEY_BYTES} bytes", path.display())),
        }
    }

    fn time_of(&self) -> TimeOf {
        match self.time_of {
            Some(TimeFlag::Start) => TimeOf::Start,
            Some(TimeFlag::End) => TimeOf::End,
            // nginx writes a line when it has answered; Apache's `%t` is when it was asked.
            None if self.log_format.is_some() => TimeOf::End,
            None => match self.format {
                FormatFlag::Nginx | FormatFlag::Json => TimeOf::End,
                FormatFlag::Combined | FormatFlag::Common => TimeOf::Start,
            },
        }
    }

    /// What is written must not replace what is read, nor each other.
    fn check_outputs(&self) -> Result<()> {
        let plan = self.replay.then(|| self.plan_path());
        let outputs = [Some(self.output.clone()), self.report.clone(), plan];
        let logs: Vec<_> = self.paths.iter().filter_map(|path| path.canonicalize().ok()).collect();
        for output in outputs.iter().flatten().filter(|output| output.is_file()) {
            let found = output.canonicalize()?;
            if logs.iter().any(|log| found.starts_with(log)) {
                anyhow::bail!(
                    "`{}` is one of the logs that are read\nhint: write to another file",
                    output.display()
                );
            }
        }
        if let Some(report) = self.report.as_ref().filter(|report| **report == self.output) {
            anyhow::bail!("both the sample and its report are `{}`", report.display());
        }
        Ok(())
    }

    fn plan_path(&self) -> PathBuf {
        let mut name = self.output.as_os_str().to_os_string();
        name.push(".plan.toml");
        PathBuf::from(name)
    }

    /// Writes the plan of a replay beside its query file, and says where.
    fn write_plan(&self, profile: &Profile) -> Result<PathBuf> {
        let path = self.plan_path();
        let file = std::path::absolute(&self.output)
            .with_context(|| format!("bad path `{}`", self.output.display()))?;
        let plan = self.plan(profile, &file);
        let text = toml::to_string(&plan).context("failed to write the plan")?;
        let head = format!(
            "# A replay: acp bench --plan {}\n# Within each {} s requests are at equal distances.\n\n",
            path.display(),
            profile.piece_s
        );
        std::fs::write(&path, head + &text)
            .with_context(|| format!("failed to write `{}`", path.display()))?;
        Ok(path)
    }

    fn plan(&self, profile: &Profile, file: &Path) -> Plan {
        let mut plan = Plan { schema: PLAN_SCHEMA.into(), seed: self.seed, ..Plan::default() };
        plan.name = format!("replay of {}", self.output.display());
        plan.target.url.clone_from(&self.url);
        plan.load =
            Load { model: Model::Open, profile: Some(profile.text.clone()), ..Load::default() };
        plan.source = Some(Source {
            file: Some(file.display().to_string()),
            format: match self.layout {
                LayoutFlag::Path => PlanFormat::Path,
                LayoutFlag::Line => PlanFormat::Line,
                LayoutFlag::Jsonl => PlanFormat::Jsonl,
            },
            ..Source::default()
        });
        plan
    }
}
