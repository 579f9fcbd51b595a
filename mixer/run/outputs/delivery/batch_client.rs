//! Client of a server that receives batches: one request per batch, and the meaning of its response.
//!
//! It sends once; queueing and retries are not its business.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};

use crate::http::{HttpClient, HttpOptions, Limits, PushError, TargetUrl, check, text_of};
use promemu_core::error::Error;
use promemu_wire::request::Batch;

/// The rest of a longer body is not read.
const RESPONSE_BYTES_MAX: usize = 64 << 10;

/// Meaning of a protocol's responses.
#[derive(Clone, Copy, Debug)]
pub(in crate::outputs) struct ResponseRules {
    /// `true` if the same request may be accepted later.
    pub(in crate::outputs) is_retryable: fn(&PushError) -> bool,
    /// Number of the batch's samples that were rejected, and the reason if the response gives one.
    pub(in crate::outputs) rejected: fn(&FinalResponse<'_>) -> (u64, String),
    /// Advice that follows an error's text.
    pub(in crate::outputs) hint: fn(&PushError) -> &'static str,
    /// `true` if a server error is a refusal of samples, by its reason.
    pub(in crate::outputs) is_permanent: fn(&PushError) -> bool,
    /// A batch as two; `None` if it cannot be split, or only within a host and that is not asked for.
    pub(in crate::outputs) split: fn(&Batch, within_host: bool) -> Option<[Batch; 2]>,
    /// `true` if servers accept the rest of a batch by themselves when they reject samples.
    pub(in crate::outputs) accepts_rest: bool,
}

/// A response after which the request is not sent again: a success or a rejection.
#[derive(Clone, Copy, Debug)]
pub(in crate::outputs) struct FinalResponse<'a> {
    pub(in crate::outputs) is_success: bool,
    pub(in crate::outputs) headers: &'a HeaderMap,
    /// Body of a success.
    pub(in crate::outputs) body: &'a [u8],
    /// Number of samples of the request.
    pub(in crate::outputs) samples: u64,
}

/// Samples of a batch that the server will not accept later either.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::outputs) struct Rejection {
    /// Number of samples.
    pub(in crate::outputs) samples: u64,
    /// The reason without what may differ each time.
    pub(super) kind: String,
    pub(in crate::outputs) reason: String,
    /// The reason without what the server says.
    pub(super) for_clients: String,
    /// The outcomes that splitting may have.
    pub(in crate::outputs) splitting: Splitting,
}

/// The use of splitting a batch that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::outputs) enum Splitting {
    Useless,
    /// The batch is too large.
    MakesItSmaller,
    /// Some hosts may be accepted without others.
    ByHosts,
    /// Some series may be accepted without others.
    BySeries,
}

impl Default for ResponseRules {
    fn default() -> Self {
        let all_or_nothing = |response: &FinalResponse<'_>| {
            let rejected = if response.is_success { 0 } else { response.samples };
            (rejected, String::new())
        };
        Self {
            is_retryable: PushError::is_away,
            rejected: all_or_nothing,
            hint: |_| "",
            is_permanent: |_| false,
            split: |_, _| None,
            accepts_rest: false,
        }
    }
}

/// Client of one server.
#[derive(Debug)]
pub(in crate::outputs) struct BatchClient {
    http: HttpClient,
    target: TargetUrl,
    headers: HeaderMap,
    timeout: Duration,
    rules: ResponseRules,
}

impl BatchClient {
    /// A client that sends these headers with each batch; nothing is sent yet.
    pub(in crate::outputs) fn new(
        target: TargetUrl,
        options: &HttpOptions,
        headers: impl IntoIterator<Item = (HeaderName, &'static str)>,
        timeout: Duration,
    ) -> Result<Self, Error> {
        let http = HttpClient::new(&target, options)?;
        let headers = headers.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value)));
        let rules = ResponseRules::default();
        Ok(Self { http, target, headers: headers.collect(), timeout, rules })
    }

    /// The same for a protocol with these rules.
    pub(in crate::outputs) fn with_rules(self, rules: ResponseRules) -> Self {
        Self { rules, ..self }
    }

    /// A refused batch as two, if a part of it may be accepted.
    pub(in crate::outputs) fn split(&self, batch: &Batch, splitting: Splitting) -> Option<[Batch; 2]> {
        match splitting {
            Splitting::Useless => None,
            Splitting::ByHosts => (self.rules.split)(batch, false),
            Splitting::MakesItSmaller | Splitting::BySeries => (self.rules.split)(batch, true),
        }
    }

    fn splitting(&self, error: &PushError) -> Splitting {
        let is_about_time = |text: &str| {
            ["too old sample", "out of order", "out of bounds", "duplicate sample"]
                .iter()
                .any(|part| text.contains(part))
        };
        match error.status() {
            Some(StatusCode::PAYLOAD_TOO_LARGE) => Splitting::MakesItSmaller,
            Some(StatusCode::BAD_REQUEST | StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY)
                if self.rules.accepts_rest =>
            {
                Splitting::Useless
            }
            Some(status)
                if matches!(
                    status,
                    StatusCode::BAD_REQUEST | StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY
                ) || status.is_server_error() =>
            {
                // A clock is a whole host's.
                if is_about_time(&error.to_string()) { Splitting::ByHosts } else { Splitting::BySeries }
            }
            _ => Splitting::Useless,
        }
    }

    /// A batch that the server answers with this error is given up.
    pub(super) fn rejection(&self, batch: &Batch, error: &PushError) -> Rejection {
        let hint = (self.rules.hint)(error);
        Rejection {
            samples: batch.samples,
            kind: error.kind(),
            reason: format!("{error}{hint}"),
            for_clients: format!("{}{hint}", error.for_clients()),
            splitting: self.splitting(error),
        }
    }

    /// Sends a batch once. An error means that it may be accepted later.
    pub(in crate::outputs) async fn send(&self, batch: &Batch) -> Result<Option<Rejection>, PushError> {
        let request =
            self.http.request(Method::POST, self.target.url().clone()).headers(self.headers.clone());
        let request = request.body(batch.body.clone());
        let response = self.http.send(request, Limits::within(self.timeout)).await?;
        let headers = response.headers().clone();
        let last = FinalResponse { is_success: false, headers: &headers, body: &[], samples: batch.samples };
        match check(Ok(response), self.http.secrets()).await {
            Err(error) if (self.rules.is_retryable)(&error) && !(self.rules.is_permanent)(&error) => {
                Err(error)
            }
            Err(error) => {
                let (samples, _) = (self.rules.rejected)(&last);
                Ok(Some(Rejection { samples, ..self.rejection(batch, &error) }))
            }
            Ok(mut response) => {
                // The status alone tells that the request arrived.
                let body = response.beginning(RESPONSE_BYTES_MAX).await;
                let (samples, reason) =
                    (self.rules.rejected)(&FinalResponse { is_success: true, body: &body, ..last });
                let reason = text_of(reason.as_bytes(), self.http.secrets());
                let kind = "partial success".to_owned();
                let rejected = format!("it rejected {samples} of {} samples", batch.samples);
                Ok((samples > 0).then_some(Rejection {
                    samples,
                    kind,
                    reason,
                    for_clients: format!("{rejected}; promemu's log has the reason"),
                    splitting: Splitting::Useless,
                }))
            }
        }
    }
}
