//! The formats of exports.

use std::path::Path;

/// Format of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// OpenMetrics with timestamps, for `promtool tsdb create-blocks-from openmetrics`.
    OpenMetrics,
    /// A line per sample: timestamp, metric, labels, value.
    Csv,
    /// The same columns in Apache Parquet.
    Parquet,
}

impl Format {
    /// The format that belongs to a file's extension.
    #[must_use]
    pub fn of_path(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "om" | "openmetrics" | "prom" | "txt" => Some(Self::OpenMetrics),
            "csv" => Some(Self::Csv),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }
}
