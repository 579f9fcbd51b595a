//! `/api/v1/hosts`: the hosts of a run; they are added, removed, stopped and started.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use indexmap::IndexMap;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use promemu_run::handle::{FleetMapView, HostDetail, HostFilter, HostView, HostsPage, NewHost};

use crate::config_source::POSTED_MEMORY_MAX;
use crate::error::{Answer, ApiError};
use crate::json_body::JsonBody;
use crate::params::{Duration, HostPath, RunQuery, page_limit};
use crate::state::{AppState, blocking};

/// A longer pattern selects nothing.
const PATTERN_CHARS_MAX: usize = 1_000;

/// The hosts to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct HostsQuery {
    /// The run's id; main by default.
    run: Option<String>,
    /// A part of the name, or of a label's value.
    #[param(max_length = 500)]
    search: Option<String>,
    /// The job.
    job: Option<String>,
    /// `waiting`, `running`, `down`, `stopped` or `ended`.
    state: Option<String>,
    /// A pattern of hosts: a name, a pattern of names as in `web-*` or `web-0[12]`, or a label and a pattern of its values as
    /// in `zone=north`.
    #[param(max_length = 1000)]
    hosts: Option<String>,
    /// The number of matches to skip.
    offset: Option<usize>,
    /// The most that are listed; 50 by default.
    #[param(maximum = 500)]
    limit: Option<usize>,
}

/// The values of the cells.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct FleetQuery {
    /// The run's id; main by default.
    run: Option<String>,
    /// The name of a gauge; the states of the hosts by default.
    metric: Option<String>,
}

/// Shows all hosts at a glance: four bits for each.
///
/// In the order of `/api/v1/hosts`: its state, or the level of a gauge that it has; the mean, if it has several series of it.
#[utoipa::path(get, path = "/api/v1/fleet", tag = "hosts", params(FleetQuery),
    responses((status = 200, body = FleetMapView)))]
pub(crate) async fn fleet(
    State(state): State<Arc<AppState>>,
    Query(FleetQuery { run, metric }): Query<FleetQuery>,
) -> Answer<FleetMapView> {
    let handle = state.handle(run.as_deref())?;
    let map = blocking(&state, move |_| handle.fleet_map(metric.as_deref())).await?;
    Ok(Json(map.ok_or_else(|| ApiError::invalid("metric is the name of a gauge of the run"))?))
}

/// A host to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HostBody {
    /// Its name.
    name: String,
    /// The name of the host that it is like.
    template: String,
    /// Labels that are added to the template's, or replace them.
    #[serde(default)]
    labels: IndexMap<String, String>,
    /// Its time to live; the template's by default.
    ttl: Option<Duration>,
}

/// Lists hosts.
///
/// In the config's order; added hosts come last. All filters that are given must match. `matched` is the number of
/// matches, of which `offset` and `limit` choose a part.
#[utoipa::path(get, path = "/api/v1/hosts", tag = "hosts", params(HostsQuery),
    responses((status = 200, body = HostsPage)))]
pub(crate) async fn hosts(
    State(state): State<Arc<AppState>>,
    Query(query): Query<HostsQuery>,
) -> Answer<HostsPage> {
    let handle = state.handle(query.run.as_deref())?;
    let limit = page_limit(query.search.as_ref(), query.limit)?;
    if let Some(state) = &query.state
        && !["waiting", "running", "down", "stopped", "ended"].contains(&state.as_str())
    {
        return Err(ApiError::invalid("state is waiting, running, down, stopped or ended"));
    }
    if query.hosts.as_ref().is_some_and(|pattern| pattern.chars().nth(PATTERN_CHARS_MAX).is_some()) {
        return Err(ApiError::invalid(format!("hosts has {PATTERN_CHARS_MAX} characters at most")));
    }
    let HostsQuery { search, job, state: host_state, hosts: pattern, .. } = query;
    let filter = HostFilter { search: search.unwrap_or_default(), job, state: host_state, pattern };
    let offset = query.offset.unwrap_or(0);
    Ok(Json(blocking(&state, move |_| handle.hosts(&filter, offset, limit)).await??))
}

