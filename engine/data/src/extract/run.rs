//! The way from logs to a query file and a report.
//!
//! ```text
//! files, twice:   lines ─► census ─► allocation ─► lines again ─► draw ─► query file
//! stream, once:   lines ─► census + reservoir ─► allocation ─► query file
//! ```

use super::allocate::{Allocation, Share, allocate};
use super::bad_line::BadLine;
use super::census::Census;
use super::draw::{Changed, Draw};
use super::entry::{Entry, LatencyUnit};
use super::format::LogFormat;
use super::input::{Inputs, Line, Place};
use super::json::JsonFields;
use super::output::{Layout, Picked, Writer};
use super::pattern::Pattern;
use super::privacy::Privacy;
use super::replay::{self, Profile, Speed, TimeOf};
use super::report::{Report, SampleReport};
use super::reservoir::Reservoir;
use super::stratum::{Dimension, Stratum, Tally};
use acp_wire::frame::{MAX_TAGS, OTHER_TAGS};
use std::collections::HashMap;
use std::io::{self, Write};
use std::path::PathBuf;
use thiserror::Error;

/// Bad lines that are shown.
const SHOWN_LINES: usize = 5;
/// Where so many lines are bad and none is good, the format is another.
const HOPELESS_LINES: u64 = 1000;

/// Why there is no sample.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "each variant is its message")]
pub enum ExtractError {
    #[error("failed to read `{path}`: {source}", path = path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("folder `{path}` has no files", path = .0.display())]
    EmptyFolder(PathBuf),
    #[error("failed to write the sample")]
    Write(#[source] io::Error),
    #[error(
        "none of {0} lines is a request\n{1}\nhint: is the format right? --format, --log-format, --field"
    )]
    Hopeless(u64, String),
    #[error("{bad} of {lines} lines are bad\n{examples}\nhint: --bad-lines-max allows more")]
    BadLines { bad: u64, lines: u64, examples: String },
    #[error("there are no requests in it")]
    Empty,
    #[error("the log was changed while it was read\nhint: take a copy, or the file of yesterday")]
    Changed,
    #[error(
        "a replay needs times, and {0} requests have none\nhint: $time_local, $msec, or --field time=NAME"
    )]
    NoTime(u64),
}

/// How a log is written.
#[derive(Clone, Debug)]
pub enum Format {
    /// Text by a format of nginx.
    Text(LogFormat),
    /// A JSON object a line.
    Json(JsonFields),
}

/// Which requests are in the sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sample {
    /// In proportion of each stratum.
    #[default]
    Stratified,
    /// Any, each as likely.
    Uniform,
    /// Those at the beginning.
    First,
}

impl Sample {
    fn name(self) -> &'static str {
        match self {
            Self::Stratified => "stratified",
            Self::Uniform => "uniform",
            Self::First => "first",
        }
    }
}

/// What is taken from where, and how it is written.
#[derive(Clone, Debug)]
pub struct Options {
    /// Files and folders; `-` is standard input.
    pub paths: Vec<PathBuf>,
    /// How they are written.
    pub format: Format,
    /// What numbers of latencies count.
    pub latency_unit: LatencyUnit,
    /// Routes that are known.
    pub patterns: Vec<Pattern>,
    /// Which requests are taken.
    pub sample: Sample,
    /// Requests of the sample; none: all.
    pub size: Option<u64>,
    /// Seed of what is random.
    pub seed: u64,
    /// The part of the lines that may be bad, from 0 to 1.
    pub bad_share_max: f64,
    /// How the query file is written.
    pub layout: Layout,
    /// Whether the host that was asked is kept.
    pub has_host: bool,
    /// Whether the user agent is kept.
    pub has_user_agent: bool,
    /// What becomes of values of the query.
    pub privacy: Privacy,
    /// In a replay: lines are in the order in which they were sent, with their times.
    pub replay: Option<Replay>,
}

