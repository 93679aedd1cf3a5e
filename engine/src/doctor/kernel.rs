//! The kernel, and whether it lets us use its fast interface.

use super::finding::{Finding, Subject};
use super::{Host, Needs};

const RELEASE: &str = "proc/sys/kernel/osrelease";
const DISABLED: &str = "proc/sys/kernel/io_uring_disabled";

/// The first release with all that the fast driver uses (`IORING_SETUP_DEFER_TASKRUN`).
const FULL_SPEED: (u64, u64) = (6, 1);

pub(super) fn uring(host: &Host, _: &Needs) -> Finding {
    let subject = Subject {
        check: "io_uring",
        why: "without it the epoll driver is used, which costs more CPU time a request",
    };
    let Some(release) = host.read(RELEASE) else { return subject.unreadable(RELEASE) };
    let disabled = match host.number(DISABLED) {
        None | Some(0) => String::new(),
        Some(how) => format!(", kernel.io_uring_disabled is {how}"),
    };
    match (host.probe_uring)() {
        Err(why) => {
            let fix = "sysctl -w kernel.io_uring_disabled=0; in a container allow io_uring in its \
                       seccomp profile";
            subject.note(format!("Linux {release}: {why}{disabled}"), fix)
        }
        Ok(features) if version(&release).is_some_and(|version| version < FULL_SPEED) => {
            subject.note(format!("Linux {release}: {features}"), "Linux 6.1 or later")
        }
        Ok(features) => subject.ok(format!("Linux {release}: {features}")),
    }
}

fn version(release: &str) -> Option<(u64, u64)> {
    let mut numbers = release.split(['.', '-']).map(|part| part.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}
