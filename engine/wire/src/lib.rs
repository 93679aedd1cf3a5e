//! Plain data that crosses a process boundary of acp: plan, frame, report.
//!
//! Every document carries `"schema": "acp.<kind>/1"`. Unknown fields are an error in plans (they
//! are typing mistakes) and are ignored in frames and reports (they come from newer writers).
//! Times are integers with the unit in the name.

#![forbid(unsafe_code)]

pub mod agent;
pub mod books;
mod durations;
pub mod frame;
pub mod outcome;
pub mod plan;
pub mod report;
pub mod rows;
pub mod units;
pub mod verdict;

pub use books::Books;
pub use frame::Frame;
pub use outcome::{ErrorClass, NotSent};
pub use plan::Plan;
pub use report::Report;
pub use verdict::{Reason, State, Verdict};

/// Schema of a plan document.
pub const PLAN_SCHEMA: &str = "acp.plan/1";
/// Schema of a frame document.
pub const FRAME_SCHEMA: &str = "acp.frame/1";
/// Schema of a template of rows.
pub const ROWS_SCHEMA: &str = "acp.rows/1";
/// Schema of the list of files that rows were written to.
pub const PARTS_SCHEMA: &str = "acp.parts/1";
/// Schema of a report document.
pub const REPORT_SCHEMA: &str = "acp.report/1";
