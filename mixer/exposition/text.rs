//! The text format, version 0.0.4
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>).

use super::FamilyPart;
use crate::metric::{self, Kind};
use crate::series::{Family, LabelBlock, Sample, put_escaped};

pub(super) fn encode_family(family: &Family, parts: &[FamilyPart<'_>], out: &mut Vec<u8>) {
    let before = out.len();
    put_header(family, out);
    let samples_from = out.len();
    for part in parts {
        part.group.store.for_each_sample(part.index, |sample| {
            let labels = Labels([sample.host_labels, sample.metric_labels, part.group.labels]);
            put_series(&family.name, &labels, sample, out);
        });
    }
    if out.len() == samples_from {
        out.truncate(before);
    }
}

fn put_header(family: &Family, out: &mut Vec<u8>) {
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
struct Labels<'a>([&'a LabelBlock; 3]);

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
    fn put(&self, extra: Extra<'_>, out: &mut Vec<u8>) {
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
                put_number(number, out);
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

/// All lines of one series.
#[inline]
fn put_series(name: &str, labels: &Labels<'_>, sample: &Sample<'_>, out: &mut Vec<u8>) {
    let mut put = |suffix: &str, extra: Extra<'_>, value: f64| {
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(suffix.as_bytes());
        labels.put(extra, out);
        out.push(b' ');
        put_number(value, out);
        out.push(b'\n');
    };
    match &sample.layout.kind {
        Kind::Value => put("", Extra::None, sample.cells[0]),
        Kind::Histogram { bounds } => {
            let buckets = metric::buckets(bounds, sample.cells);
            let mut count = 0.0;
            for (bucket, bound) in buckets.counts.iter().zip(bounds.iter().chain(&[f64::INFINITY])) {
                count += bucket;
                put("_bucket", Extra::Number("le", *bound), count);
            }
            put("_sum", Extra::None, buckets.sum);
            put("_count", Extra::None, count);
        }
        // The format has no other bucket for it than the one of all.
        Kind::NativeHistogram(layout) => {
            let histogram = metric::native_histogram(layout, sample.cells);
            put("_bucket", Extra::Number("le", f64::INFINITY), histogram.count);
            put("_sum", Extra::None, histogram.sum);
            put("_count", Extra::None, histogram.count);
        }
        Kind::Summary { quantiles } => {
            let summary = metric::quantiles(quantiles, sample.cells);
            for (quantile, value) in quantiles.iter().zip(summary.values) {
                put("", Extra::Number("quantile", *quantile), *value);
            }
            put("_sum", Extra::None, summary.sum);
            put("_count", Extra::None, summary.count);
        }
        Kind::StateSet { states } => {
            let state = metric::whole(sample.cells[0]);
            for (n, text) in (0..).zip(&**states) {
                put("", Extra::Text(name, text), if n == state { 1.0 } else { 0.0 });
            }
        }
    }
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

/// The shortest text that reads back as the same number. Most values are whole or have two decimals, and
/// those have a quicker way.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "whole and small enough, as checked"
)]
pub fn put_number(value: f64, out: &mut Vec<u8>) {
    const HUNDREDTHS_MAX: f64 = 1e15;
    let hundredths = value * 100.0;
    if hundredths.abs() < HUNDREDTHS_MAX {
        let whole = (hundredths + f64::copysign(0.5, hundredths)) as i64;
        // Not for -0, which has no whole number of its own.
        if (whole as f64 / 100.0).to_bits() == value.to_bits() {
            put_hundredths(whole, out);
            return;
        }
    }
    if value.is_nan() {
        out.extend_from_slice(b"NaN");
    } else if value.is_infinite() {
        out.extend_from_slice(if value > 0.0 { b"+Inf" } else { b"-Inf" });
    } else {
        out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
    }
}

fn put_hundredths(hundredths: i64, out: &mut Vec<u8>) {
    if hundredths < 0 {
        out.push(b'-');
    }
    let (whole, rest) = (hundredths.unsigned_abs() / 100, hundredths.unsigned_abs() % 100);
    out.extend_from_slice(itoa::Buffer::new().format(whole).as_bytes());
    if rest > 0 {
        let digit = |number: u64| b'0' + u8::try_from(number).unwrap_or(0);
        let digits = [b'.', digit(rest / 10), digit(rest % 10)];
        out.extend_from_slice(if rest.is_multiple_of(10) { &digits[..2] } else { &digits });
    }
}
