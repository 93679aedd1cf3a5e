//! Who leads: the candidate with the lowest number. Each candidate watches the one before it only.
//!
//! ```text
//! stand ──► first in the line? ──no──► wait for the one before to go ──► again
//!                 │ yes
//!                 ▼
//!           one write: I am still in the line, a larger epoch, my address ──► lead until out of the line
//! ```
//!
//! A leader that loses its connection stays leader for half a session time-out, the one that the
//! server has granted: before its session can be over and another leads. Its writes are checked against the epoch in any case.

use super::control::Shared;
use super::{ControlEntry, EpochEntry, RELIST_EVERY, RETRY_AFTER, draw_instance, json};
use crate::keeper::{Keeper, KeeperError, Life, Write, ended, insist};
use crate::{Leadership, SessionState};
use tokio::time::{sleep, timeout};

/// What a leader's writes are checked against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Term {
    pub(crate) epoch: u64,
    /// Version of the node `epoch` that says so.
    pub(crate) version: i32,
}

/// Takes part in the election until the session is over.
pub(crate) async fn take_part(keeper: &dyn Keeper, shared: &Shared) {
    let election = Election { keeper, shared, prefix: format!("{}-", draw_instance()) };
    let run = async {
        loop {
            match election.stand().await {
                Ok(()) => {}
                Err(KeeperError::Expired) => return ended(keeper).await,
                Err(error) => {
                    tracing::warn!(%error, "failed to take part in the election");
                    sleep(RETRY_AFTER).await;
                }
            }
        }
    };
    tokio::select! {
        () = run => {}
        () = election.doubt() => {}
    }
}

struct Election<'a> {
    keeper: &'a dyn Keeper,
    shared: &'a Shared,
    /// How names of our candidates begin.
    prefix: String,
}

