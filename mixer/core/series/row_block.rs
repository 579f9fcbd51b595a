//! Rows and their cells. A store has two blocks: the rows of its plan, and those that a run added.

use super::columns::Row;
use super::labels::LabelBlock;
use crate::metric::ABSENT;
use crate::time::Time;

/// Adjacent rows.
#[derive(Debug, Default)]
pub(super) struct RowBlock {
    pub(super) rows: Vec<StoredRow>,
    pub(super) cells: Vec<f64>,
    /// `true` for each row that has series.
    pub(super) present: Vec<bool>,
    /// The own time of each row, [`Time::NEVER`] for none; shorter if the last rows never had one.
    own_times: Vec<Time>,
}

#[derive(Debug)]
pub(super) struct StoredRow {
    pub(super) labels: LabelBlock,
    /// The index of its first cell.
    pub(super) start: usize,
}

impl RowBlock {
    /// A block of rows without samples.
    pub(super) fn of(rows: Vec<Row>) -> Self {
        let mut start = 0;
        let stored: Vec<_> = rows
            .into_iter()
            .map(|row| {
                let this = start;
                start += row.width;
                StoredRow { labels: row.labels, start: this }
            })
            .collect();
        Self {
            present: vec![false; stored.len()],
            rows: stored,
            cells: vec![ABSENT; start],
            own_times: Vec::new(),
        }
    }

    /// Appends rows without labels and samples.
    pub(super) fn append(&mut self, rows: usize, width: usize) {
        let (labels, first) = (LabelBlock::empty(), self.cells.len());
        let row = |index: usize| StoredRow { labels: labels.clone(), start: first + index * width };
        self.rows.extend((0..rows).map(row));
        self.cells.resize(first + rows * width, ABSENT);
        self.present.resize(self.rows.len(), false);
    }

    /// The cells of a row.
    pub(super) fn cells_of(&self, row: usize) -> &[f64] {
        let end = self.rows.get(row + 1).map_or(self.cells.len(), |next| next.start);
        &self.cells[self.rows[row].start..end]
    }

    /// The own time of a row.
    #[inline]
    pub(super) fn own_time(&self, row: usize) -> Time {
        self.own_times.get(row).copied().unwrap_or(Time::NEVER)
    }

    /// Sets the own time of a row; `true` if it is another one.
    pub(super) fn set_own_time(&mut self, row: usize, own_time: Time) -> bool {
        if own_time != Time::NEVER && row >= self.own_times.len() {
            self.own_times.reserve_exact(self.rows.len() - self.own_times.len());
            self.own_times.resize(self.rows.len(), Time::NEVER);
        }
        self.own_times.get_mut(row).is_some_and(|time| std::mem::replace(time, own_time) != own_time)
    }
}
