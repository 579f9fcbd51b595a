//! Exposition: series stores to bytes.
//!
//! A body is made of [`Group`]s: stores, each with labels that are added to all its series (a scrape adds
//! `job`, a push adds none, since there it is in the path). Families of the same name are merged across
//! groups, as every format wants them in one piece. Encoders append to one buffer: name, label blocks,
//! number; nothing is allocated per sample. [`encode`] makes a whole body, [`ChunkedEncoder`] one by and by.

mod chunked;
mod number;
mod openmetrics;
mod protobuf;
mod text;
mod writer;

use std::sync::Arc;

use indexmap::IndexMap;

pub use chunked::{ChunkedEncoder, WithGroup};
pub use number::put_number;
pub use openmetrics::{put_head as put_openmetrics_head, type_and_stem as openmetrics_type};
pub use text::put_exemplar;
use writer::Writer;

use promemu_core::series::{Family, LabelBlock, Sample, SeriesStore};

/// How a body is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// `io.prometheus.client.MetricFamily` messages, each behind its length.
    #[default]
    Protobuf,
    /// The text format, version 0.0.4.
    Text,
    /// OpenMetrics 1.0 as text.
    OpenMetrics,
}

impl Format {
    /// The media type.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// A store, and the labels that all its series get.
#[derive(Debug)]
pub struct Group<'a> {
    /// The series.
    pub store: &'a SeriesStore,
    /// The labels to add.
    pub labels: &'a LabelBlock,
}

/// Appends all groups' families to `out`. A family without a sample is left out.
pub fn encode(format: Format, groups: &[Group<'_>], out: &mut Vec<u8>) {
    let merged = Merged::of(groups.iter().map(|group| group.store));
    for (head, parts) in merged.heads(format) {
        let open = head.begin(out);
        for (group, index) in parts {
            let Group { store, labels } = groups[*group];
            let mut writer = Writer::new(&head, labels);
            store.for_each_sample(*index, |sample| writer.put(sample, out));
        }
        head.end(open, out);
    }
    if format == Format::OpenMetrics {
        out.extend_from_slice(openmetrics::EOF);
    }
}

/// Appends the families of one host, without its labels: what an exporter on it would show.
pub fn encode_row(format: Format, store: &SeriesStore, row: usize, out: &mut Vec<u8>) {
    let (merged, none) = (Merged::of(std::iter::once(store)), LabelBlock::empty());
    // The host itself, and its pools of each kind.
    let host = (row..row + 1, vec![LabelBlock::empty()]);
    let ranges: Vec<_> = std::iter::once(host).chain(store.pools_of(row)).collect();
    for (head, parts) in merged.heads(format) {
        let open = head.begin(out);
        for (_, index) in parts {
            for (rows, labels) in &ranges {
                store.for_each_sample_in_rows(*index, rows, |row, sample| {
                    let own_labels = &labels[row - rows.start];
                    let Sample { metric_labels, cells, layout, own_time, .. } = *sample;
                    let own = Sample { host_labels: own_labels, metric_labels, cells, layout, own_time };
                    head.put(&own, &none, out);
                });
            }
        }
        head.end(open, out);
    }
    if format == Format::OpenMetrics {
        out.extend_from_slice(openmetrics::EOF);
    }
}

/// The families of some stores: those of one name together, with the stores that have it and its place there.
#[derive(Debug)]
struct Merged(IndexMap<Arc<str>, (Family, Vec<Part>)>);

/// A store, and a family's place there.
type Part = (usize, usize);

impl Merged {
    fn of<'a>(stores: impl Iterator<Item = &'a SeriesStore>) -> Self {
        let mut merged: IndexMap<_, (Family, Vec<_>)> = IndexMap::new();
        for (group, store) in stores.enumerate() {
            for (index, family) in store.families().enumerate() {
                let entry = merged.entry(Arc::clone(&family.name));
                entry.or_insert_with(|| (family.clone(), Vec::new())).1.push((group, index));
            }
        }
        Self(merged)
    }

    fn head(&self, format: Format, index: usize) -> Option<(FamilyHead<'_>, &[Part])> {
        let (_, (family, parts)) = self.0.get_index(index)?;
        let (type_name, stem) = openmetrics::type_and_stem(family, |name| self.0.contains_key(name));
        Some((FamilyHead { format, family, type_name, stem }, parts))
    }

    fn heads(&self, format: Format) -> impl Iterator<Item = (FamilyHead<'_>, &[Part])> {
        (0..self.0.len()).filter_map(move |index| self.head(format, index))
    }
}

/// A family as it is written.
struct FamilyHead<'a> {
    format: Format,
    family: &'a Family,
    /// In OpenMetrics.
    type_name: &'static str,
    /// In OpenMetrics.
    stem: &'a str,
}

/// Where a family begins, and where its series do.
type Open = (usize, usize);

impl FamilyHead<'_> {
    /// Appends what comes before the family's series.
    fn begin(&self, out: &mut Vec<u8>) -> Open {
        let before = out.len();
        match self.format {
            Format::Protobuf => protobuf::put_head(self.family, out),
            Format::Text => text::put_head(self.family, out),
            Format::OpenMetrics => openmetrics::put_head(self.family, self.type_name, self.stem, out),
        }
        (before, out.len())
    }

    /// Ends the family; one without a series was never there. Says whether it had any.
    fn end(&self, (before, series_from): Open, out: &mut Vec<u8>) -> bool {
        if out.len() == series_from {
            out.truncate(before);
            return false;
        }
        if self.format == Format::Protobuf {
            protobuf::end(before, out);
        }
        true
    }

    /// Appends one series of any kind.
    fn put(&self, sample: &Sample<'_>, group_labels: &LabelBlock, out: &mut Vec<u8>) {
        if self.format == Format::Protobuf {
            protobuf::put_series(self.family, sample, group_labels, out);
        } else {
            let labels = text::Labels([sample.host_labels, sample.metric_labels, group_labels]);
            text::put_series(self, &labels, sample, out);
        }
    }

    fn is_open(&self) -> bool {
        self.format == Format::OpenMetrics
    }

    fn has_exemplars(&self) -> bool {
        self.is_open() && self.type_name != "unknown" && text::takes_exemplars(self.family.metric_type)
    }

    fn has_created(&self) -> bool {
        self.is_open() && self.type_name != "unknown"
    }
}

#[cfg(test)]
mod tests;
