//! Where current values are kept between a host's report and the next body.
//!
//! A [`SeriesStore`] holds one job: a row of cells per host and, per family, which cells of which rows are
//! its series. Rows of hosts with the same metrics are neighbours, so a family of a million series is a
//! few [`Column`]s; a series costs its cells and its share of a [`Row`], nothing else.

mod job;
mod labels;

use std::ops::Range;
use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};

pub use job::Job;
pub use labels::{LabelBlock, put_escaped, put_varint, varint_len};

use crate::metric::{ABSENT, Layout, MetricType, is_absent};
use crate::time::Time;

/// What all series of one name have in common.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// The family's name.
    pub name: Arc<str>,
    /// The HELP text.
    pub help: Arc<str>,
    /// The TYPE.
    pub metric_type: MetricType,
    /// The UNIT, with which the name ends; empty if there is none.
    pub unit: Arc<str>,
}

impl Family {
    /// A family without a unit.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, help: impl Into<Arc<str>>, metric_type: MetricType) -> Self {
        Self { name: name.into(), help: help.into(), metric_type, unit: "".into() }
    }
}

/// The same metric of neighbouring rows.
#[derive(Clone, Debug)]
pub struct Column {
    /// The family, as an index into the store's families.
    pub family: usize,
    /// The first row.
    pub first_row: usize,
    /// How many rows.
    pub rows: usize,
    /// Where in each row the metric's cells begin.
    pub offset: usize,
    /// The metric's own labels.
    pub labels: LabelBlock,
    /// What its cells are.
    pub layout: Arc<Layout>,
}

/// A place among a family's rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SampleCursor {
    column: usize,
    row: usize,
}

/// One host's place in a store.
#[derive(Clone, Debug)]
pub struct Row {
    /// The host's labels.
    pub labels: LabelBlock,
    /// How many cells it has.
    pub width: usize,
}

/// The pools of all hosts of a store.
#[derive(Debug, Default)]
pub struct PoolRanges {
    /// The names of the labels that pools have.
    pub labels: IndexSet<String>,
    /// The rows of the pools of each host that has some, by its row.
    pub rows: IndexMap<usize, Vec<Range<usize>>>,
}

#[derive(Debug)]
struct RowStart {
    labels: LabelBlock,
    start: usize,
}

/// The current values of one job's series.
#[derive(Debug)]
pub struct SeriesStore {
    families: Vec<(Family, Vec<Column>)>,
    rows: Vec<RowStart>,
    cells: Vec<f64>,
    rows_present: usize,
    row_present: Vec<bool>,
    /// Those of all rows, [`Time::NEVER`] for one without; empty until one has one.
    own_times: Box<[Time]>,
    /// How many rows are hosts; those behind them are pools.
    host_rows: usize,
    pools: PoolRanges,
    /// The rows whose hosts are down for the moment; there are few.
    down: IndexSet<usize>,
    version: u64,
}

/// One series of a family, as the encoders see it.
#[derive(Debug)]
pub struct Sample<'a> {
    /// The host's labels.
    pub host_labels: &'a LabelBlock,
    /// The metric's own labels.
    pub metric_labels: &'a LabelBlock,
    /// The cells; see [`crate::metric`].
    pub cells: &'a [f64],
    /// What the cells are.
    pub layout: &'a Layout,
    /// See [`SeriesStore::own_time`]; [`Time::NEVER`] without one.
    pub own_time: Time,
}

