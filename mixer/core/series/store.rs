//! The current values of one job's series, from a host's report to the encoders.
//!
//! A row of cells belongs to one host or pool member. Rows of hosts with the same metrics are adjacent, so a family of
//! a million series is a few [`Column`]s. A series costs its cells and its share of a [`Row`], nothing else.
//!
//! The rows of a plan stay where they are. A run that adds hosts appends rows behind them: those belong to one host after
//! another, as a pool's rows belong to one member after another.

use std::ops::Range;
use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};

use super::added_hosts::AddedHosts;
use super::columns::{Column, PoolRanges, Row};
use super::family::Family;
use super::labels::LabelBlock;
use super::row_block::RowBlock;
use crate::metric::{ABSENT, Layout};
use crate::time::Time;

/// The current values of one job's series.
#[derive(Debug)]
pub struct SeriesStore {
    families: Vec<(Family, Vec<Column>)>,
    planned: RowBlock,
    /// The rows behind the planned ones.
    added: RowBlock,
    /// Number of hosts that have series now.
    rows_present: usize,
    /// Number of planned host rows; the planned rows after them belong to pool members.
    host_rows: usize,
    pools: PoolRanges,
    added_hosts: AddedHosts,
    /// The rows whose hosts are down at present; there are few.
    down: IndexSet<usize>,
    /// The last cells of rows whose hosts are down: those of [`Self::keep_last`].
    pub(super) kept: IndexMap<usize, Box<[f64]>>,
    version: u64,
    layout_version: u64,
}

impl SeriesStore {
    /// A store without samples: no row has been reported yet.
    #[must_use]
    pub fn new(families: Vec<Family>, columns: Vec<Column>, rows: Vec<Row>) -> Self {
        let mut families: Vec<_> = families.into_iter().map(|family| (family, Vec::new())).collect();
        for column in columns {
            let family = column.family;
            families[family].1.push(column);
        }
        Self {
            families,
            host_rows: rows.len(),
            planned: RowBlock::of(rows),
            added: RowBlock::default(),
            rows_present: 0,
            pools: PoolRanges::default(),
            added_hosts: AddedHosts::default(),
            down: IndexSet::new(),
            kept: IndexMap::new(),
            version: 0,
            layout_version: 0,
        }
    }

    /// The same store; the rows from `first_row` on belong to pool members, whose labels change during a run.
    #[must_use]
    pub fn with_pools(self, first_row: usize, pools: PoolRanges) -> Self {
        Self { host_rows: first_row, pools, ..self }
    }

    /// The first row whose labels change during a run: that of a pool member or of an added host. It is beyond the last
    /// row if there is none.
    #[must_use]
    pub const fn first_changing_row(&self) -> usize {
        self.host_rows
    }

    /// Appends rows without labels and samples, and the columns that they are in.
    pub fn append(&mut self, rows: usize, width: usize, columns: impl IntoIterator<Item = Column>) {
        self.added.append(rows, width);
        for column in columns {
            let family = column.family;
            self.families[family].1.push(column);
        }
        self.layout_version += 1;
    }

    /// A number that grows whenever rows are appended.
    #[must_use]
    pub const fn layout_version(&self) -> u64 {
        self.layout_version
    }

    /// `true` for an appended row.
    #[must_use]
    pub const fn is_added(&self, row: usize) -> bool {
        row >= self.planned.rows.len()
    }

    /// Gives an appended row, and the rows of its pools, to a host.
    pub fn add_host(&mut self, row: usize, name: &Arc<str>, labels: &LabelBlock, pools: Vec<Range<usize>>) {
        self.added_hosts.insert(row, name, pools);
        self.set_row_labels(row, labels);
    }

    /// Takes an appended row back from its host, and returns the rows of its pools. None of them has samples any more.
    pub fn remove_added_host(&mut self, row: usize) -> Vec<Range<usize>> {
        self.remove_host(row);
        self.added_hosts.remove(row)
    }

