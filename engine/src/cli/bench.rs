//! The command: from arguments to an exit code.

use super::arguments::{BenchArgs, DriverFlag, RunArgs};
use super::output::Outputs;
use super::{EXIT_INTERNAL, EXIT_INTERRUPTED, EXIT_NOT_VALID, EXIT_OK, EXIT_USAGE, commands, plan};
use crate::cpus::parse_cpus;
use crate::drivers::{Driver, DriverKind, choose};
use crate::launch::{Command, Control, Finished, LaunchError, Options, Seen, Spin, run};
use crate::report::progress_line;
use acp_wire::units::parse_duration_ns;
use acp_wire::verdict::State;
use signal_hook::consts::{SIGINT, SIGTERM};
use std::io::Write as _;
use std::time::{Duration, Instant};

/// A message for people and the exit code that goes with it.
type Failure = (String, u8);

/// Runs `acp bench` and returns its exit code. Errors are on standard error.
#[must_use]
pub fn bench(arguments: &BenchArgs) -> u8 {
    match try_bench(arguments) {
        Ok(code) => code,
        Err((message, code)) => {
            say(&format!("error: {message}"));
            code
        }
    }
}

fn try_bench(arguments: &BenchArgs) -> Result<u8, Failure> {
    let started = Instant::now();
    let usage = |message| (message, EXIT_USAGE);
    let commands = commands::open(&arguments.run).map_err(usage)?;
    let mut document =
        plan::document(&arguments.plan, arguments.run.plan_file.as_deref()).map_err(usage)?;
    arguments.rules.extend(&mut document);
    // A bad plan must not empty the files of an earlier result.
    let plan = crate::plan::compile(&document).map_err(|error| usage(error.to_string()))?;
    let options = options(&arguments.run).map_err(usage)?;
    let lease = lease(&arguments.run).map_err(usage)?;
    let mut outputs = Outputs::open(&arguments.run).map_err(usage)?;
    let control = stop_on_signals().map_err(|error| (error.to_string(), EXIT_INTERNAL))?;
    control.attach(&plan);
    if let Some(lease) = lease {
        lend(&control, lease.saturating_sub(started.elapsed()))?;
    }
    if let Some(commands) = commands {
        commands.follow(&control).map_err(|error| (error.to_string(), EXIT_INTERNAL))?;
    }
    // A driver that cannot run is an error of the run.
    if let Ok(Driver { warning: Some(warning), .. }) = choose(options.driver) {
        say(&format!("note: {warning}"));
    }

    let mut frame_failure = None;
    let finished = run(&document, &options, &control, &mut |seen| {
        let written = match seen {
            Seen::Ready { open_connections } if options.start_unix_us.is_some() => {
                outputs.ready(&options.run_id, open_connections)
            }
            Seen::Ready { .. } => Ok(()),
            Seen::Frame(frame, progress) => {
                if !arguments.run.quiet {
                    say(&progress_line(frame, progress.total_s));
                }
                if frame_failure.is_none() { outputs.frame(frame) } else { Ok(()) }
            }
        };
        frame_failure = frame_failure.take().or(written.err());
    });
    let finished = finished.map_err(|error| (error.to_string(), launch_code(&error)))?;
    match outputs.report(&finished).err().or(frame_failure) {
        Some(message) => Err((message, EXIT_INTERNAL)),
        None => Ok(exit_code(&finished, &control)),
    }
}

/// A line on standard error, if somebody still reads it.
pub(super) fn say(line: &str) {
    drop(std::io::stderr().write_all(format!("{line}\n").as_bytes()));
}

fn exit_code(finished: &Finished, control: &Control) -> u8 {
    match finished.report.verdict.state {
        _ if control.is_interrupted() => EXIT_INTERRUPTED,
        State::Valid => EXIT_OK,
        _ => EXIT_NOT_VALID,
    }
}

fn launch_code(error: &LaunchError) -> u8 {
    match error {
        LaunchError::Plan(_)
        | LaunchError::Share(_)
        | LaunchError::Source(_)
        | LaunchError::Resolve(_)
        | LaunchError::Limit(_)
        | LaunchError::Cpus(_) => EXIT_USAGE,
        LaunchError::Driver { .. }
        | LaunchError::Unreachable { .. }
        | LaunchError::Thread(_)
        | LaunchError::AllFailed(_) => EXIT_INTERNAL,
    }
}

fn options(arguments: &RunArgs) -> Result<Options, String> {
    Ok(Options {
        threads: arguments.threads,
        cpus: match &arguments.cpus {
            Some(list) => Some(parse_cpus(list).map_err(|error| error.to_string())?),
            None => None,
        },
        driver: match arguments.driver {
            DriverFlag::Auto => None,
            DriverFlag::Uring => Some(DriverKind::Uring),
            DriverFlag::Monoio => Some(DriverKind::Monoio),
            DriverFlag::MonoioEpoll => Some(DriverKind::MonoioEpoll),
        },
        spin: match arguments.spin.as_str() {
            "auto" => Spin::Auto,
            "off" => Spin::Off,
            time => {
                Spin::Ns(parse_duration_ns(time).map_err(|error| format!("bad --spin: {error}"))?)
            }
        },
        share: arguments.share,
        start_unix_us: arguments.start_at,
        run_id: arguments.run_id.clone(),
        agent: arguments.agent.clone(),
    })
}

fn lease(arguments: &RunArgs) -> Result<Option<Duration>, String> {
    let Some(time) = &arguments.lease else { return Ok(None) };
    let lease_ns = parse_duration_ns(time).map_err(|error| format!("bad --lease: {error}"))?;
    Ok(Some(Duration::from_nanos(lease_ns)))
}

/// The first lease is there before any command is read: whoever started this process may be gone
/// before it writes one.
fn lend(control: &Control, lease: Duration) -> Result<(), Failure> {
    let lease_us = u64::try_from(lease.as_micros()).unwrap_or(u64::MAX);
    control.obey(Command::Lease { lease_us }).map_err(|error| (error.to_string(), EXIT_INTERNAL))
}

/// The first Ctrl-C drains and reports, the second leaves at once.
fn stop_on_signals() -> std::io::Result<Control> {
    let control = Control::default();
    let flag = control.interrupt_flag();
    for signal in [SIGINT, SIGTERM] {
        let code = i32::from(EXIT_INTERRUPTED);
        signal_hook::flag::register_conditional_shutdown(signal, code, flag.clone())?;
        signal_hook::flag::register(signal, flag.clone())?;
    }
    Ok(control)
}
