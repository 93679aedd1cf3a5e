//! A run: threads, pinning, the common start, frames every second, the end.

mod collect;
mod command;
mod control;
mod cores;
mod extensions;
mod guard;
mod judge;
mod limits;
mod machine;
mod resolve;
mod threads;
mod tls;
mod trust;

pub use collect::Progress;
pub use command::{Command, CommandError, follow};
pub use control::{Control, ControlError};
pub use extensions::{Extensions, Seat};

use crate::drivers::DriverKind;
use crate::plan::{Plan, PlanError, ShareError, check_share, compile, split};
use crate::record::{Distributions, TagNames};
use crate::report::rules::{Fired, RuleError};
use crate::source::{Needs, Notice, SourceError, Supply};
use acp_wire::agent::Share;
use acp_wire::{Frame, Report};
use collect::{Collector, Starts};
use cores::Placement;
use judge::Judge;
use limits::LimitError;
use resolve::{NameWatch, ResolveError, resolve};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use thiserror::Error;
use threads::{Making, Threads};
use tls::{TlsError, TlsSetup};

/// Why a run could not be made.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "each variant is its message")]
pub enum LaunchError {
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(
        "requests come from a feed, and from a source or values of the plan\nhint: leave `source` and `{{{{…}}}}` out of the plan, or give no feed"
    )]
    TwoSources,
    #[error(transparent)]
    Rule(#[from] RuleError),
    #[error("bad share: {0}")]
    Share(#[from] ShareError),
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    #[error(transparent)]
    Limit(#[from] LimitError),
    #[error(
        "no address of source_ips can reach {0}\nhint: give local addresses of the same family (IPv4, IPv6)"
    )]
    Origins(SocketAddr),
    #[error(
        "cannot connect from {address}: {why}\nhint: `ip address` lists the addresses of this machine"
    )]
    Origin { address: IpAddr, why: std::io::Error },
    #[error("{0}")]
    Cpus(String),
    #[error("driver `{driver}` cannot run: {why}")]
    Driver { driver: &'static str, why: String },
    #[error(
        "cannot connect to {addresses}: {why}\nhint: is the server running, and is the port right?"
    )]
    Unreachable { addresses: String, why: String },
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(
        "no TLS with {addresses}: {why}\nhint: --cacert FILE trusts another authority, --sni NAME checks another name, -k checks nothing"
    )]
    Handshake { addresses: String, why: String },
    #[error("failed to start a thread")]
    Thread(#[source] std::io::Error),
    #[error("every shard failed: {0}")]
    AllFailed(String),
}

/// When a shard stops sleeping before a due time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spin {
    /// 100 µs before, where the rate is fixed and a core is ours.
    #[default]
    Auto,
    /// Never.
    Off,
    /// So many nanoseconds before.
    Ns(u64),
}

/// How a plan is run, which part of it, and when. Nothing else of this changes what is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Shards; default: one a usable core, half of them in an open loop against this machine.
    pub threads: Option<u32>,
    /// CPUs to pin shards to.
    pub cpus: Option<Vec<usize>>,
    /// Driver; none: the best that works here.
    pub driver: Option<DriverKind>,
    /// Spinning.
    pub spin: Spin,
    /// The part of the plan that is run; none: all of it.
    pub share: Option<Share>,
    /// When the schedule begins, its warm-up first, Unix time; none: as soon as connections are open.
    /// A schedule that began in the past is joined where it is by now.
    pub start_unix_us: Option<u64>,
    /// Id of the run, in frames and the report.
    pub run_id: String,
    /// Name of the agent that this engine works for, in frames.
    pub agent: String,
}

/// A finished run: the report, and the histograms that it was made from.
pub struct Finished {
    /// The report.
    pub report: Report,
    /// All histograms of the measured part.
    pub distributions: Distributions,
    /// The limit that has ended the run.
    pub fired: Option<Fired>,
}

/// What a run shows while it goes on.
pub enum Seen<'a> {
    /// Connections are open; the schedule begins at its time.
    Ready {
        /// How many.
        open_connections: usize,
    },
    /// A second is over.
    Frame(&'a Frame, &'a Progress<'a>),
}

/// Runs a plan, or the share of it that the options say, to its end. `on_seen` is told when
/// connections are open, and each second as it is over, on the thread that calls.
///
/// # Errors
///
/// When the plan, the target, the machine or the driver does not allow a run at all. What goes wrong
/// during a run is in the report.
pub fn run(
    document: &acp_wire::Plan,
    options: &Options,
    control: &Control,
    on_seen: &mut dyn FnMut(Seen),
) -> Result<Finished, LaunchError> {
    run_with(document, options, control, &Extensions::default(), on_seen)
}

