//! Errors of the API: one form for all, each with a code that stays.

use axum::Json;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::configs::ProblemView;
use promemu_core::error::{ConfigError, Error};
use promemu_run::handle;

/// A message that is longer says no more.
const MESSAGE_BYTES_MAX: usize = 4_096;

/// What every error looks like.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ErrorBody {
    error: ErrorView,
}

/// An error.
#[derive(Debug, Serialize, ToSchema)]
struct ErrorView {
    /// What kind it is; it stays the same for the same thing.
    code: &'static str,
    /// What it is, for people.
    message: String,
    /// What is wrong with a config.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<ProblemView>,
}

/// Why something is not done.
#[derive(Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    problems: Vec<ProblemView>,
}

/// What a handler gives.
pub(super) type Answer<T> = Result<Json<T>, ApiError>;

impl ApiError {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), problems: Vec::new() }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value", message)
    }

    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", message)
    }

    pub(super) fn too_many(message: impl Into<String>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many", message)
    }

    pub(super) fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }

    /// A config is no good.
    pub(super) fn config(error: &ConfigError) -> Self {
        match error {
            ConfigError::NotFound { .. } => {
                Self::new(StatusCode::NOT_FOUND, "unknown_config", error.to_string())
            }
            ConfigError::Unreadable { .. } => Self::invalid(error.to_string()),
            ConfigError::Invalid { sources, problems } => Self {
                problems: problems.iter().map(|problem| ProblemView::of(problem, sources)).collect(),
                ..Self::new(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "invalid_config",
                    "the config has errors; see problems",
                )
            },
        }
    }
}

impl From<handle::CommandError> for ApiError {
    fn from(refusal: handle::CommandError) -> Self {
        use handle::CommandError as Of;
        let (status, code) = match &refusal {
            Of::UnknownHost(_) => (StatusCode::NOT_FOUND, "unknown_host"),
            Of::UnknownMetric(_) => (StatusCode::NOT_FOUND, "unknown_metric"),
            Of::InvalidValue(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_value"),
            Of::CounterFalls(_) => (StatusCode::UNPROCESSABLE_ENTITY, "counter_falls"),
            Of::Conflict(_) => (StatusCode::CONFLICT, "conflict"),
            Of::TooMany(_) => (StatusCode::TOO_MANY_REQUESTS, "too_many"),
            Of::RunOver => (StatusCode::CONFLICT, "run_over"),
        };
        Self::new(status, code, refusal.to_string())
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::Config(error) => Self::config(&error),
            Error::Usage(message) => Self::invalid(message),
            other => Self::internal(other.to_string()),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Self { status, code, message, problems } = self;
        let mut response =
            (status, Json(ErrorBody { error: ErrorView { code, message, problems } })).into_response();
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// Gives the one form to errors that others have made: who routes, and who reads bodies, paths and queries.
pub(super) async fn in_one_form(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let is_json = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|content_type| content_type.as_bytes().starts_with(b"application/json"));
    if !(status.is_client_error() || status.is_server_error()) || is_json {
        return response;
    }
    let (code, told) = match status {
        StatusCode::NOT_FOUND => ("not_found", "there is nothing here; /docs shows what there is"),
        StatusCode::METHOD_NOT_ALLOWED => ("method_not_allowed", "this does not work with this method"),
        StatusCode::PAYLOAD_TOO_LARGE => ("body_too_large", "the body is larger than 1 MiB"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            ("unsupported_media_type", "the body must be JSON, with Content-Type: application/json")
        }
        StatusCode::UNPROCESSABLE_ENTITY => ("invalid_body", ""),
        _ if status.is_server_error() => ("internal", ""),
        _ => ("invalid_request", ""),
    };
    let (parts, body) = response.into_parts();
    let message = if told.is_empty() { read(body).await } else { told.to_owned() };
    let mut response = ApiError::new(status, code, message).into_response();
    if let Some(allow) = parts.headers.get(header::ALLOW) {
        response.headers_mut().insert(header::ALLOW, allow.clone());
    }
    response
}

/// What others have said, as this house says it.
async fn read(body: Body) -> String {
    let bytes = axum::body::to_bytes(body, MESSAGE_BYTES_MAX).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let mut chars = text.trim().trim_end_matches('.').chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}
