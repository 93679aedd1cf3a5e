//! A control plane for agents to talk to: real HTTP, a memory that it loses when it restarts, a store
//! that it keeps.

use acp_wire::agent::{Change, Contact, FrameBatch, PartAck, PartState, PartStatus, Status};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What it has of a part.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    /// Sequence numbers in the order they came in, each once.
    pub(crate) memory: Vec<u64>,
    /// How many of them are stored.
    pub(crate) stored: usize,
    /// Frames that came a second time.
    pub(crate) again: u64,
    /// Whether the last frame is among them.
    pub(crate) has_last: bool,
}

impl Frames {
    /// Frames come without holes: one that is not the next is not taken.
    fn next(&self) -> u64 {
        self.memory.last().map_or(0, |last| last + 1)
    }
}

/// All it knows, and how it behaves.
#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) plans: BTreeMap<String, Vec<u8>>,
    pub(crate) changes: BTreeMap<String, Vec<Change>>,
    pub(crate) parts: BTreeMap<String, Frames>,
    pub(crate) statuses: Vec<Status>,
    pub(crate) stop: Vec<String>,
    pub(crate) leader: Option<String>,
    pub(crate) epoch: u64,
    pub(crate) lease: Duration,
    /// How far its clock is ahead of this machine's.
    pub(crate) ahead: Duration,
    /// It answers no frames.
    pub(crate) refuses_frames: bool,
    /// It answers nothing.
    pub(crate) is_silent: bool,
    /// It stores what it has.
    pub(crate) stores: bool,
    /// It wants no frame any more: the run is over.
    pub(crate) is_closed: bool,
    /// Messages it was sent, answered or not.
    pub(crate) messages: u64,
}

impl Memory {
    /// What the agent said last about a part.
    pub(crate) fn part(&self, name: &str) -> Option<&PartStatus> {
        let parts = &self.statuses.last()?.parts;
        parts.iter().find(|part| part.part == name)
    }

    pub(crate) fn has_state(&self, name: &str, state: PartState) -> bool {
        self.part(name).is_some_and(|part| part.state == state)
    }

    pub(crate) fn frames(&self, name: &str) -> usize {
        self.parts.get(name).map_or(0, |part| part.memory.len())
    }

    /// Whether the last frame of the part has come.
    pub(crate) fn has_last(&self, name: &str) -> bool {
        self.parts.get(name).is_some_and(|part| part.has_last)
    }

    /// Frames of the part that are stored.
    pub(crate) fn stored(&self, name: &str) -> usize {
        self.parts.get(name).map_or(0, |part| part.stored)
    }

    /// Fails unless every frame of the part is here once, up to the last.
    pub(crate) fn check_whole(&self, name: &str) {
        let frames = &self.parts[name];
        let count = u64::try_from(frames.memory.len()).unwrap();
        assert_eq!(frames.memory, (0..count).collect::<Vec<_>>(), "no hole, no double");
        assert!(frames.has_last, "up to the last");
    }
}

#[derive(Clone)]
struct Shared {
    memory: Arc<Mutex<Memory>>,
    changed: Arc<Notify>,
}

/// A control plane for agents to talk to.
pub(crate) struct Control {
    shared: Shared,
    address: SocketAddr,
    server: Option<JoinHandle<()>>,
    extra: Router,
}

impl Control {
    pub(crate) async fn start() -> Self {
        Self::start_with(Router::new()).await
    }

    /// With more routes than those of a control plane that leads.
    pub(crate) async fn start_with(extra: Router) -> Self {
        let memory = Memory {
            plans: BTreeMap::new(),
            changes: BTreeMap::new(),
            parts: BTreeMap::new(),
            statuses: Vec::new(),
            stop: Vec::new(),
            leader: None,
            epoch: 1,
            lease: Duration::from_secs(15),
            ahead: Duration::ZERO,
            refuses_frames: false,
            is_silent: false,
            stores: true,
            is_closed: false,
            messages: 0,
        };
        let shared = Shared { memory: Arc::new(Mutex::new(memory)), changed: Arc::default() };
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut control = Self { shared, address: any, server: None, extra };
        control.serve().await;
        control
    }

    async fn serve(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.address = listener.local_addr().unwrap();
        let router = Router::new()
            .route("/agent/v1/plans/{hash}", get(plan))
            .route("/agent/v1/runs/{run}/changes", get(changes))
            .route("/agent/v1/frames", post(frames))
            .route("/agent/v1/status", post(status))
            .with_state(self.shared.clone())
            .merge(self.extra.clone());
        self.server = Some(tokio::spawn(async move {
            axum::serve(listener, router).await.unwrap();
        }));
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.shared.memory.lock().unwrap()
    }

