//! `acp-perf usage`: what the kernel says of one command.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::stubs::perf;

fn usage(folder: &Path, command: &[&str]) -> Value {
    let status = perf(folder).args(["usage", "usage.json", "--"]).args(command).status();
    assert!(status.expect("acp-perf starts").success());
    let text = fs::read_to_string(folder.join("usage.json")).expect("the usage is written");
    serde_json::from_str(&text).expect("the usage is JSON")
}

#[test]
fn the_end_of_a_command_is_kept() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let usage = |script| usage(folder.path(), &["sh", "-c", script]);
    assert_eq!(usage("exit 98")["exit_code"], 98);
    let killed = usage("kill -9 $$");
    assert_eq!((&killed["exit_code"], &killed["signal"]), (&Value::Null, &9.into()));
}

#[test]
fn memory_is_that_of_the_command_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let peak = |block: &str| {
        let usage = usage(folder.path(), &["dd", "if=/dev/zero", "of=/dev/null", block, "count=1"]);
        usage["max_rss_bytes"].as_u64().expect("a number")
    };
    let (large, small) = (peak("bs=64M"), peak("bs=4k"));
    assert!(large > 64 << 20, "{large}");
    assert!(small < 16 << 20, "{small}: the one before it does not count");
}

#[test]
fn processor_time_is_counted_and_sleep_is_not() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let cpu_us = |script| {
        let usage = usage(folder.path(), &["sh", "-c", script]);
        let time = |name: &str| usage[name].as_u64().expect("a number");
        (time("user_us") + time("system_us"), time("wall_us"))
    };
    let (busy_us, _) = cpu_us("i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done");
    let (idle_us, idle_wall_us) = cpu_us("sleep 0.3");
    assert!(idle_wall_us >= 300_000, "{idle_wall_us}");
    assert!(busy_us > 2 * idle_us, "busy {busy_us}, idle {idle_us}");
}
