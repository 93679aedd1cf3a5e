//! Probe: can this host do what the fast driver needs, found out by doing it once.
//!
//! Flags and version numbers lie (seccomp, sysctl, backports), so the probe makes a ring and
//! receives a byte the way a run would. The answer, or the reason in words, is kept for the life of
//! the process.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::OnceLock;

use super::{Buffers, Features, Notify, Ring, RingError, RingOptions, Wait};

/// What io_uring offers here.
///
/// # Errors
///
/// Why the fast driver cannot run, in words for a person, with a hint.
pub fn probe() -> Result<Features, String> {
    static ANSWER: OnceLock<Result<Features, String>> = OnceLock::new();
    ANSWER.get_or_init(try_everything).clone()
}

fn try_everything() -> Result<Features, String> {
    let mut ring = Ring::new(RingOptions { entries: 8, completions: 32, files: 4 })
        .map_err(|error| reason(&error))?;
    let features = ring.features();
    if !features.skip_success {
        return Err(too_old("operations that are silent about success"));
    }
    let buffers = Buffers::register(&mut ring, 0, 8).map_err(|error| reason(&error))?;
    receive_once(&mut ring, &buffers)?;
    Ok(features)
}

/// Sends a byte through a socket pair and receives it by multishot, registered file and provided
/// buffer.
fn receive_once(ring: &mut Ring, buffers: &Buffers) -> Result<(), String> {
    const SEND: u64 = 1;
    const RECEIVE: u64 = 2;
    let (ours, mut theirs) =
        UnixStream::pair().map_err(|error| format!("failed to make a socket pair: {error}"))?;
    ring.install(0, &ours).map_err(|error| reason(&error))?;
    ring.receive_multishot(0, buffers.group(), RECEIVE);
    ring.send_static(0, b"x", Notify::OnFailure, SEND);
    theirs.write_all(b"y").map_err(|error| format!("failed to write to a socket pair: {error}"))?;
    ring.enter(Wait::Within { count: 1, timeout_ns: 1_000_000_000 })
        .map_err(|error| reason(&error))?;
    let mut completions = Vec::with_capacity(8);
    ring.reap(&mut completions);
    let Some(completion) = completions.first() else {
        return Err("io_uring does not answer: a receive did not complete in a second".to_owned());
    };
    match (completion.user_data, completion.result, completion.buffer()) {
        (RECEIVE, 1, Some(id)) if buffers.get(id, 1) == b"y" && completion.more() => Ok(()),
        (RECEIVE, result, _) if result == -libc::EINVAL => Err(too_old("multishot receive")),
        (user_data, result, _) => Err(format!(
            "io_uring behaves in an unknown way: operation {user_data} completed with {result}"
        )),
    }
}

fn reason(error: &RingError) -> String {
    let source = std::error::Error::source(error)
        .and_then(|source| source.downcast_ref::<std::io::Error>())
        .and_then(std::io::Error::raw_os_error);
    explain(source, &error.to_string())
}

fn explain(errno: Option<i32>, what: &str) -> String {
    match errno {
        Some(libc::EPERM | libc::EACCES) => "io_uring is forbidden here, hint: a container's \
            seccomp profile blocks it (run with `--security-opt seccomp=unconfined`), or \
            `sysctl kernel.io_uring_disabled` is not 0"
            .to_owned(),
        Some(libc::ENOSYS) => "this kernel has no io_uring, hint: Linux 6.0 or later".to_owned(),
        Some(libc::EINVAL) => too_old("the ring's set-up flags or buffer rings"),
        Some(libc::ENOMEM) => {
            format!("{what}: out of memory, hint: `ulimit -l` limits memory of rings")
        }
        Some(libc::EMFILE | libc::ENFILE) => {
            format!("{what}: too many open files, hint: raise `ulimit -n`")
        }
        Some(errno) => format!("{what}: {}", std::io::Error::from_raw_os_error(errno)),
        None => what.to_owned(),
    }
}

fn too_old(what: &str) -> String {
    format!("this kernel's io_uring lacks {what}, hint: Linux 6.0 or later, 6.1 for full speed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_host_can_do_it() {
        let features = probe().expect("io_uring works where the tests run");
        assert!(features.skip_success);
    }

    #[test]
    fn each_refusal_has_a_reason_and_a_hint() {
        let rows = [
            (Some(libc::EPERM), "seccomp"),
            (Some(libc::EACCES), "kernel.io_uring_disabled"),
            (Some(libc::ENOSYS), "no io_uring"),
            (Some(libc::EINVAL), "Linux 6.0"),
            (Some(libc::ENOMEM), "ulimit -l"),
            (Some(libc::EMFILE), "ulimit -n"),
            (Some(libc::EIO), "what: Input/output error"),
            (None, "what"),
        ];
        for (errno, part) in rows {
            let reason = explain(errno, "what");
            assert!(reason.contains(part), "{errno:?}: `{reason}` lacks `{part}`");
        }
    }
}