    /// Takes a plan and gives its hash.
    pub(crate) fn add_plan(&self, plan: &[u8]) -> String {
        use sha2::{Digest, Sha256};
        let hash: String = Sha256::digest(plan).iter().map(|byte| format!("{byte:02x}")).collect();
        self.memory().plans.insert(hash.clone(), plan.to_vec());
        hash
    }

    /// Ends it. What it had not stored is gone.
    pub(crate) async fn stop(&mut self) {
        let server = self.server.take().unwrap();
        server.abort();
        assert!(server.await.unwrap_err().is_cancelled());
        for part in self.memory().parts.values_mut() {
            part.memory.truncate(part.stored);
        }
        // Connections end on their own only where nobody is served any more: an agent that asks on an
        // old one must find it silent.
        self.memory().is_silent = true;
    }

    /// Starts it again at the same address.
    pub(crate) async fn restart(&mut self) {
        self.memory().is_silent = false;
        self.serve().await;
    }

    /// Waits until what it knows is so.
    pub(crate) async fn wait(&self, what: &str, is_so: impl Fn(&Memory) -> bool) {
        let waiting = async {
            loop {
                let changed = self.shared.changed.notified();
                if is_so(&self.memory()) {
                    return;
                }
                changed.await;
            }
        };
        let came = timeout(PATIENCE, waiting).await;
        assert!(came.is_ok(), "never came: {what}\n{:#?}", self.memory());
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}

async fn plan(State(shared): State<Shared>, Path(hash): Path<String>) -> Response {
    let memory = shared.memory.lock().unwrap();
    match memory.plans.get(&hash) {
        Some(plan) => plan.clone().into_response(),
        None => (
            StatusCode::NOT_FOUND,
            "{\"error\":{\"code\":\"not_found\",\"message\":\"no such plan\"}}",
        )
            .into_response(),
    }
}

async fn changes(State(shared): State<Shared>, Path(run): Path<String>) -> Response {
    let memory = shared.memory.lock().unwrap();
    Json(memory.changes.get(&run).cloned().unwrap_or_default()).into_response()
}

async fn frames(State(shared): State<Shared>, Json(batch): Json<FrameBatch>) -> Response {
    answer(&shared, |memory| {
        if memory.refuses_frames {
            return Err(StatusCode::SERVICE_UNAVAILABLE);
        }
        let (stores, is_closed) = (memory.stores, memory.is_closed);
        let mut acks = BTreeMap::new();
        for part in batch.parts {
            let frames = memory.parts.entry(part.part.clone()).or_default();
            for frame in part.frames {
                assert_eq!((&frame.run, &frame.agent), (&part.run, &batch.agent));
                if frame.seq < frames.next() {
                    frames.again += 1;
                } else if frame.seq == frames.next() {
                    frames.memory.push(frame.seq);
                    frames.has_last |= frame.flags.last;
                }
            }
            if stores {
                frames.stored = frames.memory.len();
            }
            let stored = u64::try_from(frames.stored).unwrap();
            let ack = PartAck { next: frames.next(), stored };
            let closed = PartAck { next: u64::MAX, stored: u64::MAX };
            acks.insert(part.part, if is_closed { closed } else { ack });
        }
        Ok(acks)
    })
    .await
}

async fn status(State(shared): State<Shared>, Json(status): Json<Status>) -> Response {
    answer(&shared, |memory| {
        memory.statuses.push(status);
        Ok(BTreeMap::new())
    })
    .await
}

async fn answer(
    shared: &Shared,
    take: impl FnOnce(&mut Memory) -> Result<BTreeMap<String, PartAck>, StatusCode>,
) -> Response {
    let answered = {
        let mut memory = shared.memory.lock().unwrap();
        memory.messages += 1;
        if memory.is_silent {
            None
        } else {
            let acks =
                if memory.leader.is_some() { Ok(BTreeMap::new()) } else { take(&mut memory) };
            Some(acks.map(|parts| contact(&memory, parts)))
        }
    };
    shared.changed.notify_waiters();
    match answered {
        Some(Ok(contact)) => Json(contact).into_response(),
        Some(Err(status)) => status.into_response(),
        None => std::future::pending().await,
    }
}

fn contact(memory: &Memory, parts: BTreeMap<String, PartAck>) -> Contact {
    let lease_us = u64::try_from(memory.lease.as_micros()).unwrap();
    Contact {
        lease_us,
        now_unix_us: now_unix_us() + u64::try_from(memory.ahead.as_micros()).unwrap(),
        epoch: memory.epoch,
        revision: 0,
        parts,
        stop: memory.stop.clone(),
        leader: memory.leader.clone(),
    }
}

pub(crate) fn now_unix_us() -> u64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since_1970.as_micros()).unwrap()
}