/// How times are taken.
#[derive(Clone, Copy, Debug)]
pub struct Replay {
    /// What the time of a line is.
    pub time_of: TimeOf,
    /// For the schedule; the times in the lines stay as they were.
    pub speed: Speed,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Extraction {
    /// How close the sample is.
    pub report: Report,
    /// In a replay, a schedule for it.
    pub profile: Option<Profile>,
}

/// Takes a sample of logs and writes it as a query file.
///
/// # Errors
///
/// See [`ExtractError`]; what was written until then is no sample.
pub fn extract(options: &Options, to: &mut dyn Write) -> Result<Extraction, ExtractError> {
    let inputs = Inputs::find(&options.paths)?;
    let mut census = Census::new(options.patterns.clone());
    let mut reader = Reader { options, lines: 0, bad: 0, examples: Vec::new() };
    let taken = match inputs.are_files() {
        true => Taken::twice(&inputs, &mut reader, &mut census, to)?,
        false => Taken::once(&inputs, &mut reader, &mut census, to)?,
    };
    to.flush().map_err(ExtractError::Write)?;
    let strata = census.tally.strata.len() as u64;
    let sample = SampleReport {
        method: options.sample.name(),
        seed: options.seed,
        size: taken.tally.total(),
        strata,
        groups: taken.allocation.groups as u64,
        has_minimum: taken.allocation.has_minimum,
    };
    let mut report = Report::of(&census, &taken.tally, sample);
    (report.lines, report.bad_lines) = (reader.lines, reader.bad);
    report.bad_examples = reader.examples;
    report.warnings.append(&mut taken.warnings(&census, options));
    Ok(Extraction { report, profile: taken.profile })
}

/// Whether a request can be counted, or its line is bad after all.
type Counted = Result<(), BadLine>;

/// Reads lines as the options say, and counts those that are bad.
struct Reader<'o> {
    options: &'o Options,
    lines: u64,
    bad: u64,
    examples: Vec<String>,
}

impl Reader<'_> {
    /// Gives every request to `on_entry`.
    fn each_entry(
        &mut self,
        inputs: &Inputs,
        on_entry: &mut dyn FnMut(&Entry<'_>) -> Result<Counted, ExtractError>,
    ) -> Result<(), ExtractError> {
        let options = self.options;
        inputs.each_line(&mut |place, line| {
            self.lines += 1;
            let entry = match line {
                Line::TooLong => Err(BadLine::TooLong),
                Line::Text(text) => match &options.format {
                    Format::Text(format) => format.read(text),
                    Format::Json(fields) => fields.read(text),
                }
                .and_then(|raw| raw.read(options.latency_unit)),
            };
            let done = match entry {
                Ok(entry) => on_entry(&entry)?,
                Err(why) => Err(why),
            };
            done.or_else(|why| self.note(place, &why))
        })
    }

    fn note(&mut self, place: &Place<'_>, why: &BadLine) -> Result<(), ExtractError> {
        self.bad += 1;
        if self.examples.len() < SHOWN_LINES {
            self.examples.push(format!("{}:{}: {why}", place.path.display(), place.number));
        }
        if self.bad == self.lines && self.bad == HOPELESS_LINES {
            return Err(ExtractError::Hopeless(self.lines, self.examples.join("\n")));
        }
        Ok(())
    }

    /// Whether so many may be bad.
    fn check(&self) -> Result<(), ExtractError> {
        let (bad, lines) = (self.bad, self.lines);
        let examples = || self.examples.join("\n");
        match lines {
            0 => Err(ExtractError::Empty),
            _ if bad == lines => Err(ExtractError::Hopeless(lines, examples())),
            _ if bad as f64 > self.options.bad_share_max * lines as f64 => {
                Err(ExtractError::BadLines { bad, lines, examples: examples() })
            }
            _ => Ok(()),
        }
    }
}

/// A sample that was written.
struct Taken {
    tally: Tally,
    allocation: Allocation,
    profile: Option<Profile>,
}

