//! Series of every layout, with any numbers and texts, read back by other libraries.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "counts and times in float cells"
)]

use indexmap::IndexSet;
use promemu_core::metric::{Exemplar, NativeBuckets, NativeHistogram, native_histogram};
use prost::Message;

use super::*;

/// `io.prometheus.client.MetricFamily`, as far as it is written
/// (<https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto>).
#[derive(Clone, PartialEq, Message)]
struct FamilyMessage {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    help: String,
    #[prost(int32, tag = "3")]
    metric_type: i32,
    #[prost(message, repeated, tag = "4")]
    metrics: Vec<MetricMessage>,
    #[prost(string, tag = "5")]
    unit: String,
}

#[derive(Clone, PartialEq, Message)]
struct MetricMessage {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<LabelMessage>,
    #[prost(message, optional, tag = "2")]
    gauge: Option<NumberMessage>,
    #[prost(message, optional, tag = "3")]
    counter: Option<NumberMessage>,
    #[prost(message, optional, tag = "4")]
    summary: Option<SummaryMessage>,
    #[prost(message, optional, tag = "7")]
    histogram: Option<HistogramMessage>,
}

#[derive(Clone, PartialEq, Message)]
struct LabelMessage {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

/// A gauge or a counter.
#[derive(Clone, PartialEq, Message)]
struct NumberMessage {
    #[prost(double, tag = "1")]
    value: f64,
    #[prost(message, optional, tag = "2")]
    exemplar: Option<ExemplarMessage>,
    #[prost(message, optional, tag = "3")]
    created: Option<TimeMessage>,
}

#[derive(Clone, PartialEq, Message)]
struct SummaryMessage {
    #[prost(uint64, tag = "1")]
    count: u64,
    #[prost(double, tag = "2")]
    sum: f64,
    #[prost(message, repeated, tag = "3")]
    quantiles: Vec<QuantileMessage>,
    #[prost(message, optional, tag = "4")]
    created: Option<TimeMessage>,
}

#[derive(Clone, PartialEq, Message)]
struct QuantileMessage {
    #[prost(double, tag = "1")]
    quantile: f64,
    #[prost(double, tag = "2")]
    value: f64,
}

#[derive(Clone, PartialEq, Message)]
struct HistogramMessage {
    #[prost(uint64, tag = "1")]
    count: u64,
    #[prost(double, tag = "2")]
    sum: f64,
    #[prost(message, repeated, tag = "3")]
    buckets: Vec<BucketMessage>,
    #[prost(sint32, tag = "5")]
    schema: i32,
    #[prost(double, tag = "6")]
    zero_threshold: f64,
    #[prost(uint64, tag = "7")]
    zero_count: u64,
    #[prost(message, repeated, tag = "9")]
    negative_spans: Vec<SpanMessage>,
    #[prost(sint64, repeated, tag = "10")]
    negative_deltas: Vec<i64>,
    #[prost(message, repeated, tag = "12")]
    positive_spans: Vec<SpanMessage>,
    #[prost(sint64, repeated, tag = "13")]
    positive_deltas: Vec<i64>,
    #[prost(message, optional, tag = "15")]
    created: Option<TimeMessage>,
    #[prost(message, repeated, tag = "16")]
    exemplars: Vec<ExemplarMessage>,
}

#[derive(Clone, PartialEq, Message)]
struct BucketMessage {
    #[prost(uint64, tag = "1")]
    cumulative: u64,
    #[prost(double, tag = "2")]
    bound: f64,
    #[prost(message, optional, tag = "3")]
    exemplar: Option<ExemplarMessage>,
}

#[derive(Clone, PartialEq, Message)]
struct SpanMessage {
    #[prost(sint32, tag = "1")]
    offset: i32,
    #[prost(uint32, tag = "2")]
    length: u32,
}

#[derive(Clone, PartialEq, Message)]
struct ExemplarMessage {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<LabelMessage>,
    #[prost(double, tag = "2")]
    value: f64,
    #[prost(message, optional, tag = "3")]
    time: Option<TimeMessage>,
}

#[derive(Clone, PartialEq, Message)]
struct TimeMessage {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

/// A series of a family of its own.
#[derive(Clone, Debug)]
struct Made {
    metric_type: MetricType,
    kind: Kind,
    cells: Vec<f64>,
    exemplar: Option<(f64, f64)>,
    created: Option<f64>,
}

impl Made {
    fn layout(&self) -> Layout {
        Layout {
            kind: self.kind.clone(),
            has_exemplar: self.exemplar.is_some(),
            has_created: self.created.is_some(),
        }
    }

