//! Families of several stores, merged by name. Nothing is written here.

use std::sync::Arc;

use indexmap::IndexMap;
use promemu_core::series::{Family, LabelBlock, SeriesStore};

use super::family::FamilyEncoder;
use super::format::Format;

/// A store, and the labels that all its series get.
#[derive(Debug)]
pub struct Group<'a> {
    /// The series.
    pub store: &'a SeriesStore,
    /// The labels to add.
    pub labels: &'a LabelBlock,
}

/// The families of some stores, by name, in the order in which they are met first.
#[derive(Debug)]
pub(super) struct MergedFamilies(IndexMap<Arc<str>, (Family, Vec<StoreFamily>)>);

/// A family of one of the stores.
#[derive(Clone, Copy, Debug)]
pub(super) struct StoreFamily {
    /// The store's number among the groups.
    pub(super) group: usize,
    /// The family's number in that store.
    pub(super) family: usize,
}

impl MergedFamilies {
    pub(super) fn of<'a>(stores: impl Iterator<Item = &'a SeriesStore>) -> Self {
        let mut merged: IndexMap<_, (Family, Vec<_>)> = IndexMap::new();
        for (group, store) in stores.enumerate() {
            for (index, family) in store.families().enumerate() {
                let (_, parts) =
                    merged.entry(Arc::clone(&family.name)).or_insert_with(|| (family.clone(), Vec::new()));
                parts.push(StoreFamily { group, family: index });
            }
        }
        Self(merged)
    }

    /// The encoder of the family with this number, and its parts in the stores.
    pub(super) fn get(&self, format: Format, index: usize) -> Option<(FamilyEncoder<'_>, &[StoreFamily])> {
        let (_, (family, parts)) = self.0.get_index(index)?;
        Some((FamilyEncoder::new(format, family, |name| self.0.contains_key(name)), parts))
    }

    /// All of them.
    pub(super) fn iter(&self, format: Format) -> impl Iterator<Item = (FamilyEncoder<'_>, &[StoreFamily])> {
        (0..self.0.len()).filter_map(move |index| self.get(format, index))
    }
}
