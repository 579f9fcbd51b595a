//! The OTLP sink: OpenTelemetry metrics as protobuf over HTTP, gzipped
//! (<https://opentelemetry.io/docs/specs/otlp/#otlphttp>).

mod answer;
#[cfg(test)]
mod tests;

use std::time::Duration;

use indexmap::IndexMap;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE};

use super::delivery::{Answers, DeliverySettings, Post};
use crate::http::TargetUrl;
use answer::{hint, is_passing, left_out};
use promemu_core::error::Error;

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
/// The path of a target that has none: the specification's.
const DEFAULT_PATH: &str = "/v1/metrics";

/// A server, and how to send to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtlpSettings {
    /// Where it is.
    pub target: TargetUrl,
    /// How requests are made and sent.
    pub delivery: DeliverySettings,
    /// How long one request may take.
    pub timeout: Duration,
}

impl OtlpSettings {
    /// Takes its keys, those of [`DeliverySettings`], out of the options and leaves the others. The timeout
    /// is not among them.
    pub fn take_from(target: &str, options: &mut IndexMap<String, String>) -> Result<Self, Error> {
        let target = TargetUrl::parse(target, "otlp url", "http://127.0.0.1:4318/v1/metrics")?;
        let delivery = DeliverySettings::take_from(options)?;
        Ok(Self { target: target.with_default_path(DEFAULT_PATH), delivery, timeout: DEFAULT_TIMEOUT })
    }

    /// How its batches are posted.
    pub(super) fn post(&self) -> Result<Post, Error> {
        let headers = [(CONTENT_TYPE, "application/x-protobuf"), (CONTENT_ENCODING, "gzip")];
        let post = Post::new(self.target.clone(), &self.delivery.http, headers, self.timeout)?;
        Ok(post.reading(Answers { is_passing, left_out, hint, ..Answers::default() }))
    }
}
