//! `acp bench`: flags → `wire::Plan` → run → outputs → exit code, and `acp explain`. The only place that
//! knows clap. The command lines of other tools are in `personality`.

mod arguments;
mod bench;
mod commands;
mod explain;
mod frames;
mod messages;
#[cfg(not(feature = "tui"))]
mod no_live;
mod output;
mod personality;
mod plan;
mod rules;
mod sink;
mod source;
mod textfile;
mod tls;
#[cfg(feature = "tui")]
mod tui;

pub use arguments::{BenchArgs, PLAN_FLAGS, PlanArgs};
pub use bench::bench;
pub use explain::{ExplainArgs, explain};
pub use personality::{HeyArgs, OhaArgs, PiemonArgs, WrkArgs, go_arguments, hey, oha, piemon, wrk};
pub use plan::{document, from_file as plan_of_file};
pub use rules::RuleArgs;

#[cfg(not(feature = "tui"))]
use no_live::Live;
#[cfg(feature = "tui")]
use tui::Live;

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
