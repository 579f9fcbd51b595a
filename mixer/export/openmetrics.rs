//! OpenMetrics 1.0 with timestamps
//! (<https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md>).
//!
//! A bound in `le` is written as the text format does it (`1`, not `1.0`), so that series go on as they are
//! pushed and scraped live. A counter whose name does not end in `_total` is of type unknown, since OpenMetrics
//! has no such counter.

use super::{Series, SeriesFormat};
use crate::clock::Time;
use crate::exposition::put_number;
use crate::metric::{Kind, MetricType, is_absent};
use crate::series::Family;

pub(super) struct OpenMetrics {
    /// The moments, each as it ends a line: a blank, the seconds, and the line's end.
    line_ends: Vec<u8>,
    /// Where each begins.
    starts: Vec<u32>,
}

impl OpenMetrics {
    pub(super) fn new(moments: impl Iterator<Item = Time>) -> Self {
        let (mut line_ends, mut starts) = (Vec::new(), Vec::new());
        for moment in moments {
            starts.push(u32::try_from(line_ends.len()).unwrap_or(u32::MAX));
            line_ends.push(b' ');
            put_number(moment.unix_millis_secs(), &mut line_ends);
            line_ends.push(b'\n');
        }
        starts.push(u32::try_from(line_ends.len()).unwrap_or(u32::MAX));
        Self { line_ends, starts }
    }

    fn line_end(&self, moment: usize) -> &[u8] {
        &self.line_ends[self.starts[moment] as usize..self.starts[moment + 1] as usize]
    }
}

/// A family's type, and its name without what its type adds.
fn type_and_stem(family: &Family) -> (&'static str, &str) {
    match (family.metric_type, family.name.strip_suffix("_total")) {
        (MetricType::Counter, Some(stem)) => ("counter", stem),
        (MetricType::Counter, None) => ("unknown", &family.name),
        (metric_type, _) => (metric_type.text_name(), &family.name),
    }
}

impl SeriesFormat for OpenMetrics {
    fn is_by_family(&self) -> bool {
        true
    }

    fn at(&self, own_times: &[Time]) -> Option<Box<dyn SeriesFormat>> {
        Some(Box::new(Self::new(own_times.iter().copied())))
    }

    fn put_family(&self, family: &Family, out: &mut Vec<u8>) {
        let (type_name, stem) = type_and_stem(family);
        out.extend_from_slice(format!("# TYPE {stem} {type_name}\n# HELP {stem} ").as_bytes());
        for byte in family.help.bytes() {
            match byte {
                b'\\' => out.extend_from_slice(b"\\\\"),
                b'"' => out.extend_from_slice(b"\\\""),
                b'\n' => out.extend_from_slice(b"\\n"),
                other => out.push(other),
            }
        }
        out.push(b'\n');
    }

    fn put_series(&self, series: &Series<'_>, out: &mut Vec<u8>) -> u64 {
        match &series.metric.cells.layout().kind {
            Kind::Histogram { bounds } => self.put_histogram(series, bounds, out),
            _ => self.put_simple(series, out),
        }
    }

    fn put_end(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"# EOF\n");
    }
}

impl OpenMetrics {
    fn put_simple(&self, series: &Series<'_>, out: &mut Vec<u8>) -> u64 {
        let prefix = prefix(series, "", None);
        let cells = series.samples.cell(series.metric.offset);
        let mut samples = 0;
        for (moment, value) in cells.iter().enumerate().filter(|(_, value)| !is_absent(**value)) {
            out.extend_from_slice(&prefix);
            put_number(*value, out);
            out.extend_from_slice(self.line_end(moment));
            samples += 1;
        }
        samples
    }

    /// All lines of one moment stand together.
    fn put_histogram(&self, series: &Series<'_>, bounds: &[f64], out: &mut Vec<u8>) -> u64 {
        let all_bounds = bounds.iter().chain(&[f64::INFINITY]);
        let buckets: Vec<(Vec<u8>, &[f64])> = all_bounds
            .zip(series.metric.offset..)
            .map(|(bound, cell)| (prefix(series, "_bucket", Some(*bound)), series.samples.cell(cell)))
            .collect();
        let sums = series.samples.cell(series.metric.offset + buckets.len());
        let (sum, count) = (prefix(series, "_sum", None), prefix(series, "_count", None));
        let mut samples = 0;
        for moment in 0..series.samples.moments() {
            if is_absent(buckets[0].1[moment]) {
                continue;
            }
            let mut put = |prefix: &[u8], value: f64| {
                out.extend_from_slice(prefix);
                put_number(value, out);
                out.extend_from_slice(self.line_end(moment));
                samples += 1;
            };
            let mut total = 0.0;
            for (prefix, cells) in &buckets {
                total += cells[moment];
                put(prefix, total);
            }
            put(&sum, sums[moment]);
            put(&count, total);
        }
        samples
    }
}

/// `name{labels} `
fn prefix(series: &Series<'_>, suffix: &str, le: Option<f64>) -> Vec<u8> {
    let mut prefix = format!("{}{suffix}{{", series.family.name).into_bytes();
    prefix.extend_from_slice(&series.labels);
    if let Some(bound) = le {
        prefix.extend_from_slice(b",le=\"");
        put_number(bound, &mut prefix);
        prefix.push(b'"');
    }
    prefix.extend_from_slice(b"} ");
    prefix
}
