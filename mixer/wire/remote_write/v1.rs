//! Remote write 1.0: `prometheus.WriteRequest`
//! (<https://prometheus.io/docs/specs/prw/remote_write_spec/>,
//! <https://github.com/prometheus/prometheus/blob/main/prompb/types.proto>). Exemplars, histograms and
//! metadata are not in the specification; they are encoded as Prometheus itself sends them.

use promemu_core::metric::{self, ABSENT, Exemplar, Kind};
use promemu_core::series::{Column, Family, LabelBlock};
use promemu_core::time::Time;

use super::column::{PreparedColumn, for_each_value};
use super::compression::Compressor;
use super::histogram::put_histogram;
use super::labels::{HostLabels, LABEL, SeriesLabels};
use super::sample::{millis_of, put_sample};
use super::split::{Tags, split};
use crate::protobuf::{put_bytes, put_double, put_label, put_tag_and_len, put_uint, varint_len};
use crate::request::{Batch, Encoder};
use crate::series_expansion::exemplar_index;

// Field tags, as number << 3 | wire type. WriteRequest:
pub(super) const TIME_SERIES: u8 = 0x0a;
const METADATA: u8 = 0x1a;
// TimeSeries, behind its labels:
const EXEMPLAR: u8 = 0x1a;
pub(super) const HISTOGRAM: u8 = 0x22;
// Exemplar, behind its labels:
const EXEMPLAR_VALUE: u8 = 0x11;
const EXEMPLAR_TIMESTAMP: u8 = 0x18;
// MetricMetadata:
const TYPE: u8 = 0x08;
const FAMILY_NAME: u8 = 0x12;
const HELP: u8 = 0x22;
const UNIT: u8 = 0x2a;

/// Encoder of version 1.0.
#[derive(Debug, Default)]
pub struct V1 {
    out: Vec<u8>,
    host: HostLabels,
    unix_millis: u64,
    /// Buffer for the fields that follow the labels of a series that is more than a sample.
    rest: Vec<u8>,
    /// Buffer for a message in `rest`.
    message: Vec<u8>,
    compressor: Compressor,
}

/// A job, prepared for version 1.0.
#[derive(Debug)]
pub struct JobV1 {
    labels: LabelBlock,
    columns: Box<[PreparedColumn]>,
}

impl Encoder for V1 {
    type Job = JobV1;

    const IS_CUT_BY_HOSTS: bool = true;

    fn prepare(_id: u32, name: &str, columns: &[(&Family, &Column)]) -> JobV1 {
        JobV1 { labels: LabelBlock::new([("job", name)]), columns: PreparedColumn::all(columns) }
    }

    fn host(&mut self, job: &JobV1, labels: &LabelBlock, at: Time) {
        self.host.set(labels, &job.labels);
        self.unix_millis = at.unix_millis();
    }

    fn put(&mut self, job: &JobV1, column: usize, cells: Option<&[f64]>) -> usize {
        let column = &job.columns[column];
        let Some(cells) = cells else {
            column.series.iter().for_each(|own| self.put_short(own, ABSENT));
            return column.series.len();
        };
        let exemplar = column.layout.exemplar(cells);
        if let Kind::NativeHistogram(layout) = &column.layout.kind {
            let Self { rest, message, .. } = self;
            message.clear();
            put_histogram(&metric::native_histogram(layout, cells), self.unix_millis, None, message);
            rest.clear();
            put_bytes(HISTOGRAM, message, rest);
            self.put_series(&column.series[0], exemplar);
            return 1;
        }
        let marked = exemplar.map(|exemplar| exemplar_index(&column.layout.kind, exemplar.value));
        for_each_value(&column.layout, cells, |index, value| {
            let own = &column.series[index];
            if marked == Some(index) {
                self.rest.clear();
                let (rest, unix_millis) = (&mut self.rest, self.unix_millis);
                put_sample(value, unix_millis, rest);
                self.put_series(own, exemplar);
            } else {
                self.put_short(own, value);
            }
        });
        column.series.len()
    }

    fn describe(&mut self, job: &JobV1) {
        let mut last = None;
        for column in &job.columns {
            // Columns of one family are neighbours.
            if last.replace(&column.family.name) == Some(&column.family.name) {
                continue;
            }
            let rest = &mut self.rest;
            rest.clear();
            rest.extend_from_slice(&[TYPE, column.type_number()]);
            let family = &column.family;
            for (tag, text) in [(FAMILY_NAME, &family.name), (HELP, &family.help), (UNIT, &family.unit)] {
                put_bytes(tag, text.as_bytes(), rest);
            }
            put_bytes(METADATA, rest, &mut self.out);
        }
    }

    fn body_bytes(&self) -> usize {
        self.out.len()
    }

    fn take(&mut self) -> Vec<u8> {
        let body = self.compressor.compress(&self.out);
        self.out.clear();
        body
    }
}

/// Splits a request in two: floats from native histograms first, then hosts, then, if it is to go on `within_host`, the
/// series of one host. `None` if it cannot be split. A message that is cut between two of its fields is two messages.
#[must_use]
pub fn halves(batch: &Batch, within_host: bool) -> Option<[Batch; 2]> {
    split(batch, Tags { series: TIME_SERIES, histogram: HISTOGRAM, shared: None }, within_host)
}

impl V1 {
    /// Appends a series that is one sample.
    #[inline]
    fn put_short(&mut self, own: &SeriesLabels, value: f64) {
        let Self { out, host, unix_millis, .. } = self;
        let len = host.merged_len(own) + 12 + varint_len(*unix_millis);
        put_tag_and_len(TIME_SERIES, len, out);
        host.put_merged(own, out);
        put_sample(value, *unix_millis, out);
    }

    /// Appends a series with the fields in `rest`, and with an exemplar if there is one.
    fn put_series(&mut self, own: &SeriesLabels, exemplar: Option<Exemplar>) {
        let Self { out, host, rest, message, .. } = self;
        if let Some(exemplar) = exemplar {
            message.clear();
            for (name, value) in Exemplar::LABELS.iter().zip([&exemplar.trace_id()[..], &exemplar.span_id()])
            {
                put_label(LABEL, name.as_bytes(), value, message);
            }
            put_double(EXEMPLAR_VALUE, exemplar.value, message);
            put_uint(EXEMPLAR_TIMESTAMP, millis_of(exemplar.unix_secs), message);
            put_bytes(EXEMPLAR, message, rest);
        }
        put_tag_and_len(TIME_SERIES, host.merged_len(own) + rest.len(), out);
        host.put_merged(own, out);
        out.extend_from_slice(rest);
    }
}
