//! Control's numbers for Prometheus, made when they are asked for.
//!
//! Sums come from the store and from memory; what a run does now is its newest merged frame; hosts
//! of agents are as they said last. A number that nobody knows is left out.

use crate::api::live::Live;
use crate::api::{Answer, ApiError, App};
use crate::store::{Page, RunFilter, RunState};
use acp_wire::agent::HostSample;
use procfs::process::Process;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Content type of the exposition.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Number = Gauge<f64, AtomicU64>;
type Labels = Vec<(&'static str, String)>;
type Numbers = Family<Labels, Number>;

/// Name, help and number of what a host tells.
type HostRow = (&'static str, &'static str, fn(&HostSample) -> Option<f64>);

const HOST: [HostRow; 11] = [
    ("cpu_busy_ratio", "Share of CPU time in use", |host| host.cpu_busy_ratio),
    ("cpu_steal_ratio", "Share of CPU time stolen", |host| host.cpu_steal_ratio),
    ("load_1m", "Load average of the last minute", |host| host.load_1m),
    ("memory_total_bytes", "Memory in all", |host| count(host.memory_total_bytes)),
    ("memory_available_bytes", "Memory that programs could get", |host| {
        count(host.memory_available_bytes)
    }),
    ("network_received_bytes_per_second", "Received, without loopback", |host| {
        host.network_received_bytes_per_s
    }),
    ("network_sent_bytes_per_second", "Sent, without loopback", |host| {
        host.network_sent_bytes_per_s
    }),
    ("tcp_in_use", "TCP sockets in use", |host| count(host.tcp_in_use)),
    ("tcp_time_wait", "TCP sockets in TIME_WAIT", |host| count(host.tcp_time_wait)),
    ("tcp_retransmits_per_second", "TCP segments sent again", |host| host.tcp_retransmits_per_s),
    ("disk_free_bytes", "Free space of the agent's folder", |host| count(host.disk_free_bytes)),
];

/// Name, help and number of what an active run does.
type RunRow = (&'static str, &'static str, fn(&Live) -> Option<f64>);

const RUN: [RunRow; 6] = [
    ("target_per_second", "Rate that the schedule asks for", |live| Some(live.target_per_s)),
    ("sent_per_second", "Requests sent in the newest second", |live| Some(live.sent_per_s)),
    ("completed_per_second", "Responses in the newest second", |live| Some(live.completed_per_s)),
    ("errors_per_second", "Errors in the newest second", |live| Some(live.errors_per_s)),
    ("response_p99_seconds", "99th percentile of response time in the newest second", |live| {
        // Response times are above 0: this one is of no response.
        (live.response_p99_ns > 0).then_some(live.response_p99_ns as f64 / 1e9)
    }),
    ("in_flight", "Requests without an outcome", |live| Some(live.in_flight as f64)),
];

const STATES: [(RunState, &str); 8] = [
    (RunState::Pending, "pending"),
    (RunState::Assigned, "assigned"),
    (RunState::Ready, "ready"),
    (RunState::Running, "running"),
    (RunState::Draining, "draining"),
    (RunState::Done, "done"),
    (RunState::Failed, "failed"),
    (RunState::Aborted, "aborted"),
];

fn count(number: Option<u64>) -> Option<f64> {
    number.map(|number| number as f64)
}

/// The numbers as text.
pub(crate) async fn render(app: &App) -> Answer<String> {
    let mut registry = Registry::with_prefix("acp");
    runs(app, &mut registry).await?;
    agents(app, &mut registry);
    let frames = ConstCounter::new(app.frames_taken.load(Ordering::Relaxed));
    registry.register("frames_taken", "Frames of agents that this control took", frames);
    let build = Numbers::default();
    set(&build, vec![("version", env!("CARGO_PKG_VERSION").into())], 1.0);
    registry.register("build_info", "Version of this control", build);
    process(&mut registry);
    let mut text = String::new();
    encode(&mut text, &registry).map_err(|error| ApiError::internal(&error))?;
    Ok(text)
}

async fn runs(app: &App, registry: &mut Registry) -> Answer<()> {
    let by_state = Numbers::default();
    for (state, name) in STATES {
        let filter = RunFilter { task: None, states: vec![state] };
        let (_, total) = app.store.runs(&filter, Page { offset: 0, limit: 1 }).await?;
        set(&by_state, vec![("state", name.into())], total as f64);
    }
    registry.register("runs", "Runs, by state", by_state);
    let numbers: [Numbers; RUN.len()] = std::array::from_fn(|_| Numbers::default());
    for run in app.store.active_runs().await? {
        let live = app.live.of(app.store.as_ref(), &run.id).await?;
        for (family, (_, _, number)) in numbers.iter().zip(RUN) {
            if let Some(number) = number(&live) {
                set(family, vec![("run", run.id.clone()), ("name", run.name.clone())], number);
            }
        }
    }
    let registry = registry.sub_registry_with_prefix("run");
    for (family, (name, help, _)) in numbers.into_iter().zip(RUN) {
        registry.register(name, help, family);
    }
    Ok(())
}

fn agents(app: &App, registry: &mut Registry) {
    let membership = Arc::clone(&app.coord.membership().borrow());
    let gauge = |number: f64| {
        let gauge = Number::default();
        gauge.set(number);
        gauge
    };
    let is_current = gauge(f64::from(u8::from(membership.is_current)));
    registry.register("coordinator_up", "Whether the coordinator can be reached", is_current);
    let registered = gauge(membership.agents.len() as f64);
    registry.register("agents", "Agents that are registered", registered);
    let cores = membership.agents.values().map(|info| f64::from(info.cores)).sum();
    registry.register("agents_cores", "Cores that registered agents offer", gauge(cores));
    let numbers: [Numbers; HOST.len()] = std::array::from_fn(|_| Numbers::default());
    let clocks = Numbers::default();
    for (agent, said) in app.statuses.all() {
        // What an agent that is gone has said last is no news.
        if !membership.agents.contains_key(&agent) {
            continue;
        }
        let labels = vec![("agent", agent)];
        if let Some(offset_us) = said.status.clock_offset_us {
            set(&clocks, labels.clone(), offset_us as f64 / 1e6);
        }
        let Some(host) = said.status.host else { continue };
        for (family, (_, _, number)) in numbers.iter().zip(HOST) {
            if let Some(number) = number(&host) {
                set(family, labels.clone(), number);
            }
        }
    }
    let help = "Clock of the agent less that of control";
    registry.register("agent_clock_offset_seconds", help, clocks);
    let registry = registry.sub_registry_with_prefix("agent_host");
    for (family, (name, help, _)) in numbers.into_iter().zip(HOST) {
        registry.register(name, help, family);
    }
}

/// What the process takes, under the names that Prometheus' own libraries use.
fn process(registry: &mut Registry) {
    let registry = registry.sub_registry_with_prefix("process");
    let rows = process_rows().unwrap_or_default();
    for (name, help, value) in rows {
        let gauge = Number::default();
        gauge.set(value);
        registry.register(name, help, gauge);
    }
}

fn process_rows() -> procfs::ProcResult<Vec<(&'static str, &'static str, f64)>> {
    let own = Process::myself()?;
    let stat = own.stat()?;
    let cpu_s = (stat.utime + stat.stime) as f64 / procfs::ticks_per_second() as f64;
    Ok(vec![
        ("cpu_seconds", "User and system time", cpu_s),
        ("resident_memory_bytes", "Resident set", (stat.rss * procfs::page_size()) as f64),
        ("threads", "Threads", stat.num_threads as f64),
        ("open_fds", "Open files", own.fd_count()? as f64),
    ])
}

fn set(family: &Numbers, labels: Labels, number: f64) {
    family.get_or_create(&labels).set(number);
}
