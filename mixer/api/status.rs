//! Whether promemu lives, and what a run is doing.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::error::{Answer, ApiError, ErrorBody};
use super::runs::Phase;
use super::{AppState, MAIN, OfRun, blocking};
use promemu_run::handle::Overview;
use promemu_wire::exposition::Format;

/// A word.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    status: &'static str,
}

/// Which promemu it is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Version {
    version: &'static str,
    /// The version of the API.
    api: &'static str,
}

/// What a run is doing.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StatusView {
    run: String,
    config: String,
    state: Phase,
    #[serde(flatten)]
    overview: Overview,
}

/// Whether promemu lives.
#[utoipa::path(get, path = "/health", tag = "promemu", responses((status = 200, body = Health)))]
pub(super) async fn health() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Whether its own run has started; without one it waits for runs, and is ready.
#[utoipa::path(get, path = "/ready", tag = "promemu",
    responses((status = 200, body = Health), (status = 503, body = Health)))]
pub(super) async fn ready(State(desk): State<Arc<AppState>>) -> (StatusCode, Json<Health>) {
    let starts = match desk.run(None) {
        Ok(run) => matches!(run.phase(), Phase::Created | Phase::Starting),
        // It is about to be told of.
        Err(_) => desk.daemon.main_config.is_some(),
    };
    if starts {
        (StatusCode::SERVICE_UNAVAILABLE, Json(Health { status: "starting" }))
    } else {
        (StatusCode::OK, Json(Health { status: "ready" }))
    }
}

/// promemu's own metrics: those of its own run, if it has one.
#[utoipa::path(get, path = "/metrics", tag = "promemu",
    responses((status = 200, body = String, content_type = "text/plain"), (status = "default", body = ErrorBody)))]
pub(super) async fn own_metrics(State(desk): State<Arc<AppState>>) -> Result<Response, ApiError> {
    let own = desk
        .remote(Some(MAIN))
        .map_or_else(|_| Arc::clone(&desk.own), |(_, remote)| Arc::clone(remote.self_metrics()));
    let page = blocking(&desk, move |_| own.page()).await??;
    Ok(([(header::CONTENT_TYPE, Format::Text.content_type())], page).into_response())
}

/// Which promemu it is.
#[utoipa::path(get, path = "/api/v1/version", tag = "promemu", responses((status = 200, body = Version)))]
pub(super) async fn version() -> Json<Version> {
    Json(Version { version: env!("CARGO_PKG_VERSION"), api: "v1" })
}

/// What a run is doing.
#[utoipa::path(get, path = "/api/v1/status", tag = "promemu", params(OfRun),
    responses((status = 200, body = StatusView), (status = "default", body = ErrorBody)))]
pub(super) async fn status(State(desk): State<Arc<AppState>>, Query(of): Query<OfRun>) -> Answer<StatusView> {
    let (run, remote) = desk.remote(of.run.as_deref())?;
    let overview = blocking(&desk, move |_| remote.overview()).await?;
    let (id, config) = (run.id().to_owned(), run.wanted().source.name().to_owned());
    Ok(Json(StatusView { run: id, config, state: run.phase(), overview }))
}
