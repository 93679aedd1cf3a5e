//! The command: from arguments to an exit code.

use super::arguments::{BenchArgs, DriverFlag, RunArgs};
use super::messages::Messages;
use super::output::Outputs;
use super::{
    EXIT_ABORTED, EXIT_INTERNAL, EXIT_INTERRUPTED, EXIT_NOT_VALID, EXIT_OK, EXIT_SLO_MISSED,
    EXIT_USAGE, Live, commands, plan,
};
use crate::cpus::parse_cpus;
use crate::drivers::{Driver, DriverKind, choose};
use crate::launch::{
    Command, Control, Finished, LaunchError, Options, Seen, Spin, check_rules, run,
};
use crate::report::progress_line;
use acp_wire::units::parse_duration_ns;
use acp_wire::verdict::State;
use signal_hook::consts::{SIGINT, SIGTERM};
use std::time::{Duration, Instant};

/// A message for people and the exit code that goes with it.
type Failure = (String, u8);

/// Runs `acp bench` and returns its exit code. Errors are on standard error.
#[must_use]
pub fn bench(arguments: &BenchArgs) -> u8 {
    // Without a thread for messages there is none for shards either, nor a way to say so.
    let Ok(messages) = Messages::start() else { return EXIT_INTERNAL };
    let code = try_bench(arguments, &messages).unwrap_or_else(|(message, code)| {
        messages.say(&format!("error: {message}"));
        code
    });
    messages.flush();
    code
}

fn try_bench(arguments: &BenchArgs, messages: &Messages) -> Result<u8, Failure> {
    let started = Instant::now();
    let usage = |message| (message, EXIT_USAGE);
    let internal = |error: std::io::Error| (error.to_string(), EXIT_INTERNAL);
    let commands = commands::open(&arguments.run).map_err(usage)?;
    let mut document =
        plan::document(&arguments.plan, arguments.run.plan_file.as_deref()).map_err(usage)?;
    arguments.rules.extend(&mut document);
    // A bad plan must not empty the files of an earlier result.
    let plan = crate::plan::compile(&document).map_err(|error| usage(error.to_string()))?;
    let options = options(&arguments.run).map_err(usage)?;
    if options.share.is_none() {
        check_rules(&document).map_err(|error| usage(error.to_string()))?;
    }
    let lease = lease(&arguments.run).map_err(usage)?;
    let mut outputs = Outputs::open(&arguments.run).map_err(usage)?;
    let control = stop_on_signals().map_err(internal)?;
    control.attach(&plan);
    if let Some(lease) = lease {
        lend(&control, lease.saturating_sub(started.elapsed()))?;
    }
    if let Some(commands) = commands {
        commands.follow(&control, messages).map_err(internal)?;
    }
    // A driver that cannot run is an error of the run.
    if let Ok(Driver { warning: Some(warning), .. }) = choose(options.driver) {
        messages.say(&format!("note: {warning}"));
    }

    let mut live = Live::start(&arguments.run, &plan, &control).map_err(usage)?;
    let mut failure = None;
    let finished = run(&document, &options, &control, &mut |seen| {
        let is_shown = live.as_mut().is_some_and(|live| live.see(&seen));
        let taken = match seen {
            Seen::Ready { open_connections } if options.start_unix_us.is_some() => {
                outputs.ready(&options.run_id, open_connections)
            }
            Seen::Ready { .. } => Ok(()),
            Seen::Frame(frame, progress) => {
                if !arguments.run.quiet && !is_shown {
                    messages.say(&progress_line(frame, progress.total_s));
                }
                outputs.frame(frame, progress)
            }
        };
        if let Err(why) = taken {
            control.stop_because(&why);
            failure = failure.take().or(Some(why));
        }
    });
    // The terminal is as it was before anything else is said.
    if let Some(live) = live {
        live.end();
    }
    let finished = match finished {
        Ok(finished) => finished,
        Err(error) => {
            let messages = std::iter::once(error.to_string()).chain(outputs.abandon());
            return Err((messages.collect::<Vec<_>>().join("\n"), launch_code(&error)));
        }
    };
    match outputs.finish(&finished).err().or(failure) {
        Some(message) => Err((message, EXIT_INTERNAL)),
        None => Ok(exit_code(&finished, &control)),
    }
}

fn exit_code(finished: &Finished, control: &Control) -> u8 {
    let report = &finished.report;
    match report.verdict.state {
        _ if control.is_interrupted() => EXIT_INTERRUPTED,
        _ if finished.fired.is_some() => EXIT_ABORTED,
        State::Valid if report.slo.iter().all(|goal| goal.pass) => EXIT_OK,
        State::Valid => EXIT_SLO_MISSED,
        _ => EXIT_NOT_VALID,
    }
}

pub(super) fn launch_code(error: &LaunchError) -> u8 {
    match error {
        LaunchError::Plan(_)
        | LaunchError::TwoSources
        | LaunchError::Rule(_)
        | LaunchError::Share(_)
        | LaunchError::Source(_)
        | LaunchError::Resolve(_)
        | LaunchError::Limit(_)
        | LaunchError::Origins(_)
        | LaunchError::Origin { .. }
        | LaunchError::Tls(_)
        | LaunchError::Cpus(_) => EXIT_USAGE,
        LaunchError::Driver { .. }
        | LaunchError::Unreachable { .. }
        | LaunchError::Handshake { .. }
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
            DriverFlag::Glommio => Some(DriverKind::Glommio),
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
pub(super) fn stop_on_signals() -> std::io::Result<Control> {
    let control = Control::default();
    let flag = control.interrupt_flag();
    for signal in [SIGINT, SIGTERM] {
        let code = i32::from(EXIT_INTERRUPTED);
        signal_hook::flag::register_conditional_shutdown(signal, code, flag.clone())?;
        signal_hook::flag::register(signal, flag.clone())?;
    }
    Ok(control)
}
