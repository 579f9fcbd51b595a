//! `/api/v1/metrics`, `/api/v1/series`, `/api/v1/hosts/NAME/metrics/METRIC`: families, series, and one metric.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use utoipa::IntoParams;

use promemu_run::handle::{FamiliesPage, SeriesFilter, SeriesPage, SeriesView};

use crate::error::Answer;
use crate::params::{MetricPath, RunQuery, page_limit};
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
///
/// In the config's order, with the number of hosts that have each. `search` is a part of the name.
#[utoipa::path(get, path = "/api/v1/metrics", tag = "metrics", params(SeriesQuery),
    responses((status = 200, body = FamiliesPage)))]
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
///
/// Series of pools are not listed; `parts` has the labels of those of `metric`, if they are few. `metric` is a whole name, `search` a part of
/// the host's.
#[utoipa::path(get, path = "/api/v1/series", tag = "metrics", params(SeriesQuery),
    responses((status = 200, body = SeriesPage)))]
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
///
/// The value is null without a sample; of a metric with observations it is their number. The name may have labels in
/// braces, as in `disk_used_bytes{device="sda"}`, escaped in the path.
#[utoipa::path(get, path = "/api/v1/hosts/{name}/metrics/{metric}", tag = "metrics",
    params(MetricPath, RunQuery),
    responses((status = 200, body = SeriesView)))]
pub(crate) async fn metric(
    State(state): State<Arc<AppState>>,
    Path(MetricPath { name, metric }): Path<MetricPath>,
    Query(query): Query<RunQuery>,
) -> Answer<SeriesView> {
    let handle = state.handle(query.run.as_deref())?;
    Ok(Json(handle.metric(&name, &metric)?))
}
