//! What comes back from a server, or why nothing does.

use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use reqwest::{Response, StatusCode};

use super::secrets::{SECRET_BYTES_MAX, Secrets};
use crate::clock::wall_now;

/// No more of an error's body is shown.
const ERROR_BODY_MAX: usize = 300;
/// A server that asks for more patience is asked again all the same.
const RETRY_AFTER_MAX: Duration = Duration::from_mins(5);

/// Why a server did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// There was no answer.
    #[error("{0}")]
    NoAnswer(String),
    /// The answer was an error.
    #[error("it answered {status}{body}")]
    Answer {
        /// The status.
        status: StatusCode,
        /// What it said, behind a colon; or nothing.
        body: String,
        /// How long it asked to be left alone.
        retry_after: Option<Duration>,
    },
    /// The body could not be made.
    #[error("internal error: {0}")]
    Internal(String),
}

impl PushError {
    /// Whether the server itself has trouble, so that another request would fare no better.
    #[must_use]
    pub fn is_away(&self) -> bool {
        match self {
            Self::NoAnswer(_) => true,
            Self::Answer { status, .. } => {
                status.is_server_error()
                    || status.is_redirection()
                    || *status == StatusCode::TOO_MANY_REQUESTS
            }
            Self::Internal(_) => false,
        }
    }

    /// What it is about, without what may differ each time.
    #[must_use]
    pub fn kind(&self) -> String {
        match self {
            Self::NoAnswer(_) => "no answer".to_owned(),
            Self::Answer { status, .. } => status.to_string(),
            Self::Internal(_) => "internal".to_owned(),
        }
    }

    /// The status, if there was an answer.
    #[must_use]
    pub const fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Answer { status, .. } => Some(*status),
            Self::NoAnswer(_) | Self::Internal(_) => None,
        }
    }

    /// Whether there is no such path.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(StatusCode::NOT_FOUND)
    }

    /// How long the server asked to be left alone, if it did.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Answer { retry_after, .. } => *retry_after,
            Self::NoAnswer(_) | Self::Internal(_) => None,
        }
    }
}

/// A success, or what went wrong.
pub(crate) async fn check(
    outcome: reqwest::Result<Response>,
    secrets: &Secrets,
) -> Result<Response, PushError> {
    let mut response = outcome.map_err(|error| no_answer(&error))?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| delay(value.to_str().ok()?));
    let mut body = Vec::new();
    // A secret that begins in what is shown is there as a whole.
    while body.len() < ERROR_BODY_MAX + SECRET_BYTES_MAX
        && let Ok(Some(chunk)) = response.chunk().await
    {
        body.extend_from_slice(&chunk);
    }
    let text = text_of(&body, secrets);
    let body = if text.is_empty() { text } else { format!(": {text}") };
    Err(PushError::Answer { status, body, retry_after })
}

/// What a server says, so that it fits into a line.
pub(crate) fn text_of(body: &[u8], secrets: &Secrets) -> String {
    let mut text = secrets.conceal(String::from_utf8_lossy(body).into_owned());
    text.truncate(text.floor_char_boundary(ERROR_BODY_MAX));
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// `Retry-After`: seconds, or a date (RFC 9110, 10.2.3); within bounds.
fn delay(value: &str) -> Option<Duration> {
    let delay = if let Ok(secs) = value.trim().parse() {
        Duration::from_secs(secs)
    } else {
        let date = httpdate::parse_http_date(value).ok()?;
        date.duration_since(wall_now().system_time()).unwrap_or_default()
    };
    Some(delay.min(RETRY_AFTER_MAX))
}

/// Says in a few words what went wrong, without the url and its secrets.
pub(crate) fn no_answer(error: &reqwest::Error) -> PushError {
    if error.is_timeout() && !error.is_connect() {
        return PushError::NoAnswer("no answer in time".to_owned());
    }
    PushError::NoAnswer(with_causes(error))
}

pub(super) fn with_causes(error: &reqwest::Error) -> String {
    let mut deepest: &dyn std::error::Error = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    let deepest = if deepest.source().is_none() && std::ptr::addr_eq(deepest, error) {
        String::new()
    } else {
        deepest.to_string()
    };
    let what = if error.is_builder() {
        ""
    } else if error.is_connect() {
        "cannot connect"
    } else {
        "the exchange broke off"
    };
    let parts = [what.to_owned(), deepest.to_lowercase()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_seconds_or_a_date() {
        assert_eq!(delay("90"), Some(Duration::from_secs(90)));
        assert_eq!(delay("25200"), Some(RETRY_AFTER_MAX), "nobody is left alone for hours");
        assert_eq!(delay("Fri, 31 Dec 1999 23:59:59 GMT"), Some(Duration::ZERO));
        let later =
            httpdate::fmt_http_date((wall_now() + promemu_core::time::Span::from_secs(60)).system_time());
        assert!(delay(&later).is_some_and(|delay| delay.as_secs().abs_diff(60) < 5), "{later}");
        assert_eq!(delay("soon"), None);
    }
}
