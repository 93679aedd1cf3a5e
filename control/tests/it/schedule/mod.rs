//! The scheduler with its real parts: a coordinator, a database, ingest, and agents in tasks.

mod agent;

use acp_control::clock::Clock;
use acp_control::contacts::Contacts;
use acp_control::ingest::Ingest;
use acp_control::schedule::{IngestView, Scheduler, SchedulerSettings};
use acp_control::store::{Intent, RunRecord, RunState, Store, TaskRecord, open};
use acp_coord::{ControlSide, Model, ModelOptions};
use acp_plan::{Pace, Schedule};
use acp_wire::Report;
use acp_wire::agent::AgentInfo;
use acp_wire::plan::Model as LoadModel;
use agent::{Desk, Desks};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Nothing here takes as long.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long an agent may send without an answer.
const LEASE_US: u64 = 2_000_000;

/// A control: its tasks and what it is reached by.
struct Control {
    tasks: Vec<JoinHandle<()>>,
    desk: Desk,
    nudge: Arc<Notify>,
    address: String,
    coord: Arc<dyn ControlSide>,
}

/// Everything of one test. What it has started ends with it.
struct Bed {
    model: Model,
    folder: tempfile::TempDir,
    store: Arc<dyn Store>,
    desks: Desks,
    pace: Arc<Pace>,
    clock: Clock,
    controls: Vec<Control>,
    agents: Vec<JoinHandle<()>>,
}

impl Drop for Bed {
    fn drop(&mut self) {
        let tasks = self.controls.iter().flat_map(|control| &control.tasks).chain(&self.agents);
        tasks.for_each(JoinHandle::abort);
    }
}

fn plan() -> acp_wire::Plan {
    let schema = acp_wire::PLAN_SCHEMA.into();
    let mut plan = acp_wire::Plan { schema, ..acp_wire::Plan::default() };
    plan.target.url = "http://127.0.0.1:80/".into();
    plan.load.model = LoadModel::Open;
    plan.load.rate = Some("300".into());
    plan.load.duration = Some("10s".into());
    plan.agents = Some(acp_wire::plan::Agents { cores: 3, ..acp_wire::plan::Agents::default() });
    plan
}

