//! The numbers of a run as Prometheus' text format 0.0.4, for the textfile collector of
//! `node_exporter`: counters since the start of the measured part, gauges and quantiles of the last
//! second.
//!
//! Every sample has the labels `run` and `name` where the run has them: two runs that write into one
//! folder need different ones.

use crate::Sum;
use acp_wire::report::{Distribution, Run};
use acp_wire::verdict::State;
use acp_wire::{Frame, Report};
use hdrhistogram::Histogram;
use std::fmt::{Display, Write as _};

/// Quantiles of the last second, with the label that Prometheus' clients write.
const QUANTILES: [(&str, Quantile); 4] = [
    ("0.5", |times| times.p50),
    ("0.9", |times| times.p90),
    ("0.99", |times| times.p99),
    ("0.999", |times| times.p99_9),
];

type Quantile = fn(&Distribution) -> u64;

/// A metric with its samples: labels of their own, and a value.
type Samples = Vec<(String, String)>;

/// Times since the start, and those of the last second.
struct Times {
    count: u64,
    sum_s: f64,
    last: Option<Distribution>,
}

/// Renders the report of a run that has ended.
#[must_use]
pub fn render(report: &Report) -> String {
    let last = report.series.last();
    let (latency, no_frame) = (&report.latency, Frame::default());
    let of = |all: &Distribution, last: Option<Distribution>| Times {
        count: all.count,
        sum_s: all.mean * all.count as f64 / 1e9,
        last,
    };
    let times = [
        of(&latency.response_ns, last.and_then(|frame| frame.response_ns)),
        of(&latency.service_ns, last.and_then(|frame| frame.service_ns)),
        of(&latency.send_lag_ns, last.and_then(|frame| frame.send_lag_ns)),
    ];
    let mut page = Page::new(&report.run);
    page.add_run(&report.run);
    page.add_totals(&totals_of(report));
    page.add_last(&Frame { in_flight: 0, rate_target: 0.0, ..last.unwrap_or(&no_frame).clone() });
    page.add_times(&times);
    page.add_end(report);
    page.text
}

/// Renders what is known in the middle of a run: the sum of its measured part so far, and the newest
/// second.
#[must_use]
pub fn render_so_far(run: &Run, sum: &Sum, last: &Frame) -> String {
    let all = sum.distributions();
    let of = |all: &Histogram<u64>, last: Option<Distribution>| Times {
        count: all.len(),
        sum_s: all.mean() * all.len() as f64 / 1e9,
        last,
    };
    let times = [
        of(&all.response, last.response_ns),
        of(&all.service, last.service_ns),
        of(&all.send_lag, last.send_lag_ns),
    ];
    let mut page = Page::new(run);
    page.add_run(run);
    page.add_totals(sum.counts());
    page.add_last(last);
    page.add_times(&times);
    page.text
}

/// The counts of a report in the shape of the sum of its frames.
fn totals_of(report: &Report) -> Frame {
    let (books, connections, generator) = (&report.books, &report.connections, &report.generator);
    let mut totals = Frame {
        planned: books.planned,
        sent: books.sent,
        completed: books.completed,
        not_sent: books.not_sent.clone(),
        errors: books.errors.clone(),
        status: report.status.clone(),
        blocked: generator.blocked,
        late: generator.late,
        connects: connections.opened,
        disconnects: connections.closed,
        full_handshakes: connections.full_handshakes,
        resumed_handshakes: connections.resumed_handshakes,
        bytes_sent: report.bytes.sent,
        bytes_received: report.bytes.received,
        ..Frame::default()
    };
    totals.cost.cpu_user_us = generator.cpu_user_us;
    totals.cost.cpu_system_us = generator.cpu_system_us;
    totals.cost.max_rss_bytes = generator.max_rss_bytes;
    totals
}

/// A text that grows by metrics.
struct Page {
    text: String,
    /// Labels that all samples have, without braces.
    common: String,
}

impl Page {
    fn new(run: &Run) -> Self {
        let common = labels([("run", run.id.as_str()), ("name", run.name.as_str())]);
        Self { text: String::new(), common }
    }

    fn add_run(&mut self, run: &Run) {
        let info = labels([
            ("version", run.version.as_str()),
            ("driver", &run.driver),
            ("host", &run.host),
        ]);
        self.add("acp_run_info", "gauge", "The run; always 1.", vec![(info, "1".into())]);
        let started_s = run.started_unix_us as f64 / 1e6;
        let help = "Start of the measured part, Unix time.";
        self.add_one("acp_run_start_time_seconds", "gauge", help, started_s);
    }

