//! Frames: kept until control has stored them, whatever happens to control and to the agent.

use crate::control::Control;
use crate::host::{Host, get, until};
use acp_wire::agent::{Part, PartState};
use std::time::Duration;

#[tokio::test]
async fn a_control_that_restarts_gets_again_what_it_had_not_stored() {
    let mut host = Host::running("0 good").await;
    host.control.memory().stores = false;
    host.assign(&[host.part("r.0")]).await;
    host.control.wait("it has some", |memory| memory.frames("r.0") > 5).await;
    host.control.stop().await;
    assert_eq!(host.control.memory().frames("r.0"), 0, "it had stored none");
    host.control.restart().await;
    host.control.wait("it has them again", |memory| memory.frames("r.0") > 5).await;
    host.control.memory().stores = true;
    host.control.wait("some are stored", |memory| memory.stored("r.0") > 5).await;
    host.control.stop().await;
    host.control.restart().await;
    host.assign(&[Part { stop: true, ..host.part("r.0") }]).await;
    host.control.wait("all came", |memory| memory.has_last("r.0")).await;
    host.control.memory().check_whole("r.0");
}

#[tokio::test]
async fn an_agent_that_crashes_hands_over_what_is_left_at_its_next_start() {
    let mut host = Host::running("0 good").await;
    host.control.memory().stores = false;
    host.assign(&[host.part("r.0")]).await;
    host.control.wait("it has some", |memory| memory.frames("r.0") > 5).await;
    let had = host.control.memory().frames("r.0");
    host.control.stop().await;
    host.crash().await;
    host.control.restart().await;
    host.control.memory().stores = true;
    host.control.memory().statuses.clear();
    host.start().await;
    host.control.wait("they are there", |memory| memory.stored("r.0") >= had).await;
    host.control.wait("it is told", |memory| memory.has_state("r.0", PartState::Failed)).await;
    let text = host.control.memory().part("r.0").unwrap().text.clone();
    assert_eq!(text, "its agent ended while it ran, and the engine with it");
    let memory = host.control.memory();
    let count = u64::try_from(memory.frames("r.0")).unwrap();
    assert_eq!(memory.parts["r.0"].memory, (0..count).collect::<Vec<_>>(), "no hole, no double");
}

#[tokio::test]
async fn an_agent_that_leaves_without_control_hands_over_at_its_next_start() {
    let mut host = Host::new("4 good").await;
    host.settings.flush_time = Duration::from_millis(100);
    host.start().await;
    host.control.memory().refuses_frames = true;
    host.assign(&[host.part("r.0")]).await;
    host.control.wait("it ends", |memory| memory.has_state("r.0", PartState::Finished)).await;
    host.shut_down();
    host.left().await.unwrap();
    assert_eq!(host.control.memory().frames("r.0"), 0);
    host.control.memory().refuses_frames = false;
    host.start().await;
    host.control.wait("all came", |memory| memory.has_last("r.0")).await;
    host.control.memory().check_whole("r.0");
}

#[tokio::test]
async fn beyond_memory_and_disk_frames_are_lost_and_said_to_be() {
    let mut host = Host::new("40 good").await;
    host.settings.spool.memory_frames = 4;
    host.settings.spool.disk_bytes = 4096;
    let address = host.start().await;
    host.control.memory().refuses_frames = true;
    host.assign(&[host.part("r.0")]).await;
    host.control.wait("it ends", |memory| memory.has_state("r.0", PartState::Finished)).await;
    let text = host.control.memory().part("r.0").unwrap().text.clone();
    let lost: usize = text.strip_suffix(" frames are lost").unwrap().parse().unwrap();
    let size = std::fs::metadata(host.part_folder("r.0").join("frames.jsonl")).unwrap().len();
    assert!(size <= 4096, "{size}");
    host.control.memory().refuses_frames = false;
    host.control.wait("the first came", |memory| memory.stored("r.0") > 0).await;
    let messages = host.control.memory().messages;
    host.control.wait("it was answered", |memory| memory.messages > messages + 1).await;
    let metrics = get(address, "/metrics").await;
    assert!(metrics.contains(&format!("acp_agent_frames_lost_total {lost}\n")), "{metrics}");
    let came = host.control.memory().frames("r.0");
    let waiting = 41 - came - lost;
    assert!(lost > 0 && came > 0, "{lost} lost, {came} came");
    assert_eq!(waiting, 4, "those in memory wait behind the hole, the last with them");
    assert!(metrics.contains("acp_agent_frames_waiting 4\n"), "{metrics}");
    // Control ends the run without them, and only then they are forgotten.
    host.control.memory().is_closed = true;
    host.assign(&[]).await;
    until("it is forgotten", || !host.part_folder("r.0").exists()).await;
}

#[tokio::test]
async fn the_leader_is_followed() {
    let mut host = Host::running("0 good").await;
    let leader = Control::start().await;
    leader.memory().epoch = host.control.memory().epoch;
    host.control.memory().stores = false;
    host.assign(&[host.part("r.0")]).await;
    host.control.wait("it runs", |memory| memory.frames("r.0") > 0).await;
    host.control.memory().leader = Some(leader.url());
    leader.wait("the leader has its frames", |memory| memory.frames("r.0") > 0).await;
    leader.wait("and its status", |memory| memory.has_state("r.0", PartState::Running)).await;
}

#[tokio::test]
async fn a_leader_of_before_is_not_obeyed() {
    let mut host = Host::running("0 good").await;
    host.assign(&[host.part("r.0")]).await;
    host.control.wait("it runs", |memory| memory.frames("r.0") > 0).await;
    let pid = host.pid("r.0").await;
    {
        let mut memory = host.control.memory();
        memory.epoch -= 1;
        memory.stop.push("r.0".to_owned());
    }
    let messages = host.control.memory().messages;
    host.control.wait("it has answered", |memory| memory.messages > messages + 2).await;
    assert!(crate::host::is_alive(pid), "only the leader stops parts");
}
