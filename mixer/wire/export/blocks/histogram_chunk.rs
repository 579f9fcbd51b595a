//! Chunks of native histograms with whole counts (`HistogramChunk` in
//! <https://github.com/prometheus/prometheus/blob/main/tsdb/chunkenc/histogram.go>).
//!
//! A chunk has one layout: resolution and buckets. Its buckets are those that any of its samples uses, so buckets that fill
//! up later do not end it; another resolution, a reset and a staleness marker do.

use std::ops::Range;

use promemu_core::metric::{ABSENT, NativeBuckets, NativeHistogram, whole};

use super::bits::{BitWriter, FloatDelta};
use super::encoded::{ChunkEncoding, EncodedPart};
use super::float_chunk::SAMPLES_MAX;
use crate::export::stretches::Staleness;

/// Empty buckets between two spans, at least; fewer of them cost less than another span.
const GAP_MIN: i32 = 3;

/// Counter reset between two chunks, as a chunk's header has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ResetHint {
    Unknown = 0,
    None = 0b0100_0000,
    Some = 0b1000_0000,
}

/// One sample. The marker of staleness has no buckets.
#[derive(Debug)]
struct Sample<'a> {
    time: i64,
    /// `None` for a staleness marker.
    histogram: &'a Option<NativeHistogram<'a>>,
}

