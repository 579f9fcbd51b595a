//! The outliers, scale and deviation of each series, learned from rows of training.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use promemu_wire::prepared::{Column, ColumnKind, read_numbers};
use promemu_wire::samples::{ReadSeries, labels_of_text};

/// The numbers of a series; NaN for what was not learned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct SeriesLearned {
    /// The median and the robust deviation before outliers go.
    pub(super) center: f64,
    pub(super) width: f64,
    /// The zero and the unit of its scale.
    pub(super) zero: f64,
    pub(super) unit: f64,
    /// The standard deviation of scaled values.
    pub(super) deviation: f64,
}

pub(super) type Learned = BTreeMap<ReadSeries, SeriesLearned>;

/// The file.
pub(super) const LEARNED: &str = "learned.parquet";
const NUMBERS: [&str; 5] = ["center", "width", "zero", "unit", "deviation"];

impl Default for SeriesLearned {
    fn default() -> Self {
        Self { center: f64::NAN, width: f64::NAN, zero: f64::NAN, unit: f64::NAN, deviation: f64::NAN }
    }
}

/// The columns of the file.
pub(super) fn columns() -> Vec<(String, ColumnKind)> {
    let texts = ["metric", "labels"].map(|name| (name.to_owned(), ColumnKind::Text));
    texts.into_iter().chain(NUMBERS.map(|name| (name.to_owned(), ColumnKind::Number))).collect()
}

/// The rows of the file.
pub(super) fn table(learned: &Learned) -> Vec<Column> {
    let texts = |text: &dyn Fn(&ReadSeries) -> String| {
        Column::Texts(learned.keys().map(|series| (text(series), 1)).collect())
    };
    let numbers = |number: fn(&SeriesLearned) -> f64| Column::Numbers(learned.values().map(number).collect());
    vec![
        texts(&|series| series.metric.clone()),
        texts(&ReadSeries::label_text),
        numbers(|own| own.center),
        numbers(|own| own.width),
        numbers(|own| own.zero),
        numbers(|own| own.unit),
        numbers(|own| own.deviation),
    ]
}

/// Reads a file.
pub(super) fn read(path: &Path) -> io::Result<Learned> {
    let rows = read_numbers::<5>(path)?.into_iter().map(|([metric, labels], numbers)| {
        let labels = labels_of_text(&labels).map_err(io::Error::other)?;
        let [center, width, zero, unit, deviation] = numbers;
        Ok((ReadSeries { metric, labels }, SeriesLearned { center, width, zero, unit, deviation }))
    });
    rows.collect()
}
