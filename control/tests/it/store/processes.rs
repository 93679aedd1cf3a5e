//! Several processes on one database, and one that is killed while it writes. The other processes
//! are this test's own program, told so by a variable.

use super::world::{World, commit, frame, on_both, part};
use acp_control::store::{EventRecord, open};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

on_both!(two_write, killed_while_it_commits);

/// URL of the database; its presence makes this process a child.
const CHILD_URL: &str = "ACP_TEST_STORE_CHILD";

const EVENTS: i64 = 100;

/// A child that is killed when it is dropped.
struct Writer(Child);

impl Writer {
    /// Runs the test `name` of this file in another process.
    fn start(name: &str, url: &str) -> Self {
        let kind = if url.starts_with("sqlite") { "sqlite" } else { "mariadb" };
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &format!("store::processes::child::{name}"), "--nocapture"])
            .env(CHILD_URL, url)
            .stdout(Stdio::piped())
            .spawn();
        println!("a child writes to {kind}");
        Self(child.unwrap())
    }

    /// Waits until it has said `word` so often.
    fn heard(&mut self, word: &str, times: usize) {
        let lines = BufReader::new(self.0.stdout.as_mut().unwrap()).lines();
        let heard = lines.map(Result::unwrap).filter(|line| line.contains(word)).take(times);
        assert_eq!(heard.count(), times, "the child ended before");
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn event() -> EventRecord {
    EventRecord { run: "r".into(), kind: "note".into(), ..EventRecord::default() }
}

/// What children do. Without a parent there is nothing to do, and the tests above fail if that is
/// all a child does.
mod child {
    use super::{CHILD_URL, EVENTS, commit, event, frame, open};

    #[tokio::test(flavor = "multi_thread")]
    async fn adds_events() {
        let Ok(url) = std::env::var(CHILD_URL) else { return };
        let store = open(&url).await.unwrap();
        for _ in 0..EVENTS {
            store.add_event(&event()).await.unwrap();
        }
        println!("done");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn commits_frames() {
        let Ok(url) = std::env::var(CHILD_URL) else { return };
        let store = open(&url).await.unwrap();
        let from = store.parts("r").await.unwrap()[0].stored;
        for second in from.. {
            let frames = (0..20).map(|n| frame(second * 20 + n, 1)).collect();
            let names: Vec<_> = (0..50).map(|number| format!("r.{number}")).collect();
            let stored: Vec<_> = names.iter().map(|name| (name.as_str(), second + 1)).collect();
            store.commit_frames(&commit("r", frames, &stored)).await.unwrap();
            println!("committed");
        }
    }
}

async fn two_write(world: World) {
    world.run("r").await;
    let mut children = [(); 2].map(|()| Writer::start("adds_events", &world.url));
    for _ in 0..EVENTS {
        world.store.add_event(&event()).await.unwrap();
    }
    children.iter_mut().for_each(|child| child.heard("done", 1));
    let events = world.store.events_after("r", 0, u32::MAX).await.unwrap();
    let numbers: Vec<_> = events.iter().map(|event| event.number).collect();
    assert_eq!(numbers, (1..=3 * EVENTS).collect::<Vec<_>>());
}

async fn killed_while_it_commits(world: World) {
    world.run("r").await;
    let parts: Vec<_> = (0..50).map(|number| part("r", number)).collect();
    world.store.add_parts(&parts).await.unwrap();
    let mut before = 0;
    for round in 0..6_u32 {
        let mut child = Writer::start("commits_frames", &world.url);
        child.heard("committed", 2);
        // At another moment of a commit each time.
        let pause = std::time::Duration::from_micros(u64::from(round) * 700);
        tokio::time::sleep(pause).await;
        drop(child);
        // A server finishes or takes back what it was given: a write of ours waits for that.
        world.store.commit_frames(&commit("r", Vec::new(), &[])).await.unwrap();
        let stored: Vec<_> =
            world.store.parts("r").await.unwrap().iter().map(|part| part.stored).collect();
        assert!(stored.iter().all(|below| *below == stored[0]), "round {round}: {stored:?}");
        let frames = world.store.frames_after("r", 0, u32::MAX).await.unwrap();
        assert_eq!(frames.len() as u64, stored[0] * 20, "round {round}: frames of half a commit");
        assert!(stored[0] >= before + 2, "round {round}: what was committed is gone");
        before = stored[0];
    }
}
