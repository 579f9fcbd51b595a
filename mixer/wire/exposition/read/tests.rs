//! Pages that are read, and the pages of our own encoders among them.

use super::*;
use crate::samples::{FamilyMetadata, ReadSample, ReadSeries, SampleSink, SampleValue};

/// Series as text with time and value, and metadata.
#[derive(Default)]
struct Seen(Vec<String>, Vec<String>);

impl SampleSink for Seen {
    fn sample(&mut self, series: &ReadSeries, sample: ReadSample) {
        let value = match sample.value {
            SampleValue::Float(value) => format!("{value}"),
            SampleValue::Histogram(histogram) => format!("{}/{:?}", histogram.count, histogram.positive),
        };
        let at = sample.at.map_or(String::new(), |at| format!(" @{at}"));
        self.0.push(format!("{}{{{}}} {value}{at}", series.metric, series.label_text()));
    }

    fn metadata(&mut self, family: &str, metadata: FamilyMetadata) {
        self.1.push(format!("{family}: {} {:?} {}", metadata.kind, metadata.help, metadata.unit));
    }
}

fn seen(format: Format, page: &str) -> Seen {
    let mut seen = Seen::default();
    read_page(format, page.as_bytes(), &mut seen).unwrap();
    seen
}

#[test]
fn the_text_format_is_read() {
    let page = "# HELP a some \\\\ text\\nhere\n# TYPE a counter\na{b=\"c\\\"}\",} 1 1700000000123\n\n# note\n\
                b 2.5e3\n c { x = \"1\" , } -Inf\n# TYPE d untyped\n{\"d.e\",f=\"g\"} NaN\n";
    let Seen(samples, metadata) = seen(Format::Text, page);
    assert_eq!(
        samples,
        ["a{b=\"c\\\"}\"} 1 @1700000000123", "b{} 2500", "c{x=\"1\"} -inf", "d.e{f=\"g\"} NaN"]
    );
    assert_eq!(metadata, ["a: counter \"some \\\\ text\\nhere\" ", "d: unknown \"\" "]);
}

#[test]
fn openmetrics_is_read_with_its_seconds_and_without_exemplars() {
    let page = "# TYPE a_seconds counter\n# UNIT a_seconds seconds\n\
                a_seconds_total{b=\"c # d\"} 1 1700000000.5 # {id=\"x\"} 0.5 1\n# EOF\n";
    let Seen(samples, metadata) = seen(Format::OpenMetrics, page);
    assert_eq!(samples, ["a_seconds_total{b=\"c # d\"} 1 @1700000000500"]);
    assert_eq!(metadata, ["a_seconds: counter \"\" seconds"]);
}

#[test]
fn a_broken_page_is_told_by_its_line() {
    let told = |format, page: &str| read_page(format, page.as_bytes(), &mut Seen::default()).unwrap_err();
    for (page, error) in [
        ("a 1\nb x\n", "line 2: \"x\" is not a number"),
        ("a{b=\"c\" 1\n", "line 1: labels have no } at their end"),
        ("a\n", "line 1: a has no value"),
        ("a 1 x\n", "line 1: \"x\" is not a timestamp"),
        ("a 1 1 1\n", "line 1: \"1\" stands behind the sample"),
        ("{a=\"b\"} 1\n", "line 1: a sample has no name"),
    ] {
        assert_eq!(told(Format::Text, page), error);
    }
    assert_eq!(told(Format::OpenMetrics, "a 1\n"), "page ends without # EOF: it was cut off");
    assert_eq!(told(Format::OpenMetrics, "# EOF\na 1\n"), "line 2: there is more behind # EOF");
    assert!(told(Format::Protobuf, "\u{5}abc").starts_with("family at byte"));
}

#[test]
fn a_page_in_protobuf_is_the_series_of_prometheus() {
    use prometheus::{Encoder, Histogram, HistogramOpts, IntCounter, ProtobufEncoder, Registry};

    let registry = Registry::new();
    let counter = IntCounter::new("a_total", "some text").unwrap();
    counter.inc_by(7);
    let histogram = Histogram::with_opts(HistogramOpts::new("h", "x").buckets(vec![0.5, 1.0])).unwrap();
    for value in [0.2, 0.7, 9.0] {
        histogram.observe(value);
    }
    registry.register(Box::new(counter)).unwrap();
    registry.register(Box::new(histogram)).unwrap();
    let mut page = Vec::new();
    ProtobufEncoder::new().encode(&registry.gather(), &mut page).unwrap();
    let mut seen = Seen::default();
    read_page(Format::Protobuf, &page, &mut seen).unwrap();
    let expected = [
        "a_total{} 7",
        "h_bucket{le=\"0.5\"} 1",
        "h_bucket{le=\"1\"} 2",
        "h_bucket{le=\"+Inf\"} 3",
        "h_sum{} 9.9",
        "h_count{} 3",
    ];
    assert_eq!(seen.0, expected);
    assert_eq!(seen.1, ["a_total: counter \"some text\" ", "h: histogram \"x\" "]);
}

#[test]
fn the_format_is_that_of_the_content_type() {
    assert_eq!(format_of(None), Format::Text);
    assert_eq!(format_of(Some("text/plain; version=0.0.4")), Format::Text);
    assert_eq!(format_of(Some("application/openmetrics-text; version=1.0.0")), Format::OpenMetrics);
    assert_eq!(format_of(Some("application/vnd.google.protobuf;proto=x")), Format::Protobuf);
}
