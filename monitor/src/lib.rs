//! Samplers of host metrics.

#![forbid(unsafe_code)]
