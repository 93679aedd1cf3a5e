//! A whole platform as a test starts it: controls, agents, a target, each its own process with its
//! own folder, on ports that the system chose.

use super::http;
use crate::program::{ACP, Running, Target};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What a test waits for at the most. Only a broken platform takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// How controls and agents find each other, and where control keeps its records.
pub(crate) struct Backing {
    /// `[coord]` of both.
    pub(crate) coord: String,
    /// `store` of control; empty: a file in its folder.
    pub(crate) store: String,
    /// How long an agent may send without an answer.
    pub(crate) lease: &'static str,
}

impl Backing {
    /// Nothing but the programs themselves.
    pub(crate) fn embedded() -> Self {
        Self {
            coord: "[coord]\nkind = \"direct\"\nsession_timeout = \"2s\"\n".into(),
            store: String::new(),
            lease: "2s",
        }
    }
}

/// A process of the platform, and how it was started.
pub(crate) struct Member {
    pub(crate) process: Running,
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) folder: PathBuf,
    command: Vec<String>,
}

impl Member {
    /// Starts `acp` with `command`, whose first line of output says where it listens.
    fn start(name: &str, folder: &Path, command: Vec<String>) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let log =
            std::fs::OpenOptions::new().create(true).append(true).open(folder.join("log")).unwrap();
        let mut child = Command::new(ACP)
            .args(&command)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let process = Running(child);
        let address = line
            .trim()
            .strip_prefix("listening on http://")
            .unwrap_or_else(|| panic!("{name} said `{line}`; its log:\n{}", log_of(folder)));
        let address = address.trim_end_matches('/').to_string();
        Self { process, name: name.into(), address, folder: folder.into(), command }
    }

    /// The same again, on the same port, after it was ended.
    pub(crate) fn restart(&mut self) {
        drop(self.process.0.kill());
        drop(self.process.0.wait());
        let mut command = self.command.clone();
        let listen = command.iter().position(|part| part == "--listen").unwrap();
        command[listen + 1] = self.address.clone();
        *self = Self::start(&self.name, &self.folder, command);
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.process.0.kill().unwrap();
        self.process.0.wait().unwrap();
    }
}

fn log_of(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("log")).unwrap_or_default()
}

/// The platform.
pub(crate) struct Cluster {
    // In the order in which they are ended.
    pub(crate) agents: Vec<Member>,
    pub(crate) controls: Vec<Member>,
    pub(crate) target: Target,
    folder: tempfile::TempDir,
    backing: Backing,
    /// Platforms of one process take turns: each makes real load on the same few cores.
    _turn: MutexGuard<'static, ()>,
}

static TURN: Mutex<()> = Mutex::new(());

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for member in self.controls.iter().chain(&self.agents) {
                let log = log_of(&member.folder);
                let lines: Vec<_> = log.lines().collect();
                let tail = &lines[lines.len().saturating_sub(40)..];
                eprintln!("--- log of {}\n{}", member.name, tail.join("\n"));
            }
        }
    }
}

impl Cluster {
    /// Controls and agents with `cores` virtual cores each, known to each other.
    pub(crate) fn start(backing: Backing, controls: usize, agents: usize, cores: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let arrivals = folder.path().join("arrivals").display().to_string();
        let mut cluster = Self {
            agents: Vec::new(),
            controls: Vec::new(),
            target: Target::start(&["--record", &arrivals, "--spin", "off"]),
            folder,
            backing,
            _turn: TURN.lock().unwrap_or_else(PoisonError::into_inner),
        };
        for number in 0..controls {
            cluster.add_control(&format!("control-{number}"));
        }
        for number in 0..agents {
            cluster.add_agent(&format!("agent-{number}"), cores);
        }
        cluster.await_agents(agents);
        cluster
    }

    pub(crate) fn add_control(&mut self, name: &str) {
        let folder = self.folder.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let store = match self.backing.store.as_str() {
            "" => String::new(),
            url => format!("store = \"{url}\"\n"),
        };
        let text = format!(
            "data_folder = \"{}\"\n{store}\n{}\n[schedule]\nlease = \"{}\"\nlease_margin = \"200ms\"\n",
            folder.display(),
            self.backing.coord,
            self.backing.lease
        );
        let config = folder.join("control.toml");
        std::fs::write(&config, text).unwrap();
        let config = config.display().to_string();
        let command = ["control", "--config", &config, "--listen", "127.0.0.1:0"];
        let member = Member::start(name, &folder, command.map(str::to_string).to_vec());
        self.controls.push(member);
    }

