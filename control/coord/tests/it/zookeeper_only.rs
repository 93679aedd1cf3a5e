//! What only a real ZooKeeper can show: paths, rights, and a server that is away.

use crate::world::{
    LIMIT, assignment, info, until, until_leader, until_members, until_revision, until_state,
};
use crate::zookeeper::ZooKeeper;
use acp_coord::{
    AgentSide, ControlSide, CoordError, CoordSettings, Leadership, Secret, SessionState,
    ZooKeeperSettings, connect_agent, connect_control,
};
use std::sync::Arc;
use tokio::time::timeout;

fn settings(connect: String, root: &str, password: Option<&str>) -> CoordSettings {
    CoordSettings::ZooKeeper(ZooKeeperSettings {
        connect,
        root: root.to_string(),
        session_timeout_ms: 4_000,
        jitter_ms: 0,
        user: password.map(|_| "acp".to_string()),
        password: password.map(|password| Secret(password.to_string())),
        password_file: None,
    })
}

async fn control(settings: &CoordSettings) -> Arc<dyn ControlSide> {
    connect_control(settings, "http://c:1", 0).await.unwrap().side
}

fn agent(settings: &CoordSettings) -> Arc<dyn AgentSide> {
    connect_agent(settings).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn installations_do_not_see_each_other() {
    let Some(server) = ZooKeeper::start() else { return };
    let address = server.address();
    // The chroot need not be there before; it and the root are one path.
    let places =
        [("/one", "/acp"), ("/two/deep", "/acp"), ("/one", "/other"), ("", "/acp"), ("/", "/")];
    let mut sides = Vec::new();
    for (number, (chroot, root)) in places.iter().enumerate() {
        let settings = settings(format!("{address},{address}{chroot}"), root, None);
        let (control, agent) = (control(&settings).await, agent(&settings));
        let name = format!("agent-{number}");
        agent.register(&info(&name, "h")).await.unwrap();
        sides.push((control, agent, name));
    }
    for (control, _, name) in &sides {
        until_leader(&**control).await;
        until_members(&**control, &[name]).await;
        assert_eq!(control.tree("/v1/control").await.unwrap().unwrap().path, "/v1/control");
    }
    // The one whose root is the server's sees the tops of the others.
    let top = sides[4].0.tree("/").await.unwrap().unwrap().children;
    assert_eq!(top, ["acp", "one", "two", "v1", "zookeeper"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_belong_to_their_user() {
    let Some(server) = ZooKeeper::start() else { return };
    let owner = settings(server.address(), "/acp", Some("right"));
    let control = control(&owner).await;
    let epoch = until_leader(&*control).await;
    let session = agent(&owner);
    session.register(&info("a", "h")).await.unwrap();
    control.assign(epoch, &[("a".to_string(), assignment(epoch, 1))]).await.unwrap();
    for (password, who) in [(Some("wrong"), "another password"), (None, "nobody")] {
        let stranger = settings(server.address(), "/acp", password);
        let error = agent(&stranger).register(&info("b", "h")).await.unwrap_err();
        assert!(matches!(error, CoordError::Refused { .. }), "{who}: {error}");
        let error = connect_control(&stranger, "http://c:2", 0).await.map(|_| ()).unwrap_err();
        assert!(matches!(error, CoordError::Refused { .. }), "{who}: {error}");
    }
    until_members(&*control, &["a"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_away_comes_back_with_everything() {
    let Some(mut server) = ZooKeeper::start() else { return };
    let settings = settings(server.address(), "/acp", None);
    let (control, agent) = (control(&settings).await, agent(&settings));
    let epoch = until_leader(&*control).await;
    let session = agent.register(&info("a", "h")).await.unwrap();
    until_members(&*control, &["a"]).await;
    // Connections stay open and nothing answers; then they break.
    for revision in 1..=2 {
        match revision {
            1 => server.freeze(),
            _ => server.stop(),
        }
        until("doubt", &control.membership(), |state| !state.is_current).await;
        until_state(&session, SessionState::Suspended).await;
        until("no leader", &control.leadership(), |state| *state == Leadership::Unknown).await;
        let error = control.assign(epoch, &[("a".to_string(), assignment(epoch, revision))]).await;
        assert!(error.is_err());
        match revision {
            1 => server.thaw(),
            _ => server.restart(),
        }
        // Sessions may have outlived it or not.
        let epoch = until_leader(&*control).await;
        until("an answer", &session.state, |state| *state != SessionState::Suspended).await;
        let state = *session.state.borrow();
        if state == SessionState::Expired {
            agent.register(&info("a", "h")).await.unwrap();
        }
        until_members(&*control, &["a"]).await;
        let batch = [("a".to_string(), assignment(epoch, 10 + revision))];
        control.assign(epoch, &batch).await.unwrap();
        if state == SessionState::Connected {
            until_revision(&session, 10 + revision).await;
        } else {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_at_the_address() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let settings = settings(address.clone(), "/acp", None);
    let error = timeout(LIMIT, agent(&settings).register(&info("a", "h"))).await.unwrap();
    let error = error.map(|_| ()).unwrap_err();
    let CoordError::Unreachable { coordinator, .. } = &error else { panic!("{error}") };
    assert_eq!(*coordinator, address);
    let error = timeout(LIMIT, connect_control(&settings, "http://c:1", 0)).await.unwrap();
    assert!(matches!(error.map(|_| ()), Err(CoordError::Unreachable { .. })));
}
