//! Files of steps: `timestamp` (their begin), `metric`, `labels`, `min`, `max`, `mean`, `count`, `last`, `last_timestamp` and
//! `increase`, the growth of a counter from sample to sample with its resets.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use promemu_core::time::Time;

use crate::parquet_rows::{failed, put_column};
use crate::recording::Recording;
use crate::recording::columns::{column, for_each_group, texts};
use crate::recording::hashed_file::HashedFile;
use crate::recording::manifest::{FileEntry, StepEntry};
use crate::recording::query::Accumulator;
use crate::samples::{ReadSeries, labels_of_text};

const SCHEMA: &str = "message steps {
    REQUIRED INT64 timestamp (TIMESTAMP(MILLIS, true));
    REQUIRED BYTE_ARRAY metric (UTF8);
    REQUIRED BYTE_ARRAY labels (UTF8);
    REQUIRED DOUBLE min;
    REQUIRED DOUBLE max;
    REQUIRED DOUBLE mean;
    REQUIRED DOUBLE count;
    REQUIRED DOUBLE last;
    REQUIRED INT64 last_timestamp (TIMESTAMP(MILLIS, true));
    REQUIRED DOUBLE increase;
}";

/// Number of rows at which a row group is written.
const ROWS_MAX: usize = 64 << 10;

/// A step of a series.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::recording) struct StepRow {
    pub(in crate::recording) at_ms: i64,
    pub(in crate::recording) min: f64,
    pub(in crate::recording) max: f64,
    pub(in crate::recording) mean: f64,
    pub(in crate::recording) count: f64,
    pub(in crate::recording) last: f64,
    pub(in crate::recording) last_at_ms: i64,
    pub(in crate::recording) increase: f64,
}

/// Writes a file of steps.
pub(super) struct StepRows {
    writer: SerializedFileWriter<HashedFile>,
    rows: Vec<(ByteArray, ByteArray, StepRow)>,
    count: u64,
}

impl StepRows {
    /// The file of a day.
    pub(super) fn create(folder: &Path, number: u64, (day_ms, step_ms): (i64, i64)) -> io::Result<Self> {
        let day = Time::from_unix_secs(u64::try_from(day_ms / 1000).unwrap_or(0)).rfc3339();
        let path = format!("step={}s/day={}/{number:06}.parquet", step_ms / 1000, &day[..10]);
        let schema = Arc::new(parse_message_type(SCHEMA).map_err(failed)?);
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_dictionary_enabled(false)
            .set_column_dictionary_enabled("metric".into(), true)
            .set_column_dictionary_enabled("labels".into(), true)
            .build();
        let file = HashedFile::create(folder, &path)?;
        let writer = SerializedFileWriter::new(file, schema, Arc::new(properties)).map_err(failed)?;
        Ok(Self { writer, rows: Vec::new(), count: 0 })
    }

    /// Appends steps of a series.
    pub(super) fn put(
        &mut self,
        series: &ReadSeries,
        steps: impl Iterator<Item = (i64, Accumulator)>,
    ) -> io::Result<()> {
        let mut key: Option<(ByteArray, ByteArray)> = None;
        for (at_ms, step) in steps {
            let (metric, labels) = key
                .get_or_insert_with(|| (series.metric.as_str().into(), series.label_text().as_str().into()));
            self.rows.push((metric.clone(), labels.clone(), step.row(at_ms)));
        }
        if self.rows.len() >= ROWS_MAX { self.write() } else { Ok(()) }
    }

    /// The file is whole.
    pub(super) fn finish(mut self) -> io::Result<FileEntry> {
        self.write()?;
        self.writer.into_inner().map_err(failed)?.finish(self.count)
    }

    fn write(&mut self) -> io::Result<()> {
        let rows = std::mem::take(&mut self.rows);
        if rows.is_empty() {
            return Ok(());
        }
        self.count += rows.len() as u64;
        let mut group = self.writer.next_row_group().map_err(failed)?;
        put_column::<Int64Type, _>(&mut group, rows.iter().map(|row| row.2.at_ms))?;
        put_column::<ByteArrayType, _>(&mut group, rows.iter().map(|row| row.0.clone()))?;
        put_column::<ByteArrayType, _>(&mut group, rows.iter().map(|row| row.1.clone()))?;
        let before: [fn(&StepRow) -> f64; 5] =
            [|row| row.min, |row| row.max, |row| row.mean, |row| row.count, |row| row.last];
        for value in before {
            put_column::<DoubleType, _>(&mut group, rows.iter().map(|row| value(&row.2)))?;
        }
        put_column::<Int64Type, _>(&mut group, rows.iter().map(|row| row.2.last_at_ms))?;
        put_column::<DoubleType, _>(&mut group, rows.iter().map(|row| row.2.increase))?;
        group.close().map_err(failed).map(drop)
    }
}

/// Calls `take` for each row of a file of steps.
pub(in crate::recording) fn read_steps(
    recording: &Recording,
    steps: &StepEntry,
    mut take: impl FnMut(&ReadSeries, &StepRow) -> io::Result<()>,
) -> io::Result<()> {
    let told = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", steps.file.path));
    let file = File::open(recording.folder().join(&steps.file.path)).map_err(told)?;
    let read = for_each_group(file, |group, rows| {
        let (times, last_times) =
            (column::<Int64Type>(group, 0, rows)?, column::<Int64Type>(group, 8, rows)?);
        let (names, labels) = (texts(group, 1, rows)?, texts(group, 2, rows)?);
        let floats = |place| column::<DoubleType>(group, place, rows);
        let [min, max, mean, count, last] = [floats(3)?, floats(4)?, floats(5)?, floats(6)?, floats(7)?];
        let increase = floats(9)?;
        for row in 0..rows {
            let labels = labels_of_text(&labels[row]).map_err(io::Error::other)?;
            let series = ReadSeries { metric: names[row].clone(), labels };
            take(
                &series,
                &StepRow {
                    at_ms: times[row],
                    min: min[row],
                    max: max[row],
                    mean: mean[row],
                    count: count[row],
                    last: last[row],
                    last_at_ms: last_times[row],
                    increase: increase[row],
                },
            )?;
        }
        Ok(())
    });
    read.map_err(told)
}
