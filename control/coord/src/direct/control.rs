//! The one control of direct mode: it leads for ever, and its memory is the tree.
//!
//! Whoever routes `/agent/v1` calls [`DirectControl::register`], [`DirectControl::heard`],
//! [`DirectControl::assignment_after`] and [`DirectControl::deregister`]. Nothing is kept over a restart:
//! agents register again, and the caller writes assignments again, with revisions that it must have
//! kept growing: an agent does not look at one that is not newer than what it has.

use crate::recipe::{check_name, shard_of};
use crate::roll::Roll;
use crate::{ControlSide, CoordError, Leadership, Membership, TreeNode};
use acp_wire::agent::{AgentInfo, Assignment, Registered, Registration};
use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use thiserror::Error;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

/// Settings of a [`DirectControl`].
#[derive(Clone, Debug)]
pub struct DirectOptions {
    /// Its epoch: larger than that of any control before it, such as its start in Unix microseconds.
    pub epoch: u64,
    /// How long a session lives without a word. At least 3 s for agents over HTTP, whose polls count
    /// whole seconds.
    pub session_timeout: Duration,
    /// How long after the start an agent that is missing may be well: zero where nothing was running
    /// before, else as long as agents need to find it again. Until then the membership is not current.
    pub settle: Duration,
}

/// There is no such session any more: the agent has to register again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the session is over\nhint: register again")]
pub struct Gone;

/// The control side of direct mode.
#[derive(Debug)]
pub struct DirectControl {
    options: DirectOptions,
    book: Mutex<Book>,
    roll: Arc<Roll>,
    leadership: watch::Sender<Leadership>,
}

#[derive(Debug, Default)]
struct Book {
    seats: BTreeMap<String, Seat>,
    assigned: BTreeMap<String, Arc<Assignment>>,
}

/// A registered agent.
#[derive(Debug)]
struct Seat {
    info: AgentInfo,
    session: String,
    heard: Instant,
    /// Long polls wait on it.
    assignment: watch::Sender<Option<Arc<Assignment>>>,
}

impl DirectControl {
    /// A control without agents, and a task that ends sessions in time as long as it lives.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn start(options: DirectOptions) -> Arc<Self> {
        let control = Arc::new(Self {
            book: Mutex::default(),
            roll: Roll::start(),
            leadership: watch::Sender::new(Leadership::Leader { epoch: options.epoch }),
            options,
        });
        if control.options.settle.is_zero() {
            control.roll.declare_current();
        }
        tokio::spawn(pass_time(Arc::downgrade(&control)));
        control
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Seats an agent. One that comes back with its session keeps it.
    ///
    /// # Errors
    ///
    /// [`CoordError::NameTaken`] while another session has the name, [`CoordError::Settings`] when it
    /// cannot be a name.
    pub fn register(&self, registration: Registration) -> Result<Registered, CoordError> {
        let Registration { info, session: former } = registration;
        check_name(&info.agent)?;
        let name = info.agent.clone();
        let mut book = self.book();
        let heard = Instant::now();
        if let Some(seat) = book.seats.get_mut(&name)
            && heard - seat.heard < self.options.session_timeout
        {
            if former.as_ref() != Some(&seat.session) {
                return Err(CoordError::NameTaken { agent: name, by: seat.info.host.clone() });
            }
            (seat.info, seat.heard) = (info.clone(), heard);
        } else {
            let session = format!("{:032x}", rand::random::<u128>());
            let assignment = watch::Sender::new(book.assigned.get(&name).cloned());
            let seat = Seat { info: info.clone(), session, heard, assignment };
            book.seats.insert(name.clone(), seat);
        }
        let session = book.seats.get(&name).map(|seat| seat.session.clone()).unwrap_or_default();
        self.roll.update(
            self.roll.number(),
            shard_of(&name),
            &BTreeSet::new(),
            [(name, info)].into(),
        );
        drop(book);
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Registered {
            session,
            session_timeout_us: micros(self.options.session_timeout),
            now_unix_us: micros(since_1970),
        })
    }

    /// Any message of an agent renews its session.
    ///
    /// # Errors
    ///
    /// [`Gone`] when it has no such session.
    pub fn heard(&self, agent: &str, session: &str) -> Result<(), Gone> {
        self.seat(agent, session).map(|_| ())
    }

    /// Renews a session, and says where its assignment appears.
    fn seat(
        &self,
        agent: &str,
        session: &str,
    ) -> Result<watch::Receiver<Option<Arc<Assignment>>>, Gone> {
        let mut book = self.book();
        let seat = book.seats.get_mut(agent).filter(|seat| seat.session == session).ok_or(Gone)?;
        let now = Instant::now();
        if now - seat.heard >= self.options.session_timeout {
            return Err(Gone);
        }
        seat.heard = now;
        Ok(seat.assignment.subscribe())
    }

    /// The assignment of an agent once its revision is larger than `revision`, or nothing after `wait`.
    /// Renews the session at both ends.
    ///
    /// # Errors
    ///
    /// [`Gone`] when it has no such session, or no longer.
    pub async fn assignment_after(
        &self,
        agent: &str,
        session: &str,
        revision: u64,
        wait: Duration,
    ) -> Result<Option<Arc<Assignment>>, Gone> {
        let mut assignment = self.seat(agent, session)?;
        let is_newer = |assignment: &Option<Arc<Assignment>>| {
            assignment.as_ref().is_some_and(|assignment| assignment.revision > revision)
        };
        let newer = match timeout(wait, assignment.wait_for(is_newer)).await {
            Ok(Ok(assignment)) => assignment.clone(),
            // The seat is gone.
            Ok(Err(_)) => return Err(Gone),
            Err(_) => None,
        };
        self.heard(agent, session)?;
        Ok(newer)
    }

    /// Ends a session: the agent is gone at once. Without such a session, nothing happens.
    pub fn deregister(&self, agent: &str, session: &str) {
        let mut book = self.book();
        if book.seats.get(agent).is_some_and(|seat| seat.session == session) {
            self.remove(&mut book, agent);
        }
    }

    fn remove(&self, book: &mut Book, agent: &str) {
        book.seats.remove(agent);
        let gone = [agent.to_string()].into();
        self.roll.update(self.roll.number(), shard_of(agent), &gone, BTreeMap::new());
    }

    /// Ends sessions that nothing was heard of.
    fn pass(&self) {
        let mut book = self.book();
        let now = Instant::now();
        let is_over = |seat: &Seat| now - seat.heard >= self.options.session_timeout;
        let over = book.seats.iter().filter(|(_, seat)| is_over(seat));
        let over: Vec<String> = over.map(|(agent, _)| agent.clone()).collect();
        over.iter().for_each(|agent| self.remove(&mut book, agent));
    }

    fn is_leader(&self) -> bool {
        self.leadership.borrow().epoch().is_some()
    }

    fn check_epoch(&self, epoch: u64) -> Result<(), CoordError> {
        if self.leadership.borrow().epoch() == Some(epoch) {
            return Ok(());
        }
        Err(CoordError::StaleLeader { epoch })
    }
}

