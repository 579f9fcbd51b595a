//! One request: where it goes, what it says of itself, and what its answer means.

use std::time::Duration;

use reqwest::Client;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::super::http::{HttpOptions, PushError, TargetUrl, check, http_client};
use super::queue::Batch;
use crate::error::Error;

/// What a success must say to be one; else why it is none.
pub(in crate::sink) type Verify = fn(&HeaderMap) -> Option<&'static str>;

/// How batches are posted.
#[derive(Debug)]
pub(in crate::sink) struct Post {
    http: Client,
    target: TargetUrl,
    headers: HeaderMap,
    timeout: Duration,
    verify: Verify,
    /// What an answer may mean, beside what it says.
    hint: fn(&PushError) -> &'static str,
}

impl Post {
    pub(in crate::sink) fn new(
        target: TargetUrl,
        options: &HttpOptions,
        headers: impl IntoIterator<Item = (HeaderName, &'static str)>,
        timeout: Duration,
    ) -> Result<Self, Error> {
        let http = http_client(&target, options)?;
        let headers = headers.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value)));
        Ok(Self { http, target, headers: headers.collect(), timeout, verify: |_| None, hint: |_| "" })
    }

    /// The same, which looks closer at answers.
    pub(in crate::sink) fn judging(self, verify: Verify, hint: fn(&PushError) -> &'static str) -> Self {
        Self { verify, hint, ..self }
    }

    pub(super) fn hint(&self, error: &PushError) -> &'static str {
        (self.hint)(error)
    }

    /// Sends a batch once.
    pub(super) async fn send(&self, batch: &Batch) -> Result<(), PushError> {
        let request = self.http.post(self.target.url().clone()).headers(self.headers.clone());
        let request = request.timeout(self.timeout).body(batch.body.clone());
        let response = check(request.send().await).await?;
        match (self.verify)(response.headers()) {
            Some(complaint) => Err(PushError::Misunderstood(complaint)),
            None => Ok(()),
        }
    }
}
