//! A model of ZooKeeper in memory, on tokio's clock: for tests of whoever uses a coordinator, with
//! paused time and without a server.
//!
//! Both sides run the same recipes over it as over ZooKeeper. Clients are known by name (an agent's,
//! or the address of a control) and can be cut off, expired, or lose an answer; the server can be
//! stopped. Nothing in it is random.

mod server;
mod session;
mod tree;

use crate::recipe::{KeeperAgent, KeeperControl, Layout};
use crate::{AgentSide, ControlSide};
use server::Server;
use session::ModelDial;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// Settings of a model.
#[derive(Clone, Debug)]
pub struct ModelOptions {
    /// How long a session lives without a word.
    pub session_timeout: Duration,
}

impl Default for ModelOptions {
    fn default() -> Self {
        Self { session_timeout: Duration::from_secs(30) }
    }
}

/// A ZooKeeper in memory. Clones are the same one.
#[derive(Clone)]
pub struct Model {
    world: Arc<World>,
}

/// The server, and what its clients share.
struct World {
    server: Mutex<Server>,
    /// What clients ask for.
    asked_timeout: Duration,
    /// What they get.
    granted_timeout: Duration,
    /// Deadlines, or who can reach whom, have changed.
    changed: Notify,
}

impl World {
    fn server(&self) -> MutexGuard<'_, Server> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Server)) {
        change(&mut self.server());
        self.changed.notify_waiters();
    }
}

impl Model {
    /// A running server without nodes.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime: a task of it ends sessions in time.
    #[must_use]
    pub fn new(options: &ModelOptions) -> Self {
        Self::granting(options, options.session_timeout)
    }

    /// The same, and sessions live as long as the server says, not as clients ask.
    ///
    /// # Panics
    ///
    /// As [`Self::new`].
    #[must_use]
    pub fn granting(options: &ModelOptions, granted_timeout: Duration) -> Self {
        let world = Arc::new(World {
            server: Mutex::new(Server::new(granted_timeout)),
            asked_timeout: options.session_timeout,
            granted_timeout,
            changed: Notify::new(),
        });
        tokio::spawn(pass_time(Arc::downgrade(&world)));
        Self { world }
    }

    /// An agent's side. It is the client `name`.
    #[must_use]
    pub fn agent(&self, name: &str) -> Arc<dyn AgentSide> {
        Arc::new(KeeperAgent::new(self.dial(name), Layout::acp(), Duration::ZERO))
    }

    /// The side of a control plane whose API is at `address`, which is the name of the client too.
    #[must_use]
    pub fn control(&self, address: &str) -> Arc<dyn ControlSide> {
        self.control_from(address, 0)
    }

    /// The same, with no epoch below `epoch_floor`.
    #[must_use]
    pub fn control_from(&self, address: &str, epoch_floor: u64) -> Arc<dyn ControlSide> {
        let dial = self.dial(address);
        Arc::new(KeeperControl::start(dial, Layout::acp(), address, epoch_floor, None))
    }

    fn dial(&self, client: &str) -> Arc<ModelDial> {
        Arc::new(ModelDial { world: self.world.clone(), client: client.to_string() })
    }

    /// Cuts a client off the server, until [`Self::heal`].
    pub fn partition(&self, client: &str) {
        self.world.change(|server| server.cut(client, Instant::now()));
    }

    /// Every client can reach the server again.
    pub fn heal(&self) {
        self.world.change(|server| server.heal(Instant::now()));
    }

    /// Ends the sessions of a client, whether it can be told or not: one that is cut off may believe in
    /// its session, and lead, for a while longer. It makes new ones at will.
    pub fn expire(&self, client: &str) {
        self.world.change(|server| server.expire(client));
    }

    /// The server answers nobody and ends no session, until [`Self::start_server`].
    pub fn stop_server(&self) {
        self.world.change(|server| server.stop(Instant::now()));
    }

    /// The server goes on with the nodes and sessions it had.
    pub fn start_server(&self) {
        self.world.change(|server| server.start(Instant::now()));
    }

    /// The next `count` writes in the client's sessions of now are done, but their answers are lost
    /// with the connection, which is back at once.
    pub fn lose_answers(&self, client: &str, count: u32) {
        self.world.change(|server| server.lose_answers(client, count));
    }
}

/// Ends sessions in time, as long as the model is there.
async fn pass_time(world: Weak<World>) {
    while let Some(world) = world.upgrade() {
        let changed = world.changed.notified();
        let deadline = world.server().next_deadline();
        // Not for ever: the model may have been dropped.
        let wake = Instant::now() + Duration::from_secs(1);
        let until = deadline.map_or(wake, |deadline| deadline.min(wake));
        if timeout_at(until, changed).await.is_err() {
            world.server().pass(Instant::now());
        }
    }
}
