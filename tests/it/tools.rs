//! `acp wrk`, `acp hey`, `acp oha` and `acp piemon`: command lines of those tools against the built-in server.

use crate::program::{ACP, Ran, Running, Target};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

/// Runs a command line as it stands in a script; `URL` is the target's.
fn run(line: &str, url: &str) -> Ran {
    let arguments = line.split_whitespace().map(|word| word.replace("URL", url));
    Command::new(ACP).args(arguments).output().unwrap().into()
}

/// Runs a command line that ends well.
fn good(line: &str, url: &str) -> String {
    let ran = run(line, url);
    assert_eq!(ran.code, 0, "`{line}`: {}", ran.stderr);
    assert!(!ran.stderr.contains("error"), "`{line}`: {}", ran.stderr);
    ran.stdout
}

/// The rest of the line that begins with `label`.
fn after<'a>(text: &'a str, label: &str) -> &'a str {
    let found = text.lines().find_map(|line| line.trim_start().strip_prefix(label));
    found.unwrap_or_else(|| panic!("no `{label}` in:\n{text}")).trim()
}

/// The number in front of `label`, as of `5 requests in`.
fn before(text: &str, label: &str) -> u64 {
    let line = text.lines().find(|line| line.contains(label));
    let line = line.unwrap_or_else(|| panic!("no `{label}` in:\n{text}"));
    let number = line.split(label).next().unwrap().split_whitespace().last();
    number.unwrap().parse().unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// A number at the beginning of a text.
fn number(text: &str) -> f64 {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    text[..end].parse().unwrap_or_else(|error| panic!("{error}: `{text}`"))
}

/// The counts in brackets of the lines of a histogram.
fn bars(text: &str, title: &str) -> Vec<u64> {
    let lines = text.lines().skip_while(|line| !line.starts_with(title)).skip(1);
    let rows = lines.take_while(|line| line.contains('|'));
    let count = |row: &str| {
        let inside = row.split(['[', ']']).nth(1).unwrap_or_else(|| panic!("no count: `{row}`"));
        inside.parse().unwrap()
    };
    rows.map(count).collect()
}

fn is_close(found: f64, expect: f64, ratio: f64) -> bool {
    (found - expect).abs() <= expect * ratio
}

#[test]
fn wrk_prints_what_its_users_parse() {
    let target = Target::start(&[]);
    let url = format!("{}index.html", target.url);
    let text = good("wrk -t12 -c400 -d1s --timeout 1m URL", &url);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], format!("Running 1s test @ {url}"));
    assert_eq!(lines[1], "  12 threads and 400 connections");
    assert_eq!(lines[2], "  Thread Stats   Avg      Stdev     Max   +/- Stdev");
    for label in ["Latency", "Req/Sec"] {
        let columns: Vec<_> = after(&text, label).split_whitespace().collect();
        assert_eq!(columns.len(), 4, "{text}");
        assert!(columns[3].ends_with('%') && number(columns[0]) > 0.0, "{text}");
    }
    assert!(!text.contains("Latency Distribution"), "{text}");
    let requests = before(&text, " requests in ");
    // What is open at the end is waited for, so both sides have seen the same.
    assert_eq!(requests, target.requests(), "{text}");
    let rate = number(after(&text, "Requests/sec:"));
    let seconds = text.split(" requests in ").nth(1).unwrap();
    assert!(is_close(rate, requests as f64 / number(seconds), 0.02), "{text}");
    assert!(after(&text, "Transfer/sec:").ends_with('B'), "{text}");
    assert!(!text.contains("Socket errors") && !text.contains("Non-2xx"), "{text}");
}

#[test]
fn wrk_shows_percentiles_and_bad_statuses() {
    let target = Target::start(&["--status", "404"]);
    let text = good("wrk -t1 -c4 -d1s --latency --timeout 1m -H X-A:b URL", &target.url);
    let rising: Vec<_> = ["50%", "75%", "90%", "99%"].map(|label| after(&text, label)).into();
    assert!(rising.iter().all(|time| time.ends_with('s') && number(time) > 0.0), "{text}");
    let requests = before(&text, " requests in ");
    assert_eq!(number(after(&text, "Non-2xx or 3xx responses:")), requests as f64, "{text}");
}

