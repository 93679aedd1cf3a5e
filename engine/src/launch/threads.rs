//! The threads of a run, from their start to the common beginning.

use super::cores::Placement;
use super::{LaunchError, StopHandle};
use crate::cpus::pin_current_thread;
use crate::drivers::Driver;
use crate::drivers::host::{Channels, Host, Message, ShardEnd, ShardFrame, Signals};
use crate::plan::{Plan, ShardPlan, split};
use crate::record::Record;
use crate::shard::Shard;
use acp_wire::agent::Share;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Empty records of a shard: so many frames may wait for the launcher.
const SPARE_RECORDS: usize = 1;
/// From the moment that all shards are ready to the common start.
const START_DELAY_NS: u64 = 5_000_000;

/// The launcher's side of one shard.
pub(super) struct ShardThread {
    handle: Option<JoinHandle<()>>,
    messages: Receiver<Message>,
    pub(super) frames: Receiver<ShardFrame>,
    pub(super) spares: Sender<Box<Record>>,
    pub(super) end: Option<Result<ShardEnd, String>>,
}

/// All threads of a run.
pub(super) struct Threads {
    pub(super) shards: Vec<ShardThread>,
    pub(super) signals: Arc<Signals>,
    origin: Instant,
}

impl Threads {
    pub(super) fn start(
        plan: &Arc<Plan>,
        addresses: &[SocketAddr],
        placement: &Placement,
        driver: &Driver,
    ) -> Result<Self, LaunchError> {
        let (signals, origin) = (Arc::new(Signals::default()), Instant::now());
        let share = Share::whole(plan.connections);
        let parts = split(plan, &share, placement.shards, addresses);
        let mut threads = Self { shards: Vec::new(), signals, origin };
        for (number, part) in parts.into_iter().enumerate() {
            let cpu = placement.cpus.get(number).copied();
            let shard = threads.start_one(part, cpu, placement.spin_ns, driver)?;
            threads.shards.push(shard);
        }
        Ok(threads)
    }

    fn start_one(
        &self,
        part: ShardPlan,
        cpu: Option<usize>,
        spin_ns: u64,
        driver: &Driver,
    ) -> Result<ShardThread, LaunchError> {
        let (message_sender, messages) = channel();
        let (frame_sender, frames) = sync_channel(SPARE_RECORDS + 2);
        let (spares, spare_receiver) = channel();
        for _ in 0..SPARE_RECORDS {
            // The receiver is a few lines above.
            drop(spares.send(Box::new(Record::new())));
        }
        let (origin, signals, run) = (self.origin, Arc::clone(&self.signals), driver.run);
        let body = move || {
            if let Some(Err(error)) = cpu.map(pin_current_thread) {
                // Whoever sent the last message may be gone.
                return drop(message_sender.send(Message::Failed(error.to_string())));
            }
            let channels =
                Channels { messages: message_sender, frames: frame_sender, spares: spare_receiver };
            run(Shard::new(part.clone()), Host::new(origin, signals, channels, spin_ns));
        };
        let name = format!("shard-{}", self.shards.len());
        let handle = std::thread::Builder::new().name(name).spawn(body);
        let handle = Some(handle.map_err(LaunchError::Thread)?);
        Ok(ShardThread { handle, messages, frames, spares, end: None })
    }

    /// Nanoseconds on the clock of the shards.
    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// When the run starts, on the same clock.
    pub(super) fn start_ns(&self) -> u64 {
        self.signals.start_ns()
    }

    /// Waits until all connections are open, as far as that is possible, and sets the common start.
    ///
    /// A target of which not one connection could be opened is an error.
    pub(super) fn await_ready(
        &self,
        plan: &Plan,
        addresses: &[SocketAddr],
        stop: &StopHandle,
    ) -> Result<(), LaunchError> {
        let (mut open, mut failures) = (0, Vec::new());
        for shard in &self.shards {
            match self.first_message(shard, stop) {
                Some(Message::Ready { open: of_shard }) => open += of_shard,
                Some(Message::Failed(why)) => failures.push(why),
                Some(Message::Done(_)) | None => {}
            }
        }
        if failures.len() == self.shards.len() {
            return Err(LaunchError::AllFailed(failures.swap_remove(0)));
        }
        if plan.keep_alive && open == 0 && !stop.is_stopped() {
            self.signals.stop();
            let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
            let why = self.why_unreachable();
            return Err(LaunchError::Unreachable { addresses: addresses.join(", "), why });
        }
        if !failures.is_empty() {
            self.signals.stop();
            return Err(LaunchError::AllFailed(failures.swap_remove(0)));
        }
        self.signals.start_at(self.now() + START_DELAY_NS);
        Ok(())
    }

    fn first_message(&self, shard: &ShardThread, stop: &StopHandle) -> Option<Message> {
        loop {
            match shard.messages.recv_timeout(Duration::from_millis(20)) {
                Ok(message) => return Some(message),
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) if stop.is_stopped() => {
                    self.signals.stop();
                }
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// What the shards noted about their connections.
    fn why_unreachable(&self) -> String {
        for shard in &self.shards {
            while let Ok(message) = shard.messages.recv_timeout(Duration::from_secs(1)) {
                if let Message::Done(end) = message {
                    if let Some((_, text)) = end.notes.into_iter().next() {
                        return text;
                    }
                    break;
                }
            }
        }
        "no connection was opened in time".into()
    }

    /// Looks for the ends of shards. Returns whether all have ended.
    pub(super) fn look_for_ends(&mut self) -> bool {
        for shard in self.shards.iter_mut().filter(|shard| shard.end.is_none()) {
            shard.end = match shard.messages.try_recv() {
                Ok(Message::Done(end)) => Some(Ok(end)),
                Ok(Message::Failed(why)) => Some(Err(why)),
                Ok(Message::Ready { .. }) | Err(TryRecvError::Empty) => None,
                Err(TryRecvError::Disconnected) => Some(Err("a shard ended without a word".into())),
            };
        }
        self.shards.iter().all(|shard| shard.end.is_some())
    }

    /// Waits for the threads, which have all ended.
    pub(super) fn join(&mut self) {
        for handle in self.shards.iter_mut().filter_map(|shard| shard.handle.take()) {
            // A panic was reported by the thread's end already.
            drop(handle.join());
        }
    }
}