/// Appends the chunks of one series with these samples; `None` is no sample.
pub(super) fn put_histograms(
    times: &[i64],
    histograms: &[Option<NativeHistogram<'_>>],
    staleness: Staleness,
    out: &mut EncodedPart,
) {
    let mut is_kept = staleness.filter();
    let samples = times.iter().zip(histograms).filter(|(_, histogram)| is_kept(histogram.is_some()));
    let kept: Vec<Sample<'_>> = samples.map(|(time, histogram)| Sample { time: *time, histogram }).collect();
    let mut left = kept.as_slice();
    let mut header = ResetHint::Unknown;
    while !left.is_empty() {
        let (len, next) = chunk_len(left);
        put_chunk(&left[..len], header, out);
        (left, header) = (&left[len..], next);
    }
}

/// Number of the first samples that fit one chunk, and the header of the chunk after them.
fn chunk_len(samples: &[Sample<'_>]) -> (usize, ResetHint) {
    for (n, pair) in samples.windows(2).enumerate().take(SAMPLES_MAX - 1) {
        let cut = match (pair[0].histogram, pair[1].histogram) {
            (None, Some(_)) => Some(ResetHint::Unknown),
            (Some(before), Some(after)) if before.schema != after.schema => Some(ResetHint::Unknown),
            (Some(before), Some(after)) if is_reset(before, after) => Some(ResetHint::Some),
            _ => None,
        };
        if let Some(reset) = cut {
            return (n + 1, reset);
        }
    }
    (samples.len().min(SAMPLES_MAX), ResetHint::None)
}

/// `true` if any count fell.
fn is_reset(before: &NativeHistogram<'_>, after: &NativeHistogram<'_>) -> bool {
    let fell = |before: NativeBuckets<'_>, after: NativeBuckets<'_>| {
        before.populated().any(|(bucket, count)| count_of(after, bucket) < whole(count))
    };
    after.count < before.count
        || after.zero_count < before.zero_count
        || fell(before.positive, after.positive)
        || fell(before.negative, after.negative)
}

fn count_of(buckets: NativeBuckets<'_>, bucket: i32) -> u64 {
    let place = usize::try_from(bucket - buckets.first).ok();
    whole(place.and_then(|place| buckets.counts.get(place)).copied().unwrap_or(0.0))
}

fn put_chunk(samples: &[Sample<'_>], reset: ResetHint, out: &mut EncodedPart) {
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else { return };
    let histograms = || samples.iter().filter_map(|sample| sample.histogram.as_ref());
    let (schema, zero_threshold) =
        histograms().next().map_or((0, 0.0), |histogram| (histogram.schema, histogram.zero_threshold));
    let spans = [
        spans(histograms().map(|histogram| histogram.positive)),
        spans(histograms().map(|histogram| histogram.negative)),
    ];
    let mut bits = BitWriter::default();
    put_zero_threshold(zero_threshold, &mut bits);
    bits.put_varbit_int(i64::from(schema));
    for spans in &spans {
        put_spans(spans, &mut bits);
    }
    let buckets: usize = spans.iter().flatten().map(ExactSizeIterator::len).sum();
    let mut chunk = ChunkWriter { bits, spans, numbers: vec![Delta::default(); 3 + buckets], sum: None };
    for sample in samples {
        chunk.put(sample);
    }
    let count = u16::try_from(samples.len()).unwrap_or(u16::MAX);
    let [high, low] = count.to_be_bytes();
    let head = [high, low, reset as u8];
    out.put_chunk(ChunkEncoding::Histogram, [&head, chunk.bits.finish()], (first.time, last.time), count);
}

/// The state of a chunk that is written.
struct ChunkWriter {
    bits: BitWriter,
    /// Those of the positive and the negative buckets.
    spans: [Vec<Range<i32>>; 2],
    /// Time, count, zero count, and each bucket less the one before it.
    numbers: Vec<Delta>,
    sum: Option<FloatDelta>,
}

/// A whole number and its change, as of the last sample.
#[derive(Clone, Copy, Debug, Default)]
struct Delta {
    number: i64,
    change: i64,
}

impl Delta {
    /// The change of the change, which is what is written.
    fn next(&mut self, number: i64) -> i64 {
        let change = number.wrapping_sub(self.number);
        let difference = change.wrapping_sub(self.change);
        *self = Self { number, change };
        difference
    }
}

impl ChunkWriter {
    fn put(&mut self, sample: &Sample<'_>) {
        let Some(histogram) = &sample.histogram else { return self.put_stale(sample.time) };
        let Self { bits, spans, numbers, sum } = self;
        let counts = [whole(histogram.count), whole(histogram.zero_count)];
        let [time, count, zero_count, buckets @ ..] = numbers.as_mut_slice() else { return };
        let mut places = [time, count, zero_count];
        let head = [sample.time, counts[0].cast_signed(), counts[1].cast_signed()];
        let Some(sum) = sum else {
            for (place, number) in places.iter_mut().zip(head) {
                place.number = number;
            }
            bits.put_varbit_int(sample.time);
            for count in counts {
                bits.put_varbit_uint(count);
            }
            *sum = Some(FloatDelta::first(histogram.sum, bits));
            for (place, number) in buckets.iter_mut().zip(bucket_deltas(spans, histogram)) {
                place.number = number;
                bits.put_varbit_int(number);
            }
            return;
        };
        for (place, number) in places.iter_mut().zip(head) {
            bits.put_varbit_int(place.next(number));
        }
        sum.put(histogram.sum, bits);
        for (place, number) in buckets.iter_mut().zip(bucket_deltas(spans, histogram)) {
            bits.put_varbit_int(place.next(number));
        }
    }

    /// A staleness marker: the counts do not change, and there are no buckets in it.
    fn put_stale(&mut self, at: i64) {
        let Self { bits, numbers, sum, .. } = self;
        match sum {
            None => {
                numbers[0].number = at;
                bits.put_varbit_int(at);
                bits.put_varbit_uint(0);
                bits.put_varbit_uint(0);
                *sum = Some(FloatDelta::first(ABSENT, bits));
            }
            Some(sum) => {
                bits.put_varbit_int(numbers[0].next(at));
                bits.put_varbit_int(0);
                bits.put_varbit_int(0);
                sum.put(ABSENT, bits);
            }
        }
    }
}

/// Each bucket's count less that of the bucket before it.
fn bucket_deltas(spans: &[Vec<Range<i32>>; 2], histogram: &NativeHistogram<'_>) -> impl Iterator<Item = i64> {
    let signs = spans.iter().zip([histogram.positive, histogram.negative]);
    signs.flat_map(|(spans, buckets)| {
        let mut last = 0;
        spans.iter().flat_map(Clone::clone).map(move |bucket| {
            let count = count_of(buckets, bucket).cast_signed();
            count - std::mem::replace(&mut last, count)
        })
    })
}

/// The buckets that any of these histograms uses, as ranges.
fn spans<'a>(histograms: impl Iterator<Item = NativeBuckets<'a>>) -> Vec<Range<i32>> {
    let mut used: Vec<i32> = histograms
        .flat_map(|buckets| buckets.populated().map(|(bucket, _)| bucket).collect::<Vec<_>>())
        .collect();
    used.sort_unstable();
    used.dedup();
    let mut spans: Vec<Range<i32>> = Vec::new();
    for bucket in used {
        match spans.last_mut() {
            Some(span) if bucket - span.end < GAP_MIN => span.end = bucket + 1,
            _ => spans.push(bucket..bucket + 1),
        }
    }
    spans
}

fn put_spans(spans: &[Range<i32>], bits: &mut BitWriter) {
    bits.put_varbit_uint(spans.len() as u64);
    let mut end = 0;
    for span in spans {
        bits.put_varbit_uint(span.len() as u64);
        bits.put_varbit_int(i64::from(span.start - end));
        end = span.end;
    }
}

/// One byte for 0 and the usual powers of two, else nine.
fn put_zero_threshold(threshold: f64, bits: &mut BitWriter) {
    const EXPONENTS: std::ops::RangeInclusive<i32> = -242..=11;
    const OFFSET: i32 = 243;
    let (fraction, exponent) = libm::frexp(threshold);
    let code = u8::try_from(exponent + OFFSET)
        .ok()
        .filter(|_| fraction.to_bits() == 0.5f64.to_bits() && EXPONENTS.contains(&exponent));
    match code {
        _ if threshold == 0.0 => bits.put_byte(0),
        Some(code) => bits.put_byte(code),
        None => {
            bits.put_byte(255);
            bits.put(threshold.to_bits(), 64);
        }
    }
}
