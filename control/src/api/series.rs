//! A run as columns: what a page draws its charts from before it follows the stream.
//!
//! The cursor is looked up before the frames are read. What is written meanwhile may be in the
//! answer already, and comes again in a stream that goes on after the cursor; nothing is missing
//! from both.
//!
//! Frames are read page by page and rolled up on a thread that may take its time, while the next
//! page is fetched: memory holds two pages and the rows.

use super::app::App;
use super::caller::{As, Viewer};
use super::cursor::Cursor;
use super::error::{Answer, ApiError};
use super::events::EventMessage;
use super::runs::find;
use super::turns::Turn;
use crate::store::{FrameExtent, RunRecord, RunSecond, Store, Stored, StoredCounts};
use acp_report::{Brief, Columns, run_second};
use acp_wire::units::parse_duration_ns;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

const POINTS_DEFAULT: u32 = 3_600;
const POINTS_MIN: u32 = 10;
const POINTS_MAX: u32 = 20_000;

/// Frames read at once: about 2 KiB each.
const PAGE: u32 = 2_000;
/// Events read at once.
const EVENTS_PAGE: u32 = 200;
/// Events in an answer; a stream that goes on after its cursor has the others.
const EVENTS_MAX: usize = 10_000;

/// Which part of a run, and how closely.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SeriesQuery {
    /// First second; the warm-up is below 0. All from the beginning by default.
    from: Option<i64>,
    /// The second to end before. All to the end by default.
    to: Option<i64>,
    /// Rows at the most, 3600 by default; fewer where even rows of an hour are too many.
    #[param(minimum = 10, maximum = 20000)]
    points: Option<u32>,
}

/// A run as columns. Besides those named here: `planned`, `sent`, `completed`, `connects`,
/// `disconnects`, `bytes_sent`, `bytes_received`, `cpu_us`, `steal_us`, `machine_us`, `blocked`,
/// `late` (sums), `rate_target` (mean), `in_flight`, `busy_ratio` (largest), `response_p50_ns`,
/// `response_p90_ns`, `response_p99_ns`, `response_p99_9_ns`, `response_max_ns`, `service_p50_ns`,
/// `service_p99_ns`, `send_lag_p50_ns`, `send_lag_p99_ns` (highest of the seconds, null where
/// nothing was recorded), each an array as long as `second`.
///
/// In the warm-up responses are counted as `completed` and nothing else is recorded of them: `errors`
/// and `status` are 0 there, `bands` empty and times null. Where a run was stopped, all that was still
/// to be sent is `planned` in its last second, and `not_sent`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the description of what `Series` writes")]
pub(super) struct SeriesView {
    /// Id of the run.
    run: String,
    /// To be given to the stream as `after`: `f12.e3`.
    cursor: String,
    /// Seconds of a row.
    width_s: u32,
    /// First second of each row; rows without a frame are missing.
    second: Vec<i64>,
    /// How many seconds each row covers.
    seconds: Vec<u32>,
    /// Counts of each class of errors that occurs.
    #[schema(value_type = Object)]
    errors: (),
    /// Counts of the 64 status codes that occur most; those of the others by class: `4xx`.
    #[schema(value_type = Object)]
    status: (),
    /// Counts of each reason not to send that occurs.
    #[schema(value_type = Object)]
    not_sent: (),
    /// Response times of each row: band, count, band, count, …
    bands: Vec<Vec<u64>>,
    /// What happened, by number.
    events: Vec<EventMessage>,
}

#[derive(Serialize)]
struct Series {
    run: String,
    cursor: String,
    #[serde(flatten)]
    columns: Columns,
    events: Vec<EventMessage>,
}

/// Shows a run, or a part of it, as columns.
#[utoipa::path(
    get, path = "/runs/{id}/series", tag = "runs", params(("id" = String, Path), SeriesQuery),
    responses((status = 200, description = "the run so far", body = SeriesView))
)]
pub(super) async fn series(
    _who: As<Viewer>,
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(query): Query<SeriesQuery>,
) -> Answer<Response> {
    let points = query.points.unwrap_or(POINTS_DEFAULT);
    if !(POINTS_MIN..=POINTS_MAX).contains(&points) {
        let text = format!("points is {points}, it goes from {POINTS_MIN} to {POINTS_MAX}");
        return Err(ApiError::bad_request(text));
    }
    let (from, to) = (query.from.unwrap_or(i64::MIN), query.to.unwrap_or(i64::MAX));
    if query.to.is_some() && from >= to {
        return Err(ApiError::bad_request(
            "from is not before to\nhint: `to` is the second to end before",
        ));
    }
    let run = find(&app, &id).await?;
    let mut turn = app.serieses.take().await?;
    let store = app.store.as_ref();
    let mut cursor = Cursor::default();
    let mut columns = Columns::new(1);
    if let Some(extent) = store.frame_extent(&run.id).await? {
        cursor.frame = extent.number;
        let range = Range::new(&run, &extent, from, to);
        (turn, columns) = read(store, turn, range, points).await?;
    }
    let events = read_events(store, &run.id).await?;
    cursor.event = events.last().map_or(0, |event| event.number);
    let series = Series { run: run.id, cursor: cursor.to_string(), columns, events };
    let (_turn, text) = turn.work(move || serde_json::to_vec(&series)).await?;
    let text = text.map_err(|error| ApiError::internal(&error))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}

