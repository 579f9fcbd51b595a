//! Chunks of a Prometheus' storage, read: floats, native histograms with whole counts, and with float counts
//! (<https://github.com/prometheus/prometheus/blob/main/tsdb/docs/format/chunks.md>).
//!
//! Remote read streams them, and blocks hold them. Their writer is in [`crate::export`].

mod bit_reader;
mod float;
mod float_histogram;
mod histogram;
mod layout;
#[cfg(test)]
mod tests;

use crate::samples::SampleValue;

/// Calls `take` for each sample of a chunk: milliseconds since the Unix epoch, and the value.
///
/// # Errors
///
/// In words: the chunk is broken, or of an encoding that is not known. Samples before that place have been passed on.
pub fn read_chunk(encoding: i32, data: &[u8], take: &mut dyn FnMut(i64, SampleValue)) -> Result<(), String> {
    let mut take_histogram = |at, histogram| take(at, SampleValue::Histogram(Box::new(histogram)));
    let read = match encoding {
        1 => float::read(data, &mut |at, value| take(at, SampleValue::Float(value))),
        2 => layout::read::<histogram::State>(data, &mut take_histogram),
        3 => layout::read::<float_histogram::State>(data, &mut take_histogram),
        other => return Err(format!("chunk has the encoding {other}, which is not known")),
    };
    read.ok_or_else(|| "chunk is cut off".to_owned())
}
