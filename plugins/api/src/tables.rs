//! The tables of a model during a tick.

#![expect(unsafe_code, reason = "promemu's functions are called, and its buffers written")]

use crate::abi::{self, Text};

/// Maximum number of labels of a row.
pub const LABELS_MAX: usize = 16;

/// The tables that a model has described, by their order.
#[derive(Debug)]
pub struct Tables<'a> {
    tick: &'a abi::Tick,
    tables: &'a [abi::Table],
}

impl<'a> Tables<'a> {
    pub(crate) const fn new(tick: &'a abi::Tick, tables: &'a [abi::Table]) -> Self {
        Self { tick, tables }
    }

    /// Begins a row, and ends the previous one in its place. `began_nanos` counts since the Unix epoch; `labels` has a text
    /// for each of the table's labels, in their order. The row's values become 0.
    pub fn begin(&mut self, table: u32, row: u32, began_nanos: u64, labels: &[&str]) {
        let mut texts = [Text::EMPTY; LABELS_MAX];
        for (text, label) in texts.iter_mut().zip(labels) {
            *text = Text { data: label.as_ptr(), len: label.len() };
        }
        self.row(table, row).fill(0.0);
        // SAFETY: the context is the one that came with this tick, whose call is not over; the texts are borrowed for
        // the call, and are as many as there may be labels.
        unsafe { ((*self.tick.host).begin)(self.tick.context, table, row, began_nanos, texts.as_ptr()) }
    }

    /// Ends a row.
    pub fn end(&mut self, table: u32, row: u32) {
        // SAFETY: as above.
        unsafe { ((*self.tick.host).end)(self.tick.context, table, row) }
    }

    /// The values of a row, one for each family, in their order; empty if there is no such row.
    #[inline]
    pub fn row(&mut self, table: u32, row: u32) -> &mut [f64] {
        let Some(table) = self.tables.get(table as usize).filter(|table| row < table.rows) else {
            return &mut [];
        };
        let families = table.families as usize;
        // SAFETY: promemu passes room for a value of each family in each row, which nobody else has during the call, and
        // `self` is borrowed for as long as the slice.
        unsafe { std::slice::from_raw_parts_mut(table.values.add(row as usize * families), families) }
    }

    /// Sets a value; without effect if there is no such row or family.
    pub fn set(&mut self, table: u32, row: u32, family: usize, value: f64) {
        if let Some(cell) = self.row(table, row).get_mut(family) {
            *cell = value;
        }
    }

    /// Adds to a value; without effect if there is no such row or family.
    pub fn add(&mut self, table: u32, row: u32, family: usize, amount: f64) {
        if let Some(cell) = self.row(table, row).get_mut(family) {
            *cell += amount;
        }
    }

    /// Adds a value to a histogram so many times.
    pub fn observe(&mut self, table: u32, row: u32, family: u32, value: f64, count: u64) {
        // SAFETY: as above.
        unsafe { ((*self.tick.host).observe)(self.tick.context, table, row, family, value, count) }
    }
}
