//! Tables that a model describes, with their checks.

use promemu_plugin::LABELS_MAX;

use super::declaration::{check_distinct, check_name};
use crate::metric::SCHEMAS;

/// Maximum number of tables of a model.
pub(super) const TABLES_MAX: usize = 64;
/// Maximum number of families of a table.
pub(super) const FAMILIES_MAX: usize = 1_000;
/// Maximum number of rows of a table.
const ROWS_MAX: usize = 1 << 22;
/// Maximum number of bounds of a histogram.
pub(super) const BOUNDS_MAX: u32 = 1_000;

/// A table of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct TableDecl {
    /// Its name, unique in the model.
    pub name: String,
    /// Names of the labels of a row.
    pub labels: Vec<String>,
    /// Metrics of a row.
    pub families: Vec<FamilyDecl>,
    /// The most rows at a time.
    pub rows_max: usize,
}

/// A metric of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct FamilyDecl {
    /// Its name.
    pub name: String,
    /// Its meaning.
    pub help: String,
    /// Its unit; empty without one.
    pub unit: String,
    /// Its type.
    pub kind: FamilyKind,
    /// Its own labels, which differ from those of other metrics of its name.
    pub labels: Vec<(String, String)>,
    /// `true` if its values are rounded.
    pub is_rounded: bool,
}

/// The type of a metric.
#[derive(Clone, Debug, PartialEq)]
pub enum FamilyKind {
    /// A number that goes up and down.
    Gauge,
    /// A total, which only grows during the life of a row.
    Counter,
    /// Observations in buckets with these bounds.
    Histogram(Vec<f64>),
    /// Observations in buckets of this schema.
    NativeHistogram(i8),
    /// Always 1.
    Info,
    /// The number of one of these states.
    StateSet(Vec<String>),
}

/// Checks the tables of a model.
pub(super) fn check_tables(tables: &[TableDecl]) -> Result<(), String> {
    if tables.is_empty() {
        return Err("tables are missing".to_owned());
    }
    check_distinct(&tables.iter().map(|table| table.name.as_str()))?;
    let mut earlier: Vec<&FamilyDecl> = Vec::new();
    for table in tables {
        table.check().map_err(|error| format!("table {}: {error}", table.name))?;
        for family in &table.families {
            let about = |error| format!("table {}: metric {}: {error}", table.name, family.name);
            family.check(&table.labels, &table.families).map_err(about)?;
            let is_other = |other: &&&FamilyDecl| other.name == family.name;
            if let Some(other) = earlier.iter().find(is_other)
                && (std::mem::discriminant(&other.kind) != std::mem::discriminant(&family.kind)
                    || other.help != family.help)
            {
                return Err(about("it is declared twice with another kind or help".to_owned()));
            }
            earlier.push(family);
        }
    }
    Ok(())
}

impl TableDecl {
    fn check(&self) -> Result<(), String> {
        check_name(&self.name)?;
        self.labels.iter().try_for_each(|label| check_name(label))?;
        check_distinct(&self.labels.iter().map(String::as_str))?;
        if self.families.is_empty() {
            return Err("metrics are missing".to_owned());
        }
        if self.labels.len() > LABELS_MAX {
            return Err(format!(
                "{} labels are declared, but at most {LABELS_MAX} may be",
                self.labels.len()
            ));
        }
        if self.rows_max == 0 || self.rows_max > ROWS_MAX {
            return Err(format!("rows_max must be from 1 to {ROWS_MAX}, but is {}", self.rows_max));
        }
        if self.labels.is_empty() && self.rows_max > 1 {
            return Err(format!("rows_max must be 1 without labels, but is {}", self.rows_max));
        }
        Ok(())
    }
}

impl FamilyDecl {
    /// `true` for a histogram.
    pub(super) const fn observes(&self) -> bool {
        matches!(self.kind, FamilyKind::Histogram(_) | FamilyKind::NativeHistogram(_))
    }

    /// Checks the metric against the labels of its table, and against the other metrics.
    fn check(&self, taken: &[String], all: &[Self]) -> Result<(), String> {
        check_name(&self.name)?;
        let labels = self.labels.iter().map(|(label, _)| label.as_str());
        labels.clone().try_for_each(check_name)?;
        check_distinct(&taken.iter().map(String::as_str).chain(labels))?;
        let is_plain = |value: &str| value.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c));
        if let Some((_, value)) = self.labels.iter().find(|(_, value)| value.is_empty() || !is_plain(value)) {
            return Err(format!("label value {value:?} is invalid; use letters, digits, _, -, . and /"));
        }
        if all.iter().filter(|other| other.name == self.name && other.labels == self.labels).count() > 1 {
            return Err("it is declared twice with the same labels".to_owned());
        }
        match &self.kind {
            FamilyKind::Histogram(bounds) => {
                let is_rising = bounds.windows(2).all(|pair| pair[0] < pair[1]);
                if bounds.is_empty() || !is_rising || bounds.iter().any(|bound| !bound.is_finite()) {
                    return Err("bounds must be finite numbers, each above the one before".to_owned());
                }
            }
            FamilyKind::NativeHistogram(schema) if !(SCHEMAS.0..=SCHEMAS.1).contains(schema) => {
                let (low, high) = SCHEMAS;
                return Err(format!("schema must be from {low} to {high}, but is {schema}"));
            }
            FamilyKind::StateSet(states) => {
                check_distinct(&states.iter().map(String::as_str))?;
                if states.is_empty() {
                    return Err("states are missing".to_owned());
                }
            }
            _ => {}
        }
        Ok(())
    }
}
