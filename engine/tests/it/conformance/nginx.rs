//! nginx with TLS, on free ports and in a folder of its own.

use super::certificates::{Authority, Signed};
use crate::child::await_condition;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Bytes of the file `/large`.
pub(super) const LARGE_BYTES: usize = 1_000_000;

/// One server of an nginx: its name, its certificate, and further settings.
pub(super) struct Site<'a> {
    pub(super) name: &'a str,
    pub(super) signed: &'a Signed,
    pub(super) settings: &'a str,
}

pub(super) struct Nginx {
    process: Child,
    folder: tempfile::TempDir,
    ports: Vec<(String, u16)>,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Killed, the master would leave its worker behind.
        let pid = self.process.id().to_string();
        drop(Command::new("sh").args(["-c", "kill -s TERM $0", &pid]).status());
        drop(self.process.wait());
    }
}

fn program() -> Option<PathBuf> {
    let found = ["/usr/sbin/nginx", "/usr/bin/nginx"].map(PathBuf::from);
    let found = found.into_iter().find(|path| path.exists());
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "nginx is missing in CI");
        eprintln!("skipped: nginx is not installed; `make test` installs it");
    }
    found
}

impl Nginx {
    /// Starts nginx, or says why it cannot. Whoever has to show a certificate shows one that
    /// `authority` has signed.
    pub(super) fn start(authority: &Authority, sites: &[Site]) -> Option<Self> {
        let program = program()?;
        let folder = tempfile::tempdir().expect("folder");
        let at = folder.path();
        write(at, "large", &"x".repeat(LARGE_BYTES));
        write(at, "authority.pem", &authority.pem);
        // Held until all are chosen, so that no two are the same.
        let listeners: Vec<_> =
            sites.iter().map(|_| TcpListener::bind("127.0.0.1:0").expect("port")).collect();
        let mut config = format!(
            "daemon off; worker_processes 1; pid {0}/pid; error_log {0}/error.log;\n\
             events {{ worker_connections 4096; }}\n\
             http {{ client_body_temp_path {0}/b; proxy_temp_path {0}/p; fastcgi_temp_path {0}/f;\n\
             uwsgi_temp_path {0}/u; scgi_temp_path {0}/s; access_log {0}/access.log;\n\
             client_max_body_size 16m; keepalive_requests 1000000; root {0};\n\
             ssl_protocols TLSv1.2 TLSv1.3;\n",
            at.display()
        );
        let mut ports = Vec::new();
        for (site, listener) in sites.iter().zip(&listeners) {
            let port = listener.local_addr().expect("address").port();
            ports.push((site.name.to_owned(), port));
            let Site { name, signed, settings } = site;
            write(at, &format!("{name}.pem"), &signed.cert);
            write(at, &format!("{name}.key"), &signed.key);
            config += &format!(
                "server {{ listen 127.0.0.1:{port} ssl backlog=4096; server_name localhost;\n\
                 ssl_certificate {name}.pem; ssl_certificate_key {name}.key;\n\
                 ssl_session_cache shared:{name}:1m; {settings}\n\
                 location / {{ return 200 \"hello\"; }}\n\
                 location /large {{ }}\n}}\n"
            );
        }
        config += "}\n";
        write(at, "nginx.conf", &config);
        drop(listeners);
        let mut command = Command::new(program);
        command.arg("-c").arg(at.join("nginx.conf")).arg("-p").arg(at).stderr(Stdio::null());
        let process = command.spawn().expect("nginx");
        let nginx = Self { process, folder, ports };
        for &(_, port) in &nginx.ports {
            await_condition("nginx that listens", || {
                TcpStream::connect(("127.0.0.1", port)).is_ok()
            });
        }
        Some(nginx)
    }

    pub(super) fn port(&self, name: &str) -> u16 {
        self.ports.iter().find(|(site, _)| site == name).expect("a site").1
    }

    /// Requests in the log so far.
    pub(super) fn logged(&self) -> u64 {
        let log = std::fs::read(self.folder.path().join("access.log")).unwrap_or_default();
        log.iter().filter(|byte| **byte == b'\n').count() as u64
    }

    /// Checks that `requests` more than `before` are in the log, and says how many there are.
    pub(super) fn assert_logged(&self, before: u64, requests: u64, what: &str) -> u64 {
        await_condition("log of every request", || self.logged() >= before + requests);
        let logged = self.logged();
        assert_eq!(logged - before, requests, "{what}: requests in the log");
        logged
    }
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).expect("file");
}
