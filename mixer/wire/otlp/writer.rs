//! Requests: `ExportMetricsServiceRequest`
//! (<https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/collector/metrics/v1/metrics_service.proto>).
//!
//! All labels, the job among them, are attributes of the points: servers make labels of these as they are. What
//! they make of a resource's attributes and of a scope differs (`VictoriaMetrics` adds labels such as
//! `service.name`, Prometheus makes a series `target_info`), so both are left out, and a series has the labels
//! that it has elsewhere.

use std::io::Write;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::points::{self, Form, Times, nanos_of};
use crate::request::Encoder;
use promemu_core::metric::{Kind, Layout, whole};
use promemu_core::series::{Column, Family, LabelBlock, put_varint, varint_len};
use promemu_core::time::Time;

// Field tags, as number << 3 | wire type. ExportMetricsServiceRequest:
const RESOURCE_METRICS: u8 = 0x0a;
// ResourceMetrics:
const SCOPE_METRICS: u8 = 0x12;
// ScopeMetrics:
const METRIC: u8 = 0x12;
// Metric:
const NAME: u8 = 0x0a;
const DESCRIPTION: u8 = 0x12;
// Gauge, Sum, …:
const DATA_POINT: u8 = 0x0a;
// KeyValue, and the AnyValue in it:
const KEY: u8 = 0x0a;
const ANY_VALUE: u8 = 0x12;
const STRING_VALUE: u8 = 0x0a;

/// Writes requests.
#[derive(Debug, Default)]
pub struct Otlp {
    /// The jobs before the present one.
    out: Vec<u8>,
    /// The present job; 0 if there is none.
    job: u32,
    /// What its columns have so far.
    metrics: Vec<Metric>,
    /// Those that have points.
    used: Vec<usize>,
    points_len: usize,
    /// The host's labels and the job, as attributes without their tags.
    host: Vec<u8>,
    /// Where each ends.
    host_ends: Vec<usize>,
    now: u64,
    point: Vec<u8>,
    message: Vec<u8>,
}

/// The points of one column.
#[derive(Debug)]
struct Metric {
    /// The metric's other fields.
    head: Arc<[u8]>,
    form: Form,
    points: Vec<u8>,
}

/// A job as OTLP has it.
#[derive(Debug)]
pub struct OtlpJob {
    id: u32,
    labels: LabelBlock,
    columns: Box<[OtlpColumn]>,
}

#[derive(Debug)]
struct OtlpColumn {
    head: Arc<[u8]>,
    form: Form,
    layout: Arc<Layout>,
    /// For each point, what it has beside its host's attributes, as fields.
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
                    points::put_end(column.form, &column.layout, now, out);
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
                points::put_exemplar(column.form, exemplar, out);
            }
        });
        1
    }

    fn len(&self) -> usize {
        self.out.len() + self.points_len
    }

    fn take(&mut self) -> Vec<u8> {
        self.end_job();
        let mut body = GzEncoder::new(Vec::new(), Compression::fast());
        // Nothing fails that writes to memory.
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
            form: column.form,
            points: Vec::new(),
        };
        self.metrics.clear();
        self.metrics.extend(job.columns.iter().map(metric));
    }

    /// Writes down what the present job has.
    fn end_job(&mut self) {
        let Self { out, metrics, used, message, .. } = self;
        if used.is_empty() {
            return;
        }
        message.clear();
        for column in used.drain(..) {
            let metric = &mut metrics[column];
            let properties = metric.form.properties();
            let points_len = metric.points.len() + properties.len();
            message.push(METRIC);
            put_varint(message, (metric.head.len() + 1 + length_len(points_len) + points_len) as u64);
            message.extend_from_slice(&metric.head);
            message.push(metric.form.tag());
            put_varint(message, points_len as u64);
            message.extend_from_slice(&metric.points);
            message.extend_from_slice(properties);
            metric.points.clear();
        }
        out.push(RESOURCE_METRICS);
        put_varint(out, (1 + length_len(message.len()) + message.len()) as u64);
        out.push(SCOPE_METRICS);
        put_varint(out, message.len() as u64);
        out.extend_from_slice(message);
        self.points_len = 0;
    }

    /// Appends a point to its column's; `put` writes all but its attributes.
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
        points.push(DATA_POINT);
        put_varint(points, (host_ends.len() + host.len() + own.len() + point.len()) as u64);
        let (tag, mut start) = (column.form.attributes_tag(), 0);
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
        let form = Form::of(family.metric_type);
        let mut head = Vec::new();
        put_text(NAME, &family.name, &mut head);
        put_text(DESCRIPTION, &family.help, &mut head);
        let mut own = Vec::new();
        for (name, value) in column.labels.bytes().filter(|(_, value)| !value.is_empty()) {
            put_tagged_attribute(form.attributes_tag(), name, value, &mut own);
        }
        let attributes = match &column.layout.kind {
            Kind::StateSet { states } => states
                .iter()
                .map(|state| {
                    let mut own = own.clone();
                    put_tagged_attribute(
                        form.attributes_tag(),
                        family.name.as_bytes(),
                        state.as_bytes(),
                        &mut own,
                    );
                    own.into()
                })
                .collect(),
            _ => [own.into()].into(),
        };
        Self { head: head.into(), form, layout: Arc::clone(&column.layout), attributes }
    }
}

/// `KeyValue { key, value: AnyValue { string_value } }` behind its length.
fn put_attribute(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    let value_len = 1 + length_len(value.len()) + value.len();
    let len = 1 + length_len(name.len()) + name.len() + 1 + length_len(value_len) + value_len;
    put_varint(out, len as u64);
    out.push(KEY);
    put_varint(out, name.len() as u64);
    out.extend_from_slice(name);
    out.push(ANY_VALUE);
    put_varint(out, value_len as u64);
    out.push(STRING_VALUE);
    put_varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

fn put_tagged_attribute(tag: u8, name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    put_attribute(name, value, out);
}

fn put_text(tag: u8, text: &str, out: &mut Vec<u8>) {
    out.push(tag);
    put_varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

const fn length_len(len: usize) -> usize {
    varint_len(len as u64)
}
