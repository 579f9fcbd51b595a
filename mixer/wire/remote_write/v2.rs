//! Remote write 2.0: `io.prometheus.write.v2.Request`
//! (<https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/>,
//! <https://github.com/prometheus/prometheus/blob/main/prompb/io/prometheus/write/v2/types.proto>).
//!
//! Start times were in the series before the specification's fourth candidate and are in the sample since
//! then; they are written in both places, as each kind of receiver reads its own.

use super::histogram::put_histogram;
use super::labels::HostLabels;
use super::message::{Compressor, millis_of, put_message};
use super::symbols::Symbols;
use super::written::{Written, for_each_value, place_of_exemplar};
use crate::request::Encoder;
use promemu_core::metric::{self, ABSENT, Exemplar, Kind};
use promemu_core::series::{Column, Family, LabelBlock, put_varint, varint_len};
use promemu_core::time::Time;

// Field tags, as number << 3 | wire type. Request:
const TIME_SERIES: u8 = 0x2a;
// TimeSeries:
const LABELS_REFS: u8 = 0x0a;
const SAMPLE: u8 = 0x12;
const HISTOGRAM: u8 = 0x1a;
const EXEMPLAR: u8 = 0x22;
const METADATA: u8 = 0x2a;
const CREATED_TIMESTAMP: u8 = 0x30;
// Sample:
const VALUE: u8 = 0x09;
const TIMESTAMP: u8 = 0x10;
const START_TIMESTAMP: u8 = 0x18;
// Exemplar, behind its labels:
const EXEMPLAR_VALUE: u8 = 0x11;
const EXEMPLAR_TIMESTAMP: u8 = 0x18;
// Metadata:
const TYPE: u8 = 0x08;
const HELP_REF: u8 = 0x18;
const UNIT_REF: u8 = 0x20;

/// Writes requests of version 2.0.
#[derive(Debug, Default)]
pub struct V2 {
    symbols: Symbols,
    /// The series, which follow the symbols.
    out: Vec<u8>,
    host: HostLabels,
    /// The numbers of the host's names and values.
    host_refs: Vec<(u32, u32)>,
    unix_millis: u64,
    known: Known,
    labels_refs: Vec<u8>,
    series: Vec<u8>,
    message: Vec<u8>,
    compressor: Compressor,
    /// What the present request was put together from; the symbols are known to be the empty one otherwise.
    is_begun: bool,
}

/// The numbers of what a job's columns have of their own, as far as they are in the present request.
#[derive(Debug, Default)]
struct Known {
    job: u32,
    /// For each series of the job, where its own labels' numbers begin, plus one.
    series: Vec<u32>,
    /// The same for each column's help and unit.
    columns: Vec<u32>,
    refs: Vec<u32>,
}

/// A job as version 2.0 writes it.
#[derive(Debug)]
pub struct JobV2 {
    id: u32,
    labels: LabelBlock,
    columns: Box<[Written]>,
    series: usize,
}

impl Encoder for V2 {
    type Job = JobV2;

    fn prepare(id: u32, name: &str, columns: &[(&Family, &Column)]) -> JobV2 {
        let columns = Written::all(columns);
        let series = columns.iter().map(|column| column.series.len()).sum();
        JobV2 { id, labels: LabelBlock::new([("job", name)]), columns, series }
    }

    fn host(&mut self, job: &JobV2, labels: &LabelBlock, at: Time) {
        self.host.set(labels, &job.labels);
        self.unix_millis = at.unix_millis();
        let Self { symbols, host, host_refs, .. } = self;
        host_refs.clear();
        host_refs.extend(host.iter().map(|(name, value)| (symbols.number(name), symbols.number(value))));
        if self.known.job != job.id || !self.is_begun {
            self.known.begin(job);
            self.is_begun = true;
        }
    }

    fn put(&mut self, job: &JobV2, number: usize, cells: Option<&[f64]>) -> usize {
        let column = &job.columns[number];
        let Some(cells) = cells else {
            (0..column.series.len()).for_each(|n| self.put_value(column, number, n, ABSENT, None, None));
            return column.series.len();
        };
        let exemplar = column.layout.exemplar(cells);
        let start = column.layout.created_unix_secs(cells).map(millis_of);
        if let Kind::NativeHistogram(layout) = &column.layout.kind {
            let Self { series, message, unix_millis, .. } = self;
            message.clear();
            put_histogram(&metric::native_histogram(layout, cells), *unix_millis, start, message);
            series.clear();
            put_message(HISTOGRAM, message, series);
            self.put_series(column, number, 0, exemplar, start);
            return 1;
        }
        let place = exemplar.map(|exemplar| place_of_exemplar(&column.layout, exemplar.value));
        for_each_value(&column.layout, cells, |n, value| {
            let exemplar = exemplar.filter(|_| place == Some(n));
            self.put_value(column, number, n, value, exemplar, start);
        });
        column.series.len()
    }

    fn len(&self) -> usize {
        if self.out.is_empty() { 0 } else { self.out.len() + self.symbols.as_bytes().len() }
    }

    fn take(&mut self) -> Vec<u8> {
        let Self { symbols, out, message, compressor, .. } = self;
        message.clear();
        message.extend_from_slice(symbols.as_bytes());
        message.extend_from_slice(out);
        let body = compressor.compress(message);
        out.clear();
        symbols.clear();
        self.is_begun = false;
        body
    }
}

