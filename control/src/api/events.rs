//! The stream of a run: merged frames, events and states as server-sent events.
//!
//! All of it is read from the store, so any control can serve it, and one that comes back goes on
//! where another has stopped. The id of each message says what the client has by then
//! ([`Cursor`]); a client that comes back with it misses nothing. The
//! state is sent at the start and whenever it changes. After the last frame of a run that has ended
//! comes `end`, and the client should not come back.
//!
//! Whoever reads is looked up about once a minute: the stream of a session that is over ends.
//!
//! A message is read from the store when the client has taken the one before: a slow client holds
//! the memory of one small batch.

use super::app::App;
use super::caller::{As, Viewer};
use super::cursor::Cursor;
use super::error::{Answer, ApiError};
use super::runs::{FrameView, find};
use super::states::is_final;
use crate::auth::identify;
use crate::store::{EventRecord, Intent, Role, RunState, Stored};
use acp_wire::frame::Histograms;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{Stream, unfold};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use utoipa::{IntoParams, ToSchema};

const POLL: Duration = Duration::from_millis(250);
/// How often it is asked whether whoever reads may still do so.
const CHECK_EVERY: Duration = Duration::from_secs(60);
/// While the store does not answer.
const POLL_FAILED: Duration = Duration::from_secs(1);
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const READ_AT_ONCE: u32 = 64;

/// Something that happened to a run.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventMessage {
    /// Grows within a run.
    pub(super) number: i64,
    /// When.
    at_unix_us: u64,
    /// Run time; none before the run has a start.
    at_us: Option<i64>,
    /// `rate`, `stop`, `rule`, …
    kind: String,
    /// A sentence.
    text: String,
    /// Who did it; empty: acp itself.
    by: String,
}

impl From<EventRecord> for EventMessage {
    fn from(event: EventRecord) -> Self {
        let EventRecord { number, at_unix_us, at_us, kind, text, by, .. } = event;
        Self { number, at_unix_us, at_us, kind, text, by }
    }
}

#[derive(Clone, PartialEq, Eq, Serialize)]
struct StateMessage {
    state: RunState,
    t0_unix_us: Option<u64>,
    ended_unix_us: Option<u64>,
    stopping: bool,
    verdict: Option<String>,
    text: String,
}

/// From where on.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EventQuery {
    /// Go on after this: `f12.e3`. `Last-Event-ID`, which browsers send when they come back, wins.
    after: Option<String>,
}

/// Streams a run: events `frame` (without histograms), `event`, `state`, and `end` at the end.
#[utoipa::path(
    get, path = "/runs/{id}/events", tag = "runs",
    params(
        ("id" = String, Path),
        ("Last-Event-ID" = Option<String>, Header, description = "go on after this: `f12.e3`"),
        EventQuery
    ),
    responses((status = 200, description = "server-sent events", content_type = "text/event-stream", body = String))
)]
pub(super) async fn events(
    _who: As<Viewer>,
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(query): Query<EventQuery>,
    headers: HeaderMap,
) -> Answer<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let cursor = cursor(&headers, query.after.as_deref())?;
    let run = find(&app, &id).await?;
    let permit = Arc::clone(&app.streams).try_acquire_owned().map_err(|_| ApiError {
        retry_after_s: Some(5),
        ..ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too many event streams are open")
    })?;
    let feed = Feed {
        app,
        headers,
        checked: Instant::now(),
        run: run.id,
        cursor,
        state: None,
        queue: VecDeque::new(),
        wait: Duration::ZERO,
        is_over: false,
        _permit: permit,
    };
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE).text("keep-alive");
    Ok(Sse::new(unfold(feed, Feed::next)).keep_alive(keep_alive))
}

