//! Goals and limits of a run: limits are judged on its frames as they come, goals at its end.
//!
//! An engine that runs a share of a plan sees a share of the run, so it judges nothing: whoever has
//! all of it does.

use crate::report::rules::{Fired, Rule, RuleError, Window, judge_slo, parse_abort, parse_slo};
use crate::report::{HistogramError, Sum};
use acp_wire::Frame;
use acp_wire::plan::Stop;
use acp_wire::report::Slo;

/// The rules of a run.
pub(super) struct Judge {
    goals: Vec<Rule>,
    limits: Window,
    /// The first limit that was passed.
    fired: Option<Fired>,
}

impl Judge {
    /// A judge for all rules of a plan.
    pub(super) fn new(stop: &Stop) -> Result<Self, RuleError> {
        let goals = stop.slo.iter().map(|text| parse_slo(text)).collect::<Result<_, _>>()?;
        let limits = stop.abort_on.iter().map(|text| parse_abort(text));
        let limits = Window::new(limits.collect::<Result<_, _>>()?);
        Ok(Self { goals, limits, fired: None })
    }

    /// A judge without rules.
    pub(super) fn of_nothing() -> Self {
        Self { goals: Vec::new(), limits: Window::new(Vec::new()), fired: None }
    }

    /// Whether another second may pass a limit.
    pub(super) fn is_judging(&self) -> bool {
        self.fired.is_none() && self.limits.len_s() > 0
    }

    /// Takes a second, and says which limit is passed by now, once. The schedule ends at
    /// `end_ns`: what is still answered after it is no load any more.
    pub(super) fn push(
        &mut self,
        frame: &Frame,
        end_ns: Option<u64>,
    ) -> Result<Option<&Fired>, HistogramError> {
        let whole_seconds = end_ns.map_or(u64::MAX, |end_ns| end_ns / 1_000_000_000);
        if !self.is_judging() || frame.second >= whole_seconds {
            return Ok(None);
        }
        self.limits.push(frame)?;
        self.fired = self.limits.fired().into_iter().next();
        Ok(self.fired.as_ref())
    }

    /// The limit that was passed.
    pub(super) fn into_fired(self) -> Option<Fired> {
        self.fired
    }

    /// Whether the goals were met.
    pub(super) fn judge_goals(&self, sum: &Sum, completed_per_s: f64) -> Vec<Slo> {
        self.goals.iter().map(|goal| judge_slo(goal, sum, completed_per_s)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use acp_wire::frame::Flags;

    fn judge(limits: &[&str]) -> Judge {
        let abort_on = limits.iter().map(ToString::to_string).collect();
        Judge::new(&Stop { abort_on, ..Stop::default() }).expect("rules")
    }

    /// The seconds in which a rule fires, of four with 5 responses each.
    fn check(what: &str, limits: &[&str], end_ns: Option<u64>, expect: &[u64]) {
        let mut judge = judge(limits);
        let mut fired = Vec::new();
        for second in 0..4 {
            let frame = Frame { second, completed: 5, ..Frame::default() };
            if judge.push(&frame, end_ns).expect("no histograms").is_some() {
                fired.push(second);
            }
        }
        assert_eq!(fired, expect, "{what}");
        assert_eq!(judge.into_fired().is_some(), !expect.is_empty(), "{what}");
    }

    #[test]
    fn limits_fire_once_and_within_the_schedule() {
        let second_ns = 1_000_000_000;
        check("no limit", &[], None, &[]);
        check("at once", &["rate<10 over 1s"], None, &[0]);
        check("when the window is full", &["rate<10 over 3s"], None, &[2]);
        check("not passed", &["rate<5 over 1s"], None, &[]);
        check("the second of two", &["rate<5 over 1s", "rate<6 over 2s"], None, &[1]);
        check("a schedule that is too short", &["rate<10 over 2s"], Some(1_500_000_000), &[]);
        check("a schedule that is long enough", &["rate<10 over 2s"], Some(2 * second_ns), &[1]);
    }

    #[test]
    fn warm_up_and_the_last_frame_are_not_judged() {
        for flags in [Flags { warmup: true, last: false }, Flags { warmup: false, last: true }] {
            let mut judge = judge(&["rate<10 over 1s"]);
            let frame = Frame { flags, ..Frame::default() };
            assert!(judge.push(&frame, None).expect("no histograms").is_none(), "{flags:?}");
        }
    }

    #[test]
    fn bad_rules_are_refused() {
        for (slo, abort_on) in
            [(vec!["p99=1s"], vec![]), (vec![], vec!["errors>5%"]), (vec!["p99<1s"], vec!["x"])]
        {
            let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
            let stop = Stop { slo: texts(&slo), abort_on: texts(&abort_on) };
            assert!(Judge::new(&stop).is_err(), "{slo:?} {abort_on:?}");
        }
    }
}