impl Taken {
    fn twice(
        inputs: &Inputs,
        reader: &mut Reader<'_>,
        census: &mut Census,
        to: &mut dyn Write,
    ) -> Result<Self, ExtractError> {
        let options = reader.options;
        reader.each_entry(inputs, &mut |entry| Ok(census.add(entry).map(|_| ())))?;
        reader.check()?;
        census.settle();
        let total = census.tally.total();
        let size = options.size.unwrap_or(total).min(total);
        let strata = census.tally.sorted();
        let (allocation, mut draw) = plan_draw(options, &strata, total, size);
        let mut out = Out::new(options, census, to);
        let mut again = Reader { options, lines: 0, bad: 0, examples: Vec::new() };
        again.each_entry(inputs, &mut |entry| {
            let Some(stratum) = census.find(entry) else { return Ok(Err(BadLine::Methods)) };
            let key = if options.sample == Sample::Stratified { Some(stratum) } else { None };
            let is_taken = match options.sample {
                Sample::First => out.taken < size,
                _ => draw.takes(&key).map_err(|Changed| ExtractError::Changed)?,
            };
            if is_taken {
                out.take(census, picked(entry, stratum, options))?;
            }
            Ok(Ok(()))
        })?;
        let is_same = (again.lines, again.bad) == (reader.lines, reader.bad);
        if !is_same || out.taken != size {
            return Err(ExtractError::Changed);
        }
        out.finish(census, allocation)
    }

    fn once(
        inputs: &Inputs,
        reader: &mut Reader<'_>,
        census: &mut Census,
        to: &mut dyn Write,
    ) -> Result<Self, ExtractError> {
        let options = reader.options;
        let wanted = options.size.unwrap_or(u64::MAX);
        let mut first = Vec::new();
        let mut reservoir = Reservoir::new(wanted, options.seed);
        reader.each_entry(inputs, &mut |entry| {
            let stratum = match census.add(entry) {
                Ok(stratum) => stratum,
                Err(why) => return Ok(Err(why)),
            };
            let key = if options.sample == Sample::Stratified { Some(stratum) } else { None };
            match options.sample {
                Sample::First if (first.len() as u64) < wanted => {
                    first.push(picked(entry, stratum, options));
                }
                Sample::First => {}
                _ => reservoir.offer(key, || picked(entry, stratum, options)),
            }
            if reservoir.is_full() {
                reservoir.cut(|key| key.map(|stratum| resolved(census, stratum)));
            }
            Ok(Ok(()))
        })?;
        reader.check()?;
        census.settle();
        let total = census.tally.total();
        let candidates = reservoir.finish(|key| key.map(|stratum| resolved(census, stratum)));
        let strata: Vec<_> = candidates.iter().map(|cell| (cell.key, cell.population)).collect();
        let allocation = allocation_of(options, &strata, wanted.min(total));
        let mut requests: Vec<(u64, Picked)> = (0..).zip(first).collect();
        for (cell, size) in candidates.into_iter().zip(&allocation.sizes) {
            let size = usize::try_from(*size).unwrap_or(usize::MAX);
            requests.extend(cell.requests.into_iter().take(size));
        }
        requests.sort_unstable_by_key(|(place, _)| *place);
        let mut out = Out::new(options, census, to);
        for (_, mut request) in requests {
            request.stratum = resolved(census, request.stratum);
            out.take(census, request)?;
        }
        out.finish(census, allocation)
    }

    /// What a user should know besides distances.
    fn warnings(&self, census: &Census, options: &Options) -> Vec<String> {
        let mut warnings = Vec::new();
        let methods = self.tally.counts(Dimension::Method);
        let count = |names: &[&str], is_in: bool| -> u64 {
            let name = |key: &u64| census.method(u8::try_from(*key).unwrap_or(0));
            let chosen = methods.iter().filter(|(key, _)| names.contains(&name(key)) == is_in);
            chosen.map(|(_, count)| count).sum()
        };
        let bodies = count(&["POST", "PUT", "PATCH"], true);
        if bodies > 0 {
            let text =
                "requests of the sample had a body (POST, PUT, PATCH), which a log does not have";
            warnings.push(format!("{bodies} {text}"));
        }
        let others = count(&["GET"], false);
        if options.layout == Layout::Path && others > 0 {
            let text =
                "requests of the sample are not GET, and a query file of paths does not say so";
            warnings.push(format!("{others} {text}"));
        }
        let wanted = options.size.unwrap_or(0);
        if self.tally.total() < wanted {
            warnings.push(format!("the log has fewer requests than the {wanted} that were wanted"));
        }
        warnings
    }
}

fn resolved(census: &Census, stratum: Stratum) -> Stratum {
    Stratum { route: census.routes.resolve(stratum.route), ..stratum }
}

