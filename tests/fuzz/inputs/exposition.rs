//! Parsers that share nothing with the encoders read back the same as was written.

use std::collections::{BTreeMap, BTreeSet};

use promemu_core::metric::{MetricType, is_absent};
use promemu_core::series::{Family, LabelBlock, SeriesStore};
use promemu_wire::exposition::{Format, Group, encode};
use prost::Message;

#[derive(Message)]
struct MetricFamily {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    help: String,
    #[prost(message, repeated, tag = "4")]
    metric: Vec<Metric>,
}

#[derive(Message)]
struct Metric {
    #[prost(message, repeated, tag = "1")]
    label: Vec<LabelPair>,
    #[prost(message, optional, tag = "2")]
    gauge: Option<Gauge>,
}

#[derive(Message)]
struct LabelPair {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Message)]
struct Gauge {
    #[prost(double, tag = "1")]
    value: f64,
}

/// Encodes a gauge of these bytes: eight of its value, then its help and two label values, divided by zero bytes.
pub(crate) fn check(data: &[u8]) {
    let Some((number, texts)) = data.split_first_chunk::<8>() else { return };
    let value = f64::from_le_bytes(*number);
    let texts: Vec<String> =
        texts.splitn(3, |byte| *byte == 0).map(|text| String::from_utf8_lossy(text).into_owned()).collect();
    let text = |index: usize| texts.get(index).map_or("", String::as_str);
    let labels = [("a", text(1)), ("b_2", text(2))];
    let family = Family::new("m", text(0), MetricType::Gauge);
    let store = SeriesStore::single(family, LabelBlock::new(labels), value);
    let group = LabelBlock::new([("job", "j")]);
    let encoded = |format| encoded(format, std::slice::from_ref(&store), &group);
    for format in [Format::Text, Format::OpenMetrics] {
        let page = String::from_utf8(encoded(format)).expect("a page is UTF-8");
        let samples: Vec<&str> =
            page.split('\n').filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
        assert_eq!(samples.len(), usize::from(!is_absent(value)), "{page:?}");
        if is_absent(value) {
            continue;
        }
        let Sample { name, labels: read, value: shown } = sample(samples[0]);
        assert_eq!(name, "m");
        assert_same(shown, value);
        let expected =
            labels.into_iter().chain([("job", "j")]).map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(read, expected.collect::<Vec<_>>(), "{page:?}");
    }
    let body = encoded(Format::Protobuf);
    if is_absent(value) {
        assert!(body.is_empty(), "a series without a sample has no family");
        return;
    }
    let family = MetricFamily::decode_length_delimited(body.as_slice()).expect("a page is protobuf");
    assert_eq!((&*family.name, &*family.help, family.metric.len()), ("m", text(0), 1));
    let Metric { label, gauge } = &family.metric[0];
    assert_same(gauge.as_ref().map_or(0.0, |gauge| gauge.value), value);
    let of = |name: &str| label.iter().find(|pair| pair.name == name).map_or("", |pair| pair.value.as_str());
    assert_eq!((of("a"), of("b_2"), of("job")), (text(1), text(2), "j"));
}

#[expect(clippy::float_cmp, reason = "a number comes back as it was written")]
fn assert_same(read: f64, written: f64) {
    assert!(read == written || (read.is_nan() && written.is_nan()), "{written} is read as {read}");
}

fn encoded(format: Format, stores: &[SeriesStore], labels: &LabelBlock) -> Vec<u8> {
    let groups: Vec<Group<'_>> = stores.iter().map(|store| Group { store, labels }).collect();
    let mut body = Vec::new();
    encode(format, &groups, &mut body);
    body
}

/// A page of these stores as text.
pub(crate) fn page(stores: &[SeriesStore]) -> String {
    String::from_utf8(encoded(Format::Text, stores, &LabelBlock::new([("job", "j")])))
        .expect("a page is UTF-8")
}

/// Reads the pages of these stores: each family is there once, and so is each series; a counter is not below 0.
pub(crate) fn check_stores(stores: &[SeriesStore]) {
    let (page, mut families, mut series) = (page(stores), BTreeMap::new(), BTreeSet::new());
    for line in page.lines() {
        if let Some(family) = line.strip_prefix("# TYPE ") {
            let (name, kind) = family.split_once(' ').expect("a family has a type");
            assert!(families.insert(name, kind).is_none(), "{name} is there twice");
        } else if !line.starts_with('#') {
            let sample = sample(line);
            let is_total = families.get(sample.name).is_some_and(|kind| *kind == "counter");
            assert!(!is_total || sample.value >= 0.0, "{line}");
            assert!(series.insert((sample.name, sample.labels)), "{line} is there twice");
        }
    }
    let group = LabelBlock::new([("job", "j")]);
    let open_metrics =
        String::from_utf8(encoded(Format::OpenMetrics, stores, &group)).expect("a page is UTF-8");
    open_metrics.lines().filter(|line| !line.starts_with('#')).for_each(|line| drop(sample(line)));
    let (body, mut known) = (encoded(Format::Protobuf, stores, &group), BTreeSet::new());
    let mut rest = body.as_slice();
    while !rest.is_empty() {
        let family = MetricFamily::decode_length_delimited(&mut rest).expect("a page is protobuf");
        assert!(known.insert(family.name.clone()), "{} is there twice", family.name);
    }
}

/// A line of a page.
struct Sample<'a> {
    name: &'a str,
    labels: Vec<(String, String)>,
    value: f64,
}

/// A line of a page of series with labels.
fn sample(line: &str) -> Sample<'_> {
    let (name, mut rest) = line.split_once('{').expect("a sample has labels");
    let mut labels = Vec::new();
    loop {
        let (label, after) = rest.split_once("=\"").expect("a label has a value");
        let (mut value, mut chars) = (String::new(), after.char_indices());
        let end = loop {
            match chars.next().expect("a value has an end") {
                (at, '"') => break at + 1,
                (_, '\\') => value.push(match chars.next().expect("an escape has two characters").1 {
                    'n' => '\n',
                    escaped => escaped,
                }),
                (_, other) => value.push(other),
            }
        };
        labels.push((label.to_owned(), value));
        rest = &after[end..];
        if let Some(shown) = rest.strip_prefix("} ") {
            let value = shown.split(' ').next().expect("a line has a number");
            return Sample { name, labels, value: value.parse().expect("a sample has a number") };
        }
        rest = rest.strip_prefix(',').expect("labels are divided by commas");
    }
}
