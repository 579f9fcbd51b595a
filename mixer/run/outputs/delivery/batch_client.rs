//! Client of a server that receives batches: one request per batch, and the meaning of its response.
//!
//! It sends once; queueing and retries are not its business.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Response, StatusCode};

use crate::http::{HttpClient, HttpOptions, PushError, Secrets, TargetUrl, check, no_answer, text_of};
use promemu_core::error::Error;
use promemu_wire::request::Batch;

/// The rest of a longer response body is not read.
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
    /// A batch as two with its samples in the same order; `None` for a single host, and for a protocol whose servers
    /// accept the rest of a batch by themselves.
    pub(in crate::outputs) split: fn(&Batch) -> Option<[Batch; 2]>,
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
pub(super) struct Rejection {
    /// Number of samples.
    pub(super) samples: u64,
    /// The reason without what may differ each time.
    pub(super) kind: String,
    pub(super) reason: String,
    /// `true` if a part of the batch may be accepted without the rest.
    pub(super) may_be_partial: bool,
}

impl Default for ResponseRules {
    fn default() -> Self {
        let all_or_nothing = |response: &FinalResponse<'_>| {
            let rejected = if response.is_success { 0 } else { response.samples };
            (rejected, String::new())
        };
        Self { is_retryable: PushError::is_away, rejected: all_or_nothing, hint: |_| "", split: |_| None }
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
    secrets: Secrets,
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
        let (rules, secrets) = (ResponseRules::default(), Secrets::of(&target, options));
        Ok(Self { http, target, headers: headers.collect(), timeout, rules, secrets })
    }

    /// The same for a protocol with these rules.
    pub(in crate::outputs) fn with_rules(self, rules: ResponseRules) -> Self {
        Self { rules, ..self }
    }

    /// A rejected batch as two, if one of them may be accepted.
    pub(super) fn split(&self, batch: &Batch, rejection: &Rejection) -> Option<[Batch; 2]> {
        if rejection.may_be_partial { (self.rules.split)(batch) } else { None }
    }

    /// Sends a batch once. An error means that it may be accepted later.
    pub(super) async fn send(&self, batch: &Batch) -> Result<Option<Rejection>, PushError> {
        let request =
            self.http.request(Method::POST, self.target.url().clone()).headers(self.headers.clone());
        let request = request.timeout(self.timeout).body(batch.body.clone());
        let response = self.http.send(request).await.map_err(|error| no_answer(&error))?;
        let headers = response.headers().clone();
        let last = FinalResponse { is_success: false, headers: &headers, body: &[], samples: batch.samples };
        match check(Ok(response), &self.secrets).await {
            Err(error) if (self.rules.is_retryable)(&error) => Err(error),
            Err(error) => {
                let (samples, _) = (self.rules.rejected)(&last);
                let reason = format!("{error}{}", (self.rules.hint)(&error));
                let may_be_partial = error.status() == Some(StatusCode::BAD_REQUEST);
                Ok(Some(Rejection { samples, kind: error.kind(), reason, may_be_partial }))
            }
            Ok(response) => {
                let body = body_of(response).await;
                let (samples, reason) =
                    (self.rules.rejected)(&FinalResponse { is_success: true, body: &body, ..last });
                let reason = text_of(reason.as_bytes(), &self.secrets);
                let kind = "partial success".to_owned();
                Ok((samples > 0).then_some(Rejection { samples, kind, reason, may_be_partial: false }))
            }
        }
    }
}

/// The body of a success, as far as it comes. The status alone tells that the request arrived.
async fn body_of(mut response: Response) -> Vec<u8> {
    let mut body = Vec::new();
    while body.len() < RESPONSE_BYTES_MAX
        && let Ok(Some(chunk)) = response.chunk().await
    {
        body.extend_from_slice(&chunk);
    }
    body
}
