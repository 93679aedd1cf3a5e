//! Cases about controls.

use crate::world::{
    Kind, World, assignment, info, until, until_follower, until_leader, until_members,
    until_revision,
};
use acp_coord::{CoordError, Leadership};
use std::collections::BTreeMap;
use tokio::time::Instant;

pub(crate) async fn reads_assigned(world: &World) {
    let control = world.control("http://c:1").await;
    let epoch = until_leader(&*control).await;
    assert!(control.assigned().await.unwrap().is_empty());
    let name = |i: u64| format!("agent-{i}");
    // More than one list of writes.
    let first: Vec<_> = (0..250).map(|i| (name(i), assignment(epoch, i + 1))).collect();
    control.assign(epoch, &first).await.unwrap();
    let second: Vec<_> = (200..320).map(|i| (name(i), assignment(epoch, i + 500))).collect();
    control.assign(epoch, &second).await.unwrap();
    // Twice in one batch: the later one.
    let twice = [(name(0), assignment(epoch, 900)), (name(0), assignment(epoch, 901))];
    control.assign(epoch, &twice).await.unwrap();
    control.assign(epoch, &[]).await.unwrap();
    let mut expect: BTreeMap<_, _> = first.into_iter().chain(second).collect();
    expect.insert(name(0), assignment(epoch, 901));
    assert_eq!(control.assigned().await.unwrap(), expect);
}

pub(crate) async fn stale(world: &World) {
    let control = world.control("http://c:1").await;
    let epoch = until_leader(&*control).await;
    let before = [("a".to_string(), assignment(epoch, 1))];
    control.assign(epoch, &before).await.unwrap();
    for stale in [0, epoch - 1, epoch + 1, u64::MAX] {
        let batch =
            [("a".to_string(), assignment(stale, 2)), ("b".to_string(), assignment(stale, 2))];
        let error = control.assign(stale, &batch).await.unwrap_err();
        assert!(matches!(error, CoordError::StaleLeader { epoch } if epoch == stale), "{error}");
        let error = control.forget(stale, &["a".to_string()]).await.unwrap_err();
        assert!(matches!(error, CoordError::StaleLeader { epoch } if epoch == stale), "{error}");
    }
    assert_eq!(control.assigned().await.unwrap(), before.into());
}

pub(crate) async fn forgets(world: &World) {
    let control = world.control("http://c:1").await;
    let epoch = until_leader(&*control).await;
    let name = |i: u64| format!("agent-{i}");
    let batch: Vec<_> = (0..150).map(|i| (name(i), assignment(epoch, 1))).collect();
    control.assign(epoch, &batch).await.unwrap();
    let mut gone: Vec<String> = (0..149).map(name).collect();
    gone.extend(["nobody".to_string(), name(0)]);
    control.forget(epoch, &gone).await.unwrap();
    control.forget(epoch, &gone).await.unwrap();
    control.forget(epoch, &[]).await.unwrap();
    assert_eq!(control.assigned().await.unwrap().into_keys().collect::<Vec<_>>(), [name(149)]);
    control.assign(epoch, &[(name(0), assignment(epoch, 2))]).await.unwrap();
    assert_eq!(control.assigned().await.unwrap()[&name(0)].revision, 2);
}

pub(crate) async fn tree(world: &World) {
    let control = world.control("http://c:1").await;
    let epoch = until_leader(&*control).await;
    let agent = world.agent("a").await;
    agent.register(&info("a", "h1")).await.unwrap();
    until_members(&*control, &["a"]).await;
    control.assign(epoch, &[("a".to_string(), assignment(epoch, 1))]).await.unwrap();
    let root = control.tree("/").await.unwrap().unwrap();
    assert_eq!((root.path.as_str(), root.children), ("/", vec!["v1".to_string()]));
    let version = control.tree("/v1/").await.unwrap().unwrap();
    for child in ["agents", "assign", "epoch"] {
        assert!(version.children.contains(&child.to_string()), "{child}: {:?}", version.children);
    }
    assert!(version.children.is_sorted());
    // FNV-1a of `a` ends with 0c.
    let node = control.tree("v1/agents/0c/a").await.unwrap().unwrap();
    assert_eq!((node.path.as_str(), node.is_ephemeral), ("/v1/agents/0c/a", true));
    assert!(node.data.contains("\"host\":\"h1\""), "{}", node.data);
    let node = control.tree("/v1/assign/0c/a").await.unwrap().unwrap();
    assert!(!node.is_ephemeral && node.children.is_empty());
    assert!(node.data.contains("\"revision\":1"), "{}", node.data);
    for missing in ["/v2", "/v1/agents/0c/b", "/../zookeeper", "//v1//agents", "/v1/\u{1}"] {
        assert_eq!(control.tree(missing).await.unwrap(), None, "{missing:?}");
    }
}

