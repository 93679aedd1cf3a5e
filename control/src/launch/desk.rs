//! Where messages of agents are answered: with a lease while we lead, and with who leads otherwise.

use crate::api::AgentDesk;
use crate::clock::Clock;
use crate::contacts::{Contacts, Heard};
use crate::ingest::Ingest;
use acp_coord::{ControlSide, Leadership};
use acp_wire::agent::{Contact, FrameBatch, HostSample, Status};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Notify, watch};

/// Samples that wait for the database, at the most.
const SAMPLES_MAX: usize = 20_000;

/// Answers agents.
pub(super) struct Desk {
    contacts: Arc<Contacts>,
    ingest: Arc<Ingest>,
    leadership: watch::Receiver<Leadership>,
    clock: Clock,
    nudge: Arc<Notify>,
    samples: Mutex<Vec<(String, HostSample)>>,
}

impl Desk {
    pub(super) fn new(
        contacts: Arc<Contacts>,
        ingest: Arc<Ingest>,
        coord: Arc<dyn ControlSide>,
        clock: Clock,
        nudge: Arc<Notify>,
    ) -> Self {
        let leadership = coord.leadership();
        Self { contacts, ingest, leadership, clock, nudge, samples: Mutex::default() }
    }

    /// Samples that came since the last call.
    pub(super) fn take_samples(&self) -> Vec<(String, HostSample)> {
        std::mem::take(&mut self.samples.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Who leads by what we know, in the form of an answer. A control that does not lead gives no
    /// lease: the one that does must know until when an agent may send.
    fn leader(&self) -> Result<u64, Contact> {
        let leadership = self.leadership.borrow().clone();
        let leader = match leadership {
            Leadership::Leader { epoch } => return Ok(epoch),
            Leadership::Follower { leader } => Some(leader),
            Leadership::Unknown => None,
        };
        Err(Contact { now_unix_us: self.clock.now_unix_us(), leader, ..Contact::default() })
    }

    /// Where the scheduler has not read yet what it must tell agents, the answer is of no epoch and
    /// gives no lease: to an agent it is none, and the lease that it has goes on.
    fn answer(&self, heard: Option<Heard>, epoch: u64, now_unix_us: u64) -> Contact {
        let Some(heard) = heard else { return Contact { now_unix_us, ..Contact::default() } };
        Contact {
            lease_us: heard.lease_us,
            now_unix_us,
            epoch,
            revision: heard.revision,
            parts: BTreeMap::new(),
            stop: heard.stop,
            leader: None,
        }
    }
}

#[async_trait]
impl AgentDesk for Desk {
    async fn frames(&self, batch: &FrameBatch) -> Contact {
        let epoch = match self.leader() {
            Ok(epoch) => epoch,
            Err(contact) => return contact,
        };
        let taken = self.ingest.take(batch).await;
        let is_end = batch.parts.iter().flat_map(|part| &part.frames).any(|frame| frame.flags.last);
        if is_end {
            self.nudge.notify_one();
        }
        // Last, so that the lease counts from when it is given and not from before the frames.
        let now_unix_us = self.clock.now_unix_us();
        let heard = self.contacts.heard(&batch.agent, now_unix_us);
        if heard.is_none() {
            return self.answer(None, epoch, now_unix_us);
        }
        let mut contact = self.answer(heard, epoch, now_unix_us);
        contact.parts = taken.acks;
        // Nobody else would end what belongs to no run that goes on.
        contact.stop.extend(taken.homeless);
        contact
    }

    async fn status(&self, status: &Status) -> Contact {
        let epoch = match self.leader() {
            Ok(epoch) => epoch,
            Err(contact) => return contact,
        };
        if let Some(host) = status.host {
            let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
            if samples.len() < SAMPLES_MAX {
                samples.push((status.info.agent.clone(), host));
            }
        }
        let now_unix_us = self.clock.now_unix_us();
        let heard = self.contacts.status(status, now_unix_us);
        self.nudge.notify_one();
        self.answer(heard, epoch, now_unix_us)
    }
}
