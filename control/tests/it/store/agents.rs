//! Agents, samples of their hosts, what they can do.

use super::world::{HARD_TEXTS, World, kind, on_both};
use acp_control::store::{AgentRecord, CalibrationRecord};
use acp_wire::agent::{AgentInfo, HostSample};
use std::collections::BTreeMap;

on_both!(agents, host_samples, calibrations);

fn agent(name: &str) -> AgentRecord {
    AgentRecord {
        info: AgentInfo { agent: name.into(), cores: 4, ..AgentInfo::default() },
        is_enabled: true,
        first_seen_unix_us: 10,
        last_seen_unix_us: 20,
    }
}

async fn agents(world: World) {
    assert_eq!(world.store.agents().await.unwrap(), []);
    world.store.put_agents(&[]).await.unwrap();
    let mut first = agent("a");
    first.info.labels = BTreeMap::from([("zone".into(), HARD_TEXTS.concat())]);
    world.store.put_agents(&[agent("c"), agent("B"), first.clone()]).await.unwrap();
    assert_eq!(world.store.agents().await.unwrap(), [agent("B"), first.clone(), agent("c")]);

    assert!(world.store.set_agent_enabled("a", false).await.unwrap());
    assert!(world.store.set_agent_enabled("a", false).await.unwrap(), "it is there, as it was");
    assert!(!world.store.set_agent_enabled("A", false).await.unwrap(), "unknown");
    let mut seen = first.clone();
    (seen.info.cores, seen.first_seen_unix_us, seen.last_seen_unix_us) = (8, 99, 99);
    world.store.put_agents(std::slice::from_ref(&seen)).await.unwrap();
    (seen.is_enabled, seen.first_seen_unix_us) = (false, 10);
    let found = world.store.agents().await.unwrap();
    assert_eq!(found[1], seen, "whoever hears of an agent does not put it back into service");

    assert!(world.store.remove_agent("a").await.unwrap());
    assert!(!world.store.remove_agent("a").await.unwrap(), "again");
    assert_eq!(world.store.agents().await.unwrap(), [agent("B"), agent("c")]);
}

async fn host_samples(world: World) {
    let sample = |at_unix_us| HostSample {
        at_unix_us,
        cpu_busy_ratio: Some(0.1 + 0.2),
        memory_total_bytes: Some(u64::MAX),
        ..HostSample::default()
    };
    let samples: Vec<_> = [30, 10, 20].map(|at| ("a".to_string(), sample(at))).into();
    world.store.add_host_samples(&samples).await.unwrap();
    world.store.add_host_samples(&[("b".to_string(), sample(15))]).await.unwrap();
    world.store.add_host_samples(&[]).await.unwrap();
    type Row<'a> = (&'a str, &'a str, u64, u64, u32, &'a [u64]);
    let rows: [Row<'_>; 7] = [
        ("all, by time", "a", 0, u64::MAX, 10, &[10, 20, 30]),
        ("the end is not in it", "a", 10, 30, 10, &[10, 20]),
        ("the first two", "a", 0, 100, 2, &[10, 20]),
        ("an empty range", "a", 20, 20, 10, &[]),
        ("a range the wrong way round", "a", 30, 10, 10, &[]),
        ("another agent", "b", 0, 100, 10, &[15]),
        ("an unknown agent", "c", 0, 100, 10, &[]),
    ];
    for (row, agent, from, to, limit, expect) in rows {
        let found = world.store.host_samples(agent, from, to, limit).await.unwrap();
        assert_eq!(found, expect.iter().map(|at| sample(*at)).collect::<Vec<_>>(), "{row}");
    }
    let again = HostSample { cpu_busy_ratio: None, ..sample(10) };
    world.store.add_host_samples(&[("a".to_string(), again)]).await.unwrap();
    let found = world.store.host_samples("a", 10, 11, 10).await.unwrap();
    assert_eq!(found, [again], "the same moment again replaces it");
}

async fn calibrations(world: World) {
    let calibration = |agent: &str, protocol: &str, rate_per_core| CalibrationRecord {
        agent: agent.into(),
        protocol: protocol.into(),
        rate_per_core,
        at_unix_us: 1,
    };
    let all = [
        calibration("a", "http", 1e300),
        calibration("a", "https", 33_333.333_333_333_336),
        calibration("b", "http", 0.0),
    ];
    for one in all.iter().rev() {
        world.store.put_calibration(one).await.unwrap();
    }
    assert_eq!(world.store.calibrations().await.unwrap(), all);
    world.store.put_calibration(&calibration("b", "http", 5.5)).await.unwrap();
    assert_eq!(world.store.calibrations().await.unwrap()[2].rate_per_core, 5.5, "replaced");
    let not_a_number = calibration("c", "http", f64::NAN);
    assert_eq!(kind(world.store.put_calibration(&not_a_number).await), "bad record");
    world.store.put_agents(&[agent("a")]).await.unwrap();
    assert!(world.store.remove_agent("a").await.unwrap());
    assert_eq!(world.store.calibrations().await.unwrap().len(), 1, "gone with its agent");
}
