//! Turns: work that takes a processor for long is done a few pieces at a time, on threads where it
//! holds nobody up. Others wait for a while, and are told then to try again.

use super::error::{Answer, ApiError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

/// How long others wait for their turn.
const PATIENCE: Duration = Duration::from_secs(20);

/// One kind of work.
pub(crate) struct Turns {
    what: &'static str,
    most: usize,
    patience: Duration,
    free: Arc<Semaphore>,
}

impl Turns {
    /// `most` at a time of `what`, which is a plural.
    pub(crate) fn new(what: &'static str, most: usize) -> Self {
        Self { what, most, patience: PATIENCE, free: Arc::new(Semaphore::new(most)) }
    }

    /// Waits until fewer than the most are worked on.
    ///
    /// # Errors
    ///
    /// 503 when that takes too long.
    pub(crate) async fn take(&self) -> Answer<Turn> {
        let permit = Arc::clone(&self.free).acquire_owned();
        let busy = || {
            let Self { what, most, .. } = self;
            let text = format!("{most} other {what} are worked on\nhint: try again in a moment");
            ApiError::unavailable(text)
        };
        let in_time = tokio::time::timeout(self.patience, permit).await;
        in_time
            .map_err(|_| busy())?
            .map(|_permit| Turn { _permit })
            .map_err(|error| ApiError::internal(&error))
    }
}

/// The right to work, until it is dropped.
pub(crate) struct Turn {
    _permit: OwnedSemaphorePermit,
}

impl Turn {
    /// Works on a thread that may take its time. The turn goes with it, so that it lasts until the
    /// work is done, even where nobody waits for the answer any more.
    ///
    /// # Errors
    ///
    /// 500 when the work has panicked.
    pub(crate) async fn work<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Answer<(Self, T)> {
        let working = spawn_blocking(move || {
            let done = work();
            (self, done)
        });
        working.await.map_err(|error| ApiError::internal(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn turns(most: usize, patience: Duration) -> Turns {
        Turns { patience, ..Turns::new("things", most) }
    }

    #[tokio::test]
    async fn who_waits_too_long_is_told_when_to_try_again() {
        let turns = turns(2, Duration::from_millis(1));
        let (first, second) = (turns.take().await.unwrap(), turns.take().await.unwrap());
        let error = turns.take().await.err().unwrap();
        assert_eq!((error.status.as_u16(), error.retry_after_s), (503, Some(1)));
        assert_eq!(error.message, "2 other things are worked on");
        assert!(error.hint.contains("again"), "{error:?}");
        drop(first);
        let (second, three) = second.work(|| 3).await.unwrap();
        assert_eq!(three, 3);
        let third = turns.take().await.unwrap();
        turns.take().await.err().unwrap();
        drop((second, third));
        assert_eq!(turns.free.available_permits(), 2);
    }

    #[tokio::test]
    async fn a_turn_lasts_as_long_as_its_work() {
        let turns = turns(1, Duration::from_secs(60));
        let turn = turns.take().await.unwrap();
        let (begun, begins) = tokio::sync::oneshot::channel();
        let (end, ends) = mpsc::channel::<()>();
        let working = tokio::spawn(turn.work(move || {
            begun.send(()).unwrap();
            // Until the test lets go of the other end.
            ends.recv().unwrap_err();
        }));
        begins.await.unwrap();
        working.abort();
        assert!(working.await.is_err(), "nobody waits for it any more");
        assert_eq!(turns.free.available_permits(), 0, "it is worked on all the same");
        drop(end);
        turns.take().await.unwrap();
    }

    #[tokio::test]
    async fn work_that_fails_gives_its_turn_back() {
        let turns = turns(1, Duration::from_secs(60));
        let turn = turns.take().await.unwrap();
        let failed = turn.work(|| panic!("on purpose")).await.err().unwrap();
        assert_eq!(failed.status.as_u16(), 500);
        turns.take().await.unwrap();
    }
}
