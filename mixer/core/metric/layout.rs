//! The meaning of a series' cells.
//!
//! First come the cells of its kind, then those of an exemplar, then the created time, as far as the series has
//! them. [`ABSENT`] in the very first cell means that the series has no sample.

use std::sync::Arc;

use super::native::{NativeHistogram, NativeLayout};
use crate::rng::{Rng, Seed};

/// The mark in a series' first cell that it has no sample. The bits are those of Prometheus' staleness marker
/// (`model/value` in prometheus/prometheus), so no calculation yields them by accident.
pub const ABSENT: f64 = f64::from_bits(0x7ff0_0000_0000_0002);

/// `true` if the cell is [`ABSENT`].
#[must_use]
pub const fn is_absent(cell: f64) -> bool {
    cell.to_bits() == ABSENT.to_bits()
}

/// The meaning of a series' cells. Series of one metric share it.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// The content of a series.
    pub kind: Kind,
    /// `true` if cells for an exemplar follow.
    pub has_exemplar: bool,
    /// `true` if a cell for the created time follows, in seconds since the Unix epoch.
    pub has_created: bool,
}

impl Layout {
    /// The number that a person reads in the cells of a series: its value, or the number of its observations. `None` without a
    /// sample, or if it is not finite.
    #[must_use]
    pub fn shown(&self, cells: &[f64]) -> Option<f64> {
        Some(self.number(cells)).filter(|number| number.is_finite())
    }

    /// The same number, whatever it is; [`ABSENT`] without a sample.
    #[must_use]
    pub fn number(&self, cells: &[f64]) -> f64 {
        match &self.kind {
            Kind::Histogram { bounds } if !is_absent(cells[0]) => buckets(bounds, cells).count(),
            // A native histogram's and a summary's first cell is their number of observations.
            _ => cells[0],
        }
    }
}

/// The content of a series, and the order of its cells.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// One number: gauges, counters, and infos, where it is 1.
    Value,
    /// A count per bucket, not cumulative, the last bucket up to `+Inf`; then the sum.
    Histogram {
        /// The upper bounds in ascending order, without `+Inf`.
        bounds: Arc<[f64]>,
    },
    /// See [`NativeHistogram`].
    NativeHistogram(NativeLayout),
    /// The count, the sum, and the value at each quantile: NaN without recent observations.
    Summary {
        /// The quantiles in ascending order.
        quantiles: Arc<[f64]>,
    },
    /// The index of the active state.
    StateSet {
        /// The states' names.
        states: Arc<[Arc<str>]>,
    },
}

/// One observation with the id of a trace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exemplar {
    /// 52 random bits, from which the trace id and the span id follow.
    id: u64,
    /// The observed value.
    pub value: f64,
    /// The time of the observation, in seconds since the Unix epoch.
    pub unix_secs: f64,
}

impl Exemplar {
    /// Number of cells: the id, the value, the time.
    pub const CELLS: usize = 3;

    /// The label names.
    pub const LABELS: [&str; 2] = ["trace_id", "span_id"];

    /// The trace id: 16 bytes in hexadecimal digits.
    #[must_use]
    pub fn trace_id(&self) -> [u8; 32] {
        let seed = self.seed();
        let mut id = [0; 32];
        id[..16].copy_from_slice(&hexadecimal(seed.child("trace high").rng().next_u64()));
        id[16..].copy_from_slice(&hexadecimal(seed.child("trace low").rng().next_u64()));
        id
    }

    /// The span id: 8 bytes in hexadecimal digits.
    #[must_use]
    pub fn span_id(&self) -> [u8; 16] {
        hexadecimal(self.seed().child("span").rng().next_u64())
    }

    const fn seed(&self) -> Seed {
        Seed::new(self.id)
    }

    /// Writes an exemplar with a new id.
    pub(super) fn put(cells: &mut [f64], value: f64, unix_secs: f64, rng: &mut Rng) {
        // Whole numbers below this are exact in a cell.
        const ID_END: f64 = 4_503_599_627_370_496.0;
        cells[..Self::CELLS].copy_from_slice(&[libm::floor(rng.unit() * ID_END), value, unix_secs]);
    }
}

fn hexadecimal(number: u64) -> [u8; 16] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut digits = [0; 16];
    for (pair, byte) in digits.as_chunks_mut::<2>().0.iter_mut().zip(number.to_be_bytes()) {
        *pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 0xf)]];
    }
    digits
}

