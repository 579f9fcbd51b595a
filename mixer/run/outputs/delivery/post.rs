//! One request: where it goes, what it says of itself, and what its answer means.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Response, StatusCode};

use crate::http::{HttpOptions, PushError, Secrets, TargetUrl, check, http_client, no_answer, text_of};
use promemu_core::error::Error;
use promemu_wire::request::Batch;

/// No more of an answer is read.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// What a protocol's answers mean.
#[derive(Clone, Copy, Debug)]
pub(in crate::outputs) struct Answers {
    /// Whether the same request may be taken later.
    pub(in crate::outputs) is_passing: fn(&PushError) -> bool,
    /// How many of a batch's samples were not taken, and why, if the answer says that.
    pub(in crate::outputs) left_out: fn(&Answer<'_>) -> (u64, String),
    /// What an error may mean, beside what it says.
    pub(in crate::outputs) hint: fn(&PushError) -> &'static str,
    /// A batch as two that have its samples in the same order; none if it is a single host's, or if a server that
    /// refuses something takes the rest by itself.
    pub(in crate::outputs) halves: fn(&Batch) -> Option<[Batch; 2]>,
}

/// An answer that is not to come again: a success, or a refusal for good.
#[derive(Clone, Copy, Debug)]
pub(in crate::outputs) struct Answer<'a> {
    pub(in crate::outputs) is_success: bool,
    pub(in crate::outputs) headers: &'a HeaderMap,
    /// A success's body.
    pub(in crate::outputs) body: &'a [u8],
    /// How many samples the request had.
    pub(in crate::outputs) samples: u64,
}

/// What was not taken of a batch that was answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Loss {
    pub(super) samples: u64,
    /// What it is about, without what may differ each time.
    pub(super) kind: String,
    pub(super) text: String,
    /// Whether a part of the batch may be taken if it is sent without the others.
    pub(super) may_be_of_a_part: bool,
}

impl Default for Answers {
    fn default() -> Self {
        let all_or_nothing = |answer: &Answer<'_>| {
            let left_out = if answer.is_success { 0 } else { answer.samples };
            (left_out, String::new())
        };
        let is_passing = |error: &PushError| {
            error.is_away() && error.status().is_none_or(|status| !status.is_redirection())
        };
        Self { is_passing, left_out: all_or_nothing, hint: |_| "", halves: |_| None }
    }
}

/// How batches are posted.
#[derive(Debug)]
pub(in crate::outputs) struct Post {
    http: Client,
    target: TargetUrl,
    headers: HeaderMap,
    timeout: Duration,
    answers: Answers,
    secrets: Secrets,
}

impl Post {
    pub(in crate::outputs) fn new(
        target: TargetUrl,
        options: &HttpOptions,
        headers: impl IntoIterator<Item = (HeaderName, &'static str)>,
        timeout: Duration,
    ) -> Result<Self, Error> {
        let http = http_client(&target, options)?;
        let headers = headers.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value)));
        let (answers, secrets) = (Answers::default(), Secrets::of(&target, options));
        Ok(Self { http, target, headers: headers.collect(), timeout, answers, secrets })
    }

    /// The same for a protocol whose answers mean this.
    pub(in crate::outputs) fn reading(self, answers: Answers) -> Self {
        Self { answers, ..self }
    }

    /// A refused batch as two, if they may fare better.
    pub(super) fn halves(&self, batch: &Batch, loss: &Loss) -> Option<[Batch; 2]> {
        if loss.may_be_of_a_part { (self.answers.halves)(batch) } else { None }
    }

    /// Sends a batch once. An error means that it may be taken later.
    pub(super) async fn send(&self, batch: &Batch) -> Result<Option<Loss>, PushError> {
        let request = self.http.post(self.target.url().clone()).headers(self.headers.clone());
        let request = request.timeout(self.timeout).body(batch.body.clone());
        let response = request.send().await.map_err(|error| no_answer(&error))?;
        let headers = response.headers().clone();
        let answer = Answer { is_success: false, headers: &headers, body: &[], samples: batch.samples };
        match check(Ok(response), &self.secrets).await {
            Err(error) if (self.answers.is_passing)(&error) => Err(error),
            Err(error) => {
                let (samples, _) = (self.answers.left_out)(&answer);
                let text = format!("{error}{}", (self.answers.hint)(&error));
                let may_be_of_a_part = error.status() == Some(StatusCode::BAD_REQUEST);
                Ok(Some(Loss { samples, kind: error.kind(), text, may_be_of_a_part }))
            }
            Ok(response) => {
                let body = body_of(response).await;
                let (samples, text) =
                    (self.answers.left_out)(&Answer { is_success: true, body: &body, ..answer });
                let text = text_of(text.as_bytes(), &self.secrets);
                Ok((samples > 0).then(|| Loss {
                    samples,
                    kind: "left out".to_owned(),
                    text,
                    may_be_of_a_part: false,
                }))
            }
        }
    }
}

/// What there is of a success's body. Its status has said already that the request arrived.
async fn body_of(mut response: Response) -> Vec<u8> {
    let mut body = Vec::new();
    while body.len() < ANSWER_BYTES_MAX
        && let Ok(Some(piece)) = response.chunk().await
    {
        body.extend_from_slice(&piece);
    }
    body
}
