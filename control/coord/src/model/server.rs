//! The server of the model: sessions, their watches, and who can reach it.

use super::tree::{Event, Tree};
use crate::SessionState;
use crate::keeper::{Hint, KeeperError, Write, WriteError};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

/// What is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Watched {
    Node,
    Children,
}

/// Dropped, a watch has fired.
type Watch = oneshot::Sender<()>;

/// One session, as the server and its client see it.
struct Seat {
    client: String,
    /// What the client believes.
    state: watch::Sender<SessionState>,
    /// The server still holds its nodes.
    is_alive: bool,
    /// When the server gives it up, while the client is away.
    server_deadline: Option<Instant>,
    /// When the client gives up by itself.
    client_deadline: Option<Instant>,
    /// Watches that have fired while the client was away.
    missed: Vec<Watch>,
    /// Writes whose answer will be lost.
    answers_to_lose: u32,
}

/// Everything the server knows.
pub(super) struct Server {
    pub(super) tree: Tree,
    session_timeout: Duration,
    seats: BTreeMap<i64, Seat>,
    watches: HashMap<(Watched, String), Vec<(i64, Watch)>>,
    cut: BTreeSet<String>,
    is_running: bool,
    sessions_made: i64,
}

impl Server {
    pub(super) fn new(session_timeout: Duration) -> Self {
        Self {
            tree: Tree::default(),
            session_timeout,
            seats: BTreeMap::new(),
            watches: HashMap::new(),
            cut: BTreeSet::new(),
            is_running: true,
            sessions_made: 0,
        }
    }

    /// How long a client that is cut off waits before it knows that its session is over: longer than
    /// the server, by the factor of the ZooKeeper client that we use.
    fn client_patience(&self) -> Duration {
        self.session_timeout * 7 / 5
    }

    pub(super) fn is_reachable(&self, client: &str) -> bool {
        self.is_running && !self.cut.contains(client)
    }

    /// A new session, if the client can reach the server.
    pub(super) fn connect(&mut self, client: &str) -> Option<(i64, watch::Receiver<SessionState>)> {
        if !self.is_reachable(client) {
            return None;
        }
        self.sessions_made += 1;
        let (state, receiver) = watch::channel(SessionState::Connected);
        let seat = Seat {
            client: client.to_string(),
            state,
            is_alive: true,
            server_deadline: None,
            client_deadline: None,
            missed: Vec::new(),
            answers_to_lose: 0,
        };
        self.seats.insert(self.sessions_made, seat);
        Some((self.sessions_made, receiver))
    }

    pub(super) fn watch(&mut self, session: i64, watched: Watched, path: &str) -> Hint {
        let (sender, receiver) = oneshot::channel();
        let watches = self.watches.entry((watched, path.to_string())).or_default();
        // What nobody waits for any more.
        watches.retain(|(_, sender)| !sender.is_closed());
        watches.push((session, sender));
        Box::pin(async {
            drop(receiver.await);
        })
    }

    pub(super) fn write(
        &mut self,
        session: i64,
        writes: &[Write],
    ) -> Result<Vec<String>, WriteError> {
        let written = self.tree.write(session, writes).map(|(made, events)| {
            self.fire(&events);
            made
        });
        let Some(seat) = self.seats.get_mut(&session) else { return written };
        if seat.answers_to_lose == 0 {
            return written;
        }
        seat.answers_to_lose -= 1;
        seat.state.send_replace(SessionState::Suspended);
        seat.state.send_replace(SessionState::Connected);
        Err(KeeperError::Disconnected.into())
    }

    fn fire(&mut self, events: &[Event]) {
        for event in events {
            let key = match event {
                Event::Node(path) => (Watched::Node, path.clone()),
                Event::Children(path) => (Watched::Children, path.clone()),
            };
            for (session, sender) in self.watches.remove(&key).unwrap_or_default() {
                let Some(seat) = self.seats.get_mut(&session) else { continue };
                if !self.is_running || self.cut.contains(&seat.client) {
                    seat.missed.push(sender);
                }
            }
        }
    }

    fn sessions_of(&self, client: Option<&str>) -> Vec<i64> {
        let is_of = |seat: &Seat| client.is_none_or(|client| seat.client == client);
        self.seats.iter().filter(|(_, seat)| is_of(seat)).map(|(session, _)| *session).collect()
    }

    pub(super) fn lose_answers(&mut self, client: &str, count: u32) {
        for session in self.sessions_of(Some(client)) {
            if let Some(seat) = self.seats.get_mut(&session) {
                seat.answers_to_lose = count;
            }
        }
    }

