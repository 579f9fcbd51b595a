//! Formats: bytes in, bytes out.
//!
//! | module | formats | source |
//! | --- | --- | --- |
//! | [`exposition`] | protobuf, text 0.0.4 and OpenMetrics 1.0, for scrapes and pushes | [`client_model`], [text], [OpenMetrics] |
//! | [`remote_write`] | remote write 1.0 and 2.0 | [1.0], [2.0] |
//! | [`otlp`] | OTLP metrics as protobuf | [OTLP] |
//! | [`line_protocol`] | lines of InfluxDB | see there |
//! | [`rule_file`] | rule files of a Prometheus, read and written | [rules] |
//! | [`grafana_dashboard`] | dashboards of Grafana, which are only read | [Grafana] |
//! | [`mod@export`] | files of a run in virtual time: OpenMetrics, CSV, Parquet, tests of rules | see there |
//! | [`recording`] | recordings of real systems, written and read | see there |
//! | [`plain_samples`] | samples of a store with names and labels, for data frames | |
//! | [`prepared`] | rows for learning, made of recordings | see there |
//! | [`block_reader`], [`chunks`], [`dump`] | the storage of a Prometheus, which is only read | [storage] |
//! | [`remote_read`], [`range_query`] | the answers of a Prometheus | [API] |
//!
//! Exposition encodes a whole store of current values. Remote write and OTLP encode single reports, by the [`request::Encoder`]
//! trait. Exports encode all samples of a run. The private modules hold the parts that several formats share: the plain
//! series that Prometheus makes of a histogram, summary or state set (`series_expansion`), the fields of protobuf messages
//! (`protobuf`, and for splitting `fields`), the messages that are read (`messages`), the buckets of native histograms
//! (`native_buckets`, and those given by bounds, `bounds`), rows of Parquet (`parquet_rows`), and numbers as text (`number`). Hashes are in [`digest`].
//!
//! All readers give [`samples`]. Pages of exporters are read by [`exposition::read`], requests of remote write and OTLP in the
//! modules that write them.
//!
//! Invariants: nothing here opens a connection, reads a clock or starts a task, and equal input gives equal bytes. The only
//! files are the spool of an export, blocks and recordings, in folders that the caller names. The time of a sample comes from
//! its caller.
//!
//! [`client_model`]: https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto
//! [text]: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
//! [OpenMetrics]: https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md
//! [1.0]: https://prometheus.io/docs/specs/prw/remote_write_spec/
//! [2.0]: https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/
//! [rules]: https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/
//! [Grafana]: https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
//! [storage]: https://github.com/prometheus/prometheus/tree/main/tsdb/docs/format
//! [API]: https://prometheus.io/docs/prometheus/latest/querying/api/
//! [OTLP]: https://opentelemetry.io/docs/specs/otlp/#otlphttp

pub mod block_reader;
mod bounds;
pub mod chunks;
pub mod digest;
pub mod dump;
pub mod export;
pub mod exposition;
mod fields;
pub mod grafana_dashboard;
pub mod line_protocol;
mod messages;
mod native_buckets;
mod number;
pub mod otlp;
mod parquet_rows;
pub mod plain_samples;
pub mod prepared;
mod protobuf;
pub mod range_query;
pub mod recording;
pub mod remote_read;
pub mod remote_write;
pub mod request;
pub mod rule_file;
pub mod samples;
mod series_expansion;
