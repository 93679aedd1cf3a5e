//! From the thread that collects frames to the one that shows them. It never waits: where the view
//! does not keep up, seconds are put together, so pictures are lost and numbers are not.

use crate::launch::Progress;
use crate::report::{Breakdown, Sum};
use acp_wire::Frame;
use acp_wire::report::Run;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

/// Seconds that may wait for the view.
const WAITING_MAX: usize = 16;

/// What the view is told.
pub(super) enum News {
    /// Connections are open.
    Ready {
        open_connections: usize,
    },
    Seconds(Box<Seconds>),
}

/// A second, or several put together.
pub(super) struct Seconds {
    pub(super) frame: Frame,
    /// How many.
    pub(super) count: u64,
    /// Seconds of the whole run, if that is known.
    pub(super) total_s: Option<f64>,
    /// What runs, and where.
    pub(super) run: Run,
}

/// The sending end.
pub(super) struct Feed {
    sender: SyncSender<News>,
    waiting: Option<(Sum, u64)>,
}

/// Both ends.
pub(super) fn feed() -> (Feed, Receiver<News>) {
    let (sender, receiver) = sync_channel(WAITING_MAX);
    (Feed { sender, waiting: None }, receiver)
}

impl Feed {
    /// Says that connections are open. Returns whether somebody will see it.
    pub(super) fn ready(&self, open_connections: usize) -> bool {
        !matches!(
            self.sender.try_send(News::Ready { open_connections }),
            Err(TrySendError::Disconnected(_))
        )
    }

    /// Hands over a second. Returns whether somebody will see it.
    pub(super) fn frame(&mut self, frame: &Frame, progress: &Progress) -> bool {
        let is_measured = !frame.flags.warmup;
        let (shown, count) = match &mut self.waiting {
            Some((sum, count)) if is_measured => {
                // The view shows neither tags nor single requests.
                sum.add_next(frame, &progress.record.distributions, &Breakdown::default());
                *count += 1;
                let mut shown = sum.to_frame(&frame.run, frame.seq, frame.second, frame.flags);
                shown.rate_target = frame.rate_target;
                (shown, *count)
            }
            _ => (frame.clone(), 1),
        };
        let (total_s, run) = (progress.total_s, progress.run.clone());
        let seconds = Seconds { frame: shown, count, total_s, run };
        match self.sender.try_send(News::Seconds(Box::new(seconds))) {
            Ok(()) => self.waiting = None,
            Err(TrySendError::Disconnected(_)) => return false,
            Err(TrySendError::Full(_)) if self.waiting.is_none() && is_measured => {
                let mut sum = Sum::new();
                // The view shows neither tags nor single requests.
                sum.add_next(frame, &progress.record.distributions, &Breakdown::default());
                self.waiting = Some((sum, 1));
            }
            Err(TrySendError::Full(_)) => {}
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;
    use acp_wire::frame::Flags;

    /// Hands over a second with one response in it.
    fn hand_over(feed: &mut Feed, second: u64, flags: Flags) -> bool {
        let mut record = Record::new();
        record.distributions.response.saturating_record(1_000 + second);
        let histograms = record.distributions.to_wire();
        let frame = Frame { second, sent: 1, flags, histograms, ..Frame::default() };
        let (run, sum) = (&Run::default(), &Sum::new());
        let progress = Progress { run, sum, record: &record, total_s: None };
        feed.frame(&frame, &progress)
    }

    fn sum_of(receiver: &Receiver<News>) -> (Sum, u64) {
        let (mut sum, mut count) = (Sum::new(), 0);
        for news in receiver.try_iter() {
            if let News::Seconds(seconds) = news {
                sum.add_next_frame(&seconds.frame).expect("our own histograms");
                count += seconds.count;
            }
        }
        (sum, count)
    }

    #[test]
    fn a_view_that_stands_still_costs_pictures_and_no_numbers() {
        let (mut feed, receiver) = feed();
        assert!(feed.ready(5));
        for second in 0..100 {
            assert!(hand_over(&mut feed, second, Flags::default()), "it is not gone");
        }
        let (early, before) = sum_of(&receiver);
        assert_eq!(early.counts().sent, before);
        assert!(before < 20, "the others wait: {before}");
        hand_over(&mut feed, 100, Flags::default());
        hand_over(&mut feed, 101, Flags::default());
        let (late, after) = sum_of(&receiver);
        assert_eq!((before + after, early.counts().sent + late.counts().sent), (102, 102));
        let responses = early.distributions().response.len() + late.distributions().response.len();
        assert_eq!(responses, 102);
    }

    #[test]
    fn a_warm_up_is_not_kept_for_later() {
        let (mut feed, receiver) = feed();
        let warmup = Flags { warmup: true, last: false };
        for second in 0..100 {
            assert!(hand_over(&mut feed, second, warmup));
        }
        let (_, count) = sum_of(&receiver);
        hand_over(&mut feed, 0, Flags::default());
        assert_eq!((count, sum_of(&receiver).1), (WAITING_MAX as u64, 1));
    }

    #[test]
    fn a_view_that_is_gone_is_noticed() {
        let (mut feed, receiver) = feed();
        drop(receiver);
        assert!(!feed.ready(1));
        assert!(!hand_over(&mut feed, 0, Flags::default()));
    }
}
