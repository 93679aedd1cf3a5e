//! One case, run: lanes that take turns against the target, and the judgement of their runs.
//!
//! ```text
//!   warm-up   pair 0     pair 1     pair 2
//!   A B C     A B C      C B A      A B C    ...
//! ```
//!
//! The runs of a pair are neighbours in time, so that a change of the machine's pace hits both
//! sides of a ratio; the order turns from pair to pair, so that being first favours nobody.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::cases::{Case, Entrants, ServerKind};
use crate::client::{self, Finished, pinned};
use crate::deviation;
use crate::judgement;
use crate::machine::CpuTime;
use crate::outcome::{CaseOutcome, Failure, Lane, LaneState, Run};
use crate::queries;
use crate::server::Server;
use crate::suite::Suite;
use crate::tools::{self, Invocation, Reading, Tool};
use crate::usage;
use crate::work::Work;

/// A run with more failed requests than this share measured something else.
const ERROR_RATIO_MAX: f64 = 0.01;

/// Between runs: the server takes leave of thousands of connections.
const SETTLE: Duration = Duration::from_millis(200);

/// Enough to fill caches and open the server's tables.
const WARM_UP_SECONDS: u32 = 1;

/// What a tool may take beyond the length of its run: to connect, to drain, to sort its results.
const PATIENCE: Duration = Duration::from_secs(60);

/// Slowest rate at which a run of a given number of requests is waited for.
const COUNTED_RATE_MIN: u64 = 20_000;

/// The lanes of one case and who runs in them.
pub(crate) struct Contest<'a> {
    suite: &'a Suite<'a>,
    case: &'static Case,
    entries: Vec<Entry>,
    lanes: Vec<Lane>,
    server_command: String,
}

/// Who runs in a lane.
struct Entry {
    tool: &'static Tool,
    path: Option<PathBuf>,
    work: Work,
    once: bool,
}

/// The clock of other processes, started at the beginning of a case.
struct Company {
    all: Option<CpuTime>,
    own_s: Option<f64>,
}

impl Company {
    fn now() -> Self {
        Self { all: CpuTime::now(), own_s: usage::children_cpu_s() }
    }

    /// Meant for a moment in which all our children have ended.
    fn others_ratio(&self) -> Option<f64> {
        let end = Self::now();
        end.all?.others_ratio_since(self.all?, end.own_s? - self.own_s?)
    }
}

/// Numbers of one run, and the command that gave them.
struct Measured {
    run: Run,
    command: String,
}

impl<'a> Contest<'a> {
    pub(crate) fn new(suite: &'a Suite, case: &'static Case) -> Self {
        let (entries, lanes) = enter(suite, case).into_iter().unzip();
        Self { suite, case, entries, lanes, server_command: String::new() }
    }

    /// Runs all pairs. A run that fails is noted in its lane and takes no other with it.
    pub(crate) fn run(mut self) -> CaseOutcome {
        let company = Company::now();
        if let Err(error) = self.run_pairs() {
            self.fail_all(&error);
        }
        let others_ratio = company.others_ratio();
        let seed = self.suite.settings.seed;
        let judge = |bar| judgement::judge(bar, &self.lanes, others_ratio, seed);
        CaseOutcome {
            name: self.case.name.to_string(),
            about: self.case.about.to_string(),
            server_command: self.server_command,
            others_ratio,
            bars: self.case.bars.iter().map(judge).collect(),
            lanes: self.lanes,
        }
    }

    fn run_pairs(&mut self) -> Result<()> {
        if self.case.needs_query_file() {
            queries::make(&self.suite.acp, &self.suite.query_file())?;
        }
        let shared = match self.case.server {
            ServerKind::Recorder => None,
            ServerKind::Small => Some(self.start_server(&[])?),
            ServerKind::Encrypted => Some(self.start_server(&["--tls"])?),
            ServerKind::Body(size) => Some(self.start_server(&["--size", size])?),
        };
        if let Entrants::All(_) = self.case.entrants {
            for lane in self.order(0) {
                // What is wrong with a tool shows again when it counts.
                drop(self.measure(lane, 0, WARM_UP_SECONDS, shared.as_ref()));
            }
        }
        for pair in 0..self.suite.settings.pairs {
            for lane in self.order(pair) {
                let seconds = self.suite.settings.seconds;
                let measured = self.measure(lane, pair, seconds, shared.as_ref());
                self.note(lane, pair, measured);
            }
        }
        shared.map_or(Ok(()), Server::stop)
    }

