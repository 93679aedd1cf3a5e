//! Membership: keeps the agent registered with its coordinator, and passes on what it is assigned.

use acp_coord::{AgentSide, CoordError, Session, SessionState};
use acp_wire::agent::{AgentInfo, Assignment};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;

/// Longest wait between two tries, before jitter.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// Shortest wait between two tries, before jitter.
const SHORTEST_WAIT: Duration = Duration::from_millis(250);
/// A coordinator that comes back sees its agents over this time, not all at once.
const REJOIN_JITTER: Duration = Duration::from_secs(2);

/// What the coordinator says, as far as it is known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Word {
    /// What to do: the newest.
    pub(crate) assignment: Option<Arc<Assignment>>,
    /// State of the session; none before the first.
    pub(crate) session: Option<SessionState>,
}

/// Registers again and again for as long as somebody listens.
///
/// # Errors
///
/// When the coordinator refuses for good before the agent was ever registered. Later it may have been
/// set up anew, so the agent goes on trying.
pub(crate) async fn keep_registered(
    coordinator: Arc<dyn AgentSide>,
    info: AgentInfo,
    word: watch::Sender<Word>,
) -> Result<(), CoordError> {
    let mut was_registered = false;
    let mut wait = SHORTEST_WAIT;
    loop {
        match coordinator.register(&info).await {
            Ok(session) => {
                tracing::info!("registered as `{}`", info.agent);
                was_registered = true;
                wait = SHORTEST_WAIT;
                follow(session, &word).await;
                if word.is_closed() {
                    return Ok(());
                }
                tracing::warn!("the session is over, registering again");
                sleep(REJOIN_JITTER.mul_f64(rand::random())).await;
            }
            Err(error) if !was_registered && is_final(&error) => return Err(error),
            Err(error) => {
                tracing::warn!("failed to register: {error}");
                sleep(wait.mul_f64(rand::random_range(0.5..1.0))).await;
                wait = (wait * 2).min(LONGEST_WAIT);
            }
        }
        if word.is_closed() {
            return Ok(());
        }
    }
}

fn is_final(error: &CoordError) -> bool {
    !matches!(error, CoordError::Unreachable { .. })
}

/// Passes on a session's states until it expires or nobody listens.
async fn follow(mut session: Session, word: &watch::Sender<Word>) {
    loop {
        let state = *session.state.borrow_and_update();
        let assignment = session.assignment.borrow_and_update().clone();
        word.send_modify(|word| {
            word.session = Some(state);
            if assignment.is_some() {
                word.assignment = assignment;
            }
        });
        if state == SessionState::Expired {
            return;
        }
        let changed = tokio::select! {
            changed = session.state.changed() => changed,
            changed = session.assignment.changed() => changed,
            () = word.closed() => return,
        };
        if changed.is_err() {
            // The coordinator's side of the session is gone: that is as good as expired.
            word.send_modify(|word| word.session = Some(SessionState::Expired));
            return;
        }
    }
}
