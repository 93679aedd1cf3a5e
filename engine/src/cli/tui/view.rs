//! The thread of the view: takes in what happens, draws, and obeys keys. It sleeps most of the time
//! and keeps off the CPUs of the shards.

use super::feed::News;
use super::helm::Helm;
use super::keys::{Action, action_of};
use super::model::{Model, Phase};
use super::numbers::whole;
use super::page::Page;
use super::screen::{Guard, Screen};
use crate::cpus::keep_off;
use crate::launch::Control;
use ratatui::crossterm::event::{Event, poll, read};
use signal_hook::consts::SIGINT;
use signal_hook::low_level::raise;
use std::io::{self, Write as _};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

/// How long it sleeps where no key is pressed, and the least time between two pictures.
const LOOK: Duration = Duration::from_millis(100);

/// The view.
pub(super) struct View {
    pub(super) model: Model,
    pub(super) helm: Helm,
    pub(super) page: Page,
    pub(super) news: Receiver<News>,
    pub(super) control: Control,
    pub(super) guard: Guard,
    pub(super) screen: Screen,
}

/// What a look around found.
#[derive(Debug, Default)]
struct Found {
    /// There is something else to show.
    is_new: bool,
    /// The screen has to be drawn from scratch.
    is_spoilt: bool,
    /// The run is over.
    is_over: bool,
    /// Keys that stop the run.
    interrupts: usize,
}

impl View {
    /// Shows the run until it is over, or until somebody interrupts it: then the terminal is given back
    /// at once, so that the next interrupt is the terminal's own.
    pub(super) fn run(mut self) {
        let shown = self.show();
        self.guard.give_back();
        match shown {
            Ok(interrupts) => {
                for _ in 0..interrupts {
                    // As the terminal would have done: what happens then is decided in one place.
                    raise(SIGINT).ok();
                }
                if self.control.is_interrupted() {
                    tell("stopping: what was sent is waited for; Ctrl-C leaves at once");
                }
            }
            Err(error) => tell(&format!("note: the live view is over: {error}")),
        }
    }

    /// Returns how many keys have interrupted it.
    fn show(&mut self) -> io::Result<usize> {
        let (mut frame_at, mut drawn_at) = (Instant::now(), None::<Instant>);
        let (mut is_due, mut is_spoilt, mut shown_s) = (true, false, 0);
        loop {
            let mut found = self.take_news(&mut frame_at);
            self.take_keys(&mut found)?;
            if found.is_over || found.interrupts > 0 || self.control.is_interrupted() {
                return Ok(found.interrupts);
            }
            if self.control.is_stopped() && self.model.phase != Phase::Stopping {
                (self.model.phase, found.is_new) = (Phase::Stopping, true);
            }
            self.model.since_frame_s = frame_at.elapsed().as_secs_f64();
            let elapsed_s = whole(self.model.elapsed_s().floor());
            is_due |= found.is_new || elapsed_s != shown_s;
            is_spoilt |= found.is_spoilt;
            shown_s = elapsed_s;
            if is_due && drawn_at.is_none_or(|at| at.elapsed() >= LOOK) {
                self.draw(is_spoilt)?;
                (is_due, is_spoilt, drawn_at) = (false, false, Some(Instant::now()));
            }
        }
    }

    fn take_news(&mut self, frame_at: &mut Instant) -> Found {
        let mut found = Found::default();
        loop {
            match self.news.try_recv() {
                Ok(news) => {
                    if let News::Seconds(seconds) = &news {
                        *frame_at = Instant::now();
                        self.helm.see_rate(seconds.frame.rate_target);
                        if !self.model.has_frames() {
                            let cpus = seconds.run.cpus.iter();
                            keep_off(
                                &cpus.filter_map(|&cpu| cpu.try_into().ok()).collect::<Vec<_>>(),
                            );
                        }
                    }
                    self.model.take(news);
                    found.is_new = true;
                }
                Err(TryRecvError::Empty) => return found,
                Err(TryRecvError::Disconnected) => {
                    found.is_over = true;
                    return found;
                }
            }
        }
    }

    /// Waits a moment for keys, and obeys all that were pressed.
    fn take_keys(&mut self, found: &mut Found) -> io::Result<()> {
        let mut actions = Vec::new();
        let mut wait = if found.is_over { Duration::ZERO } else { LOOK };
        while poll(wait)? {
            wait = Duration::ZERO;
            match read()? {
                Event::Key(key) => actions.extend(action_of(key)),
                Event::Resize(..) => found.is_new = true,
                _ => {}
            }
        }
        for action in &actions {
            found.is_new = true;
            match action {
                Action::Interrupt => found.interrupts += 1,
                Action::Help => self.model.shows_help = !self.model.shows_help,
                Action::Close => self.model.shows_help = false,
                Action::Redraw => found.is_spoilt = true,
                Action::Pause | Action::Faster | Action::Slower => {}
            }
        }
        if let Some(said) = self.helm.obey(&actions) {
            self.model.said = said;
            self.model.is_paused = self.helm.is_paused;
        }
        Ok(())
    }

    fn draw(&mut self, from_scratch: bool) -> io::Result<()> {
        let Some(_page) = self.guard.draws() else { return Ok(()) };
        if from_scratch {
            self.screen.clear()?;
        }
        self.screen.draw(|frame| self.page.draw(&self.model, frame)).map(drop)
    }
}

/// A line on standard error, if somebody still reads it.
fn tell(line: &str) {
    io::stderr().write_all(format!("{line}\n").as_bytes()).ok();
}
