//! A slice that is written.

use std::io;
use std::path::{Path, PathBuf};

use promemu_core::time::Time;

use super::hashed_file::HashedFile;
use super::histogram_file::HistogramRows;
use super::manifest::{FileEntry, SliceEntry};
use super::sample_file;
use crate::parquet_rows::SampleRows;
use crate::samples::{HistogramSample, ReadSeries};

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Writes the files of a slice. Dropped before it is committed, it leaves nothing.
pub struct SliceWriter {
    folder: PathBuf,
    number: u64,
    source: String,
    begin_ms: i64,
    floats: Option<SampleRows<HashedFile>>,
    histograms: Option<HistogramRows<HashedFile>>,
    /// Number of rows: floats, and native histograms.
    rows: [u64; 2],
}

impl std::fmt::Debug for SliceWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SliceWriter")
            .field("number", &self.number)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl SliceWriter {
    pub(super) fn new(folder: &Path, number: u64, source: &str, begin_ms: i64) -> Self {
        Self {
            folder: folder.to_owned(),
            number,
            source: source.to_owned(),
            begin_ms,
            floats: None,
            histograms: None,
            rows: [0; 2],
        }
    }

    /// Its number.
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// Appends floats of a series: milliseconds since the Unix epoch, and values. Neighbouring samples of a series take the
    /// least space.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn put_floats(
        &mut self,
        series: &ReadSeries,
        samples: impl IntoIterator<Item = (i64, f64)>,
    ) -> io::Result<()> {
        let floats = if let Some(floats) = &mut self.floats {
            floats
        } else {
            let path = self.path("samples");
            self.floats.insert(sample_file::writer(HashedFile::create(&self.folder, &path)?)?)
        };
        self.rows[0] += floats.put(&series.metric, &series.label_text(), samples) as u64;
        floats.write_if_full()
    }

    /// Appends a native histogram of a series.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn put_histogram(
        &mut self,
        series: &ReadSeries,
        at_ms: i64,
        histogram: HistogramSample,
    ) -> io::Result<()> {
        let histograms = if let Some(histograms) = &mut self.histograms {
            histograms
        } else {
            let path = self.path("histograms");
            self.histograms.insert(HistogramRows::new(HashedFile::create(&self.folder, &path)?)?)
        };
        self.rows[1] += 1;
        histograms.put(&series.metric, &series.label_text(), at_ms, histogram)
    }

    /// Number of rows so far.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.rows[0] + self.rows[1]
    }

    /// The files are whole, and have their names.
    pub(super) fn finish(self, end_ms: i64) -> io::Result<SliceEntry> {
        let mut files: Vec<FileEntry> = Vec::new();
        if let Some(floats) = self.floats {
            files.push(floats.close()?.finish(self.rows[0])?);
        }
        if let Some(histograms) = self.histograms {
            files.push(histograms.close()?.finish(self.rows[1])?);
        }
        Ok(SliceEntry { number: self.number, source: self.source, begin_ms: self.begin_ms, end_ms, files })
    }

    /// The path of one of its files. The day is that of the slice's begin.
    fn path(&self, kind: &str) -> String {
        let day = self.begin_ms.div_euclid(DAY_MS) * (DAY_MS / 1000);
        let day = Time::from_unix_secs(u64::try_from(day).unwrap_or(0)).rfc3339();
        format!("{kind}/day={}/{:06}.parquet", &day[..10], self.number)
    }
}
