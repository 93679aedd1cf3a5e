//! Passwords: argon2, off the threads that serve requests, a few at a time.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use thiserror::Error;
use tokio::sync::Semaphore;

/// Hashes made at a time: each takes about 20 MiB and a core.
const CONCURRENT_MAX: usize = 2;
const LENGTH_MIN: usize = 10;
const LENGTH_MAX: usize = 256;

/// Why a password was not hashed.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PasswordError {
    /// Too easy to guess, or too long to hash.
    #[error("a password has {LENGTH_MIN} to {LENGTH_MAX} bytes")]
    Length,
    /// Not the caller's fault.
    #[error("failed to hash the password: {0}")]
    Hash(String),
}

/// Makes and checks hashes.
pub struct Passwords {
    permits: Semaphore,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { permits: Semaphore::new(CONCURRENT_MAX) }
    }
}

impl Passwords {
    /// The hash of a new password, in PHC form.
    ///
    /// # Errors
    ///
    /// See [`PasswordError`].
    pub async fn hash(&self, password: &str) -> Result<String, PasswordError> {
        if !(LENGTH_MIN..=LENGTH_MAX).contains(&password.len()) {
            return Err(PasswordError::Length);
        }
        let password = password.to_owned();
        self.aside(move || {
            let hash: PasswordHash = Argon2::default()
                .hash_password(password.as_bytes())
                .map_err(|error| PasswordError::Hash(error.to_string()))?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether `password` has this hash. Takes as long for a user that does not exist (none).
    ///
    /// # Errors
    ///
    /// When the stored hash cannot be read.
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, PasswordError> {
        if password.len() > LENGTH_MAX {
            return Ok(false);
        }
        let (password, hash) = (password.to_owned(), hash.map(str::to_owned));
        self.aside(move || {
            let Some(hash) = hash else {
                let spent: Result<PasswordHash, _> =
                    Argon2::default().hash_password(password.as_bytes());
                return spent.map(|_| false).map_err(|e| PasswordError::Hash(e.to_string()));
            };
            let parsed =
                PasswordHash::new(&hash).map_err(|error| PasswordError::Hash(error.to_string()))?;
            Ok(Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok())
        })
        .await
    }

    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let failed = |why: String| PasswordError::Hash(why);
        let _permit = self.permits.acquire().await.map_err(|error| failed(error.to_string()))?;
        tokio::task::spawn_blocking(work).await.map_err(|error| failed(error.to_string()))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_fits_its_hash() {
        let passwords = Passwords::default();
        let hash = passwords.hash("correct horse").await.unwrap();
        assert!(hash.starts_with("$argon2id$"), "{hash}");
        let too_long = "x".repeat(LENGTH_MAX + 1);
        for (password, hash, expected) in [
            ("correct horse", Some(hash.as_str()), true),
            ("Correct horse", Some(&hash), false),
            ("", Some(&hash), false),
            (too_long.as_str(), Some(&hash), false),
            ("correct horse", None, false),
        ] {
            assert_eq!(passwords.verify(password, hash).await, Ok(expected), "`{password}`");
        }
        assert!(passwords.verify("correct horse", Some("not a hash")).await.is_err());
    }

    #[tokio::test]
    async fn weak_passwords_are_refused() {
        let too_long = "x".repeat(LENGTH_MAX + 1);
        for password in ["", "short", "123456789", too_long.as_str()] {
            let result = Passwords::default().hash(password).await;
            assert_eq!(result, Err(PasswordError::Length), "`{password}`");
        }
    }
}
