//! `/api/v1/timeline`, `/api/v1/faults/ID`: the timeline of a run, and its faults.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use promemu_core::time::Span;
use promemu_run::handle::{FaultView, SpansView, TimelineView};

use crate::error::{Answer, ApiError};
use crate::json_body::JsonBody;
use crate::params::{Duration, RunQuery};
use crate::state::AppState;

/// A fault in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct FaultPath {
    /// The fault's id in the config.
    #[param(example = "db-slow")]
    fault: String,
}

/// A phase to skip to.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SkipBody {
    /// The phase's name.
    phase: String,
}

/// The begin of a fault.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaultBody {
    /// The emulated time for which it is on; as long as in the config by default.
    #[serde(rename = "for")]
    span: Option<Duration>,
}

/// Shows where the timeline stands, and which faults are on.
///
/// A run without a timeline has no phases, but may have faults.
#[utoipa::path(get, path = "/api/v1/timeline", tag = "timeline", params(RunQuery),
    responses((status = 200, body = TimelineView)))]
pub(crate) async fn timeline(
    State(state): State<Arc<AppState>>,
    Query(query): Query<RunQuery>,
) -> Answer<TimelineView> {
    Ok(Json(state.handle(query.run.as_deref())?.timeline()))
}

/// Seconds of [`spans`] unless the client says otherwise.
const LAST_SECONDS: f64 = 3600.0;

/// The time that is looked back.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LastQuery {
    /// The run's id; main by default.
    run: Option<String>,
    /// The emulated seconds up to now; an hour by default.
    last_seconds: Option<f64>,
}

/// Shows what happened lately: phases, faults with their truth, events, and what clients did.
///
/// Spans are phases, faults, hosts that are taken down or stopped, overrides and levers of clients, and edits. Marks are
/// events, without those that come all the time.
#[utoipa::path(get, path = "/api/v1/spans", tag = "timeline", params(LastQuery),
    responses((status = 200, body = SpansView)))]
pub(crate) async fn spans(
    State(state): State<Arc<AppState>>,
    Query(query): Query<LastQuery>,
) -> Answer<SpansView> {
    let seconds = query.last_seconds.unwrap_or(LAST_SECONDS);
    let last = Span::from_secs_f64(seconds).filter(|last| *last > Span::ZERO);
    let last =
        last.ok_or_else(|| ApiError::invalid(format!("last_seconds must be above 0, but is {seconds}")))?;
    Ok(Json(state.handle(query.run.as_deref())?.spans(last)))
}

/// Skips to the begin of a phase, forward or back.
///
/// The present phase ends, and faults of the timeline that are on end with it. Levers have the values that they have when the
/// timeline comes to the phase by itself. The ground truth has the times as they really were.
#[utoipa::path(post, path = "/api/v1/timeline/skip", tag = "timeline", params(RunQuery),
    request_body(content = SkipBody, example = json!({ "phase": "peak" })),
    responses((status = 200, body = TimelineView)))]
pub(crate) async fn skip_phase(
    State(state): State<Arc<AppState>>,
    Query(query): Query<RunQuery>,
    JsonBody(SkipBody { phase }): JsonBody<SkipBody>,
) -> Answer<TimelineView> {
    let handle = state.handle(query.run.as_deref())?;
    handle.skip_to(&phase).await?;
    Ok(Json(handle.changed_timeline()))
}

/// Begins a fault of the config now.
///
/// For as long as it lasts in the config, or for `for`. Its planned times go on after that.
#[utoipa::path(put, path = "/api/v1/faults/{fault}", tag = "timeline", params(FaultPath, RunQuery),
    request_body(content = FaultBody, example = json!({ "for": "2m" })),
    responses((status = 200, body = FaultView)))]
pub(crate) async fn begin_fault(
    State(state): State<Arc<AppState>>,
    Path(FaultPath { fault }): Path<FaultPath>,
    Query(query): Query<RunQuery>,
    JsonBody(FaultBody { span }): JsonBody<FaultBody>,
) -> Answer<FaultView> {
    let handle = state.handle(query.run.as_deref())?;
    let span = span.map(|span| span.read("for")).transpose()?;
    handle.begin_fault(&fault, span).await?;
    Ok(Json(handle.changed_fault(&fault)?))
}

/// Ends a fault that is on.
///
/// The next time at which it begins by plan counts again.
#[utoipa::path(delete, path = "/api/v1/faults/{fault}", tag = "timeline", params(FaultPath, RunQuery),
    responses((status = 200, body = FaultView)))]
pub(crate) async fn end_fault(
    State(state): State<Arc<AppState>>,
    Path(FaultPath { fault }): Path<FaultPath>,
    Query(query): Query<RunQuery>,
) -> Answer<FaultView> {
    let handle = state.handle(query.run.as_deref())?;
    handle.end_fault(&fault).await?;
    Ok(Json(handle.changed_fault(&fault)?))
}