impl SeriesStore {
    /// An empty store: no row has been reported yet.
    #[must_use]
    pub fn new(families: Vec<Family>, columns: Vec<Column>, rows: Vec<Row>) -> Self {
        let mut start = 0;
        let stored = rows
            .into_iter()
            .map(|row| {
                let this = start;
                start += row.width;
                RowStart { labels: row.labels, start: this }
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

    /// The same, whose rows from this one on are pools, which get labels while a run goes on.
    #[must_use]
    pub fn with_pools(self, first_row: usize, pools: PoolRanges) -> Self {
        Self { host_rows: first_row, pools, ..self }
    }

    /// The rows from this one on are pools; there need not be one.
    #[must_use]
    pub const fn first_pool_row(&self) -> usize {
        self.host_rows
    }

    /// The rows of a host's pools, each with the labels that it has beside the host's.
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

    /// A store of one gauge with one series.
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

    /// Takes over a host's row of cells. The same cells again are no change.
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

    /// Takes over what another store has in one of its rows, if it has anything there.
    pub fn inherit(&mut self, row: usize, from: &Self, from_row: usize) {
        if from.row_present[from_row] {
            self.report(row, from.row(from_row));
            if row >= self.host_rows {
                self.set_row_labels(row, &from.rows[from_row].labels);
            }
            self.stamp(row, from.own_time(from_row), from.is_down(from_row));
        }
    }

    /// Somebody else lives in a slot now.
    pub fn set_row_labels(&mut self, row: usize, labels: &LabelBlock) {
        self.rows[row].labels.clone_from(labels);
        self.version += 1;
    }

    /// Notes what a host says of its row: when its samples were made, if it says so, and whether it is down for
    /// the moment.
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

    /// Whether a host is down for the moment: a scrape of it alone would get no answer. Its row has no samples.
    #[must_use]
    pub fn is_down(&self, row: usize) -> bool {
        self.down.contains(&row)
    }

    /// When the samples of a row were made, in emulated time, if their host says so: its clock is wrong, or
    /// they came late. The samples of others are as old as their encoding.
    #[must_use]
    pub fn own_time(&self, row: usize) -> Option<Time> {
        self.own_times.get(row).copied().filter(|time| *time != Time::NEVER)
    }

    /// Takes a host's series out.
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

    /// The cells of a host's row.
    #[must_use]
    pub fn row(&self, row: usize) -> &[f64] {
        let end = self.rows.get(row + 1).map_or(self.cells.len(), |next| next.start);
        &self.cells[self.rows[row].start..end]
    }

    /// A host's labels.
    #[must_use]
    #[inline]
    pub fn row_labels(&self, row: usize) -> &LabelBlock {
        &self.rows[row].labels
    }

    /// How many rows there are.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows.len()
    }

    /// All columns, each with its family; those of one family are neighbours.
    pub fn columns(&self) -> impl Iterator<Item = (&Family, &Column)> {
        self.families.iter().flat_map(|(family, columns)| columns.iter().map(move |column| (family, column)))
    }

    /// A number that grows with every change.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// How many hosts have series here now.
    #[must_use]
    pub const fn rows_present(&self) -> usize {
        self.rows_present
    }

    /// Whether a host has series here now.
    #[must_use]
    pub fn has_row(&self, row: usize) -> bool {
        self.row_present[row]
    }

    /// The families, in the config's order.
    pub fn families(&self) -> impl Iterator<Item = &Family> {
        self.families.iter().map(|(family, _)| family)
    }

    /// Whether any series has a label of this name.
    #[must_use]
    pub fn has_label(&self, name: &str) -> bool {
        let mut columns = self.families.iter().flat_map(|(_, columns)| columns);
        self.pools.labels.contains(name)
            || columns.any(|column| column.labels.get(name).is_some())
            || self.rows.iter().any(|row| row.labels.get(name).is_some())
    }

    /// How many series have a sample now, as Prometheus counts them.
    #[must_use]
    pub fn series_count(&self) -> usize {
        let samples = (0..self.families.len()).flat_map(|family| self.samples(family));
        samples.map(|sample| sample.layout.series()).sum()
    }

    /// Shows the series of one family that have a sample, as [`Self::samples`] but quicker.
    pub fn for_each_sample(&self, family: usize, mut visit: impl FnMut(&Sample<'_>)) {
        for column in &self.families[family].1 {
            self.visit(column, 0..column.rows, &mut |_, sample| visit(sample));
        }
    }

    /// The same for so many rows from a place on, which becomes that of the next row; says whether there is one.
    pub fn for_each_sample_from(
        &self,
        family: usize,
        place: &mut SampleCursor,
        rows: usize,
        mut visit: impl FnMut(&Sample<'_>),
    ) -> bool {
        let columns = &self.families[family].1;
        let mut left = rows;
        while let Some(column) = columns.get(place.column) {
            if left == 0 {
                return true;
            }
            let end = column.rows.min(place.row + left);
            self.visit(column, place.row..end, &mut |_, sample| visit(sample));
            left -= end - place.row;
            place.row = end;
            if end == column.rows {
                *place = SampleCursor { column: place.column + 1, row: 0 };
            }
        }
        false
    }

    /// The same for neighbouring rows only, with the row of each.
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
