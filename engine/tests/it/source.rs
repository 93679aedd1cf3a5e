//! Requests from files and pipes: engines as processes, held against what a server has seen.

use crate::child::{Ended, Engine, unix_us};
use crate::server::Server;
use acp_wire::NotSent;
use acp_wire::agent::Share;
use acp_wire::verdict::State;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/// Paths that a server was asked for, with how often.
type Asked = Arc<Mutex<BTreeMap<String, u64>>>;

fn recording() -> (Server, Asked) {
    let asked = Asked::default();
    let seen = Arc::clone(&asked);
    let server = Server::start(move |peer| {
        while let Some(request) = peer.request() {
            let path = request.head.split(' ').nth(1).expect("a path").to_string();
            *seen.lock().expect("no panic with the lock").entry(path).or_default() += 1;
            peer.send(HELLO);
        }
    });
    (server, asked)
}

fn taken(asked: &Asked) -> BTreeMap<String, u64> {
    std::mem::take(&mut *asked.lock().expect("no panic with the lock"))
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("folder")
}

fn lines(folder: &tempfile::TempDir, lines: u64) -> PathBuf {
    let path = folder.path().join("queries.txt");
    let text: String = (0..lines).map(|line| format!("/{line}\n")).collect();
    std::fs::write(&path, text).expect("file");
    path
}

fn run(server: &Server, share: Share, path: &Path, arguments: &[&str]) -> Ended {
    let path = path.to_str().expect("text");
    let mut all = vec!["--requests-file", path];
    all.extend(arguments);
    let mut engine = Engine::start(server.address(), Some(share), &all);
    if arguments.contains(&"--start-at") {
        engine.await_ready();
    }
    engine.end()
}

#[test]
fn two_engines_of_three_shards_send_each_line_once() {
    let folder = folder();
    let path = lines(&folder, 3000);
    let (server, asked) = recording();
    let start = unix_us().to_string();
    let open = ["--partition", "agent", "-R", "3k", "-n", "3000", "--catchup", "burst"];
    let closed = ["--partition", "agent", "-n", "3000"];
    for load in [open.as_slice(), &closed] {
        let load = [load, &["--start-at", &start, "-t", "3"]].concat();
        let engines: Vec<_> = std::thread::scope(|scope| {
            let start = |offset| {
                let share = Share { offset, stride: 2, ..Share::whole(6) };
                let (server, path, load) = (&server, &path, &load);
                scope.spawn(move || run(server, share, path, load))
            };
            let engines = [0, 1].map(start);
            engines.into_iter().map(|engine| engine.join().expect("thread")).collect()
        });
        for engine in &engines {
            let books = &engine.report().books;
            assert_eq!((books.planned, books.completed), (1500, 1500), "{books:?}");
            assert_eq!(engine.report().run.shards, 3);
        }
        let asked = taken(&asked);
        assert_eq!(asked.len(), 3000, "{load:?}");
        assert!(asked.values().all(|&count| count == 1), "{load:?}: {asked:?}");
    }
    server.stop();
}

#[test]
fn every_order_goes_through_the_whole_file() {
    let folder = folder();
    let path = lines(&folder, 100);
    let (server, asked) = recording();
    for (order, lines, most) in [("seq", 100, 5), ("shuffle", 100, 5), ("random", 90, 30)] {
        let load = ["--order", order, "-R", "5k", "-n", "500", "--warmup", "100ms"];
        let ended = run(&server, Share::whole(4), &path, &load);
        assert_eq!(ended.report().books.completed, 500, "{order}: {}", ended.stderr);
        let asked = taken(&asked);
        let (warmup, sent) = (ended.warmup_sent(), asked.values().sum::<u64>());
        assert_eq!(sent, 500 + warmup, "{order}");
        assert!(asked.len() >= lines, "{order}: {}", asked.len());
        let most = most + warmup;
        assert!(asked.values().all(|&count| count <= most), "{order}: {asked:?}");
        if order != "random" {
            assert!(asked.values().all(|&count| count >= 5), "{order}: {asked:?}");
        }
    }
    server.stop();
}

/// Makes a pipe.
fn pipe(folder: &tempfile::TempDir) -> PathBuf {
    let path = folder.path().join("pipe");
    let status = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(status.expect("mkfifo").success());
    path
}

