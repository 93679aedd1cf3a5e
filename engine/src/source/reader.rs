//! The thread that reads a source for all shards of this process.

use super::dealer::{Dealer, Notice, Work};
use super::feed::{FileFeed, Stream, TemplateFeed};
use super::{Maker, Source, SourceError};
use crate::cpus::keep_off;
use crate::plan::{Plan, ShardPlan};
use crate::record::TagNames;
use crate::shard::Feed;
use acp_wire::agent::Share;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Shortest and longest sleep of a reader whose shards have requests for now. Each time that it wakes up
/// costs more than the lines that it reads, so it sleeps as long as they find enough of them: small
/// requests last for ten milliseconds and more at any rate, the largest for one.
const SHORT_SLEEP: Duration = Duration::from_micros(500);
const LONG_SLEEP: Duration = Duration::from_millis(4);
/// Longest sleep of one that has found nothing to read.
const IDLE_SLEEP: Duration = Duration::from_millis(2);
/// Bad lines that are told one by one.
const MAX_NOTICES: usize = 20;

/// What a supply is made for.
pub struct Needs<'a> {
    /// The plan.
    pub plan: &'a Arc<Plan>,
    /// The part of it that this process runs.
    pub share: Share,
    /// The same, cut into shards.
    pub parts: &'a [ShardPlan],
    /// CPUs of the shards.
    pub cpus: &'a [usize],
    /// Where tags get their numbers.
    pub tags: &'a TagNames,
}

/// Requests for the shards of one process. Dropping it ends its thread.
pub struct Supply {
    feeds: Vec<Option<Box<dyn Feed>>>,
    ready: Option<Receiver<Result<(), SourceError>>>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Supply {
    /// Finds and checks the source of a plan, if it has one, and begins to read it. `tell` hears what a
    /// person should know of, from another thread. The look through it ends early when the run
    /// `is_stopped`.
    ///
    /// # Errors
    ///
    /// When files or lines cannot be used.
    pub fn start(
        needs: &Needs,
        is_stopped: &dyn Fn() -> bool,
        tell: impl Fn(Notice) + Send + 'static,
    ) -> Result<Self, SourceError> {
        let (plan, parts) = (needs.plan, needs.parts);
        let Some(template) = &plan.template else {
            return Ok(Self::without_thread(parts.iter().map(|_| None).collect()));
        };
        let seed = plan.document.seed;
        let maker = |is_warmup| Maker::new(template, needs.tags, seed, is_warmup);
        let Some(source) = Source::open(plan, &maker(false), is_stopped)? else {
            let feed = |_| Some(Box::new(TemplateFeed::new(template, seed)) as Box<dyn Feed>);
            return Ok(Self::without_thread(parts.iter().map(feed).collect()));
        };
        let partition = plan.document.source.as_ref().map(|source| source.partition);
        let partition = partition.unwrap_or_default();
        let dealer = |is_warmup| {
            let (cursor, maker) = (source.cursor(plan), maker(is_warmup));
            Dealer::new(cursor, source.kind, maker, partition, needs.share, parts)
        };
        let (measured, streams) = dealer(false);
        let mut dealers = vec![measured];
        let mut warmup_streams: Vec<Option<Stream>> = parts.iter().map(|_| None).collect();
        if plan.warmup_ns > 0 {
            let (warmup, streams) = dealer(true);
            dealers.push(warmup);
            warmup_streams = streams.into_iter().map(Some).collect();
        }
        let feeds = streams.into_iter().zip(warmup_streams).map(|(measured, warmup)| {
            Some(Box::new(FileFeed { warmup, measured }) as Box<dyn Feed>)
        });
        let feeds = feeds.collect();
        let is_over = Arc::new(AtomicBool::new(false));
        let (ready_to, ready) = sync_channel(1);
        let reader = Reader {
            dealers,
            is_over: Arc::clone(&is_over),
            ready: Some(ready_to),
            tell: Box::new(tell),
            told: 0,
        };
        let cpus = needs.cpus.to_vec();
        let body = move || {
            keep_off(&cpus);
            reader.run();
        };
        let thread = std::thread::Builder::new().name("source".into()).spawn(body);
        let thread = Some(thread.map_err(SourceError::Thread)?);
        Ok(Self { feeds, ready: Some(ready), is_over, thread })
    }

    fn without_thread(feeds: Vec<Option<Box<dyn Feed>>>) -> Self {
        Self { feeds, ready: None, is_over: Arc::default(), thread: None }
    }

    /// The feeds of the shards, in their order; none where all requests are the same.
    pub fn take_feeds(&mut self) -> Vec<Option<Box<dyn Feed>>> {
        std::mem::take(&mut self.feeds)
    }

    /// Waits until every shard has its first requests, or until `is_stopped`.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    pub fn await_ready(&self, is_stopped: impl Fn() -> bool) -> Result<(), SourceError> {
        let Some(ready) = &self.ready else { return Ok(()) };
        loop {
            match ready.recv_timeout(Duration::from_millis(20)) {
                Ok(result) => return result,
                Err(RecvTimeoutError::Timeout) if !is_stopped() => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }
}

impl Drop for Supply {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic was printed already.
            drop(thread.join());
        }
    }
}

