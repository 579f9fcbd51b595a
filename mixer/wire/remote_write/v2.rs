//! Remote write 2.0: `io.prometheus.write.v2.Request`
//! (<https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/>,
//! <https://github.com/prometheus/prometheus/blob/main/prompb/io/prometheus/write/v2/types.proto>).
//!
//! Start times were part of the series up to the specification's third release candidate and are part of the sample
//! since the fourth. They are written in both places, as each generation of receivers reads its own.

use promemu_core::metric::{self, ABSENT, Exemplar, Kind};
use promemu_core::series::{Column, Family, LabelBlock};
use promemu_core::time::Time;

use super::column::{PreparedColumn, for_each_value};
use super::compression::Compressor;
use super::histogram::put_histogram;
use super::labels::{HostLabels, SeriesLabels};
use super::sample::{millis_of, put_sample_with_start};
use super::split::{Tags, split};
use super::symbols::{SYMBOL, Symbols};
use crate::protobuf::{len_len, put_bytes, put_double, put_tag_and_len, put_uint, put_varint, varint_len};
use crate::request::{Batch, Encoder};
use crate::series_expansion::exemplar_index;

// Field tags, as number << 3 | wire type. Request:
const TIME_SERIES: u8 = 0x2a;
// TimeSeries:
const LABELS_REFS: u8 = 0x0a;
const HISTOGRAM: u8 = 0x1a;
const EXEMPLAR: u8 = 0x22;
const METADATA: u8 = 0x2a;
const CREATED_TIMESTAMP: u8 = 0x30;
// Exemplar, behind its labels:
const EXEMPLAR_VALUE: u8 = 0x11;
const EXEMPLAR_TIMESTAMP: u8 = 0x18;
// Metadata:
const TYPE: u8 = 0x08;
const HELP_REF: u8 = 0x18;
const UNIT_REF: u8 = 0x20;

/// Encoder of version 2.0.
#[derive(Debug, Default)]
pub struct V2 {
    symbols: Symbols,
    /// The series, which follow the symbols.
    out: Vec<u8>,
    host: HostLabels,
    /// Symbols of the host's label names and values.
    host_refs: Vec<(u32, u32)>,
    unix_millis: u64,
    job_symbols: JobSymbols,
    /// Buffer for the symbols of one series' labels.
    labels_refs: Vec<u8>,
    /// Buffer for the fields that follow a series' labels.
    series: Vec<u8>,
    /// Buffer for a message in `series`.
    message: Vec<u8>,
    compressor: Compressor,
    /// `true` if `job_symbols` belong to the request that is being written.
    is_begun: bool,
}

/// Symbols of a job's own texts, as far as they are in the request that is being written.
#[derive(Debug, Default)]
struct JobSymbols {
    job: u32,
    /// For each series of the job: the place of its own labels in `refs`, plus one; 0 if they are not there yet.
    series: Vec<u32>,
    /// The same for each column's help and unit.
    columns: Vec<u32>,
    refs: Vec<u32>,
}

/// A job, prepared for version 2.0.
#[derive(Debug)]
pub struct JobV2 {
    id: u32,
    labels: LabelBlock,
    columns: Box<[PreparedColumn]>,
    series_count: usize,
}

impl Encoder for V2 {
    type Job = JobV2;

    fn prepare(id: u32, name: &str, columns: &[(&Family, &Column)]) -> JobV2 {
        let columns = PreparedColumn::all(columns);
        let series_count = columns.iter().map(|column| column.series.len()).sum();
        JobV2 { id, labels: LabelBlock::new([("job", name)]), columns, series_count }
    }

    fn host(&mut self, job: &JobV2, labels: &LabelBlock, at: Time) {
        self.host.set(labels, &job.labels);
        self.unix_millis = at.unix_millis();
        let Self { symbols, host, host_refs, .. } = self;
        host_refs.clear();
        host_refs.extend(host.iter().map(|(name, value)| (symbols.number(name), symbols.number(value))));
        if self.job_symbols.job != job.id || !self.is_begun {
            self.job_symbols.begin(job);
            self.is_begun = true;
        }
    }

