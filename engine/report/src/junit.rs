//! The report as JUnit XML, for continuous integration: one test suite, with a test case for the
//! verdict, one for each goal and one for each limit that may end the run.

use crate::rules::{found_for, limits};
use acp_wire::Report;
use acp_wire::verdict::State;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use std::io;

/// A test case: what was judged, and why it failed.
struct Case {
    class: &'static str,
    name: String,
    failure: Option<Failure>,
}

struct Failure {
    kind: String,
    message: String,
    /// More lines for a person.
    text: String,
}

/// Renders a report, with a line break at its end.
#[must_use]
#[expect(clippy::missing_panics_doc, reason = "writing to memory does not fail")]
pub fn render(report: &Report) -> String {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    write_document(&mut writer, report).expect("memory takes all bytes");
    let mut text = String::from_utf8(writer.into_inner()).expect("texts make a text");
    text.push('\n');
    text
}

fn write_document(writer: &mut Writer<Vec<u8>>, report: &Report) -> io::Result<()> {
    let cases = cases(report);
    let count = cases.len().to_string();
    let failures = cases.iter().filter(|case| case.failure.is_some()).count().to_string();
    let time_s = format!("{:.3}", report.run.duration_us as f64 / 1e6);
    let name = match report.run.name.as_str() {
        "" => plain(&report.plan.target.url),
        name => plain(name),
    };
    let host = plain(&report.run.host);
    let counts = [
        ("tests", count.as_str()),
        ("failures", &failures),
        ("errors", "0"),
        ("skipped", "0"),
        ("time", &time_s),
    ];
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let suites = writer.create_element("testsuites").with_attribute(("name", "acp"));
    let suites = suites.with_attributes(counts);
    suites.write_inner_content(|writer| {
        let suite = writer.create_element("testsuite").with_attribute(("name", name.as_str()));
        let suite = suite.with_attributes(counts).with_attribute(("hostname", host.as_str()));
        suite.write_inner_content(|writer| {
            write_properties(writer, report)?;
            cases.iter().try_for_each(|case| write_case(writer, case, &time_s))
        })?;
        Ok(())
    })?;
    Ok(())
}

/// Numbers that a reader of the results may want to follow from build to build.
fn write_properties(writer: &mut Writer<Vec<u8>>, report: &Report) -> io::Result<()> {
    let (books, rate, response) = (&report.books, &report.rate, &report.latency.response_ns);
    let ms = |nanos: u64| format!("{:.6}", nanos as f64 / 1e6);
    let properties = [
        ("run", plain(&report.run.id)),
        ("version", plain(&report.run.version)),
        ("planned", books.planned.to_string()),
        ("sent", books.sent.to_string()),
        ("completed", books.completed.to_string()),
        ("errors", books.errors_total().to_string()),
        ("completed_per_s", format!("{:.2}", rate.completed_per_s)),
        ("response_p50_ms", ms(response.p50)),
        ("response_p99_ms", ms(response.p99)),
        ("response_max_ms", ms(response.max)),
    ];
    writer.create_element("properties").write_inner_content(|writer| {
        for (name, value) in &properties {
            let property = writer.create_element("property");
            property.with_attributes([("name", *name), ("value", value.as_str())]).write_empty()?;
        }
        Ok(())
    })?;
    Ok(())
}

fn write_case(writer: &mut Writer<Vec<u8>>, case: &Case, time_s: &str) -> io::Result<()> {
    let element = writer.create_element("testcase").with_attributes([
        ("classname", case.class),
        ("name", case.name.as_str()),
        ("time", time_s),
    ]);
    let Some(Failure { kind, message, text }) = &case.failure else {
        return element.write_empty().map(drop);
    };
    element.write_inner_content(|writer| {
        let failure = writer.create_element("failure");
        let failure = failure.with_attributes([("type", kind.as_str()), ("message", message)]);
        failure.write_text_content(BytesText::new(text)).map(drop)
    })?;
    Ok(())
}

fn cases(report: &Report) -> Vec<Case> {
    let goals = report.slo.iter().map(|goal| {
        let found = found_for(goal);
        let message = plain(&format!("{}: found {found}", goal.expr));
        let failure =
            Failure { kind: "slo".into(), text: format!("goal missed: {message}"), message };
        Case { class: "acp.slo", name: plain(&goal.expr), failure: (!goal.pass).then_some(failure) }
    });
    let limits = limits(report).into_iter().map(|limit| {
        let failure = limit.fired.map(|fired| {
            let message = plain(fired);
            Failure {
                kind: "abort_on".into(),
                text: format!("the run was ended: {message}"),
                message,
            }
        });
        Case { class: "acp.abort_on", name: plain(limit.expr), failure }
    });
    std::iter::once(verdict(report)).chain(goals).chain(limits).collect()
}

