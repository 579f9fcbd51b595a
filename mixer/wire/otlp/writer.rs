//! Requests: `ExportMetricsServiceRequest`
//! (<https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/collector/metrics/v1/metrics_service.proto>).
//!
//! All labels, `job` among them, are attributes of the points, which servers turn into labels unchanged. Servers differ in
//! the labels that they make of a resource and a scope (`VictoriaMetrics` adds `service.name` and others, Prometheus makes a
//! series `target_info`), so both are left out, and a series has the same labels as in the other formats.

use std::io::Write;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use promemu_core::metric::{Kind, Layout, whole};
use promemu_core::series::{Column, Family, LabelBlock};
use promemu_core::time::Time;

use super::points::{self, PointKind, Times, nanos_of};
use crate::protobuf::{len_len, put_bytes, put_tag_and_len, put_varint};
use crate::request::Encoder;

// Field tags, as number << 3 | wire type. ExportMetricsServiceRequest:
pub(super) const RESOURCE_METRICS: u8 = 0x0a;
// ResourceMetrics:
pub(super) const SCOPE_METRICS: u8 = 0x12;
// ScopeMetrics:
pub(super) const METRIC: u8 = 0x12;
// Metric:
const NAME: u8 = 0x0a;
const DESCRIPTION: u8 = 0x12;
// Gauge, Sum, …:
pub(super) const DATA_POINT: u8 = 0x0a;
// KeyValue, and the AnyValue in it:
const KEY: u8 = 0x0a;
const ANY_VALUE: u8 = 0x12;
const STRING_VALUE: u8 = 0x0a;

/// Encoder of OTLP requests.
#[derive(Debug, Default)]
pub struct Otlp {
    /// The jobs before the current one.
    out: Vec<u8>,
    /// Id of the current job; 0 without one.
    job: u32,
    /// The current job's columns.
    metrics: Vec<Metric>,
    /// The columns that have points, as indices into `metrics`.
    used: Vec<usize>,
    points_len: usize,
    /// Labels of the host and the job as attributes without their tags.
    host: Vec<u8>,
    /// End of each attribute in `host`.
    host_ends: Vec<usize>,
    now: u64,
    /// Buffers.
    point: Vec<u8>,
    message: Vec<u8>,
}

/// The points of one column.
#[derive(Debug)]
struct Metric {
    /// The metric's name and description, as fields.
    head: Arc<[u8]>,
    kind: PointKind,
    points: Vec<u8>,
}

/// A job, prepared for OTLP.
#[derive(Debug)]
pub struct OtlpJob {
    id: u32,
    labels: LabelBlock,
    columns: Box<[OtlpColumn]>,
}

#[derive(Debug)]
struct OtlpColumn {
    head: Arc<[u8]>,
    kind: PointKind,
    layout: Arc<Layout>,
    /// The attributes of each point beside those of its host, as fields.
    attributes: Box<[Box<[u8]>]>,
}

impl Encoder for Otlp {
    type Job = OtlpJob;

    fn prepare(id: u32, name: &str, columns: &[(&Family, &Column)]) -> OtlpJob {
        let columns = columns.iter().map(|(family, column)| OtlpColumn::new(family, column)).collect();
        OtlpJob { id, labels: LabelBlock::new([("job", name)]), columns }
    }

    fn host(&mut self, job: &OtlpJob, labels: &LabelBlock, at: Time) {
        if self.job != job.id {
            self.end_job();
            self.begin_job(job);
        }
        self.now = at.unix_nanos();
        let Self { host, host_ends, .. } = self;
        host.clear();
        host_ends.clear();
        for (name, value) in labels.bytes().chain(job.labels.bytes()) {
            if !value.is_empty() {
                put_attribute(name, value, host);
                host_ends.push(host.len());
            }
        }
    }

    fn put(&mut self, job: &OtlpJob, number: usize, cells: Option<&[f64]>) -> usize {
        let column = &job.columns[number];
        let Some(cells) = cells else {
            for n in 0..column.attributes.len() {
                self.put_point(number, column, n, |now, out| {
                    points::put_end(column.kind, &column.layout, now, out);
                });
            }
            return column.attributes.len();
        };
        let layout = &*column.layout;
        let start = layout.created_unix_secs(cells).map(nanos_of);
        if let Kind::StateSet { states } = &layout.kind {
            let state = whole(cells[0]);
            for (n, other) in (0..states.len()).zip(0..) {
                let value = if other == state { 1.0 } else { 0.0 };
                self.put_point(number, column, n, |now, out| {
                    points::put_number(Times { start, now }, value, out);
                });
            }
            return states.len();
        }
        self.put_point(number, column, 0, |now, out| {
            let times = Times { start, now };
            if layout.kind == Kind::Value {
                points::put_number(times, cells[0], out);
            } else {
                points::put_distribution(layout, times, cells, out);
            }
            if let Some(exemplar) = layout.exemplar(cells) {
                points::put_exemplar(column.kind, exemplar, out);
            }
        });
        1
    }

