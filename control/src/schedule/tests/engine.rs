//! A model of an engine: it sends its slots when they are due on its clock, while it may.

use acp_plan::Pace;
use acp_wire::agent::{Part, PartState, PartStatus};

/// What a frame says, as far as the scheduler is concerned.
#[derive(Clone, Copy, Debug)]
pub(super) struct SimFrame {
    pub(super) seq: u64,
    pub(super) planned: u64,
    pub(super) sent: u64,
    pub(super) is_last: bool,
}

/// An engine.
#[derive(Clone, Debug)]
pub(super) struct Engine {
    pub(super) part: Part,
    /// When its connections are open.
    ready_unix_us: u64,
    /// Clock of its host less the true time.
    clock_error_us: i64,
    state: PartState,
    /// Own slots that are settled, and how many of them were sent.
    settled: u64,
    sent: u64,
    framed: (u64, u64),
    next_frame_us: i64,
    pub(super) frames: Vec<SimFrame>,
    seq: u64,
}

impl Engine {
    pub(super) fn new(part: Part, pace: &Pace, ready_unix_us: u64, clock_error_us: i64) -> Self {
        let before = part.share.count_of(pace.slots_before(part.share.from_us * 1000));
        Self {
            part,
            ready_unix_us,
            clock_error_us,
            state: PartState::Starting,
            settled: before,
            sent: 0,
            framed: (before, 0),
            next_frame_us: 1_000_000,
            frames: Vec::new(),
            seq: 0,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.state >= PartState::Finished
    }

    pub(super) fn status(&self) -> PartStatus {
        PartStatus {
            part: self.part.part.clone(),
            run: self.part.run.clone(),
            state: self.state,
            text: if self.state == PartState::Failed { "it died".into() } else { String::new() },
            books: (self.state == PartState::Finished).then(Default::default),
            ..PartStatus::default()
        }
    }

    /// Goes on to `now`; gives the slots that it sends to `send`.
    pub(super) fn step(
        &mut self,
        pace: &Pace,
        warmup_us: i64,
        now_unix_us: u64,
        send: &mut impl FnMut(u64),
    ) {
        if self.is_over() || now_unix_us < self.ready_unix_us {
            return;
        }
        let origin_us = self.part.t0_unix_us.cast_signed() + warmup_us;
        let at_us = now_unix_us.cast_signed() + self.clock_error_us - origin_us;
        self.state = if at_us >= -warmup_us { PartState::Running } else { PartState::Ready };
        let share = self.part.share;
        let due = share.count_of(pace.slots_before(u64::try_from(at_us).unwrap_or(0) * 1000));
        while self.settled < due {
            send(share.offset + self.settled * share.stride);
            self.settled += 1;
            self.sent += 1;
        }
        if at_us * 1000 >= pace.duration_ns().cast_signed() {
            self.end(pace);
        } else if at_us >= self.next_frame_us {
            self.next_frame_us = (at_us / 1_000_000 + 1) * 1_000_000;
            self.frame(false);
        }
    }

    /// Ends and books what is left as not sent.
    pub(super) fn end(&mut self, pace: &Pace) {
        if self.is_over() {
            return;
        }
        let all = self.part.share.count_of(pace.total());
        self.settled = self.settled.max(all);
        self.frame(true);
        self.state = PartState::Finished;
    }

    pub(super) fn die(&mut self) {
        if !self.is_over() {
            self.state = PartState::Failed;
        }
    }

    fn frame(&mut self, is_last: bool) {
        let planned = self.settled - self.framed.0;
        let sent = self.sent - self.framed.1;
        self.framed = (self.settled, self.sent);
        self.frames.push(SimFrame { seq: self.seq, planned, sent, is_last });
        self.seq += 1;
    }
}
