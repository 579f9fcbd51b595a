//! Blocks of series that have been computed already, such as those that rules record.

use std::io;
use std::path::Path;

use promemu_core::backfill::Grid;
use promemu_core::metric::is_absent;
use promemu_core::time::Span;

use super::block_folder::UnfinishedBlock;
use super::block_id::BlockId;
use super::block_sink::BlockSink;
use super::encoded::EncodedPart;
use super::merged::MergedParts;
use super::ranges::{block_ranges_of, length_for};
use crate::export::stretches::{SeriesSink, Staleness};

/// A series at the moments of a grid.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GridSeries {
    /// Its labels, with its name, in any order.
    pub labels: Vec<(String, String)>,
    /// The value at each moment; [`ABSENT`](promemu_core::metric::ABSENT) where there is none.
    pub values: Vec<f64>,
}

/// Writes series as blocks of at most this length into a data folder, beside those that are there. A series that ends gets
/// a staleness marker at the next moment.
///
/// # Errors
///
/// The folder cannot be written, or two series have the same labels.
pub fn write_grid_series(
    data: &Path,
    grid: &Grid,
    series: &[GridSeries],
    length_max: Span,
) -> io::Result<()> {
    let times: Vec<i64> = grid.iter().map(|time| time.unix_millis().cast_signed()).collect();
    let ranges = block_ranges_of(grid, None, length_for(length_max));
    for (number, range) in (0..).zip(ranges) {
        let at = |millis: i64| times.partition_point(|time| *time < millis);
        let (from, to) = (at(range.begin), at(range.end));
        let id = BlockId::of_content((number, range.begin), [std::process::id(); 2]);
        let block = UnfinishedBlock::new(data, id, &|_| {})?;
        let mut sink = BlockSink::new(EncodedPart::new(block.folder(), range.begin)?);
        for GridSeries { labels, values } in series {
            let mut symbols = Vec::with_capacity(labels.len());
            for (name, value) in labels {
                symbols.push((sink.symbol(name)?, sink.symbol(value)?));
            }
            let to = to.min(values.len());
            let from = from.min(to);
            let is_continued = from.checked_sub(1).is_some_and(|before| !is_absent(values[before]));
            let samples = (&times[from..to], &values[from..to]);
            sink.put_floats(&symbols, samples, Staleness::Marked { is_continued })?;
        }
        sink.part.end()?;
        if let Some(written) = block.write(&MergedParts::new(vec![sink.part])?, range.begin)? {
            written.finish(data)?;
        }
    }
    Ok(())
}
