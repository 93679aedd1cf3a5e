//! What the thread of a shard has around its core and driver: clock, start, stop, frames.

use super::signals::Signals;
use crate::record::Record;
use crate::shard::{Net, Shard};
use nix::time::{ClockId, clock_gettime};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender};
use std::time::{Duration, Instant};

/// Longest wait of a driver, so that a stop or a change is seen in time. Waking up 200 times a second
/// costs an idle shard less than 1 % of its CPU.
pub const HEARTBEAT_NS: u64 = 5_000_000;

const SECOND_NS: u64 = 1_000_000_000;
/// How often a shard that is ready looks for the start.
const LOOK_NS: u64 = 500_000;
/// So long before the start a shard stops sleeping.
const START_SPIN_NS: u64 = 1_000_000;
/// Notes that one shard keeps.
const MAX_NOTES: usize = 32;

/// What a shard that is ready does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Waits, and looks after its connections meanwhile.
    Wait {
        /// Asks again at this time.
        until_ns: u64,
    },
    /// Begins the schedule.
    At {
        /// Its start.
        start_ns: u64,
    },
}

/// What a shard tells the launcher.
pub enum Message {
    /// Connections are open, as far as they could be opened.
    Ready {
        /// How many are.
        open: usize,
    },
    /// The shard is done.
    Done(ShardEnd),
    /// The driver has failed; the shard does nothing any more.
    Failed(String),
}

/// One second of one shard.
pub struct ShardFrame {
    /// Second of the measured part, or of the warm-up.
    pub second: u64,
    /// Belongs to the warm-up.
    pub warmup: bool,
    /// Requests without an outcome at its end.
    pub in_flight: u64,
    /// The shard gives out no other.
    pub last: bool,
    /// How long it was.
    pub elapsed_ns: u64,
    /// What happened.
    pub record: Box<Record>,
}

/// The end of a shard.
pub struct ShardEnd {
    /// When sending ended.
    pub drain_ns: u64,
    /// When the last response ended.
    pub last_response_ns: u64,
    /// When its feed first had no more requests.
    pub over_ns: Option<u64>,
    /// What a person should know of, with its time.
    pub notes: Vec<(u64, String)>,
}

/// Everything of a shard's thread that is neither core nor driver.
pub struct Host {
    origin: Instant,
    signals: Arc<Signals>,
    /// Of the course that the shard follows.
    revision: u32,
    messages: Sender<Message>,
    frames: SyncSender<ShardFrame>,
    spares: Receiver<Box<Record>>,
    spin_ns: u64,
    next_frame_ns: u64,
    frame_start_ns: u64,
    /// When everything had its outcome; not yet: the greatest time.
    end_ns: u64,
    second: u64,
    cpu_ns: u64,
    notes: Vec<(u64, String)>,
}

/// The ends of the channels that a host holds.
pub struct Channels {
    /// Ready, done, failed: once each.
    pub messages: Sender<Message>,
    /// A frame a second.
    pub frames: SyncSender<ShardFrame>,
    /// Empty records that come back.
    pub spares: Receiver<Box<Record>>,
}

impl Host {
    /// A host on the thread that calls. `spin_ns`: how long before a due time to stop sleeping.
    #[must_use]
    pub fn new(signals: Arc<Signals>, channels: Channels, spin_ns: u64) -> Self {
        Self {
            origin: signals.origin(),
            signals,
            revision: 0,
            messages: channels.messages,
            frames: channels.frames,
            spares: channels.spares,
            spin_ns,
            next_frame_ns: u64::MAX,
            frame_start_ns: 0,
            end_ns: u64::MAX,
            second: 0,
            cpu_ns: 0,
            notes: Vec::new(),
        }
    }