    /// The lanes that run in a pair, in their order.
    fn order(&self, pair: u32) -> Vec<usize> {
        let running = |lane: &usize| {
            let is_due = pair == 0 || !self.entries[*lane].once;
            is_due && self.lanes[*lane].state == LaneState::Measured
        };
        let order: Vec<usize> = (0..self.lanes.len()).filter(running).collect();
        if pair.is_multiple_of(2) { order } else { order.into_iter().rev().collect() }
    }

    fn start_server(&mut self, more: &[&str]) -> Result<Server> {
        let settings = self.suite.settings;
        let scratch = self.suite.scratch.path();
        let server = Server::start(&self.suite.acp, settings.server_cpu, more, scratch)?;
        self.server_command = server.command.join(" ");
        Ok(server)
    }

    fn measure(
        &mut self,
        lane: usize,
        pair: u32,
        seconds: u32,
        shared: Option<&Server>,
    ) -> Result<Measured> {
        thread::sleep(SETTLE);
        let mut measured = match shared {
            Some(server) => self.measure_against(server, lane, seconds)?,
            None => self.measure_recorded(lane, seconds)?,
        };
        measured.run.pair = pair;
        Ok(measured)
    }

    /// A run against a target of its own, which records when each request arrives.
    fn measure_recorded(&mut self, lane: usize, seconds: u32) -> Result<Measured> {
        let record = self.suite.scratch.path().join("record");
        let server =
            self.start_server(&["--record", &record.display().to_string(), "--spin", "on"])?;
        let measured = self.measure_against(&server, lane, seconds);
        server.stop()?;
        let mut measured = measured?;
        let rate_per_s =
            self.entries[lane].work.rate_per_s.context("a recorded case without a rate")?;
        measured.run.deviation = Some(deviation::judge(&self.suite.acp, &record, rate_per_s)?);
        Ok(measured)
    }

    fn measure_against(&self, server: &Server, lane: usize, seconds: u32) -> Result<Measured> {
        let Entry { tool, work, .. } = &self.entries[lane];
        let line = self.client_line(lane, &server.url, seconds)?;
        let server_before_s = server.cpu_s();
        let limit = time_limit(work, seconds);
        let Finished { stdout, usage } =
            client::run(&line, tool.exit_codes, limit, self.suite.scratch.path())?;
        let reading = (tool.read)(&stdout)?;
        check(&reading, work)?;
        let server_s = server.cpu_s().zip(server_before_s).map(|(now, before)| now - before);
        let run = Run {
            pair: 0,
            connections: work.connections,
            requests: reading.requests,
            errors: reading.errors,
            requests_per_s: reading.requests_per_s,
            p50_us: reading.p50_us,
            wall_us: usage.wall_us,
            user_us: usage.user_us,
            system_us: usage.system_us,
            max_rss_bytes: usage.max_rss_bytes,
            server_busy_ratio: server_s.map(|server_s| server_s * 1e6 / usage.wall_us as f64),
            deviation: None,
            verdict: reading.verdict,
        };
        Ok(Measured { run, command: quoted(&line) })
    }

    fn client_line(&self, lane: usize, url: &str, seconds: u32) -> Result<Vec<String>> {
        let Entry { tool, path, work, .. } = &self.entries[lane];
        let settings = self.suite.settings;
        let invocation = Invocation {
            program: path.as_deref().context("it is not installed")?,
            work: *work,
            url,
            seconds,
            client_cpu: settings.client_cpu,
            script_folder: &settings.out,
            query_file: &self.suite.query_file(),
        };
        let line = (tool.command)(&invocation)?.context("it cannot do this")?;
        // Tools are compared on one CPU each; the reader of a file has one that is not the shard's.
        match self.case.needs_query_file() {
            true => Ok(pinned(&[settings.client_cpu, settings.server_cpu], line)),
            false => Ok(pinned(&[settings.client_cpu], line)),
        }
    }

    fn note(&mut self, lane: usize, pair: u32, measured: Result<Measured>) {
        let lane = &mut self.lanes[lane];
        let place = format!("{}  pair {}  {}", self.case.name, pair + 1, lane.name);
        match measured {
            Ok(Measured { run, command }) => {
                let cpu_us = run.cpu_us_per_request().unwrap_or(0.0);
                eprintln!("{place}  {:.0} requests/s  {cpu_us:.2} µs CPU", run.requests_per_s);
                lane.command = Some(command);
                lane.runs.push(run);
            }
            Err(error) => {
                let reason = format!("{error:#}");
                eprintln!("{place}  failed: {reason}");
                lane.failures.push(Failure { pair, reason });
            }
        }
    }

    /// Without a target nobody could run; with one that died, the last runs mean nothing.
    fn fail_all(&mut self, error: &anyhow::Error) {
        let reason = format!("{error:#}");
        eprintln!("{}  failed: {reason}", self.case.name);
        for lane in self.lanes.iter_mut().filter(|lane| lane.state == LaneState::Measured) {
            lane.failures.push(Failure { pair: 0, reason: reason.clone() });
        }
    }
}

