//! `/api/v1/actions`: actions on all hosts that a pattern selects.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use promemu_run::handle::{ActedView, HostAction, Override};

use crate::error::ApiError;
use crate::json_body::JsonBody;
use crate::params::{Duration, RunQuery};
use crate::state::AppState;

/// An action, and the pattern of its hosts: a name, a pattern of names as in `web-*` or `web-0[12]`, or a label and a
/// pattern of its values as in `zone=north`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum ActionBody {
    /// Takes the hosts down: their pages answer 503, their pushes stop, and their state goes on.
    Down {
        /// The pattern of hosts.
        hosts: String,
        /// The emulated time for which they are down; until the action `up` by default.
        #[serde(rename = "for")]
        span: Option<Duration>,
    },
    /// Brings the hosts up again that were taken down; a fault of their config still holds them down.
    Up {
        /// The pattern of hosts.
        hosts: String,
    },
    /// Stops the hosts; they may be started again.
    Stop {
        /// The pattern of hosts.
        hosts: String,
    },
    /// Starts the hosts again that were stopped or have ended.
    Start {
        /// The pattern of hosts.
        hosts: String,
    },
    /// Removes the hosts; at least one host stays.
    Remove {
        /// The pattern of hosts.
        hosts: String,
    },
    /// Overrides the value that a metric shows, of those hosts that have the metric.
    Override {
        /// The pattern of hosts.
        hosts: String,
        /// The metric's name, with its labels in braces if it has some.
        metric: String,
        /// The value.
        value: f64,
        /// The emulated time for which it stands; until it is released by default.
        #[serde(rename = "for")]
        span: Option<Duration>,
        /// `true` if a counter may fall to it.
        #[serde(default)]
        allow_reset: bool,
    },
    /// Releases a metric's override, of those hosts that have the metric.
    Release {
        /// The pattern of hosts.
        hosts: String,
        /// The metric's name, with its labels in braces if it has some.
        metric: String,
    },
}

impl ActionBody {
    /// The pattern of hosts, and the action.
    pub(crate) fn read(self) -> Result<(String, HostAction), ApiError> {
        let read = |span: Option<Duration>| span.map(|span| span.read("for")).transpose();
        Ok(match self {
            Self::Down { hosts, span } => (hosts, HostAction::Down { span: read(span)? }),
            Self::Up { hosts } => (hosts, HostAction::Up),
            Self::Stop { hosts } => (hosts, HostAction::Stop),
            Self::Start { hosts } => (hosts, HostAction::Start),
            Self::Remove { hosts } => (hosts, HostAction::Remove),
            Self::Override { hosts, metric, value, span, allow_reset } => {
                let wanted = Override { value, span: read(span)?, may_fall: allow_reset };
                (hosts, HostAction::Override { metric, wanted })
            }
            Self::Release { hosts, metric } => (hosts, HostAction::Release { metric }),
        })
    }
}

/// Acts on all hosts that a pattern selects.
///
/// A plain name is a pattern, too. All hosts that the action can concern take it at one moment, or it is refused as a
/// whole: if the pattern selects none, or none that the action can concern. Of several shards, each does that for its hosts. It acts
/// after 50 ms of emulated time.
#[utoipa::path(post, path = "/api/v1/actions", tag = "hosts", params(RunQuery), request_body(content = ActionBody, examples(
        ("down" = (summary = "Take hosts down for a while", value = json!({ "action": "down", "hosts": "worker-*", "for": "2m" }))),
        ("override" = (summary = "Override a metric of many hosts", 
            value = json!({ "action": "override", "hosts": "worker-0[12]", "metric": "cpu_usage_percent", "value": 99, "for": "2m" }))),
    )),
    responses((status = 202, body = ActedView)))]
pub(crate) async fn act(
    State(state): State<Arc<AppState>>,
    Query(query): Query<RunQuery>,
    JsonBody(body): JsonBody<ActionBody>,
) -> Result<(StatusCode, Json<ActedView>), ApiError> {
    let handle = state.handle(query.run.as_deref())?;
    let (hosts, action) = body.read()?;
    Ok((StatusCode::ACCEPTED, Json(handle.act(&hosts, action).await?)))
}
