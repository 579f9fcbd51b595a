//! The hosts that a run added to a job, and the rows that they have in its store.

use std::ops::Range;
use std::sync::Arc;

use indexmap::IndexMap;

/// Added hosts by row and by name.
#[derive(Debug, Default)]
pub struct AddedHosts {
    by_row: IndexMap<usize, (Arc<str>, Vec<Range<usize>>)>,
    by_name: IndexMap<Arc<str>, usize>,
}

impl AddedHosts {
    pub(super) fn insert(&mut self, row: usize, name: &Arc<str>, pools: Vec<Range<usize>>) {
        self.by_row.insert(row, (Arc::clone(name), pools));
        self.by_name.insert(Arc::clone(name), row);
    }

    /// Removes the host of a row, and returns the rows of its pools.
    pub(super) fn remove(&mut self, row: usize) -> Vec<Range<usize>> {
        let Some((name, pools)) = self.by_row.swap_remove(&row) else { return Vec::new() };
        self.by_name.swap_remove(&name);
        pools
    }

    pub(super) fn pools(&self, row: usize) -> Option<&Vec<Range<usize>>> {
        self.by_row.get(&row).map(|(_, pools)| pools)
    }

    /// The name of a row's host.
    #[must_use]
    pub fn name(&self, row: usize) -> Option<&Arc<str>> {
        self.by_row.get(&row).map(|(name, _)| name)
    }

    /// The row of the host of this name.
    #[must_use]
    pub fn row(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// All rows that have a host.
    pub fn rows(&self) -> impl Iterator<Item = usize> {
        self.by_row.keys().copied()
    }
}
