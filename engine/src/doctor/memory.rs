//! Memory: enough of it, and in pages that do not surprise.

use super::finding::{Finding, Subject};
use super::{Host, Needs};

const INFO: &str = "proc/meminfo";
const HUGE: &str = "sys/kernel/mm/transparent_hugepage/enabled";

/// Histograms, rings and code.
const ENGINE_BYTES: u64 = 128 << 20;
/// The kernel's side of a connection and ours, with some bytes on their way.
const CONNECTION_BYTES: u64 = 16 << 10;

pub(super) fn available(host: &Host, needs: &Needs) -> Finding {
    let subject = Subject {
        check: "memory",
        why: "a host that swaps or kills processes makes no load on time",
    };
    let available = host.read(INFO).and_then(|text| available_bytes(&text));
    let Some(available) = available else { return subject.unreadable(INFO) };
    let needed = ENGINE_BYTES + u64::from(needs.connections) * CONNECTION_BYTES;
    let mib = |bytes: u64| bytes >> 20;
    let text = format!("{} MiB free, about {} MiB needed", mib(available), mib(needed));
    let fix = "fewer connections, or end what else runs here";
    match available {
        _ if available < needed => subject.bad(text, fix),
        _ if available < 2 * needed => subject.note(text, fix),
        _ => subject.ok(text),
    }
}

fn available_bytes(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

pub(super) fn huge_pages(host: &Host, _: &Needs) -> Finding {
    let subject = Subject {
        check: "huge_pages",
        why: "the kernel may stop a thread to put pages together where they are always on",
    };
    let Some(text) = host.read(HUGE) else { return subject.unreadable(HUGE) };
    let chosen = text.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
    match chosen.map(|(chosen, _)| chosen) {
        None => subject.unknown(format!("`{text}` is not understood")),
        Some("always") => subject.note("always", format!("echo madvise > /{HUGE}")),
        Some(chosen) => subject.ok(chosen),
    }
}
