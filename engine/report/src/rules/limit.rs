//! The limits of a report, and which of them has ended its run.

use acp_wire::Report;

/// A limit of the plan (`stop.abort_on`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit<'a> {
    /// As it was written.
    pub expr: &'a str,
    /// It has ended the run: the limit and the number found.
    pub fired: Option<&'a str>,
}

/// The limits of a report's plan, in their order.
#[must_use]
pub fn limits(report: &Report) -> Vec<Limit<'_>> {
    let fired = |limit: &str| {
        let rules = report.events.iter().filter(|event| event.kind == "rule");
        let mut texts = rules.map(|event| event.text.as_str());
        texts.find(|text| text.strip_prefix(limit).is_some_and(|rest| rest.starts_with(": ")))
    };
    let limits = report.plan.stop.abort_on.iter();
    limits.map(|limit| Limit { expr: limit, fired: fired(limit.trim()) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use acp_wire::report::Event;

    fn check(what: &str, kind: &str, text: &str, expect: [bool; 2]) {
        let mut report = Report::default();
        report.plan.stop.abort_on = vec![" errors>5% over 10s".into(), "errors>5% over 1s".into()];
        report.events = vec![Event { at_us: 1, kind: kind.into(), text: text.into() }];
        let fired = limits(&report).iter().map(|limit| limit.fired.is_some()).collect::<Vec<_>>();
        assert_eq!(fired, expect, "{what}");
    }

    #[test]
    fn a_limit_has_fired_when_its_event_is_there() {
        check("the first", "rule", "errors>5% over 10s: found 6%", [true, false]);
        check("the second", "rule", "errors>5% over 1s: found 6%", [false, true]);
        check("no rule", "note", "errors>5% over 10s: found 6%", [false, false]);
        check("another rule", "rule", "errors>5% over 10: found 6%", [false, false]);
        check("a longer text", "rule", "errors>5% over 10s and more", [false, false]);
        assert_eq!(limits(&Report::default()), []);
    }
}
