//! Data sets: versions that are never changed, and who has them.

use super::world::{HARD_TEXTS, World, kind, on_both};
use acp_control::store::{AgentRecord, DatasetRecord, Page};
use acp_wire::agent::AgentInfo;

on_both!(come_back_as_they_were, lists, sad);

const ALL: Page = Page { offset: 0, limit: 1_000 };

fn dataset(name: &str, version: u32) -> DatasetRecord {
    DatasetRecord {
        name: name.into(),
        version,
        format: "csv".into(),
        bytes: 1 << 40,
        lines: 3,
        sha256: "0".repeat(64),
        created_unix_us: 7,
        by: "ann".into(),
        agents: Vec::new(),
    }
}

async fn come_back_as_they_were(world: World) {
    let store = &world.store;
    assert_eq!(store.datasets(ALL).await.unwrap(), (Vec::new(), 0));
    let mut expect = Vec::new();
    for (version, text) in (1..).zip(HARD_TEXTS) {
        let mut one = dataset(text, version);
        (one.by, one.format) = (text.into(), text.into());
        (one.bytes, one.lines) = (u64::MAX >> 1, u64::MAX >> 1);
        one.agents = vec!["nobody".into()];
        store.put_dataset(&one).await.unwrap();
        one.agents.clear();
        store.put_dataset_agent(text, version, text).await.unwrap();
        one.agents.push(text.into());
        expect.push(one);
    }
    let (mut found, total) = store.datasets(ALL).await.unwrap();
    found.sort_unstable_by_key(|dataset| dataset.version);
    assert_eq!((found, total), (expect, 10), "who has them is said by agents alone");
}

async fn lists(world: World) {
    let store = &world.store;
    for (name, version) in [("b", 1), ("a", 2), ("a", 10), ("B", 1), ("a", 1)] {
        store.put_dataset(&dataset(name, version)).await.unwrap();
    }
    for (name, version, agent) in
        [("a", 10, "y"), ("a", 10, "x"), ("a", 10, "x"), ("a", 1, "x"), ("b", 1, "Y")]
    {
        store.put_dataset_agent(name, version, agent).await.unwrap();
    }
    let check = async |row: &str, page: Page, expect: &str| {
        let (found, total) = store.datasets(page).await.unwrap();
        let shown: Vec<_> = found
            .iter()
            .map(|one| format!("{}{}{}", one.name, one.version, one.agents.concat()))
            .collect();
        assert_eq!((shown.join(" ").as_str(), total), (expect, 5), "{row}");
    };
    check("all", ALL, "B1 a10xy a2 a1x b1Y").await;
    check("a page", Page { offset: 1, limit: 2 }, "a10xy a2").await;
    check("behind the end", Page { offset: 5, limit: 2 }, "").await;
    check("nothing asked for", Page { offset: 0, limit: 0 }, "").await;
    let info = AgentInfo { agent: "x".into(), ..AgentInfo::default() };
    store.put_agents(&[AgentRecord { info, ..AgentRecord::default() }]).await.unwrap();
    assert!(store.remove_agent("x").await.unwrap());
    check("an agent is gone, and what it had", ALL, "B1 a10y a2 a1 b1Y").await;
}

async fn sad(world: World) {
    let store = &world.store;
    store.put_dataset(&dataset("a", 1)).await.unwrap();
    let other = DatasetRecord { lines: 4, ..dataset("a", 1) };
    assert_eq!(kind(store.put_dataset(&other).await), "exists", "a version is never changed");
    let error = store.put_dataset(&other).await.unwrap_err().to_string();
    assert_eq!(error, "data set `a version 1` exists already");
    let rows = [("another version", "a", 2), ("another name", "b", 1), ("other case", "A", 1)];
    for (row, name, version) in rows {
        assert_eq!(kind(store.put_dataset_agent(name, version, "x").await), "conflict", "{row}");
    }
    assert_eq!(store.datasets(ALL).await.unwrap(), (vec![dataset("a", 1)], 1), "as it was");
    let long = store.put_dataset(&dataset(&"x".repeat(100_000), 1)).await;
    let expect = if world.server.is_some() { "bad record" } else { "ok" };
    assert_eq!(kind(long), expect, "a very long name");
}