/// What the client has already.
fn cursor(headers: &HeaderMap, after: Option<&str>) -> Answer<Cursor> {
    let header = headers.get("last-event-id").map(|value| value.to_str().unwrap_or("?"));
    let (name, text) = match (header, after) {
        (Some(text), _) if !text.is_empty() => ("Last-Event-ID", text),
        (_, Some(text)) if !text.is_empty() => ("after", text),
        _ => return Ok(Cursor::default()),
    };
    let wrong = || format!("{name} is not one of this stream's\nhint: ids are like `f12.e3`");
    Cursor::parse(text).ok_or_else(|| ApiError::bad_request(wrong()))
}

struct Feed {
    app: Arc<App>,
    /// Who reads is in them.
    headers: HeaderMap,
    /// When it was asked last whether they may still.
    checked: Instant,
    run: String,
    cursor: Cursor,
    /// As it was sent last.
    state: Option<StateMessage>,
    queue: VecDeque<Event>,
    /// Before the next look into the store.
    wait: Duration,
    is_over: bool,
    _permit: OwnedSemaphorePermit,
}

impl Feed {
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        loop {
            if let Some(message) = self.queue.pop_front() {
                return Some((Ok(message), self));
            }
            if self.is_over {
                return None;
            }
            tokio::select! {
                () = tokio::time::sleep(self.wait) => {}
                () = self.app.stop.cancelled() => return None,
            }
            if !self.is_allowed().await {
                return None;
            }
            self.wait = match self.read().await {
                Ok(true) => Duration::ZERO,
                Ok(false) => POLL,
                Err(error) => {
                    tracing::warn!("failed to read run `{}` for a stream: {error}", self.run);
                    POLL_FAILED
                }
            };
        }
    }

    /// Whether whoever reads is still somebody: a session or a token may have ended meanwhile.
    async fn is_allowed(&mut self) -> bool {
        if !self.app.settings.auth || self.checked.elapsed() < CHECK_EVERY {
            return true;
        }
        self.checked = Instant::now();
        let now_unix_us = self.app.clock.now_unix_us();
        match identify(self.app.store.as_ref(), &self.headers, now_unix_us).await {
            Ok(identity) => identity.is_some_and(|identity| identity.role >= Role::Viewer),
            Err(error) => {
                tracing::warn!("failed to look up who reads run `{}`: {error}", self.run);
                true
            }
        }
    }

    /// Reads what is new; says whether there may be more at once.
    async fn read(&mut self) -> Stored<bool> {
        // The state first: what a run has when it has ended is there by then.
        let Some(run) = self.app.store.run(&self.run).await? else {
            self.is_over = true;
            return Ok(false);
        };
        let frames =
            self.app.store.frames_after(&self.run, self.cursor.frame, READ_AT_ONCE).await?;
        let events =
            self.app.store.events_after(&self.run, self.cursor.event, READ_AT_ONCE).await?;
        let is_more = frames.len().max(events.len()) == READ_AT_ONCE as usize;
        for mut stored in frames {
            stored.frame.histograms = Histograms::default();
            stored.frame.classes.clear();
            stored.frame.tags.values_mut().for_each(|tagged| tagged.response = None);
            self.cursor.frame = stored.number;
            self.push("frame", &FrameView::from(stored));
        }
        for event in events {
            self.cursor.event = event.number;
            self.push("event", &EventMessage::from(event));
        }
        let state = StateMessage {
            state: run.state,
            t0_unix_us: run.t0_unix_us,
            ended_unix_us: run.ended_unix_us,
            stopping: matches!(run.intent, Intent::Stop { .. }),
            verdict: run.verdict,
            text: run.text,
        };
        if is_more {
            return Ok(true);
        }
        if self.state.as_ref() != Some(&state) {
            self.push("state", &state);
            self.state = Some(state.clone());
        }
        if is_final(state.state) {
            self.push("end", &state);
            self.is_over = true;
        }
        Ok(false)
    }

    fn push(&mut self, kind: &str, data: &impl Serialize) {
        match Event::default().event(kind).id(self.cursor.to_string()).json_data(data) {
            Ok(message) => self.queue.push_back(message),
            Err(error) => {
                tracing::error!("failed to write a message of run `{}`: {error}", self.run)
            }
        }
    }
}
