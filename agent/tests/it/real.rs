//! The real engine below an agent, against the built-in server: the books of the parts are what the
//! server has received.

use crate::host::{Host, get};
use acp_wire::agent::{Change, ChangeKind, Part, PartState, Share};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// The program beside the tests, where the workspace was built with it.
fn program() -> Option<PathBuf> {
    let tests = std::env::current_exe().unwrap();
    let program = tests.parent().unwrap().parent().unwrap().join("acp");
    if program.exists() {
        return Some(program);
    }
    assert!(std::env::var_os("CI").is_none(), "`{}` is not built", program.display());
    eprintln!("not run: `{}` is not built", program.display());
    None
}

/// The built-in server, ended when it is dropped.
struct Target {
    child: Child,
    address: SocketAddr,
}

impl Target {
    fn start(program: &PathBuf) -> Self {
        let mut child = Command::new(program)
            .args(["target", "--listen", "127.0.0.1:0", "--threads", "1"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").expect(&line);
        let address = address.trim_end_matches('/').parse().unwrap();
        Self { child, address }
    }

    async fn requests(&self) -> u64 {
        let answer = get(self.address, "/__acp/count").await;
        let body = answer.split("\r\n\r\n").nth(1).expect(&answer);
        let count: serde_json::Value = serde_json::from_str(body).expect(body);
        count["requests"].as_u64().expect(body)
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[tokio::test]
async fn two_shares_of_a_run_are_sent_changed_and_stopped() {
    let Some(program) = program() else { return };
    let target = Target::start(&program);
    let mut host = Host::new("").await;
    host.settings.engine_program = Some(program);
    host.settings.engine_arguments = vec!["bench".to_owned()];
    let plan = format!(
        "{{\"schema\":\"acp.plan/1\",\"name\":\"shares\",\"target\":{{\"url\":\"http://{}/\"}},\
         \"load\":{{\"model\":\"open\",\"rate\":\"100\",\"duration\":\"5m\",\"connections\":4}}}}",
        target.address
    );
    let plan = host.control.add_plan(plan.as_bytes());
    host.start().await;
    let t0_unix_us = crate::control::now_unix_us() + 2_000_000;
    let names = ["r.0", "r.1"];
    let part = |number: usize| Part {
        plan: plan.clone(),
        t0_unix_us,
        share: Share { offset: u64::try_from(number).unwrap(), stride: 2, ..Share::whole(2) },
        ..crate::host::part(names[number], "")
    };
    host.assign(&[part(0), part(1)]).await;
    for name in names {
        host.control.wait(name, |memory| memory.frames(name) > 1).await;
    }
    let change = Change { number: 1, at_us: 0, kind: ChangeKind::Rate("200".to_owned()) };
    let changed = |number| Part { changes: 1, change: Some(change.clone()), ..part(number) };
    host.assign(&[changed(0), changed(1)]).await;
    let had = host.control.memory().frames("r.0");
    host.control.wait("it goes on", |memory| memory.frames("r.0") > had + 1).await;
    let stopped = |number| Part { stop: true, ..changed(number) };
    host.assign(&[stopped(0), stopped(1)]).await;
    let mut sent = 0;
    for name in names {
        host.control.wait(name, |memory| memory.has_state(name, PartState::Finished)).await;
        host.control.wait(name, |memory| memory.has_last(name)).await;
        let memory = host.control.memory();
        memory.check_whole(name);
        let part = memory.part(name).unwrap();
        let books = part.books.as_ref().unwrap();
        assert!(books.balanced && books.sent > 0, "{books:?}");
        assert_eq!(part.run_info.as_ref().unwrap().id, "r");
        assert!(part.events.iter().any(|event| event.kind == "rate"), "{:?}", part.events);
        sent += books.sent;
    }
    assert_eq!(target.requests().await, sent, "every request is in the books");
}
