//! As many rows as ten thousand agents make, in one call.

use super::world::{World, commit, frame, on_both, part, sums};
use acp_control::store::AgentRecord;
use acp_wire::agent::{AgentInfo, HostSample, PartState};
use std::time::{Duration, Instant};

on_both!(ten_thousand_parts, ten_thousand_agents);

const COUNT: u32 = 10_000;

/// What no machine takes that does one statement for many rows, and any takes that does not.
const LIMIT: Duration = Duration::from_secs(20);

async fn timed<T>(what: &str, work: impl Future<Output = T>) -> T {
    let start = Instant::now();
    let done = work.await;
    println!("{what}: {COUNT} rows in {:?}", start.elapsed());
    assert!(start.elapsed() < LIMIT, "{what} took {:?}", start.elapsed());
    done
}

async fn ten_thousand_parts(world: World) {
    world.run("r").await;
    let store = &world.store;
    let mut parts: Vec<_> = (0..COUNT).map(|number| part("r", number)).collect();
    timed("add_parts", store.add_parts(&parts)).await.unwrap();
    for part in &mut parts {
        (part.state, part.stored) = (PartState::Running, 0);
        part.status.text = "running".into();
    }
    timed("update_parts", store.update_parts(&parts)).await.unwrap();
    let names: Vec<_> = parts.iter().map(|part| part.part.clone()).collect();
    for below in [1, 2] {
        let stored: Vec<_> = names.iter().map(|name| (name.as_str(), below)).collect();
        let commit = commit("r", vec![frame(below, 1)], &stored);
        timed("commit_frames", store.commit_frames(&commit)).await.unwrap();
    }
    for part in &mut parts {
        (part.stored, part.sums) = (2, sums(2));
    }
    let found = timed("parts", store.parts("r")).await.unwrap();
    assert!(found == parts, "parts came back otherwise");
}

async fn ten_thousand_agents(world: World) {
    let store = &world.store;
    let agents: Vec<_> = (0..COUNT)
        .map(|number| AgentRecord {
            info: AgentInfo { agent: format!("agent-{number:05}"), ..AgentInfo::default() },
            ..AgentRecord::default()
        })
        .collect();
    for _ in 0..2 {
        timed("put_agents", store.put_agents(&agents)).await.unwrap();
    }
    let found = timed("agents", store.agents()).await.unwrap();
    assert!(found == agents, "agents came back otherwise");
    let samples: Vec<_> = agents
        .iter()
        .map(|agent| {
            let sample = HostSample {
                at_unix_us: 5,
                cpu_busy_ratio: Some(0.25),
                memory_total_bytes: Some(1 << 34),
                ..HostSample::default()
            };
            (agent.info.agent.clone(), sample)
        })
        .collect();
    timed("add_host_samples", store.add_host_samples(&samples)).await.unwrap();
    let found = store.host_samples("agent-09999", 0, 10, 10).await.unwrap();
    assert_eq!(found, [samples[9_999].1]);
}
