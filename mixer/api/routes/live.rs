//! `/api/v1/live`: the values of chosen series, once a second, as server-sent events.
//!
//! One task samples all watched series of a run, and every stream sends its part of each sample. `/api/v1/charts` says with which
//! of them a page begins.

use std::pin::pin;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use utoipa::{IntoParams, ToSchema};

use promemu_core::time::{Span, Time};
use promemu_run::handle::{ChartView, RATE, RunHandle, SeriesView, is_operator};

use crate::error::{Answer, ApiError};
use crate::runs::entry::RunEntry;
use crate::runs::live_series::{Points, WATCHED_MAX};
use crate::runs::sampling::{SAMPLE_INTERVAL, begin_sampling};
use crate::sse::{Disconnected, EventSender, stream};
use crate::state::{AppState, blocking, drawing};

/// The most series of one stream.
const SERIES_MAX: usize = 64;
/// The most points in a stream's first event: some 800 KiB. Many series share them.
const FIRST_POINTS_MAX: usize = 32_768;
/// A longer id is no series.
const ID_BYTES_MAX: usize = 4_096;
/// A client's id is repeated in an error up to this many characters.
const ID_SHOWN_CHARS_MAX: usize = 200;

/// The charts to describe.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ChartsQuery {
    /// The run's id; main by default.
    run: Option<String>,
    /// The name of a metric: its chart alone.
    metric: Option<String>,
}

/// Charts, and their lines.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChartsView {
    charts: Vec<ChartView>,
}

/// The charts that the live page opens with.
///
/// Traffic, errors, latency and saturation first, constants last; few lines each. Their values of the last 15 minutes are kept, so that
/// `/api/v1/live` begins with them. With `metric`, the chart of that metric, and none if it has no series.
#[utoipa::path(get, path = "/api/v1/charts", tag = "live", params(ChartsQuery),
    responses((status = 200, body = ChartsView)))]
pub(crate) async fn charts(
    State(state): State<Arc<AppState>>,
    Query(ChartsQuery { run, metric }): Query<ChartsQuery>,
) -> Answer<ChartsView> {
    let (run, handle) = state.live_run(run.as_deref())?;
    if let Some(charts) = run.live().charts().filter(|_| metric.is_none()) {
        return Ok(Json(ChartsView { charts: charts.to_vec() }));
    }
    let charts = blocking(&state, move |_| match metric {
        Some(metric) => handle.chart(&metric).into_iter().collect(),
        None => handle.first_charts(),
    });
    Ok(Json(ChartsView { charts: charts.await? }))
}

/// Streams the values of chosen series, as server-sent events.
///
/// Each series is HOST/METRIC, or as in avg:METRIC over all hosts, or as in sum:METRIC{server="a"} over those with these labels;
/// p50, p90, p95 and p99 are of the observations of a histogram in the last 30 s, bucket0:METRIC and so on are those of one bucket per
/// second, not cumulative. With `rate:` before it, as in rate:sum:METRIC, a
/// counter or a number of observations is its growth per second over 30 s: `PromQL`'s `rate` over the last 31 samples of each series,
/// then aggregated; any other metric is what it is without it. Events are `series`, once, with the points that are
/// known, and as `past` those of a history that the run began with; `sample`, every second, with a value for each series in their order; `past`, once, with
/// earlier values of series that were not kept, where virtual time has the same; `gone`, for a series that does not exist
/// (any more); `end`, when the run is over.
#[utoipa::path(get, path = "/api/v1/live", tag = "live",
    params(
        ("series" = Vec<String>, Query, description = "HOST/METRIC, or avg:, sum:, min:, max:, p50:, p90:, p95: or p99:METRIC, each with rate: before it or not; 1 to 64 of them"),
        ("run" = Option<String>, Query, description = "The run's id; main by default."),
    ),
    responses((status = 200, body = String, content_type = "text/event-stream")))]
