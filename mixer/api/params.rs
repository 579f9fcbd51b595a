//! Parameters that several routes share: the run, a host, a metric, a page of a list, durations and speeds.

use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use promemu_core::time::{Span, Speed};

use crate::error::ApiError;

/// The most entries of a page.
const LIMIT_MAX: usize = 500;
/// The entries of a page unless the client says otherwise.
const LIMIT: usize = 50;
/// A longer search matches nothing.
const SEARCH_BYTES_MAX: usize = 500;
/// A longer text is no duration and no speed.
const TEXT_CHARS_MAX: usize = 100;

/// The run of a request.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RunQuery {
    /// The run's id; main by default.
    pub(crate) run: Option<String>,
}

/// A host in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct HostPath {
    /// The host's name.
    #[param(example = "worker-01")]
    pub(crate) name: String,
}

/// A metric of a host in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct MetricPath {
    /// The host's name.
    #[param(example = "worker-01")]
    pub(crate) name: String,
    /// The metric's name, with its labels in braces if it has some.
    #[param(example = "cpu_usage_percent")]
    pub(crate) metric: String,
}

/// Checks the parameters of a list, and returns the limit.
pub(crate) fn page_limit(search: Option<&String>, limit: Option<usize>) -> Result<usize, ApiError> {
    if search.is_some_and(|search| search.len() > SEARCH_BYTES_MAX) {
        return Err(ApiError::invalid(format!("search has {SEARCH_BYTES_MAX} bytes at most")));
    }
    match limit.unwrap_or(LIMIT) {
        limit if limit <= LIMIT_MAX => Ok(limit),
        limit => Err(ApiError::invalid(format!("limit is {LIMIT_MAX} at most, but is {limit}"))),
    }
}

/// `"90s"`, `"15m"`, or a number of seconds.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Duration {
    /// Seconds.
    Secs(f64),
    /// A text as in 15m.
    Text(String),
}

impl Duration {
    /// The duration, which must be longer than 0 and have an end.
    pub(crate) fn read_finite(&self, field: &str) -> Result<Span, ApiError> {
        match self.read(field)? {
            Span::FOREVER => Err(ApiError::invalid(format!("{field} must have an end"))),
            span => Ok(span),
        }
    }

    /// The duration, which must be longer than 0.
    pub(crate) fn read(&self, field: &str) -> Result<Span, ApiError> {
        let read = match self {
            Self::Secs(secs) => {
                Span::from_secs_f64(*secs).ok_or_else(|| format!("{secs} is not a duration in seconds"))
            }
            Self::Text(text) => Span::parse(&text.chars().take(TEXT_CHARS_MAX).collect::<String>()),
        };
        match read {
            Ok(Span::ZERO) => Err(ApiError::invalid(format!("{field} must be longer than 0"))),
            Ok(span) => Ok(span),
            Err(why) => Err(ApiError::invalid(format!("{field}: {why}"))),
        }
    }
}

/// `"60x"`, or a number.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum SpeedText {
    /// The emulated seconds that pass in a real second.
    Factor(f64),
    /// A text as in 60x.
    Text(String),
}

impl SpeedText {
    pub(crate) fn read(&self) -> Result<Speed, ApiError> {
        let text = match self {
            Self::Factor(factor) => factor.to_string(),
            Self::Text(text) => text.chars().take(TEXT_CHARS_MAX).collect(),
        };
        Speed::parse(&text).map_err(|why| ApiError::invalid(format!("speed: {why}")))
    }
}