impl Election<'_> {
    /// Gets in the line and stays in it until our node is gone.
    async fn stand(&self) -> Result<(), KeeperError> {
        let folder = self.shared.layout.leader();
        loop {
            let mut line = insist(self.keeper, || self.keeper.children(&folder)).await?.0;
            line.sort_by_key(|name| number_of(name));
            let Some(place) = line.iter().position(|name| name.starts_with(&self.prefix)) else {
                // Also after a write without an answer: had it been done, we would be in the line.
                self.shared.set_term(None);
                self.enter(&folder).await?;
                continue;
            };
            if place == 0 {
                self.lead(&format!("{folder}/{}", line[0])).await?;
            } else {
                self.shared.set_term(None);
                self.follow(&format!("{folder}/{}", line[place - 1])).await?;
            }
        }
    }

    async fn enter(&self, folder: &str) -> Result<(), KeeperError> {
        let node = Write::Create {
            path: format!("{folder}/{}", self.prefix),
            data: self.shared.address.clone().into_bytes(),
            life: Life::EphemeralSequential,
        };
        match self.keeper.write(&[node]).await {
            Ok(_) => Ok(()),
            Err(failed) if failed.error == KeeperError::Disconnected => Ok(()),
            Err(failed) => Err(failed.error),
        }
    }

    /// Leads until something may have changed.
    async fn lead(&self, candidate: &str) -> Result<(), KeeperError> {
        // Before reading: a break in between must not be missed.
        let mut states = self.keeper.state();
        let (_, gone) = insist(self.keeper, || self.keeper.exists_and_watch(candidate)).await?;
        let epoch_path = self.shared.layout.epoch();
        let (data, stat) = insist(self.keeper, || self.keeper.get(&epoch_path)).await?;
        // What cannot be read counts from its version: an epoch must not come back.
        let entry = serde_json::from_slice::<EpochEntry>(&data).unwrap_or_else(|_| EpochEntry {
            epoch: u64::try_from(stat.version).unwrap_or_default(),
            by: String::new(),
        });
        if entry.by != candidate {
            let epoch = entry.epoch.saturating_add(1).max(self.shared.epoch_floor);
            return self.take_over(candidate, epoch, stat.version).await;
        }
        let term = Term { epoch: entry.epoch, version: stat.version };
        self.shared.set_term(Some(term));
        self.shared.publish(Leadership::Leader { epoch: term.epoch });
        tokio::select! {
            () = gone => {}
            () = self.shared.nudge.notified() => {}
            _ = states.changed() => {}
            () = sleep(RELIST_EVERY) => {}
        }
        Ok(())
    }

    /// One write: whoever reads the new epoch reads the new address too.
    async fn take_over(
        &self,
        candidate: &str,
        epoch: u64,
        version: i32,
    ) -> Result<(), KeeperError> {
        let by = candidate.to_string();
        let address = self.shared.address.clone();
        let layout = &self.shared.layout;
        let writes = [
            Write::Check { path: candidate.to_string(), version: None },
            Write::Set {
                path: layout.epoch(),
                data: json(&EpochEntry { epoch, by }),
                version: Some(version),
            },
            Write::Set {
                path: layout.control(),
                data: json(&ControlEntry { epoch, address }),
                version: None,
            },
        ];
        match self.keeper.write(&writes).await {
            Ok(_) => Ok(()),
            // Whether it was done is read from the epoch's node the next time round; so is who was
            // quicker. A candidate that is gone is missed in the line.
            Err(failed) => match failed.error {
                KeeperError::Disconnected | KeeperError::BadVersion => Ok(()),
                KeeperError::NoNode if failed.index == Some(0) => Ok(()),
                error => Err(error),
            },
        }
    }

    /// Follows until the candidate before us may have gone.
    async fn follow(&self, before: &str) -> Result<(), KeeperError> {
        let mut states = self.keeper.state();
        let (exists, mut gone) =
            insist(self.keeper, || self.keeper.exists_and_watch(before)).await?;
        if !exists {
            return Ok(());
        }
        let control = self.shared.layout.control();
        loop {
            let (data, _, changed) =
                insist(self.keeper, || self.keeper.get_and_watch(&control)).await?;
            let entry = serde_json::from_slice::<ControlEntry>(&data).unwrap_or_default();
            self.shared.publish(match entry.address {
                // Our own address, from before a restart: nobody is there.
                leader if leader.is_empty() || leader == self.shared.address => Leadership::Unknown,
                leader => Leadership::Follower { leader },
            });
            tokio::select! {
                () = &mut gone => return Ok(()),
                _ = states.changed() => return Ok(()),
                () = sleep(RELIST_EVERY) => return Ok(()),
                () = changed => {}
            }
        }
    }

    /// Gives up what is known of the leader when the tree has not answered for long.
    async fn doubt(&self) {
        let mut states = self.keeper.state();
        loop {
            let suspended = states.wait_for(|state| *state != SessionState::Connected).await;
            if !suspended.is_ok_and(|state| *state == SessionState::Suspended) {
                return;
            }
            let patience = self.keeper.session_timeout() / 2;
            let back = states.wait_for(|state| *state != SessionState::Suspended);
            if timeout(patience, back).await.is_err() {
                self.shared.publish(Leadership::Unknown);
                drop(states.wait_for(|state| *state != SessionState::Suspended).await);
            }
        }
    }
}

/// The number that the tree has given a candidate. Ten digits, or more after two billion.
fn number_of(name: &str) -> u64 {
    name.rsplit_once('-').and_then(|(_, number)| number.parse().ok()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::number_of;

    #[test]
    fn the_line_is_in_the_order_of_numbers() {
        for (name, number) in [
            ("0123456789abcdef-0000000007", 7),
            ("ffff-2147483648", 2_147_483_648),
            ("somebody's", u64::MAX),
            ("a-", u64::MAX),
            ("", u64::MAX),
            ("a--1", 1),
        ] {
            assert_eq!(number_of(name), number, "{name:?}");
        }
    }
}
