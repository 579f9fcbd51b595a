//! Requests of remote write 1.0 and 2.0, read.

use prost::Message;

use crate::messages::prometheus::{BucketSpan, Histogram, Metadata2, Request2, Sample, WriteRequest};
use crate::samples::{
    Buckets, FamilyMetadata, HistogramSample, ReadSample, ReadSeries, SampleSink, SampleValue,
    buckets_of_spans, counts_of_deltas,
};

/// The number that says that counts may fall.
const GAUGE_HINT: i32 = 3;
/// Types by their numbers; 2.0 has the same.
const KINDS: [&str; 8] =
    ["unknown", "counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset"];

/// Number of samples of a request: floats, and native histograms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadCounts {
    /// Floats.
    pub floats: usize,
    /// Native histograms.
    pub histograms: usize,
}

/// Reads a compressed request; of version 2.0 if `is_second`. Nothing of a broken one is passed on.
///
/// # Errors
///
/// In words: it is broken, or has more than `bytes_max` bytes when it is not compressed.
pub fn read_request(
    body: &[u8],
    is_second: bool,
    bytes_max: usize,
    sink: &mut dyn SampleSink,
) -> Result<ReadCounts, String> {
    let broken = |why: String| format!("body is no request of remote write: {why}");
    let len = snap::raw::decompress_len(body).map_err(|error| broken(error.to_string()))?;
    if len > bytes_max {
        return Err(format!(
            "body has {len} bytes, more than the {bytes_max} that are taken; send less at once"
        ));
    }
    let body = snap::raw::Decoder::new().decompress_vec(body).map_err(|error| broken(error.to_string()))?;
    if is_second {
        let request = Request2::decode(&*body).map_err(|error| broken(error.to_string()))?;
        return read_second(&request, sink).ok_or_else(|| broken("a symbol is missing".to_owned()));
    }
    let request = WriteRequest::decode(&*body).map_err(|error| broken(error.to_string()))?;
    let mut counts = ReadCounts::default();
    for series in request.series {
        let labels = series.labels.into_iter().map(|label| (label.name, label.value));
        put(&ReadSeries::of_labels(labels), &series.samples, &series.histograms, sink, &mut counts);
    }
    for metadata in request.metadata {
        let kind = kind_name(metadata.kind);
        sink.metadata(&metadata.family, FamilyMetadata { kind, help: metadata.help, unit: metadata.unit });
    }
    Ok(counts)
}

/// `None` if a symbol is missing.
fn read_second(request: &Request2, sink: &mut dyn SampleSink) -> Option<ReadCounts> {
    let symbol = |reference: u32| request.symbols.get(reference as usize).map(String::as_str);
    let mut all = Vec::with_capacity(request.series.len());
    for series in &request.series {
        let (pairs, rest) = series.labels.as_chunks::<2>();
        let labels =
            pairs.iter().map(|[name, value]| Some((symbol(*name)?.to_owned(), symbol(*value)?.to_owned())));
        let labels = labels.collect::<Option<Vec<_>>>().filter(|_| rest.is_empty())?;
        let metadata = match series.metadata {
            Some(Metadata2 { kind, help, unit }) => Some((kind, symbol(help)?, symbol(unit)?)),
            None => None,
        };
        all.push((ReadSeries::of_labels(labels), metadata, series));
    }
    let mut counts = ReadCounts::default();
    for (labels, metadata, series) in all {
        put(&labels, &series.samples, &series.histograms, sink, &mut counts);
        // Without a type it says nothing.
        if let Some((kind @ 1.., help, unit)) = metadata {
            let kind = kind_name(kind);
            let family = family_of(&labels.metric, &kind);
            sink.metadata(family, FamilyMetadata { kind, help: help.to_owned(), unit: unit.to_owned() });
        }
    }
    Some(counts)
}

fn put(
    series: &ReadSeries,
    samples: &[Sample],
    histograms: &[Histogram],
    sink: &mut dyn SampleSink,
    counts: &mut ReadCounts,
) {
    for sample in samples {
        sink.sample(series, ReadSample::float(Some(sample.timestamp), sample.value));
    }
    for histogram in histograms {
        let value = SampleValue::Histogram(Box::new(histogram_of(histogram)));
        sink.sample(series, ReadSample { at: Some(histogram.timestamp), value });
    }
    counts.floats += samples.len();
    counts.histograms += histograms.len();
}