/// How long a reader sleeps that slept so long before. `is_short`: a shard had little left by then;
/// `is_busy`: something was there to do.
fn next_sleep(sleep: Duration, is_short: bool, is_busy: bool) -> Duration {
    match (is_short, is_busy) {
        (true, true) => (sleep / 2).max(SHORT_SLEEP),
        (false, true) => (sleep * 2).min(LONG_SLEEP),
        (_, false) => (sleep * 2).min(IDLE_SLEEP),
    }
}

/// The thread.
struct Reader {
    /// Of the measured part, and of the warm-up.
    dealers: Vec<Dealer>,
    is_over: Arc<AtomicBool>,
    ready: Option<SyncSender<Result<(), SourceError>>>,
    tell: Box<dyn Fn(Notice) + Send>,
    told: usize,
}

impl Reader {
    fn run(mut self) {
        let mut sleep = SHORT_SLEEP;
        while !self.is_over.load(Ordering::Relaxed) && !self.dealers.is_empty() {
            let is_short = self.dealers.iter().any(Dealer::is_short);
            let mut is_busy = false;
            while self.round() && !self.is_over.load(Ordering::Relaxed) {
                is_busy = true;
            }
            sleep = next_sleep(sleep, is_short, is_busy);
            std::thread::sleep(sleep);
        }
    }

    /// Works once for every dealer. Returns whether something was done.
    fn round(&mut self) -> bool {
        let mut is_busy = false;
        let mut number = 0;
        while number < self.dealers.len() {
            match self.dealers[number].work() {
                Ok(Work::Done) => is_busy = true,
                Ok(Work::Nothing) => {}
                Ok(Work::Over) => {
                    self.dealers.remove(number);
                    continue;
                }
                Err(error) => {
                    self.fail(error.into());
                    return false;
                }
            }
            let notices = self.dealers[number].take_notices();
            notices.into_iter().for_each(|notice| self.tell(notice));
            number += 1;
        }
        if self.dealers.iter().all(Dealer::is_primed)
            && let Some(ready) = self.ready.take()
        {
            // Whoever asked may have been stopped.
            drop(ready.send(Ok(())));
        }
        is_busy
    }

    /// Nothing can be read any more: an error before the start, an event behind it.
    fn fail(&mut self, error: SourceError) {
        self.dealers.clear();
        match self.ready.take() {
            Some(ready) => drop(ready.send(Err(error))),
            None => (self.tell)(Notice::Failed(error.to_string())),
        }
    }

    fn tell(&mut self, notice: Notice) {
        if let Notice::Fault(_) = &notice {
            self.told += 1;
            match self.told {
                told if told < MAX_NOTICES => {}
                MAX_NOTICES => {
                    let text = "further faults of the source are not listed".into();
                    return (self.tell)(Notice::Fault(text));
                }
                _ => return,
            }
        }
        (self.tell)(notice);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_sleeps_as_long_as_shards_have_enough() {
        let after = |turns: &[(bool, bool)]| {
            let sleep =
                |sleep, &(is_short, is_busy): &(bool, bool)| next_sleep(sleep, is_short, is_busy);
            turns.iter().fold(SHORT_SLEEP, sleep).as_micros()
        };
        let (enough, short, idle) = ((false, true), (true, true), (false, false));
        for (what, turns, expected) in [
            ("shards have enough", &[enough][..], 1_000),
            ("and so on", &[enough, enough, enough, enough], 4_000),
            ("a shard has little left", &[enough, enough, enough, short], 2_000),
            ("and so on", &[enough, short, short, short], 500),
            ("nothing to do", &[idle, idle, idle, idle], 2_000),
            ("nothing to do any more", &[enough, enough, enough, idle], 2_000),
            ("a pipe that is empty", &[(true, false), (true, false), (true, false)], 2_000),
            ("lines again", &[idle, idle, short, short], 500),
        ] {
            assert_eq!(after(turns), expected, "{what}");
        }
    }
}
