//! What a run teaches about the rate that a core of an agent reaches.

use super::assign::scheme;
use crate::store::{CalibrationRecord, PartRecord};
use acp_plan::Plan;
use acp_wire::{Report, State};
use std::collections::{BTreeMap, BTreeSet};

/// Below this share of a second in which a core had work, what it could do is a guess.
const BUSY_RATIO_LEAST: f64 = 0.5;
/// A run shorter than this says little.
const DURATION_LEAST_S: f64 = 5.0;

/// What one agent did in a run.
#[derive(Default)]
struct Work {
    sent: f64,
    core_seconds: f64,
    busy_ratio: f64,
}

/// New estimates after a run: `sent ÷ (cores · seconds · busy)`, where `busy` is the largest share of
/// a second in which a shard had work. An estimate is trusted as far as cores were busy:
/// `known · (1 − busy) + found · busy`, or `found` where nothing is known.
///
/// Only runs with a valid verdict teach, and only agents whose parts had cores of their own and ran to
/// their end.
#[must_use]
pub(super) fn learn(
    plan: &Plan,
    parts: &[PartRecord],
    report: &Report,
    known: &BTreeMap<(String, String), f64>,
    at_unix_us: u64,
) -> Vec<CalibrationRecord> {
    if report.verdict.state != State::Valid {
        return Vec::new();
    }
    let records: BTreeMap<_, _> = parts.iter().map(|part| (part.part.as_str(), part)).collect();
    let is_own = |part: &PartRecord| part.cores > 0 && part.lost_at_us.is_none();
    let shared: BTreeSet<_> =
        parts.iter().filter(|part| !is_own(part)).map(|part| part.agent.as_str()).collect();
    let mut work: BTreeMap<&str, Work> = BTreeMap::new();
    for agent in report.agents.iter().filter(|agent| !shared.contains(agent.agent.as_str())) {
        let Some(part) = records.get(agent.part.as_str()) else { continue };
        let seconds = report.run.duration_us.saturating_sub(part.share.from_us) as f64 / 1e6;
        if seconds >= DURATION_LEAST_S {
            let work = work.entry(&agent.agent).or_default();
            work.sent += agent.books.sent as f64;
            work.core_seconds += seconds * f64::from(part.cores);
            work.busy_ratio = work.busy_ratio.max(agent.busy_ratio).min(1.0);
        }
    }
    let protocol = scheme(plan);
    let estimate = |(agent, work): (&str, Work)| {
        let found = work.sent / work.core_seconds / work.busy_ratio;
        let known = known.get(&(agent.to_owned(), protocol.to_owned()));
        let known = known.copied().unwrap_or(found);
        CalibrationRecord {
            agent: agent.into(),
            protocol: protocol.into(),
            rate_per_core: known.mul_add(1.0 - work.busy_ratio, found * work.busy_ratio),
            at_unix_us,
        }
    };
    let busy =
        work.into_iter().filter(|(_, work)| work.busy_ratio >= BUSY_RATIO_LEAST && work.sent > 0.0);
    busy.map(estimate).collect()
}

#[cfg(test)]
mod tests {
    use super::super::handover::new_part;
    use super::super::{Placement, tests::open_plan};
    use super::*;
    use acp_wire::agent::{AgentReport, Share};

    fn part(number: u32, agent: &str, cores: u32) -> PartRecord {
        new_part("r", number, &Placement { agent: agent.into(), share: Share::whole(8), cores })
    }

    fn report(busy_ratio: f64, agents: &[(&str, &str)]) -> Report {
        let mut report = Report::default();
        report.run.duration_us = 10_000_000;
        let agent = |(part, agent): &(&str, &str)| {
            let (part, agent) = ((*part).into(), (*agent).into());
            let mut found = AgentReport { part, agent, busy_ratio, ..AgentReport::default() };
            found.books.sent = 100_000;
            found
        };
        report.agents = agents.iter().map(agent).collect();
        report
    }

    #[test]
    fn cores_that_had_work_teach() {
        let plan = open_plan("1000", "10s", 8);
        let check =
            |what: &str, parts: &[PartRecord], report: &Report, known: f64, expect: &[f64]| {
                let key = ("a".to_owned(), "http".to_owned());
                let known: BTreeMap<_, _> =
                    (known > 0.0).then_some((key, known)).into_iter().collect();
                let found = learn(&plan, parts, report, &known, 7);
                let rates: Vec<_> = found.iter().map(|found| found.rate_per_core.round()).collect();
                assert_eq!(rates, expect, "{what}");
            };
        let one = [part(0, "a", 2)];
        let alone = [("r.0", "a")];
        check("all busy", &one, &report(1.0, &alone), 0.0, &[5_000.0]);
        check("half busy", &one, &report(0.5, &alone), 0.0, &[10_000.0]);
        check("half trusted", &one, &report(0.5, &alone), 20_000.0, &[15_000.0]);
        check("all trusted", &one, &report(1.0, &alone), 20_000.0, &[5_000.0]);
        check("a guess", &one, &report(0.4, &alone), 0.0, &[]);
        check("impossible", &one, &report(7.0, &alone), 0.0, &[5_000.0]);
        check("not of this run", &one, &report(1.0, &[("s.0", "a")]), 0.0, &[]);
        let two = [part(0, "a", 2), part(1, "a", 3)];
        let both = report(1.0, &[("r.0", "a"), ("r.1", "a")]);
        check("two parts", &two, &both, 0.0, &[4_000.0]);
        check("shared cores", &[part(0, "a", 2), part(1, "a", 0)], &both, 0.0, &[]);
        let lost = [PartRecord { lost_at_us: Some(1), ..part(0, "a", 2) }];
        check("lost", &lost, &report(1.0, &alone), 0.0, &[]);
        let mut bad = report(1.0, &alone);
        bad.verdict.state = State::GeneratorLimited;
        check("not to be trusted", &one, &bad, 0.0, &[]);
        let mut short = report(1.0, &alone);
        short.run.duration_us = 4_000_000;
        check("too short", &one, &short, 0.0, &[]);
        let mut none = report(1.0, &alone);
        none.agents[0].books.sent = 0;
        check("nothing sent", &one, &none, 0.0, &[]);
    }
}
