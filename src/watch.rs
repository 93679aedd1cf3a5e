//! Following a run on a control plane to its end.

use crate::client::Client;
use acp_report::progress_line;
use acp_wire::{Frame, Report, State};
use anyhow::{Result, bail};
use serde::Deserialize;
use std::time::Duration;

/// How often a run is looked at.
const LOOK: Duration = Duration::from_millis(250);
/// How long a control plane may be away before watching gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// A run could not be watched to a good end: exit codes of `acp bench`.
const EXIT_ABORTED: u8 = 97;
const EXIT_NOT_VALID: u8 = 98;
const EXIT_SLO_MISSED: u8 = 99;

#[derive(Deserialize)]
struct RunView {
    state: String,
    #[serde(default)]
    text: String,
    plan: acp_wire::Plan,
}

#[derive(Deserialize)]
struct FrameView {
    number: i64,
    frame: Frame,
}

#[derive(Deserialize)]
struct FrameList {
    frames: Vec<FrameView>,
}

/// Follows `run` until it has ended; `say` gets a line for each second and each state.
///
/// # Errors
///
/// When the run failed, or the control plane was away for a minute.
pub(crate) async fn watch(client: &Client, run: &str, say: &mut dyn FnMut(String)) -> Result<()> {
    let (mut state, mut after) = (String::new(), 0);
    let mut is_away_since = None::<std::time::Instant>;
    loop {
        let view = match look(client, run, &mut after, say).await {
            Ok(view) => view,
            Err(error) => {
                let since = *is_away_since.get_or_insert_with(std::time::Instant::now);
                if state.is_empty() || since.elapsed() > PATIENCE {
                    return Err(error);
                }
                tokio::time::sleep(LOOK).await;
                continue;
            }
        };
        is_away_since = None;
        if view.state != state {
            state.clone_from(&view.state);
            if matches!(state.as_str(), "pending" | "assigned" | "ready") {
                say(format!("{state:>12}"));
            }
        }
        match state.as_str() {
            "done" | "aborted" => return Ok(()),
            "failed" => bail!("the run failed: {}", view.text),
            _ => tokio::time::sleep(LOOK).await,
        }
    }
}

/// The run, after all its frames since `after` are shown: page by page, since a run of days has many.
async fn look(
    client: &Client,
    run: &str,
    after: &mut i64,
    say: &mut dyn FnMut(String),
) -> Result<RunView> {
    // The state first: a run that has ended by then has all its frames.
    let view: RunView = client.get(&format!("/runs/{run}")).await?;
    let total_s = seconds(&view.plan);
    loop {
        let path = format!("/runs/{run}/frames?after={after}&limit=1000");
        let page: FrameList = client.get(&path).await?;
        if page.frames.is_empty() {
            return Ok(view);
        }
        for shown in page.frames {
            // A second that got late frames comes again under a new number; it was shown.
            say(progress_line(&shown.frame, total_s));
            *after = shown.number.max(*after);
        }
    }
}

/// Length of the measured part, where the plan says it.
fn seconds(plan: &acp_wire::Plan) -> Option<f64> {
    let duration = plan.load.duration.as_deref()?;
    acp_wire::units::parse_duration_ns(duration).ok().map(|duration_ns| duration_ns as f64 / 1e9)
}

/// The exit code of a run with this report.
pub(crate) fn exit_code(report: &Report) -> u8 {
    let is_by_rule = report.events.iter().any(|event| event.kind == "rule");
    match report.verdict.state {
        State::Aborted if is_by_rule => EXIT_ABORTED,
        State::Valid if report.slo.iter().any(|slo| !slo.pass) => EXIT_SLO_MISSED,
        State::Valid => 0,
        _ => EXIT_NOT_VALID,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use acp_wire::report::{Event, Slo};

    #[test]
    fn a_report_has_the_exit_code_of_its_worst_fault() {
        let slo = |pass| Slo { pass, ..Slo::default() };
        let event = |kind: &str| Event { kind: kind.into(), ..Event::default() };
        for (what, state, slos, events, code) in [
            ("good", State::Valid, vec![slo(true)], vec![], 0),
            ("a goal missed", State::Valid, vec![slo(true), slo(false)], vec![], 99),
            ("not valid, whatever the goals", State::Partial, vec![slo(false)], vec![], 98),
            ("stopped by a user", State::Aborted, vec![], vec![event("stop")], 98),
            ("stopped by a rule", State::Aborted, vec![], vec![event("rule")], 97),
        ] {
            let mut report = Report { slo: slos, events, ..Report::default() };
            report.verdict.state = state;
            assert_eq!(exit_code(&report), code, "{what}");
        }
    }
}
