//! What the engine can do on this machine: a server on one CPU, one shard on another; as fast as it can
//! go, and at a rate that leaves it all the time.

use crate::cpus::allowed;
use crate::launch::{Control, LaunchError, Options, run};
use acp_wire::plan::{Load, Model, Target};
use acp_wire::report::Calibration;
use acp_wire::{PLAN_SCHEMA, Plan, Report};
use std::io::{self, BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};
use thiserror::Error;

/// Rate at which the send lag is measured.
const RATE: &str = "1000";

/// Why a machine could not be measured.
#[derive(Debug, Error)]
pub enum CalibrateError {
    /// The server did not start.
    #[error("failed to start the server of the calibration")]
    Server(#[source] io::Error),
    /// It said something else than its address.
    #[error("the server of the calibration said `{0}`")]
    Address(String),
    /// The engine did not run.
    #[error("the engine did not run: {0}")]
    Launch(#[from] LaunchError),
    /// Requests failed, so that there is no speed to tell.
    #[error("{0} requests of the calibration failed")]
    Errors(u64),
    /// Nothing was answered.
    #[error("the server of the calibration did not answer")]
    NoAnswer,
}

/// The built-in server as a process, so that its CPU time is not ours. Ended with this.
struct Server {
    child: Child,
    url: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Server {
    fn start(program: &Path, cpu: usize) -> Result<Self, CalibrateError> {
        let mut child = Command::new(program)
            .args(["target", "--listen", "127.0.0.1:0", "--threads", "1", "--cpus"])
            .arg(cpu.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(CalibrateError::Server)?;
        let stdout = child.stdout.take();
        let mut server = Self { child, url: String::new() };
        let mut line = String::new();
        if let Some(stdout) = stdout {
            BufReader::new(stdout).read_line(&mut line).map_err(CalibrateError::Server)?;
        }
        match line.trim().strip_prefix("listening on ") {
            Some(url) => server.url = url.into(),
            None => return Err(CalibrateError::Address(line.trim().into())),
        }
        Ok(server)
    }
}

/// Measures this machine for about four seconds. `program` is `acp`, which has the server.
///
/// # Errors
///
/// When server or engine do not run.
pub fn calibrate(program: &Path) -> Result<Calibration, CalibrateError> {
    let cpus = allowed();
    let (of_server, of_engine) =
        (cpus.first().copied().unwrap_or(0), cpus.last().copied().unwrap_or(0));
    let server = Server::start(program, of_server)?;
    let fast = measure(&server, of_engine, None)?;
    let timed = measure(&server, of_engine, Some(RATE))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Calibration {
        measured_unix_us: u64::try_from(now.as_micros()).unwrap_or(u64::MAX),
        version: fast.run.version,
        driver: fast.run.driver,
        requests_per_s: fast.rate.completed_per_s,
        cpu_us_per_request: fast.generator.cpu_us_per_request,
        send_lag_p50_ns: timed.latency.send_lag_ns.p50,
        send_lag_p99_ns: timed.latency.send_lag_ns.p99,
    })
}

fn measure(server: &Server, cpu: usize, rate: Option<&str>) -> Result<Report, CalibrateError> {
    let load = Load {
        model: if rate.is_some() { Model::Open } else { Model::Closed },
        rate: rate.map(str::to_owned),
        connections: 64,
        duration: Some("2s".into()),
        ..Load::default()
    };
    let target = Target { url: server.url.clone(), ..Target::default() };
    let plan = Plan { schema: PLAN_SCHEMA.into(), target, load, ..Plan::default() };
    let options = Options { threads: Some(1), cpus: Some(vec![cpu]), ..Options::default() };
    let report = run(&plan, &options, &Control::default(), &mut |_| ())?.report;
    match (report.books.errors_total(), report.books.completed) {
        (0, 0) => Err(CalibrateError::NoAnswer),
        (0, _) => Ok(report),
        (errors, _) => Err(CalibrateError::Errors(errors)),
    }
}