    pub(crate) fn add_agent(&mut self, name: &str, cores: u32) {
        let folder = self.folder.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let controls: Vec<_> =
            self.controls.iter().map(|control| format!("\"http://{}\"", control.address)).collect();
        let text = format!(
            "id = \"{name}\"\nstate_folder = \"{}\"\nvirtual_cores = {cores}\ncontrol = [{}]\n{}",
            folder.display(),
            controls.join(", "),
            self.backing.coord
        );
        let config = folder.join("agent.toml");
        std::fs::write(&config, text).unwrap();
        let config = config.display().to_string();
        let command = ["agent", "--config", &config, "--listen", "127.0.0.1:0"];
        let member = Member::start(name, &folder, command.map(str::to_string).to_vec());
        self.agents.push(member);
    }

    /// Asks the first control that answers.
    pub(crate) fn api(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let (status, text) = wait_for("an answer of a control", || {
            self.controls.iter().find_map(|control| {
                http::request(&control.address, method, &format!("/api/v1{path}"), body)
                    .filter(|(status, _)| *status != 503)
            })
        });
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Asks and expects success.
    pub(crate) fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let (status, answer) = self.api(method, path, body);
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    pub(crate) fn await_agents(&self, count: usize) {
        wait_for("agents", || {
            let answer = self.ask("GET", "/agents", None);
            let agents = answer["agents"].as_array().unwrap().clone();
            let ready = agents.iter().filter(|agent| {
                agent["is_registered"] == true && agent["cores_free"].as_u64().is_some()
            });
            (ready.count() >= count).then_some(())
        });
    }

    /// Saves a plan, starts it, and returns the id of the run.
    pub(crate) fn start_run(&self, plan: &Value) -> String {
        let task = self.ask("POST", "/tasks", Some(&json!({ "plan": plan })));
        let id = task["id"].as_str().unwrap();
        let run = self.ask("POST", &format!("/tasks/{id}/runs"), None);
        run["id"].as_str().unwrap().to_string()
    }

    pub(crate) fn run(&self, id: &str) -> Value {
        self.ask("GET", &format!("/runs/{id}"), None)
    }

    pub(crate) fn await_state(&self, id: &str, states: &[&str]) -> Value {
        wait_for(&format!("run {id} to be {states:?}"), || {
            let run = self.run(id);
            let state = run["state"].as_str().unwrap();
            if states.contains(&state) {
                return Some(run);
            }
            assert!(!["done", "failed", "aborted"].contains(&state), "the run is {run}");
            None
        })
    }

    /// Waits for the end of a run and returns its report.
    pub(crate) fn await_report(&self, id: &str) -> Value {
        wait_for(&format!("the end of run {id}"), || {
            let run = self.run(id);
            let has_ended = ["done", "failed", "aborted"].contains(&run["state"].as_str().unwrap());
            assert!(run["state"] != "failed", "{run}");
            has_ended.then_some(())
        });
        let report = self.ask("GET", &format!("/runs/{id}/report?format=json"), None);
        assert_eq!(report["books"]["balanced"], true, "{}", report["books"]);
        report
    }

    /// Ends the target and returns when each request came in, in nanoseconds of the monotonic clock.
    pub(crate) fn arrivals(&mut self) -> Vec<u64> {
        self.target.process.signal("TERM");
        self.target.process.0.wait().unwrap();
        let bytes = std::fs::read(self.folder.path().join("arrivals")).unwrap();
        let (magic, arrivals) = bytes.split_at(8);
        assert_eq!(magic, b"ACPARRV1");
        arrivals.chunks_exact(8).map(|one| u64::from_le_bytes(one.try_into().unwrap())).collect()
    }

    /// Requests that the target has counted in a moment from now on.
    pub(crate) fn requests_within(&self, time: Duration) -> u64 {
        let before = self.target.requests();
        std::thread::sleep(time);
        self.target.requests() - before
    }
}

/// Tries until there is something.
pub(crate) fn wait_for<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = attempt() {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Sums the counts of the frames of a report's series, which are all of a short run.
pub(crate) fn sum_of_series(report: &Value, field: &str) -> u64 {
    let series = report["series"].as_array().unwrap();
    series.iter().map(|frame| frame[field].as_u64().unwrap()).sum()
}

/// A map of counts.
pub(crate) fn counts(value: &Value) -> BTreeMap<String, u64> {
    value.as_object().unwrap().iter().map(|(name, n)| (name.clone(), n.as_u64().unwrap())).collect()
}
