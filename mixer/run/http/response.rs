//! Responses of servers, and the errors of requests.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::RETRY_AFTER;

use super::answer::Answer;
use super::secrets::{SPELLING_BYTES_MAX, Secrets};
use crate::clock::wall_now;

/// Bytes of an error's body that are shown.
const ERROR_BODY_MAX: usize = 300;
/// A longer pause that a server asks for is cut to this.
const RETRY_AFTER_MAX: Duration = Duration::from_mins(5);

/// A request that failed.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// There was no response.
    #[error("{0}")]
    NoAnswer(String),
    /// The response was an error.
    #[error("it answered {status}{body}")]
    Answer {
        /// The status.
        status: StatusCode,
        /// The response's text after a colon, the target of a redirect, or nothing.
        body: String,
        /// The pause that the server asked for.
        retry_after: Option<Duration>,
    },
    /// The response is none that such a server gives.
    #[error("{0}")]
    Unexpected(String),
    /// The request's body could not be made.
    #[error("internal error: {0}")]
    Internal(String),
}

impl PushError {
    /// `true` if the server itself has trouble, so that another request would fail, too.
    #[must_use]
    pub fn is_away(&self) -> bool {
        match self {
            Self::NoAnswer(_) => true,
            Self::Answer { status, .. } => {
                let is_for_later =
                    [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS];
                status.is_server_error() || is_for_later.contains(status)
            }
            Self::Unexpected(_) | Self::Internal(_) => false,
        }
    }

    /// `true` for a server error that says more than that the server is away, so that it may be about what was sent.
    #[must_use]
    pub fn is_doubtful(&self) -> bool {
        let Self::Answer { status, body, .. } = self else { return false };
        // These two come from a proxy before a server that is away.
        status.is_server_error()
            && ![StatusCode::BAD_GATEWAY, StatusCode::GATEWAY_TIMEOUT].contains(status)
            && !body.is_empty()
    }

    /// The error without the text of the response, which is for the operator alone: a client of the API may not know the server.
    #[must_use]
    pub fn for_clients(&self) -> String {
        match self {
            Self::Answer { status, body, .. } if !body.is_empty() => {
                format!("it answered {status}; promemu's log has the whole answer")
            }
            other => other.to_string(),
        }
    }

    /// The kind of error, without what may differ each time.
    #[must_use]
    pub fn kind(&self) -> String {
        match self {
            Self::NoAnswer(_) => "no answer".to_owned(),
            Self::Answer { status, .. } => status.to_string(),
            Self::Unexpected(_) => "unexpected answer".to_owned(),
            Self::Internal(_) => "internal".to_owned(),
        }
    }

    /// The status, if there was a response.
    #[must_use]
    pub const fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Answer { status, .. } => Some(*status),
            Self::NoAnswer(_) | Self::Unexpected(_) | Self::Internal(_) => None,
        }
    }

    /// `true` if the server has no such path.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(StatusCode::NOT_FOUND)
    }

    /// The pause that the server asked for.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Answer { retry_after, .. } => *retry_after,
            Self::NoAnswer(_) | Self::Unexpected(_) | Self::Internal(_) => None,
        }
    }
}

/// The answer if it is a success, or the error.
pub(crate) async fn check(
    outcome: Result<Answer, PushError>,
    secrets: &Secrets,
) -> Result<Answer, PushError> {
    let mut answer = outcome?;
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    if let Some(target) = answer.refused_redirect() {
        let body = target.to_owned();
        return Err(PushError::Answer { status, body, retry_after: None });
    }
    let retry_after = answer.headers().get(RETRY_AFTER).and_then(|value| delay(value.to_str().ok()?));
    // A secret that begins in the shown part is read as a whole.
    let text = text_of(&answer.beginning(ERROR_BODY_MAX + SPELLING_BYTES_MAX).await, secrets);
    let body = if text.is_empty() { text } else { format!(": {text}") };
    Err(PushError::Answer { status, body, retry_after })
}

/// The text of a response in one line, without secrets.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_seconds_or_a_date() {
        assert_eq!(delay("90"), Some(Duration::from_secs(90)));
        assert_eq!(delay("25200"), Some(RETRY_AFTER_MAX), "a pause of hours is cut");
        assert_eq!(delay("Fri, 31 Dec 1999 23:59:59 GMT"), Some(Duration::ZERO));
        let later =
            httpdate::fmt_http_date((wall_now() + promemu_core::time::Span::from_secs(60)).system_time());
        assert!(delay(&later).is_some_and(|delay| delay.as_secs().abs_diff(60) < 5), "{later}");
        assert_eq!(delay("soon"), None);
    }

    #[test]
    fn a_server_that_asks_to_try_later_is_away_and_one_that_refuses_is_not() {
        let is_away = |status: u16| {
            let status = StatusCode::from_u16(status).unwrap();
            PushError::Answer { status, body: String::new(), retry_after: None }.is_away()
        };
        assert_eq!([408, 425, 429, 500, 502, 503, 504, 507].map(is_away), [true; 8]);
        assert_eq!([400, 401, 403, 404, 409, 413, 415, 422].map(is_away), [false; 8]);
    }
}
