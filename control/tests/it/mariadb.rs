//! A MariaDB server for tests: Debian's, with a temporary folder, on a free port of loopback, ended
//! by its process id. Starting takes seconds, so a test process has one, with a database a test.
//!
//! Uses nothing but the standard library and `tempfile`, so that tests of other packages can take
//! this file in with `#[path]`.

#![allow(dead_code, reason = "which part is used depends on who takes this file in")]

use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// User and password of [`MariaDb::url`].
pub(crate) const USER: &str = "acp";
/// See [`USER`].
pub(crate) const PASSWORD: &str = "s3cret";

/// Generous: the machine may be busy with other tests.
const START_TIMEOUT: Duration = Duration::from_secs(120);

/// Ports to try: somebody else may take one that was free a moment ago.
const START_ATTEMPTS: u32 = 5;

static DATABASES: AtomicU32 = AtomicU32::new(0);

/// A server that runs until it is dropped.
pub(crate) struct MariaDb {
    folder: Arc<TempDir>,
    port: u16,
    server: Mutex<Child>,
}

impl MariaDb {
    /// The server that all tests of this process share, while any of them has it.
    pub(crate) fn shared() -> Arc<Self> {
        static SHARED: OnceLock<Mutex<Weak<MariaDb>>> = OnceLock::new();
        let mut shared = lock(SHARED.get_or_init(Mutex::default));
        if let Some(server) = shared.upgrade() {
            return server;
        }
        let server = Arc::new(Self::start());
        *shared = Arc::downgrade(&server);
        server
    }

    /// A server of its own, for tests that stop it.
    pub(crate) fn start() -> Self {
        let folder = Arc::new(tempfile::Builder::new().prefix("acp-mariadb").tempdir().unwrap());
        install(folder.path());
        let mut started = None;
        for _ in 0..START_ATTEMPTS {
            let port = free_port();
            let server = Mutex::new(spawn(folder.path(), port));
            let spawned = Self { folder: folder.clone(), port, server };
            if spawned.wait() {
                started = Some(spawned);
                break;
            }
        }
        let log = std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
        let started = started.unwrap_or_else(|| panic!("mariadbd ends at its start: {log}"));
        // Any client can give this kind of password.
        started.sql(&format!(
            "CREATE USER {USER}@'127.0.0.1' IDENTIFIED VIA mysql_native_password USING \
             PASSWORD('{PASSWORD}'); GRANT ALL ON `acp\\_%`.* TO {USER}@'127.0.0.1';"
        ));
        started
    }

    /// Port on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// URL of a new, empty database.
    pub(crate) fn new_database(&self) -> String {
        let name = format!("acp_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        self.sql(&format!("CREATE DATABASE {name} CHARACTER SET utf8mb4"));
        format!("mysql://{USER}:{PASSWORD}@127.0.0.1:{}/{name}", self.port)
    }

    /// Runs statements as root and gives what they say.
    pub(crate) fn sql(&self, statements: &str) -> String {
        let mut client = Command::new("mariadb")
            .arg("--no-defaults")
            .arg(format!("--socket={}", socket(self.folder.path()).display()))
            .args(["--user=root", "--batch", "--skip-column-names"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        client.stdin.take().unwrap().write_all(statements.as_bytes()).unwrap();
        let output = client.wait_with_output().unwrap();
        assert!(output.status.success(), "failed: {statements}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Stops its clock, so to say: connections stay open and nothing answers.
    pub(crate) fn freeze(&self) {
        self.signal("STOP");
    }

    /// Ends [`Self::freeze`].
    pub(crate) fn thaw(&self) {
        self.signal("CONT");
    }

    /// Kills it, as a power cut would.
    pub(crate) fn kill(&self) {
        let mut server = lock(&self.server);
        server.kill().unwrap();
        server.wait().unwrap();
    }

    /// Starts it again, on the same port with the same data.
    pub(crate) fn restart(&self) {
        *lock(&self.server) = spawn(self.folder.path(), self.port);
        assert!(self.wait(), "mariadbd does not start again");
    }

    fn signal(&self, signal: &str) {
        let process = lock(&self.server).id().to_string();
        let status = Command::new("kill").arg(format!("-{signal}")).arg(process).status().unwrap();
        assert!(status.success(), "failed to send SIG{signal}");
    }

    /// Waits until it answers; whether it does, and has not ended.
    fn wait(&self) -> bool {
        let end = Instant::now() + START_TIMEOUT;
        // The socket is its own. On the port anybody might answer.
        while UnixStream::connect(socket(self.folder.path())).is_err() {
            if lock(&self.server).try_wait().unwrap().is_some() {
                return false;
            }
            assert!(Instant::now() < end, "mariadbd does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        true
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        let server = self.server.get_mut().unwrap_or_else(PoisonError::into_inner);
        // Errors say that it has ended already.
        drop(server.kill());
        drop(server.wait());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

fn socket(folder: &Path) -> PathBuf {
    folder.join("socket")
}

/// Makes the data folder.
fn install(folder: &Path) {
    let output = Command::new("mariadb-install-db")
        .arg("--no-defaults")
        .arg(format!("--datadir={}", folder.join("data").display()))
        .arg(format!("--tmpdir={}", folder.display()))
        .args(["--user=root", "--auth-root-authentication-method=normal", "--skip-test-db"])
        .output();
    let output = output.expect("`mariadb-install-db` runs: install the package mariadb-server");
    assert!(output.status.success(), "mariadb-install-db failed: {output:?}");
}

fn spawn(folder: &Path, port: u16) -> Child {
    let mut log = std::fs::OpenOptions::new();
    let log = log.create(true).append(true).open(folder.join("log")).unwrap();
    let mut command = Command::new("mariadbd");
    command
        .arg("--no-defaults")
        .arg(format!("--datadir={}", folder.join("data").display()))
        .arg(format!("--socket={}", socket(folder).display()))
        .arg(format!("--pid-file={}", folder.join("pid").display()))
        .arg(format!("--port={port}"))
        .args(["--user=root", "--skip-networking=0", "--bind-address=127.0.0.1"])
        .args(["--skip-name-resolve", "--innodb-flush-log-at-trx-commit=2"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log);
    command.spawn().expect("`mariadbd` runs: install the package mariadb-server")
}
