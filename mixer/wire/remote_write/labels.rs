//! Labels in the order that remote write wants: by name.
//!
//! A host's labels are sorted once per round, however many series it has; a series' own labels (its name,
//! those of its metric, `le`) once per run. A sample's are these two merged.

use promemu_core::series::{LabelBlock, put_varint, varint_len};

/// A label of a series that is not its host's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct OwnLabel {
    pub(super) name: Box<str>,
    pub(super) value: Box<str>,
}

impl OwnLabel {
    pub(super) fn new(name: &str, value: &str) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

/// The labels of a series that are not its host's, sorted, and as `Label` fields of a `TimeSeries`.
#[derive(Clone, Debug)]
pub(super) struct OwnLabels {
    pub(super) labels: Box<[OwnLabel]>,
    bytes: Box<[u8]>,
    /// Where each field ends.
    ends: Box<[u32]>,
}

impl OwnLabels {
    /// These labels; one without a value is none.
    pub(super) fn new(mut labels: Vec<OwnLabel>) -> Self {
        labels.retain(|label| !label.value.is_empty());
        labels.sort();
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        for label in &labels {
            put_label(label.name.as_bytes(), label.value.as_bytes(), &mut bytes);
            ends.push(length(&bytes));
        }
        Self { labels: labels.into(), bytes: bytes.into(), ends: ends.into() }
    }
}

/// `Label { name, value }` as field 1 of a `TimeSeries` or an `Exemplar`
/// (<https://github.com/prometheus/prometheus/blob/main/prompb/types.proto>), which are the same bytes as
/// those of an exposition's label.
pub(super) fn put_label(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    let text_len = |text: &[u8]| 1 + varint_len(text.len() as u64) + text.len();
    out.push(0x0a);
    put_varint(out, (text_len(name) + text_len(value)) as u64);
    for (tag, text) in [(0x0a, name), (0x12, value)] {
        out.push(tag);
        put_varint(out, text.len() as u64);
        out.extend_from_slice(text);
    }
}

/// One host's labels and its job, sorted by name.
#[derive(Debug, Default)]
pub(super) struct HostLabels {
    /// The fields, one behind the other.
    bytes: Vec<u8>,
    places: Vec<Place>,
}

/// Where a label is among the bytes.
#[derive(Clone, Copy, Debug)]
struct Place {
    field: (u32, u32),
    name: (u32, u32),
    value: (u32, u32),
}

impl HostLabels {
    /// Takes over a host's labels. One without a value is none.
    pub(super) fn set(&mut self, labels: &LabelBlock, job: &LabelBlock) {
        let Self { bytes, places } = self;
        bytes.clear();
        places.clear();
        for (name, value) in labels.bytes().chain(job.bytes()) {
            if value.is_empty() {
                continue;
            }
            let start = length(bytes);
            put_label(name, value, bytes);
            let end = length(bytes);
            let value_start = end - length(value);
            // Behind the name come the tag and the length of the value.
            let name_end = value_start - 1 - length_of_length(value);
            places.push(Place {
                field: (start, end),
                name: (name_end - length(name), name_end),
                value: (value_start, end),
            });
        }
        places.sort_unstable_by(|a, b| text(bytes, a.name).cmp(text(bytes, b.name)));
    }

    fn text(&self, place: (u32, u32)) -> &[u8] {
        text(&self.bytes, place)
    }

    /// Names and values, sorted.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.places.iter().map(|place| (self.text(place.name), self.text(place.value)))
    }

    /// How many of them come before a label of this name; `from` of them are known to.
    #[inline]
    pub(super) fn count_before(&self, name: &str, from: usize) -> usize {
        let rest = self.places.iter().skip(from);
        from + rest.take_while(|place| self.text(place.name) < name.as_bytes()).count()
    }

    /// How long they are together with a series' own, as fields.
    pub(super) fn merged_len(&self, own: &OwnLabels) -> usize {
        self.bytes.len() + own.bytes.len()
    }

    /// Appends them and a series' own, merged.
    #[inline]
    pub(super) fn put_merged(&self, own: &OwnLabels, out: &mut Vec<u8>) {
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

/// Labels of more than 4 GB do not come from a config.
fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

fn length_of_length(bytes: &[u8]) -> u32 {
    u32::try_from(varint_len(bytes.len() as u64)).unwrap_or(0)
}
