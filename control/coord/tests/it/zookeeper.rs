//! A real ZooKeeper for tests: Debian's package on a free port in a folder of its own.
//!
//! Other test crates take this file in with `#[path]`; it needs nothing but `tempfile`. The server is
//! ended by its pid when dropped.

#![allow(dead_code, reason = "which part is used depends on who takes this file in")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The server; its manifest names everything else that it needs.
const JAR: &str = "/usr/share/java/zookeeper.jar";

/// Sessions live in steps of `tickTime`, so it is short; the limits of their time-outs are wide.
const CONFIG: &str = "tickTime=200\nmaxClientCnxns=0\nadmin.enableServer=false\n\
    minSessionTimeout=400\nmaxSessionTimeout=60000\n4lw.commands.whitelist=ruok\n\
    clientPortAddress=127.0.0.1\n";

/// Longest wait for the server to answer.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A running ZooKeeper.
pub(crate) struct ZooKeeper {
    process: Child,
    folder: tempfile::TempDir,
    port: u16,
}

impl Drop for ZooKeeper {
    fn drop(&mut self) {
        self.stop();
    }
}

impl ZooKeeper {
    /// Starts ZooKeeper. Without the package: `None` and a word on why, or a panic in CI.
    pub(crate) fn start() -> Option<Self> {
        if !Path::new(JAR).exists() {
            assert!(std::env::var_os("CI").is_none(), "ZooKeeper is missing in CI");
            eprintln!("skipped: ZooKeeper is not installed; `make test` installs it");
            return None;
        }
        // Another program may take the free port before Java does: then another is tried.
        let mut attempts = (0..5).map(|_| {
            let folder = tempfile::tempdir().unwrap();
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let data = folder.path().join("data");
            let config = format!("{CONFIG}clientPort={port}\ndataDir={}\n", data.display());
            std::fs::write(folder.path().join("zoo.cfg"), config).unwrap();
            Self { process: spawn(folder.path()), folder, port }
        });
        Some(attempts.find_map(|mut server| server.answers().then_some(server)).unwrap())
    }

    /// `127.0.0.1:port`.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Ends it as a crash would. Nodes and sessions are in its folder.
    pub(crate) fn stop(&mut self) {
        // An error: it has ended already.
        drop(self.process.kill());
        drop(self.process.wait());
    }

    /// Starts it again after [`Self::stop`], on the same port with the same nodes.
    pub(crate) fn restart(&mut self) {
        self.process = spawn(self.folder.path());
        assert!(self.answers(), "ZooKeeper does not start again: {}", self.log());
    }

    /// Stops it in the middle of what it does, until [`Self::thaw`]: connections stay open.
    pub(crate) fn freeze(&self) {
        self.signal("STOP");
    }

    pub(crate) fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
    }

    /// What it has said.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Waits until it answers; false if it ends before.
    fn answers(&mut self) -> bool {
        let start = Instant::now();
        while start.elapsed() < START_LIMIT {
            if self.process.try_wait().unwrap().is_some() {
                return false;
            }
            if is_ok(self.port).unwrap_or(false) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("ZooKeeper does not answer: {}", self.log());
    }
}

fn spawn(folder: &Path) -> Child {
    let log = std::fs::File::create(folder.join("log")).unwrap();
    Command::new("java")
        .args(["-Xmx768m", "-XX:+UseSerialGC", "-cp", JAR])
        .arg("org.apache.zookeeper.server.quorum.QuorumPeerMain")
        .arg(folder.join("zoo.cfg"))
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap()
}

/// Asks the server how it is.
fn is_ok(port: u16) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(b"ruok")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer == "imok")
}
