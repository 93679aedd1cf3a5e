//! The program where io_uring is forbidden, as it is in most containers.
//!
//! A filter of system calls belongs to a thread and to what it starts: so each program is started by
//! a thread of its own.

use crate::conformance::HELLO;
use crate::server::Server;
use acp_wire::Report;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::{Command, Output};

/// Lets `io_uring_setup` fail with `errno` in this thread and everything that it starts.
fn forbid(errno: i32) {
    let errno = u32::try_from(errno).expect("error numbers are positive");
    let filter = SeccompFilter::new(
        BTreeMap::from([(libc::SYS_io_uring_setup, Vec::new())]),
        SeccompAction::Allow,
        SeccompAction::Errno(errno),
        std::env::consts::ARCH.try_into().expect("architecture"),
    );
    let program = BpfProgram::try_from(filter.expect("filter")).expect("program");
    apply_filter(&program).expect("a thread may forbid itself something");
}

/// `acp-engine` with a small run, where `io_uring_setup` fails with `errno`.
fn engine(errno: i32, driver: &str, address: SocketAddr) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_acp-engine"));
    command.args(["--quiet", "-n", "500", "-c", "8", "-t", "2", "--format", "json"]);
    command.args(["--driver", driver, &format!("http://{address}/")]);
    let start = move || {
        forbid(errno);
        command.output().expect("acp-engine runs")
    };
    std::thread::spawn(start).join().expect("thread")
}

#[test]
fn where_io_uring_is_forbidden_epoll_works_and_the_report_says_so() {
    for (errno, driver, why) in [
        (libc::EPERM, "auto", "io_uring is forbidden here"),
        (libc::EPERM, "monoio", "io_uring is forbidden here"),
        (libc::ENOSYS, "auto", "this kernel has no io_uring"),
    ] {
        let server = Server::answering(HELLO);
        let output = engine(errno, driver, server.address());
        let stderr = String::from_utf8(output.stderr).expect("text");
        // A machine that is busy with other tests may make the run invalid.
        assert!(matches!(output.status.code(), Some(0 | 98)), "{:?} {stderr}", output.status);
        assert!(stderr.starts_with("note: io_uring is not available ("), "{stderr}");
        assert!(stderr.contains(why), "{stderr}");
        assert!(stderr.trim_end().ends_with("): using the epoll driver"), "{stderr}");
        let report: Report = serde_json::from_slice(&output.stdout).expect("report");
        assert_eq!(report.run.driver, "monoio-epoll");
        let reason = &report.run.driver_reason;
        assert!(reason.starts_with("monoio on epoll: ") && reason.contains(why), "{reason}");
        assert_eq!(report.books.completed, 500);
        assert_eq!(server.stop().requests, 500);
    }
}

#[test]
fn where_io_uring_is_forbidden_asking_for_it_is_an_error() {
    for (driver, why, hint) in [
        ("uring", "io_uring is forbidden here", "seccomp"),
        #[cfg(feature = "glommio")]
        ("glommio", "io_uring is forbidden here", "--driver monoio-epoll"),
        #[cfg(not(feature = "glommio"))]
        ("glommio", "this program was built without it", "--features glommio"),
    ] {
        let server = Server::answering(HELLO);
        let output = engine(libc::EPERM, driver, server.address());
        let stderr = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "nothing else says anything: {stderr}");
        let start = format!("error: driver `{driver}` cannot run: {why}");
        assert!(stderr.starts_with(&start) && stderr.contains(hint), "{stderr}");
        assert!(output.stdout.is_empty());
        assert_eq!(server.stop().requests, 0);
    }
}

#[cfg(feature = "glommio")]
#[test]
fn where_memory_of_rings_is_short_glommio_says_so() {
    let server = Server::answering(HELLO);
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -l 256 && exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_acp-engine")]);
    command.args(["--quiet", "-n", "10", "--driver", "glommio"]);
    let output = command.arg(format!("http://{}/", server.address())).output().expect("sh runs");
    let stderr = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.starts_with("error: driver `glommio` cannot run: "), "{stderr}");
    assert!(stderr.contains("ulimit -l"), "{stderr}");
    assert_eq!(server.stop().requests, 0);
}