/// The seconds of a run that are asked for.
struct Range {
    run: String,
    warmup_seconds: u64,
    /// First second that there is, and the last that a frame may begin in.
    first: i64,
    last: i64,
    frame_width_s: u32,
}

impl Range {
    fn new(run: &RunRecord, extent: &FrameExtent, from: i64, to: i64) -> Self {
        let warmup_ns = parse_duration_ns(&run.plan.load.warmup).unwrap_or(0);
        let warmup_seconds = warmup_ns.div_ceil(1_000_000_000);
        let second = |at: RunSecond| run_second(at.is_warmup, at.second, warmup_seconds);
        Self {
            run: run.id.clone(),
            warmup_seconds,
            first: second(extent.first).max(from),
            last: second(extent.last).min(to - 1),
            frame_width_s: extent.width_s,
        }
    }

    /// Whether a frame that begins in time may reach into it.
    fn is_reached(&self) -> bool {
        self.first <= self.last.saturating_add(self.reach_s())
    }

    /// Seconds that a frame goes on after its first.
    fn reach_s(&self) -> i64 {
        i64::from(self.frame_width_s.saturating_sub(1))
    }

    /// Where the first frame that reaches into it may begin.
    fn begin(&self) -> RunSecond {
        let is_warmup = self.first < 0;
        let warmup_seconds = i64::try_from(self.warmup_seconds).unwrap_or(i64::MAX);
        let second = if is_warmup { self.first.saturating_add(warmup_seconds) } else { self.first };
        let second = second.saturating_sub(self.reach_s()).max(0).unsigned_abs();
        RunSecond { is_warmup, second }
    }

    fn width_s(&self, first: i64, points: u32) -> u32 {
        Columns::width_for(first, self.last, points, self.frame_width_s)
    }

    fn second(&self, at: RunSecond) -> i64 {
        run_second(at.is_warmup, at.second, self.warmup_seconds)
    }

    /// Whether nothing that begins there is behind it.
    fn goes_on(&self, at: RunSecond) -> bool {
        self.second(at) <= self.last
    }

    /// Whether some of the frame's seconds are in it.
    fn has(&self, counts: &StoredCounts) -> bool {
        let end = self.second(counts.at).saturating_add(i64::from(counts.width_s.max(1)));
        end > self.first && self.goes_on(counts.at)
    }
}

async fn read(
    store: &dyn Store,
    mut turn: Turn,
    range: Range,
    points: u32,
) -> Answer<(Turn, Columns)> {
    if !range.is_reached() {
        return Ok((turn, Columns::new(range.width_s(range.first, points))));
    }
    let mut page = store.frame_counts_from(&range.run, range.begin(), PAGE).await?;
    // Rows begin where frames do: the first may begin before what is asked for.
    let reaching = page.iter().find(|counts| range.has(counts));
    let first = reaching.map_or(range.first, |counts| range.second(counts.at).min(range.first));
    let mut columns = Columns::new(range.width_s(first, points));
    loop {
        let is_whole = page.len() == PAGE as usize;
        let next = page.last().map(|counts| after(counts.at)).filter(|_| is_whole);
        page.retain(|counts| range.has(counts));
        let warmup_seconds = range.warmup_seconds;
        let adding = turn.work(move || add_page(columns, &page, warmup_seconds));
        let Some(next) = next.filter(|at| range.goes_on(*at)) else {
            let (turn, added) = adding.await?;
            return Ok((turn, added?));
        };
        let (added, following) =
            tokio::join!(adding, store.frame_counts_from(&range.run, next, PAGE));
        let added = added?;
        (turn, columns, page) = (added.0, added.1?, following?);
    }
}

/// The least second after one, in the order of time.
fn after(at: RunSecond) -> RunSecond {
    RunSecond { second: at.second.saturating_add(1), ..at }
}

fn add_page(mut columns: Columns, page: &[StoredCounts], warmup_seconds: u64) -> Stored<Columns> {
    for counts in page {
        columns.push(&counts.read::<Brief>()?, counts.width_s, warmup_seconds);
    }
    Ok(columns)
}

async fn read_events(store: &dyn Store, run: &str) -> Stored<Vec<EventMessage>> {
    let mut events = Vec::<EventMessage>::new();
    loop {
        let after = events.last().map_or(0, |event| event.number);
        let page = store.events_after(run, after, EVENTS_PAGE).await?;
        let is_last = page.len() < EVENTS_PAGE as usize;
        events.extend(page.into_iter().map(EventMessage::from));
        if is_last || events.len() >= EVENTS_MAX {
            return Ok(events);
        }
    }
}
