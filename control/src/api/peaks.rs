//! The highest rates of saved plans, in memory: a list of tasks shows them, and what they come to takes
//! the compiler.

use super::app::App;
use super::error::Answer;
use crate::auth::peak_rate_per_s;
use crate::store::TaskRecord;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Plans remembered: a few pages of tasks. Beyond it all are forgotten and worked out as they are asked
/// for again.
const PLANS_MAX: usize = 2_000;

/// When a task was saved, and the highest rate of its plan.
type Peak = (u64, Option<f64>);

/// Highest rates by task.
#[derive(Default)]
pub(crate) struct Peaks {
    known: Mutex<HashMap<String, Peak>>,
}

impl Peaks {
    fn get(&self, task: &TaskRecord) -> Option<Option<f64>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (updated_unix_us, rate_per_s) = *known.get(&task.id)?;
        (updated_unix_us == task.updated_unix_us).then_some(rate_per_s)
    }

    fn put(&self, task: &TaskRecord, rate_per_s: Option<f64>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= PLANS_MAX && !known.contains_key(&task.id) {
            known.clear();
        }
        known.insert(task.id.clone(), (task.updated_unix_us, rate_per_s));
    }

    /// What is known, or found out now.
    fn of(&self, task: &TaskRecord) -> Option<f64> {
        self.get(task).unwrap_or_else(|| {
            let plan = acp_plan::compile(&task.plan).ok();
            let rate_per_s = plan.as_ref().and_then(peak_rate_per_s);
            self.put(task, rate_per_s);
            rate_per_s
        })
    }
}

/// Tasks with their highest rates: none in a closed loop, or where a plan cannot be run any more.
pub(super) async fn with_peaks(
    app: &App,
    tasks: Vec<TaskRecord>,
) -> Answer<Vec<(TaskRecord, Option<f64>)>> {
    let peaks = Arc::clone(&app.peaks);
    let are_known = tasks.iter().all(|task| peaks.get(task).is_some());
    let with_peak = move |task: TaskRecord| {
        let rate_per_s = peaks.of(&task);
        (task, rate_per_s)
    };
    if are_known {
        return Ok(tasks.into_iter().map(with_peak).collect());
    }
    let turn = app.listings.take().await?;
    Ok(turn.work(move || tasks.into_iter().map(with_peak).collect()).await?.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use acp_wire::plan::Model;

    fn task(id: &str, updated_unix_us: u64, rate: &str) -> TaskRecord {
        let mut task = TaskRecord { id: id.into(), updated_unix_us, ..TaskRecord::default() };
        task.plan.schema = acp_wire::PLAN_SCHEMA.into();
        task.plan.target.url = "http://127.0.0.1/".into();
        task.plan.load.model = Model::Open;
        task.plan.load.rate = Some(rate.into());
        task
    }

    #[test]
    fn a_rate_is_known_until_its_task_is_saved_again() {
        let peaks = Peaks::default();
        assert_eq!(peaks.get(&task("a", 1, "5")), None);
        assert_eq!(peaks.of(&task("a", 1, "5")), Some(5.0));
        assert_eq!(peaks.get(&task("a", 1, "5")), Some(Some(5.0)));
        assert_eq!(peaks.get(&task("b", 1, "5")), None, "another task");
        assert_eq!(peaks.get(&task("a", 2, "7")), None, "another plan");
        assert_eq!(peaks.of(&task("a", 2, "7")), Some(7.0));
        assert_eq!(peaks.of(&task("bad", 1, "x")), None);
        assert_eq!(peaks.get(&task("bad", 1, "x")), Some(None), "bad plans are not tried again");
        let mut closed = task("closed", 1, "5");
        (closed.plan.load.model, closed.plan.load.rate) = (Model::Closed, None);
        assert_eq!(peaks.of(&closed), None);
    }

    #[test]
    fn memory_does_not_grow_with_the_tasks() {
        let peaks = Peaks::default();
        for number in 0..=PLANS_MAX {
            peaks.put(&task(&number.to_string(), 1, "5"), None);
        }
        assert_eq!(peaks.known.lock().unwrap().len(), 1);
        peaks.put(&task(&PLANS_MAX.to_string(), 2, "5"), None);
        assert_eq!(peaks.known.lock().unwrap().len(), 1, "the same task again");
    }
}
