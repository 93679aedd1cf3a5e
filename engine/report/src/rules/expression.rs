//! `p99<50ms`, `errors>5% over 10s` → [`Rule`].

use acp_wire::units::{parse_count, parse_duration_ns, parse_rate};
use thiserror::Error;

/// Seconds of a window, at the most.
pub(super) const MAX_WINDOW_S: u64 = 600;

/// Why a text is not a rule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("bad rule `{rule}`: {why}\nhint: {hint}")]
pub struct RuleError {
    /// The text.
    pub rule: String,
    /// What is wrong.
    pub why: String,
    /// What would be right.
    pub hint: &'static str,
}

/// What a rule looks at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Metric {
    /// Response time of expected responses at this quantile, 0 to 1; nanoseconds.
    Response(f64),
    /// Requests that did not end as expected: percent of those that ended.
    ErrorPercent,
    /// The same: how many.
    Errors,
    /// Responses with a status from the first code to the last: percent of requests that ended.
    StatusPercent(u16, u16),
    /// The same: how many.
    Status(u16, u16),
    /// Complete responses per second.
    Rate,
}

/// How a number is held against the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `>`
    Above,
    /// `>=`
    AtLeast,
}

impl Operator {
    /// Whether `value operator limit`.
    #[must_use]
    pub fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Self::Below => value < limit,
            Self::AtMost => value <= limit,
            Self::Above => value > limit,
            Self::AtLeast => value >= limit,
        }
    }
}

/// A rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// As it was written.
    pub text: String,
    /// What it looks at.
    pub metric: Metric,
    /// How.
    pub operator: Operator,
    /// Against what, in the unit of the metric.
    pub limit: f64,
    /// One unit of the text in the unit of the metric: 1,000,000 for `50ms`, 1/60 for `300/m`.
    pub unit: f64,
    /// Name of that unit, for people: `ms`, `%`.
    pub unit_name: &'static str,
    /// Seconds of the window; none for goals.
    pub over_s: Option<u64>,
}

const ABORT_HINT: &str = "errors>5% over 10s, p99>1s over 5s, status(5xx)>1% over 10s, \
    rate<9500 over 5s";
const SLO_HINT: &str = "p99<50ms, p(99.9)<1s, errors<0.1%, status(5xx)<1%, rate>=9500";

/// Parses a limit that ends a run; it says `over` how long.
///
/// # Errors
///
/// When it is not a rule, or has no window, or one that is not 1 to 600 whole seconds.
pub fn parse_abort(text: &str) -> Result<Rule, RuleError> {
    let fail = |why: String| RuleError { rule: text.trim().into(), why, hint: ABORT_HINT };
    let Some((rule, over)) = text.split_once(" over ") else {
        return Err(fail("it does not say over how long".into()));
    };
    let over_ns = parse_duration_ns(over.trim()).map_err(|error| fail(error.to_string()))?;
    let over_s = over_ns / 1_000_000_000;
    if over_ns % 1_000_000_000 != 0 || !(1..=MAX_WINDOW_S).contains(&over_s) {
        return Err(fail(format!("`{}` is not 1 to {MAX_WINDOW_S} whole seconds", over.trim())));
    }
    let rule = parse(rule).map_err(fail)?;
    Ok(Rule { text: text.trim().into(), over_s: Some(over_s), ..rule })
}

/// Parses a goal, judged at the end.
///
/// # Errors
///
/// When it is not a rule, or has a window.
pub fn parse_slo(text: &str) -> Result<Rule, RuleError> {
    let fail = |why: String| RuleError { rule: text.trim().into(), why, hint: SLO_HINT };
    if text.contains(" over ") {
        return Err(fail("a goal is judged over the whole run, without `over`".into()));
    }
    let rule = parse(text).map_err(fail)?;
    Ok(Rule { text: text.trim().into(), ..rule })
}

