//! Formats: bytes in, bytes out.
//!
//! | module | formats | source |
//! | --- | --- | --- |
//! | [`exposition`] | protobuf, text 0.0.4 and OpenMetrics 1.0, for scrapes and pushes | [`client_model`], [text], [OpenMetrics] |
//! | [`remote_write`] | remote write 1.0 and 2.0 | [1.0], [2.0] |
//! | [`otlp`] | OTLP metrics as protobuf | [OTLP] |
//! | [`rule_file`] | rule files of a Prometheus, read and written | [rules] |
//! | [`grafana_dashboard`] | dashboards of Grafana, which are only read | [Grafana] |
//! | [`mod@export`] | files of a run in virtual time: OpenMetrics, CSV, Parquet, tests of rules | see there |
//!
//! Exposition encodes a whole store of current values. Remote write and OTLP encode single reports, by the [`request::Encoder`]
//! trait. Exports encode all samples of a run. The private modules hold the parts that several formats share: the plain
//! series that Prometheus makes of a histogram, summary or state set (`series_expansion`), the fields of protobuf messages
//! (`protobuf`, and for reading `fields`), the buckets of native histograms (`native_buckets`), and numbers as text (`number`).
//!
//! Invariants: nothing here opens a connection, reads a clock or starts a task, and equal input gives equal bytes. The only
//! file is the spool of an export, in a folder that the caller names. The time of a sample comes from its caller, and a
//! server's answer is not read here.
//!
//! [`client_model`]: https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto
//! [text]: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
//! [OpenMetrics]: https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md
//! [1.0]: https://prometheus.io/docs/specs/prw/remote_write_spec/
//! [2.0]: https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/
//! [rules]: https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/
//! [Grafana]: https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
//! [OTLP]: https://opentelemetry.io/docs/specs/otlp/#otlphttp

pub mod export;
pub mod exposition;
mod fields;
pub mod grafana_dashboard;
mod native_buckets;
mod number;
pub mod otlp;
mod protobuf;
pub mod remote_write;
pub mod request;
pub mod rule_file;
mod series_expansion;
