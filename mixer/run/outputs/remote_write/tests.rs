//! Requests are read again by an independent reader of protobuf.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use prost::Message;

use super::*;
use crate::outputs::delivery::Intake;
use crate::outputs::series_tracker::{BatchSize, SampleSource, SeriesTracker};
use promemu_core::metric::{ABSENT, Kind, Layout, MetricType, NativeLayout, bucket_of, native_histogram};
use promemu_core::series::Job;
use promemu_core::series::{Column, Family, LabelBlock, Row, SeriesStore};
use promemu_core::time::Time;
use promemu_wire::remote_write::{V1, V2, put_histogram};
use promemu_wire::request::Encoder;

/// `prometheus.WriteRequest`, as far as it is written.
#[derive(Clone, PartialEq, Message)]
struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    timeseries: Vec<TimeSeries>,
    #[prost(message, repeated, tag = "3")]
    metadata: Vec<MetricMetadata>,
}

#[derive(Clone, PartialEq, Message)]
struct MetricMetadata {
    #[prost(int32, tag = "1")]
    metric_type: i32,
    #[prost(string, tag = "2")]
    metric_family_name: String,
    #[prost(string, tag = "4")]
    help: String,
    #[prost(string, tag = "5")]
    unit: String,
}

#[derive(Clone, PartialEq, Message)]
struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
    #[prost(message, repeated, tag = "3")]
    exemplars: Vec<Exemplar>,
    #[prost(message, repeated, tag = "4")]
    histograms: Vec<Histogram>,
}

