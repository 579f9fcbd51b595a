//! A test file for `promtool test rules`
//! (<https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/>): the samples as `input_series`, host by
//! host, each with its labels in the order in which Prometheus shows them. Rule files and expectations are added by hand.
//!
//! promtool wants a value for each step, so a sample whose time a host sets itself is that of the first step at or after it.
//! A native histogram is there as in the text format, with its count, its sum and the bucket of all.

use std::io::{self, Write};

use indexmap::{IndexMap, IndexSet};
use promemu_core::backfill::Grid;
use promemu_core::metric::promql::{printable, selector};
use promemu_core::metric::{ABSENT, NativeHistogram, is_absent};
use promemu_core::series::put_escaped;

use super::report::{ExportReport, WrittenCount};
use super::spec::Sampling;
use super::stretches::{LabelSymbols, SeriesSink, Staleness, TimeRange, index_of_symbol, workers};
use crate::number::put_number;

/// Name of the label that holds a series' name.
const NAME: &str = "__name__";

/// The outcome of writing input series.
#[derive(Debug, Default)]
pub struct InputSeries {
    /// The outcome of the export.
    pub export: ExportReport,
    /// Number of series by metric name.
    pub by_name: IndexMap<String, u64>,
}

impl Sampling<'_> {
    /// Drives the run and writes a rule test without rules.
    pub fn write_rule_test(&self, out: &mut dyn Write) -> io::Result<ExportReport> {
        let millis = self.grid.step.as_nanos() / 1_000_000;
        write!(
            out,
            "# Add the rules to be tested, and what is expected of them: alert_rule_test, promql_expr_test.\n\
             rule_files: []\nevaluation_interval: {millis}ms\ntests:\n  - interval: {millis}ms\n    input_series:\n"
        )?;
        let report = self.write_input_series(out)?.export;
        out.flush()?;
        Ok(report)
    }

    /// Drives the run and writes its series as the items of `input_series` of a rule test, indented by six blanks. Hosts are
    /// driven by one thread, in their order.
    pub fn write_input_series(&self, out: &mut dyn Write) -> io::Result<InputSeries> {
        let Self { run, grid, labels, keeps_hosts, progress, .. } = *self;
        let in_order = Sampling { run, grid, labels, threads: 1, keeps_hosts, progress };
        progress.add_total(in_order.own_samples());
        let whole = TimeRange { begin: i64::MIN, end: i64::MAX, grid: Some(grid) };
        let mut values = Vec::new();
        let too_many = || {
            format!("there is not enough memory for {} times of a series; make --step longer", grid.count())
        };
        values
            .try_reserve_exact(grid.count())
            .map_err(|_| io::Error::new(io::ErrorKind::OutOfMemory, too_many()))?;
        values.resize(grid.count(), None);
        let mut sink = RuleSink {
            grid,
            out,
            symbols: IndexSet::new(),
            values,
            written: WrittenCount::default(),
            by_name: IndexMap::new(),
        };
        let mut ends = Vec::new();
        for mut worker in workers(&in_order)? {
            worker.encode(&whole, &mut sink)?;
            ends.push(worker.end());
        }
        let RuleSink { written, by_name, .. } = sink;
        Ok(InputSeries { export: ExportReport::of_threads(written, ends), by_name })
    }
}

/// Writes series as text.
struct RuleSink<'a> {
    grid: Grid,
    out: &'a mut dyn Write,
    symbols: IndexSet<Box<str>>,
    /// Buffer for the value at each moment.
    values: Vec<Option<f64>>,
    written: WrittenCount,
    by_name: IndexMap<String, u64>,
}

