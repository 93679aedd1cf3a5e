//! `acp explain` shows what `acp bench` sends.

use crate::program::ACP;
use std::process::Command;

/// Exit code, standard output and standard error.
fn explain(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(ACP).arg("explain").args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_slot_is_shown_with_its_time_its_sender_and_its_request() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queries.jsonl");
    let lines = "{\"path\":\"/a\"}\n\n{\"method\":\"POST\",\"path\":\"/b\",\"body\":\"hi\",\"tag\":\"write\"}\n";
    std::fs::write(&path, lines).unwrap();
    let path = path.to_str().unwrap();
    let flags = ["-R", "100", "--requests-file", path, "-H", "x-slot: {{slot}}", "http://h:81/"];
    let (code, out, _) = explain(&[&["--slot", "7"], flags.as_slice()].concat());
    let request = "POST /b HTTP/1.1\r\nHost: h:81\r\nx-slot: 7\r\nContent-Length: 2\r\n\r\nhi";
    let bytes = request.len();
    let expected = format!(
        "Slot 7 is due 0.070000000 s after the start of the measured part\n\
         Sent by: agent 0 of 1, shard 0 of 1\n\
         Line:    {path}:3\n\
         Tag:     write\n\
         Request: {bytes} bytes\n\n\
         POST /b HTTP/1.1\r\nHost: h:81\r\nx-slot: 7\r\nContent-Length: 2\n\nhi\n"
    );
    assert_eq!((code, out), (Some(0), expected));

    let agents = ["--slot", "7", "--agents", "2", "--cores", "3", "--format", "json"];
    let (_, out, _) = explain(&[agents.as_slice(), &flags].concat());
    let document: serde_json::Value = serde_json::from_str(&out).unwrap();
    let of = |name: &str| document[name].to_string();
    assert_eq!((of("agent"), of("shard"), of("line")), ("1".into(), "0".into(), "3".into()));
    assert_eq!(
        (of("due_ns"), of("body"), of("tag")),
        ("70000000".into(), "\"hi\"".into(), "\"write\"".into())
    );
    let (_, out, _) = explain(&["--slot", "7", "http://h/"]);
    assert!(out.starts_with("Slot 7 is due when a connection is free: the loop is closed\n"));
}

#[test]
fn what_cannot_be_shown_is_said() {
    for (arguments, part) in [
        (vec!["--slot", "0", "http://h/{{x}}"], "unknown value `{{x}}`"),
        (vec!["--slot", "10", "-R", "10", "-d", "1s", "http://h/"], "slot 10 is not in the plan"),
        (vec!["--slot", "0", "-R", "9", "--requests-file", "/no/such", "http://h/"], "`/no/such`"),
        (
            vec!["--slot", "0", "--requests-file", "/no/such", "http://h/"],
            "whichever shard asks first",
        ),
        (vec!["--slot", "0", "http://h/{{line}}"], "there is none"),
    ] {
        let (code, out, errors) = explain(&arguments);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(errors.contains(part), "{arguments:?}: {errors}");
    }
}
