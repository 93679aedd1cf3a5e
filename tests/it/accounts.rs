//! Every request is accounted for: planned, sent, and what the server itself has counted.

use crate::program::{Target, bench_in_the_middle, bench_json, count, finish};

#[test]
fn slow_rates_are_exact_over_any_number_of_shards() {
    for (flags, planned) in [
        (vec!["-t", "2", "-R", "1", "-d", "3s"], 3),
        (vec!["-R", "0.5", "-d", "4s"], 2),
        (vec!["-R", "300/m", "-d", "3s"], 15),
        (vec!["-t", "12", "-R", "10", "-d", "2s"], 20),
        (vec!["-R", "100", "-n", "37"], 37),
        (vec!["--profile", "line(0,200,1s) const(200,1s)"], 300),
        (vec!["--profile", "step(10,30,10,1s)", "-t", "3"], 60),
    ] {
        let target = Target::start(&[]);
        let (_, report) = bench_json(&target.url, &flags);
        assert_eq!(count(&report, "/books/planned"), planned, "{flags:?}");
        assert_eq!(count(&report, "/books/completed"), planned, "{flags:?}");
        assert_eq!(target.requests(), planned, "{flags:?}: the server's own count");
    }
}

#[test]
fn closed_loops_are_counted_as_the_server_counts_them() {
    for flags in [
        vec!["-n", "1000"],
        vec!["-n", "7", "-c", "3", "-t", "2"],
        vec!["-n", "5000", "-c", "16", "--pipeline", "16"],
        vec!["-n", "500", "--no-keepalive"],
        vec!["-n", "1000", "-c", "8", "--requests-per-connection", "7"],
        vec!["-d", "1s", "-c", "200"],
        vec!["-n", "100", "-X", "HEAD"],
        vec!["-n", "100", "-b", "hello"],
    ] {
        let target = Target::start(&[]);
        let (code, report) = bench_json(&target.url, &flags);
        // Whether the hypervisor took CPU time away is not what this is about.
        assert!(matches!(code, 0 | 98), "{flags:?}: {}", report["verdict"]);
        let sent = count(&report, "/books/sent");
        if let Some(at) = flags.iter().position(|flag| *flag == "-n") {
            assert_eq!(sent.to_string(), flags[at + 1], "{flags:?}");
        }
        assert_eq!(count(&report, "/books/completed"), sent, "{flags:?}");
        assert_eq!(target.requests(), sent, "{flags:?}: the server's own count");
    }
}

#[test]
fn servers_that_close_connections_cause_no_errors() {
    let target = Target::start(&["--close-every", "10"]);
    for flags in [vec!["-n", "2000", "-c", "8"], vec!["-n", "2000", "-c", "8", "--pipeline", "4"]] {
        let before = target.requests();
        let (code, report) = bench_json(&target.url, &flags);
        assert!(matches!(code, 0 | 98), "{flags:?}: {}", report["verdict"]);
        assert_eq!(report["books"]["errors"], serde_json::json!({}), "{flags:?}");
        assert_eq!(count(&report, "/books/completed"), 2000, "{flags:?}");
        assert!(target.requests() - before >= 2000, "{flags:?}");
    }
}

#[test]
fn a_rate_far_above_capacity_stays_sane_and_is_never_valid() {
    let target = Target::start(&[]);
    let (code, report) = bench_json(&target.url, &["-R", "10M", "-d", "1s", "-c", "16"]);
    assert_eq!(code, 98);
    assert_eq!(count(&report, "/books/planned"), 10_000_000);
    let state = report["verdict"]["state"].as_str().unwrap();
    assert!(matches!(state, "schedule_missed" | "generator_limited"), "{state}");
    assert!(count(&report, "/run/duration_us") < 8_000_000, "the grace is bounded");
    assert!(count(&report, "/generator/max_rss_bytes") < 100 << 20);
    assert_eq!(target.requests(), count(&report, "/books/sent"));
}

#[test]
fn a_server_that_stands_still_is_seen_in_response_times() {
    let target = Target::start(&[]);
    let flags =
        [&target.url, "-R", "500", "-d", "4s", "-c", "32", "--format", "json", "--timeout", "9s"];
    let (bench, stderr) = bench_in_the_middle(&flags);
    target.process.signal("STOP");
    std::thread::sleep(std::time::Duration::from_secs(1));
    target.process.signal("CONT");
    let ran = finish(bench, stderr);
    let report = ran.report();
    assert_eq!(report["books"]["balanced"], true, "{}", ran.stdout);
    assert_eq!(count(&report, "/books/planned"), 2000);
    assert_eq!(count(&report, "/books/completed"), 2000, "{}", report["books"]);
    // Half of the slots of the second waited for half of it: an eighth of all.
    assert!(count(&report, "/latency/response_ns/p90") > 400_000_000, "{}", report["latency"]);
    // Far fewer were on a connection then, so the service time does not show it as well.
    assert!(count(&report, "/latency/service_ns/p90") < count(&report, "/latency/response_ns/p90"));
    assert_ne!(report["verdict"]["state"], "valid");
    assert_eq!(ran.code, 98);
}

#[test]
fn frames_add_up_to_the_report() {
    let target = Target::start(&["--error-rate", "10%"]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("frames.jsonl");
    let frames_flag = path.to_str().unwrap();
    let flags =
        ["-R", "2k", "-d", "2500ms", "--warmup", "500ms", "-t", "2", "--frames", frames_flag];
    let (_, report) = bench_json(&target.url, &flags);
    let text = std::fs::read_to_string(&path).unwrap();
    let all: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let seqs: Vec<_> = all.iter().map(|frame| count(frame, "/seq")).collect();
    assert_eq!(seqs, (0..all.len() as u64).collect::<Vec<_>>(), "no holes");
    assert_eq!(all.last().unwrap()["flags"]["last"], true);
    assert!(all[0]["flags"]["warmup"].as_bool().unwrap(), "the warm-up is flagged");
    let measured = || all.iter().filter(|frame| frame["flags"]["warmup"] == false);
    for (in_frame, in_report) in [
        ("/planned", "/books/planned"),
        ("/sent", "/books/sent"),
        ("/completed", "/books/completed"),
        ("/errors/unexpected", "/books/errors/unexpected"),
        ("/status/500", "/status/500"),
        ("/status/200", "/status/200"),
        ("/bytes_sent", "/bytes/sent"),
        ("/bytes_received", "/bytes/received"),
        ("/blocked", "/generator/blocked"),
        ("/late", "/generator/late"),
        ("/in_flight_at_stop", "/books/in_flight_at_stop"),
        ("/connects", "/connections/opened"),
        ("/disconnects", "/connections/closed"),
        ("/reused_requests", "/connections/reused_requests"),
        ("/retried_requests", "/connections/retried_requests"),
        ("/cost/cpu_user_us", "/generator/cpu_user_us"),
        ("/cost/cpu_system_us", "/generator/cpu_system_us"),
        ("/cost/cpu_spin_us", "/generator/cpu_spin_us"),
        ("/cost/turns", "/generator/turns"),
        ("/cost/overflows", "/generator/overflows"),
        ("/cost/buffer_shortages", "/generator/buffer_shortages"),
    ] {
        let sum: u64 = measured().filter_map(|frame| frame.pointer(in_frame)?.as_u64()).sum();
        assert_eq!(sum, count(&report, in_report), "{in_frame}");
    }
    assert_eq!(count(&report, "/books/planned"), 5000);
    assert_eq!(target.requests(), 6000, "the warm-up was sent too");
}