    fn add_totals(&mut self, totals: &Frame) {
        self.add_one(
            "acp_requests_planned_total",
            "counter",
            "Requests of the schedule that were sent or given up.",
            totals.planned,
        );
        self.add_one("acp_requests_sent_total", "counter", "Requests sent.", totals.sent);
        self.add_one(
            "acp_requests_completed_total",
            "counter",
            "Requests with a complete response, expected or not.",
            totals.completed,
        );
        let reasons = totals.not_sent.iter();
        let not_sent = reasons.map(|(reason, count)| sample("reason", reason.name(), count));
        let help = "Requests given up before they were sent, by reason.";
        self.add("acp_requests_not_sent_total", "counter", help, not_sent.collect());
        let classes = totals.errors.iter();
        let errors = classes.map(|(class, count)| sample("class", class.name(), count));
        let help = "Requests that did not end as expected, by class.";
        self.add("acp_requests_failed_total", "counter", help, errors.collect());
        let status = totals.status.iter();
        let responses = status.map(|(code, count)| sample("code", &code.to_string(), count));
        let help = "Complete responses, by status code.";
        self.add("acp_responses_total", "counter", help, responses.collect());
        for (name, help, count) in [
            (
                "acp_requests_blocked_total",
                "Requests that waited for a connection.",
                totals.blocked,
            ),
            (
                "acp_requests_late_total",
                "Requests sent late though a connection was free.",
                totals.late,
            ),
            ("acp_sent_bytes_total", "Bytes of requests.", totals.bytes_sent),
            ("acp_received_bytes_total", "Bytes of responses.", totals.bytes_received),
            ("acp_connections_opened_total", "Connections opened.", totals.connects),
            (
                "acp_connections_closed_total",
                "Connections closed by either side.",
                totals.disconnects,
            ),
        ] {
            self.add_one(name, "counter", help, count);
        }
        let handshakes = [("full", totals.full_handshakes), ("resumed", totals.resumed_handshakes)];
        let handshakes = handshakes.map(|(kind, count)| sample("kind", kind, &count)).to_vec();
        self.add("acp_tls_handshakes_total", "counter", "TLS handshakes, by kind.", handshakes);
        let cpu_us = totals.cost.cpu_user_us.saturating_add(totals.cost.cpu_system_us);
        let help = "CPU time of the load generator.";
        self.add_one("acp_generator_cpu_seconds_total", "counter", help, cpu_us as f64 / 1e6);
        self.add_one(
            "acp_generator_max_resident_memory_bytes",
            "gauge",
            "Peak memory of the load generator.",
            totals.cost.max_rss_bytes,
        );
    }

    fn add_last(&mut self, last: &Frame) {
        self.add_one(
            "acp_requests_in_flight",
            "gauge",
            "Requests without an outcome at the end of the last second.",
            last.in_flight,
        );
        self.add_one(
            "acp_target_requests_per_second",
            "gauge",
            "Rate that the schedule asks for; 0 in a closed loop and after the end.",
            last.rate_target,
        );
        self.add_one(
            "acp_generator_busy_ratio",
            "gauge",
            "Largest share of the last second in which a thread of the load generator had work.",
            last.cost.busy_ratio,
        );
    }

    fn add_times(&mut self, times: &[Times; 3]) {
        let helps = [
            ("acp_response_time_seconds", "From the due time to the last byte."),
            ("acp_service_time_seconds", "From the send to the last byte."),
            ("acp_send_lag_seconds", "From the due time to the send."),
        ];
        for ((name, help), times) in helps.into_iter().zip(times) {
            let help = format!("{help} Quantiles are of the last second.");
            self.head(name, "summary", &help);
            if let Some(last) = times.last.filter(|last| last.count > 0) {
                for (quantile, read) in QUANTILES {
                    let labels = labels([("quantile", quantile)]);
                    self.line(name, &labels, &(read(&last) as f64 / 1e9));
                }
            }
            self.line(&format!("{name}_sum"), "", &times.sum_s);
            self.line(&format!("{name}_count"), "", &times.count);
        }
    }

