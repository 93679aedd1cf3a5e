//! Leases: without control nothing is sent.

use crate::host::{Host, is_alive, until};
use acp_wire::agent::PartState;
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_silent_control_ends_all_load() {
    let mut host = Host::new("0 good").await;
    host.control.memory().lease = Duration::from_secs(2);
    host.start().await;
    host.assign(&[host.part("r.0")]).await;
    host.control.wait("it runs", |memory| memory.frames("r.0") > 0).await;
    let pid = host.pid("r.0").await;
    let silent = Instant::now();
    host.control.memory().is_silent = true;
    until("the engine is gone", || !is_alive(pid)).await;
    assert!(silent.elapsed() > Duration::from_millis(500), "not before its lease was over");
    host.control.memory().is_silent = false;
    host.control.wait("it is told", |memory| memory.has_state("r.0", PartState::Finished)).await;
    host.control.wait("all came", |memory| memory.has_last("r.0")).await;
    host.control.memory().check_whole("r.0");
    let lines = host.wrote("r.0", "lines");
    assert!(lines.contains("stop") || lines.contains("over"), "{lines}");
}

#[tokio::test]
async fn no_engine_starts_without_a_lease() {
    let mut host = Host::new("0 good").await;
    host.control.memory().lease = Duration::ZERO;
    host.start().await;
    host.assign(&[host.part("r.0")]).await;
    host.control.wait("it waits", |memory| memory.has_state("r.0", PartState::Starting)).await;
    let messages = host.control.memory().messages;
    host.control.wait("it goes on waiting", |memory| memory.messages > messages).await;
    assert!(host.wrote("r.0", "pid").is_empty());
    host.control.memory().lease = Duration::from_secs(15);
    host.control.wait("it runs", |memory| memory.frames("r.0") > 0).await;
}

#[tokio::test]
async fn a_lease_is_never_longer_than_the_agent_allows() {
    let mut host = Host::new("0 good").await;
    host.settings.lease_max = Duration::from_secs(3);
    host.control.memory().lease = Duration::from_secs(3600);
    host.start().await;
    host.assign(&[host.part("r.0")]).await;
    host.control.wait("it runs", |memory| memory.frames("r.0") > 20).await;
    let lines = host.wrote("r.0", "lines");
    let leases: Vec<u64> = lines
        .lines()
        .filter_map(|line| line.split_once("lease_us\":"))
        .map(|(_, left)| left.trim_end_matches('}').parse().unwrap())
        .collect();
    assert!(!leases.is_empty() && leases.iter().all(|left| *left <= 3_000_000), "{leases:?}");
    assert!(leases.len() > 1, "renewed with every answer: {leases:?}");
}