#[test]
fn wrk2_holds_a_rate_and_prints_its_spectrum() {
    let target = Target::start(&[]);
    let text = good("wrk -t1 -c10 -d2s -R200 --latency --timeout 1m URL", &target.url);
    assert_eq!(before(&text, " requests in "), 400, "{text}");
    assert_eq!(target.requests(), 400);
    assert!(text.contains("  Latency Distribution (HdrHistogram - Recorded Latency)\n"), "{text}");
    assert!(text.contains("\n  Detailed Percentile spectrum:\n"), "{text}");
    let last = text.lines().find(|line| line.trim_end().ends_with("inf")).expect(&text);
    let columns: Vec<_> = last.split_whitespace().collect();
    assert_eq!(columns[1..], ["1.000000", "400", "inf"], "{text}");
    assert!(text.contains("Total count    =          400]"), "{text}");
}

#[test]
fn hey_prints_what_its_users_parse() {
    let target = Target::start(&[]);
    let text = good("hey -n 1000 -c 100 -m GET URL", &target.url);
    assert!(text.starts_with("\nSummary:\n  Total:\t"), "{text}");
    assert_eq!(after(&text, "[200]"), "1000 responses", "{text}");
    assert_eq!(target.requests(), 1000);
    let bars = bars(&text, "Response time histogram:");
    assert_eq!((bars.len(), bars.iter().sum::<u64>()), (11, 1000), "{text}");
    let (slowest, fastest) = (number(after(&text, "Slowest:")), number(after(&text, "Fastest:")));
    let average = number(after(&text, "Average:"));
    assert!(fastest <= average && average <= slowest, "{text}");
    let rate = number(after(&text, "Requests/sec:"));
    assert!(is_close(rate, 1000.0 / number(after(&text, "Total:")), 0.05), "{text}");
    for percent in [10, 25, 50, 75, 90, 95, 99] {
        assert!(after(&text, &format!("{percent}% in ")).ends_with(" secs"), "{text}");
    }
    assert_eq!(after(&text, "DNS-lookup:"), "not measured");
    assert!(after(&text, "resp wait:").ends_with(" secs"), "{text}");
}

#[test]
fn a_rate_of_hey_is_one_of_each_worker() {
    let target = Target::start(&["--status", "503"]);
    let text = good("hey -z 2s -c=4 --q=25 -disable-keepalive -n 7 URL", &target.url);
    assert_eq!(after(&text, "[503]"), "200 responses", "{text}");
    assert_eq!(target.requests(), 200);
}

#[test]
fn redirects_are_said_not_to_be_followed() {
    let target = Target::start(&["--status", "302"]);
    let note = "note: 10 responses were redirects, which are not followed\n";
    for (line, expect) in [
        ("hey -n 10 -c 1 URL", note),
        ("hey -n 10 -c 1 -disable-redirects URL", ""),
        ("oha -n 10 -c 1 URL", note),
        ("oha -n 10 -c 1 -r 0 URL", ""),
    ] {
        let ran = run(line, &target.url);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, expect), "`{line}`");
    }
}

#[test]
fn oha_prints_what_its_users_parse() {
    let target = Target::start(&[]);
    let text = good("oha -n 200 -c 50 URL", &target.url);
    assert!(text.starts_with("Summary:\n  Success rate:\t100.00%\n  Total:\t"), "{text}");
    assert_eq!(after(&text, "[200]"), "200 responses", "{text}");
    assert_eq!(target.requests(), 200);
    let bars = bars(&text, "Response time histogram:");
    assert_eq!((bars.len(), bars.iter().sum::<u64>()), (11, 200), "{text}");
    for percent in ["10.00", "50.00", "99.99"] {
        assert!(number(after(&text, &format!("{percent}% in "))) > 0.0, "{text}");
    }
    assert!(!text.contains("Error distribution"), "{text}");
}

