//! Requests are read again by an independent reader of protobuf.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use prost::Message;

use super::*;
use crate::outputs::delivery::Intake;
use crate::outputs::series_tracker::{BatchSize, SampleSource, SeriesTracker};
use promemu_core::metric::{Kind, Layout, MetricType, NativeLayout, bucket_of};
use promemu_core::series::Job;
use promemu_core::series::{Column, Family, LabelBlock, Row, SeriesStore};
use promemu_core::time::Time;
use promemu_wire::otlp::{Otlp, halves};

#[derive(Clone, PartialEq, Message)]
struct Request {
    #[prost(message, repeated, tag = "1")]
    resource_metrics: Vec<ResourceMetrics>,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceMetrics {
    #[prost(message, repeated, tag = "2")]
    scope_metrics: Vec<ScopeMetrics>,
}

#[derive(Clone, PartialEq, Message)]
struct ScopeMetrics {
    #[prost(message, repeated, tag = "2")]
    metrics: Vec<Metric>,
}

#[derive(Clone, PartialEq, Message)]
struct Metric {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    description: String,
    #[prost(message, optional, tag = "5")]
    gauge: Option<Numbers>,
    #[prost(message, optional, tag = "7")]
    sum: Option<Numbers>,
    #[prost(message, optional, tag = "9")]
    histogram: Option<Histogram>,
    #[prost(message, optional, tag = "10")]
    exponential_histogram: Option<ExponentialHistogram>,
    #[prost(message, optional, tag = "11")]
    summary: Option<Summary>,
}

#[derive(Clone, PartialEq, Message)]
struct Numbers {
    #[prost(message, repeated, tag = "1")]
    data_points: Vec<NumberPoint>,
    #[prost(int32, tag = "2")]
    temporality: i32,
    #[prost(bool, tag = "3")]
    is_monotonic: bool,
}

#[derive(Clone, PartialEq, Message)]
struct NumberPoint {
    #[prost(message, repeated, tag = "7")]
    attributes: Vec<KeyValue>,
    #[prost(fixed64, tag = "2")]
    start: u64,
    #[prost(fixed64, tag = "3")]
    time: u64,
    #[prost(double, optional, tag = "4")]
    value: Option<f64>,
    #[prost(message, repeated, tag = "5")]
    exemplars: Vec<Exemplar>,
    #[prost(uint32, tag = "8")]
    flags: u32,
}

#[derive(Clone, PartialEq, Message)]
struct Exemplar {
    #[prost(fixed64, tag = "2")]
    time: u64,
    #[prost(double, optional, tag = "3")]
    value: Option<f64>,
    #[prost(bytes = "vec", tag = "4")]
    span_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "5")]
    trace_id: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct Histogram {
    #[prost(message, repeated, tag = "1")]
    data_points: Vec<HistogramPoint>,
    #[prost(int32, tag = "2")]
    temporality: i32,
}

#[derive(Clone, PartialEq, Message)]
struct HistogramPoint {
    #[prost(message, repeated, tag = "9")]
    attributes: Vec<KeyValue>,
    #[prost(fixed64, tag = "3")]
    time: u64,
    #[prost(fixed64, tag = "4")]
    count: u64,
    #[prost(double, optional, tag = "5")]
    sum: Option<f64>,
    #[prost(fixed64, repeated, tag = "6")]
    bucket_counts: Vec<u64>,
    #[prost(double, repeated, tag = "7")]
    explicit_bounds: Vec<f64>,
    #[prost(uint32, tag = "10")]
    flags: u32,
}

#[derive(Clone, PartialEq, Message)]
struct ExponentialHistogram {
    #[prost(message, repeated, tag = "1")]
    data_points: Vec<ExponentialPoint>,
    #[prost(int32, tag = "2")]
    temporality: i32,
}

#[derive(Clone, PartialEq, Message)]
struct ExponentialPoint {
    #[prost(message, repeated, tag = "1")]
    attributes: Vec<KeyValue>,
    #[prost(fixed64, tag = "4")]
    count: u64,
    #[prost(double, optional, tag = "5")]
    sum: Option<f64>,
    #[prost(sint32, tag = "6")]
    scale: i32,
    #[prost(fixed64, tag = "7")]
    zero_count: u64,
    #[prost(message, optional, tag = "8")]
    positive: Option<Buckets>,
    #[prost(message, optional, tag = "9")]
    negative: Option<Buckets>,
    #[prost(double, tag = "14")]
    zero_threshold: f64,
}

#[derive(Clone, PartialEq, Message)]
struct Buckets {
    #[prost(sint32, tag = "1")]
    offset: i32,
    #[prost(uint64, repeated, tag = "2")]
    counts: Vec<u64>,
}

