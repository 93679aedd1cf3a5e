//! A simulated driver: the core on a network, servers and a clock that all follow from one number.
//!
//! ```text
//! seed ─► scenario (plan, faults) ─► split ─► driver × shards ─► outcomes ─► checks of the run
//!                                               ▲ │ Net
//!                                        events │ ▼
//!                                             network ─► servers
//! ```
//!
//! `SIM_SEED=n` runs one seed and shows what happens in it; `SIM_SEEDS=n` runs so many seeds.

mod checks;
mod driver;
mod feed;
mod network;
mod random;
mod run;
mod scenario;
mod secure;
mod server;
mod slowest;

use driver::Spares;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

const SEEDS: u64 = 10_000;
/// Failing seeds after which no more are tried.
const MAX_FAILURES: usize = 3;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

/// Runs seeds on all CPUs and returns those that failed, up to a few.
fn failing(seeds: u64) -> Vec<u64> {
    let (next, failed) = (AtomicU64::new(0), std::sync::Mutex::new(Vec::new()));
    let work = || {
        let mut spares = Spares::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds || failed.lock().unwrap().len() >= MAX_FAILURES {
                return;
            }
            if catch_unwind(AssertUnwindSafe(|| run::check(seed, false, &mut spares))).is_err() {
                eprintln!("seed {seed}");
                failed.lock().unwrap().push(seed);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    failed.into_inner().unwrap()
}

#[test]
fn simulated_runs_keep_their_promises() {
    if let Some(seed) = number("SIM_SEED") {
        return run::check(seed, true, &mut Spares::default());
    }
    let failed = failing(number("SIM_SEEDS").unwrap_or(SEEDS));
    let hint = "SIM_SEED=n cargo nextest run -p acp-engine sim";
    assert!(failed.is_empty(), "seeds {failed:?} failed; show one with\n  {hint}");
}
