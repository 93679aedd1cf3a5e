//! Steers a run from other threads: stop, changes of its course, the lease.

use super::command::Command;
use crate::drivers::host::HEARTBEAT_NS;
use crate::drivers::signals::Signals;
use crate::pace::Change;
use crate::plan::{ChangeError, Course, Plan};
use crate::report::rules::Fired;
use acp_wire::agent::ChangeKind;
use acp_wire::report::Event;
use acp_wire::units::UnitError;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use thiserror::Error;

/// A change that does not say when comes so long after it was asked for: all shards have looked by
/// then, unless they are held up, so that it comes at one moment in all of them.
const CHANGE_DELAY_NS: u64 = HEARTBEAT_NS + 5_000_000;
/// Changes that the report lists; memory does not depend on the length of a run.
const MAX_EVENTS: usize = 1000;

/// Why a command was not obeyed.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ControlError {
    /// Its rate is not one.
    #[error("bad rate: {0}")]
    Rate(#[from] UnitError),
    /// The schedule cannot be changed so.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// There is no schedule yet.
    #[error("the run has no plan yet")]
    TooEarly,
}

/// The handle of one run. Clones steer the same run.
#[derive(Clone, Debug, Default)]
pub struct Control {
    signals: Arc<Signals>,
    /// Set by signal handlers.
    interrupt: Arc<AtomicBool>,
    steering: Arc<Mutex<Steering>>,
}

/// What was asked for so far.
#[derive(Debug, Default)]
struct Steering {
    course: Option<Course>,
    warmup_ns: u64,
    /// Number of the last numbered change.
    number: u32,
    events: Vec<Event>,
    /// Why the run was stopped; empty: nobody said.
    stop_reason: String,
}

impl Control {
    /// Stops sending; the run ends when responses have come or timed out.
    pub fn stop(&self) {
        self.signals.stop();
    }

    /// Stops sending and closes all connections: the run ends within a moment. What was in flight is
    /// booked as such. May come after [`Self::stop`], to wait no longer.
    pub fn stop_now(&self) {
        self.signals.stop_now();
    }

    /// Stops for a reason, which the report gives, unless the run is stopped already.
    pub fn stop_because(&self, reason: &str) {
        self.stop_with("stop", reason, reason.into());
    }

    /// Stops because a limit was passed.
    pub(super) fn stop_by_rule(&self, fired: &Fired) {
        self.stop_with("rule", &fired.text, format!("rule: {}", fired.text));
    }

    fn stop_with(&self, kind: &str, text: &str, reason: String) {
        let mut steering = self.lock();
        if !self.is_stopped() {
            self.note(&mut steering, self.signals.now(), kind, text.into());
            steering.stop_reason = reason;
        }
        self.stop();
    }

    /// Why the run was stopped; empty where nobody said.
    pub(super) fn stop_reason(&self) -> String {
        self.lock().stop_reason.clone()
    }

