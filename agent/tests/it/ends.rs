//! How engines end: told to, by themselves, badly.

use crate::host::{Host, is_alive, until};
use acp_wire::agent::{Part, PartState};
use std::time::Duration;

#[tokio::test]
async fn an_engine_that_dies_is_a_failed_part_with_its_last_words() {
    let mut host = Host::running("3 dies").await;
    host.assign(&[host.part("r.0")]).await;
    host.control.wait("it failed", |memory| memory.has_state("r.0", PartState::Failed)).await;
    let part = host.control.memory().part("r.0").unwrap().clone();
    assert_eq!(part.text, "the engine ended with exit code 1");
    assert_eq!(part.log_tail, "something went very wrong");
    assert!(part.books.is_none());
    host.control.wait("its frames are here", |memory| memory.frames("r.0") == 3).await;
}

#[tokio::test]
async fn an_engine_that_is_killed_is_a_failed_part() {
    let mut host = Host::running("0 good").await;
    host.assign(&[host.part("r.0")]).await;
    let pid = host.pid("r.0").await;
    host.control.wait("it runs", |memory| memory.frames("r.0") > 0).await;
    let pid = nix::unistd::Pid::from_raw(i32::try_from(pid).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
    host.control.wait("it failed", |memory| memory.has_state("r.0", PartState::Failed)).await;
    let text = host.control.memory().part("r.0").unwrap().text.clone();
    assert_eq!(text, "the engine was killed by signal 9");
}

/// Every way to stop a part: it finishes with its report, and all its frames are there.
#[tokio::test]
async fn a_stopped_engine_gives_its_report() {
    for way in ["stop in the assignment", "not assigned", "stop in an answer"] {
        let mut host = Host::running("0 good").await;
        host.assign(&[host.part("r.0")]).await;
        host.control.wait("it runs", |memory| memory.frames("r.0") > 2).await;
        let pid = host.pid("r.0").await;
        match way {
            "stop in the assignment" => {
                host.assign(&[Part { stop: true, ..host.part("r.0") }]).await;
            }
            "not assigned" => host.assign(&[]).await,
            _ => host.control.memory().stop.push("r.0".to_owned()),
        }
        host.control.wait(way, |memory| memory.has_state("r.0", PartState::Finished)).await;
        host.control.wait(way, |memory| memory.has_last("r.0")).await;
        host.control.memory().check_whole("r.0");
        assert!(!is_alive(pid), "{way}");
        let finished = |status: &acp_wire::agent::Status| {
            status.parts.iter().find(|part| part.state == PartState::Finished).cloned()
        };
        let part = host.control.memory().statuses.iter().find_map(finished).unwrap();
        assert_eq!((part.text.as_str(), part.books.unwrap().planned), ("control said so", 7));
    }
}

/// Control gave it up, and an assignment from before comes late.
#[tokio::test]
async fn a_part_that_is_stopped_before_it_is_known_is_never_started() {
    let mut host = Host::running("0 good").await;
    host.control.memory().stop.push("r.0".to_owned());
    host.control.wait("it was answered", |memory| memory.statuses.len() > 1).await;
    host.control.memory().stop.clear();
    assert!(!host.part_folder("r.0").exists(), "nothing to say while nobody assigns it");
    host.assign(&[host.part("r.0"), host.part("s.0")]).await;
    host.control.wait("it ends", |memory| memory.has_state("r.0", PartState::Finished)).await;
    host.control.wait("another runs", |memory| memory.frames("s.0") > 0).await;
    let text = host.control.memory().part("r.0").unwrap().text.clone();
    assert_eq!(text, "it was stopped before it was started");
    assert!(host.wrote("r.0", "pid").is_empty());
}

/// Somebody ends the engine, and not the agent.
#[tokio::test]
async fn an_engine_that_is_told_to_end_by_others_is_a_failed_part_without_its_last_frame() {
    let mut host = Host::running("0 good").await;
    host.assign(&[host.part("r.0")]).await;
    let pid = host.pid("r.0").await;
    host.control.wait("it runs", |memory| memory.frames("r.0") > 0).await;
    let pid = nix::unistd::Pid::from_raw(i32::try_from(pid).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    host.control.wait("it failed", |memory| memory.has_state("r.0", PartState::Failed)).await;
    let text = host.control.memory().part("r.0").unwrap().text.clone();
    assert_eq!(text, "the engine ended with exit code 130 before the end of its schedule");
    let handed_over = host.part_folder("r.0").join("frames.jsonl");
    until("all is stored", || std::fs::metadata(&handed_over).unwrap().len() == 0).await;
    assert!(!host.control.memory().has_last("r.0"));
}

#[tokio::test]
async fn an_engine_that_hears_nothing_is_killed_with_all_its_group() {
    let mut host = Host::new("0 deaf").await;
    host.settings.stop_time = Duration::from_millis(100);
    host.start().await;
    host.assign(&[host.part("r.0")]).await;
    host.control.wait("it runs", |memory| memory.frames("r.0") > 0).await;
    let pid = host.pid("r.0").await;
    host.assign(&[Part { stop: true, ..host.part("r.0") }]).await;
    host.control.wait("it failed", |memory| memory.has_state("r.0", PartState::Failed)).await;
    let text = host.control.memory().part("r.0").unwrap().text.clone();
    assert_eq!(text, "the engine was killed by signal 9 (control said so)");
    assert!(!is_alive(pid));
}

#[tokio::test]
async fn a_line_that_is_no_frame_is_said() {
    let mut host = Host::running("2 babbles").await;
    host.assign(&[host.part("r.0")]).await;
    host.control.wait("it ends", |memory| memory.has_state("r.0", PartState::Finished)).await;
    let text = host.control.memory().part("r.0").unwrap().text.clone();
    assert_eq!(text, "1 frames are lost");
}

#[tokio::test]
async fn engines_go_on_over_an_expired_session() {
    let mut host = Host::running("0 good").await;
    host.assign(&[host.part("r.0")]).await;
    host.control.wait("it runs", |memory| memory.frames("r.0") > 0).await;
    let pid = host.pid("r.0").await;
    host.model.expire(crate::host::AGENT);
    let mut membership = host.membership();
    let gone = membership.wait_for(|membership| membership.agents.is_empty());
    tokio::time::timeout(crate::control::PATIENCE, gone).await.unwrap().unwrap();
    let back = membership.wait_for(|membership| membership.agents.contains_key(crate::host::AGENT));
    tokio::time::timeout(crate::control::PATIENCE, back).await.unwrap().unwrap();
    let before = host.control.memory().frames("r.0");
    host.control.wait("it goes on", |memory| memory.frames("r.0") > before).await;
    assert!(is_alive(pid), "the same engine");
    host.assign(&[]).await;
    until("it hears its new session", || !is_alive(pid)).await;
}