#[test]
fn oha_holds_a_rate() {
    let target = Target::start(&[]);
    let text =
        good("oha -z 2s -q 100 -t 1m --latency-correction --disable-keepalive URL", &target.url);
    assert_eq!(after(&text, "[200]"), "200 responses", "{text}");
    assert_eq!(target.requests(), 200);
}

#[test]
fn oha_writes_its_json() {
    let target = Target::start(&["--status", "404"]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("oha.json");
    let on_stdout = good("oha --no-tui -j URL", &target.url);
    let line = format!("oha --no-tui --output-format json -o {} URL", path.display());
    assert_eq!(good(&line, &target.url), "");
    assert_eq!(good("oha --output-format quiet URL", &target.url), "");
    assert_eq!(target.requests(), 600);
    for text in [on_stdout, std::fs::read_to_string(path).unwrap()] {
        let document: Value = serde_json::from_str(&text).unwrap();
        let counts = document["responseTimeHistogram"].as_object().unwrap().values();
        assert_eq!(counts.map(|count| count.as_u64().unwrap()).sum::<u64>(), 200, "{text}");
        assert_eq!(document["statusCodeDistribution"]["404"], 200, "{text}");
        assert_eq!(document["summary"]["successRate"], 1.0, "{text}");
        assert_eq!(document["errorDistribution"], serde_json::json!({}));
        for path in [
            "/summary/requestsPerSec",
            "/summary/totalData",
            "/summary/sizePerRequest",
            "/latencyPercentiles/p99.99",
            "/rps/percentiles/p50",
            "/details/DNSDialup/average",
            "/details/firstByte/slowest",
        ] {
            let value = document.pointer(path).and_then(Value::as_f64);
            assert!(value.is_some_and(|value| value > 0.0), "{path}: {text}");
        }
        assert_eq!(document["details"]["DNSLookup"]["average"], Value::Null);
    }
}

/// Where a target is, as piemon wants it.
fn host_and_port(target: &Target) -> String {
    target.url.trim_start_matches("http://").trim_end_matches('/').replace(':', " ")
}

#[test]
fn piemon_prints_what_its_users_parse() {
    let target = Target::start(&["--status", "404"]);
    let folder = tempfile::tempdir().unwrap();
    let queries = folder.path().join("queries");
    std::fs::create_dir_all(queries.join("more")).unwrap();
    std::fs::write(queries.join("1"), "/path?aaa=111&bbb=222\n/b\n").unwrap();
    std::fs::write(queries.join("more/2"), "/c\n").unwrap();
    std::fs::write(queries.join("more/.svn"), "no query\n").unwrap();
    let line =
        format!("piemon -r 100 -s 2 --http {} {} -k", host_and_port(&target), queries.display());
    let text = good(&line, "");
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "target host:127.0.0.1");
    let rows: Vec<_> = lines.iter().filter(|row| row.starts_with("CURRENT-QPS:")).collect();
    assert_eq!(rows.len(), 2, "{text}");
    assert!(number(after(&text, "RT: ")) > 0.0, "{text}");
    assert!(number(after(&text, "PAR:")) > 0.0, "{text}");
    assert!(after(&text, "--- FROM(").ends_with("TIME-USED(0h-0min-2s) ---"), "{text}");
    assert!(text.contains(&format!("\nCMD: PIEMON_acp-{}", env!("CARGO_PKG_VERSION"))), "{text}");
    assert!(text.contains(line.trim_start_matches("piemon ")), "{text}");
    assert_eq!(number(after(&text, "Query Success Number:")), 200.0, "{text}");
    assert_eq!(target.requests(), 200);
    assert!(is_close(number(after(&text, "QPS:")), 100.0, 0.2), "{text}");
    for label in ["Connect Failed", "Query Failed", "Query Timeout"] {
        assert_eq!(number(after(&text, &format!("{label} Number:"))), 0.0, "{text}");
    }
    assert!(number(after(&text, "Average Return Length(Bytes):")) > 0.0, "{text}");
    let times: Vec<_> = ["Min Response Time:", "25 Percentile:", "99 Percentile:"]
        .map(|label| after(&text, label).strip_suffix(" ms").expect(&text).to_string())
        .iter()
        .map(|time| number(time))
        .collect();
    assert!(times.is_sorted(), "{text}");
}

