//! Names and local addresses: where connections go to and where they come from.

use crate::child::{Engine, await_condition, await_requests, target};
use acp_engine::target::{Target, TargetOptions};
use std::net::SocketAddr;
use std::process::Command;

const NAME: &str = "moving.test";

/// Whether a process here may have its own view of the files. Where it may not, that is said, and in
/// CI it is a failure.
fn may_mount() -> bool {
    let may = Command::new("unshare").args(["-m", "true"]).status().is_ok_and(|s| s.success());
    if !may {
        eprintln!("no right to mount: not tested");
        assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "tested in CI");
    }
    may
}

/// A second target, at the same port of another address.
fn neighbour(of: &Target) -> Target {
    let listen = SocketAddr::from(([127, 0, 0, 2], of.address().port()));
    Target::start(TargetOptions { listen, ..TargetOptions::default() }).expect("target")
}

#[test]
fn a_name_that_moves_is_followed() {
    if !may_mount() {
        return;
    }
    for driver in ["auto", "monoio-epoll"] {
        let (old, folder) = (target(), tempfile::tempdir().expect("folder"));
        let new = neighbour(&old);
        let hosts = folder.path().join("hosts");
        let point_at = |address: &str| {
            std::fs::write(&hosts, format!("{address} {NAME}\n")).expect("hosts");
        };
        point_at("127.0.0.1");
        let url = format!("http://{NAME}:{}/", old.address().port());
        let engine_arguments =
            ["--driver", driver, "-R", "500", "-d", "1h", "--dns", "100ms", &url];
        let mut engine = Engine::start_with_hosts(&hosts, &engine_arguments);
        await_requests(&old, 100);
        assert_eq!(new.counts().requests, 0, "the name is of the old one");

        point_at("127.0.0.2");
        await_requests(&new, 100);
        let left = old.counts().requests;
        await_requests(&new, 300);
        assert_eq!(old.counts().requests, left, "{driver}: nothing goes to the old one any more");

        std::fs::write(&hosts, "").expect("hosts");
        let before = new.counts().requests;
        await_condition("requests without a name", || new.counts().requests > before + 200);
        engine.command("{\"stop\":true}");
        let ended = engine.end();
        let report = ended.report();
        let texts: Vec<_> = report.events.iter().map(|event| event.text.as_str()).collect();
        let found = |part: &str| texts.iter().any(|text| text.contains(part));
        assert!(found("the target is at 127.0.0.2:") && found(NAME), "{texts:?}");
        assert!(report.books.errors.is_empty(), "{:?}", report.books);
        let seen = old.stop().expect("target").requests + new.stop().expect("target").requests;
        assert_eq!(seen, report.books.sent, "{driver}");
    }
}

#[test]
fn local_addresses_that_cannot_be_are_refused() {
    let target = target();
    for (what, list, part) in [
        ("not an address", "eth0", "`eth0` is not an address"),
        ("of another machine", "192.0.2.1", "cannot connect from 192.0.2.1"),
        ("of another family", "::1", "can reach 127.0.0.1"),
    ] {
        let ended = Engine::start(target.address(), None, &["--source-ip", list]).end();
        assert_eq!(ended.code, Some(2), "{what}: {}", ended.stderr);
        let text = &ended.stderr;
        assert!(text.contains(part) && text.contains("hint: "), "{what}: {text}");
    }
}
