//! The text format, version 0.0.4
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>).

use super::FamilyPart;
use crate::metric::MetricType;
use crate::series::{Family, LabelBlock, Sample};

pub(super) fn encode_family(family: &Family, parts: &[FamilyPart<'_>], out: &mut Vec<u8>) {
    let before = out.len();
    put_header(family, out);
    let samples_from = out.len();
    let mut scratch = Labels::default();
    for part in parts {
        for sample in part.group.store.samples(part.index) {
            scratch.render([sample.host_labels, sample.metric_labels, part.group.labels]);
            match family.metric_type {
                MetricType::Gauge | MetricType::Counter => {
                    put_sample(family.name.as_bytes(), b"", &scratch, None, sample.cells[0], out);
                }
                MetricType::Histogram => put_histogram(family, &scratch, &sample, out),
            }
        }
    }
    if out.len() == samples_from {
        out.truncate(before);
    }
}

fn put_header(family: &Family, out: &mut Vec<u8>) {
    out.extend_from_slice(b"# HELP ");
    out.extend_from_slice(family.name.as_bytes());
    out.push(b' ');
    put_escaped(&family.help, false, out);
    out.extend_from_slice(b"\n# TYPE ");
    out.extend_from_slice(family.name.as_bytes());
    out.push(b' ');
    out.extend_from_slice(family.metric_type.name().as_bytes());
    out.push(b'\n');
}

/// The rendered labels of one series. The labels of a host come with each of its series, those of a
/// metric and a group with many in a row, so what stays the same is not rendered again.
#[derive(Default)]
struct Labels {
    rendered: Vec<u8>,
}

impl Labels {
    fn render(&mut self, blocks: [&LabelBlock; 3]) {
        self.rendered.clear();
        for block in blocks {
            for (name, value) in block.iter() {
                if !self.rendered.is_empty() {
                    self.rendered.push(b',');
                }
                self.rendered.extend_from_slice(name.as_bytes());
                self.rendered.extend_from_slice(b"=\"");
                put_escaped(value, true, &mut self.rendered);
                self.rendered.push(b'"');
            }
        }
    }
}

fn put_sample(name: &[u8], suffix: &[u8], labels: &Labels, le: Option<f64>, value: f64, out: &mut Vec<u8>) {
    out.extend_from_slice(name);
    out.extend_from_slice(suffix);
    if !labels.rendered.is_empty() || le.is_some() {
        out.push(b'{');
        out.extend_from_slice(&labels.rendered);
        if let Some(bound) = le {
            out.extend_from_slice(if labels.rendered.is_empty() { b"le=\"" } else { b",le=\"" });
            put_number(bound, out);
            out.push(b'"');
        }
        out.push(b'}');
    }
    out.push(b' ');
    put_number(value, out);
    out.push(b'\n');
}

fn put_histogram(family: &Family, labels: &Labels, sample: &Sample<'_>, out: &mut Vec<u8>) {
    let name = family.name.as_bytes();
    let (buckets, sum) = sample.cells.split_at(sample.bounds.len() + 1);
    let mut count = 0.0;
    for (bucket, bound) in buckets.iter().zip(sample.bounds.iter().chain(&[f64::INFINITY])) {
        count += bucket;
        put_sample(name, b"_bucket", labels, Some(*bound), count, out);
    }
    put_sample(name, b"_sum", labels, None, sum[0], out);
    put_sample(name, b"_count", labels, None, count, out);
}

/// A HELP text escapes `\` and newlines; a label value `"` as well.
fn put_escaped(text: &str, quotes: bool, out: &mut Vec<u8>) {
    let is_special = |b: &u8| matches!(b, b'\\' | b'\n') || quotes && *b == b'"';
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(is_special) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(match rest[at] {
            b'\n' => b"\\n",
            b'"' => b"\\\"",
            _ => b"\\\\",
        });
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}

/// The shortest text that reads back as the same number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "whole and small enough, as checked"
)]
fn put_number(value: f64, out: &mut Vec<u8>) {
    if value.is_nan() {
        out.extend_from_slice(b"NaN");
    } else if value.is_infinite() {
        out.extend_from_slice(if value > 0.0 { b"+Inf" } else { b"-Inf" });
    } else if value.abs() < 1e15 && (value as i64 as f64).to_bits() == value.to_bits() {
        out.extend_from_slice(itoa::Buffer::new().format(value as i64).as_bytes());
    } else {
        out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
    }
}
