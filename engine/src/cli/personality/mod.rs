//! Other tools' command lines: `acp wrk`, `acp hey`, `acp oha`, `acp piemon`.
//!
//! In come the flags of that tool, out goes a plan, a run of this engine and a summary in the shape
//! of that tool. Every flag is done, accepted because it changes nothing here, or refused with a hint.
//!
//! Where the tools measure otherwise, the numbers are this engine's: response times of an open loop
//! count from the moment a request was due, and what was not measured is not printed as 0.

mod figures;
#[cfg(test)]
mod fixture;
mod refusal;
mod request;
mod run;

mod hey;
mod oha;
mod piemon;
mod wrk;

pub use hey::{HeyArgs, go_arguments, hey};
pub use oha::{OhaArgs, oha};
pub use piemon::{PiemonArgs, piemon};
pub use wrk::{WrkArgs, wrk};