#[derive(Clone, PartialEq, Message)]
struct Label {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, Message)]
struct Sample {
    #[prost(double, tag = "1")]
    value: f64,
    #[prost(int64, tag = "2")]
    timestamp: i64,
    #[prost(int64, tag = "3")]
    start_timestamp: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Exemplar {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(double, tag = "2")]
    value: f64,
    #[prost(int64, tag = "3")]
    timestamp: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Histogram {
    #[prost(uint64, tag = "1")]
    count: u64,
    #[prost(double, tag = "3")]
    sum: f64,
    #[prost(sint32, tag = "4")]
    schema: i32,
    #[prost(double, tag = "5")]
    zero_threshold: f64,
    #[prost(uint64, tag = "6")]
    zero_count: u64,
    #[prost(message, repeated, tag = "8")]
    negative_spans: Vec<BucketSpan>,
    #[prost(sint64, repeated, tag = "9")]
    negative_deltas: Vec<i64>,
    #[prost(message, repeated, tag = "11")]
    positive_spans: Vec<BucketSpan>,
    #[prost(sint64, repeated, tag = "12")]
    positive_deltas: Vec<i64>,
    #[prost(int64, tag = "15")]
    timestamp: i64,
    #[prost(int64, tag = "17")]
    start_timestamp: i64,
}

#[derive(Clone, PartialEq, Message)]
struct BucketSpan {
    #[prost(sint32, tag = "1")]
    offset: i32,
    #[prost(uint32, tag = "2")]
    length: u32,
}

/// `io.prometheus.write.v2.Request`, as far as it is written.
#[derive(Clone, PartialEq, Message)]
struct Request {
    #[prost(string, repeated, tag = "4")]
    symbols: Vec<String>,
    #[prost(message, repeated, tag = "5")]
    timeseries: Vec<TimeSeriesV2>,
}

#[derive(Clone, PartialEq, Message)]
struct TimeSeriesV2 {
    #[prost(uint32, repeated, tag = "1")]
    labels_refs: Vec<u32>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
    #[prost(message, repeated, tag = "3")]
    histograms: Vec<Histogram>,
    #[prost(message, repeated, tag = "4")]
    exemplars: Vec<ExemplarV2>,
    #[prost(message, optional, tag = "5")]
    metadata: Option<Metadata>,
    #[prost(int64, tag = "6")]
    created_timestamp: i64,
}

#[derive(Clone, PartialEq, Message)]
struct ExemplarV2 {
    #[prost(uint32, repeated, tag = "1")]
    labels_refs: Vec<u32>,
    #[prost(double, tag = "2")]
    value: f64,
    #[prost(int64, tag = "3")]
    timestamp: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Metadata {
    #[prost(int32, tag = "1")]
    metric_type: i32,
    #[prost(uint32, tag = "3")]
    help_ref: u32,
    #[prost(uint32, tag = "4")]
    unit_ref: u32,
}

/// One series with one sample, however it came: its labels as they stood, the bits of the value, the time.
type Seen = (Vec<(String, String)>, u64, i64);

fn decompressed(body: &[u8]) -> Vec<u8> {
    snap::raw::Decoder::new().decompress_vec(body).unwrap()
}

fn read_v1(body: &[u8]) -> Vec<Seen> {
    let request = WriteRequest::decode(&*decompressed(body)).unwrap();
    let seen = |series: TimeSeries| {
        assert_eq!(series.samples.len(), 1);
        let labels = series.labels.into_iter().map(|label| (label.name, label.value)).collect();
        (labels, series.samples[0].value.to_bits(), series.samples[0].timestamp)
    };
    request.timeseries.into_iter().map(seen).collect()
}

fn texts(symbols: &[String], refs: &[u32]) -> Vec<(String, String)> {
    let text = |number: u32| symbols[number as usize].clone();
    refs.chunks(2).map(|pair| (text(pair[0]), text(pair[1]))).collect()
}

fn read_v2(body: &[u8]) -> Vec<Seen> {
    let request = Request::decode(&*decompressed(body)).unwrap();
    assert_eq!(request.symbols[0], "");
    let unique: std::collections::BTreeSet<_> = request.symbols.iter().collect();
    assert_eq!(unique.len(), request.symbols.len(), "each text is there once");
    let seen = |series: TimeSeriesV2| {
        assert_eq!(series.samples.len(), 1);
        let labels = texts(&request.symbols, &series.labels_refs);
        (labels, series.samples[0].value.to_bits(), series.samples[0].timestamp)
    };
    request.timeseries.into_iter().map(seen).collect()
}

const AT: Time = Time::from_unix_secs(1_767_600_000);
const SIZE: BatchSize = BatchSize { samples: 3, bytes: 1 << 20 };

/// Writes one round of these jobs, in small batches.
async fn write<E: Encoder + Default>(jobs: &[Arc<Job>]) -> Vec<Vec<u8>> {
    let intake = Intake::idle(2, 1_000_000);
    let mut ledger = SeriesTracker::new(jobs, [E::default(), E::default()], SIZE);
    ledger.round(AT, &intake, Duration::ZERO);
    assert_eq!(intake.dropped_samples(), 0);
    intake.take_all().await.into_iter().map(|(_, batch)| batch.body.to_vec()).collect()
}

fn job(name: &str, families: Vec<Family>, columns: Vec<Column>, rows: &[(LabelBlock, Vec<f64>)]) -> Arc<Job> {
    let places = rows.iter().map(|(labels, cells)| Row { labels: labels.clone(), width: cells.len() });
    let mut store = SeriesStore::new(families, columns, places.collect());
    for (row, (_, cells)) in rows.iter().enumerate() {
        store.report(row, cells);
    }
    Arc::new(Job::new(name.into(), store))
}

fn column(family: usize, offset: usize, rows: usize, labels: LabelBlock, layout: Layout) -> Column {
    Column { family, first_row: 0, rows, offset, labels, layout: Arc::new(layout) }
}

/// Labels as a server has to see them.
fn sorted<'a>(labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<(String, String)> {
    let labels = labels.into_iter().filter(|(_, value)| !value.is_empty());
    let labels: BTreeMap<String, String> = labels.map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
    labels.into_iter().collect()
}

fn numbers() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>().prop_filter("that would be absent", |value| value.to_bits() != ABSENT.to_bits()),
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(-0.0),
        Just(f64::MIN_POSITIVE / 4.0),
        Just(f64::MAX),
    ]
}