    fn put(&mut self, job: &JobV2, number: usize, cells: Option<&[f64]>) -> usize {
        let column = &job.columns[number];
        let Some(cells) = cells else {
            for index in 0..column.series.len() {
                self.put_value(column, number, index, ABSENT, None, None);
            }
            return column.series.len();
        };
        let exemplar = column.layout.exemplar(cells);
        let start = column.layout.created_unix_secs(cells).map(millis_of);
        if let Kind::NativeHistogram(layout) = &column.layout.kind {
            let Self { series, message, unix_millis, .. } = self;
            message.clear();
            put_histogram(&metric::native_histogram(layout, cells), *unix_millis, start, message);
            series.clear();
            put_bytes(HISTOGRAM, message, series);
            self.put_series(column, number, 0, exemplar, start);
            return 1;
        }
        let marked = exemplar.map(|exemplar| exemplar_index(&column.layout.kind, exemplar.value));
        for_each_value(&column.layout, cells, |index, value| {
            let exemplar = exemplar.filter(|_| marked == Some(index));
            self.put_value(column, number, index, value, exemplar, start);
        });
        column.series.len()
    }

    fn body_bytes(&self) -> usize {
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

/// Splits a request in two: floats from native histograms first, then by series. Both have all symbols. `None` for a single
/// series.
#[must_use]
pub fn halves(batch: &Batch) -> Option<[Batch; 2]> {
    split(batch, Tags { series: TIME_SERIES, histogram: HISTOGRAM, shared: Some(SYMBOL) }, true)
}

impl V2 {
    fn put_value(
        &mut self,
        column: &PreparedColumn,
        number: usize,
        index: usize,
        value: f64,
        exemplar: Option<Exemplar>,
        start: Option<u64>,
    ) {
        let Self { series, unix_millis, .. } = self;
        series.clear();
        put_sample_with_start(value, *unix_millis, start, series);
        self.put_series(column, number, index, exemplar, start);
    }

    /// Appends a series: its labels, the sample or histogram in `series`, exemplar, metadata and start time.
    fn put_series(
        &mut self,
        column: &PreparedColumn,
        number: usize,
        index: usize,
        exemplar: Option<Exemplar>,
        start: Option<u64>,
    ) {
        if let Some(exemplar) = exemplar {
            self.put_exemplar(exemplar);
        }
        let Self { symbols, out, host, host_refs, job_symbols, labels_refs, series, .. } = self;
        let [help, unit] = job_symbols.column(number, column, symbols);
        let (help, unit) = (u64::from(help), u64::from(unit));
        put_tag_and_len(METADATA, 4 + varint_len(help) + varint_len(unit), series);
        series.extend_from_slice(&[TYPE, column.type_number()]);
        put_uint(HELP_REF, help, series);
        put_uint(UNIT_REF, unit, series);
        if let Some(start) = start {
            put_uint(CREATED_TIMESTAMP, start, series);
        }
        let own = &column.series[index];
        let refs = job_symbols.series(column.series_before + index, own, symbols);
        labels_refs.clear();
        let mut at = 0;
        for (label, pair) in own.labels.iter().zip(refs.as_chunks::<2>().0) {
            let before = host.count_before(&label.name, at);
            put_refs(&host_refs[at..before], labels_refs);
            put_refs(&[(pair[0], pair[1])], labels_refs);
            at = before;
        }
        put_refs(&host_refs[at..], labels_refs);
        let len = 1 + len_len(labels_refs.len()) + labels_refs.len() + series.len();
        put_tag_and_len(TIME_SERIES, len, out);
        put_bytes(LABELS_REFS, labels_refs, out);
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
        put_bytes(LABELS_REFS, labels_refs, message);
        put_double(EXEMPLAR_VALUE, exemplar.value, message);
        put_uint(EXEMPLAR_TIMESTAMP, millis_of(exemplar.unix_secs), message);
        put_bytes(EXEMPLAR, message, series);
    }
}

fn put_refs(refs: &[(u32, u32)], out: &mut Vec<u8>) {
    for (name, value) in refs {
        put_varint(out, u64::from(*name));
        put_varint(out, u64::from(*value));
    }
}

impl JobSymbols {
    /// Forgets all symbols; the next ones belong to this job.
    fn begin(&mut self, job: &JobV2) {
        self.job = job.id;
        self.series.clear();
        self.series.resize(job.series_count, 0);
        self.columns.clear();
        self.columns.resize(job.columns.len(), 0);
        self.refs.clear();
    }

    /// Symbols of a series' own labels, names and values in turn.
    fn series(&mut self, place: usize, own: &SeriesLabels, symbols: &mut Symbols) -> &[u32] {
        let texts = own.labels.iter().flat_map(|label| [&label.name, &label.value]);
        let start = Self::look_up(
            &mut self.series[place],
            &mut self.refs,
            texts.map(|text| text.as_bytes()),
            symbols,
        );
        &self.refs[start..start + own.labels.len() * 2]
    }

    /// Symbols of a column's help and unit.
    fn column(&mut self, number: usize, column: &PreparedColumn, symbols: &mut Symbols) -> [u32; 2] {
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
