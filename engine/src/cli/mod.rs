//! `acp bench`: flags → `wire::Plan` → run → outputs → exit code, and `acp explain`. The only place that
//! knows clap.

mod arguments;
mod bench;
mod commands;
mod explain;
mod output;
mod plan;
mod rules;
mod source;
mod tls;

pub use arguments::{BenchArgs, PlanArgs};
pub use bench::bench;
pub use explain::{ExplainArgs, explain};
pub use plan::document;
pub use rules::RuleArgs;

/// Everything went as asked.
pub const EXIT_OK: u8 = 0;
/// Something failed that is not the user's doing.
pub const EXIT_INTERNAL: u8 = 1;
/// The command line or the plan is wrong.
pub const EXIT_USAGE: u8 = 2;
/// Stopped by a rule of the plan.
pub const EXIT_ABORTED: u8 = 97;
/// The result is not valid.
pub const EXIT_NOT_VALID: u8 = 98;
/// A goal was missed.
pub const EXIT_SLO_MISSED: u8 = 99;
/// Stopped by Ctrl-C.
pub const EXIT_INTERRUPTED: u8 = 130;
