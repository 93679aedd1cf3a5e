//! Requests that a program makes up from the description, thousands of them: whatever comes, the
//! answer is one that is described, and never a failure of control.
//!
//! `make test` gets the program and names it in `SCHEMATHESIS`.

use super::server::{Server, plan};
use acp_control::store::Role;
use serde_json::json;
use std::process::Stdio;
use tokio::process::Command;

/// What has to hold for every answer.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_schema_conformance,response_headers_conformance,allow_header_conformance,\
    unsupported_method,negative_data_rejection,ignored_auth";

/// The program, unless it is not here.
async fn program() -> Option<String> {
    let program = std::env::var("SCHEMATHESIS").unwrap_or_else(|_| "schemathesis".into());
    let mut command = Command::new(&program);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().await.is_ok_and(|status| status.success()).then_some(program)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_makes_control_fail() {
    let Some(program) = program().await else {
        println!(
            "skipped: schemathesis is not here; `make test` gets it, and SCHEMATHESIS names it"
        );
        assert!(std::env::var("CI").is_err(), "it has to run where CI is set");
        return;
    };
    let server = Server::guarded().await;
    let token = server.token(Role::Admin).await;
    // Something to find in lists.
    let task = server.request("POST", "/api/v1/tasks").bearer_auth(&token);
    assert_eq!(server.send(task.json(&json!({ "plan": plan("10") }))).await.status, 201);
    let seed = std::env::var("SEED").unwrap_or_else(|_| std::process::id().to_string());
    println!("SEED={seed} repeats this");
    let mut command = Command::new(program);
    command
        .arg("run")
        .arg(format!("{}/api/openapi.json", server.url))
        .args([
            "--checks",
            CHECKS,
            "--seed",
            &seed,
            "--max-examples",
            "25",
            "--continue-on-failure",
        ])
        // Streams of runs that go on do not end.
        .args(["--exclude-path", "/api/v1/runs/{id}/events", "--request-timeout", "30"])
        .args(["--no-color", "--warnings", "off", "--header"])
        .arg(format!("Authorization: Bearer {token}"))
        .env("NO_PROXY", "127.0.0.1")
        .current_dir(server.folder())
        .kill_on_drop(true);
    let output = command.output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    println!("{text}");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("passed"), "it has tested something");
}
