//! `/api/v1/metrics`, `/api/v1/series`, `/api/v1/hosts/NAME/metrics/METRIC`: families, series, and one metric.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use utoipa::IntoParams;

use promemu_run::handle::{FamiliesPage, SeriesFilter, SeriesPage, SeriesView};

use crate::error::{Answer, ErrorBody};
use crate::params::{RunQuery, page_limit};
use crate::state::{AppState, blocking};

/// The metrics to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SeriesQuery {
    /// The run's id; main by default.
    run: Option<String>,
    /// The metric's name.
    metric: Option<String>,
    /// A part of the name: of the metric in a list of families, of the host in a list of series.
    #[param(max_length = 500)]
    search: Option<String>,
    /// The number of matches to skip.
    offset: Option<usize>,
    /// The most that are listed; 50 by default.
    #[param(maximum = 500)]
    limit: Option<usize>,
}

/// Lists families.
#[utoipa::path(get, path = "/api/v1/metrics", tag = "metrics", params(SeriesQuery),
    responses((status = 200, body = FamiliesPage), (status = "default", body = ErrorBody)))]
pub(crate) async fn metrics(
    State(state): State<Arc<AppState>>,
    Query(query): Query<SeriesQuery>,
) -> Answer<FamiliesPage> {
    let handle = state.handle(query.run.as_deref())?;
    let limit = page_limit(query.search.as_ref(), query.limit)?;
    let search = query.search.or(query.metric).unwrap_or_default();
    let offset = query.offset.unwrap_or(0);
    Ok(Json(blocking(&state, move |_| handle.families(&search, offset, limit)).await?))
}

/// Lists the series of hosts.
#[utoipa::path(get, path = "/api/v1/series", tag = "metrics", params(SeriesQuery),
    responses((status = 200, body = SeriesPage), (status = "default", body = ErrorBody)))]
pub(crate) async fn series(
    State(state): State<Arc<AppState>>,
    Query(query): Query<SeriesQuery>,
) -> Answer<SeriesPage> {
    let handle = state.handle(query.run.as_deref())?;
    let limit = page_limit(query.search.as_ref(), query.limit)?;
    let filter = SeriesFilter { metric: query.metric, search: query.search.unwrap_or_default() };
    let offset = query.offset.unwrap_or(0);
    Ok(Json(blocking(&state, move |_| handle.series(&filter, offset, limit)).await?))
}

/// One metric of one host.
#[utoipa::path(get, path = "/api/v1/hosts/{name}/metrics/{metric}", tag = "metrics",
    params(("name" = String, Path), ("metric" = String, Path), RunQuery),
    responses((status = 200, body = SeriesView), (status = "default", body = ErrorBody)))]
pub(crate) async fn metric(
    State(state): State<Arc<AppState>>,
    Path((name, metric)): Path<(String, String)>,
    Query(query): Query<RunQuery>,
) -> Answer<SeriesView> {
    let handle = state.handle(query.run.as_deref())?;
    Ok(Json(handle.metric(&name, &metric)?))
}
