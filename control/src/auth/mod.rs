//! Who may do what: tokens, passwords, sessions, roles, what may be loaded, and where the API may be.
//!
//! In comes a request's headers and address; out comes an [`Identity`] with a role, or a refusal.

mod attempts;
mod bind;
mod identity;
mod passwords;
mod same_origin;
mod secret;
mod target_rule;
mod targets;

pub use attempts::Attempts;
pub use bind::{BindError, check_bind};
pub(crate) use identity::bearer;
pub use identity::{Identity, SESSION_COOKIE, Via, identify};
pub use passwords::{PasswordError, Passwords};
pub use same_origin::{check_host, check_origin};
pub use secret::{SecretText, hash_hex, new_token, same};
pub use target_rule::TargetRule;
pub(crate) use targets::peak_rate_per_s;
pub use targets::{Admitted, Room, TargetError, Targets};
