//! Encoders against snapshots, and against the `prometheus` crate's encoders.

use prometheus::proto::{self, MetricFamily};
use prometheus::{Encoder, ProtobufEncoder, TextEncoder};
use proptest::prelude::*;

use std::sync::Arc;

use super::*;
use crate::metric::{ABSENT, Layout, MetricType};
use crate::series::{Column, Row};

/// A host's labels and cells.
type Labelled = (Vec<(String, String)>, [f64; 6]);

const BOUNDS: [f64; 2] = [0.5, 2.0];

fn family(name: &str, metric_type: MetricType) -> Family {
    Family::new(name, "help with \\ and \n and \"", metric_type)
}

/// A store with a gauge, a counter and a histogram, a row of cells per host.
fn store(rows: &[Labelled]) -> SeriesStore {
    let families = vec![
        family("temperature_celsius", MetricType::Gauge),
        family("requests_total", MetricType::Counter),
        family("latency_seconds", MetricType::Histogram),
    ];
    let columns = (0..3).map(|family| Column {
        family,
        first_row: 0,
        rows: rows.len(),
        offset: family,
        labels: LabelBlock::new((family == 1).then_some(("code", "200"))),
        layout: Arc::new(if family == 2 { Layout::histogram(BOUNDS.into()) } else { Layout::value() }),
    });
    let stored = rows.iter().map(|(labels, cells)| Row {
        labels: LabelBlock::new(labels.iter().map(|(n, v)| (n.as_str(), v.as_str()))),
        width: cells.len(),
    });
    let mut store = SeriesStore::new(families, columns.collect(), stored.collect());
    for (row, (_, cells)) in rows.iter().enumerate() {
        store.report(row, cells);
    }
    store
}

fn body(format: Format, store: &SeriesStore, labels: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    encode(format, &[Group { store, labels: &LabelBlock::new(labels.iter().copied()) }], &mut out);
    out
}

fn labelled(name: &str) -> Vec<(String, String)> {
    vec![("name".into(), name.into())]
}

#[test]
fn text_reads_as_the_format_says() {
    let store =
        store(&[(labelled("a\"b\\c\nd"), [21.55, 3.0, 1.0, 2.0, 4.0, 9.5]), (labelled("b"), [ABSENT; 6])]);
    let text = String::from_utf8(body(Format::Text, &store, &[("job", "demo")])).unwrap();
    insta::assert_snapshot!(text, @r#"
    # HELP temperature_celsius help with \\ and \n and "
    # TYPE temperature_celsius gauge
    temperature_celsius{name="a\"b\\c\nd",job="demo"} 21.55
    # HELP requests_total help with \\ and \n and "
    # TYPE requests_total counter
    requests_total{name="a\"b\\c\nd",code="200",job="demo"} 3
    # HELP latency_seconds help with \\ and \n and "
    # TYPE latency_seconds histogram
    latency_seconds_bucket{name="a\"b\\c\nd",job="demo",le="0.5"} 1
    latency_seconds_bucket{name="a\"b\\c\nd",job="demo",le="2"} 3
    latency_seconds_bucket{name="a\"b\\c\nd",job="demo",le="+Inf"} 7
    latency_seconds_sum{name="a\"b\\c\nd",job="demo"} 9.5
    latency_seconds_count{name="a\"b\\c\nd",job="demo"} 7
    "#);
}

#[test]
fn families_without_samples_are_left_out() {
    let store = store(&[(labelled("a"), [1.0, ABSENT, ABSENT, ABSENT, ABSENT, ABSENT])]);
    let text = String::from_utf8(body(Format::Text, &store, &[])).unwrap();
    assert_eq!(
        text.lines().filter(|l| l.starts_with("# TYPE")).collect::<Vec<_>>(),
        ["# TYPE temperature_celsius gauge"]
    );
    assert!(body(Format::Protobuf, &self::store(&[(labelled("a"), [ABSENT; 6])]), &[]).is_empty());
}

#[test]
fn families_are_merged_across_groups() {
    let stores = [store(&[(labelled("a"), [1.0; 6])]), store(&[(labelled("b"), [2.0; 6])])];
    let labels = ["x", "y"].map(|job| LabelBlock::new([("job", job)]));
    let groups: Vec<_> = stores.iter().zip(&labels).map(|(store, labels)| Group { store, labels }).collect();
    let mut out = Vec::new();
    encode(Format::Text, &groups, &mut out);
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text.matches("# TYPE temperature_celsius gauge").count(), 1);
    assert!(text.contains(
        "temperature_celsius{name=\"a\",job=\"x\"} 1\ntemperature_celsius{name=\"b\",job=\"y\"} 2\n"
    ));
}

