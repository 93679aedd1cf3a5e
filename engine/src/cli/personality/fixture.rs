//! What the tests of all tools share: finished runs, golden files and tables of flags.

use super::refusal::Refusal;
use super::run::Job;
use crate::launch::Finished;
use crate::report::{Distributions, summary};
use acp_wire::report::{Bytes, Latency, Rates, Run};
use acp_wire::{Books, ErrorClass, Frame, Plan, Report};
use clap::{Args, Command};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A run of two and a half seconds with errors of several kinds.
pub(super) fn finished() -> Finished {
    let mut distributions = Distributions::new();
    for number in 1..=1000_u64 {
        let service_ns = 80_000 + number * number * 20;
        distributions.response.record(service_ns + 5_000).unwrap();
        distributions.service.record(service_ns).unwrap();
        distributions.first_byte.record(service_ns - 10_000).unwrap();
    }
    (1..=10).for_each(|number| distributions.connect.record(number * 50_000).unwrap());
    let errors =
        [(ErrorClass::ConnectRefused, 2), (ErrorClass::Reset, 3), (ErrorClass::Timeout, 4)];
    let frame = |second, completed| Frame { second, completed, shard_count: 2, ..Frame::default() };
    let mut plan = Plan::default();
    plan.target.url = "http://127.0.0.1:8080/index.html".into();
    plan.load.duration = Some("2s".into());
    plan.load.connections = 10;
    let report = Report {
        plan,
        run: Run { duration_us: 2_500_000, shards: 2, ..Run::default() },
        rate: Rates { completed_per_s: 400.0, ..Rates::default() },
        books: Books {
            planned: 1012,
            sent: 1012,
            completed: 1000,
            errors: BTreeMap::from(errors),
            in_flight_at_stop: 3,
            ..Books::default()
        }
        .close(),
        status: BTreeMap::from([(200, 900), (302, 60), (404, 30), (503, 10)]),
        bytes: Bytes { sent: 41_492, received: 2_048_000 },
        latency: Latency { connect_ns: summary(&distributions.connect), ..Latency::default() },
        series: vec![frame(0, 380), frame(1, 420), frame(2, 200)],
        ..Report::default()
    };
    Finished { report, distributions, fired: None }
}

/// A run without one response.
pub(super) fn nothing() -> Finished {
    let errors = BTreeMap::from([(ErrorClass::ConnectRefused, 20)]);
    let report = Report {
        run: Run { duration_us: 10_000, shards: 1, ..Run::default() },
        books: Books { planned: 20, sent: 20, errors, ..Books::default() }.close(),
        ..Report::default()
    };
    Finished { report, distributions: Distributions::new(), fired: None }
}

/// Compares with a file of this folder. `UPDATE=1` rewrites it.
pub(super) fn check_golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli/personality").join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, golden, "{name} has changed; UPDATE=1 accepts it");
}

/// What a flag does.
pub(super) enum Given {
    /// The job is as this says, and would not be without the flag.
    Done(fn(&Job) -> bool),
    /// The same is sent as without it.
    Nothing,
    /// An error with exit code 2 and a hint that says this.
    Refused(&'static str),
}

fn command<A: Args>() -> Command {
    A::augment_args(Command::new("tool").no_binary_name(true))
}

/// The job of a command line that is not refused, or else the message.
pub(super) fn job_of<A: Args>(
    line: &[&str],
    job: impl FnOnce(&A) -> Result<Job, Refusal>,
) -> Result<Job, String> {
    let matches = command::<A>().try_get_matches_from(line).map_err(|error| error.to_string())?;
    let arguments = A::from_arg_matches(&matches).map_err(|error| error.to_string())?;
    let job = job(&arguments).map_err(|refusal| {
        assert_eq!(refusal.exit_code(), 2, "{line:?}");
        refusal.to_string()
    })?;
    crate::plan::compile(&job.plan).map_err(|error| error.to_string())?;
    Ok(job)
}

/// Checks a table with each flag of a tool, by each of its names.
pub(super) fn check_flags<A: Args>(
    rest: &[&str],
    table: &[(&[&str], Given)],
    job: impl Fn(&A) -> Result<Job, Refusal>,
) {
    let without = job_of(rest, &job).unwrap();
    for (flags, given) in table {
        let found = job_of(&[flags, rest].concat(), &job);
        match (given, found) {
            (Given::Done(is_done), Ok(found)) => {
                assert!(is_done(&found), "{flags:?}: {found:?}");
                assert!(!is_done(&without), "{flags:?} is no change");
            }
            (Given::Nothing, Ok(found)) => {
                assert_eq!(found.plan, without.plan, "{flags:?}");
                assert_eq!(found.options, without.options, "{flags:?}");
            }
            (Given::Refused(part), Err(message)) => {
                assert!(message.contains("hint: "), "{flags:?}: {message}");
                assert!(message.contains(part), "{flags:?}: {message}");
            }
            (_, Ok(_)) => panic!("{flags:?} is not refused"),
            (_, Err(message)) => panic!("{flags:?} is refused: {message}"),
        }
    }
    let known: BTreeSet<String> = command::<A>().get_arguments().flat_map(names).collect();
    let tested =
        table.iter().flat_map(|(flags, _)| flags.iter()).filter(|flag| flag.starts_with('-'));
    let tested: BTreeSet<String> = tested.map(|flag| name_of(flag)).collect();
    assert_eq!(known.difference(&tested).collect::<Vec<_>>(), Vec::<&String>::new(), "not tested");
}

fn names(argument: &clap::Arg) -> Vec<String> {
    let short = argument.get_short_and_visible_aliases().unwrap_or_default();
    let long = argument.get_long_and_visible_aliases().unwrap_or_default();
    let short = short.into_iter().map(|name| format!("-{name}"));
    short.chain(long.into_iter().map(|name| format!("--{name}"))).collect()
}

/// `-c` of `-c5`, `--rate` of `--rate=5`.
fn name_of(flag: &str) -> String {
    match flag.starts_with("--") {
        true => flag.split('=').next().unwrap_or_default().into(),
        false => flag.chars().take(2).collect(),
    }
}
