//! Counts against a real server's own log, with its limits on kept connections.

use crate::program::{Running, bench_json, count};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// nginx in a folder of its own.
pub(crate) struct Nginx {
    process: Running,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) url: String,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Killed, the master would leave its worker behind.
        self.process.signal("TERM");
        drop(self.process.0.wait());
    }
}

impl Nginx {
    /// Starts nginx, or says why it cannot.
    pub(crate) fn start() -> Option<Self> {
        let program = ["/usr/sbin/nginx", "/usr/bin/nginx"].map(PathBuf::from);
        let Some(program) = program.iter().find(|path| path.exists()) else {
            assert!(std::env::var_os("CI").is_none(), "nginx is missing in CI");
            eprintln!("skipped: nginx is not installed; `make test` installs it");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let at = folder.path().display();
        let config = format!(
            "daemon off; worker_processes 1; pid {at}/pid; error_log {at}/error.log;\n\
             events {{ worker_connections 4096; }}\n\
             http {{ access_log {at}/access.log; client_body_temp_path {at}/b; proxy_temp_path {at}/p;\n\
             fastcgi_temp_path {at}/f; uwsgi_temp_path {at}/u; scgi_temp_path {at}/s;\n\
             keepalive_requests 50; keepalive_timeout 1s;\n\
             server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ return 200 \"hello\"; }} }} }}\n"
        );
        let path = folder.path().join("nginx.conf");
        std::fs::write(&path, config).unwrap();
        let child = Command::new(program).arg("-c").arg(&path).arg("-p").arg(folder.path()).spawn();
        let process = Running(child.unwrap());
        wait_for("nginx to listen", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Some(Self { process, folder, url: format!("http://127.0.0.1:{port}/") })
    }

    pub(crate) fn logged(&self) -> u64 {
        let log = std::fs::read(self.folder.path().join("access.log")).unwrap_or_default();
        log.iter().filter(|byte| **byte == b'\n').count() as u64
    }
}

pub(crate) fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(20), "waited for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn the_access_log_counts_what_the_report_calls_sent() {
    let Some(nginx) = Nginx::start() else { return };
    for flags in [
        vec!["-n", "20000", "-c", "32"],
        vec!["-d", "1s", "-c", "64", "-t", "2"],
        vec!["-R", "2000", "-d", "2s", "-c", "16"],
        // Slower than keepalive_timeout on each connection: nginx closes them in between.
        vec!["-R", "4", "-c", "8", "-d", "6s"],
        vec!["-n", "5000", "-c", "8", "--pipeline", "8"],
        vec!["-n", "1000", "-c", "8", "--no-keepalive"],
        vec!["-R", "200", "-d", "1s", "-c", "8", "--no-keepalive"],
    ] {
        let before = nginx.logged();
        let (_, report) = bench_json(&nginx.url, &flags);
        let sent = count(&report, "/books/sent");
        assert_eq!(report["books"]["errors"], serde_json::json!({}), "{flags:?}");
        assert_eq!(count(&report, "/books/completed"), sent, "{flags:?}");
        wait_for("the log to hold every request", || nginx.logged() - before >= sent);
        assert_eq!(nginx.logged() - before, sent, "{flags:?}");
    }
}
