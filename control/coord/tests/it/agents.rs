//! Cases about agents.

use crate::world::{
    Kind, World, assignment, info, until, until_leader, until_members, until_revision, until_state,
};
use acp_coord::{CoordError, SessionState};
use std::time::Duration;
use tokio::time::{Instant, sleep};

pub(crate) async fn is_seen(world: &World) {
    let control = world.control("http://c:1").await;
    until_members(&*control, &[]).await;
    let agent = world.agent("10.0.0.5:7001").await;
    let mut expect = info("10.0.0.5:7001", "h1");
    expect.labels.insert("quote".to_string(), "\"ä\\\n".to_string());
    let session = agent.register(&expect).await.unwrap();
    let members = until_members(&*control, &["10.0.0.5:7001"]).await;
    assert_eq!(members.agents["10.0.0.5:7001"], expect);
    until_state(&session, SessionState::Connected).await;
    assert_eq!(*session.assignment.borrow(), None);
}

pub(crate) async fn leaves(world: &World) {
    let control = world.control("http://c:1").await;
    let (stays, goes) = (world.agent("stays").await, world.agent("goes").await);
    stays.register(&info("stays", "h1")).await.unwrap();
    let session = goes.register(&info("goes", "h1")).await.unwrap();
    until_members(&*control, &["goes", "stays"]).await;
    let start = Instant::now();
    goes.deregister().await.unwrap();
    until_state(&session, SessionState::Expired).await;
    until_members(&*control, &["stays"]).await;
    if world.kind() == Kind::Model {
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    }
    goes.deregister().await.unwrap();
    // It may come back.
    goes.register(&info("goes", "h1")).await.unwrap();
    until_members(&*control, &["goes", "stays"]).await;
}

pub(crate) async fn expires(world: &World) {
    let control = world.control("http://c:1").await;
    let epoch = until_leader(&*control).await;
    let agent = world.agent("a").await;
    let session = agent.register(&info("a", "h1")).await.unwrap();
    until_members(&*control, &["a"]).await;
    control.assign(epoch, &[("a".to_string(), assignment(epoch, 1))]).await.unwrap();
    until_revision(&session, 1).await;
    let start = Instant::now();
    world.cut("a");
    until_state(&session, SessionState::Suspended).await;
    until_members(&*control, &[]).await;
    let gone = start.elapsed();
    until_state(&session, SessionState::Expired).await;
    if world.kind() == Kind::Model {
        assert!(gone >= world.session_timeout() && gone < world.session_timeout() * 2, "{gone:?}");
    }
    control.assign(epoch, &[("a".to_string(), assignment(epoch, 2))]).await.unwrap();
    world.heal("a");
    let session = agent.register(&info("a", "h1")).await.unwrap();
    until_members(&*control, &["a"]).await;
    until_revision(&session, 2).await;
}

pub(crate) async fn is_suspended(world: &World) {
    let control = world.control("http://c:1").await;
    let agent = world.agent("a").await;
    let session = agent.register(&info("a", "h1")).await.unwrap();
    until_members(&*control, &["a"]).await;
    let mut membership = control.membership();
    membership.mark_unchanged();
    for _ in 0..2 {
        world.cut("a");
        until_state(&session, SessionState::Suspended).await;
        world.heal("a");
        until_state(&session, SessionState::Connected).await;
    }
    assert!(!membership.has_changed().unwrap(), "{:?}", membership.borrow());
}

pub(crate) async fn sees_in_order(world: &World) {
    let control = world.control("http://c:1").await;
    let epoch = until_leader(&*control).await;
    let agent = world.agent("a").await;
    let session = agent.register(&info("a", "h1")).await.unwrap();
    let mut assignments = session.assignment.clone();
    let collect = tokio::spawn(async move {
        let mut seen = Vec::new();
        while seen.last() != Some(&30) {
            assignments.changed().await.unwrap();
            seen.extend(assignments.borrow_and_update().as_ref().map(|shown| shown.revision));
        }
        seen
    });
    for revision in 1..=30 {
        control.assign(epoch, &[("a".to_string(), assignment(epoch, revision))]).await.unwrap();
    }
    until_revision(&session, 30).await;
    let seen = collect.await.unwrap();
    assert!(seen.is_sorted_by(|a, b| a < b), "{seen:?}");
}

pub(crate) async fn comes_later(world: &World) {
    let control = world.control("http://c:1").await;
    let epoch = until_leader(&*control).await;
    control.assign(epoch, &[("a".to_string(), assignment(epoch, 7))]).await.unwrap();
    let session = world.agent("a").await.register(&info("a", "h1")).await;
    // The agent is dropped, its session with it, but what it has shown stays.
    drop(session);
    let agent = world.agent("a").await;
    let session = agent.register(&info("a", "h1")).await.unwrap();
    assert_eq!(*until_revision(&session, 7).await, assignment(epoch, 7));
}

pub(crate) async fn misses_a_watch(world: &World) {
    let control = world.control("http://c:1").await;
    let epoch = until_leader(&*control).await;
    let agent = world.agent("a").await;
    let session = agent.register(&info("a", "h1")).await.unwrap();
    for revision in [1, 3, 5] {
        control.assign(epoch, &[("a".to_string(), assignment(epoch, revision))]).await.unwrap();
        until_revision(&session, revision).await;
        world.cut("a");
        until_state(&session, SessionState::Suspended).await;
        let during = [("a".to_string(), assignment(epoch, revision + 1))];
        control.assign(epoch, &during).await.unwrap();
        world.heal("a");
        until_revision(&session, revision + 1).await;
    }
}

