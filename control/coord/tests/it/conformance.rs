//! One suite over all coordinators: whatever is said in `traits.rs` holds in each of them.

use crate::world::{Kind, World};
use crate::zookeeper::ZooKeeper;
use crate::{agents, controls};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A sentence about coordinators.
struct Case {
    what: &'static str,
    run: fn(Arc<World>) -> Running,
    /// Where it cannot be so, and why.
    absent: &'static [(Kind, &'static str)],
}

const EVERYWHERE: &[(Kind, &str)] = &[];
const ONE_CONTROL: &[(Kind, &str)] = &[(Kind::Direct, "there is one control, which leads")];
const NO_WIRE: &[(Kind, &str)] = &[(Kind::Direct, "the control is the coordinator")];
const NO_RIGHTS: &[(Kind, &str)] = &[(Kind::Model, "it has no rights")];

macro_rules! case {
    ($absent:expr, $what:literal, $($path:ident)::+) => {
        Case { what: $what, run: |world| Box::pin(async move { $($path)::+(&world).await }), absent: $absent }
    };
}

#[rustfmt::skip]
const CASES: &[Case] = &[
    case!(EVERYWHERE, "an agent that registers is seen with all it says", agents::is_seen),
    case!(EVERYWHERE, "an agent that leaves is seen to go at once", agents::leaves),
    case!(EVERYWHERE, "an agent that is cut off expires, and comes back", agents::expires),
    case!(EVERYWHERE, "a short break ends nothing", agents::is_suspended),
    case!(EVERYWHERE, "assignments are seen in order and the last is seen", agents::sees_in_order),
    case!(EVERYWHERE, "an assignment may come before its agent", agents::comes_later),
    case!(EVERYWHERE, "an assignment written during a break is seen after it", agents::misses_a_watch),
    case!(EVERYWHERE, "an assignment of an older epoch or revision is not shown", agents::ignores_older),
    case!(EVERYWHERE, "a name has one agent", agents::name_is_taken),
    case!(EVERYWHERE, "an agent that starts again waits for its former self to die", agents::starts_again),
    case!(EVERYWHERE, "an agent may register again at any time", agents::registers_twice),
    case!(EVERYWHERE, "names that cannot be part of a path are refused", agents::bad_names),
    case!(NO_RIGHTS, "wrong credentials are refused", agents::stranger),
    case!(EVERYWHERE, "the address of the control is known", agents::knows_control),
    case!(EVERYWHERE, "what is assigned can be read, whoever is registered", controls::reads_assigned),
    case!(EVERYWHERE, "a stale leader's writes are refused and change nothing", controls::stale),
    case!(EVERYWHERE, "what is forgotten is gone", controls::forgets),
    case!(EVERYWHERE, "the tree can be looked at", controls::tree),
    case!(EVERYWHERE, "a control that has left leads no more", controls::leaves),
    case!(ONE_CONTROL, "one of three controls leads, and the next when it leaves", controls::line),
    case!(ONE_CONTROL, "a leader that is cut off is replaced, and its writes fail", controls::replaced),
    case!(NO_WIRE, "a control that is cut off keeps what it knows, and says that it is old", controls::break_is_seen),
    case!(NO_WIRE, "a control whose session is over builds another", controls::comes_back),
];

/// The cases of a coordinator; the others are named.
fn cases(kind: Kind) -> impl Iterator<Item = &'static Case> {
    CASES.iter().filter(move |case| {
        let absent = case.absent.iter().find(|(absent, _)| *absent == kind);
        if let Some((_, why)) = absent {
            eprintln!("{kind:?} has no `{}`: {why}", case.what);
        }
        absent.is_none()
    })
}

/// Runs every case at the same time, and names those that fail.
async fn run_all(kind: Kind, worlds: Vec<(&'static Case, World)>) {
    let tasks: Vec<_> = worlds
        .into_iter()
        .map(|(case, world)| {
            let start = Instant::now();
            let run = (case.run)(Arc::new(world));
            (
                case.what,
                tokio::spawn(async move {
                    run.await;
                    start.elapsed()
                }),
            )
        })
        .collect();
    let mut failed = Vec::new();
    for (what, task) in tasks {
        match task.await {
            Ok(elapsed) => eprintln!("{kind:?}, {:.2} s: {what}", elapsed.as_secs_f64()),
            Err(_) => failed.push(what),
        }
    }
    assert!(failed.is_empty(), "{kind:?}: {failed:#?}");
}

#[test]
fn the_model_conforms() {
    for case in cases(Kind::Model) {
        eprintln!("{}", case.what);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async { (case.run)(Arc::new(World::model())).await });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn direct_conforms() {
    let mut worlds = Vec::new();
    for case in cases(Kind::Direct) {
        worlds.push((case, World::direct().await));
    }
    run_all(Kind::Direct, worlds).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn zookeeper_conforms() {
    let Some(server) = ZooKeeper::start() else { return };
    let world = |(number, case)| {
        (case, World::zookeeper(&server.address(), &format!("/case-{number}/acp")))
    };
    run_all(Kind::ZooKeeper, cases(Kind::ZooKeeper).enumerate().map(world).collect()).await;
}
