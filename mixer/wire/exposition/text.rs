//! The text format, version 0.0.4
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>), and what its lines have in
//! common with those of OpenMetrics.
//!
//! Version 0.0.4 has no exemplars, no created times and no exponential buckets: a native histogram has its bucket of
//! all observations only. Infos and state sets are gauges.

use super::FamilyHead;
use super::number::{put_canonical, put_number};
use promemu_core::metric::{self, Exemplar, Kind, MetricType};
use promemu_core::series::{Family, LabelBlock, Sample, put_escaped};

pub(super) fn put_head(family: &Family, out: &mut Vec<u8>) {
    out.extend_from_slice(b"# HELP ");
    out.extend_from_slice(family.name.as_bytes());
    out.push(b' ');
    put_help(&family.help, out);
    out.extend_from_slice(b"\n# TYPE ");
    out.extend_from_slice(family.name.as_bytes());
    out.push(b' ');
    out.extend_from_slice(family.metric_type.text_name().as_bytes());
    out.push(b'\n');
}

/// The label blocks of one series.
pub(super) struct Labels<'a>(pub(super) [&'a LabelBlock; 3]);

/// A label that a line has behind the series' own.
#[derive(Clone, Copy)]
enum Extra<'a> {
    None,
    /// `le` or `quantile`.
    Number(&'static str, f64),
    Text(&'a str, &'a str),
}

impl Labels<'_> {
    /// Appends `{labels,extra}`, or nothing if there are none.
    #[inline]
    fn put(&self, extra: Extra<'_>, is_open: bool, out: &mut Vec<u8>) {
        // Each part is preceded by what closes the one before it.
        let mut separator = b'{';
        for block in self.0 {
            let text = block.as_text();
            if !text.is_empty() {
                out.push(separator);
                out.extend_from_slice(text);
                separator = b',';
            }
        }
        match extra {
            Extra::None => {}
            Extra::Number(name, number) => {
                put_name(separator, name, out);
                if is_open {
                    put_canonical(number, out);
                } else {
                    put_number(number, out);
                }
                out.push(b'"');
                separator = b',';
            }
            Extra::Text(name, text) => {
                put_name(separator, name, out);
                put_escaped(text.as_bytes(), out);
                out.push(b'"');
                separator = b',';
            }
        }
        if separator == b',' {
            out.push(b'}');
        }
    }
}

fn put_name(separator: u8, name: &str, out: &mut Vec<u8>) {
    out.push(separator);
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"=\"");
}

/// All lines of a series of more than a number.
pub(super) fn put_series(head: &FamilyHead<'_>, labels: &Labels<'_>, sample: &Sample<'_>, out: &mut Vec<u8>) {
    let lines = Lines { head, labels };
    let exemplar = if head.has_exemplars() { sample.layout.exemplar(sample.cells) } else { None };
    match &sample.layout.kind {
        Kind::Value => lines.put_with("", Extra::None, sample.cells[0], exemplar, out),
        Kind::Histogram { bounds } => {
            lines.put_histogram(&metric::buckets(bounds, sample.cells), exemplar, out);
        }
        Kind::NativeHistogram(layout) => {
            let histogram = metric::native_histogram(layout, sample.cells);
            let all = Extra::Number("le", f64::INFINITY);
            lines.put_with("_bucket", all, histogram.count, exemplar, out);
            lines.put_sum_and_count(histogram.sum, histogram.count, out);
        }
        Kind::Summary { quantiles } => {
            lines.put_summary(&metric::quantiles(quantiles, sample.cells), out);
        }
        Kind::StateSet { states } => {
            let state = metric::whole(sample.cells[0]);
            for (n, text) in (0..).zip(&**states) {
                let is_on = if n == state { 1.0 } else { 0.0 };
                lines.put("", Extra::Text(&head.family.name, text), is_on, out);
            }
        }
    }
    if let (true, Some(created)) = (head.has_created(), sample.layout.created_unix_secs(sample.cells)) {
        out.extend_from_slice(head.stem.as_bytes());
        out.extend_from_slice(b"_created");
        labels.put(Extra::None, true, out);
        out.push(b' ');
        put_number(created, out);
        out.push(b'\n');
    }
}

