//! Walks over the samples of a store: all of a family, a stretch of them, or those of some rows.

use std::ops::Range;

use super::columns::Column;
use super::labels::LabelBlock;
use super::store::SeriesStore;
use crate::metric::{Layout, is_absent};
use crate::time::Time;

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
    /// Number of series with a sample, as Prometheus counts them.
    #[must_use]
    pub fn series_count(&self) -> usize {
        let samples = (0..self.family_count()).flat_map(|family| self.samples(family));
        samples.map(|sample| sample.layout.series()).sum()
    }

    /// Visits the series of one family that have a sample. Faster than [`Self::samples`].
    pub fn for_each_sample(&self, family: usize, mut visit: impl FnMut(&Sample<'_>)) {
        for column in self.columns_of(family) {
            self.visit(column, 0..column.rows, &mut |_, sample| visit(sample));
        }
    }

    /// Visits the series of one family that have a sample, and the last ones of hosts that are down: all that these hosts
    /// have pushed.
    pub fn for_each_last_sample(&self, family: usize, mut visit: impl FnMut(&Sample<'_>)) {
        self.for_each_sample(family, &mut visit);
        for column in self.columns_of(family).iter().filter(|_| !self.kept.is_empty()) {
            let rows = column.first_row..column.first_row + column.rows;
            for (row, kept) in self.kept.iter().filter(|(row, _)| rows.contains(row)) {
                let cells = &kept[column.offset..column.offset + column.layout.width()];
                if !is_absent(cells[0]) {
                    visit(&Sample {
                        host_labels: self.row_labels(*row),
                        metric_labels: &column.labels,
                        cells,
                        layout: &column.layout,
                        own_time: Time::NEVER,
                    });
                }
            }
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
        let columns = self.columns_of(family);
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
        for column in self.columns_of(family) {
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
        // A column's rows are all in one block.
        let (block, first) = self.block(rows.start);
        for (index, row) in (first..).zip(&block.rows[first..first + rows.len()]) {
            let start = row.start + column.offset;
            let cells = &block.cells[start..start + width];
            if !is_absent(cells[0]) {
                let sample = Sample {
                    host_labels: &row.labels,
                    metric_labels: &column.labels,
                    cells,
                    layout: &column.layout,
                    own_time: block.own_time(index),
                };
                visit(rows.start + (index - first), &sample);
            }
        }
    }

    /// The series of one family that have a sample.
    pub fn samples(&self, family: usize) -> impl Iterator<Item = Sample<'_>> {
        self.columns_of(family).iter().flat_map(move |column| {
            let width = column.layout.width();
            let (block, first) = self.block(column.first_row);
            let rows = &block.rows[first..first + column.rows];
            (first..).zip(rows).filter_map(move |(index, row)| {
                let start = row.start + column.offset;
                let cells = &block.cells[start..start + width];
                (!is_absent(cells[0])).then_some(Sample {
                    host_labels: &row.labels,
                    metric_labels: &column.labels,
                    cells,
                    layout: &column.layout,
                    own_time: block.own_time(index),
                })
            })
        })
    }
}