/// Ends sessions in time, as long as the control is there.
async fn pass_time(control: Weak<DirectControl>) {
    let start = Instant::now();
    let mut has_settled = false;
    loop {
        let Some(alive) = control.upgrade() else { return };
        alive.pass();
        if !has_settled && alive.is_leader() && start.elapsed() >= alive.options.settle {
            has_settled = true;
            alive.roll.declare_current();
        }
        let step = alive.options.session_timeout / 20;
        drop(alive);
        sleep(step.clamp(Duration::from_millis(10), Duration::from_secs(1))).await;
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[async_trait]
impl ControlSide for DirectControl {
    fn membership(&self) -> watch::Receiver<Arc<Membership>> {
        self.roll.membership()
    }

    fn leadership(&self) -> watch::Receiver<Leadership> {
        self.leadership.subscribe()
    }

    async fn assign(&self, epoch: u64, batch: &[(String, Assignment)]) -> Result<(), CoordError> {
        batch.iter().try_for_each(|(name, _)| check_name(name))?;
        let mut book = self.book();
        self.check_epoch(epoch)?;
        for (name, assignment) in batch {
            let assignment = Arc::new(assignment.clone());
            if let Some(seat) = book.seats.get(name) {
                seat.assignment.send_replace(Some(assignment.clone()));
            }
            book.assigned.insert(name.clone(), assignment);
        }
        Ok(())
    }

    async fn assigned(&self) -> Result<BTreeMap<String, Assignment>, CoordError> {
        let book = self.book();
        let assigned = book.assigned.iter();
        Ok(assigned.map(|(name, assignment)| (name.clone(), (**assignment).clone())).collect())
    }

    async fn forget(&self, epoch: u64, agents: &[String]) -> Result<(), CoordError> {
        let mut book = self.book();
        self.check_epoch(epoch)?;
        for agent in agents {
            book.assigned.remove(agent);
        }
        Ok(())
    }

    async fn tree(&self, path: &str) -> Result<Option<TreeNode>, CoordError> {
        Ok(super::tree::look(&self.nodes(), path))
    }

    async fn leave(&self) {
        let _book = self.book();
        self.leadership.send_replace(Leadership::Unknown);
        self.roll.connection(false);
    }
}

impl DirectControl {
    /// What ZooKeeper's tree would hold.
    fn nodes(&self) -> BTreeMap<String, (String, bool)> {
        let book = self.book();
        let agents = book.seats.iter().map(|(name, seat)| {
            let text = serde_json::to_string(&seat.info).unwrap_or_default();
            (format!("/v1/agents/{:02x}/{name}", shard_of(name)), (text, true))
        });
        let assigned = book.assigned.iter().map(|(name, assignment)| {
            let text = serde_json::to_string(&**assignment).unwrap_or_default();
            (format!("/v1/assign/{:02x}/{name}", shard_of(name)), (text, false))
        });
        let epoch = format!(r#"{{"epoch":{}}}"#, self.options.epoch);
        let epoch = [("/v1/epoch".to_string(), (epoch, false))];
        agents.chain(assigned).chain(epoch).collect()
    }
}
