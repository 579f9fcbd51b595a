//! The answer of a server: its head, and its body, which is read within a deadline and up to a number of bytes.
//!
//! No other module reads a body, so no server can keep promemu waiting or fill its memory by what it sends.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::HeaderMap;
use reqwest::{Response, StatusCode};
use tokio::time::{Instant, timeout};

use super::failure::failure;
use super::response::PushError;

/// Bytes of a body, at most, unless a request says otherwise.
const BODY_BYTES_MAX: u64 = 64 << 10;

/// Limits of a request and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Time of the whole, from the connection to the end of the body; `None` for a stream that goes on.
    pub time: Option<Duration>,
    /// Time until the head, and from one part of the body to the next.
    pub silence: Duration,
    /// Bytes of the body.
    pub body_bytes: u64,
}

impl Limits {
    /// A short answer within this time.
    #[must_use]
    pub const fn within(time: Duration) -> Self {
        Self { time: Some(time), silence: time, body_bytes: BODY_BYTES_MAX }
    }
}

/// The time that an exchange has left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    end: Option<Instant>,
    silence: Duration,
}

impl Deadline {
    pub(super) fn of(limits: Limits) -> Self {
        // A time beyond all clocks is none.
        let end = limits.time.and_then(|time| Instant::now().checked_add(time));
        Self { end, silence: limits.silence }
    }

    /// The outcome of `step` unless it takes too long.
    pub(super) async fn keep<T>(
        self,
        step: impl Future<Output = reqwest::Result<T>>,
    ) -> Result<T, PushError> {
        let left = self.end.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()));
        match timeout(left.min(self.silence), step).await {
            Ok(outcome) => outcome.map_err(|error| PushError::NoAnswer(failure(&error))),
            Err(_) => Err(PushError::NoAnswer("no answer in time".to_owned())),
        }
    }
}

/// The answer of a server.
#[derive(Debug)]
pub struct Answer {
    response: Response,
    /// The target of a redirect that is not followed, in words.
    refused_redirect: Option<String>,
    deadline: Deadline,
    bytes_left: u64,
    bytes_max: u64,
}

impl Answer {
    pub(super) const fn new(
        response: Response,
        refused_redirect: Option<String>,
        deadline: Deadline,
        bytes_max: u64,
    ) -> Self {
        Self { response, refused_redirect, deadline, bytes_left: bytes_max, bytes_max }
    }

    /// The same, whose body has these limits.
    #[must_use]
    pub fn limited(self, limits: Limits) -> Self {
        let bytes_max = limits.body_bytes;
        Self { deadline: Deadline::of(limits), bytes_left: bytes_max, bytes_max, ..self }
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The target of a redirect that is not followed, to stand behind the status; `None` for any other answer.
    #[must_use]
    pub fn refused_redirect(&self) -> Option<&str> {
        self.refused_redirect.as_deref()
    }

    /// The next part of the body; `None` at its end.
    ///
    /// # Errors
    ///
    /// It does not come in time, the connection breaks, or the body is too large.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, PushError> {
        let chunk = self.deadline.keep(self.response.chunk()).await?;
        if let Some(chunk) = &chunk {
            let left = self.bytes_left.checked_sub(chunk.len() as u64);
            let too_large =
                || PushError::Unexpected(format!("its answer has more than {} bytes", self.bytes_max));
            self.bytes_left = left.ok_or_else(too_large)?;
        }
        Ok(chunk)
    }

    /// The whole body.
    ///
    /// # Errors
    ///
    /// Those of [`Self::chunk`].
    pub async fn body(mut self) -> Result<Vec<u8>, PushError> {
        let mut body = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// The body as far as it comes, about this many bytes at most.
    pub async fn beginning(&mut self, bytes_max: usize) -> Vec<u8> {
        let mut body = Vec::new();
        while body.len() < bytes_max
            && let Ok(Some(chunk)) = self.chunk().await
        {
            body.extend_from_slice(&chunk);
        }
        body
    }
}
