//! The clock: what it costs to read it, and whether it is right.

use super::finding::{Finding, Subject};
use super::{Host, Needs};

const SOURCE: &str = "sys/devices/system/clocksource/clocksource0/current_clocksource";
/// systemd-timesyncd makes it when the clock is set (systemd-timesyncd.service(8)).
const SYNCHRONISED: &str = "run/systemd/timesync/synchronized";

pub(super) fn source(host: &Host, _: &Needs) -> Finding {
    let subject = Subject {
        check: "clock_source",
        why: "every send reads the clock: from the CPU it takes 20 ns, by a system call a microsecond",
    };
    let Some(name) = host.read(SOURCE) else { return subject.unreadable(SOURCE) };
    let fix = "boot with clocksource=tsc tsc=reliable, if this CPU's counter is stable";
    match name.as_str() {
        "" => subject.unreadable(SOURCE),
        "tsc" | "arch_sys_counter" => subject.ok(name),
        "kvm-clock" | "hyperv_clocksource_tsc_page" => subject.note(name, fix),
        _ => subject.bad(name, fix),
    }
}

pub(super) fn synchronised(host: &Host, _: &Needs) -> Finding {
    let subject = Subject {
        check: "clock_synchronised",
        why: "several hosts begin at the same time only as far as their clocks agree",
    };
    match host.exists(SYNCHRONISED) {
        true => subject.ok("set by systemd-timesyncd"),
        false => subject.unknown("no file tells; ask `timedatectl` or `chronyc tracking`"),
    }
}
