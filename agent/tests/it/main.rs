//! Agents against a control plane, with engines that send nothing.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod control;
mod ends;
mod frames;
mod host;
mod leases;
mod leaving;
mod parts;
mod process;
mod real;
