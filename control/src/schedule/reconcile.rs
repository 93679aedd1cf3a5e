//! What is to be done so that what is comes to what should be.

use super::case::Case;
use super::lifecycle::{ended, place};
use super::pool::Pool;
use super::{Action, RunClock, RunView, View, assignments};
use crate::store::RunState;

/// What is to be done next: a function of the view and the time.
///
/// Once everything that it says is done, and what was done is in the view, it says what comes after
/// that; when it says nothing, nothing is to be done at this time. First it decides about runs and
/// parts, one decision a run; when there is nothing to decide it writes assignments; when these are
/// as they should be it closes books and makes reports. So an assignment never says what is about to
/// be decided otherwise.
#[must_use]
pub fn reconcile(view: &View, now_unix_us: u64) -> Vec<Action> {
    let mut pool = Pool::new(view, now_unix_us);
    let runs = || view.runs.iter().filter(|run| !run.is_frozen);
    let decisions: Vec<_> =
        runs().flat_map(|run| decide(view, run, &mut pool, now_unix_us)).collect();
    if !decisions.is_empty() {
        return decisions;
    }
    let writes = assignments::write(view, now_unix_us);
    if !writes.is_empty() {
        return writes;
    }
    runs().flat_map(|run| end(view, run, now_unix_us)).collect()
}

/// The next decision about a run.
fn decide(view: &View, run: &RunView, pool: &mut Pool<'_>, now_unix_us: u64) -> Vec<Action> {
    let plan = match &run.plan {
        Ok(plan) => plan,
        Err(why) => {
            let text = format!("the plan cannot be run: {why}");
            return ended(view, &run.run, RunState::Failed, &text, now_unix_us);
        }
    };
    if run.run.state == RunState::Pending {
        return place(view, run, plan, pool, now_unix_us);
    }
    let Some(case) = case(view, run, now_unix_us) else { return Vec::new() };
    let mut actions = case.claim();
    let mut or = |next: &mut dyn FnMut() -> Vec<Action>| {
        if actions.is_empty() {
            actions = next();
        }
    };
    or(&mut || case.adopt());
    or(&mut || case.observe());
    or(&mut || case.tell());
    or(&mut || case.lose());
    or(&mut || case.hand_over(pool));
    or(&mut || case.give_up(pool));
    or(&mut || case.mark());
    actions
}

/// What ends parts and runs.
fn end(view: &View, run: &RunView, now_unix_us: u64) -> Vec<Action> {
    let Some(case) = case(view, run, now_unix_us) else { return Vec::new() };
    let closed = case.close();
    if closed.is_empty() { case.finish() } else { closed }
}

fn case<'a>(view: &'a View, run: &'a RunView, now_unix_us: u64) -> Option<Case<'a>> {
    let plan = run.plan.as_ref().ok()?;
    let clock = RunClock::new(&run.run, plan)?;
    run.is_placed().then_some(Case { view, run, plan, clock, now_unix_us })
}
