//! Rows of samples in Apache Parquet (<https://parquet.apache.org/docs/file-format/>): `timestamp` (milliseconds, UTC),
//! `metric`, `labels` (as in the text format) and `value`. Exports and recordings have the same columns.

use std::io::{self, Write};
use std::sync::Arc;

use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

const SCHEMA: &str = "message samples {
    REQUIRED INT64 timestamp (TIMESTAMP(MILLIS, true));
    REQUIRED BYTE_ARRAY metric (UTF8);
    REQUIRED BYTE_ARRAY labels (UTF8);
    REQUIRED DOUBLE value;
}";

/// Number of rows of a column that are encoded at once.
const ROWS_AT_ONCE: usize = 16 << 10;

/// Writes samples; rows wait until there are enough for a row group.
pub(crate) struct SampleRows<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    /// Number of rows at which a row group is written.
    rows_max: usize,
    timestamps: Vec<i64>,
    /// Name and labels of neighbouring rows, and their number.
    series: Vec<(ByteArray, ByteArray, usize)>,
    values: Vec<f64>,
}

impl<W: Write + Send> SampleRows<W> {
    /// No rows yet.
    pub(crate) fn new(out: W, properties: WriterProperties, rows_max: usize) -> io::Result<Self> {
        let schema = Arc::new(parse_message_type(SCHEMA).map_err(failed)?);
        let writer = SerializedFileWriter::new(out, schema, Arc::new(properties)).map_err(failed)?;
        Ok(Self { writer, rows_max, timestamps: Vec::new(), series: Vec::new(), values: Vec::new() })
    }

    /// Appends samples of a series. Returns their number.
    pub(crate) fn put(
        &mut self,
        name: &str,
        labels: &str,
        samples: impl IntoIterator<Item = (i64, f64)>,
    ) -> usize {
        let before = self.values.len();
        for (timestamp, value) in samples {
            self.timestamps.push(timestamp);
            self.values.push(value);
        }
        let count = self.values.len() - before;
        self.series.push((ByteArray::from(name), ByteArray::from(labels), count));
        count
    }

    /// Writes the rows that wait if there are enough of them.
    pub(crate) fn write_if_full(&mut self) -> io::Result<()> {
        if self.values.len() >= self.rows_max { self.write() } else { Ok(()) }
    }

    /// Writes the rest, and the end of the file.
    pub(crate) fn close(mut self) -> io::Result<W> {
        self.write()?;
        self.writer.into_inner().map_err(failed)
    }

    /// Writes the rows as a row group and forgets them.
    fn write(&mut self) -> io::Result<()> {
        if !self.values.is_empty() {
            let Self { writer, series, timestamps, values, .. } = self;
            let mut group = writer.next_row_group().map_err(failed)?;
            put_column::<Int64Type, W>(&mut group, timestamps.iter().copied())?;
            put_column::<ByteArrayType, W>(&mut group, of_each_row(series, |(name, ..)| name))?;
            put_column::<ByteArrayType, W>(&mut group, of_each_row(series, |(_, labels, _)| labels))?;
            put_column::<DoubleType, W>(&mut group, values.iter().copied())?;
            group.close().map_err(failed)?;
        }
        self.timestamps.clear();
        self.series.clear();
        self.values.clear();
        Ok(())
    }
}

fn of_each_row(
    series: &[(ByteArray, ByteArray, usize)],
    text: fn(&(ByteArray, ByteArray, usize)) -> &ByteArray,
) -> impl Iterator<Item = ByteArray> {
    series.iter().flat_map(move |series| std::iter::repeat_n(text(series), series.2)).cloned()
}

/// Writes the next column of a row group.
pub(crate) fn put_column<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    mut values: impl Iterator<Item = T::T>,
) -> io::Result<()> {
    let column = group.next_column().map_err(failed)?;
    let mut column = column.ok_or_else(|| io::Error::other("schema has too few columns"))?;
    let mut batch = Vec::with_capacity(ROWS_AT_ONCE);
    loop {
        batch.clear();
        batch.extend(values.by_ref().take(ROWS_AT_ONCE));
        if batch.is_empty() {
            break;
        }
        column.typed::<T>().write_batch(&batch, None, None).map_err(failed)?;
    }
    column.close().map_err(failed)
}

/// The error of a Parquet file as one of its bytes; that of the disk stays itself.
pub(crate) fn failed(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(source) => *source,
            Err(source) => io::Error::other(source),
        },
        other => io::Error::other(other),
    }
}