    fn all_cells(&self) -> Vec<f64> {
        let exemplar = self.exemplar.map(|(value, unix_secs)| [77.0, value, unix_secs]);
        let after = exemplar.into_iter().flatten().chain(self.created);
        self.cells.iter().copied().chain(after).collect()
    }

    fn name(&self, number: usize) -> String {
        let suffix = match self.metric_type {
            MetricType::Counter => "_total",
            MetricType::Info => "_info",
            _ => "",
        };
        format!("m{number}_seconds{suffix}")
    }
}

/// A store with all series in one row.
fn store_of(made: &[Made], labels: &[(String, String)]) -> SeriesStore {
    let pairs = || labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let (mut columns, mut families, mut cells) = (Vec::new(), Vec::new(), Vec::new());
    for (number, made) in made.iter().enumerate() {
        columns.push(Column {
            family: number,
            first_row: 0,
            rows: 1,
            offset: cells.len(),
            labels: LabelBlock::empty(),
            layout: Arc::new(made.layout()),
        });
        cells.extend(made.all_cells());
        let family = Family::new(made.name(number), "a \"help\" \\ of\ntwo lines", made.metric_type);
        families.push(Family { unit: "seconds".into(), ..family });
    }
    let row = Row { labels: LabelBlock::new(pairs()), width: cells.len() };
    let mut store = SeriesStore::new(families, columns, vec![row]);
    store.report(0, &cells);
    store
}

fn count() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), (0..1000u32).prop_map(f64::from), (0..1u64 << 49).prop_map(|n| n as f64)]
}

fn bounds() -> impl Strategy<Value = Vec<f64>> {
    let bound = prop_oneof![-1e3..1e3f64, any::<f64>().prop_filter("finite", |bound| bound.is_finite())];
    prop::collection::vec(bound, 1..6).prop_map(|mut bounds| {
        bounds.sort_by(f64::total_cmp);
        bounds.dedup();
        bounds
    })
}

fn native() -> impl Strategy<Value = (Kind, Vec<f64>)> {
    let value = prop_oneof![
        -1e3..1e3f64,
        any::<f64>().prop_filter("finite", |value| value.is_finite()),
        Just(0.0),
        0.1..0.3f64
    ];
    let observations = prop::collection::vec((value, 1..1000u32), 0..40);
    (-4..=8i8, 0.0..1e-3f64, 4..200usize, observations).prop_map(
        |(schema, zero_threshold, size, observations)| {
            let layout = NativeLayout { schema, zero_threshold, positive: size, negative: size };
            let mut cells = vec![0.0; layout.width()];
            layout.clear(&mut cells);
            for (value, count) in observations {
                layout.observe(&mut cells, value, f64::from(count));
            }
            (Kind::NativeHistogram(layout), cells)
        },
    )
}

