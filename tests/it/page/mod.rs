//! The page in a real browser, over a real platform.

mod browser;
mod life;
mod long;
#[path = "../../../control/tests/support/long_run.rs"]
mod long_run;
mod memory;
mod people;
mod screens;
mod steadfast;
