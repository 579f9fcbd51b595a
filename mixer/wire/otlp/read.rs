//! Requests of OTLP, read as Prometheus reads them: names and labels get its characters, a sum that only grows gets `_total`,
//! and `service.name` and `service.instance.id` become `job` and `instance`. Units are not added to names.

use prost::Message;

use crate::messages::otlp::{
    Any, AnyValue, Data, ExponentialBuckets, ExponentialHistogram, ExportRequest, Histogram, KeyValue,
    Metric, Numbers, Summary,
};
use crate::number::put_label_number;
use crate::samples::{
    Buckets, FamilyMetadata, HistogramSample, NAME, ReadSample, ReadSeries, SampleSink, SampleValue,
};

/// The flag of a point that has no value: its series has ended.
const NO_VALUE: u32 = 1;
/// The number of sums that are differences to the last ones.
const DELTA: i32 = 1;
/// The resolutions that a Prometheus has.
const SCALES: std::ops::RangeInclusive<i32> = -4..=8;

/// Reads a request that is not compressed any more. Returns the number of points that were left out: differences, and
/// histograms of a resolution that a Prometheus has not.
///
/// # Errors
///
/// In words: it is broken.
pub fn read_request(body: &[u8], sink: &mut dyn SampleSink) -> Result<u64, String> {
    let request = ExportRequest::decode(body)
        .map_err(|error| format!("body is no request of OTLP metrics in protobuf: {error}"))?;
    let mut left_out = 0;
    for resource in request.resources {
        let attributes = resource.resource.map(|resource| resource.attributes).unwrap_or_default();
        let target = target_labels(&attributes);
        for metric in resource.scopes.into_iter().flat_map(|scope| scope.metrics) {
            left_out += Points { target: &target, name: String::new(), sink }.put_metric(metric);
        }
    }
    Ok(left_out)
}

/// The labels `job` and `instance` of a resource.
fn target_labels(attributes: &[KeyValue]) -> Vec<(String, String)> {
    let text =
        |key: &str| attributes.iter().find(|own| own.key == key).map(|own| text_of(own.value.as_ref()));
    let job = match (text("service.namespace"), text("service.name")) {
        (Some(namespace), Some(name)) => Some(format!("{namespace}/{name}")),
        (_, name) => name,
    };
    let labels = [("job", job), ("instance", text("service.instance.id"))];
    labels.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// The points of a metric, and the place where their samples go.
struct Points<'a> {
    target: &'a [(String, String)],
    name: String,
    sink: &'a mut dyn SampleSink,
}

impl Points<'_> {
    /// Returns the number of points that are left out.
    fn put_metric(mut self, metric: Metric) -> u64 {
        let Some(data) = metric.data else { return 0 };
        self.name = name_of(&metric.name);
        let is_counter = matches!(&data, Data::Sum(sum) if sum.is_monotonic);
        if is_counter && !self.name.ends_with("_total") {
            self.name.push_str("_total");
        }
        let kind = match &data {
            Data::Sum(_) if is_counter => "counter",
            Data::Gauge(_) | Data::Sum(_) => "gauge",
            Data::Histogram(_) | Data::ExponentialHistogram(_) => "histogram",
            Data::Summary(_) => "summary",
        };
        let left_out = match data {
            Data::Sum(Numbers { temporality: DELTA, points, .. }) => points.len(),
            Data::Histogram(Histogram { temporality: DELTA, points }) => points.len(),
            Data::ExponentialHistogram(ExponentialHistogram { temporality: DELTA, points }) => points.len(),
            Data::Gauge(numbers) | Data::Sum(numbers) => self.put_numbers(numbers),
            Data::Histogram(histogram) => self.put_histogram(histogram),
            Data::ExponentialHistogram(histogram) => self.put_exponential(histogram),
            Data::Summary(summary) => self.put_summary(summary),
        };
        let metadata = FamilyMetadata { kind: kind.to_owned(), help: metric.description, unit: metric.unit };
        self.sink.metadata(&self.name, metadata);
        left_out as u64
    }

    fn put_numbers(&mut self, numbers: Numbers) -> usize {
        for point in numbers.points {
            #[expect(clippy::cast_precision_loss, reason = "all values are floats")]
            let value = point.as_double.or(point.as_int.map(|number| number as f64)).unwrap_or(0.0);
            let value = if is_end(point.flags) { promemu_core::metric::ABSENT } else { value };
            self.put(&self.series("", &point.attributes), point.time_nanos, value);
        }
        0
    }

    fn put_histogram(&mut self, histogram: Histogram) -> usize {
        for point in histogram.points {
            let value_of =
                |value: f64| if is_end(point.flags) { promemu_core::metric::ABSENT } else { value };
            let mut total = 0;
            let bounds = point.bounds.iter().copied().chain([f64::INFINITY]);
            for (bound, count) in bounds.zip(&point.bucket_counts) {
                total += count;
                let series = self.series("_bucket", &point.attributes).with_label("le", &number_text(bound));
                self.put(&series, point.time_nanos, value_of(float(total)));
            }
            if let Some(sum) = point.sum {
                self.put(&self.series("_sum", &point.attributes), point.time_nanos, value_of(sum));
            }
            let count = value_of(float(point.count));
            self.put(&self.series("_count", &point.attributes), point.time_nanos, count);
        }
        0
    }

    fn put_exponential(&mut self, histogram: ExponentialHistogram) -> usize {
        let mut left_out = 0;
        for point in histogram.points {
            if !SCALES.contains(&point.scale) {
                left_out += 1;
                continue;
            }
            let sum =
                if is_end(point.flags) { promemu_core::metric::ABSENT } else { point.sum.unwrap_or(0.0) };
            let value = HistogramSample {
                schema: point.scale,
                zero_threshold: point.zero_threshold,
                zero_count: float(point.zero_count),
                count: float(point.count),
                sum,
                positive: buckets(point.positive.as_ref()),
                negative: buckets(point.negative.as_ref()),
                ..HistogramSample::default()
            };
            let series = self.series("", &point.attributes);
            let value = SampleValue::Histogram(Box::new(value));
            self.sink.sample(&series, ReadSample { at: Some(millis(point.time_nanos)), value });
        }
        left_out
    }

    fn put_summary(&mut self, summary: Summary) -> usize {
        for point in summary.points {
            let value_of =
                |value: f64| if is_end(point.flags) { promemu_core::metric::ABSENT } else { value };
            for quantile in &point.quantiles {
                let text = number_text(quantile.quantile);
                let series = self.series("", &point.attributes).with_label("quantile", &text);
                self.put(&series, point.time_nanos, value_of(quantile.value));
            }
            self.put(&self.series("_sum", &point.attributes), point.time_nanos, value_of(point.sum));
            let count = value_of(float(point.count));
            self.put(&self.series("_count", &point.attributes), point.time_nanos, count);
        }
        0
    }

    fn put(&mut self, series: &ReadSeries, time_nanos: u64, value: f64) {
        self.sink.sample(series, ReadSample::float(Some(millis(time_nanos)), value));
    }

    fn series(&self, suffix: &str, attributes: &[KeyValue]) -> ReadSeries {
        let own = attributes.iter().map(|own| (name_of(&own.key), text_of(own.value.as_ref())));
        let mut labels: Vec<(String, String)> = own.collect();
        let is_new = |name: &String| !attributes.iter().any(|own| name_of(&own.key) == *name);
        labels.extend(self.target.iter().filter(|(name, _)| is_new(name)).cloned());
        labels.push((NAME.to_owned(), format!("{}{suffix}", self.name)));
        ReadSeries::of_labels(labels)
    }
}

