//! Remote write 1.0: `prometheus.WriteRequest`
//! (<https://prometheus.io/docs/specs/prw/remote_write_spec/>,
//! <https://github.com/prometheus/prometheus/blob/main/prompb/types.proto>). Exemplars, histograms and
//! metadata are not in the specification, but are what Prometheus itself sends.

use super::histogram::put_histogram;
use super::labels::{HostLabels, OwnLabels, put_label};
use super::message::{Compressor, millis_of, put_message, put_sample};
use super::written::{Written, for_each_value, place_of_exemplar};
use crate::request::{Batch, Cut, Encoder};
use promemu_core::metric::{self, ABSENT, Exemplar, Kind};
use promemu_core::series::{Column, Family, LabelBlock, put_varint, varint_len};
use promemu_core::time::Time;

// Field tags, as number << 3 | wire type. WriteRequest:
const TIME_SERIES: u8 = 0x0a;
const METADATA: u8 = 0x1a;
// TimeSeries, behind its labels:
const SAMPLE: u8 = 0x12;
const EXEMPLAR: u8 = 0x1a;
const HISTOGRAM: u8 = 0x22;
// Exemplar, behind its labels:
const EXEMPLAR_VALUE: u8 = 0x11;
const EXEMPLAR_TIMESTAMP: u8 = 0x18;
// MetricMetadata:
const TYPE: u8 = 0x08;
const FAMILY_NAME: u8 = 0x12;
const HELP: u8 = 0x22;
const UNIT: u8 = 0x2a;

/// Writes requests of version 1.0.
#[derive(Debug, Default)]
pub struct V1 {
    out: Vec<u8>,
    host: HostLabels,
    unix_millis: u64,
    /// What stands behind the labels of a series that is more than a sample.
    rest: Vec<u8>,
    exemplar: Vec<u8>,
    compressor: Compressor,
}

/// A job as version 1.0 writes it.
#[derive(Debug)]
pub struct JobV1 {
    labels: LabelBlock,
    columns: Box<[Written]>,
}

impl Encoder for V1 {
    type Job = JobV1;

    const IS_CUT_BY_HOSTS: bool = true;

    fn prepare(_id: u32, name: &str, columns: &[(&Family, &Column)]) -> JobV1 {
        JobV1 { labels: LabelBlock::new([("job", name)]), columns: Written::all(columns) }
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
            let Self { rest, exemplar: scratch, .. } = self;
            scratch.clear();
            put_histogram(&metric::native_histogram(layout, cells), self.unix_millis, None, scratch);
            rest.clear();
            put_message(HISTOGRAM, scratch, rest);
            self.put_series(&column.series[0], exemplar);
            return 1;
        }
        let place = exemplar.map(|exemplar| place_of_exemplar(&column.layout, exemplar.value));
        for_each_value(&column.layout, cells, |n, value| {
            let own = &column.series[n];
            if place == Some(n) {
                self.rest.clear();
                let (rest, unix_millis) = (&mut self.rest, self.unix_millis);
                put_sample(SAMPLE, value, unix_millis, rest);
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
                put_message(tag, text.as_bytes(), rest);
            }
            put_message(METADATA, rest, &mut self.out);
        }
    }

    fn len(&self) -> usize {
        self.out.len()
    }

    fn take(&mut self) -> Vec<u8> {
        let body = self.compressor.compress(&self.out);
        self.out.clear();
        body
    }
}

/// A request as two of about as many hosts each; none if it has only one. A message that is cut between two of its
/// fields is two messages.
#[must_use]
pub fn halves(batch: &Batch) -> Option<[Batch; 2]> {
    let middle = batch.cuts.len() / 2;
    let cut = *batch.cuts.get(middle)?;
    let message = snap::raw::Decoder::new().decompress_vec(&batch.body).ok()?;
    let (first, second) = message.split_at_checked(cut.bytes)?;
    let mut compressor = Compressor::default();
    let mut half = |message: &[u8], samples, cuts| {
        let body = compressor.compress(message).into();
        Batch { body, samples, round: batch.round, cuts }
    };
    let rest = batch.cuts[middle + 1..].iter();
    let rest = rest.map(|later| Cut { bytes: later.bytes - cut.bytes, samples: later.samples - cut.samples });
    Some([
        half(first, cut.samples, batch.cuts[..middle].into()),
        half(second, batch.samples - cut.samples, rest.collect()),
    ])
}

impl V1 {
    /// A series with one sample.
    #[inline]
    fn put_short(&mut self, own: &OwnLabels, value: f64) {
        let Self { out, host, unix_millis, .. } = self;
        let len = host.merged_len(own) + 12 + varint_len(*unix_millis);
        out.push(TIME_SERIES);
        put_varint(out, len as u64);
        host.put_merged(own, out);
        put_sample(SAMPLE, value, *unix_millis, out);
    }

    /// A series with what is in `rest`, and an exemplar, if there is one.
    fn put_series(&mut self, own: &OwnLabels, exemplar: Option<Exemplar>) {
        let Self { out, host, rest, exemplar: scratch, .. } = self;
        if let Some(exemplar) = exemplar {
            scratch.clear();
            for (name, value) in Exemplar::LABELS.iter().zip([&exemplar.trace_id()[..], &exemplar.span_id()])
            {
                put_label(name.as_bytes(), value, scratch);
            }
            scratch.push(EXEMPLAR_VALUE);
            scratch.extend_from_slice(&exemplar.value.to_le_bytes());
            scratch.push(EXEMPLAR_TIMESTAMP);
            put_varint(scratch, millis_of(exemplar.unix_secs));
            put_message(EXEMPLAR, scratch, rest);
        }
        out.push(TIME_SERIES);
        put_varint(out, (host.merged_len(own) + rest.len()) as u64);
        host.put_merged(own, out);
        out.extend_from_slice(rest);
    }
}
