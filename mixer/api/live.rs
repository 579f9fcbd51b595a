//! Live charts: what chosen metrics show, once a second.
//!
//! A metric is looked at only while somebody watches it, and a while longer, so that a page that is loaded again
//! has its curve. Everybody who watches it shares its points, of which the newest are kept.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::{Query, State};
use axum::response::Response;
use indexmap::IndexMap;
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::AppState;
use super::error::{ApiError, ErrorBody};
use super::runs::{Run, is_over};
use super::stream::{Frames, Gone, KEEP_ALIVE, stream};
use promemu_run::handle::{RunHandle, SeriesView};

/// How often a watched metric is looked at.
const EVERY: Duration = Duration::from_secs(1);
/// So many points of a metric are kept.
const POINTS_MAX: usize = 900;
/// A metric that nobody watches is looked at so many times more.
const LINGER: u32 = 300;
/// One stream has so many metrics at most.
const SERIES_MAX: usize = 64;
/// An id has so many bytes at most.
const ID_BYTES_MAX: usize = 4_096;
/// A run's metrics that are watched at the same time.
const WATCHED_MAX: usize = 512;

/// The watched metrics of one run.
#[derive(Debug, Default)]
pub(super) struct Live {
    watched: Mutex<Watched>,
    /// The number of the last look.
    looks: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Watched {
    /// When the looks were, in emulated seconds since 1970; the newest is the last.
    times: VecDeque<f64>,
    metrics: IndexMap<Arc<str>, Metric>,
    is_looking: bool,
}

#[derive(Debug, Default)]
struct Metric {
    /// One for each of the newest looks.
    values: VecDeque<Option<f64>>,
    watchers: usize,
    idle: u32,
}

/// Metrics that somebody watches, until it is dropped.
struct Watching {
    run: Arc<Run>,
    ids: Vec<Arc<str>>,
}

impl Drop for Watching {
    fn drop(&mut self) {
        let mut watched = self.run.live().watched();
        for id in &self.ids {
            if let Some(metric) = watched.metrics.get_mut(id) {
                metric.watchers -= 1;
            }
        }
    }
}

/// What a stream begins with.
#[derive(Debug, Serialize)]
struct Beginning {
    every_seconds: f64,
    series: Vec<Begun>,
}

#[derive(Debug, Serialize)]
struct Begun {
    #[serde(flatten)]
    series: SeriesView,
    points: Points,
}

/// When, in seconds since 1970, and what.
type Points = Vec<(f64, Option<f64>)>;

/// One look.
#[derive(Debug, Serialize)]
struct Sample {
    t: f64,
    values: Vec<Option<f64>>,
}

impl Live {
    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watched {
    fn look(&mut self, t: f64, ids: &[Arc<str>], values: Vec<Option<f64>>) {
        self.times.push_back(t);
        if self.times.len() > POINTS_MAX {
            self.times.pop_front();
        }
        let mut looked: IndexMap<&Arc<str>, Option<f64>> = ids.iter().zip(values).collect();
        for (id, metric) in &mut self.metrics {
            // One that has just come was not looked at yet.
            let Some(value) = looked.swap_remove(id) else { continue };
            metric.values.push_back(value);
            if metric.values.len() > POINTS_MAX {
                metric.values.pop_front();
            }
            metric.idle = if metric.watchers > 0 { 0 } else { metric.idle + 1 };
        }
        self.metrics.retain(|_, metric| metric.idle <= LINGER);
    }

    fn points(&self, id: &str) -> Points {
        let Some(metric) = self.metrics.get(id) else { return Vec::new() };
        let first = self.times.len() - metric.values.len().min(self.times.len());
        self.times.iter().skip(first).copied().zip(metric.values.iter().copied()).collect()
    }

    fn newest(&self, ids: &[Arc<str>]) -> Option<Sample> {
        let t = *self.times.back()?;
        let value =
            |id| self.metrics.get(id).and_then(|metric: &Metric| metric.values.back().copied()).flatten();
        Some(Sample { t, values: ids.iter().map(value).collect() })
    }
}

impl Watching {
    /// Begins to watch; gives the points that there are, and what tells of the next ones.
    fn begin(
        run: &Arc<Run>,
        remote: RunHandle,
        ids: Vec<Arc<str>>,
    ) -> Result<(Self, Vec<Points>, watch::Receiver<u64>), ApiError> {
        let live = run.live();
        let mut watched = live.watched();
        let new = ids.iter().filter(|id| !watched.metrics.contains_key(*id)).count();
        if watched.metrics.len() + new > WATCHED_MAX {
            return Err(ApiError::too_many(format!(
                "{WATCHED_MAX} metrics are watched already; close a page"
            )));
        }
        let points = ids.iter().map(|id| watched.points(id)).collect();
        for id in &ids {
            watched.metrics.entry(Arc::clone(id)).or_default().watchers += 1;
        }
        let looks = live.looks.subscribe();
        if !std::mem::replace(&mut watched.is_looking, true) {
            watched.times.clear();
            tokio::spawn(look_on(Arc::clone(run), remote));
        }
        drop(watched);
        Ok((Self { run: Arc::clone(run), ids }, points, looks))
    }
}

/// Looks at the watched metrics until there are none, or the run is over.
async fn look_on(run: Arc<Run>, remote: RunHandle) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut over = run.phases();
    loop {
        tokio::select! {
            () = is_over(&mut over) => break,
            _ = ticks.tick() => {}
        }
        let live = run.live();
        let ids: Vec<Arc<str>> = live.watched().metrics.keys().cloned().collect();
        let (remote, asked) = (remote.clone(), ids.clone());
        // Over all hosts there may be much to look at.
        let look = tokio::task::spawn_blocking(move || remote.probe(asked.iter().map(|id| &**id)));
        let Ok((time, values)) = look.await else { break };
        let mut watched = live.watched();
        watched.look(time.unix_millis_secs(), &ids, values);
        if watched.metrics.is_empty() {
            watched.is_looking = false;
            return;
        }
        drop(watched);
        live.looks.send_modify(|looks| *looks += 1);
    }
    let mut watched = run.live().watched();
    watched.is_looking = false;
}

/// What chosen metrics show, once a second, as server-sent events: `series`, then `sample` again and again;
/// `gone` for one that is not there (any more), `end`.
#[utoipa::path(get, path = "/api/v1/live", tag = "live",
    params(
        ("series" = Vec<String>, Query, description = "HOST/METRIC, or avg:, sum:, min: or max:METRIC; 1 to 64 of them"),
        ("run" = Option<String>, Query, description = "The run; main if it is not given"),
    ),
    responses((status = 200, body = String, content_type = "text/event-stream"), (status = "default", body = ErrorBody)))]
