//! The routes of runs.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::configs::{ConfigView, checked, config_view};
use super::super::error::{Answer, ApiError, ErrorBody};
use super::super::params::{Duration, SpeedText};
use super::super::{AppState, blocking};
use super::request::{create, start};
use super::{MAIN, Phase, RunRequest, RunView, Source};
use promemu_core::time::Speed;
use promemu_wire::exposition::Format;

/// An id has so many characters at most.
const ID_CHARS_MAX: usize = 64;
/// A run with more series is scraped by an output of its own.
const SCRAPED_SERIES_MAX: usize = 200_000;

/// All runs.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct RunsView {
    runs: Vec<RunView>,
}

/// A run that is to be made. Either `config` or `text` is given.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct NewRun {
    /// Letters, digits, - and _; made up if it is not given.
    id: Option<String>,
    /// The name of a config.
    config: Option<String>,
    /// The text of a config.
    text: Option<String>,
    /// The class of the config.
    class: Option<String>,
    /// The config's arguments.
    #[schema(value_type = Option<Object>)]
    #[serde(default)]
    args: serde_json::Value,
    seed: Option<u64>,
    duration: Option<Duration>,
    speed: Option<SpeedText>,
    /// Whether it starts at once; it does if nothing is said.
    start: Option<bool>,
}

/// The runs, the daemon's own first.
#[utoipa::path(get, path = "/api/v1/runs", tag = "runs",
    responses((status = 200, body = RunsView), (status = "default", body = ErrorBody)))]
pub(in super::super) async fn runs(State(desk): State<Arc<AppState>>) -> Json<RunsView> {
    let all: Vec<_> = desk.runs.all().values().cloned().collect();
    Json(RunsView { runs: all.iter().map(|run| run.view()).collect() })
}

/// One run.
#[utoipa::path(get, path = "/api/v1/runs/{id}", tag = "runs", params(("id" = String, Path)),
    responses((status = 200, body = RunView), (status = "default", body = ErrorBody)))]
pub(in super::super) async fn run(
    State(desk): State<Arc<AppState>>,
    Path(id): Path<String>,
) -> Answer<RunView> {
    Ok(Json(desk.runs.find(&id)?.view()))
}

/// Makes a run, and starts it.
#[utoipa::path(post, path = "/api/v1/runs", tag = "runs", request_body = NewRun,
    responses((status = 201, body = RunView), (status = "default", body = ErrorBody)))]
pub(in super::super) async fn create_run(
    State(desk): State<Arc<AppState>>,
    Json(new): Json<NewRun>,
) -> Result<(StatusCode, Json<RunView>), ApiError> {
    let source = match (new.config, new.text) {
        (Some(name), None) => Source::Named(name),
        (None, Some(text)) => Source::Posted(text),
        _ => return Err(ApiError::invalid("give either config, a name, or text, a config itself")),
    };
    let id = new.id.unwrap_or_else(|| format!("run-{:08x}", promemu_core::rng::random_seed() >> 32));
    let is_fine = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if id.is_empty() || id.len() > ID_CHARS_MAX || !id.chars().all(is_fine) {
        let told = format!("an id has 1 to {ID_CHARS_MAX} letters, digits, - and _");
        return Err(ApiError::invalid(told));
    }
    let wanted = RunRequest {
        id: id.into(),
        source,
        class: new.class,
        args: new.args,
        seed: new.seed,
        duration: new.duration.map(|duration| duration.longer_than_nothing("duration")).transpose()?,
        speed: new.speed.map_or(Ok(Speed::NORMAL), |speed| speed.read())?,
    };
    let starts = new.start.unwrap_or(true);
    let run = blocking(&desk, move |desk| create(desk, wanted, starts)).await??;
    Ok((StatusCode::CREATED, Json(run.view())))
}

/// Starts a run that was made and not started.
#[utoipa::path(post, path = "/api/v1/runs/{id}/start", tag = "runs", params(("id" = String, Path)),
    responses((status = 202, body = RunView), (status = "default", body = ErrorBody)))]
pub(in super::super) async fn start_run(
    State(desk): State<Arc<AppState>>,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<RunView>), ApiError> {
    let run = desk.runs.find(&id)?;
    let started = Arc::clone(&run);
    blocking(&desk, move |desk| start(desk, &started)).await??;
    Ok((StatusCode::ACCEPTED, Json(run.view())))
}

/// Stops a run; with the daemon's own run promemu ends.
#[utoipa::path(post, path = "/api/v1/runs/{id}/stop", tag = "runs", params(("id" = String, Path)),
    responses((status = 202, body = RunView), (status = "default", body = ErrorBody)))]
pub(in super::super) async fn stop_run(
    State(desk): State<Arc<AppState>>,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<RunView>), ApiError> {
    let run = desk.runs.find(&id)?;
    let stopped = Arc::clone(&run);
    blocking(&desk, move |_| stopped.stop()).await??;
    Ok((StatusCode::ACCEPTED, Json(run.view())))
}

/// Forgets a run that is over, or has not begun.
#[utoipa::path(delete, path = "/api/v1/runs/{id}", tag = "runs", params(("id" = String, Path)),
    responses((status = 204), (status = "default", body = ErrorBody)))]
pub(in super::super) async fn delete_run(
    State(desk): State<Arc<AppState>>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let run = desk.runs.find(&id)?;
    if id == MAIN {
        return Err(ApiError::conflict("the daemon's own run cannot be deleted; stop it, and promemu ends"));
    }
    let mut all = desk.runs.all();
    if !run.phase().is_over() && run.phase() != Phase::Created {
        return Err(ApiError::conflict(format!("run {id:?} runs; stop it first")));
    }
    all.shift_remove(&*id);
    Ok(StatusCode::NO_CONTENT)
}

/// The emulated metrics of a run, as a page to scrape.
#[utoipa::path(get, path = "/api/v1/runs/{id}/metrics", tag = "runs", params(("id" = String, Path)),
    responses((status = 200, body = String, content_type = "text/plain"), (status = "default", body = ErrorBody)))]
pub(in super::super) async fn run_metrics(
    State(desk): State<Arc<AppState>>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let remote = desk.runs.find(&id)?.remote()?;
    let page = blocking(&desk, move |_| remote.page(SCRAPED_SERIES_MAX)).await?;
    let page = page.ok_or_else(|| {
        let told = "the run has too many series for this page; scrape it by --output scrape=HOST:PORT";
        ApiError::too_many(told)
    })?;
    Ok(([(header::CONTENT_TYPE, Format::Text.content_type())], page).into_response())
}

/// The config of a run as it is now, and what is wrong with it.
#[utoipa::path(get, path = "/api/v1/runs/{id}/config", tag = "runs", params(("id" = String, Path)),
    responses((status = 200, body = ConfigView), (status = "default", body = ErrorBody)))]
pub(in super::super) async fn run_config(
    State(desk): State<Arc<AppState>>,
    Path(id): Path<String>,
) -> Answer<ConfigView> {
    let run = desk.runs.find(&id)?;
    let view = blocking(&desk, move |desk| {
        let wanted = run.wanted();
        let file = desk.file_of(&wanted.source)?;
        let problems = checked(desk, &file, wanted.class.clone(), &wanted.args)?.problems;
        Ok::<_, ApiError>(ConfigView { problems, ..config_view(wanted.source.name(), &file) })
    });
    Ok(Json(view.await??))
}
