//! Events: to post, to hear, and which ones do something.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use utoipa::{IntoParams, ToSchema};

use super::error::{Answer, ApiError, ErrorBody};
use super::runs::{Run, is_over};
use super::stream::{Frames, Gone, KEEP_ALIVE, stream};
use super::{AppState, OfRun, blocking};
use promemu_core::event::Event;
use promemu_run::event_tap::{TapItem, TapReceiver};
use promemu_run::handle::{EventView, ListenedEvent, Posted};

/// The source of an event that says none.
const SOURCE: &str = "api";

/// So many events are remembered.
const LAST_MAX: usize = 500;

/// What hosts listen to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventsView {
    events: Vec<ListenedEvent>,
}

/// An event that is to happen.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EventBody {
    name: String,
    /// `api`, or a host that is to count as the one that emitted it.
    source: Option<String>,
    /// What it carries.
    #[schema(value_type = Object)]
    #[serde(default)]
    data: serde_json::Value,
}

/// Which events are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct StreamQuery {
    /// The run; main if it is not given.
    run: Option<String>,
    /// The event's name.
    name: Option<String>,
    /// Who emits it.
    source: Option<String>,
    /// How many of the newest events come first; 500 are remembered.
    #[param(maximum = 500)]
    last: Option<usize>,
}

/// The events that hosts listen to: faults and load among them.
#[utoipa::path(get, path = "/api/v1/events", tag = "events", params(OfRun),
    responses((status = 200, body = EventsView), (status = "default", body = ErrorBody)))]
pub(super) async fn listened(
    State(desk): State<Arc<AppState>>,
    Query(of): Query<OfRun>,
) -> Answer<EventsView> {
    let (_, remote) = desk.remote(of.run.as_deref())?;
    let events = blocking(&desk, move |_| remote.listened_events()).await?;
    Ok(Json(EventsView { events }))
}

/// Posts an event.
#[utoipa::path(post, path = "/api/v1/events", tag = "events", params(OfRun), request_body = EventBody,
    responses((status = 202, body = Posted), (status = "default", body = ErrorBody)))]
pub(super) async fn post_event(
    State(desk): State<Arc<AppState>>,
    Query(of): Query<OfRun>,
    Json(body): Json<EventBody>,
) -> Result<(StatusCode, Json<Posted>), ApiError> {
    let (_, remote) = desk.remote(of.run.as_deref())?;
    let source = body.source.as_deref().unwrap_or(SOURCE);
    Ok((StatusCode::ACCEPTED, Json(remote.emit(&body.name, source, body.data).await?)))
}

/// All events as they happen, as server-sent events: `event`, `missed`, `end`.
#[utoipa::path(get, path = "/api/v1/events/stream", tag = "events", params(StreamQuery),
    responses((status = 200, body = String, content_type = "text/event-stream"), (status = "default", body = ErrorBody)))]
pub(super) async fn events(
    State(desk): State<Arc<AppState>>,
    Query(query): Query<StreamQuery>,
) -> Result<Response, ApiError> {
    let (run, remote) = desk.remote(query.run.as_deref())?;
    let permit = desk.stream_permit()?;
    let last = query.last.unwrap_or(0);
    if last > LAST_MAX {
        return Err(ApiError::invalid(format!("last is {LAST_MAX} at most, but is {last}")));
    }
    let listener = remote.listen();
    let remembered = remote.remembered_events(last);
    Ok(stream(permit, move |frames| tell(run, remembered, listener, query, frames)))
}

async fn tell(
    run: Arc<Run>,
    remembered: Vec<Arc<Event>>,
    mut listener: TapReceiver,
    query: StreamQuery,
    frames: Frames,
) -> Result<(), Gone> {
    // So the client knows at once that it is heard.
    frames.keep_alive().await?;
    let mut over = run.phases();
    let is_meant =
        |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
    let is_wanted =
        |event: &Event| is_meant(&query.name, &event.name) && is_meant(&query.source, &event.source);
    for event in remembered.iter().filter(|event| is_wanted(event)) {
        frames.send("event", &EventView::from(&**event)).await?;
    }
    loop {
        tokio::select! {
            biased;
            heard = timeout(KEEP_ALIVE, listener.next()) => match heard {
                // What has just been remembered may be heard, too.
                Ok(Some(TapItem::Event(event))) => {
                    if is_wanted(&event) && !remembered.iter().any(|known| Arc::ptr_eq(known, &event)) {
                        frames.send("event", &EventView::from(&*event)).await?;
                    }
                }
                Ok(Some(TapItem::Missed(missed))) => {
                    frames.send("missed", &serde_json::json!({ "missed": missed })).await?;
                }
                Ok(None) => return frames.send("end", &serde_json::json!({})).await,
                Err(_) => frames.keep_alive().await?,
            },
            () = is_over(&mut over) => {
                return frames.send("end", &serde_json::json!({})).await;
            }
            () = frames.gone() => return Err(Gone),
        }
    }
}
