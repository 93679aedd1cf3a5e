//! From records to what people and programs read: frames, verdict, report, and one renderer a file.

mod assemble;

pub use acp_report::*;
pub use assemble::{Facts, assemble};
