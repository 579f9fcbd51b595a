//! Errors of the API: every answer that is no success has the same JSON form, with a code that stays the same.

use axum::Json;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use promemu_core::error::{ConfigError, Error};
use promemu_run::handle::CommandError;
use promemu_run::outputs::RunConflict;

use crate::error_code::ErrorCode;
use crate::problem::ProblemView;

/// A message of a library is cut after this many bytes.
const MESSAGE_BYTES_MAX: usize = 4_096;

/// The result of a handler.
pub(crate) type Answer<T> = Result<Json<T>, ApiError>;

/// The body of every error.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    error: ErrorView,
}

/// An error.
#[derive(Debug, Serialize, ToSchema)]
struct ErrorView {
    /// The kind of error, for programs. It stays the same from version to version.
    code: &'static str,
    /// The error and the way out, for people.
    message: String,
    /// The problems of a config.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<ProblemView>,
}

/// The reason for which a request is not served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("there is no run {0:?}; /api/v1/runs lists them")]
    UnknownRun(String),
    #[error("there is no recording {0:?}; /api/v1/recordings lists them")]
    UnknownRecording(String),
    #[error("there is no config {0:?}; /api/v1/configs lists them")]
    UnknownConfig(String),
    #[error("{}", config_message(.0))]
    Config(Box<ConfigError>),
    /// A parameter or a field of the body; the message names it and its rule.
    #[error("{0}")]
    InvalidValue(String),
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error("there is a run {0:?} already; choose another id")]
    RunExists(String),
    #[error("run {0:?} has not started yet; try again")]
    RunNotStarted(String),
    #[error("run {0:?} has started already")]
    RunStarted(String),
    #[error(
        "no simulation runs; create one with POST /api/v1/simulations, and start it with POST /api/v1/simulations/ID/start"
    )]
    NoSimulation,
    #[error("run {0:?} has no simulated processes; /api/v1/simulations lists those that have")]
    NotASimulation(String),
    #[error("run {0:?} does not run")]
    RunNotRunning(String),
    #[error("run {0:?} runs; stop it first")]
    RunRunning(String),
    #[error("the daemon's own run cannot be deleted; stop it, and promemu ends")]
    MainRunKept,
    #[error(transparent)]
    RunConflict(#[from] RunConflict),
    #[error(
        "run {0:?} is over without last metrics: its hosts showed none, or more than 200000 series, or an hour has passed"
    )]
    NoLastMetrics(String),
    #[error("there are {max} runs; delete one that is over")]
    TooManyRuns { max: usize },
    #[error("{max} streams are open already; close one")]
    TooManyStreams { max: usize },
    #[error("{max} clients take the metrics of runs already; try again")]
    TooManyExpositions { max: usize },
    #[error("{max} metrics are watched already; close a page")]
    TooManyWatched { max: usize },
    #[error("the run has too many series for this page; scrape it by --output scrape=HOST:PORT")]
    TooManySeries,
    #[error("too many requests need time at once; try again")]
    TooBusy,
    #[error("too many requests; try again later")]
    TooFast,
    #[error("the request, or its answer, has taken too long")]
    TooSlow,
    #[error("the request's body has not come in time")]
    SlowBody,
    #[error("promemu ends, and takes no more runs")]
    Ending,
    #[error("the Host header does not name this machine; use 127.0.0.1 or localhost")]
    WrongHost,
    #[error("cross-site request refused; send it from promemu's own page or a command-line client")]
    CrossSite,
    #[error("host {host:?} is on shard {shard}, which does not answer; start it again, or look at its log")]
    ShardMissing { host: String, shard: String },
    #[error("the header Authorization: Bearer TOKEN is missing or wrong")]
    Unauthorized,
    #[error("the request was not served because of a bug: {0}")]
    Bug(tokio::task::JoinError),
    #[error(transparent)]
    Internal(Error),
    /// An answer of the router or of an extractor, in the API's form.
    #[error("{message}")]
    Foreign { status: StatusCode, code: ErrorCode, message: String },
}

fn config_message(error: &ConfigError) -> String {
    match error {
        ConfigError::Invalid { .. } => "the config has errors; see problems".to_owned(),
        other => other.to_string(),
    }
}

