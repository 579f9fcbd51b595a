//! Descriptions of tables and their families.

use crate::abi::{
    self, COUNTER, GAUGE, HISTOGRAM, INFO_FAMILY, NATIVE_HISTOGRAM, STATESET, Text, UNROUNDED, size_of_table,
};

/// A table: rows with the same labels and metrics.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Name of the table: letters, digits and `_`.
    pub name: String,
    /// Names of a row's labels, separated by commas, [`crate::LABELS_MAX`] at most. No two rows may have the same labels;
    /// a table without labels has one row.
    pub labels: String,
    /// The most rows at a time.
    pub rows_max: u32,
    /// Metrics of a row.
    pub families: Vec<Family>,
}

/// A metric of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    kind: u32,
    name: String,
    help: String,
    unit: String,
    labels: String,
    bounds: Vec<f64>,
    schema: i32,
    states: String,
    flags: u32,
}

impl Family {
    fn of(kind: u32, name: &str, help: &str) -> Self {
        Self {
            kind,
            name: name.to_owned(),
            help: help.to_owned(),
            unit: String::new(),
            labels: String::new(),
            bounds: Vec::new(),
            schema: 0,
            states: String::new(),
            flags: 0,
        }
    }

    /// A gauge: a number that goes up and down.
    #[must_use]
    pub fn gauge(name: &str, help: &str) -> Self {
        Self::of(GAUGE, name, help)
    }

    /// A counter: a total, which only grows during the life of a row.
    #[must_use]
    pub fn counter(name: &str, help: &str) -> Self {
        Self::of(COUNTER, name, help)
    }

    /// A histogram with these bounds, each above the one before.
    #[must_use]
    pub fn histogram(name: &str, help: &str, bounds: &[f64]) -> Self {
        Self { bounds: bounds.to_owned(), ..Self::of(HISTOGRAM, name, help) }
    }

    /// A native histogram with Prometheus' schema, from -4 to 8; 3 has buckets of 9 %.
    #[must_use]
    pub fn native_histogram(name: &str, help: &str, schema: i32) -> Self {
        Self { schema, ..Self::of(NATIVE_HISTOGRAM, name, help) }
    }

    /// An info: always 1; the row's labels are the information. Its name ends in `_info`.
    #[must_use]
    pub fn info(name: &str, help: &str) -> Self {
        Self::of(INFO_FAMILY, name, help)
    }

    /// A stateset: the value is the number of one of these states, from 0 on.
    #[must_use]
    pub fn stateset(name: &str, help: &str, states: &[&str]) -> Self {
        Self { states: states.join(","), ..Self::of(STATESET, name, help) }
    }

    /// Adds labels to the family, as `name=value`, separated by commas. Families of one name must differ in them.
    #[must_use]
    pub fn labelled(self, labels: &str) -> Self {
        Self { labels: labels.to_owned(), ..self }
    }

    /// Sets the unit, as in `seconds`.
    #[must_use]
    pub fn in_unit(self, unit: &str) -> Self {
        Self { unit: unit.to_owned(), ..self }
    }

    /// Shows the values as they are; those of other families are rounded to two decimals.
    #[must_use]
    pub fn unrounded(self) -> Self {
        Self { flags: self.flags | UNROUNDED, ..self }
    }

    #[expect(clippy::cast_possible_truncation, reason = "a histogram has few bounds")]
    pub(crate) fn lend(&self) -> abi::Family {
        abi::Family {
            size: size_of_table::<abi::Family>(),
            kind: self.kind,
            name: Text::of(&self.name),
            help: Text::of(&self.help),
            unit: Text::of(&self.unit),
            labels: Text::of(&self.labels),
            bounds: self.bounds.as_ptr(),
            bound_count: self.bounds.len() as u32,
            schema: self.schema,
            states: Text::of(&self.states),
            flags: self.flags,
            reserved: 0,
        }
    }
}

impl Table {
    pub(crate) fn lend(&self) -> abi::TableSpec {
        abi::TableSpec {
            size: size_of_table::<abi::TableSpec>(),
            rows_max: self.rows_max,
            name: Text::of(&self.name),
            labels: Text::of(&self.labels),
        }
    }
}
