//! Files of native histograms: the first columns are those of an export, in the place of the value are the parts of the
//! histogram. Buckets are lists of their indices and of their counts.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::columns::{column, for_each_group, lists, put_lists, texts};
use crate::parquet_rows::{failed, put_column};
use crate::samples::{Buckets, HistogramSample};

const SCHEMA: &str = "message histograms {
    REQUIRED INT64 timestamp (TIMESTAMP(MILLIS, true));
    REQUIRED BYTE_ARRAY metric (UTF8);
    REQUIRED BYTE_ARRAY labels (UTF8);
    REQUIRED DOUBLE count;
    REQUIRED DOUBLE sum;
    REQUIRED INT32 schema;
    REQUIRED DOUBLE zero_threshold;
    REQUIRED DOUBLE zero_count;
    REQUIRED GROUP positive_buckets (LIST) { REPEATED GROUP list { REQUIRED INT32 element; } }
    REQUIRED GROUP positive_counts (LIST) { REPEATED GROUP list { REQUIRED DOUBLE element; } }
    REQUIRED GROUP negative_buckets (LIST) { REPEATED GROUP list { REQUIRED INT32 element; } }
    REQUIRED GROUP negative_counts (LIST) { REPEATED GROUP list { REQUIRED DOUBLE element; } }
    REQUIRED GROUP bounds (LIST) { REPEATED GROUP list { REQUIRED DOUBLE element; } }
    REQUIRED BOOLEAN is_float;
    REQUIRED BOOLEAN is_gauge;
}";

/// Number of rows at which a row group is written.
const ROWS_MAX: usize = 8 << 10;

/// A row: name, labels, milliseconds, histogram.
type Row = (ByteArray, ByteArray, i64, HistogramSample);

/// Writes native histograms.
pub(super) struct HistogramRows<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    rows: Vec<Row>,
}

impl<W: Write + Send> HistogramRows<W> {
    pub(super) fn new(out: W) -> io::Result<Self> {
        let schema = Arc::new(parse_message_type(SCHEMA).map_err(failed)?);
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_dictionary_enabled(false)
            .set_column_dictionary_enabled("metric".into(), true)
            .set_column_dictionary_enabled("labels".into(), true)
            .build();
        let writer = SerializedFileWriter::new(out, schema, Arc::new(properties)).map_err(failed)?;
        Ok(Self { writer, rows: Vec::new() })
    }

    /// Appends a row.
    pub(super) fn put(
        &mut self,
        name: &str,
        labels: &str,
        at: i64,
        histogram: HistogramSample,
    ) -> io::Result<()> {
        self.rows.push((name.into(), labels.into(), at, histogram));
        if self.rows.len() >= ROWS_MAX { self.write() } else { Ok(()) }
    }

    /// Writes the rest, and the end of the file.
    pub(super) fn close(mut self) -> io::Result<W> {
        self.write()?;
        self.writer.into_inner().map_err(failed)
    }

    fn write(&mut self) -> io::Result<()> {
        let rows = std::mem::take(&mut self.rows);
        if rows.is_empty() {
            return Ok(());
        }
        let mut writer = self.writer.next_row_group().map_err(failed)?;
        let group = &mut writer;
        put_column::<Int64Type, W>(group, rows.iter().map(|row| row.2))?;
        put_column::<ByteArrayType, W>(group, rows.iter().map(|row| row.0.clone()))?;
        put_column::<ByteArrayType, W>(group, rows.iter().map(|row| row.1.clone()))?;
        put_column::<DoubleType, W>(group, rows.iter().map(|row| row.3.count))?;
        put_column::<DoubleType, W>(group, rows.iter().map(|row| row.3.sum))?;
        put_column::<Int32Type, W>(group, rows.iter().map(|row| row.3.schema))?;
        put_column::<DoubleType, W>(group, rows.iter().map(|row| row.3.zero_threshold))?;
        put_column::<DoubleType, W>(group, rows.iter().map(|row| row.3.zero_count))?;
        let signs: [fn(&HistogramSample) -> &Buckets; 2] = [|row| &row.positive, |row| &row.negative];
        for buckets in signs {
            let of_row = |row: &Row| buckets(&row.3).iter().map(|bucket| bucket.0).collect();
            put_lists::<Int32Type, W>(group, rows.iter().map(of_row))?;
            let of_row = |row: &Row| buckets(&row.3).iter().map(|bucket| bucket.1).collect();
            put_lists::<DoubleType, W>(group, rows.iter().map(of_row))?;
        }
        put_lists::<DoubleType, W>(group, rows.iter().map(|row| row.3.bounds.clone()))?;
        put_column::<BoolType, W>(group, rows.iter().map(|row| row.3.is_float))?;
        put_column::<BoolType, W>(group, rows.iter().map(|row| row.3.is_gauge))?;
        writer.close().map_err(failed).map(drop)
    }
}

/// Calls `take` with name, labels, milliseconds and histogram of each row.
pub(super) fn read(
    file: File,
    mut take: impl FnMut(&str, &str, i64, HistogramSample) -> io::Result<()>,
) -> io::Result<()> {
    for_each_group(file, |group, rows| {
        let times = column::<Int64Type>(group, 0, rows)?;
        let (names, labels) = (texts(group, 1, rows)?, texts(group, 2, rows)?);
        let floats = |place| column::<DoubleType>(group, place, rows);
        let [counts, sums, zero_thresholds, zero_counts] = [floats(3)?, floats(4)?, floats(6)?, floats(7)?];
        let schemas = column::<Int32Type>(group, 5, rows)?;
        let buckets = |place| -> io::Result<Vec<Buckets>> {
            let indices = lists::<Int32Type>(group, place, rows)?;
            let counts = lists::<DoubleType>(group, place + 1, rows)?;
            Ok(indices.into_iter().zip(counts).map(|(a, b)| a.into_iter().zip(b).collect()).collect())
        };
        let [mut positives, mut negatives] = [buckets(8)?, buckets(10)?];
        let mut bounds = lists::<DoubleType>(group, 12, rows)?;
        let [floats, gauges] = [column::<BoolType>(group, 13, rows)?, column::<BoolType>(group, 14, rows)?];
        for row in 0..rows {
            let histogram = HistogramSample {
                schema: schemas[row],
                zero_threshold: zero_thresholds[row],
                zero_count: zero_counts[row],
                count: counts[row],
                sum: sums[row],
                positive: std::mem::take(&mut positives[row]),
                negative: std::mem::take(&mut negatives[row]),
                bounds: std::mem::take(&mut bounds[row]),
                is_float: floats[row],
                is_gauge: gauges[row],
            };
            take(&names[row], &labels[row], times[row], histogram)?;
        }
        Ok(())
    })
}