pub(crate) async fn ignores_older(world: &World) {
    let control = world.control("http://c:1").await;
    let epoch = until_leader(&*control).await;
    let agent = world.agent("a").await;
    let session = agent.register(&info("a", "h1")).await.unwrap();
    let shown: Vec<u64> = {
        let mut shown = Vec::new();
        for (epoch_in_it, revision) in [(5, 5), (5, 4), (4, 6), (5, 5), (5, 7)] {
            let batch = [("a".to_string(), assignment(epoch_in_it, revision))];
            control.assign(epoch, &batch).await.unwrap();
            if (epoch_in_it, revision) == (5, 5) || revision == 7 {
                until_revision(&session, revision).await;
            }
            shown.push(session.assignment.borrow().as_ref().unwrap().revision);
        }
        shown
    };
    assert_eq!(shown, [5, 5, 5, 5, 7]);
}

pub(crate) async fn name_is_taken(world: &World) {
    let control = world.control("http://c:1").await;
    let agent = world.agent("a").await;
    let session = agent.register(&info("a", "h1")).await.unwrap();
    let members = until_members(&*control, &["a"]).await;
    let other = world.agent("other").await;
    for host in ["h2", "h1"] {
        let error = other.register(&info("a", host)).await.unwrap_err();
        let CoordError::NameTaken { agent, by } = &error else { panic!("{error}") };
        assert_eq!((agent.as_str(), by.as_str()), ("a", "h1"), "from {host}");
    }
    until_state(&session, SessionState::Connected).await;
    assert_eq!(until_members(&*control, &["a"]).await.agents, members.agents);
    // The loser can have it when it is free.
    agent.deregister().await.unwrap();
    other.register(&info("a", "h2")).await.unwrap();
    let is_other = |state: &std::sync::Arc<acp_coord::Membership>| {
        state.agents.get("a").is_some_and(|info| info.host == "h2")
    };
    until("the other agent", &control.membership(), is_other).await;
}

pub(crate) async fn starts_again(world: &World) {
    let control = world.control("http://c:1").await;
    let dying = world.agent("a").await;
    let session = dying.register(&info("a", "h1")).await.unwrap();
    until_members(&*control, &["a"]).await;
    world.cut("a");
    until_state(&session, SessionState::Suspended).await;
    let again = world.agent("again").await;
    let mut expect = info("a", "h1");
    expect.cores = 16;
    let session = again.register(&expect).await.unwrap();
    until_state(&session, SessionState::Connected).await;
    let is_new = |state: &std::sync::Arc<acp_coord::Membership>| {
        state.agents.get("a").is_some_and(|info| info.cores == 16)
    };
    until("the new agent", &control.membership(), is_new).await;
}

pub(crate) async fn registers_twice(world: &World) {
    let control = world.control("http://c:1").await;
    let agent = world.agent("a").await;
    let mut first = agent.register(&info("a", "h1")).await.unwrap();
    let second = agent.register(&info("a", "h1")).await.unwrap();
    until_state(&first, SessionState::Expired).await;
    until_state(&second, SessionState::Connected).await;
    until_members(&*control, &["a"]).await;
    assert_eq!(*first.assignment.borrow_and_update(), None);
}

pub(crate) async fn bad_names(world: &World) {
    let control = world.control("http://c:1").await;
    let epoch = until_leader(&*control).await;
    let agent = world.agent("a").await;
    let long = "a".repeat(65);
    for name in ["", ".", "..", "a/b", "../a", "a b", "ä", "a\0", long.as_str()] {
        let error = agent.register(&info(name, "h1")).await.unwrap_err();
        assert!(matches!(error, CoordError::Settings(_)), "register {name:?}: {error}");
        let batch =
            [("good".to_string(), assignment(epoch, 1)), (name.to_string(), assignment(epoch, 1))];
        let error = control.assign(epoch, &batch).await.unwrap_err();
        assert!(matches!(error, CoordError::Settings(_)), "assign {name:?}: {error}");
    }
    assert!(control.assigned().await.unwrap().is_empty());
    agent.register(&info("a", "h1")).await.unwrap();
}

pub(crate) async fn stranger(world: &World) {
    let control = world.control("http://c:1").await;
    until_leader(&*control).await;
    let stranger = world.stranger().await;
    let error = stranger.register(&info("stranger", "h1")).await.unwrap_err();
    assert!(matches!(error, CoordError::Refused { .. }), "{error}");
    world.agent("a").await.register(&info("a", "h1")).await.unwrap();
    until("no stranger", &control.membership(), |state| state.is_current).await;
    assert!(!control.membership().borrow().agents.contains_key("stranger"));
}

pub(crate) async fn knows_control(world: &World) {
    let control = world.control("http://c:1").await;
    until_leader(&*control).await;
    let agent = world.agent("a").await;
    agent.register(&info("a", "h1")).await.unwrap();
    let address = agent.control_address().await.unwrap();
    match world.kind() {
        Kind::Direct => assert!(address.starts_with("http://127.0.0.1:"), "{address}"),
        Kind::Model | Kind::ZooKeeper => assert_eq!(address, "http://c:1"),
    }
    // While it cannot be asked, what is known is as good as anything.
    world.cut("a");
    sleep(Duration::from_millis(10)).await;
    assert_eq!(agent.control_address().await, Some(address));
}