#[tokio::test]
async fn halves_of_a_request_have_whole_hosts_and_say_the_same_together() {
    let rows: Vec<_> = (0..7)
        .map(|n| (LabelBlock::new([("id", n.to_string().as_str())]), vec![1.0, f64::from(n)]))
        .collect();
    let columns =
        [0, 1].map(|offset| column(offset, offset, rows.len(), LabelBlock::empty(), Layout::value()));
    let families = ["a", "b"].map(|name| Family::new(name, "help", MetricType::Gauge));
    let jobs = [job("j", families.into(), columns.into(), &rows)];
    let intake = Intake::idle(1, 1_000_000);
    let mut ledger = SeriesTracker::new(&jobs, [V1::default()], BatchSize { samples: 100, bytes: 1 << 20 });
    ledger.round(AT, &intake, Duration::ZERO);
    let (_, whole) = intake.take_all().await.pop().unwrap();
    assert_eq!((whole.samples, whole.cuts.len()), (14, 6));
    let (mut pieces, mut hosts) = (vec![whole.clone()], Vec::new());
    while let Some(piece) = pieces.pop() {
        match v1::halves(&piece, false) {
            Some([first, second]) => {
                assert_eq!(first.samples + second.samples, piece.samples);
                let read = [&first, &second].map(|half| read_v1(&half.body)).concat();
                assert_eq!(read, read_v1(&piece.body));
                pieces.extend([second, first]);
            }
            None => hosts.push((piece.samples, read_v1(&piece.body))),
        }
    }
    assert_eq!(hosts.len(), 7);
    assert!(hosts.iter().all(|(samples, read)| (*samples, read.len()) == (2, 2)));
    assert_eq!(hosts.into_iter().flat_map(|(_, read)| read).collect::<Vec<_>>(), read_v1(&whole.body));
    let [_, second] = v1::halves(&whole, true).unwrap();
    let [host, _] = v1::halves(&second, false).and_then(|[first, _]| v1::halves(&first, false)).unwrap();
    let [first, second] = v1::halves(&host, true).unwrap();
    assert_eq!([&first, &second].map(|half| (half.samples, read_v1(&half.body).len())), [(1, 1), (1, 1)]);
    assert!(v1::halves(&first, true).is_none());
    // Version 2.0 has its texts in front of all hosts.
    let mut ledger = SeriesTracker::new(&jobs, [V2::default()], BatchSize { samples: 100, bytes: 1 << 20 });
    ledger.round(AT, &intake, Duration::ZERO);
    let (_, whole) = intake.take_all().await.pop().unwrap();
    let halves = v2::halves(&whole).unwrap();
    assert_eq!(halves.each_ref().map(|half| half.samples), [7, 7]);
    assert_eq!(halves.each_ref().map(|half| read_v2(&half.body)).concat(), read_v2(&whole.body));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Odd names and values, in any order, come out sorted and whole, in both versions.
    #[test]
    fn requests_are_read_as_they_were_written(
        host_labels in prop::collection::btree_map("[a-zA-Z_][a-z0-9_]{0,9}", ".{0,20}", 0..6),
        own_labels in prop::collection::btree_map("[A-Za-z_]{1,4}x", ".{0,20}", 0..4),
        name in "[a-zA-Z_:ü][a-z0-9_:]{0,9}",
        values in prop::collection::vec(numbers(), 1..10),
        shift in 0usize..6,
    ) {
        let own_labels: BTreeMap<_, _> =
            own_labels.into_iter().filter(|(name, _)| !host_labels.contains_key(name)).collect();
        prop_assume!(!host_labels.contains_key("job") && !host_labels.contains_key("id"));
        let pairs = |labels: &BTreeMap<String, String>| {
            let mut pairs: Vec<_> = labels.iter().map(|(n, v)| (n.clone(), v.clone())).collect();
            let len = pairs.len().max(1);
            pairs.rotate_left(shift % len);
            pairs
        };
        let block = |pairs: &[(String, String)]| {
            LabelBlock::new(pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())))
        };
        let (host, own) = (pairs(&host_labels), pairs(&own_labels));
        let ids: Vec<String> = (0..values.len()).map(|n| format!("host {n}")).collect();
        let rows: Vec<_> = ids.iter().zip(&values).map(|(id, value)| {
            let mut host = host.clone();
            host.push(("id".to_owned(), id.clone()));
            (block(&host), vec![*value])
        }).collect();
        let columns = vec![column(0, 0, rows.len(), block(&own), Layout::value())];
        let families = vec![Family::new(name.as_str(), "help", MetricType::Gauge)];
        let jobs = [job("a job", families, columns, &rows)];

        let mut expected: Vec<Seen> = ids.iter().zip(&values).map(|(id, value)| {
            let labels = host.iter().chain(&own).map(|(n, v)| (n.as_str(), v.as_str()));
            let labels = labels.chain([("__name__", name.as_str()), ("job", "a job"), ("id", id.as_str())]);
            (sorted(labels), value.to_bits(), 1_767_600_000_000)
        }).collect();
        expected.sort();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let v1 = runtime.block_on(write::<V1>(&jobs));
        let v2 = runtime.block_on(write::<V2>(&jobs));
        let mut seen: Vec<Seen> = v1.iter().flat_map(|body| read_v1(body)).collect();
        seen.sort();
        prop_assert_eq!(&seen, &expected);
        let mut seen: Vec<Seen> = v2.iter().flat_map(|body| read_v2(body)).collect();
        seen.sort();
        prop_assert_eq!(&seen, &expected);
    }
}

