//! Pages in protobuf: families, each behind its length.
//!
//! A histogram with native buckets is one sample; others are the series that Prometheus makes of them.

use prost::Message;

use crate::messages::client_model::{Histogram, Metric, MetricFamily, Summary};
use crate::messages::prometheus::Label;
use crate::number::put_label_number;
use crate::remote_write::buckets;
use crate::samples::{FamilyMetadata, HistogramSample, ReadSample, ReadSeries, SampleSink, SampleValue};

/// The types, by their numbers.
const KINDS: [&str; 6] = ["counter", "gauge", "summary", "unknown", "histogram", "gaugehistogram"];
/// The number of a gauge histogram.
const GAUGE_HISTOGRAM: i32 = 5;

pub(super) fn read(page: &[u8], sink: &mut dyn SampleSink) -> Result<(), String> {
    let mut rest = page;
    while !rest.is_empty() {
        let family = MetricFamily::decode_length_delimited(&mut rest)
            .map_err(|error| format!("family at byte {}: {error}", page.len() - rest.len()))?;
        read_family(&family, sink);
    }
    Ok(())
}

fn read_family(family: &MetricFamily, sink: &mut dyn SampleSink) {
    let name = family.name.as_deref().unwrap_or_default();
    let kind = family.kind.unwrap_or(0);
    let kind_name = usize::try_from(kind).ok().and_then(|kind| KINDS.get(kind)).copied();
    for metric in &family.metrics {
        let mut parts = Parts { name, metric, sink };
        let plain = [metric.counter, metric.gauge, metric.untyped].into_iter().flatten().next();
        if let Some(value) = plain {
            parts.put("", None, value.value.unwrap_or(0.0));
        }
        if let Some(summary) = &metric.summary {
            parts.put_summary(summary);
        }
        if let Some(histogram) = &metric.histogram {
            parts.put_histogram(histogram, kind == GAUGE_HISTOGRAM);
        }
    }
    let metadata = FamilyMetadata {
        kind: kind_name.unwrap_or("unknown").to_owned(),
        help: family.help.clone().unwrap_or_default(),
        unit: family.unit.clone().unwrap_or_default(),
    };
    sink.metadata(name, metadata);
}

/// A metric, and the place where its parts go.
struct Parts<'a> {
    name: &'a str,
    metric: &'a Metric,
    sink: &'a mut dyn SampleSink,
}

impl Parts<'_> {
    fn put(&mut self, suffix: &str, extra: Option<(&str, f64)>, value: f64) {
        let mut series = self.series(suffix);
        if let Some((label, number)) = extra {
            let mut text = Vec::new();
            put_label_number(number, &mut text);
            series = series.with_label(label, &String::from_utf8_lossy(&text));
        }
        self.sink.sample(&series, ReadSample::float(self.metric.timestamp_ms, value));
    }

    fn series(&self, suffix: &str) -> ReadSeries {
        let labels = self.metric.labels.iter().cloned().map(|Label { name, value }| (name, value));
        let mut series = ReadSeries::of_labels(labels);
        series.metric = format!("{}{suffix}", self.name);
        series
    }

    fn put_summary(&mut self, summary: &Summary) {
        for quantile in &summary.quantiles {
            let at = quantile.quantile.unwrap_or(0.0);
            self.put("", Some(("quantile", at)), quantile.value.unwrap_or(0.0));
        }
        self.put("_sum", None, summary.sample_sum.unwrap_or(0.0));
        self.put("_count", None, float(summary.sample_count.unwrap_or(0)));
    }

    fn put_histogram(&mut self, histogram: &Histogram, is_gauge: bool) {
        if is_native(histogram) {
            let value = SampleValue::Histogram(Box::new(native(histogram, is_gauge)));
            let sample = ReadSample { at: self.metric.timestamp_ms, value };
            return self.sink.sample(&self.series(""), sample);
        }
        let count =
            histogram.sample_count_float.unwrap_or_else(|| float(histogram.sample_count.unwrap_or(0)));
        let mut has_infinite = false;
        for bucket in &histogram.buckets {
            let bound = bucket.upper_bound.unwrap_or(f64::INFINITY);
            has_infinite |= bound == f64::INFINITY;
            let own = bucket.cumulative_count_float;
            self.put(
                "_bucket",
                Some(("le", bound)),
                own.unwrap_or_else(|| float(bucket.cumulative_count.unwrap_or(0))),
            );
        }
        if !has_infinite {
            self.put("_bucket", Some(("le", f64::INFINITY)), count);
        }
        self.put("_sum", None, histogram.sample_sum.unwrap_or(0.0));
        self.put("_count", None, count);
    }
}

/// `true` if it has native buckets, if only that for zero.
fn is_native(histogram: &Histogram) -> bool {
    !histogram.positive_spans.is_empty()
        || !histogram.negative_spans.is_empty()
        || histogram.zero_threshold.is_some_and(|threshold| threshold > 0.0)
        || histogram.zero_count.is_some_and(|count| count > 0)
        || histogram.zero_count_float.is_some_and(|count| count > 0.0)
}

fn native(histogram: &Histogram, is_gauge: bool) -> HistogramSample {
    let Histogram { sample_count_float, zero_count_float, .. } = histogram;
    let zero_count = zero_count_float.unwrap_or_else(|| float(histogram.zero_count.unwrap_or(0)));
    HistogramSample {
        schema: histogram.schema.unwrap_or(0),
        zero_threshold: histogram.zero_threshold.unwrap_or(0.0),
        zero_count,
        count: sample_count_float.unwrap_or_else(|| float(histogram.sample_count.unwrap_or(0))),
        sum: histogram.sample_sum.unwrap_or(0.0),
        positive: buckets(&histogram.positive_spans, &histogram.positive_deltas, &histogram.positive_counts),
        negative: buckets(&histogram.negative_spans, &histogram.negative_deltas, &histogram.negative_counts),
        bounds: Vec::new(),
        is_float: sample_count_float.is_some_and(|count| count > 0.0),
        is_gauge,
    }
}

#[expect(clippy::cast_precision_loss, reason = "all values are floats")]
const fn float(number: u64) -> f64 {
    number as f64
}
