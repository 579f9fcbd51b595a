//! The text format, version 0.0.4
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>).

use super::FamilyPart;
use crate::metric::MetricType;
use crate::series::{Family, LabelBlock, Sample};

pub(super) fn encode_family(family: &Family, parts: &[FamilyPart<'_>], out: &mut Vec<u8>) {
    let before = out.len();
    put_header(family, out);
    let samples_from = out.len();
    let name = family.name.as_bytes();
    for part in parts {
        part.group.store.for_each_sample(part.index, |sample| {
            let labels = Labels([sample.host_labels, sample.metric_labels, part.group.labels]);
            match family.metric_type {
                MetricType::Gauge | MetricType::Counter => {
                    put_sample(name, b"", &labels, None, sample.cells[0], out);
                }
                MetricType::Histogram => put_histogram(name, &labels, sample, out),
            }
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
    out.extend_from_slice(family.metric_type.name().as_bytes());
    out.push(b'\n');
}

/// The label blocks of one series.
struct Labels<'a>([&'a LabelBlock; 3]);

impl Labels<'_> {
    /// Appends `{labels,le}`, or nothing if there are none.
    #[inline]
    fn put(&self, le: Option<f64>, out: &mut Vec<u8>) {
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
        if let Some(bound) = le {
            out.push(separator);
            out.extend_from_slice(b"le=\"");
            put_number(bound, out);
            out.push(b'"');
            separator = b',';
        }
        if separator == b',' {
            out.push(b'}');
        }
    }
}

fn put_sample(
    name: &[u8],
    suffix: &[u8],
    labels: &Labels<'_>,
    le: Option<f64>,
    value: f64,
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(name);
    out.extend_from_slice(suffix);
    labels.put(le, out);
    out.push(b' ');
    put_number(value, out);
    out.push(b'\n');
}

fn put_histogram(name: &[u8], labels: &Labels<'_>, sample: &Sample<'_>, out: &mut Vec<u8>) {
    let (buckets, sum) = sample.cells.split_at(sample.bounds.len() + 1);
    let mut count = 0.0;
    for (bucket, bound) in buckets.iter().zip(sample.bounds.iter().chain(&[f64::INFINITY])) {
        count += bucket;
        put_sample(name, b"_bucket", labels, Some(*bound), count, out);
    }
    put_sample(name, b"_sum", labels, None, sum[0], out);
    put_sample(name, b"_count", labels, None, count, out);
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
