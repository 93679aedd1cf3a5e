//! Tasks: plans that users have saved.

use super::app::App;
use super::caller::{As, Operator, Viewer};
use super::error::{Answer, ApiError};
use super::paging::page;
use super::plans::check_plan;
use super::runs::states;
use super::task_view::{TaskList, TaskView, summaries, view};
use crate::store::{RunState, TaskFilter, TaskRecord};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use std::sync::Arc;
use ulid::Ulid;
use utoipa::{IntoParams, ToSchema};

const NAME_MAX: usize = 200;

/// A task to save.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TaskInput {
    /// A document `acp.plan/1`; its name is the task's.
    #[schema(value_type = Object)]
    plan: acp_wire::Plan,
}

/// Which tasks.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct TaskQuery {
    /// Text in the name, the target's URL or the name of who saved it.
    text: Option<String>,
    /// Who saved it.
    owner: Option<String>,
    /// Whose last run is in one of these states, with commas: `done,failed`. `active`: any that has
    /// not ended; `never`: there is no run.
    state: Option<String>,
    /// How many, 50 by default.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// How many to leave out first.
    #[param(maximum = 2147483647)]
    offset: Option<u32>,
}

/// Lists tasks, newest first.
#[utoipa::path(
    get, path = "/tasks", tag = "tasks", params(TaskQuery),
    responses((status = 200, description = "some of them", body = TaskList))
)]
pub(super) async fn list(
    _who: As<Viewer>,
    State(app): State<Arc<App>>,
    Query(query): Query<TaskQuery>,
) -> Answer<Json<TaskList>> {
    let page = page(query.limit, query.offset)?;
    let (states, is_never_run) = last_states(query.state.as_deref().unwrap_or_default())?;
    let filter = TaskFilter { text: query.text, owner: query.owner, states, is_never_run };
    let (tasks, total) = app.store.tasks(&filter, page).await?;
    Ok(Json(TaskList { tasks: summaries(&app, tasks).await?, total }))
}

/// States of last runs, and whether tasks without one are meant as well.
fn last_states(text: &str) -> Answer<(Vec<RunState>, bool)> {
    let is_never = |name: &&str| name.trim() == "never";
    let named: Vec<_> = text.split(',').filter(|name| !is_never(name)).collect();
    Ok((states(&named.join(","))?, text.split(',').any(|name| is_never(&name))))
}

/// Saves a plan as a new task.
#[utoipa::path(
    post, path = "/tasks", tag = "tasks", request_body = TaskInput,
    responses((status = 201, description = "saved", body = TaskView))
)]
pub(super) async fn create(
    who: As<Operator>,
    State(app): State<Arc<App>>,
    Json(input): Json<TaskInput>,
) -> Answer<(StatusCode, Json<TaskView>)> {
    check_plan(&app, &input.plan).await?;
    let task = new_task(&app, input.plan, &who.0.identity.name)?;
    app.store.create_task(&task).await?;
    app.audit(&who.0, "task.create", &task.id, &task.name).await;
    Ok((StatusCode::CREATED, Json(view(&app, task).await?)))
}

/// A record of a plan that was checked.
pub(super) fn new_task(app: &App, plan: acp_wire::Plan, owner: &str) -> Answer<TaskRecord> {
    let now = app.clock.now_unix_us();
    Ok(TaskRecord {
        id: Ulid::new().to_string(),
        name: name_of(&plan)?,
        plan,
        owner: owner.into(),
        created_unix_us: now,
        updated_unix_us: now,
        is_deleted: false,
    })
}

/// The name of a task with this plan.
pub(super) fn name_of(plan: &acp_wire::Plan) -> Answer<String> {
    let name = if plan.name.trim().is_empty() { &plan.target.url } else { plan.name.trim() };
    if plan.name.chars().count() > NAME_MAX {
        return Err(ApiError::unprocessable(format!("a name has at most {NAME_MAX} characters")));
    }
    Ok(name.chars().take(NAME_MAX).collect())
}

/// The task with an id, unless it is deleted.
pub(super) async fn find(app: &App, id: &str) -> Answer<TaskRecord> {
    let found = app.store.task(id).await?.filter(|task| !task.is_deleted);
    found.ok_or_else(|| ApiError::not_found("task", id))
}

/// Shows a task.
#[utoipa::path(
    get, path = "/tasks/{id}", tag = "tasks", params(("id" = String, Path)),
    responses((status = 200, description = "the task", body = TaskView))
)]
pub(super) async fn get(
    _who: As<Viewer>,
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Answer<Json<TaskView>> {
    let task = find(&app, &id).await?;
    Ok(Json(view(&app, task).await?))
}

/// Gives a task another plan. Runs keep the one that they were started with.
#[utoipa::path(
    put, path = "/tasks/{id}", tag = "tasks", params(("id" = String, Path)), request_body = TaskInput,
    responses((status = 200, description = "saved", body = TaskView))
)]
pub(super) async fn update(
    who: As<Operator>,
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Json(input): Json<TaskInput>,
) -> Answer<Json<TaskView>> {
    let before = find(&app, &id).await?;
    check_plan(&app, &input.plan).await?;
    let task = TaskRecord {
        name: name_of(&input.plan)?,
        plan: input.plan,
        updated_unix_us: app.clock.now_unix_us(),
        ..before
    };
    app.store.update_task(&task).await?;
    app.audit(&who.0, "task.update", &task.id, &task.name).await;
    Ok(Json(view(&app, task).await?))
}

/// Deletes a task. Its runs and their reports stay.
#[utoipa::path(
    delete, path = "/tasks/{id}", tag = "tasks", params(("id" = String, Path)),
    responses((status = 204, description = "deleted"))
)]
pub(super) async fn delete(
    who: As<Operator>,
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Answer<StatusCode> {
    let task = find(&app, &id).await?;
    if !app.store.delete_task(&task.id).await? {
        return Err(ApiError::not_found("task", &id));
    }
    app.audit(&who.0, "task.delete", &task.id, &task.name).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Saves a task once more, under a new id.
#[utoipa::path(
    post, path = "/tasks/{id}/clone", tag = "tasks", params(("id" = String, Path)),
    responses((status = 201, description = "saved", body = TaskView))
)]
pub(super) async fn clone(
    who: As<Operator>,
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Answer<(StatusCode, Json<TaskView>)> {
    let task = new_task(&app, find(&app, &id).await?.plan, &who.0.identity.name)?;
    app.store.create_task(&task).await?;
    app.audit(&who.0, "task.clone", &task.id, &format!("of {id}")).await;
    Ok((StatusCode::CREATED, Json(view(&app, task).await?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_of_last_runs_are_read_from_a_list() {
        for (text, expected) in [
            ("", Some((0, false))),
            ("never", Some((0, true))),
            ("never,never,", Some((0, true))),
            ("done, never ,failed", Some((2, true))),
            ("active", Some((5, false))),
            ("active,never,running", Some((5, true))),
            ("Never", None),
            ("never;done", None),
            ("gone,never", None),
        ] {
            let found = last_states(text).ok().map(|(states, never)| (states.len(), never));
            assert_eq!(found, expected, "`{text}`");
        }
    }
}
