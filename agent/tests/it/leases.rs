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
    host.control.wait("it is told", |memory| memory.has_state("r.0", PartState::Failed)).await;
    let text = host.control.memory().part("r.0").unwrap().text.clone();
    assert_eq!(text, "the agent's lease was over");
    let lines = host.wrote("r.0", "lines");
    assert!(lines.contains("stop") || lines.contains("over"), "{lines}");
}

/// Others are to send what is left: the frame that books it as not sent is for nobody, neither now nor
/// after a restart.
#[tokio::test]
async fn the_last_frame_of_an_engine_without_a_lease_is_kept_back() {
    let mut host = Host::new("0 good").await;
    host.control.memory().lease = Duration::from_secs(2);
    host.start().await;
    host.assign(&[host.part("r.0")]).await;
    host.control.wait("it runs", |memory| memory.frames("r.0") > 2).await;
    let pid = host.pid("r.0").await;
    host.control.memory().is_silent = true;
    until("the engine is gone", || !is_alive(pid)).await;
    until("its end is remembered", || host.part_folder("r.0").join("ended.json").exists()).await;
    host.crash().await;
    let spool = std::fs::read_to_string(host.part_folder("r.0").join("frames.jsonl")).unwrap();
    assert!(!spool.contains("\"last\":true"), "{spool}");
    {
        let mut memory = host.control.memory();
        memory.is_silent = false;
        memory.lease = Duration::from_secs(15);
        memory.statuses.clear();
    }
    host.start().await;
    host.control.wait("it is told", |memory| memory.has_state("r.0", PartState::Failed)).await;
    // The frames of the other part are sent after all of the one that has ended.
    host.assign(&[host.part("s.0")]).await;
    host.control.wait("another runs", |memory| memory.frames("s.0") > 0).await;
    let memory = host.control.memory();
    assert!(!memory.has_last("r.0"));
    let part = memory.parts["r.0"].memory.clone();
    let count = u64::try_from(part.len()).unwrap();
    assert_eq!(part, (0..count).collect::<Vec<_>>(), "no hole, no double");
}

/// A control plane that has just started: what another gave goes on, no shorter and no longer.
#[tokio::test]
async fn an_answer_without_a_lease_is_none() {
    let mut host = Host::new("0 good").await;
    host.control.memory().lease = Duration::from_secs(8);
    host.start().await;
    host.assign(&[host.part("r.0")]).await;
    host.control.wait("it runs", |memory| memory.frames("r.0") > 0).await;
    let pid = host.pid("r.0").await;
    let messages = {
        let mut memory = host.control.memory();
        memory.lease = Duration::ZERO;
        memory.stop.push("r.0".to_owned());
        memory.messages
    };
    host.control.wait("it has answered", |memory| memory.messages > messages + 2).await;
    assert!(is_alive(pid), "neither its lease nor its stop counts");
    until("the lease it had ends", || !is_alive(pid)).await;
    let lines = host.wrote("r.0", "lines");
    assert!(!lines.contains("lease_us\":0}"), "{lines}");
    host.control.memory().lease = Duration::from_secs(15);
    host.control.wait("it is told", |memory| memory.has_state("r.0", PartState::Failed)).await;
}

#[tokio::test]
async fn an_engine_is_born_with_what_is_left_of_the_lease() {
    let mut host = Host::new("0 good").await;
    host.control.memory().lease = Duration::from_secs(20);
    host.start().await;
    host.assign(&[host.part("r.0")]).await;
    host.control.wait("it runs", |memory| memory.frames("r.0") > 0).await;
    let text = host.wrote("r.0", "arguments");
    let mut arguments = text.lines();
    arguments.find(|argument| *argument == "--lease").unwrap();
    let lease = arguments.next().unwrap().strip_suffix("us").unwrap();
    let lease_us: u64 = lease.parse().unwrap();
    assert!(lease_us > 0 && lease_us <= 20_000_000, "{lease_us}");
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
