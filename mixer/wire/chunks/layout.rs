//! The layout that all histograms of a chunk share.

use super::bit_reader::BitReader;
use crate::samples::{CUSTOM_SCHEMA, HistogramSample};

/// The two bits of a chunk's flags that say whether counts were reset; both are set for gauges.
const GAUGE: u8 = 0b1100_0000;
/// Number of spans, at most.
const SPANS_MAX: u64 = 1 << 16;
/// Number of buckets, at most.
const BUCKETS_MAX: u32 = 1 << 20;

/// A chunk of histograms, behind its head.
struct HistogramChunk<'a> {
    bits: BitReader<'a>,
    samples: u16,
    layout: Layout,
}

/// The numbers of a sample, from which the next sample goes on.
pub(super) trait SampleState: Sized {
    /// The first sample of a chunk; `None` if it is cut off.
    fn first(layout: &Layout, bits: &mut BitReader<'_>) -> Option<Self>;

    /// Goes on to the next sample; `None` if it is cut off.
    fn next(&mut self, bits: &mut BitReader<'_>) -> Option<()>;

    /// Its time, in milliseconds since the Unix epoch.
    fn at(&self) -> i64;

    /// Its value.
    fn sample(&self, layout: &Layout) -> HistogramSample;
}

/// Takes the samples of a chunk; `None` if it is cut off.
pub(super) fn read<S: SampleState>(data: &[u8], take: &mut dyn FnMut(i64, HistogramSample)) -> Option<()> {
    let HistogramChunk { mut bits, samples, layout } = HistogramChunk::new(data)?;
    let mut state: Option<S> = None;
    for _ in 0..samples {
        let state = match &mut state {
            None => state.insert(S::first(&layout, &mut bits)?),
            Some(state) => {
                state.next(&mut bits)?;
                state
            }
        };
        take(state.at(), state.sample(&layout));
    }
    Some(())
}

/// Resolution and buckets.
pub(super) struct Layout {
    is_gauge: bool,
    schema: i32,
    zero_threshold: f64,
    bounds: Vec<f64>,
    /// Gaps and lengths: of positive and negative buckets.
    pub(super) spans: [Vec<(i32, u32)>; 2],
    /// Number of positive, and of negative buckets.
    pub(super) buckets: [usize; 2],
}

impl<'a> HistogramChunk<'a> {
    fn new(data: &'a [u8]) -> Option<Self> {
        let ([high, low, flags], data) = data.split_first_chunk()?;
        let mut bits = BitReader::new(data);
        let samples = u16::from_be_bytes([*high, *low]);
        let zero_threshold = zero_threshold(&mut bits)?;
        let schema = i32::try_from(bits.varbit_int()?).ok()?;
        let spans = [spans(&mut bits)?, spans(&mut bits)?];
        let mut bounds = Vec::new();
        if schema == CUSTOM_SCHEMA {
            for _ in 0..bits.varbit_uint()?.min(u64::from(BUCKETS_MAX)) {
                bounds.push(custom_bound(&mut bits)?);
            }
        }
        let count = |spans: &[(i32, u32)]| {
            let sum = spans.iter().try_fold(0u32, |sum, (_, length)| sum.checked_add(*length))?;
            usize::try_from(sum).ok().filter(|_| sum <= BUCKETS_MAX)
        };
        let buckets = [count(&spans[0])?, count(&spans[1])?];
        let is_gauge = flags & GAUGE == GAUGE;
        let layout = Layout { is_gauge, schema, zero_threshold, bounds, spans, buckets };
        Some(Self { bits, samples, layout })
    }
}

impl Layout {
    /// A histogram without counts.
    pub(super) fn empty(&self, sum: f64) -> HistogramSample {
        HistogramSample {
            schema: self.schema,
            zero_threshold: self.zero_threshold,
            sum,
            bounds: self.bounds.clone(),
            is_gauge: self.is_gauge,
            ..HistogramSample::default()
        }
    }
}

fn spans(bits: &mut BitReader<'_>) -> Option<Vec<(i32, u32)>> {
    let count = bits.varbit_uint()?;
    let mut spans = Vec::new();
    for _ in 0..count.min(SPANS_MAX) {
        let length = u32::try_from(bits.varbit_uint()?).ok()?;
        spans.push((i32::try_from(bits.varbit_int()?).ok()?, length));
    }
    Some(spans)
}

fn zero_threshold(bits: &mut BitReader<'_>) -> Option<f64> {
    match bits.bits(8)? {
        0 => Some(0.0),
        255 => bits.float(),
        code => Some(libm::ldexp(0.5, i32::try_from(code).ok()? - 243)),
    }
}

/// Thousandths plus one, or 0 and a float.
#[expect(clippy::cast_precision_loss, reason = "thousandths are few")]
fn custom_bound(bits: &mut BitReader<'_>) -> Option<f64> {
    match bits.varbit_uint()? {
        0 => bits.float(),
        thousandths => Some((thousandths - 1) as f64 / 1000.0),
    }
}