#[test]
fn piemon_keeps_its_errors_in_a_file() {
    let target = Target::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let (queries, log) = (folder.path().join("q"), folder.path().join("log"));
    std::fs::write(&queries, "/\n").unwrap();
    std::fs::write(&log, "of an earlier run\n").unwrap();
    let to = host_and_port(&target);
    let (queries, log_path) = (queries.display(), log.display());
    let text = good(&format!("piemon -p 2 -f 50 -o {log_path} {to} {queries}"), "");
    assert_eq!(number(after(&text, "Query Success Number:")), 50.0, "{text}");
    assert_eq!(std::fs::read_to_string(&log).unwrap(), "", "nothing went wrong");
    let slow = Target::start(&["--delay", "1h"]);
    let to = host_and_port(&slow);
    let ran = run(&format!("piemon -d 111 -p 2 -f 2 -a 100 -o {log_path} {to} {queries}"), "");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("`acp bench --control FILE`"), "{}", ran.stderr);
    assert_eq!(number(after(&ran.stdout, "Query Timeout Number:")), 2.0, "{}", ran.stdout);
    assert_eq!(std::fs::read_to_string(&log).unwrap(), "2\ttimeout\n");
}

#[test]
fn requests_are_those_of_the_command_line() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/a?b", listener.local_addr().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let queries = folder.path().join("q");
    std::fs::write(&queries, "/path?aaa=111&bbb={{slot}}\n").unwrap();
    let to = format!("127.0.0.1 {}", listener.local_addr().unwrap().port());
    let piemon = format!("piemon -p 1 -f 1 -q h {to} {}", queries.display());
    for (line, expect) in [
        (
            piemon.as_str(),
            vec!["GET /path?aaa=111&bbb={{slot}} HTTP/1.1", "Host: h", "Connection: close"],
        ),
        ("wrk -t1 -c1 -d1s -H X-A:b URL", vec!["GET /a?b HTTP/1.1", "X-A: b"]),
        (
            "hey -n 1 -c 1 -m PUT -d {{slot}} -a u:p -host h -T t/x URL",
            vec![
                "PUT /a?b HTTP/1.1",
                "Host: h",
                "Content-Type: t/x",
                "Authorization: Basic dTpw",
                "Accept-Encoding: gzip",
                "Content-Length: 8",
                "{{slot}}",
            ],
        ),
        (
            "oha -n 1 -c 1 -m DELETE -A a/b --host h --disable-keepalive URL",
            vec!["DELETE /a?b HTTP/1.1", "Host: h", "Accept: a/b", "Connection: close"],
        ),
    ] {
        let arguments = line.split_whitespace().map(|word| word.replace("URL", &url));
        let child = Command::new(ACP)
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let running = Running(child);
        let mut stream = BufReader::new(listener.accept().unwrap().0);
        let mut found = String::new();
        while !found.ends_with("\r\n\r\n") {
            assert!(stream.read_line(&mut found).unwrap() > 0, "`{line}`: {found}");
        }
        let mut body = vec![0; if found.contains("Content-Length: 8") { 8 } else { 0 }];
        stream.read_exact(&mut body).unwrap();
        found.push_str(&String::from_utf8(body).unwrap());
        for part in expect {
            assert!(found.lines().any(|line| line == part), "`{line}`: `{part}` not in {found}");
        }
        drop(running);
    }
}

