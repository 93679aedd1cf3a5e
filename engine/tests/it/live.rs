//! The live view on a real terminal: a pseudo-terminal of `script`, whose picture is kept by a
//! terminal emulator.

use crate::child::{PATIENCE, await_condition, target};
use acp_engine::target::{Target, TargetOptions};
use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A terminal as a person sees it, and all that was written to it.
struct Screen {
    parser: vt100::Parser,
    written: Vec<u8>,
}

/// A shell line on a terminal of its own. What it writes is on the screen here.
struct Terminal {
    child: Child,
    keys: ChildStdin,
    screen: Arc<Mutex<Screen>>,
    reader: Option<JoinHandle<()>>,
    folder: tempfile::TempDir,
}

impl Terminal {
    /// Runs the engine with the settings of the terminal noted before and after. An interrupt goes to
    /// the shell as well, which has to outlive it.
    fn start(target: &Target, (rows, columns): (u16, u16), flags: &str) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let at = folder.path().display();
        let engine = env!("CARGO_BIN_EXE_acp-engine");
        let line = format!(
            "trap : INT; stty rows {rows} cols {columns}; stty -g > {at}/before; \
             sh -c 'echo $$ > {at}/pid; exec {engine} http://{}/ {flags} -o {at}/report.json'; \
             echo $? > {at}/code; stty -g > {at}/after",
            target.address()
        );
        let mut child = Command::new("script")
            .args(["--quiet", "--return", "--command", &line, "/dev/null"])
            .env("TERM", "xterm-256color")
            .env("SHELL", "/bin/sh")
            .env_remove("NO_COLOR")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("script of util-linux runs");
        let side = |cells| NonZeroU16::new(cells).expect("not empty");
        let parser = vt100::Parser::new(side(rows), side(columns), 0);
        let screen = Arc::new(Mutex::new(Screen { parser, written: Vec::new() }));
        let (mut output, seen) = (child.stdout.take().expect("stdout"), Arc::clone(&screen));
        let reader = std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count) = output.read(&mut bytes) {
                if count == 0 {
                    break;
                }
                let mut seen = seen.lock().expect("no panic");
                seen.parser.process(&bytes[..count]);
                seen.written.extend_from_slice(&bytes[..count]);
            }
        });
        let keys = child.stdin.take().expect("stdin");
        Self { child, keys, screen, reader: Some(reader), folder }
    }

    fn text(&self) -> String {
        self.screen.lock().expect("no panic").parser.screen().contents()
    }

    /// What was written after the view was gone, or all if there was none.
    fn after_view(&self) -> String {
        let seen = self.screen.lock().expect("no panic");
        let text = String::from_utf8_lossy(&seen.written).into_owned();
        text.rsplit("\x1b[?1049l").next().unwrap_or_default().to_string()
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("the terminal takes keys");
        self.keys.flush().expect("the terminal takes keys");
    }

    /// Waits until a text is on the screen.
    fn await_text(&mut self, part: &str) {
        let start = Instant::now();
        let mut is_over = false;
        while !self.text().contains(part) {
            let text = self.text();
            assert!(!is_over && start.elapsed() < PATIENCE, "no `{part}` on the screen:\n{text}");
            is_over = self.reader.as_ref().is_none_or(JoinHandle::is_finished);
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }

    /// Waits for the end of the engine; the terminal must be as it was. Returns the exit code.
    fn end(&mut self) -> String {
        await_condition("end", || self.child.try_wait().expect("a child").is_some());
        self.reader.take().expect("once").join().expect("no panic");
        let seen = self.screen.lock().expect("no panic");
        assert!(!seen.parser.screen().alternate_screen(), "the page is gone");
        assert!(!seen.parser.screen().hide_cursor(), "the cursor is back");
        assert_eq!(self.file("before"), self.file("after"), "settings are as they were");
        assert!(!self.file("before").is_empty());
        self.file("code").trim().to_string()
    }

    /// The report that was written to a file.
    fn report(&self) -> acp_wire::Report {
        serde_json::from_str(&self.file("report.json")).expect("a report")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Ends the terminal, and with it what runs on it.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn a_run_is_watched_steered_and_stopped_and_the_terminal_is_as_before() {
    let target = target();
    let mut terminal = Terminal::start(&target, (24, 80), "-R 200 -c 4 -d 1h --threads 1");
    terminal.await_text("so far · no errors");
    terminal.await_text("status 200");
    let in_view = terminal.screen.lock().expect("no panic").parser.screen().alternate_screen();
    assert!(in_view, "a screen of its own");
    terminal.press("?");
    terminal.await_text("leave at once");
    terminal.press("?");
    terminal.press("+");
    terminal.await_text("the rate is 220/s");
    terminal.await_text("target           220");
    terminal.press("p");
    terminal.await_text("PAUSED");
    terminal.await_text("target             0");
    terminal.press("p");
    terminal.await_text("resumed");
    terminal.press("-");
    terminal.await_text("the rate is 198/s");
    terminal.await_text("target           198");
    terminal.press("q");
    assert_eq!(terminal.end(), "130");
    let text = terminal.after_view();
    assert!(text.contains("Verdict: ") && text.contains("Requests/sec: "), "{text}");
    let report = terminal.report();
    let kinds: Vec<_> = report.events.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["rate", "pause", "resume", "rate"]);
    assert!(report.books.balanced);
    assert_eq!(target.stop().expect("target").requests, report.books.sent);
}

#[test]
fn a_run_that_ends_by_itself_leaves_its_report() {
    for (size, first) in [((40, 120), "response time: p50"), ((5, 20), "p99"), ((1, 1), "")] {
        let target = target();
        let mut terminal = Terminal::start(&target, size, "-R 100 -c 4 -d 2s --tui --threads 1");
        terminal.await_text(first);
        // On a busy machine it is not on time.
        let code = terminal.end();
        assert!(["0", "98"].contains(&code.as_str()), "{code}: {}", terminal.after_view());
        assert_eq!(terminal.report().books.completed, 200);
        assert_eq!(target.stop().expect("target").requests, 200);
    }
}

/// A target that never answers keeps a stopped run waiting for its time-out.
#[test]
fn the_second_interrupt_leaves_at_once_and_the_terminal_is_as_before() {
    for (first, second) in [("q", "\x03"), ("\x03", "\x03"), ("\x03\x03", "")] {
        let options = TargetOptions { delay_ns: 3_600_000_000_000, ..TargetOptions::default() };
        let target = Target::start(options).expect("target");
        let flags = "-c 2 -d 1h --timeout 1h --no-color";
        let mut terminal = Terminal::start(&target, (24, 80), flags);
        terminal.await_text("in flight 2");
        terminal.press(first);
        if !second.is_empty() {
            terminal.await_text("Ctrl-C leaves at once");
            terminal.press(second);
        }
        assert_eq!(terminal.end(), "130", "{first:?}, {second:?}");
        assert_eq!(terminal.file("report.json"), "", "there was no time for one");
    }
}

/// What other programs send stops it as a key does.
#[test]
fn a_signal_ends_the_view_and_the_report_comes() {
    let target = target();
    let mut terminal = Terminal::start(&target, (24, 80), "-R 100 -c 2 -d 1h");
    terminal.await_text("so far · no errors");
    let pid = terminal.file("pid");
    let status = Command::new("sh").args(["-c", "kill -s TERM $0", pid.trim()]).status();
    assert!(status.expect("sh runs").success(), "kill -s TERM {pid}");
    assert_eq!(terminal.end(), "130");
    assert!(terminal.after_view().contains("Requests/sec: "), "{}", terminal.after_view());
}

#[test]
fn a_failure_is_said_on_a_terminal_that_is_as_before() {
    let stopped = target();
    let address = stopped.address();
    stopped.stop().expect("target");
    let unreachable = target();
    let flags = format!("--connect-to {address} -c 2 -d 1s");
    let mut terminal = Terminal::start(&unreachable, (24, 80), &flags);
    assert_eq!(terminal.end(), "1");
    assert!(
        terminal.after_view().contains("error: cannot connect to"),
        "{}",
        terminal.after_view()
    );
}

#[test]
fn lines_take_its_place_where_it_is_not_wanted() {
    let target = target();
    for flags in ["-n 20 -c 2 --no-tui", "-n 20 -c 2 --frames /dev/tty --control /dev/null"] {
        let mut terminal = Terminal::start(&target, (60, 400), flags);
        assert_eq!(terminal.end(), "0");
        assert!(terminal.after_view().contains("planned 20  sent 20"), "{}", terminal.after_view());
    }
    let mut terminal = Terminal::start(&target, (24, 80), "-n 5 --tui --control /dev/null");
    assert_eq!(terminal.end(), "2");
    assert!(terminal.after_view().contains("error: no live view: "), "{}", terminal.after_view());
}
