//! A database that is away for a while, and a disk that is full: an error soon, nothing half
//! written, and everything works when it is over.

use super::world::{commit, frame, kind, part};
use crate::mariadb::MariaDb;
use acp_control::store::{RunRecord, Store, open};
use std::process::Command;
use std::time::{Duration, Instant};

/// The store gives up after 5 s.
const SOON: Duration = Duration::from_secs(25);

const LATE: Duration = Duration::from_secs(60);

async fn until_it_works(store: &dyn Store) {
    let end = Instant::now() + LATE;
    while let Err(error) = store.ping().await {
        assert!(Instant::now() < end, "it does not come back: {error}");
    }
}

async fn fails_soon(row: &str, store: &dyn Store) {
    let start = Instant::now();
    assert_eq!(kind(store.run("r").await), "unavailable", "{row}: read");
    assert_eq!(kind(store.commit_frames(&commit("r", vec![], &[])).await), "unavailable", "{row}");
    assert!(start.elapsed() < 2 * SOON, "{row}: {:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_away_and_back() {
    let server = MariaDb::start();
    let store = open(&server.new_database()).await.unwrap();
    let run = RunRecord { id: "r".into(), ..RunRecord::default() };
    store.create_run(&run).await.unwrap();

    server.freeze();
    fails_soon("frozen", &*store).await;
    server.thaw();
    until_it_works(&*store).await;
    assert_eq!(store.run("r").await.unwrap(), Some(run.clone()), "after it was frozen");

    server.kill();
    fails_soon("killed", &*store).await;
    server.restart();
    until_it_works(&*store).await;
    store.commit_frames(&commit("r", vec![frame(0, 1)], &[])).await.unwrap();
    assert_eq!(store.frames_after("r", 0, 9).await.unwrap().len(), 1, "after it was killed");
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_gone_while_frames_are_written() {
    let server = MariaDb::start();
    let store = open(&server.new_database()).await.unwrap();
    store.create_run(&RunRecord { id: "r".into(), ..RunRecord::default() }).await.unwrap();
    store.add_parts(&[part("r", 0)]).await.unwrap();
    for round in 0..3 {
        let writer = {
            let store = store.clone();
            tokio::spawn(async move {
                let from = store.parts("r").await.unwrap()[0].stored;
                for second in from.. {
                    let frames = commit("r", vec![frame(second, 1)], &[("r.0", second + 1)]);
                    if store.commit_frames(&frames).await.is_err() {
                        return;
                    }
                }
            })
        };
        // In the middle of it: some commits of this round are done.
        let before = store.parts("r").await.unwrap()[0].stored;
        while store.parts("r").await.unwrap()[0].stored < before + 5 {}
        if round == 1 {
            // Statements under way are given up after a while, though nobody hangs up.
            server.freeze();
            tokio::time::timeout(LATE, writer).await.unwrap().unwrap();
            server.thaw();
        } else {
            server.kill();
            writer.await.unwrap();
            server.restart();
        }
        until_it_works(&*store).await;
        let stored = store.parts("r").await.unwrap()[0].stored;
        let frames = store.frames_after("r", 0, u32::MAX).await.unwrap();
        assert_eq!(frames.len() as u64, stored, "round {round}: one without the other");
        assert!(stored >= before + 5, "round {round}: what was committed is gone");
    }
}

/// A file system of 2 MiB, unmounted on drop.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// None without the right to mount.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=2m", "acp-test"]).arg(folder.path());
        let output = mount.output();
        if output.is_ok_and(|output| output.status.success()) {
            return Some(Self(folder));
        }
        assert!(std::env::var_os("CI").is_none(), "this test must run here");
        println!("not run: no right to mount a file system");
        None
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("--lazy").arg(self.0.path()).status());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_on_a_full_disk() {
    let Some(disk) = SmallDisk::mount() else { return };
    let store = open(&format!("sqlite:{}/acp.db", disk.0.path().display())).await.unwrap();
    store.create_run(&RunRecord { id: "r".into(), ..RunRecord::default() }).await.unwrap();
    store.add_parts(&[part("r", 0)]).await.unwrap();
    let ballast = disk.0.path().join("ballast");
    std::fs::write(&ballast, vec![1; 1 << 20]).unwrap();

    let mut second = 0;
    let error = loop {
        let mut large = frame(second, 1);
        large.frame.histograms.response = Some("x".repeat(50_000));
        let frames = commit("r", vec![large], &[("r.0", second + 1)]);
        match store.commit_frames(&frames).await {
            Ok(()) => second += 1,
            Err(error) => break error,
        }
        assert!(second < 1_000, "the disk is not full");
    };
    assert!(error.to_string().contains("full"), "{error}");
    assert_eq!(kind(Err::<(), _>(error)), "unavailable");
    let frames = store.frames_after("r", 0, 10_000).await.unwrap();
    assert_eq!(frames.len() as u64, second, "what is there can be read, and no more");
    assert_eq!(store.parts("r").await.unwrap()[0].stored, second, "all or nothing");

    std::fs::remove_file(&ballast).unwrap();
    let frames = commit("r", vec![frame(second, 1)], &[("r.0", second + 1)]);
    store.commit_frames(&frames).await.unwrap();
    assert_eq!(store.parts("r").await.unwrap()[0].stored, second + 1, "there is room again");
}
