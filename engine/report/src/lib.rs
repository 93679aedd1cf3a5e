//! Frames into reports: histograms and how they are written, the verdict, the series, and one
//! renderer a file. Pure, so that an engine on its own and a control plane judge and print alike.

#![forbid(unsafe_code)]

mod agents;
mod assemble;
mod bands;
mod breakdown;
mod brief;
mod buckets;
mod columns;
pub mod compare;
mod counts;
mod csv;
mod decode;
mod detail;
mod distributions;
mod hdr;
mod json;
mod junit;
mod markdown;
mod page;
mod progress;
mod prometheus;
pub mod rules;
mod series;
mod slowest;
mod span;
mod spark;
mod sum;
mod text;
mod verdict;

pub use assemble::{Facts, assemble};
pub use bands::{band_edge_ns, band_of, bands_of};
pub use breakdown::{Breakdown, class_of};
pub use brief::{Brief, Figures};
pub use buckets::Buckets;
pub use columns::{Columns, RowBands, run_second};
pub use counts::{add_after, counts_of};
pub use csv::render as render_csv;
pub use decode::{HistogramError, decode};
pub use distributions::{Distributions, encode, new_histogram, summary};
pub use hdr::render as render_hdr;
pub use json::render as render_json;
pub use junit::render as render_junit;
pub use markdown::render as render_markdown;
pub use page::render as render_page_series;
pub use progress::progress_line;
pub use prometheus::{render as render_prometheus, render_so_far as render_prometheus_so_far};
pub use series::Series;
pub use slowest::{SLOWEST_OF_RUN, SLOWEST_OF_SECOND};
pub use spark::spark;
pub use sum::{Sum, books_of};
pub use text::{Style, duration, render as render_text, render_stored};
pub use verdict::{Evidence, judge};