fn made() -> impl Strategy<Value = Made> {
    let number = |metric_type| numbers().prop_map(move |value| (metric_type, Kind::Value, vec![value]));
    let histogram =
        (bounds(), prop::collection::vec(count(), 7), numbers()).prop_map(|(bounds, counts, sum)| {
            let cells = counts.into_iter().take(bounds.len() + 1).chain([sum]).collect();
            (MetricType::Histogram, Kind::Histogram { bounds: bounds.into() }, cells)
        });
    let quantile = prop_oneof![0.0..=1.0f64, Just(0.0), Just(1.0), Just(0.5), Just(1e-5)];
    let summary = (prop::collection::vec((quantile, numbers()), 0..5), count(), numbers()).prop_map(
        |(mut quantiles, count, sum)| {
            quantiles.sort_by(|a, b| a.0.total_cmp(&b.0));
            quantiles.dedup_by(|a, b| a.0.to_bits() == b.0.to_bits());
            let (quantiles, values): (Vec<f64>, Vec<f64>) = quantiles.into_iter().unzip();
            let cells = [count, sum].into_iter().chain(values).collect();
            (MetricType::Summary, Kind::Summary { quantiles: quantiles.into() }, cells)
        },
    );
    let states = (prop::collection::btree_set(any::<String>(), 1..5), 0..4u8).prop_map(|(states, state)| {
        let states: Arc<[Arc<str>]> = states.into_iter().map(Arc::from).collect();
        (MetricType::StateSet, Kind::StateSet { states }, vec![f64::from(state)])
    });
    let kind = prop_oneof![
        number(MetricType::Gauge),
        number(MetricType::Counter),
        Just((MetricType::Info, Kind::Value, vec![1.0])),
        histogram,
        native().prop_map(|(kind, cells)| (MetricType::NativeHistogram, kind, cells)),
        summary,
        states,
    ];
    let time = || (1..4_000_000_000_000u64).prop_map(|millis| millis as f64 / 1000.0);
    let exemplar = prop::option::of((numbers().prop_filter("finite", |value| value.is_finite()), time()));
    (kind, exemplar, prop::option::of(time())).prop_map(|((metric_type, kind, cells), exemplar, created)| {
        let takes_created =
            !matches!(metric_type, MetricType::Gauge | MetricType::Info | MetricType::StateSet);
        Made {
            metric_type,
            kind,
            cells,
            exemplar: exemplar.filter(|_| takes_created && metric_type != MetricType::Summary),
            created: created.filter(|_| takes_created),
        }
    })
}

fn labels() -> impl Strategy<Value = Vec<(String, String)>> {
    let value = prop_oneof![any::<String>(), "[\"\\\\\n{},= #ü]{0,8}"];
    prop::collection::btree_map("[a-z_][a-z0-9_]{0,8}", value, 0..4)
        .prop_map(|labels| labels.into_iter().collect())
}

fn label_messages(labels: &[(String, String)]) -> Vec<LabelMessage> {
    labels.iter().map(|(name, value)| LabelMessage { name: name.clone(), value: value.clone() }).collect()
}

fn time_message(unix_secs: f64) -> TimeMessage {
    let millis = (unix_secs * 1000.0).round() as i64;
    TimeMessage { seconds: millis / 1000, nanos: i32::try_from(millis % 1000).unwrap() * 1_000_000 }
}

fn exemplar_message(exemplar: &Exemplar) -> ExemplarMessage {
    let texts =
        [exemplar.trace_id().to_vec(), exemplar.span_id().to_vec()].map(|id| String::from_utf8(id).unwrap());
    let labels: Vec<_> = Exemplar::LABELS.iter().map(|name| (*name).to_owned()).zip(texts).collect();
    ExemplarMessage {
        labels: label_messages(&labels),
        value: exemplar.value,
        time: Some(time_message(exemplar.unix_secs)),
    }
}