    fn add_end(&mut self, report: &Report) {
        let states = [
            State::Valid,
            State::GeneratorLimited,
            State::ScheduleMissed,
            State::Partial,
            State::Aborted,
        ];
        let is_state = |state: State| u8::from(report.verdict.state == state);
        let verdict = states.map(|state| sample("state", state.name(), &is_state(state)));
        let help = "1 for the verdict of the run, which has ended.";
        self.add("acp_run_verdict", "gauge", help, verdict.to_vec());
        let goals = report.slo.iter().map(|goal| sample("goal", &goal.expr, &u8::from(goal.pass)));
        self.add("acp_run_goal_met", "gauge", "Whether a goal was met.", goals.collect());
    }

    fn add_one(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.add(name, kind, help, vec![(String::new(), value.to_string())]);
    }

    /// Adds a metric, if it has a sample.
    fn add(&mut self, name: &str, kind: &str, help: &str, samples: Samples) {
        if samples.is_empty() {
            return;
        }
        self.head(name, kind, help);
        samples.iter().for_each(|(labels, value)| self.line(name, labels, value));
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        write!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}\n")
            .expect("a string takes all text");
    }

    fn line(&mut self, name: &str, labels: &str, value: &dyn Display) {
        let separator = if labels.is_empty() || self.common.is_empty() { "" } else { "," };
        let all = format!("{}{separator}{labels}", self.common);
        let line = match all.as_str() {
            "" => format!("{name} {value}\n"),
            all => format!("{name}{{{all}}} {value}\n"),
        };
        self.text.push_str(&line);
    }
}

fn sample(label: &str, of: &str, value: &dyn Display) -> (String, String) {
    (labels([(label, of)]), value.to_string())
}

/// Labels without braces. One without a value is as good as none.
fn labels<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let escape =
        |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let pairs = pairs.into_iter().filter(|(_, value)| !value.is_empty());
    let pairs = pairs.map(|(name, value)| format!("{name}=\"{}\"", escape(value)));
    pairs.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{encode, new_histogram, summary};

    #[test]
    fn labels_are_escaped_and_empty_ones_left_out() {
        for (value, text) in [
            ("", ""),
            ("plain", "a=\"plain\""),
            ("quote\" back\\slash", "a=\"quote\\\" back\\\\slash\""),
            ("two\nlines", "a=\"two\\nlines\""),
        ] {
            assert_eq!(labels([("a", value)]), text);
        }
        assert_eq!(labels([("a", "1"), ("b", ""), ("c", "2")]), "a=\"1\",c=\"2\"");
    }

    #[test]
    fn a_run_in_the_middle_has_totals_and_its_last_second() {
        let mut response = new_histogram();
        response.record_n(2_000_000, 10).unwrap();
        let mut frame = Frame { sent: 10, completed: 10, in_flight: 3, ..Frame::default() };
        frame.histograms.response = encode(&response);
        frame.response_ns = Some(summary(&response));
        let mut sum = Sum::new();
        for _ in 0..2 {
            sum.add_next_frame(&frame).unwrap();
        }
        let run = Run { id: "r1".into(), ..Run::default() };
        let text = render_so_far(&run, &sum, &frame);
        for line in [
            "# TYPE acp_requests_sent_total counter",
            "acp_requests_sent_total{run=\"r1\"} 20",
            "acp_requests_in_flight{run=\"r1\"} 3",
            "# TYPE acp_response_time_seconds summary",
            "acp_response_time_seconds_count{run=\"r1\"} 20",
        ] {
            assert!(text.lines().any(|found| found == line), "`{line}`: {text}");
        }
        let quantile = "acp_response_time_seconds{run=\"r1\",quantile=\"0.99\"} 0.00200";
        assert!(text.contains(quantile), "{text}");
        assert!(!text.contains("acp_run_verdict"), "it has not ended: {text}");
        assert!(!text.contains("acp_send_lag_seconds{"), "there was none: {text}");
    }

    /// Every line is a comment of the format or a sample: name, labels, one number.
    #[test]
    fn every_sample_belongs_to_the_metric_above_it() {
        let mut report = Report::default();
        report.run.name = "a \"b\"\n# c".into();
        report.status.insert(200, 5);
        let text = render(&report);
        let (mut name, mut seen) = ("", Vec::new());
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                name = rest.split(' ').next().unwrap();
                assert!(!seen.contains(&name), "{name} comes twice");
                seen.push(name);
            } else if !line.starts_with("# HELP ") {
                assert!(line.starts_with(name) && !name.is_empty(), "{line}");
                let value = line.rsplit(' ').next().unwrap();
                assert!(value.parse::<f64>().is_ok_and(f64::is_finite), "{line}");
            }
        }
        assert!(seen.len() > 15, "{seen:?}");
    }
}
