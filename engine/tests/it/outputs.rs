//! Places that a run writes to: none of them holds up the load.

use crate::child::{PATIENCE, await_condition, await_requests, target};
use acp_engine::target::{Target, TargetOptions, read_arrivals};
use acp_wire::Frame;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};

/// A pipe with a name, which is full: whoever writes to it waits until its test reads.
struct FullPipe {
    path: PathBuf,
    /// Until the engine has opened it, this keeps the other end alive.
    holder: File,
    reader: File,
}

impl FullPipe {
    fn new(folder: &Path) -> Self {
        let path = folder.join("pipe");
        let made = Command::new("mkfifo").arg(&path).status();
        assert!(made.expect("mkfifo runs").success());
        let mut options = OpenOptions::new();
        let nonblocking = options.read(true).write(true).custom_flags(libc::O_NONBLOCK);
        let mut holder = nonblocking.open(&path).expect("pipe");
        let reader = File::open(&path).expect("pipe");
        loop {
            match holder.write(b"x\n") {
                Ok(length) => assert_eq!(length, 2),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
        Self { path, holder, reader }
    }

    /// Everything that was written to it, once it is open at its other end.
    fn read(self) -> String {
        let Self { holder, mut reader, .. } = self;
        drop(holder);
        let mut text = String::new();
        reader.read_to_string(&mut text).expect("text");
        text.lines().filter(|line| *line != "x").map(|line| format!("{line}\n")).collect()
    }
}

fn engine(target: &Target, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_acp-engine"));
    command.arg(format!("http://{}/", target.address())).args(["-t", "1"]).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Waits for the end, and kills what does not come to one. Exit code and standard output.
fn end(child: Child) -> (Option<i32>, String) {
    let pid = child.id().to_string();
    let (over, is_over) = channel::<()>();
    let guard = std::thread::spawn(move || {
        if is_over.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            drop(Command::new("sh").args(["-c", "kill -s KILL $0", &pid]).status());
        }
    });
    let output = child.wait_with_output().expect("the engine ends");
    drop(over);
    guard.join().expect("thread");
    (output.status.code(), String::from_utf8(output.stdout).expect("text"))
}

#[test]
fn a_reader_of_frames_that_stops_reading_moves_no_request_and_loses_no_frame() {
    let folder = tempfile::tempdir().expect("folder");
    let pipe = FullPipe::new(folder.path());
    let record = folder.path().join("arrivals");
    let options = TargetOptions { record: Some(record.clone()), ..TargetOptions::default() };
    let target = Target::start(options).expect("target");
    let mut command = engine(&target, &["-R", "400", "-d", "7s", "-c", "4", "--quiet"]);
    let child = command.arg("--frames").arg(&pipe.path).spawn().expect("acp-engine runs");
    // For five seconds nobody reads.
    await_requests(&target, 5 * 400);
    let text = pipe.read();
    let (code, _) = end(child);
    assert!(matches!(code, Some(0 | 98)), "{code:?}");
    let frames: Vec<Frame> =
        text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let seqs: Vec<_> = frames.iter().map(|frame| frame.seq).collect();
    assert_eq!(seqs, (0..seqs.len() as u64).collect::<Vec<_>>());
    let seconds: Vec<_> = frames.iter().map(|frame| frame.second).take(6).collect();
    assert_eq!(seconds, [0, 1, 2, 3, 4, 5], "each second has its own frame");
    assert!(frames.last().expect("a frame").flags.last);
    assert_eq!(frames.iter().map(|frame| frame.planned).sum::<u64>(), 7 * 400);
    target.stop().expect("target");
    let arrivals = read_arrivals(&record).expect("arrivals");
    let gap_ns = arrivals.windows(2).map(|pair| pair[1] - pair[0]).max().expect("arrivals");
    assert!(gap_ns < 1_000_000_000, "nothing came for {gap_ns} ns");
}

#[test]
fn a_standard_error_that_nobody_reads_stops_nothing() {
    let folder = tempfile::tempdir().expect("folder");
    let pipe = FullPipe::new(folder.path());
    let target = target();
    let stderr = OpenOptions::new().write(true).open(&pipe.path).expect("pipe");
    let mut command = engine(&target, &["-R", "100", "-d", "2s", "-c", "2"]);
    let child = command.stderr(stderr).spawn().expect("acp-engine runs");
    // Its own copy of the pipe would keep it open.
    drop(command);
    let (code, stdout) = end(child);
    assert!(matches!(code, Some(0 | 98)), "{code:?}");
    assert!(stdout.contains("200 planned, 200 sent"), "{stdout}");
    assert_eq!(target.stop().expect("target").requests, 200);
    // What had found no place when the program ended is lost with it.
    assert_eq!(pipe.read(), "");
}

#[test]
fn every_format_has_a_suffix_and_a_name() {
    let folder = tempfile::tempdir().expect("folder");
    let target = target();
    for (suffix, name, part) in [
        ("txt", "text", "Requests/sec: "),
        ("json", "json", "\"acp.report/1\""),
        ("csv", "csv", "second,planned,"),
        ("hdr", "hdr", "#[Max"),
        ("hgrm", "hdr", "#[Max"),
        ("html", "html", "<script type=\"application/json\" id=\"columns\">{"),
        ("xml", "junit", "<testcase classname=\"acp.slo\" name=\"errors&lt;1%\""),
        ("md", "markdown", "| errors\\<1% | 0% | ✅ met |"),
        ("prom", "prometheus", "acp_run_goal_met{goal=\"errors<1%\"} 1"),
    ] {
        let path = folder.path().join(format!("report.{suffix}"));
        let shared = ["-n", "50", "-c", "2", "--quiet", "--slo", "errors<1%"];
        let mut to_file = engine(&target, &shared);
        to_file.arg("-o").arg(&path);
        let (code, stdout) = end(to_file.spawn().expect("acp-engine runs"));
        assert_eq!(code, Some(0), "{suffix}");
        assert!(stdout.starts_with("Verdict: valid"), "the summary is still printed: {stdout}");
        let text = std::fs::read_to_string(&path).expect(suffix);
        assert!(text.contains(part), "{suffix}: `{part}` is not in {text}");
        let mut to_stdout = engine(&target, &shared);
        to_stdout.args(["--format", name]);
        let (code, stdout) = end(to_stdout.spawn().expect("acp-engine runs"));
        assert_eq!(code, Some(0), "{name}");
        assert!(stdout.contains(part), "{name}: `{part}` is not in {stdout}");
    }
}

#[test]
fn a_collector_reads_metrics_while_it_runs() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("acp.prom");
    let target = target();
    let flags = ["-R", "100", "-d", "4s", "-c", "2", "--quiet", "--run-id", "r7", "-o"];
    let child = engine(&target, &flags).arg(&path).spawn().expect("acp-engine runs");
    await_condition("metrics", || path.exists());
    let early = std::fs::read_to_string(&path).expect("metrics");
    for part in ["acp_requests_sent_total{run=\"r7\"} ", "acp_target_requests_per_second"] {
        assert!(early.contains(part), "`{part}` is not in {early}");
    }
    assert!(!early.contains("acp_run_verdict"), "it has not ended: {early}");
    let (code, _) = end(child);
    assert!(matches!(code, Some(0 | 98)), "{code:?}");
    let late = std::fs::read_to_string(&path).expect("metrics");
    assert!(late.contains("acp_requests_completed_total{run=\"r7\"} 400\n"), "{late}");
    assert!(late.contains("acp_run_verdict{run=\"r7\",state=\"valid\"}"), "{late}");
}

/// A device takes what it is sent; a file must not take its place.
#[test]
fn metrics_for_a_device_are_written_once() {
    let target = target();
    let flags = ["-n", "20", "-c", "2", "--quiet", "--format", "prometheus", "-o", "/dev/null"];
    let (code, _) = end(engine(&target, &flags).spawn().expect("acp-engine runs"));
    assert_eq!(code, Some(0));
    assert!(!std::fs::metadata("/dev/null").expect("device").is_file());
}
