//! The current values of one job's series, from a host's report to the encoders.
//!
//! A row of cells belongs to one host or pool member. Rows of hosts with the same metrics are adjacent, so a family of
//! a million series is a few [`Column`]s. A series costs its cells and its share of a [`Row`], nothing else.

use std::ops::Range;
use std::sync::Arc;

use indexmap::IndexSet;

use super::columns::{Column, Family, PoolRanges, Row};
use super::labels::LabelBlock;
use crate::metric::{ABSENT, Layout, is_absent};
use crate::time::Time;

/// The current values of one job's series.
#[derive(Debug)]
pub struct SeriesStore {
    families: Vec<(Family, Vec<Column>)>,
    rows: Vec<StoredRow>,
    cells: Vec<f64>,
    rows_present: usize,
    row_present: Vec<bool>,
    /// The own time of each row, [`Time::NEVER`] for none; empty until a row has one.
    own_times: Box<[Time]>,
    /// Number of host rows; the rows after them belong to pool members.
    host_rows: usize,
    pools: PoolRanges,
    /// The rows whose hosts are down at present; there are few.
    down: IndexSet<usize>,
    version: u64,
}

#[derive(Debug)]
struct StoredRow {
    labels: LabelBlock,
    /// The index of its first cell.
    start: usize,
}

/// A position among a family's rows, from which a walk continues.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SampleCursor {
    column: usize,
    row: usize,
}

/// One series of a family, as encoders see it.
#[derive(Debug)]
pub struct Sample<'a> {
    /// The host's labels.
    pub host_labels: &'a LabelBlock,
    /// The metric's own labels.
    pub metric_labels: &'a LabelBlock,
    /// The cells; see [`Layout`].
    pub cells: &'a [f64],
    /// The meaning of the cells.
    pub layout: &'a Layout,
    /// See [`SeriesStore::own_time`]; [`Time::NEVER`] without one.
    pub own_time: Time,
}

impl SeriesStore {
    /// A store without samples: no row has been reported yet.
    #[must_use]
    pub fn new(families: Vec<Family>, columns: Vec<Column>, rows: Vec<Row>) -> Self {
        let mut start = 0;
        let stored = rows
            .into_iter()
            .map(|row| {
                let this = start;
                start += row.width;
                StoredRow { labels: row.labels, start: this }
            })
            .collect::<Vec<_>>();
        let mut families: Vec<_> = families.into_iter().map(|family| (family, Vec::new())).collect();
        for column in columns {
            let family = column.family;
            families[family].1.push(column);
        }
        Self {
            families,
            row_present: vec![false; stored.len()],
            rows: stored,
            cells: vec![ABSENT; start],
            rows_present: 0,
            own_times: [].into(),
            host_rows: 0,
            pools: PoolRanges::default(),
            down: IndexSet::new(),
            version: 0,
        }
        .with_pools(usize::MAX, PoolRanges::default())
    }

    /// The same store; the rows from `first_row` on belong to pool members, whose labels change during a run.
    #[must_use]
    pub fn with_pools(self, first_row: usize, pools: PoolRanges) -> Self {
        Self { host_rows: first_row, pools, ..self }
    }

    /// The first row of a pool member; beyond the last row if there is none.
    #[must_use]
    pub const fn first_pool_row(&self) -> usize {
        self.host_rows
    }

    /// The row ranges of a host's pools, with the labels that each member has in addition to the host's.
    pub fn pools_of(&self, row: usize) -> impl Iterator<Item = (Range<usize>, Vec<LabelBlock>)> {
        let host_labels = self.rows[row].labels.iter().count();
        let own_labels = move |row: usize| {
            if self.row_present[row] {
                LabelBlock::new(self.rows[row].labels.iter().skip(host_labels))
            } else {
                LabelBlock::empty()
            }
        };
        let ranges = self.pools.rows.get(&row).into_iter().flatten().cloned();
        ranges.map(move |rows| (rows.clone(), rows.map(own_labels).collect()))
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
        let start = self.rows[row].start;
        let stored = &mut self.cells[start..start + cells.len()];
        let is_same = |(old, new): (&f64, &f64)| old.to_bits() == new.to_bits();
        if self.row_present[row] && stored.iter().zip(cells).all(is_same) {
            return;
        }
        stored.copy_from_slice(cells);
        if !self.row_present[row] {
            self.row_present[row] = true;
            self.rows_present += usize::from(row < self.host_rows);
        }
        self.version += 1;
    }

    /// Copies a row of another store, if it is present there.
    pub fn inherit(&mut self, row: usize, from: &Self, from_row: usize) {
        if from.row_present[from_row] {
            self.report(row, from.row(from_row));
            if row >= self.host_rows {
                self.set_row_labels(row, &from.rows[from_row].labels);
            }
            self.stamp(row, from.own_time(from_row), from.is_down(from_row));
        }
    }

    /// Replaces the labels of a row: its slot has a new member.
    pub fn set_row_labels(&mut self, row: usize, labels: &LabelBlock) {
        self.rows[row].labels.clone_from(labels);
        self.version += 1;
    }