fn parse(text: &str) -> Result<Rule, String> {
    let text = text.trim();
    let at = text.find(['<', '>']).ok_or("one of < <= > >= is missing")?;
    let (name, rest) = (text[..at].trim(), &text[at..]);
    let (operator, value) = match (rest.strip_prefix("<="), rest.strip_prefix(">=")) {
        (Some(value), _) => (Operator::AtMost, value),
        (_, Some(value)) => (Operator::AtLeast, value),
        _ if rest.starts_with('<') => (Operator::Below, &rest[1..]),
        _ => (Operator::Above, &rest[1..]),
    };
    let value = value.trim();
    if value.is_empty() {
        return Err("the limit is missing".into());
    }
    let rule = |metric, limit, (unit, unit_name)| Rule {
        text: text.into(),
        metric,
        operator,
        limit,
        unit,
        unit_name,
        over_s: None,
    };
    if name == "rate" {
        let rate = parse_rate(value).map_err(|error| error.to_string())?;
        return Ok(rule(Metric::Rate, rate.per_second(), rate_unit(value)));
    }
    if let Some(quantile) = quantile(name)? {
        let nanos = parse_duration_ns(value).map_err(|error| error.to_string())?;
        return Ok(rule(Metric::Response(quantile), nanos as f64, time_unit(value)));
    }
    let (percent, count) = match name {
        "errors" => (Metric::ErrorPercent, Metric::Errors),
        _ => {
            let (first, last) = status(name)?;
            (Metric::StatusPercent(first, last), Metric::Status(first, last))
        }
    };
    match value.strip_suffix('%') {
        Some(number) => Ok(rule(percent, parse_percent(number)?, (1.0, "%"))),
        None => {
            let limit = parse_count(value).map_err(|error| error.to_string())?;
            Ok(rule(count, limit as f64, (1.0, "")))
        }
    }
}

/// `p99`, `p99.9`, `p(99.9)`; none when it is another word.
fn quantile(name: &str) -> Result<Option<f64>, String> {
    let Some(number) = name.strip_prefix('p') else { return Ok(None) };
    let inside = number.trim().strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    let number = inside.unwrap_or(number).trim();
    match number.parse::<f64>() {
        Ok(percentile) if is_plain(number) && percentile > 0.0 && percentile <= 100.0 => {
            // To the float that `0.999` is, and not to one next to it.
            Ok(Some((percentile * 1e9).round() / 1e11))
        }
        _ => Err(format!("`{name}` is not a percentile above 0 and up to 100")),
    }
}

fn status(name: &str) -> Result<(u16, u16), String> {
    let inside = name.strip_prefix("status(").and_then(|rest| rest.strip_suffix(')'));
    let Some(pattern) = inside.map(str::trim) else {
        return Err(format!("`{name}` is not known; there are errors, pNN, status(…) and rate"));
    };
    let bad = || format!("`{pattern}` is not a status; a code (503) or a class (5xx)");
    let digits = pattern.strip_suffix("xx").unwrap_or(pattern);
    let number: u16 = match digits.bytes().all(|byte| byte.is_ascii_digit()) {
        true => digits.parse().map_err(|_| bad())?,
        false => return Err(bad()),
    };
    match (digits.len(), pattern.len(), number) {
        (1, 3, 1..=9) => Ok((number * 100, number * 100 + 99)),
        (3, 3, 100..=999) => Ok((number, number)),
        _ => Err(bad()),
    }
}

fn parse_percent(number: &str) -> Result<f64, String> {
    let number = number.trim();
    match number.parse::<f64>() {
        Ok(percent) if is_plain(number) && (0.0..=100.0).contains(&percent) => Ok(percent),
        _ => Err(format!("`{number}%` is not a share between 0% and 100%")),
    }
}