/// A view of a classic histogram's cells.
#[derive(Clone, Copy, Debug)]
pub struct Buckets<'a> {
    /// The upper bounds, without `+Inf`.
    pub bounds: &'a [f64],
    /// The count of each bucket, not cumulative; the last bucket is up to `+Inf`.
    pub counts: &'a [f64],
    /// The sum of all observations.
    pub sum: f64,
}

impl Buckets<'_> {
    /// Number of observations.
    #[must_use]
    pub fn count(&self) -> f64 {
        self.counts.iter().sum()
    }

    /// The bucket that holds this value.
    #[must_use]
    pub fn bucket_of(&self, value: f64) -> usize {
        self.bounds.partition_point(|bound| *bound < value)
    }
}

/// A view of a summary's cells.
#[derive(Clone, Copy, Debug)]
pub struct Quantiles<'a> {
    /// The quantiles.
    pub quantiles: &'a [f64],
    /// The value at each quantile.
    pub values: &'a [f64],
    /// Number of observations.
    pub count: f64,
    /// Their sum.
    pub sum: f64,
}

impl Layout {
    /// The layout of a single number.
    #[must_use]
    pub const fn value() -> Self {
        Self::plain(Kind::Value)
    }

    /// The layout of a classic histogram.
    #[must_use]
    pub const fn histogram(bounds: Arc<[f64]>) -> Self {
        Self::plain(Kind::Histogram { bounds })
    }

    /// A layout without an exemplar and a created time.
    #[must_use]
    pub const fn plain(kind: Kind) -> Self {
        Self { kind, has_exemplar: false, has_created: false }
    }

    /// Number of cells of a series.
    #[must_use]
    #[inline]
    pub fn width(&self) -> usize {
        self.kind.width()
            + if self.has_exemplar { Exemplar::CELLS } else { 0 }
            + usize::from(self.has_created)
    }

    /// Number of series that Prometheus makes of it. The created time is not counted: few formats make a series of it.
    #[must_use]
    pub fn series(&self) -> usize {
        match &self.kind {
            Kind::Value | Kind::NativeHistogram(_) => 1,
            Kind::Histogram { bounds } => bounds.len() + 3,
            Kind::Summary { quantiles } => quantiles.len() + 2,
            Kind::StateSet { states } => states.len(),
        }
    }

    /// The exemplar, once there is one.
    #[must_use]
    pub fn exemplar(&self, cells: &[f64]) -> Option<Exemplar> {
        if !self.has_exemplar {
            return None;
        }
        let [id, value, unix_secs] = *cells[self.kind.width()..].first_chunk()?;
        // Before the first observation the cells are 0.
        (unix_secs > 0.0).then_some(Exemplar { id: whole(id), value, unix_secs })
    }

    /// The created time, in seconds since the Unix epoch.
    #[must_use]
    pub fn created_unix_secs(&self, cells: &[f64]) -> Option<f64> {
        if self.has_created { cells.last().copied() } else { None }
    }
}

impl Kind {
    /// Number of cells, without those for an exemplar and the created time.
    #[must_use]
    #[inline]
    pub fn width(&self) -> usize {
        match self {
            Self::Value | Self::StateSet { .. } => 1,
            Self::Histogram { bounds } => bounds.len() + 2,
            Self::NativeHistogram(layout) => layout.width(),
            Self::Summary { quantiles } => quantiles.len() + 2,
        }
    }
}

/// The cells of a classic histogram with these bounds.
#[must_use]
#[inline]
pub fn buckets<'a>(bounds: &'a [f64], cells: &'a [f64]) -> Buckets<'a> {
    let (counts, rest) = cells.split_at(bounds.len() + 1);
    Buckets { bounds, counts, sum: rest[0] }
}

/// The cells of a summary with these quantiles.
#[must_use]
pub fn quantiles<'a>(quantiles: &'a [f64], cells: &'a [f64]) -> Quantiles<'a> {
    Quantiles { quantiles, values: &cells[2..2 + quantiles.len()], count: cells[0], sum: cells[1] }
}

/// The cells of a native histogram.
#[must_use]
pub fn native_histogram<'a>(layout: &NativeLayout, cells: &'a [f64]) -> NativeHistogram<'a> {
    NativeHistogram::of(layout, cells)
}

/// A cell as a whole number. A negative cell gives 0.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
pub const fn whole(cell: f64) -> u64 {
    cell as u64
}