/// One host with its metrics.
///
/// Its labels, its state, and the present values of at most 500 metrics.
#[utoipa::path(get, path = "/api/v1/hosts/{name}", tag = "hosts",
    params(HostPath, RunQuery),
    responses((status = 200, body = HostDetail)))]
pub(crate) async fn host(
    State(state): State<Arc<AppState>>,
    Path(HostPath { name }): Path<HostPath>,
    Query(query): Query<RunQuery>,
) -> Answer<HostDetail> {
    let handle = state.handle(query.run.as_deref())?;
    Ok(Json(handle.host(&name)?))
}

/// Adds a host that is like another one.
///
/// It has the metrics of `template`, with values of its own, and starts at once. A label of the template that has the
/// template's name has the new host's.
#[utoipa::path(post, path = "/api/v1/hosts", tag = "hosts",
    params(RunQuery),
    request_body(content = HostBody,
        example = json!({ "name": "worker-10", "template": "worker-01", "labels": { "zone": "north" }, "ttl": "15m" })),
    responses((status = 201, body = HostView)))]
pub(crate) async fn add_host(
    State(state): State<Arc<AppState>>,
    Query(query): Query<RunQuery>,
    JsonBody(body): JsonBody<HostBody>,
) -> Result<(StatusCode, Json<HostView>), ApiError> {
    let handle = state.handle(query.run.as_deref())?;
    let HostBody { name, template, labels, ttl } = body;
    let new = NewHost {
        name: name.clone(),
        template,
        labels: labels.into_iter().collect(),
        ttl: ttl.map(|ttl| ttl.read("ttl")).transpose()?,
        series_max: state.daemon().series_max,
        memory_max: state.daemon().memory_max.min(POSTED_MEMORY_MAX),
    };
    handle.add_host(new).await?;
    Ok((StatusCode::CREATED, Json(handle.host_view(&name)?)))
}

/// Removes a host.
///
/// Its series disappear. The last host of a run stays; stop the run instead.
#[utoipa::path(delete, path = "/api/v1/hosts/{name}", tag = "hosts",
    params(HostPath, RunQuery),
    responses((status = 204)))]
pub(crate) async fn remove_host(
    State(state): State<Arc<AppState>>,
    Path(HostPath { name }): Path<HostPath>,
    Query(query): Query<RunQuery>,
) -> Result<StatusCode, ApiError> {
    let handle = state.handle(query.run.as_deref())?;
    handle.remove_host(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Stops a host; it may be started again.
///
/// Its series disappear until it is started again. An action `down` of `/api/v1/actions` lets its state go on instead.
#[utoipa::path(post, path = "/api/v1/hosts/{name}/stop", tag = "hosts",
    params(HostPath, RunQuery),
    responses((status = 202, body = HostView)))]
pub(crate) async fn stop_host(
    State(state): State<Arc<AppState>>,
    Path(HostPath { name }): Path<HostPath>,
    Query(query): Query<RunQuery>,
) -> Result<(StatusCode, Json<HostView>), ApiError> {
    let handle = state.handle(query.run.as_deref())?;
    handle.stop_host(&name).await?;
    Ok((StatusCode::ACCEPTED, Json(handle.host_view(&name)?)))
}

/// Starts a host again that was stopped or has ended.
///
/// It begins anew, with its whole ttl.
#[utoipa::path(post, path = "/api/v1/hosts/{name}/start", tag = "hosts",
    params(HostPath, RunQuery),
    responses((status = 202, body = HostView)))]
pub(crate) async fn start_host(
    State(state): State<Arc<AppState>>,
    Path(HostPath { name }): Path<HostPath>,
    Query(query): Query<RunQuery>,
) -> Result<(StatusCode, Json<HostView>), ApiError> {
    let handle = state.handle(query.run.as_deref())?;
    handle.start_host(&name).await?;
    Ok((StatusCode::ACCEPTED, Json(handle.host_view(&name)?)))
}