/// Every lane of a case, those that cannot run as well: a result says what is missing.
fn enter(suite: &Suite, case: &Case) -> Vec<(Entry, Lane)> {
    let acp = |name, work, once| {
        enter_one(
            suite,
            name,
            Entry { tool: tools::ACP, path: Some(suite.acp.clone()), work, once },
        )
    };
    match &case.entrants {
        Entrants::Sizes(sizes) => {
            sizes.iter().map(|size| acp(size.lane, size.work, size.once)).collect()
        }
        Entrants::All(work) => {
            let peers = suite.peers.iter().map(|peer| {
                let path = peer.path.clone();
                let entry = Entry { tool: peer.tool, path, work: *work, once: false };
                enter_one(suite, peer.tool.name, entry)
            });
            std::iter::once(acp(tools::ACP.name, *work, false)).chain(peers).collect()
        }
    }
}

fn enter_one(suite: &Suite, name: &str, entry: Entry) -> (Entry, Lane) {
    let state = match &entry.path {
        None => LaneState::Absent,
        Some(path) => {
            let invocation = Invocation {
                program: path,
                work: entry.work,
                url: "",
                seconds: 1,
                client_cpu: suite.settings.client_cpu,
                script_folder: suite.scratch.path(),
                query_file: Path::new(""),
            };
            match (entry.tool.command)(&invocation) {
                Ok(None) => LaneState::Unsupported,
                // What else is wrong with it becomes a failure of its runs.
                Ok(Some(_)) | Err(_) => LaneState::Measured,
            }
        }
    };
    let name = name.to_string();
    let lane = Lane { name, state, command: None, runs: Vec::new(), failures: Vec::new() };
    (entry, lane)
}

/// Is this the work that was asked for?
fn check(reading: &Reading, work: &Work) -> Result<()> {
    let attempts = reading.requests.max(reading.errors);
    if reading.errors as f64 > attempts as f64 * ERROR_RATIO_MAX {
        bail!("{} errors in {attempts} requests", reading.errors);
    }
    if reading.requests == 0 {
        bail!("no request was answered");
    }
    if let Some(asked) = work.requests.filter(|asked| *asked != reading.requests) {
        bail!("{} of {asked} requests were answered", reading.requests);
    }
    match reading.connections_opened {
        Some(opened) if opened < u64::from(work.connections) => {
            bail!("{opened} of {} connections were opened", work.connections)
        }
        _ => Ok(()),
    }
}

fn time_limit(work: &Work, seconds: u32) -> Duration {
    let length_s = work.requests.map_or(u64::from(seconds), |count| count / COUNTED_RATE_MIN);
    Duration::from_secs(length_s) + PATIENCE
}

/// A command line that a shell takes apart as it was.
fn quoted(line: &[String]) -> String {
    let quote = |word: &String| match word.contains(' ') {
        true => format!("'{word}'"),
        false => word.clone(),
    };
    line.iter().map(quote).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_work_that_was_asked_for_counts() {
        let good = Reading { requests: 1_000, connections_opened: Some(64), ..Reading::default() };
        let with = |change: fn(&mut Reading)| {
            let mut reading = good.clone();
            change(&mut reading);
            reading
        };
        let plain = Work::closed(64);
        let rows = [
            ("good", with(|_| {}), plain, None),
            ("one percent failed", with(|r| r.errors = 10), plain, None),
            ("more failed", with(|r| r.errors = 11), plain, Some("11 errors in 1000 requests")),
            ("nothing", with(|r| r.requests = 0), plain, Some("no request was answered")),
            ("only errors", Reading { errors: 5, ..Reading::default() }, plain, Some("5 errors")),
            ("the number", with(|_| {}), Work::counted(64, 1_000), None),
            ("too few", with(|_| {}), Work::counted(64, 1_001), Some("1000 of 1001 requests")),
            ("idle", with(|_| {}), Work::closed(65), Some("64 of 65 connections")),
            ("unknown", with(|r| r.connections_opened = None), Work::closed(65), None),
        ];
        for (name, reading, work, expected) in rows {
            match (check(&reading, &work), expected) {
                (Ok(()), None) => {}
                (Err(error), Some(text)) => assert!(error.to_string().contains(text), "{name}"),
                (result, _) => panic!("{name}: {result:?}"),
            }
        }
    }

    #[test]
    fn words_with_spaces_are_quoted() {
        let line = ["wrk", "-H", "Connection: close"].map(ToString::to_string);
        assert_eq!(quoted(&line), "wrk -H 'Connection: close'");
    }
}