pub(super) async fn live(
    State(desk): State<Arc<AppState>>,
    Query(given): Query<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let named = |name: &'static str| {
        given.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    };
    let (run, remote) = desk.remote(named("run").next())?;
    let mut ids: Vec<Arc<str>> = Vec::new();
    for id in named("series") {
        if !ids.iter().any(|known| **known == *id) {
            ids.push(id.into());
        }
    }
    if ids.is_empty() || ids.len() > SERIES_MAX {
        return Err(ApiError::invalid(format!(
            "give 1 to {SERIES_MAX} series, as in series=web-1/cpu_usage_percent"
        )));
    }
    if let Some(id) = ids.iter().find(|id| !is_id(id)) {
        let shown: String = id.chars().take(200).collect();
        return Err(ApiError::invalid(format!(
            "{shown:?} is no series; write HOST/METRIC, or as in avg:METRIC"
        )));
    }
    let series: Vec<SeriesView> =
        ids.iter().map(|id| remote.find(id).unwrap_or_else(|| SeriesView::gone(id))).collect();
    let permit = desk.stream_permit()?;
    let (watching, points, looks) = Watching::begin(&run, remote.clone(), ids)?;
    let series = series.into_iter().zip(points).map(|(series, points)| Begun { series, points });
    let beginning = Beginning { every_seconds: EVERY.as_secs_f64(), series: series.collect() };
    Ok(stream(permit, move |frames| show(watching, remote, beginning, looks, frames)))
}

/// Whether it looks like something that there may be.
fn is_id(id: &str) -> bool {
    let is_over_all = ["avg:", "sum:", "min:", "max:"].iter().any(|word| id.starts_with(word));
    id.len() <= ID_BYTES_MAX && (is_over_all || id.contains('/'))
}

async fn show(
    watching: Watching,
    remote: RunHandle,
    beginning: Beginning,
    mut looks: watch::Receiver<u64>,
    frames: Frames,
) -> Result<(), Gone> {
    frames.send("series", &beginning).await?;
    let mut gone = vec![false; watching.ids.len()];
    tell_gone(&watching, &remote, &mut gone, &frames).await?;
    let mut over = watching.run.phases();
    loop {
        tokio::select! {
            () = is_over(&mut over) => return frames.send("end", &serde_json::json!({})).await,
            () = frames.gone() => return Err(Gone),
            looked = timeout(KEEP_ALIVE, looks.changed()) => match looked {
                Ok(Ok(())) => {
                    let newest = watching.run.live().watched().newest(&watching.ids);
                    if let Some(sample) = newest {
                        frames.send("sample", &sample).await?;
                        tell_gone(&watching, &remote, &mut gone, &frames).await?;
                    }
                }
                Ok(Err(_)) => return Ok(()),
                Err(_) => frames.keep_alive().await?,
            },
        }
    }
}

/// Says once of each metric that it is not there any more; it may come back.
async fn tell_gone(
    watching: &Watching,
    remote: &RunHandle,
    gone: &mut [bool],
    frames: &Frames,
) -> Result<(), Gone> {
    for (id, gone) in watching.ids.iter().zip(gone) {
        let is_gone = !remote.has(id);
        if is_gone && !*gone {
            frames.send("gone", &serde_json::json!({ "id": **id })).await?;
        }
        *gone = is_gone;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_those_of_the_newest_looks() {
        let mut watched = Watched::default();
        let ids: Vec<Arc<str>> = vec!["a".into(), "b".into()];
        watched.metrics.entry(ids[0].clone()).or_default().watchers = 1;
        watched.look(1.0, &ids[..1], vec![Some(10.0)]);
        watched.metrics.entry(ids[1].clone()).or_default().watchers = 1;
        watched.look(2.0, &ids, vec![Some(11.0), None]);
        assert_eq!(watched.points("a"), [(1.0, Some(10.0)), (2.0, Some(11.0))]);
        assert_eq!(watched.points("b"), [(2.0, None)]);
        let newest = watched.newest(&ids).unwrap();
        assert_eq!((newest.t, newest.values), (2.0, vec![Some(11.0), None]));
        for n in 0..2 * POINTS_MAX {
            watched.look(f64::from(u32::try_from(n).unwrap()), &ids, vec![None, None]);
        }
        assert_eq!(watched.points("a").len(), POINTS_MAX);
    }

    #[test]
    fn what_nobody_watches_is_forgotten_after_a_while() {
        let mut watched = Watched::default();
        let ids: Vec<Arc<str>> = vec!["a".into()];
        watched.metrics.entry(ids[0].clone()).or_default();
        for n in 0..=LINGER {
            assert_eq!(watched.metrics.len(), 1);
            watched.look(f64::from(n), &ids, vec![None]);
        }
        assert!(watched.metrics.is_empty());
    }
}