    /// Whether the run was stopped, by whomever.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.is_interrupted() || self.signals.is_stopped(self.signals.now())
    }

    /// Whether a signal has stopped the run.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.interrupt.load(Ordering::Acquire)
    }

    /// The flag of [`Self::is_interrupted`], for a signal handler.
    #[must_use]
    pub fn interrupt_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.interrupt)
    }

    /// Says which plan is steered. [`super::run`] does it too; before it commands are possible from
    /// here on.
    pub fn attach(&self, plan: &Plan) {
        let mut steering = self.lock();
        steering.warmup_ns = plan.warmup_ns;
        steering.course.get_or_insert_with(|| Course::planned(plan));
    }

    /// Obeys a command.
    ///
    /// # Errors
    ///
    /// When it cannot be obeyed; the run goes on as before.
    pub fn obey(&self, command: Command) -> Result<(), ControlError> {
        match command {
            Command::Change { number, at_us, kind } => self.change(number, at_us, &kind),
            Command::Stop => {
                let mut steering = self.lock();
                if !self.is_stopped() {
                    let at_ns = self.signals.now();
                    self.note(&mut steering, at_ns, "stop", "stopped on command".into());
                }
                self.stop();
                Ok(())
            }
            Command::Lease { lease_us } => {
                let lease_ns = lease_us.saturating_mul(1000);
                // The greatest time would be none at all.
                let end_ns = self.signals.now().saturating_add(lease_ns).min(u64::MAX - 1);
                self.signals.renew_lease(end_ns);
                Ok(())
            }
        }
    }

    /// Nobody will command any more. With a lease, that ends it.
    pub fn hang_up(&self) {
        if self.signals.has_lease() {
            self.signals.lapse(self.signals.now());
        }
    }

    fn change(
        &self,
        number: Option<u32>,
        at_us: Option<u64>,
        kind: &ChangeKind,
    ) -> Result<(), ControlError> {
        let mut steering = self.lock();
        if let Some(number) = number {
            if number <= steering.number {
                return Ok(());
            }
            // One that is refused is refused everywhere, and not tried again.
            steering.number = number;
        }
        let change = Change::from_wire(kind)?;
        let at_ns = match at_us {
            Some(at_us) => at_us.saturating_mul(1000),
            None => self.soon_ns(&steering),
        };
        let course = steering.course.as_ref().ok_or(ControlError::TooEarly)?;
        let course = course.with_change(at_ns, change)?;
        steering.course = Some(course.clone());
        let (kind, text) = match kind {
            ChangeKind::Rate(rate) => ("rate", format!("the rate is {rate} from here on")),
            ChangeKind::Pause => ("pause", "paused".into()),
            ChangeKind::Resume => ("resume", "resumed".into()),
        };
        steering.list(i64::try_from(at_ns / 1000).unwrap_or(i64::MAX), kind, text);
        self.signals.change(course);
        Ok(())
    }

    /// A moment that no shard has reached, in nanoseconds of the measured part.
    fn soon_ns(&self, steering: &Steering) -> u64 {
        match self.signals.start_ns() {
            0 => 0,
            start_ns => {
                let soon_ns = self.signals.now() + CHANGE_DELAY_NS;
                soon_ns.saturating_sub(start_ns.saturating_add(steering.warmup_ns))
            }
        }
    }

    /// The signals of the run's shards.
    pub(super) fn signals(&self) -> &Arc<Signals> {
        &self.signals
    }

    /// The course by now; none before [`Self::attach`].
    pub(super) fn course(&self) -> Option<Course> {
        self.lock().course.clone()
    }

    /// What was done to the run.
    pub(super) fn events(&self) -> Vec<Event> {
        let mut steering = self.lock();
        if let Some(at_ns) = self.signals.lapsed_ns() {
            self.note(&mut steering, at_ns, "stop", "lease is over".into());
        }
        steering.events.clone()
    }

    /// The target has these addresses from now on.
    pub(super) fn retarget(&self, addresses: Arc<[SocketAddr]>) {
        let shown: Vec<_> = addresses.iter().map(ToString::to_string).collect();
        self.tell("dns", format!("the target is at {} from here on", shown.join(", ")));
        self.signals.retarget(addresses);
    }

    /// Puts something that happens now into the report.
    pub(super) fn tell(&self, kind: &str, text: String) {
        self.note(&mut self.lock(), self.signals.now(), kind, text);
    }

    fn note(&self, steering: &mut Steering, at_ns: u64, kind: &str, text: String) {
        let start_ns = match self.signals.start_ns() {
            0 => at_ns,
            start_ns => start_ns.saturating_add(steering.warmup_ns),
        };
        let at_us = (i128::from(at_ns) - i128::from(start_ns)) / 1000;
        steering.list(i64::try_from(at_us).unwrap_or(i64::MAX), kind, text);
    }

    fn lock(&self) -> MutexGuard<'_, Steering> {
        self.steering.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Steering {
    fn list(&mut self, at_us: i64, kind: &str, text: String) {
        if self.events.len() < MAX_EVENTS {
            self.events.push(Event { at_us, kind: kind.into(), text });
        } else if self.events.len() == MAX_EVENTS {
            let text = "what was changed after this is not listed".into();
            self.events.push(Event { at_us, kind: "note".into(), text });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::compile;
    use acp_wire::plan::Model;

    fn plan(model: Model) -> Plan {
        let mut document =
            acp_wire::Plan { schema: acp_wire::PLAN_SCHEMA.into(), ..acp_wire::Plan::default() };
        document.target.url = "http://127.0.0.1/".into();
        document.load.model = model;
        document.load.rate = (model == Model::Open).then(|| "10".into());
        document.load.duration = Some("10s".into());
        compile(&document).expect("plan")
    }

    fn change(number: Option<u32>, at_us: u64, kind: ChangeKind) -> Command {
        Command::Change { number, at_us: Some(at_us), kind }
    }

    #[test]
    fn changes_are_obeyed_once_and_in_order() {
        let rate = |text: &str| ChangeKind::Rate(text.into());
        for (what, commands, slots) in [
            ("none", vec![], 100),
            ("one", vec![change(Some(1), 5_000_000, rate("20"))], 150),
            ("without a number", vec![change(None, 5_000_000, rate("20"))], 150),
            (
                "a repeated one",
                vec![
                    change(Some(1), 5_000_000, rate("20")),
                    change(Some(1), 6_000_000, rate("30")),
                ],
                150,
            ),
            (
                "an older one",
                vec![
                    change(Some(2), 5_000_000, rate("20")),
                    change(Some(1), 6_000_000, rate("30")),
                ],
                150,
            ),
            (
                "two",
                vec![
                    change(Some(1), 5_000_000, rate("20")),
                    change(Some(2), 6_000_000, ChangeKind::Pause),
                ],
                70,
            ),
        ] {
            let control = Control::default();
            control.attach(&plan(Model::Open));
            for command in commands {
                control.obey(command).expect("command");
            }
            let Some(Course::Open(pace)) = control.course() else { panic!("{what}") };
            assert_eq!(pace.total(), slots, "{what}");
        }
    }

    #[test]
    fn bad_commands_change_nothing() {
        let rate = |text: &str| change(None, 0, ChangeKind::Rate(text.into()));
        for (what, model, command) in [
            ("no rate", Model::Open, rate("fast")),
            ("too fast", Model::Open, rate("2000000000")),
            ("a rate in a closed loop", Model::Closed, rate("20")),
        ] {
            let control = Control::default();
            control.attach(&plan(model));
            let before = control.course();
            assert!(control.obey(command).is_err(), "{what}");
            assert_eq!(control.course(), before, "{what}");
            assert_eq!(control.events(), [], "{what}");
            assert!(control.signals().course().is_none(), "{what}");
        }
        let early = Control::default().obey(change(None, 0, ChangeKind::Pause));
        assert_eq!(early, Err(ControlError::TooEarly));
    }

    #[test]
    fn the_report_lists_what_was_done() {
        let control = Control::default();
        control.attach(&plan(Model::Open));
        for kind in [ChangeKind::Rate("20".into()), ChangeKind::Pause, ChangeKind::Resume] {
            control.obey(change(None, 3_000_000, kind)).expect("command");
        }
        control.obey(Command::Lease { lease_us: 3_600_000_000 }).expect("command");
        assert!(!control.is_stopped());
        control.hang_up();
        assert!(control.is_stopped());
        let events = control.events();
        let kinds: Vec<_> = events.iter().map(|event| event.kind.as_str()).collect();
        assert_eq!(kinds, ["rate", "pause", "resume", "stop"]);
        assert_eq!(events[0].at_us, 3_000_000);
        assert_eq!(events[3].text, "lease is over");
    }

    #[test]
    fn the_first_reason_to_stop_is_kept() {
        let fired = Fired { rule: "r".into(), value: 1.0, text: "r: found 1".into() };
        for (what, is_stopped_before, reason, kinds) in
            [("the rule", false, "rule: r: found 1", &["rule"][..]), ("none", true, "", &[])]
        {
            let control = Control::default();
            if is_stopped_before {
                control.stop();
            }
            control.stop_by_rule(&fired);
            control.stop_because("something else");
            assert!(control.is_stopped());
            assert_eq!(control.stop_reason(), reason, "{what}");
            let events = control.events();
            let found: Vec<_> = events.iter().map(|event| event.kind.as_str()).collect();
            assert_eq!(found, kinds, "{what}");
        }
    }

    #[test]
    fn without_a_lease_nobody_is_missed() {
        let control = Control::default();
        control.hang_up();
        assert!(!control.is_stopped());
    }
}