impl V2 {
    fn put_value(
        &mut self,
        column: &Written,
        number: usize,
        n: usize,
        value: f64,
        exemplar: Option<Exemplar>,
        start: Option<u64>,
    ) {
        let Self { series, unix_millis, .. } = self;
        let len = 10 + varint_len(*unix_millis) + start.map_or(0, |start| 1 + varint_len(start));
        series.clear();
        series.push(SAMPLE);
        put_varint(series, len as u64);
        series.push(VALUE);
        series.extend_from_slice(&value.to_le_bytes());
        series.push(TIMESTAMP);
        put_varint(series, *unix_millis);
        if let Some(start) = start {
            series.push(START_TIMESTAMP);
            put_varint(series, start);
        }
        self.put_series(column, number, n, exemplar, start);
    }

    /// A series with what is in `series` already, and all that goes with it.
    fn put_series(
        &mut self,
        column: &Written,
        number: usize,
        n: usize,
        exemplar: Option<Exemplar>,
        start: Option<u64>,
    ) {
        if let Some(exemplar) = exemplar {
            self.put_exemplar(exemplar);
        }
        let Self { symbols, out, host, host_refs, known, labels_refs, series, .. } = self;
        let [help, unit] = known.column(number, column, symbols);
        series.push(METADATA);
        let (help_len, unit_len) = (varint_len(u64::from(help)), varint_len(u64::from(unit)));
        put_varint(series, (4 + help_len + unit_len) as u64);
        series.extend_from_slice(&[TYPE, column.type_number(), HELP_REF]);
        put_varint(series, u64::from(help));
        series.push(UNIT_REF);
        put_varint(series, u64::from(unit));
        if let Some(start) = start {
            series.push(CREATED_TIMESTAMP);
            put_varint(series, start);
        }
        let own = &column.series[n];
        let refs = known.series(column.first + n, own, symbols);
        labels_refs.clear();
        let mut at = 0;
        for (label, pair) in own.labels.iter().zip(refs.as_chunks::<2>().0) {
            let before = host.count_before(&label.name, at);
            put_refs(&host_refs[at..before], labels_refs);
            put_refs(&[(pair[0], pair[1])], labels_refs);
            at = before;
        }
        put_refs(&host_refs[at..], labels_refs);
        let len = 1 + varint_len(labels_refs.len() as u64) + labels_refs.len() + series.len();
        out.push(TIME_SERIES);
        put_varint(out, len as u64);
        put_message(LABELS_REFS, labels_refs, out);
        out.extend_from_slice(series);
    }

    fn put_exemplar(&mut self, exemplar: Exemplar) {
        let Self { symbols, message, labels_refs, series, .. } = self;
        let mut labels = Exemplar::LABELS
            .into_iter()
            .zip([&exemplar.trace_id()[..], &exemplar.span_id()])
            .map(|(name, value)| (symbols.number(name.as_bytes()), symbols.number(value)))
            .collect::<Vec<_>>();
        labels.sort_unstable();
        labels_refs.clear();
        put_refs(&labels, labels_refs);
        message.clear();
        put_message(LABELS_REFS, labels_refs, message);
        message.push(EXEMPLAR_VALUE);
        message.extend_from_slice(&exemplar.value.to_le_bytes());
        message.push(EXEMPLAR_TIMESTAMP);
        put_varint(message, millis_of(exemplar.unix_secs));
        put_message(EXEMPLAR, message, series);
    }
}

fn put_refs(refs: &[(u32, u32)], out: &mut Vec<u8>) {
    for (name, value) in refs {
        put_varint(out, u64::from(*name));
        put_varint(out, u64::from(*value));
    }
}

impl Known {
    /// Forgets all; what comes is of this job.
    fn begin(&mut self, job: &JobV2) {
        self.job = job.id;
        self.series.clear();
        self.series.resize(job.series, 0);
        self.columns.clear();
        self.columns.resize(job.columns.len(), 0);
        self.refs.clear();
    }

    /// The numbers of a series' own labels.
    fn series(&mut self, place: usize, own: &super::labels::OwnLabels, symbols: &mut Symbols) -> &[u32] {
        let texts = own.labels.iter().flat_map(|label| [&label.name, &label.value]);
        let start = Self::look_up(
            &mut self.series[place],
            &mut self.refs,
            texts.map(|text| text.as_bytes()),
            symbols,
        );
        &self.refs[start..start + own.labels.len() * 2]
    }

    /// The numbers of a column's help and unit.
    fn column(&mut self, number: usize, column: &Written, symbols: &mut Symbols) -> [u32; 2] {
        let texts = [column.family.help.as_bytes(), column.family.unit.as_bytes()];
        let start = Self::look_up(&mut self.columns[number], &mut self.refs, texts.into_iter(), symbols);
        [self.refs[start], self.refs[start + 1]]
    }

    fn look_up<'a>(
        place: &mut u32,
        refs: &mut Vec<u32>,
        texts: impl Iterator<Item = &'a [u8]>,
        symbols: &mut Symbols,
    ) -> usize {
        if *place == 0 {
            *place = u32::try_from(refs.len() + 1).unwrap_or(u32::MAX);
            refs.extend(texts.map(|text| symbols.number(text)));
        }
        *place as usize - 1
    }
}
