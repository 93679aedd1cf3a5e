//! Goals and limits: who judges them, and when.

use crate::child::{Engine, target};
use acp_engine::target::{Target, TargetOptions};
use acp_wire::agent::Share;
use acp_wire::verdict::State;

#[test]
fn a_share_is_not_judged() {
    let target = target();
    let share = Share { connections: 4, ..Share::whole(4) };
    let rules = ["--slo", "p99<1ns", "--abort-on", "rate<1000000 over 1s", "--slo", "no rule"];
    let mut arguments = vec!["-R", "100", "-d", "2s", "-c", "4"];
    arguments.extend(rules);
    let ended = Engine::start(target.address(), Some(share), &arguments).end();
    assert!(matches!(ended.code, Some(0 | 98)), "{:?}: {}", ended.code, ended.stderr);
    assert_eq!(ended.report().books.completed, 200, "{}", ended.stderr);
    assert_eq!((&ended.report().slo[..], &ended.report().events[..]), (&[][..], &[][..]));
}

#[test]
fn a_limit_ends_the_run_and_says_so() {
    let every_driver = ["auto", "monoio-epoll"];
    for driver in every_driver {
        let target = target();
        let limit = "rate<1000000 over 2s";
        let flags = ["-R", "100", "-d", "1h", "-c", "4", "--driver", driver, "--abort-on", limit];
        let ended = Engine::start(target.address(), None, &flags).end();
        assert_eq!(ended.code, Some(97), "{driver}: {}", ended.stderr);
        let report = ended.report();
        assert_eq!(report.verdict.state, State::Aborted);
        let text = &report.verdict.reasons[0].text;
        assert!(
            text.starts_with(&format!("stopped before its end: rule: {limit}: found ")),
            "{text}"
        );
        let (kind, at_us) = ended.events()[0];
        assert_eq!(kind, "rule");
        assert!(at_us >= 2_000_000, "two seconds have to be over: {at_us}");
        assert_eq!(target.stop().expect("target").requests, report.books.sent);
    }
}

#[test]
fn each_kind_of_rule_is_judged_on_what_it_says() {
    let slow = TargetOptions { delay_ns: 50_000_000, ..TargetOptions::default() };
    let mut failing = TargetOptions::default();
    failing.response.status = 503;
    for (what, options, rule, code) in [
        ("slow", &slow, ["--abort-on", "p50>20ms over 1s"], 97),
        ("slow, but allowed", &slow, ["--abort-on", "p50>20s over 1s"], 0),
        ("slow at the end", &slow, ["--slo", "p50<20ms"], 99),
        ("failing", &failing, ["--abort-on", "status(5xx)>50% over 1s"], 97),
        ("failing by count", &failing, ["--abort-on", "errors>=10 over 1s"], 97),
        ("failing at the end", &failing, ["--slo", "errors<1%"], 99),
        ("failing and met", &failing, ["--slo", "status(5xx)>99%"], 0),
        ("no expected response", &failing, ["--slo", "p99<1h"], 99),
    ] {
        let target = Target::start(options.clone()).expect("target");
        // A closed loop, as there is no schedule that a busy machine could miss.
        let flags = ["-d", "3s", "-c", "4", rule[0], rule[1]];
        let ended = Engine::start(target.address(), None, &flags).end();
        assert_eq!(ended.code, Some(code), "{what}: {}", ended.stderr);
        let report = ended.report();
        assert_eq!(report.slo.len(), usize::from(rule[0] == "--slo"), "{what}");
        assert_eq!(ended.events().iter().any(|event| event.0 == "rule"), code == 97, "{what}");
    }
}