    /// Sets the own time of a row, if its host states one, and its down state.
    pub fn stamp(&mut self, row: usize, own_time: Option<Time>, is_down: bool) {
        if own_time.is_some() && self.own_times.is_empty() {
            self.own_times = vec![Time::NEVER; self.rows.len()].into();
        }
        let own_time = own_time.unwrap_or(Time::NEVER);
        let is_new_time =
            self.own_times.get_mut(row).is_some_and(|time| std::mem::replace(time, own_time) != own_time);
        let has_turned = if is_down { self.down.insert(row) } else { self.down.swap_remove(&row) };
        self.version += u64::from(is_new_time | has_turned);
    }

    /// `true` if a host is down: a scrape of it alone would fail. Its row has no samples.
    #[must_use]
    pub fn is_down(&self, row: usize) -> bool {
        self.down.contains(&row)
    }

    /// The emulated time of a row's samples, if their host states it: its clock is wrong, or they are late. The
    /// samples of other rows are as old as their encoding.
    #[must_use]
    pub fn own_time(&self, row: usize) -> Option<Time> {
        self.own_times.get(row).copied().filter(|time| *time != Time::NEVER)
    }

    /// Removes the series of a row.
    pub fn remove(&mut self, row: usize) {
        if self.row_present[row] {
            self.row_present[row] = false;
            self.rows_present -= usize::from(row < self.host_rows);
            self.down.swap_remove(&row);
            let (start, width) = (self.rows[row].start, self.row(row).len());
            self.cells[start..start + width].fill(ABSENT);
            self.version += 1;
        }
    }

    /// The cells of a row.
    #[must_use]
    pub fn row(&self, row: usize) -> &[f64] {
        let end = self.rows.get(row + 1).map_or(self.cells.len(), |next| next.start);
        &self.cells[self.rows[row].start..end]
    }

    /// The labels of a row.
    #[must_use]
    #[inline]
    pub fn row_labels(&self, row: usize) -> &LabelBlock {
        &self.rows[row].labels
    }

    /// Number of rows.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows.len()
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
        self.row_present[row]
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
            || self.rows.iter().any(|row| row.labels.get(name).is_some())
    }

    /// Number of series with a sample, as Prometheus counts them.
    #[must_use]
    pub fn series_count(&self) -> usize {
        let samples = (0..self.families.len()).flat_map(|family| self.samples(family));
        samples.map(|sample| sample.layout.series()).sum()
    }

    /// Visits the series of one family that have a sample. Faster than [`Self::samples`].
    pub fn for_each_sample(&self, family: usize, mut visit: impl FnMut(&Sample<'_>)) {
        for column in &self.families[family].1 {
            self.visit(column, 0..column.rows, &mut |_, sample| visit(sample));
        }
    }

    /// Visits the series in the next `rows` rows and moves the cursor behind them. Returns `true` if rows may be left.
    pub fn for_each_sample_from(
        &self,
        family: usize,
        cursor: &mut SampleCursor,
        rows: usize,
        mut visit: impl FnMut(&Sample<'_>),
    ) -> bool {
        let columns = &self.families[family].1;
        let mut left = rows;
        while let Some(column) = columns.get(cursor.column) {
            if left == 0 {
                return true;
            }
            let end = column.rows.min(cursor.row + left);
            self.visit(column, cursor.row..end, &mut |_, sample| visit(sample));
            left -= end - cursor.row;
            cursor.row = end;
            if end == column.rows {
                *cursor = SampleCursor { column: cursor.column + 1, row: 0 };
            }
        }
        false
    }

    /// Visits the series in a range of rows, each with its row.
    pub fn for_each_sample_in_rows(
        &self,
        family: usize,
        rows: &Range<usize>,
        mut visit: impl FnMut(usize, &Sample<'_>),
    ) {
        for column in &self.families[family].1 {
            let first = rows.start.max(column.first_row);
            let end = rows.end.min(column.first_row + column.rows);
            if first < end {
                self.visit(column, first - column.first_row..end - column.first_row, &mut visit);
            }
        }
    }

    #[inline]
    fn visit(&self, column: &Column, rows: Range<usize>, visit: &mut impl FnMut(usize, &Sample<'_>)) {
        let width = column.layout.width();
        let rows = column.first_row + rows.start..column.first_row + rows.end;
        for (index, row) in rows.clone().zip(&self.rows[rows]) {
            let start = row.start + column.offset;
            let cells = &self.cells[start..start + width];
            if !is_absent(cells[0]) {
                let sample = Sample {
                    host_labels: &row.labels,
                    metric_labels: &column.labels,
                    cells,
                    layout: &column.layout,
                    own_time: self.own_times.get(index).copied().unwrap_or(Time::NEVER),
                };
                visit(index, &sample);
            }
        }
    }

    /// The series of one family that have a sample.
    pub fn samples(&self, family: usize) -> impl Iterator<Item = Sample<'_>> {
        self.families[family].1.iter().flat_map(move |column| {
            let width = column.layout.width();
            let rows = &self.rows[column.first_row..column.first_row + column.rows];
            (column.first_row..).zip(rows).filter_map(move |(index, row)| {
                let start = row.start + column.offset;
                let cells = &self.cells[start..start + width];
                (!is_absent(cells[0])).then_some(Sample {
                    host_labels: &row.labels,
                    metric_labels: &column.labels,
                    cells,
                    layout: &column.layout,
                    own_time: self.own_times.get(index).copied().unwrap_or(Time::NEVER),
                })
            })
        })
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
}
