//! Tests of the flags of piemon.

use super::super::super::fixture::{Given, check_flags, job_of};
use super::*;
use acp_wire::plan::Model;

fn job(line: &str) -> Result<Job, String> {
    let words: Vec<_> = line.split_whitespace().collect();
    job_of::<PiemonArgs>(&words, |arguments| Ok(arguments.job()?.expect("a host was given")))
}

#[test]
fn every_flag_of_piemon_has_an_answer() {
    let unlike = |check: fn(&Job) -> bool| Given::Done(check);
    check_flags::<PiemonArgs>(
        &["-r", "10", "-s", "5", "a", "80", "q"],
        &[
            (&["-r", "20", "-r10"], Given::Nothing),
            (&["-n", "4"], unlike(|job| job.options.threads == Some(4))),
            (&["-t", "9"], unlike(|job| job.plan.connection.timeout == "9s")),
            (&["-a", "30"], unlike(|job| job.plan.connection.timeout == "30ms")),
            (&["-q", "h"], unlike(|job| job.plan.target.host.as_deref() == Some("h"))),
            (&["-k"], unlike(|job| job.plan.connection.keep_alive)),
            (&["-s9"], Given::Nothing),
            (&["-o", "errors.txt"], Given::Nothing),
            (&["-c"], Given::Nothing),
            (&["--http"], Given::Nothing),
            (&["-w", "1"], Given::Nothing),
            (&["-w0"], Given::Nothing),
            (&["-d", "111"], Given::Nothing),
            (&["-x", "&a=b"], Given::Nothing),
            (&["-m", "2048"], Given::Nothing),
            (&["-y", "-1"], Given::Nothing),
            (&["-j", "500"], Given::Nothing),
            (&["-g", "3"], Given::Nothing),
            (&["-e"], Given::Nothing),
            (&["-v"], Given::Nothing),
            (&["--version"], Given::Nothing),
            (&["-p", "4"], Given::Refused("either -p or -r, is required")),
            (&["-f", "4"], Given::Refused("either -f or -s, is required")),
            (&["-l", "100"], Given::Refused("`acp bench --expect body~TEXT`")),
            (&["-l", "-1"], Given::Refused("`acp bench --expect body~TEXT`")),
            (&["-b"], Given::Refused("HTTP is spoken: --http")),
            (&["--tcp"], Given::Refused("HTTP is spoken: --http")),
            (&["--post"], Given::Refused("`acp bench --requests-file FILE`")),
        ],
        |arguments| Ok(arguments.job()?.expect("a host was given")),
    );
}

#[test]
fn a_start_and_an_end_make_a_load() {
    let open = (Model::Open, Load::default().connections, Some("150"));
    let closed = (Model::Closed, 4, None);
    for (line, (model, connections, rate), duration, requests) in [
        ("-r 150 -s 3 a 80 q", open, Some("3s"), None),
        ("-r150 -f30 a 80 q", open, None, Some(30)),
        ("-p 4 -s 3 a 80 q", closed, Some("3s"), None),
        ("-kp4 -f 7 a 80 q", closed, None, Some(7)),
        // Three years, as people write it who stop it by hand: the longest run is one.
        ("-r 150 -s 100000000 a 80 q", open, Some("31536000s"), None),
        ("a 80 -r 9 q -s 1 -r 150 -k -s 3", open, Some("3s"), None),
        ("-r 150 -s 3 -- a 80 -q", open, Some("3s"), None),
    ] {
        let load = job(line).unwrap().plan.load;
        assert_eq!((load.model, load.connections), (model, connections), "{line}");
        assert_eq!(load.rate.as_deref(), rate, "{line}");
        assert_eq!((load.duration.as_deref(), load.requests), (duration, requests), "{line}");
    }
}

#[test]
fn defaults_are_those_of_piemon() {
    let Job { plan, options, follows_redirects } = job("-p 1 -s 1 ::1 80 folder").unwrap();
    assert_eq!(plan.target.url, "http://[::1]:80/");
    assert_eq!((options.threads, plan.connection.timeout.as_str()), (Some(1), "5s"));
    assert!(!plan.connection.keep_alive && !plan.request.templates && !follows_redirects);
    assert!(plan.request.headers.is_empty() && plan.target.host.is_none());
    let source = plan.source.unwrap();
    assert_eq!((source.format, source.order), (Format::Path, Order::Seq));
    assert_eq!((source.file.as_deref(), source.dataset), (Some("folder"), None));
    assert_eq!(job("-p 1 -s 1 -t 9 -a 30 a 80 q").unwrap().plan.connection.timeout, "30ms");
}