/// Indices and counts of the buckets that spans and deltas describe
/// (<https://prometheus.io/docs/specs/native_histograms/>).
fn populated(spans: &[SpanMessage], deltas: &[i64]) -> Vec<(i32, i64)> {
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

fn populated_of(buckets: NativeBuckets<'_>) -> Vec<(i32, i64)> {
    buckets.populated().map(|(bucket, count)| (bucket, count as i64)).collect()
}

/// The expected message of a histogram, without the buckets of a native one.
fn histogram_message(made: &Made) -> HistogramMessage {
    let (layout, cells) = (made.layout(), made.all_cells());
    let exemplar = layout.exemplar(&cells);
    let mut message =
        HistogramMessage { created: made.created.map(time_message), ..HistogramMessage::default() };
    let (bounds, counts, sum): (&[f64], &[f64], f64) = match &made.kind {
        Kind::Histogram { bounds } => (bounds, &cells, cells[bounds.len() + 1]),
        _ => (&[], &cells, cells[1]),
    };
    message.sum = sum;
    let mut cumulative = 0;
    for (count, bound) in counts.iter().zip(bounds.iter().chain(&[f64::INFINITY])) {
        cumulative += *count as u64;
        let marked = |exemplar: &Exemplar| {
            exemplar.value <= *bound
                && !message.buckets.iter().any(|bucket: &BucketMessage| exemplar.value <= bucket.bound)
        };
        let exemplar = exemplar.filter(marked).as_ref().map(exemplar_message);
        // The `+Inf` bucket is there only for an exemplar: its count is that of the histogram.
        if *bound < f64::INFINITY || exemplar.is_some() {
            message.buckets.push(BucketMessage { cumulative, bound: *bound, exemplar });
        }
    }
    message.count = cumulative;
    if matches!(made.kind, Kind::NativeHistogram(_)) {
        message.exemplars = exemplar.as_ref().map(exemplar_message).into_iter().collect();
    }
    message
}

fn check_histogram(made: &Made, found: &HistogramMessage) {
    let mut found = found.clone();
    if let Kind::NativeHistogram(layout) = &made.kind {
        let histogram: NativeHistogram<'_> = native_histogram(layout, &made.cells);
        assert_eq!(
            populated(&found.positive_spans, &found.positive_deltas),
            populated_of(histogram.positive)
        );
        assert_eq!(
            populated(&found.negative_spans, &found.negative_deltas),
            populated_of(histogram.negative)
        );
        assert_eq!(
            (found.schema, found.zero_threshold.to_bits(), found.zero_count),
            (i32::from(histogram.schema), layout.zero_threshold.to_bits(), histogram.zero_count as u64)
        );
        let is_known_as_native = found.zero_threshold > 0.0
            || found.zero_count > 0
            || !found.positive_spans.is_empty()
            || !found.negative_spans.is_empty();
        assert!(is_known_as_native);
        (found.schema, found.zero_threshold, found.zero_count) = (0, 0.0, 0);
        (found.positive_spans, found.positive_deltas) = (Vec::new(), Vec::new());
        (found.negative_spans, found.negative_deltas) = (Vec::new(), Vec::new());
    }
    // Compared as texts, because NaN is not equal to itself.
    assert_eq!(format!("{found:?}"), format!("{:?}", histogram_message(made)));
}

/// The series as the `prometheus` crate holds it. Types that the crate lacks are those of the text format.
fn reference_family(made: &Made, number: usize, labels: &[(String, String)]) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(made.name(number));
    family.set_help("a \"help\" \\ of\ntwo lines".to_owned());
    family.set_field_type(match made.metric_type {
        MetricType::Counter => proto::MetricType::COUNTER,
        MetricType::Summary => proto::MetricType::SUMMARY,
        MetricType::Histogram | MetricType::NativeHistogram => proto::MetricType::HISTOGRAM,
        _ => proto::MetricType::GAUGE,
    });
    let metric = |more: Option<&str>| {
        let pairs = labels.iter().map(|(name, value)| (name.clone(), value.clone()));
        let pairs =
            pairs.chain(more.map(|state| (made.name(number), state.to_owned()))).map(|(name, value)| {
                let mut pair = proto::LabelPair::default();
                pair.set_name(name);
                pair.set_value(value);
                pair
            });
        let mut metric = proto::Metric::default();
        metric.set_label(pairs.collect());
        metric
    };
    if let Kind::StateSet { states } = &made.kind {
        let of_state = |(n, state): (usize, &Arc<str>)| {
            let mut gauge = proto::Gauge::default();
            gauge.set_value(f64::from(u8::from(made.cells[0] as usize == n)));
            let mut metric = metric(Some(state));
            metric.set_gauge(gauge);
            metric
        };
        family.set_metric(states.iter().enumerate().map(of_state).collect());
        return family;
    }
    let mut metric = metric(None);
    put_reference(made, &mut metric);
    family.set_metric(vec![metric]);
    family
}