    /// The added hosts, each with its row.
    #[must_use]
    pub const fn added_hosts(&self) -> &AddedHosts {
        &self.added_hosts
    }

    /// The block of a row, and the row's index in it.
    #[inline]
    pub(super) const fn block(&self, row: usize) -> (&RowBlock, usize) {
        match row.checked_sub(self.planned.rows.len()) {
            None => (&self.planned, row),
            Some(added) => (&self.added, added),
        }
    }

    #[inline]
    const fn block_mut(&mut self, row: usize) -> (&mut RowBlock, usize) {
        match row.checked_sub(self.planned.rows.len()) {
            None => (&mut self.planned, row),
            Some(added) => (&mut self.added, added),
        }
    }

    fn is_host_row(&self, row: usize) -> bool {
        row < self.host_rows || self.added_hosts.name(row).is_some()
    }

    /// The rows of a host's pools, pool by pool.
    #[must_use]
    pub fn pool_rows(&self, row: usize) -> &[Range<usize>] {
        let pools = if self.is_added(row) { self.added_hosts.pools(row) } else { self.pools.rows.get(&row) };
        pools.map_or(&[], Vec::as_slice)
    }

    /// The row ranges of a host's pools, with the labels that each member has in addition to the host's.
    pub fn pools_of(&self, row: usize) -> impl Iterator<Item = (Range<usize>, Vec<LabelBlock>)> {
        let host_labels = self.row_labels(row).iter().count();
        let own_labels = move |row: usize| {
            if self.has_row(row) {
                LabelBlock::new(self.row_labels(row).iter().skip(host_labels))
            } else {
                LabelBlock::empty()
            }
        };
        self.pool_rows(row).iter().cloned().map(move |rows| (rows.clone(), rows.map(own_labels).collect()))
    }

    /// A store of one series.
    #[must_use]
    pub fn single(family: Family, labels: LabelBlock, value: f64) -> Self {
        let column = Column {
            family: 0,
            first_row: 0,
            rows: 1,
            offset: 0,
            labels: LabelBlock::empty(),
            layout: Arc::new(Layout::value()),
        };
        let mut store = Self::new(vec![family], vec![column], vec![Row { labels, width: 1 }]);
        store.report(0, &[value]);
        store
    }

    /// Replaces the cells of a row. Equal cells are not a change.
    pub fn report(&mut self, row: usize, cells: &[f64]) {
        let (block, index) = self.block_mut(row);
        let start = block.rows[index].start;
        let stored = &mut block.cells[start..start + cells.len()];
        let is_same = |(old, new): (&f64, &f64)| old.to_bits() == new.to_bits();
        if block.present[index] && stored.iter().zip(cells).all(is_same) {
            return;
        }
        stored.copy_from_slice(cells);
        if !std::mem::replace(&mut block.present[index], true) {
            self.rows_present += usize::from(self.is_host_row(row));
        }
        self.version += 1;
    }

    /// Copies the rows of a host of another store, and of its pools, if they are present there.
    pub fn inherit_host(&mut self, row: usize, from: &Self, from_row: usize) {
        self.inherit(row, from, from_row);
        let pools = self.pool_rows(row).iter().cloned().flatten();
        let pairs: Vec<_> = pools.zip(from.pool_rows(from_row).iter().cloned().flatten()).collect();
        for (row, from_row) in pairs {
            self.inherit(row, from, from_row);
        }
    }

    /// Copies a row of another store, if it is present there.
    pub fn inherit(&mut self, row: usize, from: &Self, from_row: usize) {
        if from.has_row(from_row) {
            self.report(row, from.row(from_row));
            if row >= self.host_rows {
                self.set_row_labels(row, from.row_labels(from_row));
            }
            self.stamp(row, from.own_time(from_row), from.is_down(from_row));
        }
        if let Some(cells) = from.kept.get(&from_row) {
            if row >= self.host_rows {
                self.set_row_labels(row, from.row_labels(from_row));
            }
            self.kept.insert(row, cells.clone());
        }
    }