/// The same families as the `prometheus` crate holds them.
fn reference(rows: &[Labelled]) -> Vec<MetricFamily> {
    let families = [
        ("temperature_celsius", proto::MetricType::GAUGE),
        ("requests_total", proto::MetricType::COUNTER),
        ("latency_seconds", proto::MetricType::HISTOGRAM),
    ];
    let families = families.into_iter().enumerate().map(|(index, (name, metric_type))| {
        let mut family = MetricFamily::default();
        family.set_name(name.to_owned());
        family.set_help("help with \\ and \n and \"".to_owned());
        family.set_field_type(metric_type);
        let metrics = rows.iter().map(|(labels, cells)| reference_metric(index, labels, cells));
        family.set_metric(metrics.collect());
        family
    });
    families.collect()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts in float cells")]
fn reference_metric(index: usize, labels: &[(String, String)], cells: &[f64; 6]) -> proto::Metric {
    let mut metric = proto::Metric::default();
    let own = (index == 1).then(|| ("code".to_owned(), "200".to_owned()));
    let pairs = labels.iter().cloned().chain(own).map(|(name, value)| {
        let mut pair = proto::LabelPair::default();
        pair.set_name(name);
        pair.set_value(value);
        pair
    });
    metric.set_label(pairs.collect());
    match index {
        0 => {
            let mut gauge = proto::Gauge::default();
            gauge.set_value(cells[0]);
            metric.set_gauge(gauge);
        }
        1 => {
            let mut counter = proto::Counter::default();
            counter.set_value(cells[1]);
            metric.set_counter(counter);
        }
        _ => {
            let mut histogram = proto::Histogram::default();
            histogram.set_sample_count((cells[2] + cells[3] + cells[4]) as u64);
            histogram.set_sample_sum(cells[5]);
            let counts = [cells[2], cells[2] + cells[3]];
            let buckets = counts.iter().zip(BOUNDS).map(|(count, bound)| {
                let mut bucket = proto::Bucket::default();
                bucket.set_cumulative_count(*count as u64);
                bucket.set_upper_bound(bound);
                bucket
            });
            histogram.set_bucket(buckets.collect());
            metric.set_histogram(histogram);
        }
    }
    metric
}

/// Lines with the number read, so that `1.0` and `1` are the same.
fn lines(text: &str) -> Vec<(String, Option<u64>)> {
    let line = |line: &str| match line.rsplit_once(' ') {
        Some((head, number)) if !line.starts_with('#') => {
            (head.to_owned(), Some(number.parse::<f64>().unwrap().to_bits()))
        }
        _ => (line.to_owned(), None),
    };
    text.lines().map(line).collect()
}

/// The messages of a body, without their lengths, which may be written in more bytes than are needed.
fn messages(mut body: &[u8]) -> Vec<&[u8]> {
    let mut messages = Vec::new();
    while !body.is_empty() {
        let len_bytes = body.iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
        let len = body[..len_bytes].iter().rev().fold(0, |len, byte| len << 7 | usize::from(byte & 0x7f));
        let (message, rest) = body[len_bytes..].split_at(len);
        messages.push(message);
        body = rest;
    }
    messages
}

fn numbers() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>().prop_map(|n| if n.is_nan() { f64::NAN } else { n }),
        -1e6..1e6f64,
        (-1000..1000i32).prop_map(f64::from),
        Just(0.0),
        Just(-0.0),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
    ]
}

fn rows() -> impl Strategy<Value = Vec<Labelled>> {
    let label = ("[a-z_][a-z0-9_]{0,8}", any::<String>());
    let counts = prop::array::uniform3(0..1_000_000u32);
    let row = (prop::collection::vec(label, 1..4), numbers(), 0.0..1e15f64, counts, numbers());
    let row = row.prop_map(|(mut labels, gauge, counter, counts, sum)| {
        for (n, (name, _)) in labels.iter_mut().enumerate() {
            *name = format!("{name}_{n}");
        }
        let [a, b, c] = counts.map(f64::from);
        (labels, [gauge, counter, a, b, c, sum])
    });
    prop::collection::vec(row, 1..5)
}

proptest! {
    #[test]
    fn protobuf_is_what_the_prometheus_crate_writes(rows in rows()) {
        let mut expected = Vec::new();
        ProtobufEncoder::new().encode(&reference(&rows), &mut expected).unwrap();
        let ours = body(Format::Protobuf, &store(&rows), &[]);
        prop_assert_eq!(messages(&ours), messages(&expected));
    }

    #[test]
    fn text_says_what_the_prometheus_crate_says(rows in rows()) {
        let mut expected = Vec::new();
        TextEncoder::new().encode(&reference(&rows), &mut expected).unwrap();
        let ours = String::from_utf8(body(Format::Text, &store(&rows), &[])).unwrap();
        prop_assert_eq!(lines(&ours), lines(&String::from_utf8(expected).unwrap()));
    }
}
