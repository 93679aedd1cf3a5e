//! The terminal: taken over at the start, put back as it was at the end, whatever happens.

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use std::io::{self, BufWriter, Stderr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::{Duration, Instant};

/// What is drawn in one go: a whole page of a large terminal.
const PAGE_BYTES: usize = 64 * 1024;
/// How long the end of a page is waited for that is being written.
const PAGE_WAIT: Duration = Duration::from_millis(200);

/// The terminal of the view: standard error, as standard output may be a file.
pub(super) type Screen = Terminal<CrosstermBackend<BufWriter<Stderr>>>;

/// Remembers that the terminal is taken over. Clones are of the same terminal.
#[derive(Clone)]
pub(super) struct Guard {
    is_taken: Arc<AtomicBool>,
    /// Held while a page is written.
    page: Arc<Mutex<()>>,
}

impl Guard {
    /// Takes the terminal over: its keys come one by one, and the view has a screen of its own. A
    /// panic anywhere gives it back before it says what happened.
    pub(super) fn take() -> io::Result<Self> {
        enable_raw_mode()?;
        let guard =
            Self { is_taken: Arc::new(AtomicBool::new(true)), page: Arc::new(Mutex::new(())) };
        let entered = execute!(io::stderr(), EnterAlternateScreen, Hide);
        if let Err(error) = entered {
            guard.give_back();
            return Err(error);
        }
        let (of_hook, before) = (guard.clone(), std::panic::take_hook());
        std::panic::set_hook(Box::new(move |panic| {
            of_hook.give_back();
            before(panic);
        }));
        Ok(guard)
    }

    /// Whether a page may be drawn; it may until the answer is dropped.
    pub(super) fn draws(&self) -> Option<MutexGuard<'_, ()>> {
        let page = self.page.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        self.is_taken.load(Ordering::Acquire).then_some(page)
    }

    /// Puts the terminal back as it was, once.
    pub(super) fn give_back(&self) {
        if !self.is_taken.swap(false, Ordering::AcqRel) {
            return;
        }
        // A terminal that takes no bytes must not keep a run from its report, and whoever panics may
        // be drawing.
        let start = Instant::now();
        while matches!(self.page.try_lock(), Err(TryLockError::WouldBlock))
            && start.elapsed() < PAGE_WAIT
        {
            std::thread::sleep(Duration::from_millis(1));
        }
        // There is nobody left to tell.
        drop(disable_raw_mode());
        drop(execute!(io::stderr(), LeaveAlternateScreen, Show));
    }
}

/// The screen to draw on.
pub(super) fn open() -> io::Result<Screen> {
    let writer = BufWriter::with_capacity(PAGE_BYTES, io::stderr());
    Terminal::new(CrosstermBackend::new(writer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// Set in the process that panics.
    const PANICS: &str = "ACP_TEST_PANICS_ON_A_TERMINAL";

    /// Runs itself on a terminal of `script`, where it panics.
    #[test]
    fn a_panic_is_read_on_a_terminal_that_is_as_before() {
        if std::env::var_os(PANICS).is_some() {
            let guard = Guard::take().expect("a terminal");
            // On any thread, and in the middle of a page.
            let thread = std::thread::spawn(move || {
                let _page = guard.draws();
                panic!("on purpose");
            });
            assert!(thread.join().is_err());
            return;
        }
        let folder = tempfile::tempdir().expect("folder");
        let (at, program) = (folder.path().display(), std::env::current_exe().expect("program"));
        let line = format!(
            "stty -g > {at}/before; {} --nocapture --exact {}; stty -g > {at}/after",
            program.display(),
            "cli::tui::screen::tests::a_panic_is_read_on_a_terminal_that_is_as_before"
        );
        let script = Command::new("script")
            .args(["--quiet", "--return", "--command", &line, "/dev/null"])
            .env(PANICS, "1")
            .output()
            .expect("script of util-linux runs");
        let text = String::from_utf8_lossy(&script.stdout).into_owned();
        let place = |part: &str| text.find(part).unwrap_or_else(|| panic!("no {part:?}: {text:?}"));
        let (taken, given, said) =
            (place("\x1b[?1049h"), place("\x1b[?1049l"), place("on purpose"));
        assert!(taken < given && given < said, "{text:?}");
        assert!(text.rfind("\x1b[?25h") > text.rfind("\x1b[?25l"), "no cursor: {text:?}");
        let read =
            |name: &str| std::fs::read_to_string(folder.path().join(name)).expect("settings");
        assert_eq!(read("before"), read("after"));
        assert!(!read("before").is_empty());
    }
}
