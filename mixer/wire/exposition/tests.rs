//! Encoders against snapshots, and against the `prometheus` crate's encoders.

mod kinds;

use std::sync::Arc;

use promemu_core::metric::{ABSENT, Kind, Layout, MetricType, NativeLayout};
use promemu_core::series::{Column, Family, LabelBlock, Row, SeriesStore};
use prometheus::proto::{self, MetricFamily};
use prometheus::{Encoder, ProtobufEncoder, TextEncoder};
use proptest::prelude::*;

use super::*;

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
fn text_follows_the_format() {
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
fn the_page_of_a_host_without_labels_is_that_of_a_store_with_this_host_alone() {
    for cells in [[7.5, 2.0, 1.0, 3.0, 0.5, 4.0], [ABSENT, 2.0, 1.0, 3.0, 0.5, 4.0]] {
        let store = store(&[(Vec::new(), cells)]);
        for format in [Format::Text, Format::OpenMetrics, Format::Protobuf] {
            let mut page = Vec::new();
            encode_row(format, &store, 0, &mut page);
            assert_eq!(page, body(format, &store, &[]), "{format:?}");
        }
    }
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

/// Lines with their numbers parsed, so that `1.0` equals `1`.
fn lines(text: &str) -> Vec<(String, Option<u64>)> {
    let line = |line: &str| match line.rsplit_once(' ') {
        Some((head, number)) if !line.starts_with('#') => {
            (head.to_owned(), Some(number.parse::<f64>().unwrap().to_bits()))
        }
        _ => (line.to_owned(), None),
    };
    text.lines().map(line).collect()
}

/// The messages of a body without their lengths, which may take more bytes than needed.
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
    fn protobuf_equals_that_of_the_prometheus_crate(rows in rows()) {
        let mut expected = Vec::new();
        ProtobufEncoder::new().encode(&reference(&rows), &mut expected).unwrap();
        let ours = body(Format::Protobuf, &store(&rows), &[]);
        prop_assert_eq!(messages(&ours), messages(&expected));
    }

    #[test]
    fn text_equals_that_of_the_prometheus_crate(rows in rows()) {
        let mut expected = Vec::new();
        TextEncoder::new().encode(&reference(&rows), &mut expected).unwrap();
        let ours = String::from_utf8(body(Format::Text, &store(&rows), &[])).unwrap();
        prop_assert_eq!(lines(&ours), lines(&String::from_utf8(expected).unwrap()));
    }
}

/// A series of every layout.
fn all_kinds() -> SeriesStore {
    let (mut columns, mut cells, mut families) = (Vec::new(), Vec::new(), Vec::new());
    let native = NativeLayout::for_range(3, 1e-9, 20, (-100.0, 100.0));
    let mut native_cells = vec![0.0; native.width()];
    native.clear(&mut native_cells);
    for (value, count) in [(0.0, 1.0), (1.0, 2.0), (1.1, 3.0), (2.0, 300.0), (-3.0, 1.0)] {
        native.observe(&mut native_cells, value, count);
    }
    let exemplar = [123_456.0, 1.5, 1_767_600_000.5];
    let marked = |kind| Layout { has_exemplar: true, has_created: true, ..Layout::plain(kind) };
    let mut add = |name: &str, metric_type, layout: Layout, own: &[f64]| {
        let offset = cells.len();
        cells.extend_from_slice(own);
        cells.extend_from_slice(if layout.has_exemplar { &exemplar } else { &[] });
        cells.extend_from_slice(if layout.has_created { &[1_767_600_000.25] } else { &[] });
        assert_eq!(cells.len() - offset, layout.width());
        columns.push(Column {
            family: families.len(),
            first_row: 0,
            rows: 1,
            offset,
            labels: LabelBlock::empty(),
            layout: Arc::new(layout),
        });
        families.push(Family { unit: "seconds".into(), ..Family::new(name, "help", metric_type) });
    };
    let states = || Kind::StateSet { states: ["on", "o\"ff"].map(Arc::from).into() };
    let [low, high] = [[0.5, 2.0], [-1.0, 1e6]].map(|bounds| Kind::Histogram { bounds: bounds.into() });
    let quantiles = Kind::Summary { quantiles: [0.5, 0.99].into() };
    add("a_seconds", MetricType::Gauge, Layout::value(), &[-0.0]);
    add("b_seconds_total", MetricType::Counter, marked(Kind::Value), &[7.0]);
    add("c", MetricType::Counter, marked(Kind::Value), &[f64::INFINITY]);
    add("d_info", MetricType::Info, Layout::value(), &[1.0]);
    add("e", MetricType::StateSet, Layout::plain(states()), &[1.0]);
    add("f_seconds", MetricType::Histogram, marked(low), &[1.0, 2.0, 3.0, 9.5]);
    add("g", MetricType::Histogram, Layout::plain(high), &[1.0, 2.0, 3.0, 9.5]);
    add("h", MetricType::Summary, marked(quantiles), &[5.0, 2.5, 0.4, f64::NAN]);
    add("i_seconds", MetricType::NativeHistogram, marked(Kind::NativeHistogram(native)), &native_cells);
    add("i_seconds_total", MetricType::Counter, Layout::value(), &[1.0]);
    let width = cells.len();
    let row = Row { labels: LabelBlock::new([("name", "x")]), width };
    let mut store = SeriesStore::new(families, columns, vec![row]);
    store.report(0, &cells);
    store
}

#[test]
fn openmetrics_follows_the_specification() {
    let text = String::from_utf8(body(Format::OpenMetrics, &all_kinds(), &[])).unwrap();
    insta::assert_snapshot!(text, @r#"
    # TYPE a_seconds gauge
    # UNIT a_seconds seconds
    # HELP a_seconds help
    a_seconds{name="x"} -0.0
    # TYPE b_seconds counter
    # UNIT b_seconds seconds
    # HELP b_seconds help
    b_seconds_total{name="x"} 7 # {trace_id="bbfe1da0f7646b75124e7306ddbe9ddf",span_id="960970be9fc34100"} 1.5 1767600000.5
    b_seconds_created{name="x"} 1767600000.25
    # TYPE c unknown
    # HELP c help
    c{name="x"} +Inf
    # TYPE d info
    # HELP d help
    d_info{name="x"} 1
    # TYPE e stateset
    # HELP e help
    e{name="x",e="on"} 0
    e{name="x",e="o\"ff"} 1
    # TYPE f_seconds histogram
    # UNIT f_seconds seconds
    # HELP f_seconds help
    f_seconds_bucket{name="x",le="0.5"} 1
    f_seconds_bucket{name="x",le="2.0"} 3 # {trace_id="bbfe1da0f7646b75124e7306ddbe9ddf",span_id="960970be9fc34100"} 1.5 1767600000.5
    f_seconds_bucket{name="x",le="+Inf"} 6
    f_seconds_sum{name="x"} 9.5
    f_seconds_count{name="x"} 6
    f_seconds_created{name="x"} 1767600000.25
    # TYPE g histogram
    # HELP g help
    g_bucket{name="x",le="-1.0"} 1
    g_bucket{name="x",le="1e+06"} 3
    g_bucket{name="x",le="+Inf"} 6
    # TYPE h summary
    # HELP h help
    h{name="x",quantile="0.5"} 0.4
    h{name="x",quantile="0.99"} NaN
    h_sum{name="x"} 2.5
    h_count{name="x"} 5
    h_created{name="x"} 1767600000.25
    # TYPE i_seconds histogram
    # UNIT i_seconds seconds
    # HELP i_seconds help
    i_seconds_bucket{name="x",le="+Inf"} 307 # {trace_id="bbfe1da0f7646b75124e7306ddbe9ddf",span_id="960970be9fc34100"} 1.5 1767600000.5
    i_seconds_sum{name="x"} 602.3
    i_seconds_count{name="x"} 307
    i_seconds_created{name="x"} 1767600000.25
    # TYPE i_seconds_total unknown
    # HELP i_seconds_total help
    i_seconds_total{name="x"} 1
    # EOF
    "#);
}

#[test]
fn text_has_every_type() {
    let text = String::from_utf8(body(Format::Text, &all_kinds(), &[])).unwrap();
    let lines: Vec<_> = text.lines().filter(|line| !line.starts_with("# HELP")).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    # TYPE a_seconds gauge
    a_seconds{name="x"} -0.0
    # TYPE b_seconds_total counter
    b_seconds_total{name="x"} 7
    # TYPE c counter
    c{name="x"} +Inf
    # TYPE d_info gauge
    d_info{name="x"} 1
    # TYPE e gauge
    e{name="x",e="on"} 0
    e{name="x",e="o\"ff"} 1
    # TYPE f_seconds histogram
    f_seconds_bucket{name="x",le="0.5"} 1
    f_seconds_bucket{name="x",le="2"} 3
    f_seconds_bucket{name="x",le="+Inf"} 6
    f_seconds_sum{name="x"} 9.5
    f_seconds_count{name="x"} 6
    # TYPE g histogram
    g_bucket{name="x",le="-1"} 1
    g_bucket{name="x",le="1e+06"} 3
    g_bucket{name="x",le="+Inf"} 6
    g_sum{name="x"} 9.5
    g_count{name="x"} 6
    # TYPE h summary
    h{name="x",quantile="0.5"} 0.4
    h{name="x",quantile="0.99"} NaN
    h_sum{name="x"} 2.5
    h_count{name="x"} 5
    # TYPE i_seconds histogram
    i_seconds_bucket{name="x",le="+Inf"} 307
    i_seconds_sum{name="x"} 602.3
    i_seconds_count{name="x"} 307
    # TYPE i_seconds_total counter
    i_seconds_total{name="x"} 1
    "#);
}

/// The fields of a message; those of nested messages are in braces.
fn fields(mut message: &[u8], nested: &[&[u64]], path: &[u64]) -> String {
    let mut text = Vec::new();
    let varint = |message: &mut &[u8]| {
        let len = message.iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
        let (varint, rest) = message.split_at(len);
        *message = rest;
        varint.iter().rev().fold(0u64, |number, byte| number << 7 | u64::from(byte & 0x7f))
    };
    while !message.is_empty() {
        let tag = varint(&mut message);
        let number = tag >> 3;
        let value = match tag & 7 {
            0 => varint(&mut message).to_string(),
            1 => {
                let (bytes, rest) = message.split_first_chunk::<8>().unwrap();
                message = rest;
                f64::from_le_bytes(*bytes).to_string()
            }
            _ => {
                let len = usize::try_from(varint(&mut message)).unwrap();
                let (inner, rest) = message.split_at(len);
                message = rest;
                let path: Vec<u64> = path.iter().copied().chain([number]).collect();
                if nested.contains(&&*path) {
                    format!("{{{}}}", fields(inner, nested, &path))
                } else {
                    String::from_utf8_lossy(inner).escape_debug().to_string()
                }
            }
        };
        text.push(format!("{number}:{value}"));
    }
    text.join(" ")
}

#[test]
fn protobuf_has_every_field_of_every_type() {
    let nested: [&[u64]; 18] = [
        &[4],
        &[4, 1],
        &[4, 2],
        &[4, 3],
        &[4, 3, 2],
        &[4, 3, 2, 1],
        &[4, 3, 2, 3],
        &[4, 3, 3],
        &[4, 4],
        &[4, 4, 3],
        &[4, 4, 4],
        &[4, 7],
        &[4, 7, 3],
        &[4, 7, 9],
        &[4, 7, 12],
        &[4, 7, 15],
        &[4, 7, 16],
        &[4, 7, 16, 3],
    ];
    let body = body(Format::Protobuf, &all_kinds(), &[]);
    let lines: Vec<_> = messages(&body).into_iter().map(|message| fields(message, &nested, &[])).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    1:a_seconds 2:help 3:1 5:seconds 4:{1:{1:name 2:x} 2:{1:-0}}
    1:b_seconds_total 2:help 3:0 5:seconds 4:{1:{1:name 2:x} 3:{1:7 2:{1:{1:trace_id 2:bbfe1da0f7646b75124e7306ddbe9ddf} 1:{1:span_id 2:960970be9fc34100} 2:1.5 3:{1:1767600000 2:500000000}} 3:{1:1767600000 2:250000000}}}
    1:c 2:help 3:0 5:seconds 4:{1:{1:name 2:x} 3:{1:inf 2:{1:{1:trace_id 2:bbfe1da0f7646b75124e7306ddbe9ddf} 1:{1:span_id 2:960970be9fc34100} 2:1.5 3:{1:1767600000 2:500000000}} 3:{1:1767600000 2:250000000}}}
    1:d_info 2:help 3:1 5:seconds 4:{1:{1:name 2:x} 2:{1:1}}
    1:e 2:help 3:1 5:seconds 4:{1:{1:name 2:x} 1:{1:e 2:on} 2:{1:0}} 4:{1:{1:name 2:x} 1:{1:e 2:o\"ff} 2:{1:1}}
    1:f_seconds 2:help 3:4 5:seconds 4:{1:{1:name 2:x} 7:{1:6 2:9.5 3:{1:1 2:0.5} 3:{1:3 2:2 3:\n,\n\u{8}trace_id\u{12} bbfe1da0f7646b75124e7306ddbe9ddf\n\u{1b}\n\u{7}span_id\u{12}\u{10}960970be9fc34100\u{11}\0\0\0\0\0\0�?\u{1a}\u{c}\u{8}����\u{6}\u{10}�ʵ�\u{1}} 15:{1:1767600000 2:250000000}}}
    1:g 2:help 3:4 5:seconds 4:{1:{1:name 2:x} 7:{1:6 2:9.5 3:{1:1 2:-1} 3:{1:3 2:1000000}}}
    1:h 2:help 3:2 5:seconds 4:{1:{1:name 2:x} 4:{1:5 2:2.5 3:{1:0.5 2:0.4} 3:{1:0.99 2:NaN} 4:{1:1767600000 2:250000000}}}
    1:i_seconds 2:help 3:4 5:seconds 4:{1:{1:name 2:x} 7:{1:307 2:602.3 3:{1:307 2:inf 3:\n,\n\u{8}trace_id\u{12} bbfe1da0f7646b75124e7306ddbe9ddf\n\u{1b}\n\u{7}span_id\u{12}\u{10}960970be9fc34100\u{11}\0\0\0\0\0\0�?\u{1a}\u{c}\u{8}����\u{6}\u{10}�ʵ�\u{1}} 5:6 6:0.000000001 7:1 9:{1:26 2:1} 10:\u{2} 12:{1:0 2:3} 12:{1:10 2:1} 13:\u{4}\u{3}\u{6}�\u{4} 15:{1:1767600000 2:250000000} 16:{1:\n\u{8}trace_id\u{12} bbfe1da0f7646b75124e7306ddbe9ddf 1:\n\u{7}span_id\u{12}\u{10}960970be9fc34100 2:1.5 3:{1:1767600000 2:500000000}}}}
    1:i_seconds_total 2:help 3:0 5:seconds 4:{1:{1:name 2:x} 3:{1:1}}
    "#);
}

/// A body in chunks of so many bytes.
fn chunks(format: Format, groups: &[Group<'_>], chunk_bytes: usize) -> Vec<Vec<u8>> {
    let mut encoder = ChunkedEncoder::new(format, groups.iter().map(|group| group.store));
    let mut made = Vec::new();
    loop {
        let mut out = Vec::new();
        if !encoder.put_next(chunk_bytes, &mut |group, work| work(&groups[group]), &mut out) {
            return made;
        }
        made.push(out);
    }
}

#[test]
fn chunks_make_up_the_whole_body() {
    let rows: Vec<Labelled> = (0..200).map(|n| (labelled(&n.to_string()), [f64::from(n); 6])).collect();
    let stores = [store(&rows), all_kinds(), store(&rows[..3]), store(&[])];
    let no_labels = LabelBlock::empty();
    let groups = stores.each_ref().map(|store| Group { store, labels: &no_labels });
    for format in [Format::Text, Format::OpenMetrics, Format::Protobuf] {
        let mut whole = Vec::new();
        encode(format, &groups, &mut whole);
        for (chunk_bytes, count) in [(1, 20), (5_000, 5), (1_000_000, 1)] {
            let chunks = chunks(format, &groups, chunk_bytes);
            assert!(chunks.len() >= count && (count > 1 || chunks.len() == 1), "{}", chunks.len());
            if format == Format::Protobuf {
                let metrics = |bytes: &[u8]| {
                    let texts = messages(bytes)
                        .into_iter()
                        .map(|message| fields(message, &[], &[]))
                        .collect::<Vec<_>>();
                    texts
                        .iter()
                        .flat_map(|text| text.split(" 4:").skip(1))
                        .map(str::to_owned)
                        .collect::<Vec<_>>()
                };
                assert_eq!(metrics(&chunks.concat()), metrics(&whole));
            } else {
                assert_eq!(chunks.concat(), whole);
            }
        }
    }
}
