//! How often somebody may try to log in: by name and by address, forgotten after a minute.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Failures in a minute, by one name or from one address.
const FAILURES_MAX: u32 = 5;
const WINDOW_US: u64 = 60_000_000;
/// Names and addresses remembered; beyond, whoever is new has to wait.
const REMEMBERED_MAX: usize = 10_000;

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    since_unix_us: u64,
}

/// Failed attempts of the last minute.
#[derive(Default)]
pub struct Attempts {
    failures: Mutex<HashMap<String, Failures>>,
}

impl Attempts {
    /// Counts an attempt of all of `keys` as failed, until [`Self::succeed`] says otherwise: so a
    /// crowd of attempts at once counts as well.
    ///
    /// # Errors
    ///
    /// Seconds to wait when one of the keys has failed too often.
    pub fn begin(&self, keys: &[String], now_unix_us: u64) -> Result<(), u64> {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let is_old = |failures: &Failures| now_unix_us >= failures.since_unix_us + WINDOW_US;
        if failures.len() + keys.len() > REMEMBERED_MAX {
            failures.retain(|_, failures| !is_old(failures));
        }
        if failures.len() + keys.len() > REMEMBERED_MAX {
            return Err(WINDOW_US / 1_000_000);
        }
        for found in keys.iter().filter_map(|key| failures.get(key)) {
            if found.count >= FAILURES_MAX && !is_old(found) {
                return Err((found.since_unix_us + WINDOW_US - now_unix_us).div_ceil(1_000_000));
            }
        }
        for key in keys {
            let fresh = Failures { count: 0, since_unix_us: now_unix_us };
            let entry = failures.entry(key.clone()).or_insert(fresh);
            if is_old(entry) {
                *entry = fresh;
            }
            entry.count += 1;
        }
        Ok(())
    }

    /// The attempt succeeded: it does not count. Failures before it still do, or whoever has one
    /// good password could guess at others for ever.
    pub fn succeed(&self, keys: &[String]) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        for key in keys {
            if let Some(found) = failures.get_mut(key) {
                found.count = found.count.saturating_sub(1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(user: &str, address: &str) -> Vec<String> {
        vec![format!("user {user}"), format!("address {address}")]
    }

    #[test]
    fn the_sixth_failure_of_a_minute_has_to_wait() {
        let attempts = Attempts::default();
        for _ in 0..FAILURES_MAX {
            assert_eq!(attempts.begin(&keys("eve", "10.0.0.1"), 0), Ok(()));
        }
        for (what, user, address, now, expected) in [
            ("the same again", "eve", "10.0.0.1", 0, Err(60)),
            ("the same name from elsewhere", "eve", "10.0.0.2", 30_000_000, Err(30)),
            ("another name from there", "bob", "10.0.0.1", 59_000_001, Err(1)),
            ("another name from elsewhere", "bob", "10.0.0.2", 0, Ok(())),
            ("a minute later", "eve", "10.0.0.1", WINDOW_US, Ok(())),
        ] {
            assert_eq!(attempts.begin(&keys(user, address), now), expected, "{what}");
        }
    }

    #[test]
    fn what_succeeds_does_not_count() {
        let attempts = Attempts::default();
        for _ in 0..100 {
            assert_eq!(attempts.begin(&keys("ann", "10.0.0.1"), 0), Ok(()));
            attempts.succeed(&keys("ann", "10.0.0.1"));
        }
    }

    #[test]
    fn memory_is_bounded() {
        let attempts = Attempts::default();
        let mut refused = 0;
        for number in 0..2 * REMEMBERED_MAX {
            refused += usize::from(attempts.begin(&[format!("user {number}")], 0).is_err());
        }
        assert_eq!(refused, REMEMBERED_MAX);
        assert_eq!(attempts.begin(&["user new".into()], WINDOW_US), Ok(()), "a minute later");
    }
}
