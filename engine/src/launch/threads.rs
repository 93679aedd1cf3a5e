//! The threads of a run, from their start to the common beginning.

use super::cores::Placement;
use super::guard::panic_text;
use super::machine;
use super::{Control, LaunchError};
use crate::cpus::pin_current_thread;
use crate::drivers::Driver;
use crate::drivers::host::{Channels, Host, Message, ShardEnd, ShardFrame};
use crate::drivers::signals::Signals;
use crate::plan::{Plan, ShardPlan};
use crate::record::Record;
use crate::shard::{Check, Feed, Shard, TlsClient};
use acp_wire::agent::Share;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Empty records of a shard: so many frames may wait for the launcher.
const SPARE_RECORDS: usize = 1;
/// From the moment that all shards are ready to the common start.
const START_DELAY_NS: u64 = 5_000_000;

/// What a shard is made from.
pub(super) struct Making {
    pub(super) part: ShardPlan,
    /// Where its requests come from that are not all the same.
    pub(super) feed: Option<Box<dyn Feed>>,
    /// What its responses are held against besides the plan: of each kind one a connection.
    pub(super) checks: Vec<Vec<Box<dyn Check>>>,
    /// By this its connections are encrypted.
    pub(super) tls: Option<TlsClient>,
}

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
}

impl Threads {
    pub(super) fn start(
        makings: Vec<Making>,
        placement: &Placement,
        driver: &Driver,
        control: &Control,
    ) -> Result<Self, LaunchError> {
        let mut threads = Self { shards: Vec::new(), signals: Arc::clone(control.signals()) };
        for (number, making) in makings.into_iter().enumerate() {
            let cpu = placement.cpus.get(number).copied();
            let shard = threads.start_one(making, cpu, placement.spin_ns, driver)?;
            threads.shards.push(shard);
        }
        Ok(threads)
    }

    fn start_one(
        &self,
        Making { part, feed, checks, tls }: Making,
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
        let (signals, run) = (Arc::clone(&self.signals), driver.run);
        let body = move || {
            if let Some(Err(error)) = cpu.map(pin_current_thread) {
                // Whoever sent the last message may be gone.
                return drop(message_sender.send(Message::Failed(error.to_string())));
            }
            let channels =
                Channels { messages: message_sender, frames: frame_sender, spares: spare_receiver };
            let shard = checks.into_iter().fold(Shard::new(part, feed), Shard::with_checks);
            let shard = match tls {
                None => shard,
                Some(client) => shard.encrypted(client),
            };
            run(shard, Host::new(signals, channels, spin_ns));
        };
        let name = format!("shard-{}", self.shards.len());
        let handle = std::thread::Builder::new().name(name).spawn(body);
        let handle = Some(handle.map_err(LaunchError::Thread)?);
        Ok(ShardThread { handle, messages, frames, spares, end: None })
    }

    /// Nanoseconds on the clock of the shards.
    pub(super) fn now(&self) -> u64 {
        self.signals.now()
    }

    /// Sets the common start: in a moment, or at a time of the wall clock, which is looked at once.
    /// Returns it on the clock of the shards.
    pub(super) fn set_start(&self, start_unix_us: Option<u64>) -> u64 {
        let now = self.now();
        let start_ns = match start_unix_us {
            None => now + START_DELAY_NS,
            Some(start_us) => {
                let ahead_ns = (i128::from(start_us) - i128::from(machine::unix_us())) * 1000;
                u64::try_from((i128::from(now) + ahead_ns).max(1)).unwrap_or(u64::MAX / 2)
            }
        };
        self.signals.start_at(start_ns);
        start_ns
    }

    /// Waits until all connections are open, as far as that is possible. Returns how many are.
    ///
    /// A target of which not one connection could be opened is an error, unless this part takes over
    /// in the middle of a run: then it is what the run has come to.
    pub(super) fn await_ready(
        &self,
        plan: &Plan,
        share: &Share,
        addresses: &[SocketAddr],
        control: &Control,
    ) -> Result<usize, LaunchError> {
        let (mut open, mut failures) = (0, Vec::new());
        for shard in &self.shards {
            match self.first_message(shard, control) {
                Some(Message::Ready { open: of_shard }) => open += of_shard,
                Some(Message::Failed(why)) => failures.push(why),
                Some(Message::Done(_)) | None => {}
            }
        }
        if failures.len() == self.shards.len() {
            return Err(LaunchError::AllFailed(failures.swap_remove(0)));
        }
        if plan.keep_alive && open == 0 && share.from_us == 0 && !control.is_stopped() {
            self.signals.stop();
            let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
            let (addresses, why) = (addresses.join(", "), self.why_unreachable());
            return Err(match plan.server_name {
                Some(_) if why.starts_with("TLS") => LaunchError::Handshake { addresses, why },
                _ => LaunchError::Unreachable { addresses, why },
            });
        }
        if !failures.is_empty() {
            self.signals.stop();
            return Err(LaunchError::AllFailed(failures.swap_remove(0)));
        }
        Ok(open)
    }

    fn first_message(&self, shard: &ShardThread, control: &Control) -> Option<Message> {
        loop {
            match shard.messages.recv_timeout(Duration::from_millis(20)) {
                Ok(message) => return Some(message),
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) if control.is_stopped() => {
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
                Err(TryRecvError::Disconnected) => Some(Err(last_words(shard.handle.take()))),
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

/// Why a thread has ended that has not said it.
fn last_words(handle: Option<JoinHandle<()>>) -> String {
    match handle.map(JoinHandle::join) {
        Some(Err(payload)) => format!("a shard panicked: {}", panic_text(&*payload)),
        Some(Ok(())) | None => "a shard ended without a word".into(),
    }
}