    /// Replaces the labels of a row: its slot has a new member, or it has a new host.
    pub fn set_row_labels(&mut self, row: usize, labels: &LabelBlock) {
        let (block, index) = self.block_mut(row);
        block.rows[index].labels.clone_from(labels);
        self.version += 1;
    }

    /// Sets the own time of a row, if its host states one, and its down state.
    pub fn stamp(&mut self, row: usize, own_time: Option<Time>, is_down: bool) {
        let (block, index) = self.block_mut(row);
        let is_new_time = block.set_own_time(index, own_time.unwrap_or(Time::NEVER));
        let has_turned = if is_down { self.down.insert(row) } else { self.down.swap_remove(&row) };
        self.version += u64::from(is_new_time | has_turned);
    }

    /// `true` if a host is down: a scrape of it alone would fail. Its row has no samples.
    #[must_use]
    pub fn is_down(&self, row: usize) -> bool {
        self.down.contains(&row)
    }

    /// Keeps the last samples of a host that goes down, and of its pools, for [`Self::for_each_last_sample`]; or forgets
    /// them, as it is up again. To be called before the report that shows it.
    pub fn keep_last(&mut self, row: usize, is_down: bool) {
        if is_down == self.kept.contains_key(&row) {
            return;
        }
        let rows = std::iter::once(row).chain(self.pool_rows(row).iter().cloned().flatten());
        let rows: Vec<usize> = rows.collect();
        for of_host in rows {
            if !is_down {
                self.kept.swap_remove(&of_host);
            } else if of_host == row || self.has_row(of_host) {
                self.kept.insert(of_host, self.row(of_host).into());
            }
        }
        self.version += 1;
    }

    /// `true` if there are hosts, and all of them are down: none of them would push.
    #[must_use]
    pub fn is_all_down(&self) -> bool {
        let down = || self.kept.keys().filter(|row| self.is_host_row(**row) && self.has_row(**row)).count();
        !self.kept.is_empty() && down() == self.rows_present
    }

    /// The emulated time of a row's samples, if their host states it: its clock is wrong, or they are late. The
    /// samples of other rows are as old as their encoding.
    #[must_use]
    pub fn own_time(&self, row: usize) -> Option<Time> {
        let (block, index) = self.block(row);
        Some(block.own_time(index)).filter(|time| *time != Time::NEVER)
    }

    /// Removes the series of a host and of its pools.
    pub fn remove_host(&mut self, row: usize) {
        self.remove(row);
        for pool in 0..self.pool_rows(row).len() {
            self.pool_rows(row)[pool].clone().for_each(|row| self.remove(row));
        }
    }

    /// Removes the series of a row.
    pub fn remove(&mut self, row: usize) {
        let (block, index) = self.block_mut(row);
        if std::mem::replace(&mut block.present[index], false) {
            let (start, width) = (block.rows[index].start, block.cells_of(index).len());
            block.cells[start..start + width].fill(ABSENT);
            self.rows_present -= usize::from(self.is_host_row(row));
            self.down.swap_remove(&row);
            self.version += 1;
        }
        if !self.kept.is_empty() && self.is_host_row(row) {
            self.keep_last(row, false);
        }
    }

    /// The cells of a row.
    #[must_use]
    pub fn row(&self, row: usize) -> &[f64] {
        let (block, index) = self.block(row);
        block.cells_of(index)
    }

    /// The labels of a row.
    #[must_use]
    #[inline]
    pub fn row_labels(&self, row: usize) -> &LabelBlock {
        let (block, index) = self.block(row);
        &block.rows[index].labels
    }

