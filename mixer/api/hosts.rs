//! Hosts and their metrics: to look at, and to steer.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::{Answer, ApiError, ErrorBody};
use super::params::Duration;
use super::{AppState, OfRun, blocking};
use promemu_run::handle::{
    FamiliesPage, HostDetail, HostFilter, HostView, HostsPage, NewHost, Override, OverrideView, SeriesFilter,
    SeriesPage, SeriesView,
};

/// A page has so many entries at most.
const LIMIT_MAX: usize = 500;
const LIMIT: usize = 50;
/// What nobody looks for.
const SEARCH_BYTES_MAX: usize = 500;

/// Which hosts are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct HostsQuery {
    /// The run; main if it is not given.
    run: Option<String>,
    /// A part of the name, or of a label's value.
    #[param(max_length = 500)]
    search: Option<String>,
    /// The job.
    job: Option<String>,
    /// `waiting`, `running`, `stopped` or `ended`.
    state: Option<String>,
    /// How many are left out.
    offset: Option<usize>,
    /// How many are listed, 50 if nothing is said.
    #[param(maximum = 500)]
    limit: Option<usize>,
}

/// Which metrics are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SeriesQuery {
    /// The run; main if it is not given.
    run: Option<String>,
    /// The metric's name.
    metric: Option<String>,
    /// A part of the name: of the metric, or, of a series, of the host.
    #[param(max_length = 500)]
    search: Option<String>,
    /// How many are left out.
    offset: Option<usize>,
    /// How many are listed, 50 if nothing is said.
    #[param(maximum = 500)]
    limit: Option<usize>,
}

/// A host that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HostBody {
    /// Its name.
    name: String,
    /// The host that it is like.
    template: String,
    /// Labels beside, or in place of, the template's.
    #[serde(default)]
    labels: IndexMap<String, String>,
    /// How long it lives, if not as long as the template.
    ttl: Option<Duration>,
}

/// What a metric is to show.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OverrideBody {
    value: f64,
    /// For how long, in emulated time; until it is released if nothing is said.
    #[serde(rename = "for")]
    span: Option<Duration>,
    /// Whether a counter may fall to it.
    #[serde(default)]
    allow_reset: bool,
}

/// All that metrics show by order.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OverridesView {
    overrides: Vec<OverrideView>,
}

fn page(search: Option<&String>, limit: Option<usize>) -> Result<usize, ApiError> {
    if search.is_some_and(|search| search.len() > SEARCH_BYTES_MAX) {
        return Err(ApiError::invalid(format!("search has {SEARCH_BYTES_MAX} bytes at most")));
    }
    match limit.unwrap_or(LIMIT) {
        limit if limit <= LIMIT_MAX => Ok(limit),
        limit => Err(ApiError::invalid(format!("limit is {LIMIT_MAX} at most, but is {limit}"))),
    }
}

/// A part of the hosts.
#[utoipa::path(get, path = "/api/v1/hosts", tag = "hosts", params(HostsQuery),
    responses((status = 200, body = HostsPage), (status = "default", body = ErrorBody)))]
pub(super) async fn hosts(
    State(desk): State<Arc<AppState>>,
    Query(query): Query<HostsQuery>,
) -> Answer<HostsPage> {
    let (_, remote) = desk.remote(query.run.as_deref())?;
    let limit = page(query.search.as_ref(), query.limit)?;
    if let Some(state) = &query.state
        && !["waiting", "running", "stopped", "ended"].contains(&state.as_str())
    {
        return Err(ApiError::invalid("state is waiting, running, stopped or ended"));
    }
    let filter = HostFilter { search: query.search.unwrap_or_default(), job: query.job, state: query.state };
    let offset = query.offset.unwrap_or(0);
    Ok(Json(blocking(&desk, move |_| remote.hosts(&filter, offset, limit)).await?))
}

