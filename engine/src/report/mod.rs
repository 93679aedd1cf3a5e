//! From records to what people and programs read: frames, verdict, report, and one renderer a file.

mod assemble;
mod hdr;
mod json;
mod series;
mod text;
mod verdict;

pub use assemble::{Facts, assemble};
pub use hdr::render as render_hdr;
pub use json::render as render_json;
pub use series::Series;
pub(crate) use text::duration;
pub use text::{Style, render as render_text};
pub use verdict::{Evidence, judge};