fn put_reference(made: &Made, metric: &mut proto::Metric) {
    let cells = &made.cells;
    match &made.kind {
        Kind::Histogram { .. } | Kind::NativeHistogram(_) => {
            let message = histogram_message(&Made { exemplar: None, ..made.clone() });
            let mut histogram = proto::Histogram::default();
            histogram.set_sample_count(message.count);
            histogram.set_sample_sum(message.sum);
            let buckets = message.buckets.iter().map(|read| {
                let mut bucket = proto::Bucket::default();
                bucket.set_cumulative_count(read.cumulative);
                bucket.set_upper_bound(read.bound);
                bucket
            });
            histogram.set_bucket(buckets.collect());
            metric.set_histogram(histogram);
        }
        Kind::Summary { quantiles } => {
            let mut summary = proto::Summary::default();
            summary.set_sample_count(cells[0] as u64);
            summary.set_sample_sum(cells[1]);
            let quantiles = quantiles.iter().zip(&cells[2..]).map(|(place, value)| {
                let mut quantile = proto::Quantile::default();
                quantile.set_quantile(*place);
                quantile.set_value(*value);
                quantile
            });
            summary.set_quantile(quantiles.collect());
            metric.set_summary(summary);
        }
        Kind::Value | Kind::StateSet { .. } if made.metric_type == MetricType::Counter => {
            let mut counter = proto::Counter::default();
            counter.set_value(cells[0]);
            metric.set_counter(counter);
        }
        Kind::Value | Kind::StateSet { .. } => {
            let mut gauge = proto::Gauge::default();
            gauge.set_value(cells[0]);
            metric.set_gauge(gauge);
        }
    }
}

/// A sample line without its exemplar: name and labels, the number in `le` or `quantile`, and the value.
type Line = (String, Option<u64>, u64);

/// The line without its exemplar. The value of a label may look like the beginning of one.
fn without_exemplar(line: &str) -> &str {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let end = line.char_indices().find(|(at, c)| {
        is_quoted ^= *c == '"' && !is_escaped;
        is_escaped = *c == '\\' && !is_escaped;
        !is_quoted && line[*at..].starts_with(" # {")
    });
    end.map_or(line, |(at, _)| &line[..at])
}

/// The sample lines with their numbers parsed, so that `1.0` equals `1`.
fn numbered_lines(text: &str) -> Vec<Line> {
    let line = |line: &str| {
        let line = without_exemplar(line);
        let (head, value) = line.rsplit_once(' ').unwrap();
        let value = value.parse::<f64>().unwrap().to_bits();
        for label in ["le=\"", "quantile=\""] {
            if let Some((before, number)) = head.strip_suffix("\"}").and_then(|head| head.rsplit_once(label))
                && before.ends_with([',', '{'])
                && let Ok(number) = number.parse::<f64>()
            {
                return (format!("{before}{label}"), Some(number.to_bits()), value);
            }
        }
        (head.to_owned(), None, value)
    };
    text.lines().filter(|line| !line.starts_with('#')).map(line).collect()
}