/// Runs a plan like [`run`], with requests or checks of a program's own.
///
/// # Errors
///
/// As [`run`], and [`LaunchError::TwoSources`] when both the plan and a feed say what is sent.
pub fn run_with(
    document: &acp_wire::Plan,
    options: &Options,
    control: &Control,
    extensions: &Extensions,
    on_seen: &mut dyn FnMut(Seen),
) -> Result<Finished, LaunchError> {
    let judge = match options.share {
        None => Judge::new(&document.stop)?,
        Some(_) => Judge::of_nothing(),
    };
    let plan = Arc::new(extensions.prepare(compile(document)?)?);
    let share = options.share.unwrap_or_else(|| Share::whole(plan.connections));
    check_share(&share)?;
    let tls = TlsSetup::of(&plan)?;
    control.attach(&plan);
    let mut addresses = reachable_family(resolve(&plan.endpoints)?, plan.connect_timeout_ns);
    if plan.dns_ns.is_some() {
        // Name servers give them in another order each time, which is no change.
        addresses.sort_unstable();
    }
    if addresses.iter().any(|address| !plan.origins.towards(address).is_empty()) {
        // A name of both families is reached by the one that local addresses are given of.
        addresses.retain(|address| !plan.origins.towards(address).is_empty());
    }
    check_origins(&plan, &addresses)?;
    let driver = crate::drivers::choose(options.driver)
        .map_err(|(driver, why)| LaunchError::Driver { driver, why })?;
    let placement = Placement::choose(&plan, share.connections, &addresses, options)
        .map_err(LaunchError::Cpus)?;
    limits::check(share.connections, &addresses, &plan.origins, placement.shards, driver.kind)?;
    let parts = split(&plan, &share, placement.shards, &addresses);
    let tags = TagNames::default();
    let cpus = &placement.cpus;
    let needs = Needs { plan: &plan, share, parts: &parts, cpus, tags: &tags };
    let is_stopped = || control.is_stopped();
    let mut supply = Supply::start(&needs, &is_stopped, tell(control, plan.is_open_loop()))?;
    supply.await_ready(is_stopped)?;
    let shards = parts.len();
    let makings = parts.into_iter().zip(supply.take_feeds()).enumerate();
    let makings = makings.map(|(shard, (part, feed))| {
        let seat = Seat { part: &part, tags: &tags, shard, shards };
        let feed = extensions.feed(&seat, control).or(feed);
        let checks = extensions.checks(&seat, control);
        Making { feed, checks, tls: tls.as_ref().map(TlsSetup::client), part }
    });
    // All of them before the first thread: a maker that panics leaves none behind.
    let makings: Vec<_> = makings.collect();
    let threads = Threads::start(makings, &placement, &driver, control)?;
    let open_connections = threads.await_ready(&plan, &share, &addresses, control)?;
    on_seen(Seen::Ready { open_connections });
    let start_ns = threads.set_start(options.start_unix_us);
    let _watch = plan.dns_ns.map(|every_ns| NameWatch::start(&plan, &addresses, every_ns, control));
    let start_ns = start_ns + plan.warmup_ns;
    let starts = Starts { start_ns, share, tags, judge };
    let collector = Collector::new(&plan, &placement, &driver, &addresses, options, starts);
    collector.collect(threads, control, on_seen)
}

/// What becomes of a notice of the source: an event. Shards of a closed loop end by themselves when it
/// has ended; where it has failed, they are stopped.
fn tell(control: &Control, is_open_loop: bool) -> impl Fn(Notice) + Send + 'static {
    let control = control.clone();
    move |notice| match notice {
        Notice::Fault(text) | Notice::Ended(text) => control.tell("source", text),
        Notice::Failed(text) if is_open_loop => control.tell("source", text),
        Notice::Failed(text) => control.stop_because(&text),
    }
}

/// Where local addresses are given, connections come from no other.
fn check_origins(plan: &Plan, addresses: &[SocketAddr]) -> Result<(), LaunchError> {
    let is_out_of_reach = |address: &&SocketAddr| plan.origins.towards(address).is_empty();
    match addresses.iter().find(is_out_of_reach) {
        _ if plan.origins.is_empty() => return Ok(()),
        Some(&address) => return Err(LaunchError::Origins(address)),
        None => {}
    }
    for &address in plan.origins.all() {
        UdpSocket::bind((address, 0)).map_err(|why| LaunchError::Origin { address, why })?;
    }
    Ok(())
}

/// Checks the goals and limits of a plan.
///
/// # Errors
///
/// When one of them is not a rule.
pub fn check_rules(document: &acp_wire::Plan) -> Result<(), RuleError> {
    Judge::new(&document.stop).map(drop)
}

/// A name may stand for addresses of both families while the server listens on one: then only the
/// family that answers is used, as a browser would.
fn reachable_family(addresses: Vec<SocketAddr>, timeout_ns: u64) -> Vec<SocketAddr> {
    let (v4, v6): (Vec<_>, Vec<_>) = addresses.iter().copied().partition(SocketAddr::is_ipv4);
    if v4.is_empty() || v6.is_empty() {
        return addresses;
    }
    let timeout = std::time::Duration::from_nanos(timeout_ns);
    let answers = |family: &[SocketAddr]| {
        family.iter().any(|address| std::net::TcpStream::connect_timeout(address, timeout).is_ok())
    };
    match (answers(&v4), answers(&v6)) {
        (true, false) => v4,
        (false, true) => v6,
        // Both answer, or neither: leave it as it is. Half of a dual-stack name on each is fair.
        _ => addresses,
    }
}
