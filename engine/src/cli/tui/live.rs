//! The live view as the run sees it: it is told what happens, and gives the terminal back at the end.

use super::choice::{Circumstances, choose, has_color};
use super::feed::{Feed, feed};
use super::helm::Helm;
use super::model::Model;
use super::page::Page;
use super::screen::{self, Guard};
use super::view::View;
use crate::cli::arguments::RunArgs;
use crate::launch::{Control, Seen};
use crate::plan::{Plan, Schedule};
use std::io;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// How long the view may take to draw its last picture: then the terminal takes no more.
const PATIENCE: Duration = Duration::from_secs(1);

/// A live view that is shown.
pub(in crate::cli) struct Live {
    /// None when it is over.
    feed: Option<Feed>,
    /// Ends with the thread of the view.
    thread: Receiver<()>,
    guard: Guard,
}

impl Live {
    /// Shows a run, where there is a terminal for it and nobody has asked otherwise.
    ///
    /// # Errors
    ///
    /// A sentence for people, when it was asked for and cannot be shown.
    pub(in crate::cli) fn start(
        arguments: &RunArgs,
        plan: &Plan,
        control: &Control,
    ) -> Result<Option<Self>, String> {
        if !choose(&Circumstances::now(arguments))? || control.is_interrupted() {
            return Ok(None);
        }
        match Self::open(plan, Page { has_color: has_color(arguments) }, control) {
            Ok(live) => Ok(Some(live)),
            Err(error) if arguments.tui => Err(format!("no live view: {error}")),
            Err(_) => Ok(None),
        }
    }

    fn open(plan: &Plan, page: Page, control: &Control) -> io::Result<Self> {
        let rate_per_s = match &plan.schedule {
            Schedule::Open { pace, .. } => Some(pace.rate_per_s(0)),
            Schedule::Closed { .. } => None,
        };
        let (feed, news) = feed();
        let guard = Guard::take()?;
        let opened = screen::open().and_then(|screen| {
            let view = View {
                model: Model::new(plan),
                helm: Helm::new(control, rate_per_s),
                page,
                news,
                control: control.clone(),
                guard: guard.clone(),
                screen,
            };
            let (alive, thread) = channel::<()>();
            let body = move || {
                view.run();
                // Whoever waits for the view sees its end.
                drop(alive);
            };
            std::thread::Builder::new().name("live-view".into()).spawn(body).map(|_| thread)
        });
        if opened.is_err() {
            guard.give_back();
        }
        Ok(Self { feed: Some(feed), thread: opened?, guard })
    }

    /// Takes in what happens. Returns whether it is shown.
    pub(in crate::cli) fn see(&mut self, seen: &Seen) -> bool {
        let Some(feed) = &mut self.feed else { return false };
        let is_shown = match seen {
            Seen::Ready { open_connections } => feed.ready(*open_connections),
            Seen::Frame(frame, progress) => feed.frame(frame, progress),
        };
        if !is_shown {
            self.close();
        }
        is_shown
    }

    /// Ends the view: the terminal is as it was.
    pub(in crate::cli) fn end(mut self) {
        self.close();
    }

    fn close(&mut self) {
        if self.feed.take().is_none() {
            return;
        }
        // Nothing is ever sent: it ends with the thread, or the terminal does not take the picture.
        self.thread.recv_timeout(PATIENCE).ok();
        self.guard.give_back();
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.close();
    }
}
