//! How an agent starts and leaves.

use crate::control::PATIENCE;
use crate::host::{AGENT, Host, get, is_alive, settings};
use acp_agent::{Agent, AgentError};
use acp_wire::agent::PartState;
use std::time::Duration;

#[tokio::test]
async fn an_agent_that_leaves_lets_a_short_part_finish() {
    let mut host = Host::new("10 good").await;
    host.settings.drain_time = PATIENCE;
    host.start().await;
    host.assign(&[host.part("r.0")]).await;
    host.control.wait("it runs", |memory| memory.frames("r.0") > 0).await;
    host.shut_down();
    host.control.wait("control knows", |memory| memory.statuses.last().unwrap().draining).await;
    host.left().await.unwrap();
    let memory = host.control.memory();
    memory.check_whole("r.0");
    assert_eq!(memory.frames("r.0"), 11, "ten and the last: it was not stopped");
    assert!(memory.has_state("r.0", PartState::Finished));
}

#[tokio::test]
async fn an_agent_that_leaves_stops_a_long_part_takes_no_other_and_deregisters() {
    let mut host = Host::new("0 good").await;
    host.settings.drain_time = Duration::from_secs(3);
    host.start().await;
    host.assign(&[host.part("r.0")]).await;
    host.control.wait("it runs", |memory| memory.frames("r.0") > 0).await;
    let pid = host.pid("r.0").await;
    let mut membership = host.membership();
    let known = membership.wait_for(|membership| membership.agents.contains_key(AGENT));
    tokio::time::timeout(PATIENCE, known).await.unwrap().unwrap();
    host.shut_down();
    host.assign(&[host.part("r.0"), host.part("s.0")]).await;
    host.control.wait("refused", |memory| memory.has_state("s.0", PartState::Failed)).await;
    host.left().await.unwrap();
    assert!(!is_alive(pid));
    let gone = membership.wait_for(|membership| membership.agents.is_empty());
    tokio::time::timeout(PATIENCE, gone).await.unwrap().unwrap();
    let memory = host.control.memory();
    assert!(memory.has_state("r.0", PartState::Failed), "others are to go on with it");
    assert!(!memory.has_last("r.0"));
    assert_eq!(memory.part("r.0").unwrap().text, "the agent is leaving");
    assert_eq!(memory.part("s.0").unwrap().text, "the agent is leaving");
}

#[tokio::test]
async fn an_idle_agent_leaves_at_once_even_without_control() {
    let mut host = Host::running("0 good").await;
    host.control.wait("it is there", |memory| !memory.statuses.is_empty()).await;
    host.control.stop().await;
    host.shut_down();
    host.left().await.unwrap();
}

#[tokio::test]
async fn a_second_agent_with_the_same_address_or_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let first = settings(&folder, "0 good");
    let agent = Agent::bind(first.clone()).await.unwrap();
    let address = agent.address().unwrap();
    let other = tempfile::tempdir().unwrap();
    let mut same_address = settings(&other, "0 good");
    same_address.listen = address;
    let error = Agent::bind(same_address).await.unwrap_err();
    assert!(matches!(&error, AgentError::Listen { address: taken, .. } if *taken == address));
    assert!(error.to_string().contains("an agent may run on this host already"), "{error}");
    let error = Agent::bind(first.clone()).await.unwrap_err();
    assert!(matches!(error, AgentError::Locked { .. }), "{error}");
    drop(agent);
    assert!(Agent::bind(first).await.is_ok(), "both are free again");
}

#[tokio::test]
async fn an_agent_is_named_after_its_host_and_port() {
    let folder = tempfile::tempdir().unwrap();
    let mut named = settings(&folder, "0 good");
    named.id = None;
    let agent = Agent::bind(named).await.unwrap();
    let (host, port) = agent.info().agent.rsplit_once(':').unwrap();
    assert_eq!(host, agent.info().host);
    assert_eq!(port, agent.address().unwrap().port().to_string());
    assert_eq!(agent.info().cores, 4);
    assert_eq!(agent.info().protocols, ["http", "https"]);
}

#[tokio::test]
async fn an_agent_says_how_it_is() {
    let mut host = Host::new("0 good").await;
    let address = host.start().await;
    host.control.wait("it is there", |memory| memory.statuses.len() > 1).await;
    let answer = get(address, "/healthz").await;
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("\"is_registered\":true"),
        "{answer}"
    );
    let answer = get(address, "/metrics").await;
    for text in
        ["application/openmetrics-text", "acp_agent_cores 4\n", "acp_host_memory_total_bytes"]
    {
        assert!(answer.contains(text), "`{text}` is missing in:\n{answer}");
    }
    assert!(get(address, "/nothing").await.starts_with("HTTP/1.1 404"));
}
