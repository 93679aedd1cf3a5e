//! Programs that behave like acp and wrk and take no time.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// `acp`: a target that waits for its end, a report, a judgement. `BENCH_FAILS` is a file whose
/// presence makes `acp bench` fail.
const ACP: &str = r#"#!/bin/sh
folder=$(dirname "$0")
echo "acp $*" >> "$folder/calls"
case "$*" in
--version) echo "acp 0.0.0-stub" ;;
"target --judge"*)
    echo '{"arrivals":1000,"deviation_us":{"p50":1.5,"p90":6,"p99":20,"max":40},"long_gaps":0}' ;;
target*)
    echo "listening on http://127.0.0.1:4711/"
    trap 'echo stopped >> "$folder/calls"; exit 0' TERM
    while :; do sleep 0.02; done ;;
bench*)
    if [ -e "$folder/BENCH_FAILS" ]; then echo "cannot bench today" >&2; exit 1; fi
    connections=$3
    requests=160000
    case "$*" in *"-n 5000000"*) requests=5000000 ;; *"-n 20000000"*) requests=20000000 ;; esac
    cat <<REPORT
{"schema":"acp.report/1","verdict":{"state":"generator_limited","reasons":[]},
 "books":{"completed":$requests,"errors":{}},"rate":{"completed_per_s":160000.0},
 "latency":{"service_ns":{"p50":350000}},"connections":{"opened":$connections}}
REPORT
    exit 98 ;;
esac
"#;

const WRK: &str = r#"#!/bin/sh
folder=$(dirname "$0")
echo "wrk $*" >> "$folder/calls"
case "$*" in
-v) echo "wrk 0-stub [epoll]"; exit 1 ;;
esac
cat <<OUTPUT
Running 1s test @ http://127.0.0.1:4711/
     50%  560.00us
  100000 requests in 1.00s, 8.74MB read
Requests/sec: 100000.00
OUTPUT
"#;

/// A folder of stubs, and the folder of results in it.
pub(crate) struct Stubs {
    pub(crate) folder: TempDir,
}

impl Stubs {
    pub(crate) fn new() -> Self {
        let stubs = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        for (name, script) in [("acp", ACP), ("wrk", WRK)] {
            let path = stubs.path(name);
            fs::write(&path, script).expect("the stub can be written");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("and run");
        }
        stubs
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// `acp-perf run` with the stubs, everything on one CPU that is ours.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let cpu = first_allowed_cpu();
        perf(self.folder.path())
            .arg("run")
            .args(["--seconds", "1", "--out", "out", "--acp", "acp"])
            .args(["--client-cpu", &cpu, "--server-cpu", &cpu])
            .args(arguments)
            .output()
            .expect("acp-perf starts")
    }
}

/// `acp-perf` in a folder that comes first in its search path.
pub(crate) fn perf(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_acp-perf"));
    let path = format!("{}:/usr/bin:/bin", folder.display());
    command.current_dir(folder).env("PATH", path);
    command
}

fn first_allowed_cpu() -> String {
    let status = fs::read_to_string("/proc/self/status").expect("proc is mounted");
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let list = list.expect("the list of CPUs").trim();
    list.chars().take_while(char::is_ascii_digit).collect()
}
