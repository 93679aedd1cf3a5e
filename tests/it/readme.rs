//! Every command of the README that ends by itself is run as it stands there.

use crate::program::{ACP, Running, Target};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{ChildStderr, Command, Stdio};

/// Lines of the blocks marked `sh`.
fn commands(text: &str) -> Vec<&str> {
    let mut commands = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            command if inside => commands.push(command),
            _ => {}
        }
    }
    commands
}

/// `acp up` on a free port, what it says, and its address.
fn up(folder: &Path) -> (Running, BufReader<ChildStderr>, String) {
    let mut child = Command::new(ACP)
        .args(["up", "--listen", "127.0.0.1:0", "--data"])
        .arg(folder.join("data"))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    said.read_line(&mut line).unwrap();
    let running = Running(child);
    let address = line.split_whitespace().find(|word| word.starts_with("http://")).expect(&line);
    (running, said, address.trim_end_matches('/').to_string())
}

#[test]
fn commands_of_the_readme_work() {
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let commands = commands(&text);
    assert!(commands.len() > 10, "the README has lost its commands");
    let target = Target::start(&[]);
    let address = target.url.trim_start_matches("http://").trim_end_matches('/');
    let port = address.rsplit(':').next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (_platform, _said, control) = up(folder.path());
    for command in commands {
        let here = command.replace(":8080", &format!(":{port}"));
        let here = here.replace("acp ", &format!("{ACP} "));
        let output = Command::new("sh")
            .args(["-c", &here])
            .current_dir(&folder)
            .env("ACP_CONTROL", &control)
            .output()
            .unwrap();
        let (code, stderr) = (output.status.code(), String::from_utf8_lossy(&output.stderr));
        // Whether this machine held the rate is not the README's doing.
        assert!(matches!(code, Some(0 | 98)), "`{command}` ended with {code:?}: {stderr}");
    }
}
