//! Steers the run by keys: pauses it, and changes its rate.

use super::keys::Action;
use super::numbers::rate;
use crate::launch::{Command, Control};
use acp_wire::agent::ChangeKind;

/// A frame comes a second after a change at the latest, and one more until all shards are in it.
const SETTLING_FRAMES: u32 = 3;
/// What a key press makes of the rate.
const FASTER: f64 = 1.1;
const SLOWER: f64 = 0.9;

/// The state of what was asked for.
pub(super) struct Helm {
    control: Control,
    pub(super) is_paused: bool,
    is_open_loop: bool,
    /// The rate by now, as far as it is known.
    rate_per_s: Option<f64>,
    /// Frames until those show what was asked for last.
    settling_frames: u32,
}

impl Helm {
    /// At the helm of a run whose rate is `rate_per_s` in the beginning.
    pub(super) fn new(control: &Control, rate_per_s: Option<f64>) -> Self {
        Self {
            control: control.clone(),
            is_paused: false,
            is_open_loop: rate_per_s.is_some(),
            rate_per_s: rate_per_s.filter(|rate| *rate > 0.0),
            settling_frames: 0,
        }
    }

    /// Learns the rate that a frame says.
    pub(super) fn see_rate(&mut self, rate_per_s: f64) {
        self.settling_frames = self.settling_frames.saturating_sub(1);
        if self.settling_frames == 0 && rate_per_s > 0.0 {
            self.rate_per_s = Some(rate_per_s);
        }
    }

    /// Does what keys pressed together ask for. Returns what came of it, in words.
    pub(super) fn obey(&mut self, actions: &[Action]) -> Option<String> {
        let mut said = None;
        let pauses = actions.iter().filter(|action| **action == Action::Pause).count();
        if pauses % 2 == 1 {
            said = Some(self.pause_or_resume());
        }
        let mut factor = 1.0;
        for action in actions {
            factor *= match action {
                Action::Faster => FASTER,
                Action::Slower => SLOWER,
                _ => 1.0,
            };
        }
        let is_rate = |action: &Action| matches!(action, Action::Faster | Action::Slower);
        if actions.iter().any(is_rate) { Some(self.change_rate(factor)) } else { said }
    }

    fn pause_or_resume(&mut self) -> String {
        let (kind, said) = match self.is_paused {
            true => (ChangeKind::Resume, "resumed"),
            false => (ChangeKind::Pause, "paused"),
        };
        match self.change(kind) {
            Ok(()) => {
                self.is_paused = !self.is_paused;
                said.into()
            }
            Err(why) => why,
        }
    }

    fn change_rate(&mut self, factor: f64) -> String {
        if !self.is_open_loop {
            return "a closed loop has no rate; it can be paused".into();
        }
        let Some(rate_per_s) = self.rate_per_s else {
            return "the rate is 0 by now; wait until it is not".into();
        };
        let text = rate_text(rate_per_s * factor);
        match self.change(ChangeKind::Rate(text.clone())) {
            Ok(()) => {
                let asked = text.parse().unwrap_or(rate_per_s);
                (self.rate_per_s, self.settling_frames) = (Some(asked), SETTLING_FRAMES);
                let paused = if self.is_paused { ", when it goes on" } else { "" };
                format!("the rate is {}/s{paused}", rate(asked))
            }
            Err(why) => why,
        }
    }

    fn change(&self, kind: ChangeKind) -> Result<(), String> {
        let command = Command::Change { number: None, at_us: None, kind };
        self.control.obey(command).map_err(|error| error.to_string())
    }
}

/// A rate as commands have it, with as many digits as matter.
fn rate_text(rate_per_s: f64) -> String {
    let places = match rate_per_s {
        _ if rate_per_s >= 100.0 => 0,
        _ if rate_per_s >= 1.0 => 3,
        _ => 6,
    };
    // Never none at all: from there no key would lead back.
    let text = format!("{:.places$}", rate_per_s.max(1e-6));
    if places == 0 { text } else { text.trim_end_matches('0').trim_end_matches('.').into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use acp_wire::plan::Model;

    /// A run of ten seconds and its helm.
    fn helm(rate: Option<&str>) -> (Helm, Control) {
        let schema = acp_wire::PLAN_SCHEMA.into();
        let mut document = acp_wire::Plan { schema, ..acp_wire::Plan::default() };
        document.target.url = "http://127.0.0.1/".into();
        document.load.model = if rate.is_some() { Model::Open } else { Model::Closed };
        document.load.rate = rate.map(Into::into);
        document.load.duration = Some("10s".into());
        let plan = crate::plan::compile(&document).expect("plan");
        let control = Control::default();
        control.attach(&plan);
        let per_s = rate.map(|rate| acp_wire::units::parse_rate(rate).expect("rate").per_second());
        (Helm::new(&control, per_s), control)
    }

    fn check(rate: Option<&str>, turns: &[&[Action]], expect: &str) {
        let (mut helm, _) = helm(rate);
        let said: Vec<_> = turns.iter().filter_map(|turn| helm.obey(turn)).collect();
        assert_eq!(said.join("; "), expect, "{rate:?}, {turns:?}");
    }

    #[test]
    fn keys_steer_the_run() {
        use Action::{Faster, Help, Pause, Slower};
        check(Some("20k"), &[&[Faster]], "the rate is 22,000/s");
        check(Some("20k"), &[&[Faster], &[Slower]], "the rate is 22,000/s; the rate is 19,800/s");
        check(Some("20k"), &[&[Faster, Faster]], "the rate is 24,200/s");
        check(Some("10"), &[&[Slower]], "the rate is 9/s");
        check(Some("0.5"), &[&[Faster]], "the rate is 0.55/s");
        check(Some("0.000001"), &[&[Slower]], "the rate is 0.000001/s");
        check(Some("1000M"), &[&[Faster]], "rate is above 1000000000 requests per second");
        check(Some("0"), &[&[Faster]], "the rate is 0 by now; wait until it is not");
        check(Some("20k"), &[&[Pause], &[Pause]], "paused; resumed");
        check(Some("20k"), &[&[Pause, Pause]], "");
        check(Some("20k"), &[&[Pause], &[Faster]], "paused; the rate is 22,000/s, when it goes on");
        check(Some("20k"), &[&[Help], &[]], "");
        check(None, &[&[Faster]], "a closed loop has no rate; it can be paused");
        check(None, &[&[Pause], &[Pause]], "paused; resumed");
    }

    #[test]
    fn a_run_without_a_plan_cannot_be_steered() {
        let mut helm = Helm::new(&Control::default(), Some(5.0));
        assert_eq!(helm.obey(&[Action::Pause]).as_deref(), Some("the run has no plan yet"));
        assert!(!helm.is_paused);
        assert_eq!(helm.obey(&[Action::Faster]).as_deref(), Some("the run has no plan yet"));
    }

    #[test]
    fn frames_from_before_a_change_do_not_undo_it() {
        let (mut helm, _) = helm(Some("100"));
        helm.obey(&[Action::Faster]);
        helm.see_rate(100.0);
        helm.see_rate(0.0);
        assert_eq!(helm.obey(&[Action::Faster]).as_deref(), Some("the rate is 121/s"));
        for _ in 0..SETTLING_FRAMES {
            helm.see_rate(300.0);
        }
        assert_eq!(helm.obey(&[Action::Faster]).as_deref(), Some("the rate is 330/s"));
    }
}