pub(crate) async fn live(
    State(state): State<Arc<AppState>>,
    Query(params): Query<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let named = |name: &'static str| {
        params.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    };
    let (run, handle) = state.live_run(named("run").next())?;
    let ids = series_ids(named("series"))?;
    let views: Vec<SeriesView> =
        ids.iter().map(|id| handle.find(id).unwrap_or_else(|| SeriesView::gone(id))).collect();
    let permit = state.stream_permit()?;
    let mut past = past_of(&handle, &ids);
    let (watcher, points, samples, missing) = Watcher::begin(&run, &handle, ids)?;
    let first = points.iter().flatten().map(|(time, _)| *time).reduce(f64::min);
    let next = first.unwrap_or_else(|| handle.clock().now().unix_millis_secs());
    for past in &mut past {
        end_before_gap(past, next);
    }
    let series = views.into_iter().zip(points).zip(past);
    let series = series.map(|((view, points), past)| LiveView { view, points, past });
    let every_seconds = handle.clock().speed().emulated(SAMPLE_INTERVAL).as_secs_f64();
    let first = FirstEvent { every_seconds, series: series.collect() };
    let drawn = drawn_past(state, handle.clone(), missing);
    Ok(stream(permit, move |sender| forward(watcher, handle, first, (samples, drawn), sender)))
}

/// Draws again what a run has not kept, on a thread of its own; `None` where there is nothing to draw.
async fn drawn_past(
    state: Arc<AppState>,
    handle: RunHandle,
    (ids, times): (Vec<Arc<str>>, Vec<f64>),
) -> Option<DrawnPast> {
    if ids.is_empty() || times.is_empty() {
        return None;
    }
    let drawn = drawing(&state, move |_, stop| {
        let moments: Vec<Time> = times.iter().map(|time| time_of(*time)).collect();
        let rows = handle.drawn_past(&ids, &moments, stop)?;
        let column = |(at, id): (usize, &Arc<str>)| DrawnSeries {
            id: id.to_string(),
            values: rows.iter().map(|row| row[at]).collect(),
        };
        let series = ids.iter().enumerate().map(column).collect();
        Some(DrawnPast { times, series })
    });
    drawn.await.ok().flatten()
}

/// The time of a sample, whose milliseconds a float has.
fn time_of(seconds: f64) -> Time {
    Span::from_secs_f64(seconds).map_or(Time::NEVER, |span| Time::from_unix_nanos(0) + span)
}

/// The ids without repetition.
fn series_ids<'a>(named: impl Iterator<Item = &'a str>) -> Result<Vec<Arc<str>>, ApiError> {
    let mut ids: Vec<Arc<str>> = Vec::new();
    for id in named {
        if !ids.iter().any(|known| **known == *id) {
            ids.push(id.into());
        }
    }
    if ids.is_empty() || ids.len() > SERIES_MAX {
        return Err(ApiError::invalid(format!(
            "give 1 to {SERIES_MAX} series, as in series=web-1/cpu_usage_percent"
        )));
    }
    if let Some(id) = ids.iter().find(|id| !is_series_id(id)) {
        let shown: String = id.chars().take(ID_SHOWN_CHARS_MAX).collect();
        return Err(ApiError::invalid(format!(
            "{shown:?} is no series; write HOST/METRIC, or as in avg:METRIC"
        )));
    }
    Ok(ids)
}

/// The newest points that these series had in the history of the run, all at the same times.
fn past_of(handle: &RunHandle, ids: &[Arc<str>]) -> Vec<Points> {
    let all: Vec<_> = ids.iter().map(|id| handle.past(id)).collect();
    let longest = all.iter().map(Vec::len).max().unwrap_or(0);
    let every = longest.div_ceil(FIRST_POINTS_MAX / ids.len().max(1)).max(1);
    let thinned = all.into_iter().map(|points| {
        let newest = points.into_iter().rev().step_by(every);
        let mut points: Points = newest.map(|(time, value)| (time.unix_millis_secs(), value)).collect();
        points.reverse();
        points
    });
    thinned.collect()
}

/// Ends a history by a moment without a value if the next point comes much later: no line leads there.
fn end_before_gap(past: &mut Points, next: f64) {
    if let [.., (before, _), (last, _)] = past[..]
        && next - last > 2.0 * (last - before)
    {
        past.push((f64::midpoint(last, last + (last - before)), None));
    }
}

fn is_series_id(id: &str) -> bool {
    let plain = id.strip_prefix(RATE).unwrap_or(id);
    let is_aggregate = plain.split_once(':').is_some_and(|(word, _)| is_operator(word));
    id.len() <= ID_BYTES_MAX && (is_aggregate || plain.contains('/'))
}