#[test]
fn long_flags_may_be_shortened_where_that_is_one() {
    assert!(job("--ht -p 1 -s 1 a 80 q").is_ok());
    for (flag, part) in [("--tc", "-b, --tcp"), ("--p", "--post"), ("--h", "unexpected argument")] {
        let error = job(&format!("{flag} -p 1 -s 1 a 80 q")).unwrap_err();
        assert!(error.contains(part), "{flag}: {error}");
    }
}

#[test]
fn flags_that_did_something_once_are_told() {
    for (line, expect) in [
        ("-p 1 -s 31536000 -x y -e a 80 q", vec![]),
        ("-d 111 -p 1 -s 1 a 80 q", vec!["`acp bench --control FILE`"]),
        ("-p 1 -s 31536001 a 80 q", vec!["more than a year"]),
        ("-d 3 -r 150 -s 100000000 --http -k a 80 q", vec!["(-d)", "more than a year"]),
    ] {
        let words: Vec<_> = line.split(' ').collect();
        let mut found = Vec::new();
        job_of::<PiemonArgs>(&words, |arguments| {
            found = arguments.notes();
            Ok(arguments.job()?.expect("a host was given"))
        })
        .unwrap();
        assert_eq!(found.len(), expect.len(), "{line}: {found:?}");
        for (note, part) in found.iter().zip(expect) {
            assert!(note.starts_with("note: ") && note.contains(part), "{line}: {note}");
        }
    }
}

#[test]
fn bad_values_are_refused() {
    for (line, part) in [
        ("", "<HOSTNAME>"),
        ("-p 1 -s 1 a 80", "<QUERIES>"),
        ("-p 1 -s 1 a", "<PORT>"),
        ("-p 1 -s 1 a 80 q r", "unexpected argument 'r'"),
        ("-p 1 -s 1 a 0 q", "0 is not in"),
        ("-p 1 -s 1 a 65536 q", "65536 is not in"),
        ("-p 1 -s 1 a http q", "invalid digit"),
        ("-p 1 -s 1 a/b 80 q", "bad host `a/b`"),
        ("-p 1 -s 1 http://a 80 q", "bad host `http://a`"),
        ("-p 1 -s 1 u@a 80 q", "bad host `u@a`"),
        ("-s 1 a 80 q", "one start specifier, either -p or -r"),
        ("-p 1 -r 1 -s 1 a 80 q", "one start specifier, either -p or -r"),
        ("-p 1 a 80 q", "one end specifier, either -f or -s"),
        ("-p 1 -s 1 -f 1 a 80 q", "one end specifier, either -f or -s"),
        ("-p 0 -s 1 a 80 q", "bad -p: it must be above 0"),
        ("-r 0 -s 1 a 80 q", "bad -r: it must be above 0"),
        ("-p 1 -s 0 a 80 q", "bad -s: it must be above 0"),
        ("-p 1 -f 0 a 80 q", "bad -f: it must be above 0"),
        ("-p -1 -s 1 a 80 q", "unexpected argument '-1'"),
        ("-r 1.5 -s 1 a 80 q", "invalid digit"),
        ("-p 1 -s 1 -n 0 a 80 q", "0 is not in"),
        ("-p 1 -s 1 -t 0 a 80 q", "0 is not in"),
        ("-p 1 -s 1 -a 0 a 80 q", "0 is not in"),
        ("-p 1 -s 1 -w 2 a 80 q", "[possible values: 0, 1]"),
        ("-p 1 -s 1 -z a 80 q", "unexpected argument '-z'"),
        ("-p 1 -s soon a 80 q", "invalid digit"),
    ] {
        let error = job(line).unwrap_err();
        assert!(error.contains(part), "`{line}`: `{part}` is not in `{error}`");
    }
}