impl RuleSink<'_> {
    /// The name, and the other labels in order of name.
    fn name_and_labels(&self, labels: &[LabelSymbols]) -> (String, Vec<(String, String)>) {
        let text = |symbol: u32| {
            self.symbols.get_index(symbol as usize).map_or_else(String::new, ToString::to_string)
        };
        let mut pairs: Vec<_> = labels.iter().map(|(name, value)| (text(*name), text(*value))).collect();
        pairs.sort_unstable();
        let name = pairs.iter().position(|(label, _)| label == NAME).map(|at| pairs.remove(at).1);
        (name.unwrap_or_default(), pairs)
    }

    /// The moment at which a sample of this time is seen first.
    fn moment_of(&self, millis: i64) -> Option<usize> {
        let from = self.grid.from.unix_millis().cast_signed();
        let step = (self.grid.step.as_nanos() / 1_000_000).max(1).cast_signed();
        let moment = usize::try_from(millis.checked_sub(from)?.checked_add(step - 1)? / step).ok()?;
        (millis >= from && moment < self.values.len()).then_some(moment)
    }

    /// Writes one series.
    fn put_series(
        &mut self,
        name: &str,
        labels: &[(String, String)],
        samples: impl Iterator<Item = (i64, f64)>,
        staleness: Staleness,
    ) -> io::Result<()> {
        self.values.fill(None);
        let mut count = 0;
        for (time, value) in samples.filter(|(_, value)| !is_absent(*value)) {
            if let Some(moment) = self.moment_of(time) {
                count += u64::from(self.values[moment].is_none());
                self.values[moment] = Some(value);
            }
        }
        let mut block = Vec::new();
        for (label, value) in labels {
            let comma = if block.is_empty() { "" } else { "," };
            block.extend_from_slice(format!("{comma}{label}=\"").as_bytes());
            put_escaped(value.as_bytes(), &mut block);
            block.push(b'"');
        }
        let quoted = selector(name, &printable(&String::from_utf8_lossy(&block))).replace('\'', "''");
        let mut text = format!("      - series: '{quoted}'\n        values: '").into_bytes();
        put_values(&self.values, staleness, &mut text);
        text.extend_from_slice(b"'\n");
        self.written = self.written.and_series(count);
        if count > 0 {
            *self.by_name.entry(name.to_owned()).or_default() += 1;
        }
        self.out.write_all(&text)
    }
}

impl SeriesSink for RuleSink<'_> {
    fn has_created(&self) -> bool {
        false
    }

    fn symbol(&mut self, text: &str) -> io::Result<u32> {
        u32::try_from(index_of_symbol(text, &mut self.symbols)).map_err(io::Error::other)
    }

    fn put_floats(
        &mut self,
        labels: &[LabelSymbols],
        (times, values): (&[i64], &[f64]),
        staleness: Staleness,
    ) -> io::Result<()> {
        let (name, labels) = self.name_and_labels(labels);
        let samples = times.iter().copied().zip(values.iter().copied());
        self.put_series(&name, &labels, samples, staleness)
    }

    fn put_histograms(
        &mut self,
        labels: &[LabelSymbols],
        (times, histograms): (&[i64], &[Option<NativeHistogram<'_>>]),
        staleness: Staleness,
    ) -> io::Result<()> {
        let (name, labels) = self.name_and_labels(labels);
        let samples = |value: fn(&NativeHistogram<'_>) -> f64| {
            let values = histograms.iter().map(move |histogram| histogram.as_ref().map_or(ABSENT, value));
            times.iter().copied().zip(values)
        };
        let mut of_all = labels.clone();
        of_all.push(("le".to_owned(), "+Inf".to_owned()));
        of_all.sort_unstable();
        self.put_series(&format!("{name}_bucket"), &of_all, samples(|all| all.count), staleness)?;
        self.put_series(&format!("{name}_sum"), &labels, samples(|all| all.sum), staleness)?;
        self.put_series(&format!("{name}_count"), &labels, samples(|all| all.count), staleness)
    }
}

/// Appends the values, with staleness markers.
fn put_values(values: &[Option<f64>], staleness: Staleness, out: &mut Vec<u8>) {
    let mut is_kept = staleness.filter();
    for (moment, value) in values.iter().enumerate() {
        if moment > 0 {
            out.push(b' ');
        }
        match (value, is_kept(value.is_some())) {
            (Some(value), _) => put_number(*value, out),
            (None, true) => out.extend_from_slice(b"stale"),
            (None, false) => out.push(b'_'),
        }
    }
}
