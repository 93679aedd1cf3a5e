//! Mistakes with the platform's commands are said in one sentence, with a hint and an exit code: 2 for
//! the command line, 1 for everything else.

use crate::program::{ACP, Ran, Running};
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

fn acp(flags: &[&str]) -> Ran {
    let mut command = Command::new(ACP);
    command.args(flags).env_remove("ACP_LOG").env_remove("HOME").env_remove("XDG_DATA_HOME");
    command.stdin(Stdio::null()).output().unwrap().into()
}

/// Ends with `code`, and says one sentence in small letters with `part` in it, and a hint.
fn check(flags: &[&str], code: i32, part: &str) {
    let ran = acp(flags);
    let text = ran.stderr.trim_end();
    assert_eq!(ran.code, code, "{flags:?}: {text}");
    let sentence = text.strip_prefix("error: ").unwrap_or_else(|| panic!("{flags:?}: {text}"));
    assert!(sentence.contains(part), "{flags:?}: `{part}` is not in: {text}");
    assert!(!sentence.starts_with(char::is_uppercase), "{flags:?}: {text}");
    assert!(!text.contains("panicked"), "{flags:?}: {text}");
    assert!(ran.stdout.is_empty(), "{flags:?}: {}", ran.stdout);
}

/// A daemon that has said where it is.
fn daemon(flags: &[&str]) -> Running {
    let mut child = Command::new(ACP).args(flags).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("listening on "), "{flags:?}: `{line}`");
    Running(child)
}

#[test]
fn mistakes_on_the_command_line_end_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    for (flags, part) in [
        (vec!["--nope"], "--nope"),
        (vec!["up", "--once"], "--demo"),
        (vec!["task", "rate"], "<RATE>"),
        (vec!["task", "create"], "<URL>"),
        (vec!["task", "create", "--plan", "/no/such"], "failed to read plan `/no/such`"),
        (vec!["task", "create", "--plan", "Cargo.toml"], "bad plan `Cargo.toml`"),
        (vec!["task", "create", "http://a/", "--label", "x"], "bad label `x`"),
        (vec!["agent", "--state", data], "no control plane to register with"),
        (vec!["agent", "--set", "x"], "bad --set `x`"),
        (vec!["agent", "--set", "x=1"], "unknown field `x`"),
        (vec!["agent", "--config", "/no/such"], "failed to read `/no/such`"),
        (vec!["control", "--listen", "here"], "invalid socket address"),
        (vec!["control", "--coord", "etcd"], "unknown variant `etcd`"),
        (vec!["control", "--set", "api.auth=maybe"], "bad value for `api.auth`"),
    ] {
        check(&flags, 2, part);
    }
}

#[test]
fn what_cannot_be_done_ends_with_1() {
    // A port that somebody has, who does not speak HTTP and never answers.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let gone = format!("http://127.0.0.1:{port}");
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let below = format!("{}/below", file.display());
    let (any, own) = ("127.0.0.1:0", format!("{data}/own"));
    for (flags, part) in [
        (vec!["task", "list", "--control", &gone], "hint: start one with `acp up`"),
        (vec!["cluster", "list", "--control", &gone], "does not answer"),
        (vec!["up"], "neither HOME nor XDG_DATA_HOME is set\nhint: --data FOLDER"),
        (vec!["up", "--data", &below], "failed to make the data folder"),
        (vec!["up", "--data", data, "--listen", &taken], "hint: is another acp running?"),
        (vec!["up", "--data", data, "--listen", any, "--allow", "a:80"], "bad target `a:80`"),
        (vec!["control", "--data", &below, "--listen", any], "hint: choose another with --data"),
        (vec!["control", "--data", &own, "--listen", &taken], "failed to listen on"),
        (vec!["control", "--data", &own, "--listen", "0.0.0.0:0"], "is not a loopback address"),
        (
            vec!["control", "--data", &own, "--listen", any, "--store", "x"],
            "failed to read the URL",
        ),
        (vec!["agent", "--control", &gone, "--state", &below, "--listen", any], "state folder"),
        (
            vec!["agent", "--control", &gone, "--state", &own, "--listen", &taken],
            "hint: an agent may",
        ),
    ] {
        check(&flags, 1, part);
    }
}

#[test]
fn who_comes_second_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let (data, state, any) = (path("control"), path("agent"), "127.0.0.1:0");
    let control = ["control", "--data", &data, "--listen", any];
    let first = daemon(&control);
    check(&control, 1, "another control uses");
    check(&["up", "--data", &data], 1, "acp is up already");
    let agent = ["agent", "--control", "http://127.0.0.1:9", "--state", &state, "--listen", any];
    let _agent = daemon(&agent);
    check(&agent, 1, "in use by another agent");
    drop(first);
    // A lock ends with its process, however that ended.
    drop(daemon(&control));
}

#[test]
fn secrets_are_not_printed() {
    for (flags, secret) in [
        (vec!["agent", "--print-config", "--set", "token=271828182845904523"], "271828"),
        (vec!["control", "--print-config", "--store", "mysql://acp:s3cret@db/acp"], "s3cret"),
        (
            vec!["control", "--print-config", "--set", "api.agent_token=271828182845904523"],
            "271828",
        ),
    ] {
        let ran = acp(&flags);
        assert_eq!(ran.code, 0, "{flags:?}: {}", ran.stderr);
        assert!(!ran.stdout.is_empty() && !ran.stdout.contains(secret), "{}", ran.stdout);
    }
}

#[test]
fn a_reader_that_has_gone_is_no_failure() {
    let script = format!("{ACP} control --print-config; echo $? >&2");
    let mut child = Command::new("sh")
        .args(["-c", &script])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "0\n");
}