    /// Nanoseconds since the origin.
    #[inline]
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "584 years of nanoseconds fit")]
    pub fn now(&self) -> u64 {
        self.origin.elapsed().as_nanos() as u64
    }

    /// How long before a due time to stop sleeping.
    #[inline]
    #[must_use]
    pub fn spin_ns(&self) -> u64 {
        self.spin_ns
    }

    /// Whether the run was asked to stop, or may not go on at `now`.
    #[inline]
    #[must_use]
    pub fn is_stopped(&self, now: u64) -> bool {
        self.signals.is_stopped(now)
    }

    /// Whether the right to send is over at this very moment: for whoever is about to send. Costs
    /// nothing where there is no lease.
    #[inline]
    #[must_use]
    pub fn is_lease_over(&self) -> bool {
        self.signals.has_lease() && self.signals.is_lease_over(self.now())
    }

    /// Says that the shard is ready.
    pub fn ready(&mut self, shard: &Shard) {
        self.say(Message::Ready { open: shard.open_connections() });
    }

    /// Whether the schedule begins now. The last moment before it is waited for here.
    #[must_use]
    pub fn start(&self, now: u64) -> Start {
        match self.signals.start_ns() {
            _ if self.is_stopped(now) => Start::At { start_ns: now },
            0 => Start::Wait { until_ns: now + LOOK_NS },
            start_ns if start_ns > now + START_SPIN_NS => {
                Start::Wait { until_ns: start_ns - START_SPIN_NS }
            }
            start_ns => {
                while self.now() < start_ns {
                    std::hint::spin_loop();
                }
                Start::At { start_ns }
            }
        }
    }

    /// Begins a schedule that started at `start_ns`, and plans the first frame.
    pub fn begin(&mut self, shard: &mut Shard, net: &mut impl Net, start_ns: u64) {
        let now = self.now();
        self.cpu_ns = thread_cpu_ns();
        self.follow(shard, net, now);
        shard.begin(net, start_ns, now);
        // A shard that was stopped before has no measured part.
        let base_ns = match shard.is_warming_up() || shard.start_ns() > now {
            true => start_ns,
            false => shard.start_ns(),
        };
        self.second = now.saturating_sub(base_ns) / SECOND_NS;
        self.next_frame_ns = base_ns + (self.second + 1) * SECOND_NS;
        self.frame_start_ns = now.max(base_ns);
        self.fit_next(shard, shard.is_warming_up());
    }

    /// Does what the launcher asks for. Call once a turn, before the core's turn.
    #[inline]
    pub fn govern(&mut self, shard: &mut Shard, net: &mut impl Net, now: u64) {
        if now >= self.next_frame_ns {
            self.end_frame(shard, now);
        }
        self.follow(shard, net, now);
    }

    /// Stops, or takes over a changed course or changed addresses.
    #[inline]
    fn follow(&mut self, shard: &mut Shard, net: &mut impl Net, now: u64) {
        if self.is_stopped(now) {
            shard.stop(now);
            if self.signals.is_hurried() {
                shard.leave();
            }
        }
        if self.signals.revision() != self.revision {
            self.change(shard, net, now);
        }
    }

    #[cold]
    fn change(&mut self, shard: &mut Shard, net: &mut impl Net, now: u64) {
        self.revision = self.signals.revision();
        let is_new = |addresses: &Arc<_>| !Arc::ptr_eq(addresses, &shard.plan().addresses);
        if let Some(addresses) = self.signals.addresses().filter(is_new) {
            shard.retarget(net, &addresses, now);
        }
        if let Some(course) = self.signals.course() {
            shard.change(&course, now);
        }
    }

    #[cold]
    fn end_frame(&mut self, shard: &mut Shard, now: u64) {
        let warmup = shard.is_warming_up();
        let ends_warmup = warmup && now >= shard.start_ns();
        // Without an empty record the second goes on: only a launcher that is held up for seconds
        // brings that about. What comes before the measured part must not be mixed with it, though.
        let spare = match self.spares.try_recv() {
            Ok(spare) => Some(spare),
            Err(_) => ends_warmup.then(Box::default),
        };
        let second = self.second;
        self.plan_next(shard, now, ends_warmup);
        let Some(spare) = spare else { return };
        self.add_cpu_time(shard.record_mut());
        let in_flight = shard.in_flight();
        let elapsed_ns = now - self.frame_start_ns;
        self.frame_start_ns = now;
        let record = shard.swap_record(spare);
        // There are fewer records than places, but for the one made above, which is not counted.
        let frame = ShardFrame { second, warmup, in_flight, last: false, elapsed_ns, record };
        drop(self.frames.try_send(frame));
    }

    fn plan_next(&mut self, shard: &Shard, now: u64, ends_warmup: bool) {
        if ends_warmup {
            self.second = 0;
            self.next_frame_ns = shard.start_ns() + SECOND_NS;
        } else {
            self.second += 1;
            self.next_frame_ns += SECOND_NS;
        }
        // A thread that was held up for seconds makes one frame of them.
        while self.next_frame_ns <= now {
            self.second += 1;
            self.next_frame_ns += SECOND_NS;
        }
        self.fit_next(shard, shard.is_warming_up() && !ends_warmup);
    }

    /// A frame ends where the measured part begins, and the last one holds what is still answered
    /// after the end of the schedule.
    fn fit_next(&mut self, shard: &Shard, is_warmup: bool) {
        if is_warmup {
            self.next_frame_ns = self.next_frame_ns.min(shard.start_ns());
        } else if Some(self.next_frame_ns) == shard.end_ns() {
            self.next_frame_ns += SECOND_NS;
        }
    }

    fn add_cpu_time(&mut self, record: &mut Record) {
        let cpu_ns = thread_cpu_ns();
        record.counts.cpu_ns += cpu_ns.saturating_sub(self.cpu_ns);
        self.cpu_ns = cpu_ns;
    }

    /// Keeps a remark for the report, once.
    #[cold]
    pub fn note(&mut self, now: u64, text: &str) {
        let is_known = self.notes.iter().any(|(_, known)| known == text);
        if !is_known && self.notes.len() < MAX_NOTES {
            self.notes.push((now, text.to_string()));
        }
    }

    /// Everything has its outcome. A driver that closes connections by itself calls this before:
    /// closing thousands of them takes time that the load did not.
    pub fn load_ended(&mut self, shard: &mut Shard) {
        if self.end_ns == u64::MAX {
            self.end_ns = self.now();
            self.add_cpu_time(shard.record_mut());
        }
    }

    /// Hands out the last frame and the end.
    pub fn end(mut self, shard: Shard, net: &mut impl Net) {
        let end = self.end_frames(shard, net);
        self.say(Message::Done(end));
    }

    /// Hands out the last frame.
    fn end_frames(&mut self, mut shard: Shard, net: &mut impl Net) -> ShardEnd {
        self.load_ended(&mut shard);
        let (drain_ns, last_response_ns) = (shard.drain_ns(), shard.last_response_ns());
        let over_ns = shard.over_ns();
        let (second, elapsed_ns) = (self.second, self.end_ns.saturating_sub(self.frame_start_ns));
        for error in shard.protocol_errors() {
            self.note(self.end_ns, &format!("a response was not HTTP/1.1: {error}"));
        }
        for text in shard.tls_failures() {
            self.note(self.end_ns, text);
        }
        let record = shard.finish(net);
        let frame =
            ShardFrame { second, warmup: false, in_flight: 0, last: true, elapsed_ns, record };
        // The launcher may be gone after a second Ctrl-C.
        drop(self.frames.send(frame));
        let notes = std::mem::take(&mut self.notes);
        ShardEnd { drain_ns, last_response_ns, over_ns, notes }
    }

    /// Ends a run whose driver has failed: what has happened until then is accounted for.
    pub fn abandon(mut self, mut shard: Shard, net: &mut impl Net, why: &dyn std::error::Error) {
        shard.stop(self.now());
        self.end_frames(shard, net);
        self.fail(why);
    }

    /// Says that the driver cannot go on.
    pub fn fail(&self, why: &dyn std::error::Error) {
        self.say(Message::Failed(chain(why)));
    }

    fn say(&self, message: Message) {
        // The launcher may be gone after a second Ctrl-C.
        drop(self.messages.send(message));
    }
}

/// An error and its causes, in one line.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

fn thread_cpu_ns() -> u64 {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(0, |time| {
        let time = Duration::from(time);
        u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
    })
}
