//! The OTLP sink: OpenTelemetry metrics as protobuf over HTTP, gzipped
//! (<https://opentelemetry.io/docs/specs/otlp/#otlphttp>).

mod response;
#[cfg(test)]
mod tests;

use std::time::Duration;

use indexmap::IndexMap;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE};

use super::delivery::{BatchClient, DeliverySettings, ResponseRules};
use crate::http::TargetUrl;
use promemu_core::error::Error;
use response::{hint, is_retryable, rejected};

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

    /// A client for its batches.
    pub(super) fn client(&self) -> Result<BatchClient, Error> {
        let headers = [(CONTENT_TYPE, "application/x-protobuf"), (CONTENT_ENCODING, "gzip")];
        let client = BatchClient::new(self.target.clone(), &self.delivery.http, headers, self.timeout)?;
        Ok(client.with_rules(ResponseRules { is_retryable, rejected, hint, ..ResponseRules::default() }))
    }
}