#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    data_points: Vec<SummaryPoint>,
}

#[derive(Clone, PartialEq, Message)]
struct SummaryPoint {
    #[prost(message, repeated, tag = "7")]
    attributes: Vec<KeyValue>,
    #[prost(fixed64, tag = "4")]
    count: u64,
    #[prost(double, tag = "5")]
    sum: f64,
    #[prost(message, repeated, tag = "6")]
    quantiles: Vec<Quantile>,
}

#[derive(Clone, PartialEq, Message)]
struct Quantile {
    #[prost(double, tag = "1")]
    quantile: f64,
    #[prost(double, tag = "2")]
    value: f64,
}

#[derive(Clone, PartialEq, Message)]
struct KeyValue {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct AnyValue {
    #[prost(string, tag = "1")]
    string: String,
}

const AT: Time = Time::from_unix_secs(1_767_600_000);
const NOW: u64 = 1_767_600_000_000_000_000;

fn read(body: &[u8]) -> Vec<Metric> {
    let mut message = Vec::new();
    flate2::read::GzDecoder::new(body).read_to_end(&mut message).unwrap();
    let request = Request::decode(&*message).unwrap();
    let scopes = request.resource_metrics.into_iter().flat_map(|resource| resource.scope_metrics);
    scopes.flat_map(|scope| scope.metrics).collect()
}

async fn bodies(intake: &Intake) -> Vec<Metric> {
    intake.take_all().await.iter().flat_map(|(_, batch)| read(&batch.body)).collect()
}

fn ledger(jobs: &[Arc<Job>]) -> SeriesTracker<Otlp> {
    SeriesTracker::new(jobs, [Otlp::default(), Otlp::default()], BatchSize { samples: 5, bytes: 1 << 20 })
}

async fn write(jobs: &[Arc<Job>]) -> Vec<Metric> {
    let intake = Intake::idle(2, 1_000_000);
    ledger(jobs).round(AT, &intake, Duration::ZERO);
    bodies(&intake).await
}

fn labels(attributes: &[KeyValue]) -> Vec<(String, String)> {
    let pair = |pair: &KeyValue| (pair.key.clone(), pair.value.clone().unwrap().string);
    attributes.iter().map(pair).collect()
}

fn job(families: Vec<Family>, columns: Vec<Column>, rows: &[(LabelBlock, Vec<f64>)]) -> Arc<Job> {
    let places = rows.iter().map(|(labels, cells)| Row { labels: labels.clone(), width: cells.len() });
    let mut store = SeriesStore::new(families, columns, places.collect());
    for (row, (_, cells)) in rows.iter().enumerate() {
        store.report(row, cells);
    }
    Arc::new(Job::new("j".into(), store))
}

fn column(family: usize, offset: usize, rows: usize, labels: LabelBlock, layout: Layout) -> Column {
    Column { family, first_row: 0, rows, offset, labels, layout: Arc::new(layout) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Odd names and values come out whole, the host's labels first.
    #[test]
    fn requests_are_read_as_they_were_written(
        host in prop::collection::btree_map("[a-z_]{1,9}h", ".{1,20}", 0..6),
        own in prop::collection::btree_map("[a-z_]{1,4}x", ".{0,200}", 0..4),
        values in prop::collection::vec(any::<f64>(), 1..20),
    ) {
        let block = |labels: Vec<(&str, &str)>| LabelBlock::new(labels);
        let ids: Vec<String> = (0..values.len()).map(|n| format!("host {n}")).collect();
        let pairs = |id: &str| -> Vec<(String, String)> {
            let host = host.iter().map(|(n, v)| (n.clone(), v.clone()));
            host.chain([("id".to_owned(), id.to_owned())]).collect()
        };
        let rows: Vec<_> = ids.iter().zip(&values).map(|(id, value)| {
            let labels = pairs(id);
            (block(labels.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect()), vec![*value])
        }).collect();
        let own_block = block(own.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect());
        let columns = vec![column(0, 0, rows.len(), own_block, Layout::value())];
        let jobs = [job(vec![Family::new("a", "help", MetricType::Gauge)], columns, &rows)];
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let metrics = runtime.block_on(write(&jobs));
        let mut seen: Vec<_> = metrics.into_iter().flat_map(|metric| metric.gauge.unwrap().data_points).map(|point| {
            assert_eq!((point.time, point.flags), (NOW, 0));
            (labels(&point.attributes), point.value.unwrap().to_bits())
        }).collect();
        let mut expected: Vec<_> = ids.iter().zip(&values).map(|(id, value)| {
            let mut labels = pairs(id);
            labels.push(("job".to_owned(), "j".to_owned()));
            labels.extend(own.iter().filter(|(_, v)| !v.is_empty()).map(|(n, v)| (n.clone(), v.clone())));
            (labels, value.to_bits())
        }).collect();
        seen.sort();
        expected.sort();
        prop_assert_eq!(seen, expected);
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
    let counter = Layout { has_exemplar: true, has_created: true, ..Layout::value() };
    let summary = Layout::plain(Kind::Summary { quantiles: [0.5, 0.99].into() });
    let states = Layout::plain(Kind::StateSet { states: ["off".into(), "on".into()].into() });
    let layouts = [
        ("a_total", MetricType::Counter, counter, vec![7.0, 99.0, 0.25, 1_767_599_999.5, 1_767_599_000.0]),
        ("b", MetricType::Histogram, Layout::histogram([0.5, 1.0].into()), vec![1.0, 2.0, 3.0, 9.5]),
        ("c", MetricType::Summary, summary, vec![4.0, 8.0, 1.5, 2.5]),
        ("d", MetricType::StateSet, states, vec![1.0]),
        ("e", MetricType::NativeHistogram, Layout::plain(Kind::NativeHistogram(native)), native_cells),
        ("f_info", MetricType::Info, Layout::value(), vec![1.0]),
    ];
    let (mut families, mut columns, mut row) = (Vec::new(), Vec::new(), Vec::new());
    for (name, metric_type, layout, cells) in layouts {
        columns.push(column(families.len(), row.len(), 1, LabelBlock::empty(), layout));
        families.push(Family::new(name, format!("help of {name}"), metric_type));
        row.extend(cells);
    }
    job(families, columns, &[(LabelBlock::new([("host", "h")]), row)])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any observations are in the buckets in which their bounds have them: above 2^(n/2^scale), up to the next.
    #[test]
    fn native_histograms_are_read_as_they_were_meant(
        observations in prop::collection::vec((prop_oneof![-1e3..1e3f64, any::<f64>()], 1..100u32), 0..40),
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
        let families = vec![Family::new("a", "", MetricType::NativeHistogram)];
        let columns = vec![column(0, 0, 1, LabelBlock::empty(), Layout::plain(Kind::NativeHistogram(layout)))];
        let jobs = [job(families, columns, &[(LabelBlock::empty(), cells.clone())])];
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let metrics = runtime.block_on(write(&jobs));
        let point = &metrics[0].exponential_histogram.as_ref().unwrap().data_points[0];
        let mut expected: BTreeMap<(bool, i32), u64> = BTreeMap::new();
        let (mut zero, mut all) = (0, 0);
        for (value, count) in &observations {
            all += u64::from(*count);
            if value.abs() <= 1e-6 {
                zero += u64::from(*count);
            } else {
                let bucket = bucket_of(value.abs(), i8::try_from(point.scale).unwrap()) - 1;
                *expected.entry((*value > 0.0, bucket)).or_default() += u64::from(*count);
            }
        }
        let read = |buckets: &Option<Buckets>, sign| {
            let buckets = buckets.clone().unwrap_or_default();
            let counts = (buckets.offset..).zip(buckets.counts).filter(|(_, count)| *count > 0);
            counts.map(move |(bucket, count)| ((sign, bucket), count)).collect::<Vec<_>>()
        };
        let read: BTreeMap<_, _> =
            read(&point.positive, true).into_iter().chain(read(&point.negative, false)).collect();
        prop_assert_eq!(read, expected);
        prop_assert_eq!((point.count, point.zero_count, point.zero_threshold.to_bits()), (all, zero, 1e-6f64.to_bits()));
        prop_assert_eq!(point.sum.map(f64::to_bits), Some(cells[1].to_bits()));
    }
}

#[tokio::test]
async fn every_kind_has_its_points() {
    let metrics = write(&[every_kind()]).await;
    let metric = |name: &str| metrics.iter().find(|metric| metric.name == name).unwrap().clone();
    assert_eq!(metric("b").description, "help of b");

    let sum = metric("a_total").sum.unwrap();
    assert_eq!((sum.temporality, sum.is_monotonic), (2, true));
    let point = &sum.data_points[0];
    assert_eq!((point.value, point.start, point.time), (Some(7.0), 1_767_599_000_000_000_000, NOW));
    let exemplar = &point.exemplars[0];
    assert_eq!((exemplar.value, exemplar.time), (Some(0.25), 1_767_599_999_500_000_000));
    assert_eq!((exemplar.span_id.len(), exemplar.trace_id.len()), (8, 16));

    let histogram = metric("b").histogram.unwrap();
    let point = &histogram.data_points[0];
    assert_eq!((histogram.temporality, point.count, point.sum, point.time), (2, 6, Some(9.5), NOW));
    assert_eq!((&*point.bucket_counts, &*point.explicit_bounds), (&[1, 2, 3][..], &[0.5, 1.0][..]));

    let point = &metric("c").summary.unwrap().data_points[0];
    let quantiles: Vec<_> =
        point.quantiles.iter().map(|quantile| (quantile.quantile, quantile.value)).collect();
    assert_eq!((point.count, quantiles), (4, vec![(0.5, 1.5), (0.99, 2.5)]));

    let states = metric("d").gauge.unwrap().data_points;
    let states: Vec<_> =
        states.iter().map(|point| (labels(&point.attributes)[2].1.clone(), point.value)).collect();
    assert_eq!(states, [("off".to_owned(), Some(0.0)), ("on".to_owned(), Some(1.0))]);

    let histogram = metric("e").exponential_histogram.unwrap();
    let point = &histogram.data_points[0];
    assert_eq!((histogram.temporality, point.count, point.scale, point.zero_count), (2, 15, 1, 4));
    // Powers of √2: 1 ends bucket -1, 3 and 4 are in bucket 3, which ends at 4; -2 ends bucket 1.
    assert_eq!(point.positive, Some(Buckets { offset: -1, counts: vec![2, 0, 0, 0, 6] }));
    assert_eq!(point.negative, Some(Buckets { offset: 1, counts: vec![3] }));
    assert_eq!(labels(&point.attributes)[1], ("job".to_owned(), "j".to_owned()));
}

#[tokio::test]
async fn halves_of_a_request_say_the_same_down_to_single_points() {
    let rows: Vec<_> =
        (0..3).map(|n| (LabelBlock::new([("host", n.to_string().as_str())]), vec![f64::from(n)])).collect();
    let gauge = column(0, 0, rows.len(), LabelBlock::empty(), Layout::value());
    let hosts = job(vec![Family::new("g", "help", MetricType::Gauge)], vec![gauge], &rows);
    let intake = Intake::idle(1, 1_000_000);
    let jobs = [every_kind(), hosts];
    let size = BatchSize { samples: 100, bytes: 1 << 20 };
    SeriesTracker::new(&jobs, [Otlp::default()], size).round(AT, &intake, Duration::ZERO);
    let (_, whole) = intake.take_all().await.pop().unwrap();
    assert_eq!(whole.samples, 10, "a state set has two points");
    let (mut pieces, mut points) = (vec![whole.clone()], Vec::new());
    while let Some(piece) = pieces.pop() {
        if let Some([first, second]) = halves(&piece) {
            assert_eq!(first.samples + second.samples, piece.samples);
            pieces.extend([second, first]);
        } else {
            assert_eq!(piece.samples, 1);
            points.extend(read(&piece.body));
        }
    }
    let mut joined: Vec<Metric> = Vec::new();
    for metric in points {
        match joined.last_mut().filter(|last| last.name == metric.name) {
            Some(last) => {
                let more = metric.gauge.unwrap().data_points;
                last.gauge.as_mut().unwrap().data_points.extend(more);
            }
            None => joined.push(metric),
        }
    }
    assert_eq!(joined, read(&whole.body));
}

#[tokio::test]
async fn a_series_that_ends_has_no_recorded_value() {
    let job = every_kind();
    let mut ledger = ledger(&[Arc::clone(&job)]);
    let intake = Intake::idle(2, 1_000_000);
    ledger.round(AT, &intake, Duration::ZERO);
    ledger.end(AT, &Intake::idle(2, 1_000_000), Duration::ZERO);
    let _shown = bodies(&intake).await;
    let mut ledger = self::ledger(&[job]);
    ledger.round(AT, &Intake::idle(2, 1_000_000), Duration::ZERO);
    ledger.end(AT, &intake, Duration::ZERO);
    let metrics = bodies(&intake).await;
    assert_eq!(metrics.len(), 6);
    for metric in metrics {
        for point in metric.gauge.into_iter().chain(metric.sum).flat_map(|numbers| numbers.data_points) {
            assert_eq!((point.flags, point.value, point.time), (1, None, NOW + 1_000_000));
        }
        for point in metric.histogram.into_iter().flat_map(|histogram| histogram.data_points) {
            assert_eq!((point.flags, point.count, &*point.bucket_counts), (1, 0, &[0, 0, 0][..]));
        }
    }
}

#[test]
fn a_target_gets_the_path_of_the_specification() {
    let read = |target: &str| OtlpSettings::take_from(target, &mut IndexMap::new(), Duration::from_secs(1));
    assert_eq!(read("collector:4318").unwrap().target.to_string(), "http://collector:4318/v1/metrics");
    let own_path = "https://vm/opentelemetry/v1/metrics";
    assert_eq!(read(own_path).unwrap().target.to_string(), own_path);
    assert!(read("").is_err());
}