    fn body_bytes(&self) -> usize {
        self.out.len() + self.points_len
    }

    fn take(&mut self) -> Vec<u8> {
        self.end_job();
        let mut body = GzEncoder::new(Vec::new(), Compression::fast());
        // Writes to memory do not fail.
        let _is_written = body.write_all(&self.out).is_ok();
        self.out.clear();
        body.finish().unwrap_or_default()
    }
}

impl Otlp {
    fn begin_job(&mut self, job: &OtlpJob) {
        self.job = job.id;
        let metric = |column: &OtlpColumn| Metric {
            head: Arc::clone(&column.head),
            kind: column.kind,
            points: Vec::new(),
        };
        self.metrics.clear();
        self.metrics.extend(job.columns.iter().map(metric));
    }

    /// Appends the current job to the request.
    fn end_job(&mut self) {
        let Self { out, metrics, used, message, .. } = self;
        if used.is_empty() {
            return;
        }
        message.clear();
        for column in used.drain(..) {
            let metric = &mut metrics[column];
            let properties = metric.kind.properties();
            let points_len = metric.points.len() + properties.len();
            put_tag_and_len(METRIC, metric.head.len() + 1 + len_len(points_len) + points_len, message);
            message.extend_from_slice(&metric.head);
            put_tag_and_len(metric.kind.tag(), points_len, message);
            message.extend_from_slice(&metric.points);
            message.extend_from_slice(properties);
            metric.points.clear();
        }
        put_tag_and_len(RESOURCE_METRICS, 1 + len_len(message.len()) + message.len(), out);
        put_bytes(SCOPE_METRICS, message, out);
        self.points_len = 0;
    }

    /// Appends a point to those of its column; `put` writes all fields but the attributes.
    #[inline]
    fn put_point(
        &mut self,
        number: usize,
        column: &OtlpColumn,
        n: usize,
        put: impl FnOnce(u64, &mut Vec<u8>),
    ) {
        let Self { metrics, used, points_len, host, host_ends, now, point, .. } = self;
        let own = &column.attributes[n];
        point.clear();
        put(*now, point);
        let points = &mut metrics[number].points;
        if points.is_empty() {
            used.push(number);
        }
        let before = points.len();
        let len = host_ends.len() + host.len() + own.len() + point.len();
        put_tag_and_len(DATA_POINT, len, points);
        let (tag, mut start) = (column.kind.attributes_tag(), 0);
        for end in &*host_ends {
            points.push(tag);
            points.extend_from_slice(&host[start..*end]);
            start = *end;
        }
        points.extend_from_slice(own);
        points.extend_from_slice(point);
        *points_len += points.len() - before;
    }
}

impl OtlpColumn {
    fn new(family: &Family, column: &Column) -> Self {
        let kind = PointKind::of(family.metric_type);
        let mut head = Vec::new();
        put_bytes(NAME, family.name.as_bytes(), &mut head);
        put_bytes(DESCRIPTION, family.help.as_bytes(), &mut head);
        let mut own = Vec::new();
        for (name, value) in column.labels.bytes().filter(|(_, value)| !value.is_empty()) {
            put_tagged_attribute(kind.attributes_tag(), name, value, &mut own);
        }
        let attributes = match &column.layout.kind {
            Kind::StateSet { states } => states
                .iter()
                .map(|state| {
                    let mut own = own.clone();
                    put_tagged_attribute(
                        kind.attributes_tag(),
                        family.name.as_bytes(),
                        state.as_bytes(),
                        &mut own,
                    );
                    own.into()
                })
                .collect(),
            _ => [own.into()].into(),
        };
        Self { head: head.into(), kind, layout: Arc::clone(&column.layout), attributes }
    }
}

/// Appends `KeyValue { key, value: AnyValue { string_value } }` behind its length, without its tag.
fn put_attribute(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    let value_len = 1 + len_len(value.len()) + value.len();
    let len = 1 + len_len(name.len()) + name.len() + 1 + len_len(value_len) + value_len;
    put_varint(out, len as u64);
    put_bytes(KEY, name, out);
    put_tag_and_len(ANY_VALUE, value_len, out);
    put_bytes(STRING_VALUE, value, out);
}

fn put_tagged_attribute(tag: u8, name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    put_attribute(name, value, out);
}