/// Lets a writer go that nobody came to read from.
fn release(pipe: &Path) {
    let mut options = std::fs::OpenOptions::new();
    drop(options.read(true).custom_flags(libc::O_NONBLOCK).open(pipe).expect("pipe"));
}

#[test]
fn a_slow_source_is_not_sent_and_no_latency() {
    let folder = folder();
    let path = pipe(&folder);
    let (server, asked) = recording();
    let writer = std::thread::spawn({
        let path = path.clone();
        move || {
            let mut pipe = File::create(path).expect("pipe");
            for line in 0..20 {
                writeln!(pipe, "/{line}").expect("somebody reads");
                // As slow as a source may be: the schedule does not wait for it.
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
        }
    });
    let ended = run(&server, Share::whole(4), &path, &["-R", "500", "-d", "1500ms"]);
    release(&path);
    writer.join().expect("thread");
    let report = ended.report();
    let books = &report.books;
    assert_eq!((books.planned, books.sent, books.completed), (750, 20, 20), "{books:?}");
    assert_eq!(books.not_sent.get(&NotSent::Source), Some(&730), "{books:?}");
    let asked = taken(&asked);
    assert!(asked.len() == 20 && asked.values().all(|&count| count == 1), "{asked:?}");
    // 20 ms for each line would be a lag of 50 slots and more.
    assert_eq!(report.latency.send_lag_ns.count, 20);
    let is_ended = |text: &str| text.contains("has no more requests");
    let event = report.events.iter().find(|event| event.kind == "source");
    assert!(event.is_some_and(|event| is_ended(&event.text)), "{:?}", report.events);
    server.stop();
}

#[test]
fn a_pipe_that_ends_ends_a_closed_loop() {
    let folder = folder();
    let path = pipe(&folder);
    let (server, asked) = recording();
    // What was asked for and not there is booked; without a count nothing was.
    for (load, not_sent) in [(["-d", "1h"], None), (["-n", "50"], Some(&48))] {
        let writer = std::thread::spawn({
            let path = path.clone();
            move || {
                let text = "GET /a\nG@T /b\n# none\nPOST /c x\n";
                let mut pipe = File::create(path).expect("pipe");
                pipe.write_all(text.as_bytes()).expect("somebody reads");
            }
        });
        let ended = run(&server, Share::whole(2), &path, &load);
        release(&path);
        writer.join().expect("thread");
        let report = ended.report();
        assert_eq!(report.books.completed, 2, "{load:?}: {:?}", report.books);
        assert_eq!(report.books.not_sent.get(&NotSent::Source), not_sent, "{:?}", report.books);
        assert!(report.books.balanced && report.books.not_sent.len() <= 1, "{:?}", report.books);
        assert!(taken(&asked).into_keys().eq(["/a", "/c"]));
        // An end that was to come is no abort.
        assert_ne!(report.verdict.state, State::Aborted, "{:?}", report.verdict);
        let events: Vec<_> = report.events.iter().map(|event| &event.text).collect();
        for part in ["pipe:2: bad method `G@T`", "has no more requests"] {
            let count = events.iter().filter(|text| text.contains(part)).count();
            assert_eq!(count, 1, "`{part}` in {events:?}");
        }
    }
    server.stop();
}

#[test]
fn sources_that_cannot_be_read_stop_the_start() {
    let folder = folder();
    let bad = folder.path().join("bad.txt");
    std::fs::write(&bad, "/a\n/b c\n").expect("file");
    let (server, asked) = recording();
    for (path, arguments, part) in [
        (bad.as_path(), ["-n", "5"], "bad.txt:2: bad path `/b c`"),
        (Path::new("no/such/file"), ["-n", "5"], "/no/such/file`: No such file"),
        (&pipe(&folder), ["--order", "shuffle"], "is a pipe"),
        (&folder.path().join("pipe"), ["--warmup", "1s"], "leave the warm-up out"),
    ] {
        let ended = run(&server, Share::whole(2), path, &arguments);
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        assert!(ended.stderr.contains(part), "{}", ended.stderr);
    }
    assert_eq!(taken(&asked), BTreeMap::new());
    server.stop();
}