/// Buckets and what they hold, from spans and deltas, as the specification says it
/// (<https://prometheus.io/docs/specs/native_histograms/>).
fn populated(spans: &[BucketSpan], deltas: &[i64]) -> Vec<(i32, i64)> {
    let (mut bucket, mut count, mut deltas, mut found) = (0, 0, deltas.iter(), Vec::new());
    for span in spans {
        bucket += span.offset;
        for _ in 0..span.length {
            count += deltas.next().unwrap();
            found.push((bucket, count));
            bucket += 1;
        }
    }
    assert_eq!(deltas.next(), None);
    found.into_iter().filter(|(_, count)| *count != 0).collect()
}

proptest! {
    /// Any observations are in the buckets in which their bounds have them.
    #[test]
    fn native_histograms_are_read_as_they_were_meant(
        observations in prop::collection::vec((prop_oneof![-1e3..1e3f64, numbers()], 1..100u32), 0..40),
        schema in -4..=8i8,
        size in 100..200usize,
    ) {
        let layout = NativeLayout { schema, zero_threshold: 1e-6, positive: size, negative: size };
        let mut cells = vec![0.0; layout.width()];
        layout.clear(&mut cells);
        let observations: Vec<_> = observations.into_iter().filter(|(value, _)| value.is_finite()).collect();
        for (value, count) in &observations {
            layout.observe(&mut cells, *value, f64::from(*count));
        }
        let mut bytes = Vec::new();
        put_histogram(&native_histogram(&layout, &cells), 5, Some(3), &mut bytes);
        let found = Histogram::decode(&*bytes).unwrap();
        let mut expected: BTreeMap<(bool, i32), i64> = BTreeMap::new();
        let (mut zero, mut all) = (0, 0);
        for (value, count) in &observations {
            all += u64::from(*count);
            if value.abs() <= 1e-6 {
                zero += u64::from(*count);
            } else {
                let bucket = bucket_of(value.abs(), i8::try_from(found.schema).unwrap());
                *expected.entry((*value > 0.0, bucket)).or_default() += i64::from(*count);
            }
        }
        let positive = populated(&found.positive_spans, &found.positive_deltas);
        let negative = populated(&found.negative_spans, &found.negative_deltas);
        let read = |buckets: Vec<(i32, i64)>, sign| buckets.into_iter().map(move |(bucket, count)| ((sign, bucket), count));
        let read: BTreeMap<_, _> = read(positive, true).chain(read(negative, false)).collect();
        prop_assert_eq!(read, expected);
        prop_assert_eq!((found.count, found.zero_count, found.zero_threshold.to_bits()), (all, zero, 1e-6f64.to_bits()));
        prop_assert_eq!((found.timestamp, found.start_timestamp, found.sum.to_bits()), (5, 3, cells[1].to_bits()));
    }
}

/// A job with one series of each kind.
fn every_kind() -> Arc<Job> {
    let native = NativeLayout { schema: 1, zero_threshold: 0.001, positive: 8, negative: 4 };
    let mut native_cells = vec![0.0; native.width()];
    native.clear(&mut native_cells);
    for (value, count) in [(1.0, 2.0), (3.0, 5.0), (4.0, 1.0), (-2.0, 3.0), (0.0, 4.0)] {
        native.observe(&mut native_cells, value, count);
    }
    let layouts = [
        ("a_total", MetricType::Counter, Kind::Value, vec![7.0]),
        ("b", MetricType::Histogram, Kind::Histogram { bounds: [0.5, 1.0].into() }, vec![1.0, 2.0, 3.0, 9.5]),
        ("c", MetricType::Summary, Kind::Summary { quantiles: [0.5, 0.99].into() }, vec![4.0, 8.0, 1.5, 2.5]),
        ("d", MetricType::StateSet, Kind::StateSet { states: ["off".into(), "on".into()].into() }, vec![1.0]),
        ("e", MetricType::NativeHistogram, Kind::NativeHistogram(native), native_cells),
        ("f_info", MetricType::Info, Kind::Value, vec![1.0]),
    ];
    let (mut families, mut columns, mut row) = (Vec::new(), Vec::new(), Vec::new());
    for (name, metric_type, kind, cells) in layouts {
        columns.push(column(families.len(), row.len(), 1, LabelBlock::empty(), Layout::plain(kind)));
        families.push(Family::new(name, format!("help of {name}"), metric_type));
        row.extend(cells);
    }
    job("j", families, columns, &[(LabelBlock::new([("host", "h")]), row)])
}