impl Bed {
    /// Three agents of two cores.
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("acp.db").display());
        let Schedule::Open { pace, .. } = acp_plan::compile(&plan()).unwrap().schedule else {
            panic!("an open loop")
        };
        let session_timeout = Duration::from_secs(2);
        let mut bed = Self {
            model: Model::new(&ModelOptions { session_timeout }),
            store: open(&url).await.unwrap(),
            folder,
            desks: Desks::default(),
            pace,
            clock: Clock::new(),
            controls: Vec::new(),
            agents: Vec::new(),
        };
        for name in ["a", "b", "c"] {
            bed.add_agent(name);
        }
        bed
    }

    fn add_agent(&mut self, name: &str) {
        let info = AgentInfo {
            agent: name.into(),
            cores: 2,
            protocols: vec!["http".into()],
            ..AgentInfo::default()
        };
        let coord = self.model.agent(name);
        let (desks, pace) = (Arc::clone(&self.desks), Arc::clone(&self.pace));
        self.agents.push(tokio::spawn(agent::live(info, coord, desks, pace, self.clock)));
    }

    /// A control of its own, with its own connection to the database.
    async fn add_control(&mut self, address: &str, lease_us: u64) {
        let url = format!("sqlite:{}", self.folder.path().join("acp.db").display());
        let store = open(&url).await.unwrap();
        let settings = SchedulerSettings {
            control: address.into(),
            start_delay_us: 1_000_000,
            takeover_delay_us: 500_000,
            lease_us,
            ..SchedulerSettings::default()
        };
        let coord = self.model.control(address);
        let contacts = Arc::new(Contacts::new(settings.lease_us));
        let ingest = Arc::new(Ingest::new(Arc::clone(&store), self.clock));
        let view: Arc<dyn IngestView> = Arc::clone(&ingest) as _;
        let scheduler = Scheduler::new(
            store,
            Arc::clone(&coord),
            Arc::clone(&contacts),
            view,
            self.clock,
            settings,
        );
        let desk = Desk { contacts, ingest: Arc::clone(&ingest) };
        let (nudge, stop) = (Arc::new(Notify::new()), CancellationToken::new());
        let tasks = vec![
            tokio::spawn(scheduler.run(Arc::clone(&nudge), stop.clone())),
            tokio::spawn(ingest.run(stop)),
        ];
        self.desks.lock().unwrap().push(desk.clone());
        self.controls.push(Control { tasks, desk, nudge, address: address.into(), coord });
    }

    /// Ends the control that leads in the middle of whatever it does.
    fn kill_leader(&mut self) {
        let leads = |control: &Control| control.coord.leadership().borrow().epoch().is_some();
        let leader = self.controls.iter().position(leads).unwrap();
        let control = self.controls.remove(leader);
        control.tasks.iter().for_each(JoinHandle::abort);
        let is_other = |desk: &Desk| !Arc::ptr_eq(&desk.contacts, &control.desk.contacts);
        self.desks.lock().unwrap().retain(is_other);
        self.model.partition(&control.address);
    }

    async fn start_run(&self) {
        let task = TaskRecord { id: "t".into(), plan: plan(), ..TaskRecord::default() };
        self.store.create_task(&task).await.unwrap();
        let run = RunRecord {
            id: "r".into(),
            task: "t".into(),
            plan: plan(),
            plan_hash: "0".repeat(64),
            created_unix_us: self.clock.now_unix_us(),
            ..RunRecord::default()
        };
        self.store.create_run(&run).await.unwrap();
        self.controls.iter().for_each(|control| control.nudge.notify_one());
    }

    async fn wait_for(&self, what: &str, is_there: impl Fn(&RunRecord) -> bool) -> RunRecord {
        let look = async {
            loop {
                let run = self.store.run("r").await.unwrap().unwrap();
                if is_there(&run) {
                    return run;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let found = timeout(PATIENCE, look).await;
        match found {
            Ok(run) => run,
            Err(_) => panic!("{what}: {:#?}", self.store.parts("r").await),
        }
    }

    /// The run has been running for so long.
    async fn wait_for_run_time(&self, at_us: u64) {
        let is_there = |run: &RunRecord| {
            let at = run.t0_unix_us.map(|t0_unix_us| t0_unix_us + at_us);
            run.state == RunState::Running && at.is_some_and(|at| self.clock.now_unix_us() >= at)
        };
        drop(self.wait_for("running", is_there).await);
    }

    async fn report(&self, state: RunState) -> Report {
        let run = self.wait_for("the end", |run| run.ended_unix_us.is_some()).await;
        assert_eq!(run.state, state, "{}", run.text);
        let report = self.store.report("r").await.unwrap().unwrap();
        assert!(report.books.balanced, "{:?}", report.books);
        assert_eq!(report.books.planned, self.pace.total(), "every slot is in the books");
        report
    }

    async fn events(&self) -> Vec<String> {
        let events = self.store.events_after("r", -1, 1000).await.unwrap();
        events.into_iter().map(|event| event.kind).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_from_pending_to_its_report() {
    let mut bed = Bed::new().await;
    bed.add_control("http://one", LEASE_US).await;
    bed.start_run().await;
    let report = bed.report(RunState::Done).await;
    assert_eq!(report.books.sent, bed.pace.total(), "{:?}", bed.events().await);
    assert_eq!(report.agents.len(), 3);
    let run = bed.store.run("r").await.unwrap().unwrap();
    assert_eq!(run.spark, acp_report::spark(&report), "lists draw it");
    assert!(run.spark.iter().any(|per_s| *per_s > 0.0), "{:?}", run.spark);
    let assigned = bed.controls[0].coord.assigned().await.unwrap();
    assert!(assigned.values().all(|assignment| assignment.parts.is_empty()), "{assigned:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_lost_agent_had_goes_to_others() {
    let mut bed = Bed::new().await;
    bed.add_control("http://one", LEASE_US).await;
    bed.start_run().await;
    bed.wait_for_run_time(2_000_000).await;
    bed.agents[1].abort();
    bed.model.partition("b");
    let report = bed.report(RunState::Done).await;
    let events = bed.events().await;
    for kind in ["agent_lost", "agent_took_over"] {
        assert!(events.iter().any(|event| event == kind), "{kind} is not in {events:?}");
    }
    let parts = bed.store.parts("r").await.unwrap();
    let lost: Vec<_> = parts.iter().filter(|part| part.agent == "b").collect();
    assert!(lost.iter().all(|part| !part.taken_over_by.is_empty()), "{lost:#?}");
    assert!(report.books.lost_with_agent > 0, "{:?}", report.books);
    assert_eq!(report.verdict.state.name(), "partial");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_control_goes_on_where_the_leader_was_killed() {
    let mut bed = Bed::new().await;
    // Long enough for an election.
    bed.add_control("http://one", 20_000_000).await;
    bed.add_control("http://two", 20_000_000).await;
    bed.start_run().await;
    bed.wait_for_run_time(2_000_000).await;
    let before = bed.store.run("r").await.unwrap().unwrap().epoch;
    bed.kill_leader();
    let report = bed.report(RunState::Done).await;
    let run = bed.store.run("r").await.unwrap().unwrap();
    assert!(run.epoch > before, "another has led since");
    assert_eq!(report.books.lost_with_agent, 0, "no agent was lost: {:?}", bed.events().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_a_run_with_a_report() {
    let mut bed = Bed::new().await;
    bed.add_control("http://one", LEASE_US).await;
    bed.start_run().await;
    bed.wait_for_run_time(1_500_000).await;
    let mut run = bed.store.run("r").await.unwrap().unwrap();
    run.intent = Intent::Stop { kind: "user".into(), reason: "it is enough".into() };
    bed.store.update_run(&run).await.unwrap();
    bed.controls[0].nudge.notify_one();
    let report = bed.report(RunState::Aborted).await;
    assert!(report.books.not_sent_total() > 0, "{:?}", report.books);
    let run = bed.store.run("r").await.unwrap().unwrap();
    assert_eq!(run.text, "it is enough");
}
