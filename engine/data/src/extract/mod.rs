//! A sample of access logs, as a query file: small, but with the shares that the log has.
//!
//! # What is read
//!
//! Lines of text by a `log_format` of nginx (Apache's `common` and `combined` are such formats), or JSON
//! objects. What is no request is counted and shown; too many of them are an error.
//!
//! # How it is sampled
//!
//! Requests differ in method and route, status, latency and time of day. A *route* is the path with `{}` in
//! place of its values, learned from the paths themselves (`route.rs`), and the names of its query. A
//! *stratum* is what agrees in method, route, status, band of the latency (each band is twice as wide as the
//! one before it) and quarter of an hour of the day.
//!
//! `stratified` is proportional allocation (Cochran, Sampling Techniques, 3rd edition 1977, chapter 5): each
//! stratum has in the sample the share that it has in the log. That keeps the joint distribution of all
//! dimensions, where a uniform sample has the error of chance in each. Sizes are by largest remainders and by
//! systematic rounding (`allocate.rs`). Files are read twice: the first time counts, the second time draws
//! exactly as many as were allocated (`draw.rs`). A stream passes by once, and candidates are kept of each
//! stratum (`reservoir.rs`). The same log, options and seed give the same sample, file or stream each.
//!
//! Each method, route and class of the status has at least one request where the sample has room for that.
//! So rare ones have more than their share: with many of them the distance of routes or status is not 0, and
//! can be that of a uniform sample.
//!
//! Memory depends on the number of routes, which has a limit, on that of the strata that there are, and, for
//! a stream and for a replay, on the size of the sample; not on how many requests a stratum has.
//!
//! # What is told of it
//!
//! For each dimension the Jensen–Shannon distance between log and sample, beside the one that a uniform
//! sample of the same size is expected to have (`distance.rs`).
//!
//! # What is about people
//!
//! Paths and values of queries are written as they are in the log, and hosts and user agents where they are
//! asked for. [`Privacy`] leaves values of queries out, or makes digests of them.

mod allocate;
mod bad_line;
mod census;
mod distance;
mod draw;
mod entry;
mod format;
mod input;
mod json;
mod output;
mod pattern;
mod privacy;
mod replay;
mod report;
mod reservoir;
mod route;
mod run;
mod shape;
mod stamp;
mod stratum;
#[cfg(test)]
mod tests;

pub use bad_line::BadLine;
pub use entry::LatencyUnit;
pub use format::{COMBINED, COMMON, FormatError, LogFormat, NGINX};
pub use json::{FieldError, JsonFields};
pub use output::Layout;
pub use pattern::{Pattern, PatternError};
pub use privacy::Privacy;
pub use replay::{Profile, Speed, TimeOf};
pub use report::{DimensionReport, FAR, Report, RouteReport, SCHEMA, SampleReport};
pub use run::{ExtractError, Extraction, Format, Options, Replay, Sample, extract};
