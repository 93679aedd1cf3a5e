//! Frames into reports: histograms and how they are written, the verdict, the series, and one
//! renderer a file. Pure, so that an engine on its own and a control plane judge and print alike.

#![forbid(unsafe_code)]

mod distributions;
mod hdr;
mod json;
mod series;
mod text;
mod verdict;

pub use distributions::{Distributions, encode, new_histogram, summary};
pub use hdr::render as render_hdr;
pub use json::render as render_json;
pub use series::Series;
pub use text::{Style, duration, render as render_text};
pub use verdict::{Evidence, judge};