    /// Number of rows.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.planned.rows.len() + self.added.rows.len()
    }

    /// All columns, each with its family; columns of one family are adjacent.
    pub fn columns(&self) -> impl Iterator<Item = (&Family, &Column)> {
        self.families.iter().flat_map(|(family, columns)| columns.iter().map(move |column| (family, column)))
    }

    /// A number that grows with every change.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// Number of hosts that have series now.
    #[must_use]
    pub const fn rows_present(&self) -> usize {
        self.rows_present
    }

    /// `true` if the row has series now.
    #[must_use]
    pub fn has_row(&self, row: usize) -> bool {
        let (block, index) = self.block(row);
        block.present[index]
    }

    /// Number of families.
    pub(super) const fn family_count(&self) -> usize {
        self.families.len()
    }

    /// The columns of a family.
    pub(super) fn columns_of(&self, family: usize) -> &[Column] {
        &self.families[family].1
    }

    /// The families, in the config's order.
    pub fn families(&self) -> impl Iterator<Item = &Family> {
        self.families.iter().map(|(family, _)| family)
    }

    /// `true` if any series has a label of this name.
    #[must_use]
    pub fn has_label(&self, name: &str) -> bool {
        let mut columns = self.families.iter().flat_map(|(_, columns)| columns);
        self.pools.labels.contains(name)
            || columns.any(|column| column.labels.get(name).is_some())
            || [&self.planned, &self.added]
                .into_iter()
                .flat_map(|block| &block.rows)
                .any(|row| row.labels.get(name).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::MetricType;

    #[test]
    fn the_same_report_again_is_no_change() {
        let family = Family::new("up", "", MetricType::Gauge);
        let mut store = SeriesStore::single(family, LabelBlock::empty(), f64::NAN);
        let version = store.version();
        store.report(0, &[f64::NAN]);
        assert_eq!(store.version(), version);
        store.report(0, &[0.0]);
        store.report(0, &[-0.0]);
        assert_eq!(store.version(), version + 2);
    }

    #[test]
    fn a_row_is_inherited_if_it_is_there() {
        let family = || Family::new("up", "", MetricType::Gauge);
        let mut old = SeriesStore::single(family(), LabelBlock::empty(), 1.0);
        let mut new = SeriesStore::single(family(), LabelBlock::empty(), 2.0);
        new.inherit(0, &old, 0);
        assert_eq!(new.row(0), [1.0]);
        (old, new) = (new, old);
        old.remove(0);
        new.remove(0);
        new.inherit(0, &old, 0);
        assert_eq!(new.rows_present(), 0);
    }

    #[test]
    fn a_removed_row_leaves_no_sample() {
        let family = Family::new("up", "", MetricType::Gauge);
        let mut store = SeriesStore::single(family, LabelBlock::empty(), 1.0);
        assert_eq!((store.series_count(), store.rows_present()), (1, 1));
        let before = store.version();
        store.remove(0);
        store.remove(0);
        assert_eq!((store.series_count(), store.rows_present()), (0, 0));
        assert_eq!(store.version(), before + 1);
    }

    #[test]
    fn the_last_samples_of_a_host_that_is_down_are_kept_for_those_who_ask() {
        let family = Family::new("up", "", MetricType::Gauge);
        let mut store = SeriesStore::single(family, LabelBlock::empty(), 7.0);
        let last = |store: &SeriesStore| {
            let mut values = Vec::new();
            store.for_each_last_sample(0, |sample| values.push(sample.cells[0]));
            values
        };
        assert!(!store.is_all_down());
        for _ in 0..2 {
            store.keep_last(0, true);
            store.report(0, &[ABSENT]);
        }
        assert_eq!((last(&store), store.series_count(), store.is_all_down()), (vec![7.0], 0, true));
        store.keep_last(0, false);
        assert_eq!((last(&store), store.is_all_down()), (vec![], false));
        store.report(0, &[8.0]);
        store.keep_last(0, true);
        store.remove(0);
        assert_eq!((last(&store), store.is_all_down()), (vec![], false), "the host has ended");
    }
}
