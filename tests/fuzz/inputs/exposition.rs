//! Parsers that share nothing with the encoders read back the same as was written.

use promemu_core::metric::{MetricType, is_absent};
use promemu_core::series::{Family, LabelBlock, SeriesStore};
use promemu_wire::exposition::Format;
use prost::Message;

use super::pages::{Metric, MetricFamily, Sample, encoded, sample};

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
