//! Steps: what an agent has to do so that its engines are what its assignment says.
//!
//! ```text
//!  assignment names a part        part ──► waiting ──► alive ──► stopping ──► ended ──► forgotten
//!  that is not known: start               (plan, cores)                        │  once control has
//!                                              └──────────── ended ◄───────────┘  all of it and it is
//!  assignment does not name it, or says stop: stop                                not assigned
//! ```
//!
//! A part that has ended stays known while it is assigned, so it is never started again.

use acp_wire::agent::{Assignment, Change, Part};
use std::collections::{BTreeMap, BTreeSet};

/// How far a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// For its plan, cores or a lease.
    Waiting,
    /// Its engine is there.
    Alive,
    /// Its engine was told to end.
    Stopping,
    /// Its engine is gone.
    Ended,
}

/// A part that the agent knows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(crate) phase: Phase,
    /// Changes that its engine was told, or is told first thing.
    pub(crate) changes: u32,
    /// Control has its frames and knows how it ended.
    pub(crate) is_handed_over: bool,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// End the engine of this part.
    Stop(String),
    /// Nothing is left to do for this part.
    Forget(String),
    /// Start an engine for this part.
    Start(Part),
    /// The part was to end before it was known here: only say so.
    Never(Part),
    /// Tell the engine a change, at its start where there is none yet.
    Pass(String, Change),
    /// Changes of the part's run are missing: ask control for them.
    AskChanges(String),
}

/// Compares what should be with what is. Stops come first: they free cores.
pub(crate) fn plan_of_action(
    assignment: &Assignment,
    known: &BTreeMap<String, Known>,
) -> Vec<Step> {
    let assigned: BTreeSet<&str> = assignment.parts.iter().map(|part| part.part.as_str()).collect();
    let mut steps = Vec::new();
    for (name, part) in known.iter().filter(|(name, _)| !assigned.contains(name.as_str())) {
        match part.phase {
            Phase::Waiting | Phase::Alive => steps.push(Step::Stop(name.clone())),
            Phase::Ended if part.is_handed_over => steps.push(Step::Forget(name.clone())),
            Phase::Stopping | Phase::Ended => {}
        }
    }
    let (to_stop, to_run): (Vec<_>, Vec<_>) = assignment.parts.iter().partition(|part| part.stop);
    for part in to_stop {
        match known.get(&part.part).map(|known| known.phase) {
            None => steps.push(Step::Never(part.clone())),
            Some(Phase::Waiting | Phase::Alive) => steps.push(Step::Stop(part.part.clone())),
            Some(Phase::Stopping | Phase::Ended) => {}
        }
    }
    for part in to_run {
        match known.get(&part.part) {
            None => steps.push(Step::Start(part.clone())),
            Some(Known { phase: Phase::Waiting | Phase::Alive, changes, .. }) => {
                steps.extend(change(part, *changes));
            }
            Some(_) => {}
        }
    }
    steps
}

/// The assignment carries the last change only; whoever missed more has to ask.
fn change(part: &Part, seen: u32) -> Option<Step> {
    if part.changes <= seen {
        return None;
    }
    let last = part.change.as_ref().filter(|last| last.number == seen + 1);
    Some(match last {
        Some(last) if part.changes == last.number => Step::Pass(part.part.clone(), last.clone()),
        _ => Step::AskChanges(part.part.clone()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use acp_wire::agent::{ChangeKind, Share};

    fn part(name: &str) -> Part {
        Part {
            part: name.to_owned(),
            run: "run".to_owned(),
            plan: String::new(),
            t0_unix_us: 0,
            share: Share::whole(1),
            cores: 1,
            changes: 0,
            change: None,
            stop: false,
        }
    }

    fn stopped(name: &str) -> Part {
        Part { stop: true, ..part(name) }
    }

    fn pause(number: u32) -> Change {
        Change { number, at_us: 5, kind: ChangeKind::Pause }
    }

    fn changed(name: &str, changes: u32, last: u32) -> Part {
        Part { changes, change: Some(pause(last)), ..part(name) }
    }

    fn check(row: &str, parts: &[Part], known: &[(&str, Phase, u32, bool)], expect: &[Step]) {
        let assignment = Assignment { parts: parts.to_vec(), ..Assignment::default() };
        let known = known.iter().map(|&(name, phase, changes, is_handed_over)| {
            (name.to_owned(), Known { phase, changes, is_handed_over })
        });
        assert_eq!(plan_of_action(&assignment, &known.collect()), expect, "{row}");
    }

    #[test]
    fn engines_become_what_is_assigned() {
        use Phase::{Alive, Ended, Stopping, Waiting};
        let a = || "a".to_owned();
        check("nothing", &[], &[], &[]);
        check("new", &[part("a")], &[], &[Step::Start(part("a"))]);
        check("new and over", &[stopped("a")], &[], &[Step::Never(stopped("a"))]);
        for phase in [Waiting, Alive, Stopping, Ended] {
            check("as it should be", &[part("a")], &[("a", phase, 0, true)], &[]);
        }
        for (row, parts) in [("stop", &[stopped("a")][..]), ("not assigned", &[])] {
            check(row, parts, &[("a", Waiting, 0, false)], &[Step::Stop(a())]);
            check(row, parts, &[("a", Alive, 0, false)], &[Step::Stop(a())]);
            check(row, parts, &[("a", Stopping, 0, false)], &[]);
            check(row, parts, &[("a", Ended, 0, false)], &[]);
        }
        check("still assigned", &[stopped("a")], &[("a", Ended, 0, true)], &[]);
        check("all handed over", &[], &[("a", Ended, 0, true)], &[Step::Forget(a())]);
        check("alive has all", &[], &[("a", Alive, 0, true)], &[Step::Stop(a())]);
        check(
            "stops come before starts",
            &[part("a"), stopped("b")],
            &[("b", Alive, 0, false), ("c", Alive, 0, false)],
            &[Step::Stop("c".to_owned()), Step::Stop("b".to_owned()), Step::Start(part("a"))],
        );
    }

    #[test]
    fn changes_reach_engines_without_a_hole() {
        use Phase::{Alive, Ended, Stopping, Waiting};
        let a = || "a".to_owned();
        let asks = [Step::AskChanges(a())];
        check(
            "the next",
            &[changed("a", 1, 1)],
            &[("a", Alive, 0, false)],
            &[Step::Pass(a(), pause(1))],
        );
        check("seen", &[changed("a", 1, 1)], &[("a", Alive, 1, false)], &[]);
        check("an older assignment", &[changed("a", 1, 1)], &[("a", Alive, 3, false)], &[]);
        check("one is missing", &[changed("a", 3, 3)], &[("a", Alive, 1, false)], &asks);
        check("all are missing", &[changed("a", 3, 3)], &[("a", Alive, 0, false)], &asks);
        let silent = Part { changes: 1, ..part("a") };
        check("only a count", &[silent], &[("a", Alive, 0, false)], &asks);
        check("a count beyond the last", &[changed("a", 2, 1)], &[("a", Alive, 0, false)], &asks);
        let known = [("a", Waiting, 0, false)];
        check("told at the start", &[changed("a", 1, 1)], &known, &[Step::Pass(a(), pause(1))]);
        check("asked for before the start", &[changed("a", 3, 3)], &known, &asks);
        for phase in [Stopping, Ended] {
            check("nobody to tell", &[changed("a", 1, 1)], &[("a", phase, 0, false)], &[]);
        }
        let last = Part { stop: true, ..changed("a", 1, 1) };
        check("stop beats a change", &[last], &[("a", Alive, 0, false)], &[Step::Stop(a())]);
    }
}
