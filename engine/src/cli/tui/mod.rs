//! The live view of a run on a terminal.
//!
//! `choice` says whether there is one. `live` is the caller's side: it hands frames through `feed` to
//! a thread of its own, `view`, which puts them together in a `model`, draws that as a `page`, and
//! obeys `keys` through the `helm`. `screen` is the terminal, which is always put back as it was.

mod choice;
mod feed;
mod helm;
mod history;
mod keys;
mod live;
mod model;
mod numbers;
mod page;
mod screen;
#[cfg(test)]
mod tests;
mod view;

pub(super) use live::Live;