/// Digits and a point: no sign, no exponent, no `inf`.
fn is_plain(number: &str) -> bool {
    number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// The last unit of a duration: in it the value found is shown.
fn time_unit(value: &str) -> (f64, &'static str) {
    let unit = value.rsplit(|c: char| c.is_ascii_digit()).next().unwrap_or_default();
    match unit {
        "ns" => (1.0, "ns"),
        "us" | "µs" => (1e3, "µs"),
        "ms" => (1e6, "ms"),
        "m" => (60e9, "m"),
        "h" => (3600e9, "h"),
        "d" => (86_400e9, "d"),
        _ => (1e9, "s"),
    }
}

fn rate_unit(value: &str) -> (f64, &'static str) {
    match value.split_once('/').map(|(_, unit)| unit) {
        Some("m") => (1.0 / 60.0, "/m"),
        Some("h") => (1.0 / 3600.0, "/h"),
        Some("d") => (1.0 / 86_400.0, "/d"),
        _ => (1.0, "/s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rules_mean_what_the_table_says() {
        use Metric::{ErrorPercent, Errors, Rate, Response, Status, StatusPercent};
        use Operator::{Above, AtLeast, AtMost, Below};
        for (text, metric, operator, limit, over_s) in [
            ("errors>5% over 10s", ErrorPercent, Above, 5.0, Some(10)),
            ("errors >= 100 over 1m", Errors, AtLeast, 100.0, Some(60)),
            ("p99>1s over 5s", Response(0.99), Above, 1e9, Some(5)),
            ("p(99.9)>1s over 5s", Response(0.999), Above, 1e9, Some(5)),
            ("  status(5xx) > 1%  over 10s ", StatusPercent(500, 599), Above, 1.0, Some(10)),
            ("status(503)>0 over 3s", Status(503, 503), Above, 0.0, Some(3)),
            ("rate<9500 over 5s", Rate, Below, 9500.0, Some(5)),
            ("p99<50ms", Response(0.99), Below, 5e7, None),
            ("p(99)<=50ms", Response(0.99), AtMost, 5e7, None),
            ("p100<1m30s", Response(1.0), Below, 9e10, None),
            ("errors<0.1%", ErrorPercent, Below, 0.1, None),
            ("rate>=9.5k", Rate, AtLeast, 9500.0, None),
            ("rate>300/m", Rate, Above, 5.0, None),
            ("status(5xx)<1%", StatusPercent(500, 599), Below, 1.0, None),
        ] {
            let parse = if over_s.is_some() { parse_abort } else { parse_slo };
            let rule = parse(text).unwrap();
            let found = (rule.metric, rule.operator, rule.limit, rule.over_s);
            assert_eq!(found, (metric, operator, limit, over_s), "{text}");
            assert_eq!(rule.text, text.trim());
        }
    }

    #[test]
    fn what_is_not_a_rule_is_refused_in_words() {
        for (text, why) in [
            ("", "one of < <= > >= is missing"),
            ("p99", "one of < <= > >= is missing"),
            ("p99=50ms", "one of < <= > >= is missing"),
            ("p99<", "the limit is missing"),
            ("p99<50", ""),
            ("p99<50%", "unknown unit `%`"),
            ("p99<-1s", "is not a number"),
            ("p0<1s", "not a percentile"),
            ("p101<1s", "not a percentile"),
            ("p9e1<1s", "not a percentile"),
            ("pinf<1s", "not a percentile"),
            ("p(99<1s", "not a percentile"),
            ("errors<5s", "unknown unit `s`"),
            ("errors<101%", "between 0% and 100%"),
            ("errors<nan%", "between 0% and 100%"),
            ("errors<1e1%", "between 0% and 100%"),
            ("errors<<1%", "between 0% and 100%"),
            ("failures<1%", "`failures` is not known"),
            ("status<1%", "`status` is not known"),
            ("status(6)<1%", "not a status"),
            ("status(5x)<1%", "not a status"),
            ("status(0xx)<1%", "not a status"),
            ("status(+50)<1%", "not a status"),
            ("status(9999)<1%", "not a status"),
            ("rate<10ms", "unknown unit"),
            ("rate<max", "is not a number"),
            ("p99<50ms over 10s", "without `over`"),
        ] {
            let found = parse_slo(text);
            if why.is_empty() {
                // A bare number is seconds, here as everywhere.
                assert_eq!(found.unwrap().limit, 5e10, "{text}");
                continue;
            }
            let message = found.unwrap_err().to_string();
            assert!(message.contains(why), "{text}: {message}");
            assert!(message.contains("hint: p99<50ms"), "{message}");
        }
        for (text, why) in [
            ("errors>5%", "over how long"),
            ("errors>5% over", "over how long"),
            ("errors>5% over soon", "is not a number"),
            ("errors>5% over 1500ms", "whole seconds"),
            ("errors>5% over 0s", "whole seconds"),
            ("errors>5% over 1h", "whole seconds"),
            ("> 5% over 1s", "`` is not known"),
        ] {
            let message = parse_abort(text).unwrap_err().to_string();
            assert!(message.contains(why), "{text}: {message}");
            assert!(message.contains("hint: errors>5% over 10s"), "{message}");
        }
    }

    proptest! {
        #[test]
        fn no_text_brings_the_parser_down(text in "\\PC{0,24}", rest in "[p(0-9.)<>=%ms xé]{0,16}") {
            drop(parse_slo(&text));
            drop(parse_abort(&format!("{rest} over 5s")));
        }
    }
}