const fn is_end(flags: u32) -> bool {
    flags & NO_VALUE != 0
}

/// Buckets, whose indices are those of a Prometheus less one.
fn buckets(buckets: Option<&ExponentialBuckets>) -> Buckets {
    let Some(ExponentialBuckets { offset, counts }) = buckets else { return Buckets::new() };
    let numbered = (offset.saturating_add(1)..).zip(counts).filter(|(_, count)| **count > 0);
    numbered.map(|(bucket, count)| (bucket, float(*count))).collect()
}

/// A name in the characters of a Prometheus.
fn name_of(name: &str) -> String {
    let mut own: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == ':' { c } else { '_' })
        .collect();
    if own.starts_with(|c: char| c.is_ascii_digit()) {
        own.insert(0, '_');
    }
    own
}

fn text_of(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        None => String::new(),
        Some(Any::Text(text)) => text.clone(),
        Some(Any::Bool(bool)) => bool.to_string(),
        Some(Any::Int(number)) => number.to_string(),
        Some(Any::Double(number)) => number.to_string(),
    }
}

fn number_text(number: f64) -> String {
    let mut text = Vec::new();
    put_label_number(number, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

const fn millis(nanos: u64) -> i64 {
    (nanos / 1_000_000).cast_signed()
}

#[expect(clippy::cast_precision_loss, reason = "all values are floats")]
const fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::otlp::{ExponentialPoint, NumberPoint, Resource, ResourceMetrics, ScopeMetrics};

    fn attribute(key: &str, text: &str) -> KeyValue {
        KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(Any::Text(text.to_owned())) }) }
    }

    fn read(data: Data) -> (Vec<(ReadSeries, ReadSample)>, u64) {
        let metric = Metric { name: "http.requests".to_owned(), data: Some(data), ..Metric::default() };
        let resource = Resource { attributes: vec![attribute("service.name", "shop")] };
        let scopes = vec![ScopeMetrics { metrics: vec![metric] }];
        let resources = vec![ResourceMetrics { resource: Some(resource), scopes }];
        let mut seen = Vec::new();
        let left_out = read_request(&ExportRequest { resources }.encode_to_vec(), &mut seen).unwrap();
        (seen, left_out)
    }

    #[test]
    fn a_growing_sum_is_a_counter_with_the_labels_of_its_resource() {
        let point = NumberPoint {
            time_nanos: 5_000_000,
            as_int: Some(7),
            attributes: vec![attribute("http.code", "200")],
            ..NumberPoint::default()
        };
        let sum = |temporality| Numbers { points: vec![point.clone()], temporality, is_monotonic: true };
        let (seen, left_out) = read(Data::Sum(sum(2)));
        let (series, sample) = &seen[0];
        assert_eq!(
            (&*series.metric, &*series.label_text(), sample, left_out),
            ("http_requests_total", "http_code=\"200\",job=\"shop\"", &ReadSample::float(Some(5), 7.0), 0)
        );
        assert_eq!(read(Data::Sum(sum(DELTA))), (Vec::new(), 1));
    }

    #[test]
    fn an_exponential_histogram_is_a_native_one() {
        let positive = Some(ExponentialBuckets { offset: -1, counts: vec![2, 0, 3] });
        let point =
            ExponentialPoint { count: 5, sum: Some(4.0), scale: 1, positive, ..ExponentialPoint::default() };
        let coarse = ExponentialPoint { scale: -9, ..ExponentialPoint::default() };
        let histogram = ExponentialHistogram { points: vec![point, coarse], temporality: 2 };
        let (seen, left_out) = read(Data::ExponentialHistogram(histogram));
        let SampleValue::Histogram(histogram) = &seen[0].1.value else { panic!("it is one") };
        assert_eq!((&histogram.positive[..], histogram.schema, left_out), (&[(0, 2.0), (2, 3.0)][..], 1, 1));
    }
}
