//! Ten thousand agents: over the model, and as real sessions with a real ZooKeeper.

use crate::world::{LIMIT, assignment, info, until, until_leader};
use crate::zookeeper::ZooKeeper;
use acp_coord::{
    AgentSide, ControlSide, CoordSettings, Model, ModelOptions, Session, ZooKeeperSettings,
    connect_agent, connect_control,
};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const AGENTS: usize = 10_000;

/// Every tenth is dropped.
const DROPPED: usize = AGENTS / 10;

fn name(number: usize) -> String {
    format!("10.1.{}.{}:7001", number / 250, number % 250)
}

/// Prints a time, and fails where it is five times what it should be.
fn report(what: &str, since: Instant, goal: Duration) {
    let elapsed = since.elapsed();
    eprintln!("{what}: {:.2} s (goal {:.0} s)", elapsed.as_secs_f64(), goal.as_secs_f64());
    assert!(elapsed < goal * 5, "{what} took {elapsed:?}");
}

/// Gives every agent this revision, and waits until each has seen it.
async fn assign_all(control: &dyn ControlSide, sessions: &[Session], epoch: u64, revision: u64) {
    let batch: Vec<_> =
        (0..sessions.len()).map(|number| (name(number), assignment(epoch, revision))).collect();
    control.assign(epoch, &batch).await.unwrap();
    for session in sessions {
        let has_it = |shown: &Option<Arc<acp_wire::agent::Assignment>>| {
            shown.as_ref().is_some_and(|shown| shown.revision == revision)
        };
        until("every agent to see its assignment", &session.assignment, has_it).await;
    }
}

async fn until_count(control: &dyn ControlSide, count: usize) {
    let is_it =
        |state: &Arc<acp_coord::Membership>| state.is_current && state.agents.len() == count;
    until(&format!("{count} members"), &control.membership(), is_it).await;
}

#[tokio::test(start_paused = true)]
async fn in_the_model() {
    let model = Model::new(&ModelOptions::default());
    let control = model.control("http://c:1");
    let epoch = until_leader(&*control).await;
    let start = Instant::now();
    let mut agents = Vec::new();
    let mut sessions = Vec::new();
    for number in 0..AGENTS {
        let agent = model.agent(&name(number));
        sessions.push(agent.register(&info(&name(number), "h")).await.unwrap());
        agents.push(agent);
    }
    until_count(&*control, AGENTS).await;
    report("model: registered and seen", start, Duration::from_secs(4));
    for revision in 1..=3 {
        let start = Instant::now();
        assign_all(&*control, &sessions, epoch, revision).await;
        report("model: assigned and seen", start, Duration::from_secs(1));
    }
    let start = Instant::now();
    (0..DROPPED).for_each(|number| model.partition(&name(number)));
    until_count(&*control, AGENTS - DROPPED).await;
    report("model: a tenth dropped and seen to go", start, Duration::from_secs(4));
}

fn settings(server: &str) -> CoordSettings {
    CoordSettings::ZooKeeper(ZooKeeperSettings {
        connect: server.to_string(),
        session_timeout_ms: 20_000,
        jitter_ms: 0,
        ..ZooKeeperSettings::default()
    })
}

type Registered = Vec<(usize, Arc<dyn AgentSide>, Session)>;

/// Registers these, a few hundred at a time.
async fn register(server: &str, numbers: impl Iterator<Item = usize>) -> Registered {
    let mut registered = Vec::new();
    let mut tasks = JoinSet::new();
    for number in numbers {
        if tasks.len() == 256 {
            registered.push(tasks.join_next().await.unwrap().unwrap());
        }
        let agent = connect_agent(&settings(server)).unwrap();
        tasks.spawn(async move {
            let session = agent.register(&info(&name(number), "h")).await.unwrap();
            (number, agent, session)
        });
    }
    registered.extend(tasks.join_all().await);
    registered
}

/// One socket a session here, the other in the server.
fn raise_file_limit() {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
    assert!(hard > AGENTS as u64 + 2_000, "{hard} files are too few for this test");
}

#[test]
fn with_zookeeper() {
    raise_file_limit();
    let Some(server) = ZooKeeper::start() else { return };
    let address = server.address();
    let stays = tokio::runtime::Runtime::new().unwrap();
    // Ended without a word to anybody, as a host that loses its power.
    let dies = tokio::runtime::Runtime::new().unwrap();
    let (control, epoch) = stays.block_on(async {
        let control = connect_control(&settings(&address), "http://c:1", 0).await.unwrap().side;
        let epoch = until_leader(&*control).await;
        (control, epoch)
    });
    let start = Instant::now();
    let doomed = dies.block_on(register(&address, 0..DROPPED));
    let mut rest = stays.block_on(register(&address, DROPPED..AGENTS));
    stays.block_on(until_count(&*control, AGENTS));
    report("ZooKeeper: 10,000 registered and seen", start, Duration::from_secs(20));
    let mut sessions: Vec<_> =
        doomed.iter().chain(&rest).map(|(n, _, s)| (*n, s.clone())).collect();
    sessions.sort_by_key(|(number, _)| *number);
    let sessions: Vec<Session> = sessions.into_iter().map(|(_, session)| session).collect();
    for (revision, what) in [(1, "assigned"), (2, "changed"), (3, "changed again")] {
        let start = Instant::now();
        stays.block_on(assign_all(&*control, &sessions, epoch, revision));
        report(&format!("ZooKeeper: 10,000 {what} and seen"), start, Duration::from_secs(2));
    }
    let start = Instant::now();
    dies.shutdown_background();
    stays.block_on(until_count(&*control, AGENTS - DROPPED));
    report("ZooKeeper: 1,000 dropped and seen to go", start, Duration::from_secs(24));
    drop(doomed);
    let start = Instant::now();
    stays.block_on(async {
        for (_, agent, _) in rest.drain(..100) {
            agent.deregister().await.unwrap();
        }
        until_count(&*control, AGENTS - DROPPED - 100).await;
        control.leave().await;
    });
    report("ZooKeeper: 100 left, one after the other", start, Duration::from_secs(2));
    assert!(start.elapsed() < LIMIT);
}
