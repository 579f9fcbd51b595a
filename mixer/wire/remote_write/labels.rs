//! Labels sorted by name, as remote write requires
//! (<https://prometheus.io/docs/specs/prw/remote_write_spec/#labels>).
//!
//! A host's labels are sorted once per round, however many series it has; a series' own labels (its name, those of its
//! metric, `le`) once per run. The two are merged for each sample.

use promemu_core::series::LabelBlock;

use crate::protobuf::{len_len, put_label};

/// `TimeSeries.labels` and `Exemplar.labels` of version 1.0
/// (<https://github.com/prometheus/prometheus/blob/main/prompb/types.proto>).
pub(super) const LABEL: u8 = 0x0a;

/// A label that a series has beside those of its host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SeriesLabel {
    pub(super) name: Box<str>,
    pub(super) value: Box<str>,
}

impl SeriesLabel {
    pub(super) fn new(name: &str, value: &str) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

/// The labels that a series has beside those of its host: sorted, and as `Label` fields of a `TimeSeries`.
#[derive(Clone, Debug)]
pub(super) struct SeriesLabels {
    pub(super) labels: Box<[SeriesLabel]>,
    bytes: Box<[u8]>,
    /// End of each field in `bytes`.
    ends: Box<[u32]>,
}

impl SeriesLabels {
    /// Sorts these labels. Those with an empty value are left out: for Prometheus they do not exist.
    pub(super) fn new(mut labels: Vec<SeriesLabel>) -> Self {
        labels.retain(|label| !label.value.is_empty());
        labels.sort();
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        for label in &labels {
            put_label(LABEL, label.name.as_bytes(), label.value.as_bytes(), &mut bytes);
            ends.push(len_u32(&bytes));
        }
        Self { labels: labels.into(), bytes: bytes.into(), ends: ends.into() }
    }
}

/// The labels of one host and its job, sorted by name.
#[derive(Debug, Default)]
pub(super) struct HostLabels {
    /// The labels as fields, in the order of the host.
    bytes: Vec<u8>,
    /// The labels in sorted order.
    places: Vec<LabelPlace>,
}

/// A label's parts, as start and end in [`HostLabels::bytes`].
#[derive(Clone, Copy, Debug)]
struct LabelPlace {
    field: (u32, u32),
    name: (u32, u32),
    value: (u32, u32),
}

impl HostLabels {
    /// Takes over the labels of a host and its job. Those with an empty value are left out.
    pub(super) fn set(&mut self, labels: &LabelBlock, job: &LabelBlock) {
        let Self { bytes, places } = self;
        bytes.clear();
        places.clear();
        for (name, value) in labels.bytes().chain(job.bytes()) {
            if value.is_empty() {
                continue;
            }
            let start = len_u32(bytes);
            put_label(LABEL, name, value, bytes);
            let end = len_u32(bytes);
            let value_start = end - len_u32(value);
            // The tag and the length of the value lie between the name and the value.
            let name_end = value_start - 1 - u32::try_from(len_len(value.len())).unwrap_or(0);
            places.push(LabelPlace {
                field: (start, end),
                name: (name_end - len_u32(name), name_end),
                value: (value_start, end),
            });
        }
        places.sort_unstable_by(|a, b| text(bytes, a.name).cmp(text(bytes, b.name)));
    }

    fn text(&self, place: (u32, u32)) -> &[u8] {
        text(&self.bytes, place)
    }

    /// Names and values, sorted by name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.places.iter().map(|place| (self.text(place.name), self.text(place.value)))
    }

    /// Number of labels that sort before this name; the caller knows that the first `from` do.
    #[inline]
    pub(super) fn count_before(&self, name: &str, from: usize) -> usize {
        let rest = self.places.iter().skip(from);
        from + rest.take_while(|place| self.text(place.name) < name.as_bytes()).count()
    }

    /// Bytes of the fields of these labels and a series' own.
    pub(super) fn merged_len(&self, own: &SeriesLabels) -> usize {
        self.bytes.len() + own.bytes.len()
    }

    /// Appends these labels and a series' own as fields, sorted by name.
    #[inline]
    pub(super) fn put_merged(&self, own: &SeriesLabels, out: &mut Vec<u8>) {
        let (mut at, mut own_start) = (0, 0);
        for (label, own_end) in own.labels.iter().zip(&own.ends) {
            let before = self.count_before(&label.name, at);
            self.put(at..before, out);
            out.extend_from_slice(text(&own.bytes, (own_start, *own_end)));
            (at, own_start) = (before, *own_end);
        }
        self.put(at..self.places.len(), out);
    }

    fn put(&self, range: std::ops::Range<usize>, out: &mut Vec<u8>) {
        for place in &self.places[range] {
            out.extend_from_slice(self.text(place.field));
        }
    }
}

fn text(bytes: &[u8], (start, end): (u32, u32)) -> &[u8] {
    &bytes[start as usize..end as usize]
}

/// No config has labels of more than 4 GB.
fn len_u32(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}
