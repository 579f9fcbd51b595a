//! Remote-write output: every series' sample, each round, to a receiver of remote write 1.0 or 2.0.

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use indexmap::IndexMap;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName};

use super::delivery::{BatchClient, DeliverySettings, FinalResponse, ResponseRules};
use super::series_tracker::SampleSource;
use super::stream::{StreamConfig, tracker};
use crate::http::{PushError, TargetUrl};
use promemu_core::error::{Error, suggestion};
use promemu_core::series::Job;
use promemu_wire::remote_write::{V1, V2, v1, v2};

/// The path of a target without one: Prometheus' own.
const DEFAULT_PATH: &str = "/api/v1/write";
const VERSION_HEADER: HeaderName = HeaderName::from_static("x-prometheus-remote-write-version");
const WRITTEN_HEADERS: [&str; 2] =
    ["x-prometheus-remote-write-samples-written", "x-prometheus-remote-write-histograms-written"];

/// The protocol's version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// 1.0, which every receiver accepts.
    #[default]
    V1,
    /// 2.0: each text once per request, metadata with each series, start times.
    V2,
}

/// Settings of the remote-write output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteWriteSettings {
    /// The receiver's URL.
    pub target: TargetUrl,
    /// The protocol's version.
    pub version: Version,
    /// Shards, batches, the queue, and authentication.
    pub delivery: DeliverySettings,
    /// Time limit of one request.
    pub timeout: Duration,
}

impl RemoteWriteSettings {
    /// The keys that [`Self::take_from`] knows in addition to those of [`DeliverySettings`].
    pub const KEYS: [&str; 1] = ["version"];

    /// Takes its keys out of the options and leaves the others.
    pub fn take_from(
        target: &str,
        options: &mut IndexMap<String, String>,
        timeout: Duration,
    ) -> Result<Self, Error> {
        let target = TargetUrl::parse(target, "remote-write url", "http://127.0.0.1:9090/api/v1/write")?;
        let version = match options.shift_remove("version").as_deref() {
            None | Some("1" | "1.0") => Version::V1,
            Some("2" | "2.0") => Version::V2,
            Some(other) => {
                let hint = suggestion(other, &["1", "2"]);
                return Err(Error::Usage(format!("unknown remote-write version {other:?}{hint}")));
            }
        };
        let delivery = DeliverySettings::take_from(options)?;
        Ok(Self { target: target.with_default_path(DEFAULT_PATH), version, delivery, timeout })
    }
}

/// A receiver of 2.0 reports in headers what it has written, for successes and errors alike
/// (<https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/#required-written-response-headers>). One of 1.0 alone
/// may read a request of 2.0 as one without any series, and accept it.
pub(super) fn rejected_v2(response: &FinalResponse<'_>) -> (u64, String) {
    let reports = WRITTEN_HEADERS.iter().any(|name| response.headers.contains_key(*name));
    if !reports {
        let reason = "it took a request of remote write 2.0 without saying what it wrote, as servers do that do not know 2.0; use version=1";
        return (response.samples, reason.to_owned());
    }
    let count = |name| response.headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    let written = WRITTEN_HEADERS.iter().filter_map(|name| count(*name)).fold(0, u64::saturating_add);
    let rejected = response.samples.saturating_sub(written);
    (rejected, format!("it wrote {written} of {} samples", response.samples))
}

impl StreamConfig for RemoteWriteSettings {
    const KIND: &'static str = "remote-write";

    fn target(&self) -> &TargetUrl {
        &self.target
    }

    fn delivery(&self) -> &DeliverySettings {
        &self.delivery
    }

    fn client(&self) -> Result<BatchClient, Error> {
        let (content_type, version) = match self.version {
            Version::V1 => ("application/x-protobuf", "0.1.0"),
            Version::V2 => ("application/x-protobuf;proto=io.prometheus.write.v2.Request", "2.0.0"),
        };
        let headers = [(CONTENT_TYPE, content_type), (CONTENT_ENCODING, "snappy"), (VERSION_HEADER, version)];
        let client = BatchClient::new(self.target.clone(), &self.delivery.http, headers, self.timeout)?;
        Ok(match self.version {
            Version::V1 => client.with_rules(ResponseRules {
                hint: hint_v1,
                is_permanent,
                split: v1::halves,
                ..ResponseRules::default()
            }),
            Version::V2 => client.with_rules(ResponseRules {
                rejected: rejected_v2,
                hint: hint_v2,
                is_permanent,
                split: |batch, _| v2::halves(batch),
                accepts_rest: true,
                ..ResponseRules::default()
            }),
        })
    }

    fn source(&self, jobs: &[Arc<Job>]) -> Arc<Mutex<dyn SampleSource>> {
        match self.version {
            Version::V1 => tracker::<V1>(&self.delivery, jobs),
            Version::V2 => tracker::<V2>(&self.delivery, jobs),
        }
    }
}

fn hint_v1(error: &PushError) -> &'static str {
    if error.is_not_found() || error.status() == Some(StatusCode::METHOD_NOT_ALLOWED) {
        "; is there a remote-write receiver at this url? Prometheus needs --web.enable-remote-write-receiver"
    } else {
        hint_of_reason(error)
    }
}

/// Prometheus refuses some samples with status 500 (<https://github.com/prometheus/prometheus/issues/17181>); each reason
/// with the way to have them taken.
const REASONS: [(&str, &str); 6] = [
    (
        "native histograms are disabled",
        "; start that Prometheus with --enable-feature=native-histograms, or the rest is all it takes",
    ),
    ("too old sample", HINT_OF_TIME),
    ("out of order", HINT_OF_TIME),
    ("out of bounds", "; its time is too far from the server's clock"),
    ("duplicate sample", "; another sender writes the same series, or a clock was set back"),
    ("exemplar", ""),
];
const HINT_OF_TIME: &str = "; samples of a clock that was set back are taken if the server's \
    storage.tsdb.out_of_order_time_window is long enough";

/// `true` for a refusal by such a reason.
fn is_permanent(error: &PushError) -> bool {
    error.status().is_some_and(|status| status.is_server_error())
        && REASONS.iter().any(|(reason, _)| error.to_string().contains(reason))
}

pub(super) fn hint_of_reason(error: &PushError) -> &'static str {
    let text = error.to_string();
    REASONS.iter().find(|(reason, _)| text.contains(reason)).map_or("", |(_, hint)| hint)
}

fn hint_v2(error: &PushError) -> &'static str {
    match error.status() {
        Some(StatusCode::UNSUPPORTED_MEDIA_TYPE) => "; it does not take remote write 2.0: use version=1",
        Some(StatusCode::BAD_REQUEST) => "; if it does not know remote write 2.0, use version=1",
        _ => hint_v1(error),
    }
}