/// The first event of a stream, `series`.
#[derive(Debug, Serialize)]
struct FirstEvent {
    /// In the hosts' time.
    every_seconds: f64,
    series: Vec<LiveView>,
}

#[derive(Debug, Serialize)]
struct LiveView {
    #[serde(flatten)]
    view: SeriesView,
    points: Points,
    /// Those of the history behind which the run began.
    past: Points,
}

/// Earlier values of series that were not kept.
#[derive(Debug, Serialize)]
struct DrawnPast {
    times: Vec<f64>,
    series: Vec<DrawnSeries>,
}

/// The values of one series at these times.
#[derive(Debug, Serialize)]
struct DrawnSeries {
    id: String,
    values: Vec<Option<f64>>,
}

/// The ids of series, and the times of the samples that they lack.
type Missing = (Vec<Arc<str>>, Vec<f64>);

/// One sample of a stream's series, in their order.
#[derive(Debug, Serialize)]
struct Sample {
    t: f64,
    values: Vec<Option<f64>>,
}

/// A client's watch on series, until it is dropped.
struct Watcher {
    run: Arc<RunEntry>,
    ids: Vec<Arc<str>>,
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.run.live().watched().unwatch(&self.ids);
    }
}

impl Watcher {
    /// Begins to watch; returns the kept points, a receiver of new samples, and what was not kept.
    fn begin(
        run: &Arc<RunEntry>,
        handle: &RunHandle,
        ids: Vec<Arc<str>>,
    ) -> Result<(Self, Vec<Points>, watch::Receiver<u64>, Missing), ApiError> {
        let live = run.live();
        let mut watched = live.watched();
        let points_max = FIRST_POINTS_MAX / ids.len().max(1);
        let points = ids.iter().map(|id| watched.points(id, points_max)).collect();
        let every = handle.clock().speed().emulated(SAMPLE_INTERVAL).as_secs_f64();
        let missing = watched.missing(&ids, every, points_max);
        if !watched.watch(&ids) {
            return Err(ApiError::TooManyWatched { max: WATCHED_MAX });
        }
        let samples = live.subscribe();
        if watched.begin_sampling() {
            begin_sampling(Arc::clone(run), handle.clone());
        }
        drop(watched);
        Ok((Self { run: Arc::clone(run), ids }, points, samples, missing))
    }
}

/// Sends the first event and every new sample, until the run is over.
async fn forward(
    watcher: Watcher,
    handle: RunHandle,
    first: FirstEvent,
    (mut samples, drawn): (watch::Receiver<u64>, impl Future<Output = Option<DrawnPast>>),
    sender: EventSender,
) -> Result<(), Disconnected> {
    sender.send("series", &first).await?;
    let mut gone = vec![false; watcher.ids.len()];
    send_gone(&watcher, &handle, &mut gone, &sender).await?;
    let mut drawn = pin!(drawn);
    let mut is_drawn = false;
    loop {
        tokio::select! {
            past = &mut drawn, if !is_drawn => {
                is_drawn = true;
                if let Some(past) = past {
                    sender.send("past", &past).await?;
                }
            }
            () = watcher.run.over() => return sender.send("end", &serde_json::json!({})).await,
            () = sender.disconnected() => return Err(Disconnected),
            changed = samples.changed() => {
                if changed.is_err() {
                    return Ok(());
                }
                let newest = watcher.run.live().watched().newest(&watcher.ids);
                if let Some((t, values)) = newest {
                    sender.send("sample", &Sample { t, values }).await?;
                    send_gone(&watcher, &handle, &mut gone, &sender).await?;
                }
            }
        }
    }
}

/// Sends `gone` once for each series that does not exist any more; it may come back.
async fn send_gone(
    watcher: &Watcher,
    handle: &RunHandle,
    gone: &mut [bool],
    sender: &EventSender,
) -> Result<(), Disconnected> {
    for (id, was_gone) in watcher.ids.iter().zip(gone) {
        let is_gone = !handle.has(id);
        if is_gone && !*was_gone {
            sender.send("gone", &serde_json::json!({ "id": **id })).await?;
        }
        *was_gone = is_gone;
    }
    Ok(())
}
