//! Exposition: series stores to bytes.
//!
//! A body is made of [`Group`]s: stores, each with labels that are added to all its series (a scrape adds
//! `job`, a push adds none, since there it is in the path). Families of the same name are merged across
//! groups, as every format wants them in one piece. Encoders append to one buffer: name, label blocks,
//! number; nothing is allocated per sample.

mod protobuf;
mod text;

use indexmap::IndexMap;

pub use text::put_number;

use crate::series::{Family, LabelBlock, SeriesStore};

/// How a body is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// `io.prometheus.client.MetricFamily` messages, each behind its length.
    #[default]
    Protobuf,
    /// The text format, version 0.0.4.
    Text,
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
    let mut merged: IndexMap<&str, Vec<FamilyPart<'_>>> = IndexMap::new();
    for group in groups {
        for (index, family) in group.store.families().enumerate() {
            merged.entry(&family.name).or_default().push(FamilyPart { group, family, index });
        }
    }
    for parts in merged.values() {
        let Some(family) = parts.first().map(|part| part.family) else { continue };
        match format {
            Format::Protobuf => protobuf::encode_family(family, parts, out),
            Format::Text => text::encode_family(family, parts, out),
        }
    }
}

/// One group's share of a family.
struct FamilyPart<'a> {
    group: &'a Group<'a>,
    family: &'a Family,
    index: usize,
}

#[cfg(test)]
mod tests;
