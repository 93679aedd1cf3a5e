//! How many files this process may have open: every connection is one.

use super::finding::{Finding, Subject};
use super::{Host, Needs};

/// Besides connections: rings, pipes, outputs.
const OTHER_FILES: u64 = 256;

const LIMITS: &str = "proc/self/limits";

pub(super) fn open_files(host: &Host, needs: &Needs) -> Finding {
    let subject =
        Subject { check: "open_files", why: "each connection is an open file of this process" };
    let Some((soft, hard)) = host.read(LIMITS).and_then(|text| limits(&text)) else {
        return subject.unreadable(LIMITS);
    };
    let needed = u64::from(needs.connections) + OTHER_FILES;
    let found = format!("{soft}, at most {hard}; the plan needs {needed}");
    let shown = |limit| if limit == u64::MAX { "unlimited".into() } else { format!("{limit}") };
    let found = match (soft, hard) {
        (u64::MAX, _) | (_, u64::MAX) => {
            format!("{}, at most {}; the plan needs {needed}", shown(soft), shown(hard))
        }
        _ => found,
    };
    match needed <= hard {
        // An engine raises the soft limit by itself.
        true => subject.ok(found),
        false => subject.bad(found, format!("ulimit -Hn {needed} && ulimit -n {needed}")),
    }
}

/// Soft and hard limit.
fn limits(text: &str) -> Option<(u64, u64)> {
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let mut words = line.split_whitespace().map(|word| match word {
        "unlimited" => Some(u64::MAX),
        number => number.parse().ok(),
    });
    Some((words.next()??, words.next()??))
}
