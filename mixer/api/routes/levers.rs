//! `/api/v1/levers`, `/api/v1/levers/NAME`: the levers of a run.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use promemu_run::handle::{LeverMove, LeverView};

use crate::error::Answer;
use crate::json_body::JsonBody;
use crate::params::{Duration, RunQuery};
use crate::state::{AppState, blocking};

/// A lever in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct LeverPath {
    /// The lever's name.
    #[param(example = "error_ratio")]
    name: String,
}

/// A value for a lever.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LeverBody {
    /// The value.
    value: f64,
    /// The emulated time for which it stands; until it is released by default.
    #[serde(rename = "for")]
    span: Option<Duration>,
    /// A pattern of hosts, as `web-*`, `web-0[12]` or `zone=north`; all hosts by default.
    hosts: Option<String>,
}

/// The hosts of a release.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReleaseQuery {
    /// The run's id; main by default.
    run: Option<String>,
    /// A pattern of hosts; all hosts by default.
    #[param(max_length = 500)]
    hosts: Option<String>,
}

/// All levers of a run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LeversView {
    levers: Vec<LeverView>,
}

/// Lists the levers with their defaults and their values now.
///
/// With the faults and the overrides that move each one now.
#[utoipa::path(get, path = "/api/v1/levers", tag = "levers", params(RunQuery),
    responses((status = 200, body = LeversView)))]
pub(crate) async fn levers(
    State(state): State<Arc<AppState>>,
    Query(query): Query<RunQuery>,
) -> Answer<LeversView> {
    let handle = state.handle(query.run.as_deref())?;
    let levers = blocking(&state, move |_| handle.levers()).await?;
    Ok(Json(LeversView { levers }))
}

/// Moves a lever, whatever faults do.
///
/// For all hosts, or for those of a pattern. The answer has the value that the lever has from now on. It stands until
/// it is released, or for `for`.
#[utoipa::path(put, path = "/api/v1/levers/{name}", tag = "levers",
    params(LeverPath, RunQuery),
    request_body(content = LeverBody, example = json!({ "value": 0.2, "for": "5m", "hosts": "worker-*" })),
    responses((status = 200, body = LeverView)))]
pub(crate) async fn move_lever(
    State(state): State<Arc<AppState>>,
    Path(LeverPath { name }): Path<LeverPath>,
    Query(query): Query<RunQuery>,
    JsonBody(body): JsonBody<LeverBody>,
) -> Answer<LeverView> {
    let handle = state.handle(query.run.as_deref())?;
    let LeverBody { value, span, hosts } = body;
    let span = span.map(|span| span.read("for")).transpose()?;
    handle.move_lever(&name, LeverMove { value, span, hosts }).await?;
    Ok(Json(handle.moved_lever(&name)?))
}

/// Lets a lever follow the config again.
///
/// For all hosts, or for those of a pattern.
#[utoipa::path(delete, path = "/api/v1/levers/{name}", tag = "levers",
    params(LeverPath, ReleaseQuery),
    responses((status = 200, body = LeverView)))]
pub(crate) async fn release_lever(
    State(state): State<Arc<AppState>>,
    Path(LeverPath { name }): Path<LeverPath>,
    Query(query): Query<ReleaseQuery>,
) -> Answer<LeverView> {
    let handle = state.handle(query.run.as_deref())?;
    handle.release_lever(&name, query.hosts).await?;
    Ok(Json(handle.moved_lever(&name)?))
}