fn kind_name(kind: i32) -> String {
    let name = usize::try_from(kind).ok().and_then(|kind| KINDS.get(kind));
    (*name.unwrap_or(&KINDS[0])).to_owned()
}

/// The family of a series: of a histogram or a summary it has one more word.
fn family_of<'m>(metric: &'m str, kind: &str) -> &'m str {
    if !matches!(kind, "histogram" | "gaugehistogram" | "summary") {
        return metric;
    }
    let family = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| metric.strip_suffix(suffix));
    family.unwrap_or(metric)
}

/// A native histogram of remote write or remote read.
#[expect(clippy::cast_precision_loss, reason = "as the type of the histogram says")]
pub(crate) fn histogram_of(histogram: &Histogram) -> HistogramSample {
    let whole = |count: Option<u64>| count.unwrap_or(0) as f64;
    HistogramSample {
        schema: histogram.schema,
        zero_threshold: histogram.zero_threshold,
        zero_count: histogram.zero_count_float.unwrap_or_else(|| whole(histogram.zero_count_int)),
        count: histogram.count_float.unwrap_or_else(|| whole(histogram.count_int)),
        sum: histogram.sum,
        positive: buckets(&histogram.positive_spans, &histogram.positive_deltas, &histogram.positive_counts),
        negative: buckets(&histogram.negative_spans, &histogram.negative_deltas, &histogram.negative_counts),
        bounds: histogram.custom_values.clone(),
        is_float: histogram.count_float.is_some(),
        is_gauge: histogram.reset_hint == GAUGE_HINT,
    }
}

/// Buckets whose counts are whole, as deltas, or floats.
pub(crate) fn buckets(spans: &[BucketSpan], deltas: &[i64], counts: &[f64]) -> Buckets {
    let spans = spans.iter().map(|span| (span.offset, span.length));
    if counts.is_empty() {
        return buckets_of_spans(spans, counts_of_deltas(deltas.iter().copied()));
    }
    buckets_of_spans(spans, counts.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::prometheus::TimeSeries2;

    fn compressed(message: &impl Message) -> Vec<u8> {
        snap::raw::Encoder::new().compress_vec(&message.encode_to_vec()).unwrap()
    }

    fn second(labels: Vec<u32>) -> Request2 {
        let symbols = ["", "__name__", "m_count", "help"].map(str::to_owned).to_vec();
        let metadata = Some(Metadata2 { kind: 3, help: 3, unit: 0 });
        let samples = vec![Sample { value: 2.5, timestamp: 7 }];
        Request2 { symbols, series: vec![TimeSeries2 { labels, samples, histograms: Vec::new(), metadata }] }
    }

    #[test]
    fn a_request_of_version_2_is_read_with_its_metadata() {
        #[derive(Default)]
        struct Seen(Vec<String>);
        impl SampleSink for Seen {
            fn sample(&mut self, series: &ReadSeries, sample: ReadSample) {
                self.0.push(format!("{} {sample:?}", series.metric));
            }
            fn metadata(&mut self, family: &str, metadata: FamilyMetadata) {
                self.0.push(format!("{family} {} {}", metadata.kind, metadata.help));
            }
        }
        let mut seen = Seen::default();
        let counts = read_request(&compressed(&second(vec![1, 2])), true, 1 << 20, &mut seen).unwrap();
        assert_eq!(counts, ReadCounts { floats: 1, histograms: 0 });
        assert_eq!(seen.0, ["m_count ReadSample { at: Some(7), value: Float(2.5) }", "m histogram help"]);
    }

    #[test]
    fn a_broken_request_is_told_and_nothing_of_it_is_taken() {
        let mut seen = Vec::new();
        let mut told = |body: &[u8], bytes_max| read_request(body, true, bytes_max, &mut seen).unwrap_err();
        let whole = compressed(&second(vec![1, 2]));
        assert!(told(&whole, 10).ends_with("more than the 10 that are taken; send less at once"));
        assert!(told(b"\xff\xff", 1 << 20).starts_with("body is no request of remote write: "));
        let wrong = compressed(&second(vec![1, 9]));
        assert_eq!(told(&wrong, 1 << 20), "body is no request of remote write: a symbol is missing");
        assert_eq!(seen, []);
    }
}
