//! Parsers that share nothing with the encoders read back the same as was written.

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
    let encoded = |format| {
        let mut body = Vec::new();
        encode(format, &[Group { store: &store, labels: &group }], &mut body);
        body
    };
    for format in [Format::Text, Format::OpenMetrics] {
        let page = String::from_utf8(encoded(format)).expect("a page is UTF-8");
        let samples: Vec<&str> =
            page.split('\n').filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
        assert_eq!(samples.len(), usize::from(!is_absent(value)), "{page:?}");
        if is_absent(value) {
            continue;
        }
        let (read, shown) = sample(samples[0]);
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

/// The labels and the value of a line.
fn sample(line: &str) -> (Vec<(String, String)>, f64) {
    let mut rest = line.strip_prefix("m{").expect("a sample begins with its name");
    let mut labels = Vec::new();
    loop {
        let (name, after) = rest.split_once("=\"").expect("a label has a value");
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
        labels.push((name.to_owned(), value));
        rest = &after[end..];
        if let Some(shown) = rest.strip_prefix("} ") {
            return (labels, shown.parse().expect("a sample has a number"));
        }
        rest = rest.strip_prefix(',').expect("labels are divided by commas");
    }
}