fn shown(seen: &[Seen]) -> String {
    let line = |(labels, bits, _): &Seen| {
        let labels = labels.iter().filter(|(name, _)| name != "job" && name != "host");
        let labels: Vec<String> = labels.map(|(name, value)| format!("{name}={value}")).collect();
        format!("{} {}\n", labels.join(" "), f64::from_bits(*bits))
    };
    seen.iter().map(line).collect()
}

#[tokio::test]
async fn every_kind_becomes_the_series_that_a_scrape_makes_of_it() {
    let mut natives = Vec::new();
    let mut seen = Vec::new();
    let mut metadata = Vec::new();
    for body in write::<V1>(&[every_kind()]).await {
        let request = WriteRequest::decode(&*decompressed(&body)).unwrap();
        metadata.extend(request.metadata);
        for series in request.timeseries {
            natives.extend(series.histograms);
            let labels = series.labels.into_iter().map(|label| (label.name, label.value)).collect::<Vec<_>>();
            seen.extend(series.samples.iter().map(|s| (labels.clone(), s.value.to_bits(), s.timestamp)));
        }
    }
    insta::assert_snapshot!(shown(&seen), @r"
    __name__=a_total 7
    __name__=b_bucket le=0.5 1
    __name__=b_bucket le=1 3
    __name__=b_bucket le=+Inf 6
    __name__=b_sum 9.5
    __name__=b_count 6
    __name__=c quantile=0.5 1.5
    __name__=c quantile=0.99 2.5
    __name__=c_sum 8
    __name__=c_count 4
    __name__=d d=off 0
    __name__=d d=on 1
    __name__=f_info 1
    ");
    let native = &natives[0];
    assert_eq!(
        (native.count, native.schema, native.zero_count, native.timestamp),
        (15, 1, 4, 1_767_600_000_000)
    );
    // Powers of √2: 1 is bucket 0, 3 is up to 2^(4/2), as is 4; -2 is bucket 2.
    assert_eq!(
        native.positive_spans,
        [BucketSpan { offset: 0, length: 1 }, BucketSpan { offset: 3, length: 1 }]
    );
    assert_eq!(native.positive_deltas, [2, 4]);
    assert_eq!(native.negative_spans, [BucketSpan { offset: 2, length: 1 }]);
    assert_eq!(native.negative_deltas, [3]);
    let types: Vec<_> = metadata.iter().map(|m| (m.metric_family_name.as_str(), m.metric_type)).collect();
    assert_eq!(types, [("a_total", 1), ("b", 3), ("c", 5), ("d", 7), ("e", 3), ("f_info", 6)]);
    assert_eq!(metadata[0].help, "help of a_total");
}

#[tokio::test]
async fn both_versions_say_the_same() {
    let mut of_v1: Vec<Seen> = Vec::new();
    for body in write::<V1>(&[every_kind()]).await {
        let request = WriteRequest::decode(&*decompressed(&body)).unwrap();
        for series in request.timeseries.iter().filter(|series| series.histograms.is_empty()) {
            let labels = series.labels.iter().map(|label| (label.name.clone(), label.value.clone()));
            of_v1.push((labels.collect(), series.samples[0].value.to_bits(), series.samples[0].timestamp));
        }
    }
    let (mut of_v2, mut types) = (Vec::new(), BTreeMap::new());
    for body in write::<V2>(&[every_kind()]).await {
        let request = Request::decode(&*decompressed(&body)).unwrap();
        for series in &request.timeseries {
            let labels = texts(&request.symbols, &series.labels_refs);
            let metadata = series.metadata.as_ref().unwrap();
            types.insert(request.symbols[metadata.help_ref as usize].clone(), metadata.metric_type);
            assert_eq!(request.symbols[metadata.unit_ref as usize], "");
            of_v2.extend(series.samples.iter().map(|s| (labels.clone(), s.value.to_bits(), s.timestamp)));
        }
    }
    assert_eq!(of_v1, of_v2);
    let types: Vec<_> = types.values().copied().collect();
    assert_eq!(types, [1, 3, 5, 7, 3, 6]);
}

#[tokio::test]
async fn exemplars_and_start_times_go_with_their_series() {
    let layout = |kind| Layout { kind, has_exemplar: true, has_created: true };
    let columns = vec![
        column(0, 0, 1, LabelBlock::empty(), layout(Kind::Value)),
        column(1, 5, 1, LabelBlock::empty(), layout(Kind::Histogram { bounds: [0.5, 1.0].into() })),
    ];
    let families =
        vec![Family::new("a_total", "", MetricType::Counter), Family::new("b", "", MetricType::Histogram)];
    let cells = vec![
        7.0,
        99.0,
        0.25,
        1_767_599_999.5,
        1_767_599_000.0,
        1.0,
        2.0,
        3.0,
        9.5,
        98.0,
        0.75,
        1_767_599_999.0,
        1_767_599_000.0,
    ];
    let jobs = [job("j", families, columns, &[(LabelBlock::empty(), cells)])];
    let mut exemplars = Vec::new();
    for body in write::<V1>(&jobs).await {
        for series in WriteRequest::decode(&*decompressed(&body)).unwrap().timeseries {
            let label =
                |name| series.labels.iter().find(|label| label.name == name).map(|label| label.value.clone());
            for exemplar in &series.exemplars {
                assert_eq!(exemplar.labels[0].name, "trace_id");
                assert_eq!((exemplar.labels[0].value.len(), exemplar.labels[1].value.len()), (32, 16));
                exemplars.push((label("__name__").unwrap(), label("le"), exemplar.value, exemplar.timestamp));
            }
        }
    }
    let expected = [
        ("a_total".to_owned(), None, 0.25, 1_767_599_999_500),
        ("b_bucket".to_owned(), Some("1".to_owned()), 0.75, 1_767_599_999_000),
    ];
    assert_eq!(exemplars, expected);
    let mut of_v2 = Vec::new();
    for body in write::<V2>(&jobs).await {
        let request = Request::decode(&*decompressed(&body)).unwrap();
        for series in &request.timeseries {
            assert_eq!(series.created_timestamp, 1_767_599_000_000);
            assert_eq!(series.samples[0].start_timestamp, 1_767_599_000_000);
            for exemplar in &series.exemplars {
                let labels = texts(&request.symbols, &exemplar.labels_refs);
                assert_eq!((labels[0].0.as_str(), labels[1].0.as_str()), ("trace_id", "span_id"));
                of_v2.push((exemplar.value, exemplar.timestamp));
            }
        }
    }
    assert_eq!(of_v2, [(0.25, 1_767_599_999_500), (0.75, 1_767_599_999_000)]);
}

#[test]
fn settings_are_read_and_checked() {
    let read = |target: &str, options: &[(&str, &str)]| {
        let mut options = options.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        RemoteWriteSettings::take_from(target, &mut options, Duration::from_secs(1))
    };
    let settings = read("prom:9090", &[("version", "2"), ("shards", "3")]).unwrap();
    assert_eq!(
        (settings.target.to_string(), settings.version),
        ("http://prom:9090/api/v1/write".into(), Version::V2)
    );
    assert_eq!(settings.delivery.shards, 3);
    assert!(read("prom", &[("version", "3")]).unwrap_err().to_string().contains("version"));
    assert!(read("ftp://prom", &[]).is_err());
}

#[test]
fn a_success_of_version_2_reports_the_samples_it_wrote() {
    let rejected = |headers: &[(&'static str, &'static str)]| {
        let header =
            |(name, value): &(&'static str, &str)| (HeaderName::from_static(name), value.parse().unwrap());
        let headers = headers.iter().map(header).collect();
        rejected_v2(&FinalResponse { is_success: true, headers: &headers, body: &[], samples: 10 })
    };
    let (ignored, reason) = rejected(&[]);
    assert!(ignored == 10 && reason.contains("version=1"), "{ignored}: {reason}");
    let [samples, histograms] = WRITTEN_HEADERS;
    assert_eq!(rejected(&[(samples, "8"), (histograms, "2")]).0, 0);
    assert_eq!(rejected(&[(samples, "7")]), (3, "it wrote 7 of 10 samples".to_owned()));
    assert_eq!(rejected(&[(samples, "18446744073709551615"), (histograms, "9")]).0, 0);
}