fn verdict(report: &Report) -> Case {
    let verdict = &report.verdict;
    let reason = |reason: &acp_wire::verdict::Reason| {
        let (code, text) = (&reason.code, &reason.text);
        plain(&format!("{code}: {text} (value {}, limit {})", reason.value, reason.limit))
    };
    let failure = (verdict.state != State::Valid).then(|| Failure {
        kind: verdict.state.name().into(),
        message: plain(verdict.reasons.first().map_or("no reason is given", |first| &first.text)),
        text: verdict.reasons.iter().map(reason).collect::<Vec<_>>().join("\n"),
    });
    Case { class: "acp", name: "verdict".into(), failure }
}

/// Without the characters that XML 1.0 cannot hold.
fn plain(text: &str) -> String {
    let is_text = |c: char| match c {
        '\t' | '\n' | '\r' => true,
        '\u{fffe}' | '\u{ffff}' => false,
        c => c >= ' ',
    };
    text.chars().map(|c| if is_text(c) { c } else { '\u{fffd}' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use acp_wire::report::Slo;
    use acp_wire::verdict::Reason;
    use proptest::prelude::*;
    use quick_xml::Reader;

    /// Attributes `name` of all elements `element`.
    fn read(text: &str, element: &str, name: &str) -> Vec<String> {
        let mut reader = Reader::from_str(text);
        let mut found = Vec::new();
        loop {
            match reader.read_event().unwrap() {
                Event::Eof => return found,
                Event::Start(start) | Event::Empty(start) if start.name().as_ref() == element => {
                    let attribute = start.try_get_attribute(name).unwrap().unwrap();
                    let value =
                        attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0).unwrap();
                    found.push(value.into_owned());
                }
                _ => {}
            }
        }
    }

    #[test]
    fn a_good_run_has_no_failure() {
        let mut report = Report::default();
        report.plan.stop.abort_on = vec!["errors>5% over 10s".into()];
        report.slo = vec![Slo { expr: "p99<50ms".into(), value: 1.0, pass: true }];
        let text = render(&report);
        assert_eq!(read(&text, "testsuite", "failures"), ["0"], "{text}");
        let names = read(&text, "testcase", "name");
        assert_eq!(names, ["verdict", "p99<50ms", "errors>5% over 10s"]);
        assert!(!text.contains("<failure"), "{text}");
    }

    #[test]
    fn each_failure_says_value_and_limit() {
        let mut report = Report::default();
        report.plan.stop.abort_on = vec!["errors>5% over 10s".into(), "p99>1s over 5s".into()];
        report.slo = vec![Slo { expr: "p99<50ms".into(), value: 63.5, pass: false }];
        let text = "errors>5% over 10s: found 7%".to_string();
        report.events = vec![acp_wire::report::Event { at_us: 1, kind: "rule".into(), text }];
        let reason =
            Reason { code: "sent".into(), text: "too few".into(), value: 0.5, limit: 0.99 };
        report.verdict.add(State::ScheduleMissed, reason);
        let text = render(&report);
        assert_eq!(read(&text, "testsuites", "failures"), ["3"], "{text}");
        let messages = read(&text, "failure", "message");
        assert_eq!(messages, ["too few", "p99<50ms: found 63.5ms", "errors>5% over 10s: found 7%"]);
        assert!(text.contains("sent: too few (value 0.5, limit 0.99)"), "{text}");
    }

    proptest! {
        #[test]
        fn any_name_makes_a_document(name in "\\PC{1,12}|[\u{0}-\u{1f}<>&'\"\u{fffe}]{1,12}") {
            let mut report = Report::default();
            report.run.name.clone_from(&name);
            report.slo = vec![Slo { expr: name.clone(), value: 1.0, pass: false }];
            let text = render(&report);
            prop_assert_eq!(read(&text, "testcase", "name").len(), 2);
            let kept = |c: char| if c.is_control() || c == '\u{fffe}' { None } else { Some(c) };
            let found: String = read(&text, "testsuite", "name")[0].chars().filter_map(kept).collect();
            let shown = found.replace('\u{fffd}', "");
            let expected: String = name.chars().filter_map(kept).collect();
            prop_assert_eq!(shown, expected.replace('\u{fffd}', ""));
        }
    }
}
