//! Files of floats, with the columns of an export.

use std::fs::File;
use std::io::{self, Write};

use parquet::basic::{Compression, Encoding};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

use super::columns::{column, for_each_group};
use crate::parquet_rows::{SampleRows, failed};

/// Number of rows at which a row group is written: it bounds the memory of writers and readers.
const ROWS_MAX: usize = 128 << 10;

/// A file for floats.
pub(super) fn writer<W: Write + Send>(out: W) -> io::Result<SampleRows<W>> {
    // A dictionary of floats might take -0 and 0 for one value.
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_column_dictionary_enabled(ColumnPath::from("value"), false)
        .set_column_dictionary_enabled(ColumnPath::from("timestamp"), false)
        .set_column_encoding(ColumnPath::from("timestamp"), Encoding::DELTA_BINARY_PACKED)
        .build();
    SampleRows::new(out, properties, ROWS_MAX)
}

/// Calls `take` with name, labels and samples of each run of neighbouring rows that have the same series.
pub(super) fn read(
    file: File,
    mut take: impl FnMut(&str, &str, &[i64], &[f64]) -> io::Result<()>,
) -> io::Result<()> {
    for_each_group(file, |group, rows| {
        let times = column::<Int64Type>(group, 0, rows)?;
        let names = column::<ByteArrayType>(group, 1, rows)?;
        let labels = column::<ByteArrayType>(group, 2, rows)?;
        let values = column::<DoubleType>(group, 3, rows)?;
        let mut start = 0;
        while start < rows {
            let is_same = |row: &usize| names[*row] == names[start] && labels[*row] == labels[start];
            let end = (start + 1..rows).find(|row| !is_same(row)).unwrap_or(rows);
            let text = |bytes: &'_ ByteArray| bytes.as_utf8().map(str::to_owned).map_err(failed);
            take(&text(&names[start])?, &text(&labels[start])?, &times[start..end], &values[start..end])?;
            start = end;
        }
        Ok(())
    })
}