    pub(super) fn cut(&mut self, client: &str, now: Instant) {
        self.cut.insert(client.to_string());
        self.lose(Some(client), now);
    }

    pub(super) fn stop(&mut self, now: Instant) {
        self.is_running = false;
        self.lose(None, now);
        // A server that is not there ends no sessions.
        self.seats.values_mut().for_each(|seat| seat.server_deadline = None);
    }

    fn lose(&mut self, client: Option<&str>, now: Instant) {
        let (server, patience) = (now + self.session_timeout, now + self.client_patience());
        for session in self.sessions_of(client) {
            let Some(seat) = self.seats.get_mut(&session) else { continue };
            if self.is_running && seat.is_alive {
                seat.server_deadline.get_or_insert(server);
            }
            seat.client_deadline.get_or_insert(patience);
            seat.state.send_if_modified(|state| {
                let is_new = *state == SessionState::Connected;
                if is_new {
                    *state = SessionState::Suspended;
                }
                is_new
            });
        }
    }

    pub(super) fn heal(&mut self, now: Instant) {
        self.cut.clear();
        self.find(now);
    }

    pub(super) fn start(&mut self, now: Instant) {
        self.is_running = true;
        self.find(now);
    }

    /// Sessions whose clients can reach the server again go on, or hear that they are over.
    fn find(&mut self, now: Instant) {
        if !self.is_running {
            return;
        }
        for session in self.sessions_of(None) {
            let Some(seat) = self.seats.get_mut(&session) else { continue };
            let believes = *seat.state.borrow();
            if self.cut.contains(&seat.client) || believes == SessionState::Expired {
                // Nobody comes back for it. Every session has its full time after a start.
                let deadline = now + self.session_timeout;
                seat.server_deadline = seat.server_deadline.or(seat.is_alive.then_some(deadline));
            } else if !seat.is_alive {
                self.forget(session);
            } else if believes == SessionState::Suspended {
                (seat.server_deadline, seat.client_deadline) = (None, None);
                seat.state.send_replace(SessionState::Connected);
                seat.missed.clear();
            }
        }
    }

    /// Ends the sessions of a client as if their time were over.
    pub(super) fn expire(&mut self, client: &str) {
        for session in self.sessions_of(Some(client)) {
            self.end(session);
            if self.is_reachable(client) {
                self.forget(session);
            }
        }
    }

    /// Ends a session at the client's wish.
    pub(super) fn close(&mut self, session: i64) -> Result<(), KeeperError> {
        let Some(seat) = self.seats.get(&session) else { return Ok(()) };
        let is_heard = self.is_reachable(&seat.client);
        if is_heard {
            self.end(session);
            self.forget(session);
            return Ok(());
        }
        if let Some(seat) = self.seats.get_mut(&session) {
            seat.client_deadline = None;
            seat.state.send_replace(SessionState::Expired);
        }
        Err(KeeperError::Disconnected)
    }

    /// The server's side of an end: nodes go, watches of others fire.
    fn end(&mut self, session: i64) {
        let Some(seat) = self.seats.get_mut(&session) else { return };
        seat.is_alive = false;
        seat.server_deadline = None;
        let writes: Vec<Write> =
            self.tree.owned_by(session).into_iter().map(|path| Write::Delete { path }).collect();
        if let Ok((_, events)) = self.tree.write(session, &writes) {
            self.fire(&events);
        }
    }

    /// The client's side of an end.
    fn forget(&mut self, session: i64) {
        if let Some(seat) = self.seats.remove(&session) {
            seat.state.send_replace(SessionState::Expired);
        }
    }

    /// The next moment at which [`Self::pass`] has something to do.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let seats = self.seats.values();
        seats.flat_map(|seat| [seat.server_deadline, seat.client_deadline]).flatten().min()
    }

    /// Does what is due.
    pub(super) fn pass(&mut self, now: Instant) {
        for session in self.sessions_of(None) {
            let is_due = |deadline: Option<Instant>| deadline.is_some_and(|at| at <= now);
            let Some(seat) = self.seats.get_mut(&session) else { continue };
            let (server, client) = (is_due(seat.server_deadline), is_due(seat.client_deadline));
            if client {
                seat.client_deadline = None;
                seat.state.send_replace(SessionState::Expired);
            }
            if server {
                self.end(session);
            }
            let Some(seat) = self.seats.get(&session) else { continue };
            if !seat.is_alive && *seat.state.borrow() == SessionState::Expired {
                self.forget(session);
            }
        }
    }
}
