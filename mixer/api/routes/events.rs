//! `/api/v1/events`: the events that hosts listen to, an event that a client emits, and a stream of all events.

use std::future::ready;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use promemu_core::event::{CLIENT_SOURCE, Event};
use promemu_run::event_tap::{TapItem, TapReceiver};
use promemu_run::handle::{CommandError, EventView, ListenedEvent, Posted};

use crate::error::{Answer, ApiError};
use crate::json_body::JsonBody;
use crate::params::RunQuery;
use crate::runs::entry::RunEntry;
use crate::sse::{Disconnected, EventSender, stream};
use crate::state::{AppState, blocking};

/// The most recent events that a run keeps.
const LAST_MAX: usize = 500;

/// The events that hosts listen to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventsView {
    events: Vec<ListenedEvent>,
}

/// An event to emit.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventBody {
    /// Its name.
    pub(crate) name: String,
    /// Its source: `api` by default, or the host that counts as its emitter.
    pub(crate) source: Option<String>,
    /// Its data.
    #[schema(value_type = Object)]
    #[serde(default)]
    pub(crate) data: serde_json::Value,
}

/// The events to stream.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct StreamQuery {
    /// The run's id; main by default.
    run: Option<String>,
    /// The event's name; any by default.
    name: Option<String>,
    /// The event's source; any by default.
    source: Option<String>,
    /// The number of recent events that come first; a run keeps 500.
    #[param(maximum = 500)]
    last: Option<usize>,
}

/// Lists the events that hosts listen to, and their effects.
///
/// With the number of hosts that listen to each, and what it changes there.
#[utoipa::path(get, path = "/api/v1/events", tag = "events", params(RunQuery),
    responses((status = 200, body = EventsView)))]
pub(crate) async fn listened(
    State(state): State<Arc<AppState>>,
    Query(query): Query<RunQuery>,
) -> Answer<EventsView> {
    let handle = state.handle(query.run.as_deref())?;
    let events = blocking(&state, move |_| handle.listened_events()).await?;
    Ok(Json(EventsView { events }))
}

/// Emits an event.
///
/// It reaches hosts after 50 ms of emulated time. `hearers` of the answer is the number of hosts that took it. Names of
/// events of promemu's own, as `run_started`, are refused.
#[utoipa::path(post, path = "/api/v1/events", tag = "events",
    params(RunQuery),
    request_body(content = EventBody, example = json!({ "name": "load_peak_start", "data": { "by": "hand" } })),
    responses((status = 202, body = Posted)))]
pub(crate) async fn post_event(
    State(state): State<Arc<AppState>>,
    Query(query): Query<RunQuery>,
    JsonBody(body): JsonBody<EventBody>,
) -> Result<(StatusCode, Json<Posted>), ApiError> {
    let handle = state.handle(query.run.as_deref())?;
    let source = body.source.as_deref().unwrap_or(CLIENT_SOURCE);
    Ok((StatusCode::ACCEPTED, Json(handle.emit(&body.name, source, body.data).await?)))
}

/// Streams events as they happen, as server-sent events.
///
/// Events are `event`, with the name, source, data and time of one; `missed`, with the number that a slow client has
/// missed; `dropped`, if the stream ends because its client takes nothing; `end`, when the run is over. The run need
/// not have started yet.
#[utoipa::path(get, path = "/api/v1/events/stream", tag = "events", params(StreamQuery),
    responses((status = 200, body = String, content_type = "text/event-stream")))]
pub(crate) async fn events(
    State(state): State<Arc<AppState>>,
    Query(query): Query<StreamQuery>,
) -> Result<Response, ApiError> {
    let run = state.run(query.run.as_deref())?;
    if run.phase().is_over() {
        return Err(ApiError::Command(CommandError::RunOver));
    }
    let permit = state.stream_permit()?;
    let last = query.last.unwrap_or(0);
    if last > LAST_MAX {
        return Err(ApiError::invalid(format!("last is {LAST_MAX} at most, but is {last}")));
    }
    let events = run.events().listen();
    let recent = run.events().remembered(last);
    Ok(stream(permit, move |sender| forward(run, recent, events, query, sender)))
}

/// Sends the events that match, the recent ones first, until the run is over.
async fn forward(
    run: Arc<RunEntry>,
    recent: Vec<Arc<Event>>,
    mut events: TapReceiver,
    query: StreamQuery,
    sender: EventSender,
) -> Result<(), Disconnected> {
    sender.open().await?;
    let is_any_or =
        |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
    let matches =
        |event: &Event| is_any_or(&query.name, &event.name) && is_any_or(&query.source, &event.source);
    for event in recent.iter().filter(|event| matches(event)) {
        sender.send("event", &EventView::from(&**event)).await?;
    }
    loop {
        let next = tokio::select! {
            biased;
            next = events.next() => next,
            // The last events were told before the end, perhaps since the line above looked.
            () = run.over() => tokio::select! {
                biased;
                next = events.next() => next,
                () = ready(()) => None,
            },
            () = sender.disconnected() => return Err(Disconnected),
        };
        match next {
            // An event may be recent and received, too: the subscription began first.
            Some(TapItem::Event(event)) => {
                if matches(&event) && !recent.iter().any(|known| Arc::ptr_eq(known, &event)) {
                    sender.send("event", &EventView::from(&*event)).await?;
                }
            }
            Some(TapItem::Missed(missed)) => {
                sender.send("missed", &serde_json::json!({ "missed": missed })).await?;
            }
            None => return sender.send("end", &serde_json::json!({})).await,
        }
    }
}
