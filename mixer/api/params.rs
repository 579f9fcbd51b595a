//! Values that clients may write in more than one way.

use serde::Deserialize;
use utoipa::ToSchema;

use super::error::ApiError;
use promemu_core::time::{Span, Speed};

/// `"90s"`, `"15m"`, or seconds.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub(super) enum Duration {
    /// Seconds.
    Secs(f64),
    /// As in 15m.
    Text(String),
}

impl Duration {
    pub(super) fn read(&self, field: &str) -> Result<Span, ApiError> {
        let read = match self {
            Self::Secs(secs) => {
                Span::from_secs_f64(*secs).ok_or_else(|| format!("{secs} is not a duration in seconds"))
            }
            Self::Text(text) => Span::parse(&text.chars().take(100).collect::<String>()),
        };
        read.map_err(|why| ApiError::invalid(format!("{field}: {why}")))
    }

    pub(super) fn longer_than_nothing(&self, field: &str) -> Result<Span, ApiError> {
        match self.read(field)? {
            Span::ZERO => Err(ApiError::invalid(format!("{field} must be longer than 0"))),
            span => Ok(span),
        }
    }
}

/// `"60x"`, or a number.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub(super) enum SpeedText {
    /// How many emulated seconds pass in a second.
    Factor(f64),
    /// As in 60x.
    Text(String),
}

impl SpeedText {
    pub(super) fn read(&self) -> Result<Speed, ApiError> {
        let text = match self {
            Self::Factor(factor) => factor.to_string(),
            Self::Text(text) => text.chars().take(100).collect(),
        };
        Speed::parse(&text).map_err(|why| ApiError::invalid(format!("speed: {why}")))
    }
}