/// What is drawn of each stratum. Where sampling is not stratified, all is one stratum.
fn plan_draw(
    options: &Options,
    strata: &[(Stratum, u64)],
    total: u64,
    size: u64,
) -> (Allocation, Draw<Option<Stratum>>) {
    let keyed: Vec<_> = match options.sample {
        Sample::Stratified => {
            strata.iter().map(|(stratum, count)| (Some(*stratum), *count)).collect()
        }
        Sample::Uniform | Sample::First => vec![(None, total)],
    };
    let allocation = allocation_of(options, &keyed, size);
    let wanted = keyed.iter().zip(&allocation.sizes);
    let wanted = wanted.map(|((key, population), size)| (*key, *population, *size));
    let draw = Draw::new(wanted, options.seed);
    (allocation, draw)
}

fn allocation_of(options: &Options, keyed: &[(Option<Stratum>, u64)], size: u64) -> Allocation {
    let share = |(key, population): &(Option<Stratum>, u64)| Share {
        group: key.map(Stratum::group),
        population: *population,
    };
    let shares: Vec<_> = keyed.iter().map(share).collect();
    let found = allocate(&shares, size, options.seed);
    // Groups are those of strata.
    match options.sample {
        Sample::Stratified => found,
        Sample::Uniform | Sample::First => Allocation { groups: 0, has_minimum: false, ..found },
    }
}

fn picked(entry: &Entry<'_>, stratum: Stratum, options: &Options) -> Picked {
    Picked {
        stratum,
        path: (&*entry.path).into(),
        host: entry.host.as_deref().filter(|_| options.has_host).map(Into::into),
        user_agent: entry.user_agent.as_deref().filter(|_| options.has_user_agent).map(Into::into),
        stamp: entry.stamp,
        latency_us: entry.latency_us,
    }
}

/// Where the sample goes: to the query file at once, or, in a replay, when its order is known.
struct Out<'w> {
    writer: Writer<'w>,
    replay: Option<Replay>,
    held: Vec<Picked>,
    tally: Tally,
    taken: u64,
}

impl<'w> Out<'w> {
    fn new(options: &'w Options, census: &Census, to: &'w mut dyn Write) -> Self {
        let (layout, privacy) = (options.layout, &options.privacy);
        let writer = Writer { to, layout, privacy, tags: tags(census) };
        let tally = Tally::default();
        Self { writer, replay: options.replay, held: Vec::new(), tally, taken: 0 }
    }

    fn take(&mut self, census: &Census, request: Picked) -> Result<(), ExtractError> {
        self.tally.add(request.stratum);
        self.taken += 1;
        if self.replay.is_some() {
            self.held.push(request);
            return Ok(());
        }
        let method = census.method(request.stratum.method);
        self.writer.write(method, &request, None).map_err(ExtractError::Write)
    }

    fn finish(self, census: &Census, allocation: Allocation) -> Result<Taken, ExtractError> {
        let Self { mut writer, replay, held, tally, .. } = self;
        let Some(replay) = replay else { return Ok(Taken { tally, allocation, profile: None }) };
        let without_time = held.iter().filter(|picked| picked.stamp.is_none()).count() as u64;
        let order = replay::order(&held, replay.time_of);
        let order = order.ok_or(ExtractError::NoTime(without_time))?;
        for &(place, at_us) in &order {
            let request = &held[place];
            let method = census.method(request.stratum.method);
            writer.write(method, request, Some(at_us)).map_err(ExtractError::Write)?;
        }
        let offsets_us: Vec<u64> = order.iter().map(|(_, at_us)| *at_us).collect();
        let profile = Some(replay::profile(&offsets_us, replay.speed));
        Ok(Taken { tally, allocation, profile })
    }
}

/// Of the routes with the most requests the template; of others one name for all: a run tells no more tags
/// apart.
fn tags(census: &Census) -> HashMap<u32, String> {
    let mut counts = HashMap::<u32, u64>::new();
    for (stratum, count) in &census.tally.strata {
        *counts.entry(stratum.route).or_default() += count;
    }
    let mut routes: Vec<_> = counts.into_iter().collect();
    routes.sort_unstable_by_key(|&(route, count)| (std::cmp::Reverse(count), route));
    let tag = |(rank, (route, _)): (usize, (u32, u64))| match rank {
        0..MAX_TAGS => (route, census.routes.template(route)),
        _ => (route, OTHER_TAGS.to_string()),
    };
    routes.into_iter().enumerate().map(tag).collect()
}
