//! The shape of a store: the rows and columns that hold its families' series.

use std::ops::Range;
use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};

use super::labels::LabelBlock;
use crate::metric::Layout;

/// One metric of adjacent rows.
#[derive(Clone, Debug)]
pub struct Column {
    /// The family, as an index into the store's families.
    pub family: usize,
    /// The first row.
    pub first_row: usize,
    /// Number of rows.
    pub rows: usize,
    /// The index of the metric's first cell in each row.
    pub offset: usize,
    /// The metric's own labels.
    pub labels: LabelBlock,
    /// The meaning of its cells.
    pub layout: Arc<Layout>,
}

/// A row of a new store: a host's, or a pool member's.
#[derive(Clone, Debug)]
pub struct Row {
    /// The labels of all its series.
    pub labels: LabelBlock,
    /// Number of cells.
    pub width: usize,
}

/// The rows and labels of the pools of all hosts of a store.
#[derive(Debug, Default)]
pub struct PoolRanges {
    /// The names of the labels that pool members have.
    pub labels: IndexSet<String>,
    /// The row ranges of the pools, by the row of their host.
    pub rows: IndexMap<usize, Vec<Range<usize>>>,
}