#[test]
fn an_interrupt_ends_with_the_summary_and_a_warning() {
    let target = Target::start(&[]);
    let mut child = Command::new(ACP)
        .args(["wrk", "-t1", "-c2", "-d60s", &target.url])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut stderr = child.stderr.take().unwrap();
    let mut running = Running(child);
    // The heading comes as the load begins.
    let mut text = String::new();
    stdout.read_line(&mut text).unwrap();
    assert_eq!(text, format!("Running 1m test @ {}\n", target.url));
    running.signal("INT");
    stdout.read_to_string(&mut text).unwrap();
    let mut said = String::new();
    stderr.read_to_string(&mut said).unwrap();
    assert_eq!(running.0.wait().unwrap().code(), Some(0), "{said}");
    assert!(text.contains(" requests in ") && text.contains("Requests/sec:"), "{text}");
    assert!(said.starts_with("warning: the result is not valid (aborted)"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn what_cannot_be_done_is_refused_with_a_hint() {
    let url = "http://127.0.0.1:9/";
    for (line, part) in [
        ("wrk -s post.lua URL", "hint: Lua scripts are not run"),
        ("wrk -c1 -t2 URL", "connections must be >= threads"),
        ("wrk", "<URL>"),
        ("hey -h2 URL", "hint: HTTP/1.1 is spoken"),
        ("hey -x proxy:1 URL", "without a proxy"),
        ("hey -o csv URL", "`acp bench --format csv`"),
        ("hey URL -n 5", "hint: flags come before the URL"),
        ("hey -no-such-flag URL", "unexpected argument '--no-such-flag'"),
        ("oha --http2 URL", "hint: HTTP/1.1 is spoken"),
        ("oha -p 2 URL", "hint: HTTP/1.1 is spoken"),
        ("oha --rand-regex-url URL", "`acp bench --requests-file`"),
        ("oha --output-format csv URL", "`acp bench --format csv`"),
        ("oha -r 3 URL", "hint: redirects are not followed"),
        ("oha -o /no/such/folder/x URL", "failed to create"),
        ("oha ftp://a/", "unknown url scheme `ftp`"),
        ("piemon -r 10 -s 1 --tcp 127.0.0.1 9 q", "hint: HTTP is spoken: --http"),
        ("piemon -r 10 -s 1 --post 127.0.0.1 9 q", "`acp bench --requests-file FILE`"),
        ("piemon -r 10 -s 1 -l 5 127.0.0.1 9 q", "`acp bench --expect body~TEXT`"),
        ("piemon -r 10 127.0.0.1 9 q", "hint: -s N seconds, or -f N requests"),
        (
            "piemon -r 1 -p 1 -s 1 127.0.0.1 9 q",
            "hint: -r N requests a second, or -p N connections",
        ),
        ("piemon -r 1 -s 1 127.0.0.1 9 /no/such/file", "failed to read `/no/such/file`"),
        ("piemon -r 1 -s 1 -o /no/such/folder/x 127.0.0.1 9 q", "failed to create"),
        ("piemon -r 1 -s 1 127.0.0.1 9", "<QUERIES>"),
    ] {
        let ran = run(line, url);
        assert_eq!(ran.code, 2, "`{line}`: {}", ran.stderr);
        assert!(ran.stderr.contains(part), "`{line}`: `{part}` is not in {}", ran.stderr);
        assert_eq!(ran.stdout, "", "`{line}`");
    }
}

#[test]
fn help_shows_the_flags_of_the_tool() {
    for (line, part) in [
        ("wrk --help", "-t, --threads <N>"),
        ("hey -help", "--disable-keepalive"),
        ("hey --help", "acp hey [options...] <url>"),
        ("oha --help", "--latency-correction"),
        ("piemon -h", "--http"),
        ("piemon --help", "One of -p and -r, and one of -s and -f, is required"),
    ] {
        assert!(good(line, "").contains(part), "`{line}`");
    }
    for line in ["wrk -v", "piemon -v", "piemon --version"] {
        assert!(good(line, "").starts_with("acp "), "`{line}`");
    }
}
