//! `/health`, `/info`, `/ready`, `/metrics`, `/api/v1/version`, `/api/v1/status`: promemu itself, and the state of a run.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use promemu_run::handle::{Overview, ShardView};
use promemu_wire::exposition::Format;

use crate::daemon::Links;
use crate::error::{Answer, ApiError};
use crate::params::RunQuery;
use crate::routes::simulations::PROFILES;
use crate::runs::entry::Phase;
use crate::state::{self, AppState, blocking};

/// A state in one word.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    status: &'static str,
}

/// promemu, as clients of a process simulator ask for it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Info {
    service: &'static str,
    version: &'static str,
    description: &'static str,
    /// The types of simulations.
    profiles: [&'static str; 5],
}

/// The version of promemu.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Version {
    version: &'static str,
    /// The version of the API.
    api: &'static str,
}

/// The state of a run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StatusView {
    run: String,
    config: String,
    state: Phase,
    /// The servers in which to look at its metrics.
    links: Links,
    /// The shards of the run, whose numbers are added up here; left out in a run that has none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    shards: Vec<ShardView>,
    #[serde(flatten)]
    overview: Overview,
}

/// Liveness: the process answers.
///
/// It needs no token, and no run.
#[utoipa::path(get, path = "/health", tag = "promemu", responses((status = 200, body = Health)))]
pub(crate) async fn health() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Liveness, for clients that have the token.
///
/// As `/health`, but with the token where there is one: it tells a client that its token is right.
#[utoipa::path(get, path = "/api/v1/health", tag = "promemu",
    responses((status = 200, body = Health)))]
pub(crate) async fn health_of_api() -> Json<Health> {
    health().await
}

/// The program, and the types of simulations.
///
/// It needs no token. Clients of a process simulator ask for it.
#[utoipa::path(get, path = "/info", tag = "promemu", responses((status = 200, body = Info)))]
pub(crate) async fn info() -> Json<Info> {
    Json(Info {
        service: "promemu",
        version: env!("CARGO_PKG_VERSION"),
        description: "emulates hosts with metrics, and simulates their processes",
        profiles: PROFILES,
    })
}

/// The program, and the types of simulations, for clients that have the token.
///
/// As `/info`, but with the token where there is one.
#[utoipa::path(get, path = "/api/v1/info", tag = "promemu",
    responses((status = 200, body = Info)))]
pub(crate) async fn info_of_api() -> Json<Info> {
    info().await
}

/// Readiness: all hosts of the main run that are due have reported once, so a scrape is not empty.
///
/// A daemon without a main run is ready at once. It needs no token.
#[utoipa::path(get, path = "/ready", tag = "promemu",
    responses((status = 200, body = Health), (status = 503, body = Health)))]
pub(crate) async fn ready(State(state): State<Arc<AppState>>) -> (StatusCode, Json<Health>) {
    if state.daemon().outputs.is_ready() {
        (StatusCode::OK, Json(Health { status: "ready" }))
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, Json(Health { status: "starting" }))
    }
}

/// promemu's own metrics, those of all runs included.
///
/// In the text format of Prometheus. They are about promemu, not about the hosts that it emulates.
#[utoipa::path(get, path = "/metrics", tag = "promemu",
    responses((status = 200, body = String, content_type = "text/plain")))]
pub(crate) async fn own_metrics(State(state): State<Arc<AppState>>) -> Result<Response, ApiError> {
    let page = state::own_metrics(&state).await?;
    Ok(([(header::CONTENT_TYPE, Format::Text.content_type())], page).into_response())
}

/// The version of promemu and of the API.
///
/// `api` changes only if clients have to.
#[utoipa::path(get, path = "/api/v1/version", tag = "promemu", responses((status = 200, body = Version)))]
pub(crate) async fn version() -> Json<Version> {
    Json(Version { version: env!("CARGO_PKG_VERSION"), api: "v1" })
}

/// The state of a run.
///
/// Its hosts by state, its series, its jobs, each output with its health, and what failed or was skipped: of all shards that
/// answer within a second, if it has several.
#[utoipa::path(get, path = "/api/v1/status", tag = "promemu", params(RunQuery),
    responses((status = 200, body = StatusView)))]
pub(crate) async fn status(
    State(state): State<Arc<AppState>>,
    Query(query): Query<RunQuery>,
) -> Answer<StatusView> {
    let (run, handle) = state.live_run(query.run.as_deref())?;
    let overview = blocking(&state, move |_| handle.overview()).await?;
    let (id, config) = (run.id().to_owned(), run.request().config.source.name().to_owned());
    let links = state.daemon().links.clone();
    Ok(Json(StatusView { run: id, config, state: run.phase(), links, shards: Vec::new(), overview }))
}