/// One host with its metrics.
#[utoipa::path(get, path = "/api/v1/hosts/{name}", tag = "hosts", params(("name" = String, Path), OfRun),
    responses((status = 200, body = HostDetail), (status = "default", body = ErrorBody)))]
pub(super) async fn host(
    State(desk): State<Arc<AppState>>,
    Path(name): Path<String>,
    Query(of): Query<OfRun>,
) -> Answer<HostDetail> {
    let (_, remote) = desk.remote(of.run.as_deref())?;
    Ok(Json(remote.host(&name)?))
}

/// Adds a host that is like another one.
#[utoipa::path(post, path = "/api/v1/hosts", tag = "hosts", params(OfRun), request_body = HostBody,
    responses((status = 201, body = HostView), (status = "default", body = ErrorBody)))]
pub(super) async fn add_host(
    State(desk): State<Arc<AppState>>,
    Query(of): Query<OfRun>,
    Json(body): Json<HostBody>,
) -> Result<(StatusCode, Json<HostView>), ApiError> {
    let (_, remote) = desk.remote(of.run.as_deref())?;
    let HostBody { name, template, labels, ttl } = body;
    let new = NewHost {
        name: name.clone(),
        template,
        labels: labels.into_iter().collect(),
        ttl: ttl.map(|ttl| ttl.longer_than_nothing("ttl")).transpose()?,
        series_max: desk.daemon.series_max,
    };
    remote.add_host(new).await?;
    Ok((StatusCode::CREATED, Json(remote.host_view(&name)?)))
}

/// Removes a host.
#[utoipa::path(delete, path = "/api/v1/hosts/{name}", tag = "hosts", params(("name" = String, Path), OfRun),
    responses((status = 204), (status = "default", body = ErrorBody)))]
pub(super) async fn remove_host(
    State(desk): State<Arc<AppState>>,
    Path(name): Path<String>,
    Query(of): Query<OfRun>,
) -> Result<StatusCode, ApiError> {
    let (_, remote) = desk.remote(of.run.as_deref())?;
    remote.remove_host(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends a host; it may be started again.
#[utoipa::path(post, path = "/api/v1/hosts/{name}/stop", tag = "hosts", params(("name" = String, Path), OfRun),
    responses((status = 202, body = HostView), (status = "default", body = ErrorBody)))]
pub(super) async fn stop_host(
    State(desk): State<Arc<AppState>>,
    Path(name): Path<String>,
    Query(of): Query<OfRun>,
) -> Result<(StatusCode, Json<HostView>), ApiError> {
    let (_, remote) = desk.remote(of.run.as_deref())?;
    remote.stop_host(&name).await?;
    Ok((StatusCode::ACCEPTED, Json(remote.host_view(&name)?)))
}

/// Starts a host anew that was stopped or is over.
#[utoipa::path(post, path = "/api/v1/hosts/{name}/start", tag = "hosts", params(("name" = String, Path), OfRun),
    responses((status = 202, body = HostView), (status = "default", body = ErrorBody)))]
pub(super) async fn start_host(
    State(desk): State<Arc<AppState>>,
    Path(name): Path<String>,
    Query(of): Query<OfRun>,
) -> Result<(StatusCode, Json<HostView>), ApiError> {
    let (_, remote) = desk.remote(of.run.as_deref())?;
    remote.start_host(&name).await?;
    Ok((StatusCode::ACCEPTED, Json(remote.host_view(&name)?)))
}

/// A part of the families.
#[utoipa::path(get, path = "/api/v1/metrics", tag = "metrics", params(SeriesQuery),
    responses((status = 200, body = FamiliesPage), (status = "default", body = ErrorBody)))]