pub(crate) async fn leaves(world: &World) {
    let control = world.control("http://c:1").await;
    let epoch = until_leader(&*control).await;
    until_members(&*control, &[]).await;
    control.leave().await;
    assert_eq!(*control.leadership().borrow(), Leadership::Unknown);
    assert!(!control.membership().borrow().is_current);
    let error = control.assign(epoch, &[("a".to_string(), assignment(epoch, 1))]).await;
    assert!(matches!(error, Err(CoordError::StaleLeader { .. })), "{error:?}");
    control.leave().await;
}

pub(crate) async fn line(world: &World) {
    let names = ["http://c:1", "http://c:2", "http://c:3"];
    let first = world.control(names[0]).await;
    let mut epochs = vec![until_leader(&*first).await];
    let second = world.control(names[1]).await;
    until_follower(&*second, names[0]).await;
    let third = world.control(names[2]).await;
    until_follower(&*third, names[0]).await;
    // One in the middle of the line goes: nobody else leads.
    second.leave().await;
    let second = world.control(names[1]).await;
    until_follower(&*second, names[0]).await;
    assert_eq!(first.leadership().borrow().epoch(), Some(epochs[0]));
    let start = Instant::now();
    first.leave().await;
    epochs.push(until_leader(&*third).await);
    assert!(start.elapsed() < world.session_timeout() * 2, "{:?}", start.elapsed());
    until_follower(&*second, names[2]).await;
    third.leave().await;
    epochs.push(until_leader(&*second).await);
    assert!(epochs.is_sorted_by(|a, b| a < b), "{epochs:?}");
}

pub(crate) async fn replaced(world: &World) {
    let (first, second) = (world.control("http://c:1").await, world.control("http://c:2").await);
    // Either may be first.
    let leads = |state: &Leadership| state.epoch().is_some();
    let (of_first, of_second) = (first.leadership(), second.leadership());
    let is_first = tokio::select! {
        _ = until("to lead", &of_first, leads) => true,
        _ = until("to lead", &of_second, leads) => false,
    };
    let (old, new, name, other) = match is_first {
        true => (first, second, "http://c:1", "http://c:2"),
        false => (second, first, "http://c:2", "http://c:1"),
    };
    let epoch = until_leader(&*old).await;
    until_follower(&*new, name).await;
    let agent = world.agent("a").await;
    let session = agent.register(&info("a", "h1")).await.unwrap();
    old.assign(epoch, &[("a".to_string(), assignment(epoch, 1))]).await.unwrap();
    until_revision(&session, 1).await;
    let start = Instant::now();
    world.cut(name);
    let newer = until_leader(&*new).await;
    if world.kind() == Kind::Model {
        assert!(start.elapsed() <= world.session_timeout() * 2, "{:?}", start.elapsed());
    }
    assert!(newer > epoch);
    until("doubt", &old.leadership(), |state| !leads(state)).await;
    let late = [("a".to_string(), assignment(epoch, 2))];
    old.assign(epoch, &late).await.unwrap_err();
    world.heal(name);
    until_follower(&*old, other).await;
    let error = old.assign(epoch, &late).await.unwrap_err();
    assert!(matches!(error, CoordError::StaleLeader { .. }), "{error}");
    new.assign(newer, &[("a".to_string(), assignment(newer, 3))]).await.unwrap();
    until_revision(&session, 3).await;
}

pub(crate) async fn break_is_seen(world: &World) {
    let control = world.control("http://c:1").await;
    let epoch = until_leader(&*control).await;
    let (stays, goes) = (world.agent("stays").await, world.agent("goes").await);
    stays.register(&info("stays", "h1")).await.unwrap();
    goes.register(&info("goes", "h1")).await.unwrap();
    until_members(&*control, &["goes", "stays"]).await;
    world.cut("http://c:1");
    let old = until("doubt", &control.membership(), |state| !state.is_current).await;
    assert_eq!(old.agents.len(), 2, "{old:?}");
    goes.deregister().await.unwrap();
    world.heal("http://c:1");
    until_members(&*control, &["stays"]).await;
    // The session lives on, and its term.
    assert_eq!(until_leader(&*control).await, epoch);
}

pub(crate) async fn comes_back(world: &World) {
    let control = world.control("http://c:1").await;
    let epoch = until_leader(&*control).await;
    let agent = world.agent("a").await;
    let session = agent.register(&info("a", "h1")).await.unwrap();
    until_members(&*control, &["a"]).await;
    world.cut("http://c:1");
    until("doubt", &control.leadership(), |state| *state == Leadership::Unknown).await;
    let witness = world.control("http://c:2").await;
    let between = until_leader(&*witness).await;
    assert!(between > epoch);
    let late = world.agent("late").await;
    late.register(&info("late", "h1")).await.unwrap();
    world.heal("http://c:1");
    until_follower(&*control, "http://c:2").await;
    until_members(&*control, &["a", "late"]).await;
    witness.leave().await;
    let again = until_leader(&*control).await;
    assert!(again > between);
    control.assign(again, &[("a".to_string(), assignment(again, 1))]).await.unwrap();
    until_revision(&session, 1).await;
}