/// The lines of one series, as far as they are alike.
struct Lines<'a> {
    head: &'a FamilyHead<'a>,
    labels: &'a Labels<'a>,
}

impl Lines<'_> {
    fn put(&self, suffix: &str, extra: Extra<'_>, value: f64, out: &mut Vec<u8>) {
        self.put_with(suffix, extra, value, None, out);
    }

    fn put_with(
        &self,
        suffix: &str,
        extra: Extra<'_>,
        value: f64,
        exemplar: Option<Exemplar>,
        out: &mut Vec<u8>,
    ) {
        out.extend_from_slice(self.head.family.name.as_bytes());
        out.extend_from_slice(suffix.as_bytes());
        self.labels.put(extra, self.head.is_open(), out);
        out.push(b' ');
        put_number(value, out);
        if let Some(exemplar) = exemplar {
            put_exemplar(&exemplar, out);
        }
        out.push(b'\n');
    }

    fn put_histogram(&self, buckets: &metric::Buckets<'_>, exemplar: Option<Exemplar>, out: &mut Vec<u8>) {
        let mut count = 0.0;
        let marked = exemplar.map(|exemplar| (buckets.bucket_of(exemplar.value), exemplar));
        let bounds = buckets.bounds.iter().chain(&[f64::INFINITY]);
        for (n, (bucket, bound)) in buckets.counts.iter().zip(bounds).enumerate() {
            count += bucket;
            let exemplar = marked.filter(|(bucket, _)| *bucket == n).map(|(_, exemplar)| exemplar);
            self.put_with("_bucket", Extra::Number("le", *bound), count, exemplar, out);
        }
        // OpenMetrics has no sum where there may be negative ones, and no count without a sum.
        if !self.head.is_open() || buckets.bounds[0] >= 0.0 {
            self.put_sum_and_count(buckets.sum, count, out);
        }
    }

    fn put_summary(&self, summary: &metric::Quantiles<'_>, out: &mut Vec<u8>) {
        for (quantile, value) in summary.quantiles.iter().zip(summary.values) {
            // OpenMetrics has no negative ones.
            if !self.head.is_open() || *value >= 0.0 || value.is_nan() {
                self.put("", Extra::Number("quantile", *quantile), *value, out);
            }
        }
        self.put_sum_and_count(summary.sum, summary.count, out);
    }

    /// In OpenMetrics both are counters, which are not negative.
    fn put_sum_and_count(&self, sum: f64, count: f64, out: &mut Vec<u8>) {
        if !self.head.is_open() || sum >= 0.0 {
            self.put("_sum", Extra::None, sum, out);
            self.put("_count", Extra::None, count, out);
        }
    }
}

/// Appends `# {labels} value time`, which stands behind a line's value in OpenMetrics.
pub fn put_exemplar(exemplar: &Exemplar, out: &mut Vec<u8>) {
    out.extend_from_slice(b" # ");
    let mut separator = b'{';
    for (name, id) in Exemplar::LABELS.into_iter().zip([&exemplar.trace_id()[..], &exemplar.span_id()]) {
        put_name(separator, name, out);
        out.extend_from_slice(id);
        out.push(b'"');
        separator = b',';
    }
    out.extend_from_slice(b"} ");
    put_number(exemplar.value, out);
    out.push(b' ');
    put_number(exemplar.unix_secs, out);
}

/// A HELP text escapes `\` and newlines.
fn put_help(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            other => out.push(other),
        }
    }
}

/// Whether families of this type may have exemplars in OpenMetrics.
pub(super) const fn takes_exemplars(metric_type: MetricType) -> bool {
    matches!(metric_type, MetricType::Counter | MetricType::Histogram | MetricType::NativeHistogram)
}
