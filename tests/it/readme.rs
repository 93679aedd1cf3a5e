//! Every command of the README that ends by itself is run as it stands there.

use crate::program::{ACP, Target, Up};
use std::path::Path;
use std::process::Command;

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
    let platform = Up::start(&folder.path().join("data"), &[]);
    for command in commands {
        let here = command.replace(":8080", &format!(":{port}"));
        let here = here.replace("127.0.0.1 8080", &format!("127.0.0.1 {port}"));
        let here = here.replace("acp ", &format!("{ACP} "));
        let output = Command::new("sh")
            .args(["-c", &here])
            .current_dir(&folder)
            .env("ACP_CONTROL", &platform.url)
            .output()
            .unwrap();
        let (code, stderr) = (output.status.code(), String::from_utf8_lossy(&output.stderr));
        // Whether this machine held the rate is not the README's doing.
        assert!(matches!(code, Some(0 | 98)), "`{command}` ended with {code:?}: {stderr}");
    }
}
