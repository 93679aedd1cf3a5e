//! Two or more runs side by side, and whether they differ by more than their own noise. Pure: in come
//! reports and, where they are kept, the frames of each second folded into [`Blocks`]; out comes a
//! [`Comparison`].
//!
//! # What is judged, and how
//!
//! A run is cut into at most 60 blocks of consecutive seconds. From them 1,000 runs are drawn that
//! might have been (the bootstrap: B. Efron, Bootstrap methods: another look at the jackknife, Annals
//! of Statistics 7, 1979). Seconds that follow each other are alike, so blocks are drawn in stretches
//! of neighbours, not one by one (H. R. Künsch, The jackknife and the bootstrap for general stationary
//! observations, Annals of Statistics 17, 1989; the last block is followed by the first: Politis and
//! Romano, A circular block-resampling procedure, 1992). A percentile of a drawn run is that of its
//! merged histogram, never a mean of percentiles.
//!
//! Two open loops that followed the same schedule are drawn by the same places: each block stands beside
//! that of the same seconds, and what a ramp or a step does to both is not taken for noise.
//!
//! A response is counted when it comes. For the rate it is given back to the block that sent its request,
//! so that answers seconds late are neither a hole at the start nor a peak at the end.
//!
//! The ratio of two runs is then known up to an interval that has it in 95 of 100 cases. Few blocks
//! make a bootstrap's interval too narrow: its ends are moved out as T. C. Hesterberg has it (What
//! teachers should know about the bootstrap, American Statistician 69, 2015).
//!
//! A report keeps no histogram of a second, but its percentiles and how many values were in each band:
//! where frames are not at hand, histograms that fit them are built again ([`Basis::Summaries`]). What
//! is said of a run itself is always from the histograms of the whole run.
//!
//! # What it does not say
//!
//! An interval knows the noise inside of two runs. What makes one start of the same program differ
//! from the next (placement in memory, neighbours on a host) it cannot know: whoever has to be sure
//! runs each side several times.

mod grid;

mod buckets;

mod blocks;
mod rebuilt;
mod track;

mod resample;

mod interval;

mod fate;
mod measures;

mod judge;
mod schedule;

mod curve;
mod differences;
mod distance;
mod numbers;
mod warnings;

mod comparison;

#[cfg(test)]
mod simulated;

pub use blocks::{Basis, Blocks};
pub use comparison::{Comparison, Side, Subject, compare, compare_within};
pub use curve::Curve;
pub use differences::Differing;
pub use distance::Distance;
pub use judge::{Difference, Judged, Judgement, SAME_RATIO};
pub use measures::{Better, Unit};
pub use numbers::Numbers;
pub use track::RateTrack;
