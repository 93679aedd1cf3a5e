//! `acp doctor`: flags → needs → findings → text or JSON → exit code.

use super::{CalibrateError, Finding, Host, Needs, State, calibrate, examine};
use crate::calibration;
use crate::drivers::host::chain;
use crate::plan::{PlanError, compile};
use acp_wire::plan::{Load, Model, Target};
use acp_wire::report::Calibration;
use acp_wire::{PLAN_SCHEMA, Plan};
use clap::{Args, ValueEnum};
use serde::Serialize;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;
use thiserror::Error;

const SCHEMA: &str = "acp.doctor/1";
/// Time over which steal is measured.
const LOOK: Duration = Duration::from_secs(1);

/// Nothing is bad.
const EXIT_OK: u8 = 0;
/// Something is bad.
const EXIT_NOT_FIT: u8 = 98;

/// Is this host fit to make load? Limits, ports, CPUs, clock, kernel, and how fast it is.
#[derive(Args, Debug)]
#[command(after_help = "\
The calibration runs the engine against a server on this host for some seconds; it is kept in
`$XDG_STATE_HOME/acp/calibration.json` (else `~/.local/state`), and every report of this host has it.

Exit codes: 0 nothing is bad, 1 error, 2 usage, 98 something is bad")]
pub struct DoctorArgs {
    /// Judge limits by this plan
    #[arg(long, value_name = "FILE", conflicts_with_all = ["connections", "rate", "no_keepalive"])]
    plan: Option<PathBuf>,
    /// Judge limits by so many connections
    #[arg(short, long, value_name = "N", default_value_t = 64,
          value_parser = clap::value_parser!(u32).range(1..))]
    connections: u32,
    /// Total rate of the load
    #[arg(short = 'R', long, value_name = "RATE")]
    rate: Option<String>,
    /// Each request has a connection of its own
    #[arg(long)]
    no_keepalive: bool,
    /// What is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Measure how fast this host is: the default
    #[arg(long, overrides_with = "no_calibrate")]
    calibrate: bool,
    /// Do not measure how fast this host is
    #[arg(long)]
    no_calibrate: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// Everything, as one document.
    Json,
}

/// Why a host could not be examined.
#[derive(Debug, Error)]
pub enum DoctorError {
    /// The plan cannot be read.
    #[error("{0}")]
    File(String),
    /// The plan is wrong.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Nobody can read what was found.
    #[error("failed to write to standard output")]
    Output(#[source] io::Error),
}

impl DoctorError {
    /// Whether the command line is to blame.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        !matches!(self, Self::Output(_))
    }
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    is_fit: bool,
    checks: &'a [Finding],
    #[serde(skip_serializing_if = "Option::is_none")]
    calibration: Option<&'a Calibration>,
    /// Why there is none, or why it is not kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    calibration_problem: Option<&'a str>,
}

/// Examines this host and returns the exit code.
///
/// # Errors
///
/// When the plan is wrong, or nothing can be written.
pub fn run(arguments: &DoctorArgs) -> Result<u8, DoctorError> {
    let needs = Needs::of(&compile(&arguments.plan()?)?);
    let host = Host::open();
    std::thread::sleep(LOOK);
    let findings = examine(&host, &needs);
    let measured = match arguments.no_calibrate {
        true => Measured { calibration: calibration::load(), problem: None },
        false => Measured::now(),
    };
    let text = match arguments.format {
        Format::Text => text(&findings, &measured),
        Format::Json => json(&findings, &measured),
    };
    let mut stdout = io::stdout();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        // The reader of a pipe has seen enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            return Err(DoctorError::Output(error));
        }
        _ => {}
    }
    Ok(if is_fit(&findings) { EXIT_OK } else { EXIT_NOT_FIT })
}

fn is_fit(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.state != State::Bad)
}

impl DoctorArgs {
    fn plan(&self) -> Result<Plan, DoctorError> {
        if let Some(path) = &self.plan {
            return crate::cli::plan_of_file(path).map_err(DoctorError::File);
        }
        let load = Load {
            model: if self.rate.is_some() { Model::Open } else { Model::Closed },
            rate: self.rate.clone(),
            connections: self.connections,
            duration: Some("10s".into()),
            ..Load::default()
        };
        // An address of documentation (RFC 5737): nothing is sent, and it is not on this host.
        let target = Target { url: "http://192.0.2.1/".into(), ..Target::default() };
        let mut plan = Plan { schema: PLAN_SCHEMA.into(), target, load, ..Plan::default() };
        plan.connection.keep_alive = !self.no_keepalive;
        Ok(plan)
    }
}

/// How fast this host is, as far as it is known.
struct Measured {
    calibration: Option<Calibration>,
    problem: Option<String>,
}

impl Measured {
    fn now() -> Self {
        let found = std::env::current_exe().map_err(CalibrateError::Server);
        match found.and_then(|program| calibrate(&program)) {
            Ok(calibration) => {
                let kept = calibration::save(&calibration);
                let problem = kept.err().map(|error| format!("not kept: {}", chain(&error)));
                Self { calibration: Some(calibration), problem }
            }
            Err(error) => Self { calibration: None, problem: Some(chain(&error)) },
        }
    }
}

fn text(findings: &[Finding], measured: &Measured) -> String {
    let mut text = String::new();
    for Finding { check, state, found, why, fix } in findings {
        text += &format!("{:<8} {check:<19} {found}\n", state.name());
        if *state != State::Ok {
            text += &format!("{:>28} why: {why}\n", "");
        }
        if let Some(fix) = fix {
            text += &format!("{:>28} do:  {fix}\n", "");
        }
    }
    if let Some(calibration) = &measured.calibration {
        let Calibration { requests_per_s, cpu_us_per_request, driver, version, .. } = calibration;
        let lag = |nanos: u64| crate::report::duration(nanos as f64);
        text += &format!(
            "\nCalibration: {requests_per_s:.0} requests/s and {cpu_us_per_request:.2} µs of CPU time \
             each on one shard ({driver}, acp {version}); at 1,000/s sent {} late (p50), {} (p99)\n",
            lag(calibration.send_lag_p50_ns),
            lag(calibration.send_lag_p99_ns),
        );
    }
    if let Some(problem) = &measured.problem {
        text += &format!("\nCalibration: {problem}\n");
    }
    let of = |state: State| findings.iter().filter(|finding| finding.state == state).count();
    let verdict = if is_fit(findings) { "fit" } else { "not fit" };
    text + &format!(
        "\nThis host is {verdict}: {} ok, {} to note, {} bad, {} not known\n",
        of(State::Ok),
        of(State::Note),
        of(State::Bad),
        of(State::Unknown)
    )
}

fn json(findings: &[Finding], measured: &Measured) -> String {
    let document = Document {
        schema: SCHEMA,
        is_fit: is_fit(findings),
        checks: findings,
        calibration: measured.calibration.as_ref(),
        calibration_problem: measured.problem.as_deref(),
    };
    serde_json::to_string_pretty(&document).expect("only string keys") + "\n"
}

#[cfg(test)]
#[path = "cli_tests.rs"]
mod tests;
