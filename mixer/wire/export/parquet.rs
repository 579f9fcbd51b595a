//! Apache Parquet: rows of samples, host by host.

use std::io::{self, Write};

use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use promemu_core::time::Time;

use super::report::WrittenCount;
use super::spooled::SpooledRun;
use crate::parquet_rows::SampleRows;

/// Number of rows at which a row group is written.
const ROWS_MAX: usize = 1_000_000;

/// Writes the whole file on this thread.
pub(super) fn write(run: &SpooledRun<'_>, out: &mut (dyn Write + Send)) -> io::Result<WrittenCount> {
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut rows = SampleRows::new(out, properties, ROWS_MAX)?;
    let timestamps = millis(run.spec.sampling.grid.iter());
    let mut written = WrittenCount::default();
    for series in run.series_refs(false).into_iter().flatten() {
        run.with_series(series, |series| {
            let own_times = series.own_times.map(|times| millis(times.iter().copied()));
            let timestamps = own_times.as_ref().unwrap_or(&timestamps);
            series.for_each_plain(&mut |name, labels, values| {
                let samples = values.map(|(moment, value)| (timestamps[moment], value));
                let put = WrittenCount::default().and_series(rows.put(name, labels, samples) as u64);
                written = written.and(if series.is_continuation { put.without_series() } else { put });
            });
        })?;
        rows.write_if_full()?;
    }
    rows.close()?;
    Ok(written)
}

fn millis(moments: impl Iterator<Item = Time>) -> Vec<i64> {
    moments.map(|moment| moment.unix_millis().cast_signed()).collect()
}