impl ApiError {
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::InvalidValue(message.into())
    }

    /// The code for programs. Errors of libraries have statuses of their own.
    pub(crate) const fn code(&self) -> ErrorCode {
        match self {
            Self::UnknownRun(_) | Self::NotASimulation(_) => ErrorCode::UnknownRun,
            Self::UnknownConfig(_) => ErrorCode::UnknownConfig,
            Self::UnknownRecording(_) => ErrorCode::UnknownRecording,
            Self::Config(error) => match **error {
                ConfigError::NotFound { .. } => ErrorCode::UnknownConfig,
                ConfigError::Unreadable { .. }
                | ConfigError::NotListed { .. }
                | ConfigError::UnreadableDir { .. }
                | ConfigError::PathOfClient { .. } => ErrorCode::InvalidValue,
                ConfigError::GivenUp => ErrorCode::ConfigTooSlow,
                ConfigError::Invalid { .. } => ErrorCode::InvalidConfig,
            },
            Self::InvalidValue(_) => ErrorCode::InvalidValue,
            Self::NoLastMetrics(_) => ErrorCode::RunOver,
            Self::Command(error) => code_of_command(error),
            Self::NoSimulation
            | Self::RunExists(_)
            | Self::RunNotStarted(_)
            | Self::RunStarted(_)
            | Self::RunNotRunning(_)
            | Self::RunRunning(_)
            | Self::MainRunKept
            | Self::Ending
            | Self::RunConflict(_) => ErrorCode::Conflict,
            Self::TooManyRuns { .. }
            | Self::TooManyStreams { .. }
            | Self::TooManyExpositions { .. }
            | Self::TooManyWatched { .. }
            | Self::TooManySeries
            | Self::TooBusy
            | Self::TooFast => ErrorCode::TooMany,
            Self::TooSlow | Self::SlowBody => ErrorCode::TooSlow,
            Self::WrongHost => ErrorCode::WrongHost,
            Self::CrossSite => ErrorCode::CrossSite,
            Self::ShardMissing { .. } => ErrorCode::ShardMissing,
            Self::Unauthorized => ErrorCode::Unauthorized,
            Self::Bug(_) | Self::Internal(_) => ErrorCode::Internal,
            Self::Foreign { code, .. } => *code,
        }
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::Foreign { status, .. } => *status,
            _ => self.code().status(),
        }
    }

    fn problems(&self) -> Vec<ProblemView> {
        match self {
            Self::Config(error) => match &**error {
                ConfigError::Invalid { sources, problems } => {
                    problems.iter().map(|problem| ProblemView::of(problem, sources)).collect()
                }
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }
}

const fn code_of_command(error: &CommandError) -> ErrorCode {
    use CommandError as E;
    match error {
        E::UnknownHost { .. } | E::NoHostSelected { .. } => ErrorCode::UnknownHost,
        E::UnknownLever { .. } => ErrorCode::UnknownLever,
        E::UnknownPhase { .. } => ErrorCode::UnknownPhase,
        E::UnknownFault { .. } => ErrorCode::UnknownFault,
        E::UnknownMetric { .. } => ErrorCode::UnknownMetric,
        E::ValueNotAccepted { .. }
        | E::InvalidPattern(_)
        | E::InvalidEventName
        | E::EventTooLarge { .. }
        | E::ReservedEvent { .. }
        | E::InvalidHostName
        | E::TemplateWithoutName { .. }
        | E::TooManyLabels
        | E::LabelNotAllowed { .. }
        | E::LabelTooLong { .. } => ErrorCode::InvalidValue,
        E::CounterFalls { .. } => ErrorCode::CounterFalls,
        E::HostExists(_)
        | E::HostNotRunning(_)
        | E::HostRunning(_)
        | E::HostStopping(_)
        | E::LastHost(_)
        | E::AllHosts { .. }
        | E::FaultActive(_)
        | E::FaultNotActive(_) => ErrorCode::Conflict,
        E::TooManySeries { .. } | E::TooMuchMemory { .. } | E::RunLogFull => ErrorCode::TooMany,
        E::RunOver => ErrorCode::RunOver,
    }
}

impl From<ConfigError> for ApiError {
    fn from(error: ConfigError) -> Self {
        Self::Config(Box::new(error))
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::Config(error) => error.into(),
            Error::Usage(message) => Self::InvalidValue(message),
            other => Self::Internal(other),
        }
    }
}

impl From<ApiError> for Error {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::Config(error) => Self::Config(*error),
            ApiError::InvalidValue(message) => Self::Usage(message),
            ApiError::Internal(error) => error,
            other => Self::Run(other.to_string()),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, code) = (self.status(), self.code().name());
        let error = ErrorView { code, message: self.to_string(), problems: self.problems() };
        let mut response = (status, Json(ErrorBody { error })).into_response();
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// Gives the API's form to errors of the router, and of the extractors of bodies, paths and queries.
pub(crate) async fn in_one_form(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let is_json = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|content_type| content_type.as_bytes().starts_with(b"application/json"));
    if !(status.is_client_error() || status.is_server_error()) || is_json {
        return response;
    }
    let (code, fixed) = match status {
        StatusCode::NOT_FOUND => (ErrorCode::NotFound, "there is nothing here; /docs lists all paths"),
        StatusCode::METHOD_NOT_ALLOWED => {
            (ErrorCode::MethodNotAllowed, "this path does not take this method")
        }
        StatusCode::PAYLOAD_TOO_LARGE => (ErrorCode::BodyTooLarge, "the body is larger than 1 MiB"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            (ErrorCode::UnsupportedMediaType, "the body must be JSON, with Content-Type: application/json")
        }
        StatusCode::UNPROCESSABLE_ENTITY => (ErrorCode::InvalidBody, ""),
        _ if status.is_server_error() => (ErrorCode::Internal, ""),
        _ => (ErrorCode::InvalidRequest, ""),
    };
    let (parts, body) = response.into_parts();
    let message = if fixed.is_empty() { foreign_message(body).await } else { fixed.to_owned() };
    let mut response = ApiError::Foreign { status, code, message }.into_response();
    if let Some(allow) = parts.headers.get(header::ALLOW) {
        response.headers_mut().insert(header::ALLOW, allow.clone());
    }
    response
}

/// The library's message, in lower case and without a full stop.
async fn foreign_message(body: Body) -> String {
    let bytes = axum::body::to_bytes(body, MESSAGE_BYTES_MAX).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let mut chars = text.trim().trim_end_matches('.').chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}