#[test]
fn a_label_may_look_like_an_exemplar() {
    for (line, sample) in [
        (r#"m{a=" # {",b="} # {\" # {"} 1 # {trace_id="x"} 2"#, r#"m{a=" # {",b="} # {\" # {"} 1"#),
        (r#"m{a="\\"} 1 # {} 2"#, r#"m{a="\\"} 1"#),
        ("m 1", "m 1"),
    ] {
        assert_eq!(without_exemplar(line), sample);
    }
}

proptest! {
    #[test]
    fn protobuf_decodes_to_the_series(made in prop::collection::vec(made(), 1..4), labels in labels()) {
        let bytes = body(Format::Protobuf, &store_of(&made, &labels), &[]);
        let families: Vec<FamilyMessage> =
            messages(&bytes).into_iter().map(|message| FamilyMessage::decode(message).unwrap()).collect();
        prop_assert_eq!(families.len(), made.len());
        for (number, (made, family)) in made.iter().zip(&families).enumerate() {
            prop_assert_eq!((&family.name, &*family.help), (&made.name(number), "a \"help\" \\ of\ntwo lines"));
            let metric_type = match made.metric_type {
                MetricType::Counter => 0,
                MetricType::Summary => 2,
                MetricType::Histogram | MetricType::NativeHistogram => 4,
                _ => 1,
            };
            prop_assert_eq!(&family.unit, "seconds");
            prop_assert_eq!(family.metric_type, metric_type);
            if let Kind::StateSet { states } = &made.kind {
                prop_assert_eq!(family.metrics.len(), states.len());
                for ((n, state), metric) in states.iter().enumerate().zip(&family.metrics) {
                    let mut all = labels.clone();
                    all.push((made.name(number), state.to_string()));
                    prop_assert_eq!(&metric.labels, &label_messages(&all));
                    let value = metric.gauge.as_ref().unwrap().value;
                    prop_assert_eq!(value > 0.0, made.cells[0] as usize == n);
                }
                continue;
            }
            let [metric] = &*family.metrics else { panic!("one series") };
            prop_assert_eq!(&metric.labels, &label_messages(&labels));
            if let Some(histogram) = &metric.histogram {
                check_histogram(made, histogram);
            } else if let Some(summary) = &metric.summary {
                prop_assert_eq!((summary.count, summary.sum.to_bits()), (made.cells[0] as u64, made.cells[1].to_bits()));
                let values: Vec<u64> = summary.quantiles.iter().map(|quantile| quantile.value.to_bits()).collect();
                prop_assert_eq!(values, made.cells[2..].iter().map(|value| value.to_bits()).collect::<Vec<_>>());
                prop_assert_eq!(&summary.created, &made.created.map(time_message));
            } else {
                let found = metric.counter.as_ref().or(metric.gauge.as_ref()).unwrap();
                prop_assert_eq!(metric.counter.is_some(), made.metric_type == MetricType::Counter);
                prop_assert_eq!(found.value.to_bits(), made.cells[0].to_bits());
                prop_assert_eq!(&found.created, &made.created.map(time_message));
                let exemplar = made.layout().exemplar(&made.all_cells());
                prop_assert_eq!(&found.exemplar, &exemplar.as_ref().map(exemplar_message));
            }
        }
    }

    #[test]
    fn text_of_every_type_equals_that_of_the_prometheus_crate(made in prop::collection::vec(made(), 1..4), labels in labels()) {
        let references: Vec<_> =
            made.iter().enumerate().map(|(number, made)| reference_family(made, number, &labels)).collect();
        let mut expected = Vec::new();
        TextEncoder::new().encode(&references, &mut expected).unwrap();
        let expected = String::from_utf8(expected).unwrap();
        let ours = String::from_utf8(body(Format::Text, &store_of(&made, &labels), &[])).unwrap();
        let heads = |text: &str| text.lines().filter(|line| line.starts_with('#')).map(str::to_owned).collect::<Vec<_>>();
        prop_assert_eq!(heads(&ours), heads(&expected));
        prop_assert_eq!(numbered_lines(&ours), numbered_lines(&expected));
    }

    /// Samples that OpenMetrics does not allow are left out, no others.
    #[test]
    fn openmetrics_has_the_samples_of_the_text_format(made in prop::collection::vec(made(), 1..4), labels in labels()) {
        let store = store_of(&made, &labels);
        let [text, open] = [Format::Text, Format::OpenMetrics].map(|format| String::from_utf8(body(format, &store, &[])).unwrap());
        prop_assert!(open.ends_with("\n# EOF\n") || open == "# EOF\n");
        let created = |line: &Line| line.0.split('{').next().unwrap().ends_with("_created");
        let (created, of_open): (Vec<Line>, Vec<Line>) = numbered_lines(&open).into_iter().partition(created);
        prop_assert_eq!(created.len(), made.iter().filter(|made| made.created.is_some()).count());
        let of_text: IndexSet<Line> = numbered_lines(&text).into_iter().collect();
        for line in &of_open {
            prop_assert!(of_text.contains(line), "{line:?}");
        }
        let of_open: IndexSet<Line> = of_open.into_iter().collect();
        for (name, place, value) in of_text.difference(&of_open) {
            let is_quantile = name.ends_with("quantile=\"") && place.is_some() && f64::from_bits(*value) < 0.0;
            let is_total = ["_sum", "_count"].iter().any(|suffix| name.split('{').next().unwrap().ends_with(suffix));
            prop_assert!(is_quantile || is_total, "{name}");
        }
        let marked = open.lines().filter(|line| line.contains("# {trace_id=\"")).count();
        prop_assert_eq!(marked, made.iter().filter(|made| made.exemplar.is_some()).count());
    }
}