pub(super) async fn metrics(
    State(desk): State<Arc<AppState>>,
    Query(query): Query<SeriesQuery>,
) -> Answer<FamiliesPage> {
    let (_, remote) = desk.remote(query.run.as_deref())?;
    let limit = page(query.search.as_ref(), query.limit)?;
    let search = query.search.or(query.metric).unwrap_or_default();
    let offset = query.offset.unwrap_or(0);
    Ok(Json(blocking(&desk, move |_| remote.families(&search, offset, limit)).await?))
}

/// A part of the metrics of all hosts.
#[utoipa::path(get, path = "/api/v1/series", tag = "metrics", params(SeriesQuery),
    responses((status = 200, body = SeriesPage), (status = "default", body = ErrorBody)))]
pub(super) async fn series(
    State(desk): State<Arc<AppState>>,
    Query(query): Query<SeriesQuery>,
) -> Answer<SeriesPage> {
    let (_, remote) = desk.remote(query.run.as_deref())?;
    let limit = page(query.search.as_ref(), query.limit)?;
    let filter = SeriesFilter { metric: query.metric, search: query.search.unwrap_or_default() };
    let offset = query.offset.unwrap_or(0);
    Ok(Json(blocking(&desk, move |_| remote.series(&filter, offset, limit)).await?))
}

/// One metric of one host.
#[utoipa::path(get, path = "/api/v1/hosts/{name}/metrics/{metric}", tag = "metrics",
    params(("name" = String, Path), ("metric" = String, Path), OfRun),
    responses((status = 200, body = SeriesView), (status = "default", body = ErrorBody)))]
pub(super) async fn metric(
    State(desk): State<Arc<AppState>>,
    Path((name, metric)): Path<(String, String)>,
    Query(of): Query<OfRun>,
) -> Answer<SeriesView> {
    let (_, remote) = desk.remote(of.run.as_deref())?;
    Ok(Json(remote.metric(&name, &metric)?))
}

/// Lets a metric show a value.
#[utoipa::path(put, path = "/api/v1/hosts/{name}/metrics/{metric}/override", tag = "metrics",
    params(("name" = String, Path), ("metric" = String, Path), OfRun), request_body = OverrideBody,
    responses((status = 200, body = SeriesView), (status = "default", body = ErrorBody)))]
pub(super) async fn set_override(
    State(desk): State<Arc<AppState>>,
    Path((name, metric)): Path<(String, String)>,
    Query(of): Query<OfRun>,
    Json(body): Json<OverrideBody>,
) -> Answer<SeriesView> {
    let (_, remote) = desk.remote(of.run.as_deref())?;
    let span = body.span.map(|span| span.longer_than_nothing("for")).transpose()?;
    let order = Override { value: body.value, span, may_fall: body.allow_reset };
    remote.show(&name, &metric, order).await?;
    Ok(Json(remote.metric(&name, &metric)?))
}

/// Lets a metric show again what its scenario says.
#[utoipa::path(delete, path = "/api/v1/hosts/{name}/metrics/{metric}/override", tag = "metrics",
    params(("name" = String, Path), ("metric" = String, Path), OfRun),
    responses((status = 200, body = SeriesView), (status = "default", body = ErrorBody)))]
pub(super) async fn end_override(
    State(desk): State<Arc<AppState>>,
    Path((name, metric)): Path<(String, String)>,
    Query(of): Query<OfRun>,
) -> Answer<SeriesView> {
    let (_, remote) = desk.remote(of.run.as_deref())?;
    remote.release(&name, &metric).await?;
    Ok(Json(remote.metric(&name, &metric)?))
}

/// All that metrics show by order.
#[utoipa::path(get, path = "/api/v1/overrides", tag = "metrics", params(OfRun),
    responses((status = 200, body = OverridesView), (status = "default", body = ErrorBody)))]
pub(super) async fn overrides(
    State(desk): State<Arc<AppState>>,
    Query(of): Query<OfRun>,
) -> Answer<OverridesView> {
    let (_, remote) = desk.remote(of.run.as_deref())?;
    Ok(Json(OverridesView { overrides: remote.overrides() }))
}
