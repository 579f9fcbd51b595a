//! Apache Parquet (<https://parquet.apache.org/docs/file-format/>): `timestamp` (milliseconds, UTC), `metric`,
//! `labels` (as in the text format) and `value`, host by host.

use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use promemu_core::time::Time;

use super::report::WrittenCount;
use super::spooled::SpooledRun;

const SCHEMA: &str = "message samples {
    REQUIRED INT64 timestamp (TIMESTAMP(MILLIS, true));
    REQUIRED BYTE_ARRAY metric (UTF8);
    REQUIRED BYTE_ARRAY labels (UTF8);
    REQUIRED DOUBLE value;
}";

/// Number of rows at which a row group is written.
const ROWS_MAX: usize = 1_000_000;

/// Number of rows of a column that are encoded at once.
const ROWS_AT_ONCE: usize = 16 << 10;

/// Rows that wait to be written, column by column.
#[derive(Default)]
struct Rows {
    timestamps: Vec<i64>,
    /// Name and labels of neighbouring rows, and their number.
    series: Vec<(ByteArray, ByteArray, usize)>,
    values: Vec<f64>,
}

/// Writes the whole file on this thread.
pub(super) fn write(run: &SpooledRun<'_>, out: &mut (dyn Write + Send)) -> io::Result<WrittenCount> {
    let schema = Arc::new(parse_message_type(SCHEMA).map_err(failed)?);
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut writer = SerializedFileWriter::new(out, schema, Arc::new(properties)).map_err(failed)?;
    let timestamps = millis(run.spec.sampling.grid.iter());
    let (mut written, mut rows) = (WrittenCount::default(), Rows::default());
    for series in run.series_refs(false).into_iter().flatten() {
        run.with_series(series, |series| {
            let own_times = series.own_times.map(|times| millis(times.iter().copied()));
            let timestamps = own_times.as_ref().unwrap_or(&timestamps);
            series.for_each_plain(&mut |name, labels, values| {
                let (name, labels) = (ByteArray::from(name), ByteArray::from(labels));
                let before = rows.values.len();
                for (moment, value) in values {
                    rows.timestamps.push(timestamps[moment]);
                    rows.values.push(value);
                }
                let count = rows.values.len() - before;
                rows.series.push((name, labels, count));
                let put = WrittenCount::default().and_series(count as u64);
                written = written.and(if series.is_continuation { put.without_series() } else { put });
            });
        })?;
        if rows.values.len() >= ROWS_MAX {
            rows.write(&mut writer)?;
        }
    }
    rows.write(&mut writer)?;
    writer.close().map_err(failed)?;
    Ok(written)
}

fn millis(moments: impl Iterator<Item = Time>) -> Vec<i64> {
    moments.map(|moment| moment.unix_millis().cast_signed()).collect()
}

impl Rows {
    /// Writes the rows as a row group and forgets them.
    fn write<W: Write + Send>(&mut self, writer: &mut SerializedFileWriter<W>) -> io::Result<()> {
        if !self.values.is_empty() {
            let mut group = writer.next_row_group().map_err(failed)?;
            let of_each_row = |text: fn(&(ByteArray, ByteArray, usize)) -> &ByteArray| {
                self.series
                    .iter()
                    .flat_map(move |series| std::iter::repeat_n(text(series), series.2))
                    .cloned()
            };
            put_column::<Int64Type, W>(&mut group, self.timestamps.iter().copied())?;
            put_column::<ByteArrayType, W>(&mut group, of_each_row(|(name, ..)| name))?;
            put_column::<ByteArrayType, W>(&mut group, of_each_row(|(_, labels, _)| labels))?;
            put_column::<DoubleType, W>(&mut group, self.values.iter().copied())?;
            group.close().map_err(failed)?;
        }
        *self = Self::default();
        Ok(())
    }
}

fn put_column<T: parquet::data_type::DataType, W: Write + Send>(
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

fn failed(error: ParquetError) -> io::Error {
    io::Error::other(error)
}
