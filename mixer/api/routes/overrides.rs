//! `/api/v1/overrides`, `/api/v1/hosts/NAME/metrics/METRIC/override`: values that metrics show instead of their scenarios'.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use promemu_run::handle::{Override, OverrideView, SeriesView};

use crate::error::Answer;
use crate::json_body::JsonBody;
use crate::params::{Duration, MetricPath, RunQuery};
use crate::state::AppState;

/// A value for a metric to show.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OverrideBody {
    /// The value.
    value: f64,
    /// The emulated time for which it stands; until it is released by default.
    #[serde(rename = "for")]
    span: Option<Duration>,
    /// `true` if a counter may fall to it.
    #[serde(default)]
    allow_reset: bool,
}

/// All overrides of a run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OverridesView {
    overrides: Vec<OverrideView>,
}

/// Overrides the value that a metric shows.
///
/// The answer has the value that the metric shows from now on; it comes once the host has taken the override, after a
/// second at most. The scenario goes on underneath. A histogram or summary observes only this value. A counter may not
/// fall without `allow_reset`.
#[utoipa::path(put, path = "/api/v1/hosts/{name}/metrics/{metric}/override", tag = "metrics",
    params(MetricPath, RunQuery),
    request_body(content = OverrideBody,
        example = json!({ "value": 99, "for": "2m" })),
    responses((status = 200, body = SeriesView)))]
pub(crate) async fn set_override(
    State(state): State<Arc<AppState>>,
    Path(MetricPath { name, metric }): Path<MetricPath>,
    Query(query): Query<RunQuery>,
    JsonBody(body): JsonBody<OverrideBody>,
) -> Answer<SeriesView> {
    let handle = state.handle(query.run.as_deref())?;
    let span = body.span.map(|span| span.read("for")).transpose()?;
    let wanted = Override { value: body.value, span, may_fall: body.allow_reset };
    handle.set_override(&name, &metric, wanted).await?;
    Ok(Json(handle.overridden_metric(&name, &metric).await?))
}

/// Releases a metric's override: it shows its scenario's values again.
///
/// The answer comes once the metric shows its scenario's values again, after a second at most.
#[utoipa::path(delete, path = "/api/v1/hosts/{name}/metrics/{metric}/override", tag = "metrics",
    params(MetricPath, RunQuery),
    responses((status = 200, body = SeriesView)))]
pub(crate) async fn end_override(
    State(state): State<Arc<AppState>>,
    Path(MetricPath { name, metric }): Path<MetricPath>,
    Query(query): Query<RunQuery>,
) -> Answer<SeriesView> {
    let handle = state.handle(query.run.as_deref())?;
    handle.release_override(&name, &metric).await?;
    Ok(Json(handle.overridden_metric(&name, &metric).await?))
}

/// Lists all overrides.
///
/// Those of clients and of events that stand now, sorted by host.
#[utoipa::path(get, path = "/api/v1/overrides", tag = "metrics", params(RunQuery),
    responses((status = 200, body = OverridesView)))]
pub(crate) async fn overrides(
    State(state): State<Arc<AppState>>,
    Query(query): Query<RunQuery>,
) -> Answer<OverridesView> {
    let handle = state.handle(query.run.as_deref())?;
    Ok(Json(OverridesView { overrides: handle.overrides() }))
}
