//! OTLP output: OpenTelemetry metrics as protobuf over HTTP, gzipped
//! (<https://opentelemetry.io/docs/specs/otlp/#otlphttp>).

mod response;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use indexmap::IndexMap;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE};

use super::delivery::{BatchClient, DeliverySettings, ResponseRules};
use super::series_tracker::SampleSource;
use super::stream::{StreamConfig, tracker};
use crate::http::TargetUrl;
use promemu_core::error::Error;
use promemu_core::series::Job;
use promemu_wire::otlp::{Otlp, halves};
use response::{hint, is_retryable};

pub(super) use response::rejected;

/// The path of a target without one: the specification's.
const DEFAULT_PATH: &str = "/v1/metrics";

/// Settings of the OTLP output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtlpSettings {
    /// The receiver's URL.
    pub target: TargetUrl,
    /// Shards, batches, the queue, and authentication.
    pub delivery: DeliverySettings,
    /// Time limit of one request.
    pub timeout: Duration,
}

impl OtlpSettings {
    /// Takes its keys, those of [`DeliverySettings`], out of the options and leaves the others.
    pub fn take_from(
        target: &str,
        options: &mut IndexMap<String, String>,
        timeout: Duration,
    ) -> Result<Self, Error> {
        let target = TargetUrl::parse(target, "otlp url", "http://127.0.0.1:4318/v1/metrics")?;
        let delivery = DeliverySettings::take_from(options)?;
        Ok(Self { target: target.with_default_path(DEFAULT_PATH), delivery, timeout })
    }
}

impl StreamConfig for OtlpSettings {
    const KIND: &'static str = "otlp";

    fn target(&self) -> &TargetUrl {
        &self.target
    }

    fn delivery(&self) -> &DeliverySettings {
        &self.delivery
    }

    fn client(&self) -> Result<BatchClient, Error> {
        let headers = [(CONTENT_TYPE, "application/x-protobuf"), (CONTENT_ENCODING, "gzip")];
        let client = BatchClient::new(self.target.clone(), &self.delivery.http, headers, self.timeout)?;
        Ok(client.with_rules(ResponseRules {
            is_retryable,
            rejected,
            hint,
            split: |batch, _| halves(batch),
            ..ResponseRules::default()
        }))
    }

    fn source(&self, jobs: &[Arc<Job>]) -> Arc<Mutex<dyn SampleSource>> {
        tracker::<Otlp>(&self.delivery, jobs)
    }
}
