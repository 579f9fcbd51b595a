//! Rounding of values to decimals.

/// The fewest decimals of a metric whose config says none.
const DECIMALS_MIN: u8 = 2;
/// More decimals at the end of a range are the result of a calculation.
const WRITTEN_DECIMALS_MAX: usize = 9;
/// The largest power of ten that is exact.
const SCALE_MAX: f64 = 1e22;

/// Decimals of a number as a person writes it; `None` for a number with more.
fn written_decimals(number: f64) -> Option<u8> {
    let text = number.to_string();
    let decimals = text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    u8::try_from(decimals).ok().filter(|_| decimals <= WRITTEN_DECIMALS_MAX)
}

/// Rounds to a number of decimals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rounding {
    scale: f64,
}

impl Rounding {
    /// The most decimals that a value may be rounded to.
    pub const MAX_DECIMALS: u8 = 15;

    /// No rounding: each value stays as it is.
    pub const NONE: Self = Self { scale: f64::INFINITY };

    /// Rounding to `decimals` decimals, at most [`Self::MAX_DECIMALS`].
    #[must_use]
    pub fn to_decimals(decimals: u8) -> Self {
        Self { scale: (0..decimals.min(Self::MAX_DECIMALS)).fold(1.0, |scale, _| scale * 10.0) }
    }

    /// The rounding of a metric whose config says none: it keeps the ends of its range as a person writes them, and at
    /// least 100 steps between them. 2 decimals are the fewest.
    #[must_use]
    pub fn for_values((low, high): (f64, f64)) -> Self {
        let written = [low, high].map(written_decimals).into_iter().flatten().max();
        // A little less than 100, since widths are differences of rounded numbers.
        Self::to_decimals(DECIMALS_MIN.max(written.unwrap_or(0))).with_steps(99.9, high - low)
    }

    /// The rounding of a total whose config says none, and that grows by this much at most: the growth has at least 10
    /// steps. 2 decimals are the fewest.
    #[must_use]
    pub fn for_growth(most: f64) -> Self {
        Self::to_decimals(DECIMALS_MIN).with_steps(10.0, most)
    }

    fn with_steps(self, steps: f64, width: f64) -> Self {
        let mut scale = self.scale;
        while width > 0.0 && width * scale < steps && scale < SCALE_MAX {
            scale *= 10.0;
        }
        Self { scale }
    }

    /// The lowest and the highest number of a range that stay as they are; `None` if there is none.
    #[must_use]
    pub fn fixed_within(self, (low, high): (f64, f64)) -> Option<(f64, f64)> {
        let step = 1.0 / self.scale;
        let (lowest, highest) = (self.round(low), self.round(high));
        let lowest = if lowest < low { self.round(lowest + step) } else { lowest };
        let highest = if highest > high { self.round(highest - step) } else { highest };
        (lowest <= highest && lowest >= low && highest <= high).then_some((lowest, highest))
    }

    /// `true` if rounding makes all values of a range equal.
    #[must_use]
    pub fn hides(self, (low, high): (f64, f64)) -> bool {
        low < high && self.round(low).to_bits() == self.round(high).to_bits()
    }

    /// The rounded value. A value too large to have decimals stays unchanged.
    #[must_use]
    #[inline]
    pub fn round(self, value: f64) -> f64 {
        // Adding and subtracting 1.5 · 2^52 rounds to the nearest whole number, half to even.
        const WHOLES: f64 = 6_755_399_441_055_744.0;
        let scaled = value * self.scale;
        if scaled.abs() < 2_251_799_813_685_248.0 { (scaled + WHOLES - WHOLES) / self.scale } else { value }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "rounded values are exact")]

    use super::*;

    #[test]
    fn decimals_follow_from_the_range() {
        let shown = |range, value: f64| Rounding::for_values(range).round(value);
        assert_eq!(shown((0.0, 100.0), 12.345_678), 12.35);
        assert_eq!(shown((0.0, f64::INFINITY), 12.345_678), 12.35);
        assert_eq!(shown((0.001, 0.009), 0.001_234_5), 0.001_23);
        assert_eq!(shown((0.001, 5.0), 0.001_234), 0.001);
        assert_eq!(shown((2e-9, 7e-9), 2.345_678e-9), 2.35e-9);
        assert_eq!(shown((1.0 / 3.0, 100.0), 12.345_678), 12.35);
        assert_eq!(Rounding::for_growth(0.2).round(12.345_678), 12.35);
        assert_eq!(Rounding::for_growth(0.009).round(12.345_678), 12.345_7);
    }

    #[test]
    fn numbers_within_a_range_stay_in_it_when_rounded() {
        let whole = Rounding::to_decimals(0);
        assert_eq!(whole.fixed_within((0.5, 3.4)), Some((1.0, 3.0)));
        assert_eq!(whole.fixed_within((-0.4, f64::INFINITY)), Some((0.0, f64::INFINITY)));
        assert_eq!(whole.fixed_within((5.3, 5.7)), None);
        assert_eq!(Rounding::to_decimals(1).fixed_within((0.125, 0.5)), Some((0.2, 0.5)));
    }

    #[test]
    fn rounding_leaves_huge_and_odd_values_alone() {
        for value in [0.0, -0.0, 0.1 + 0.2, -1.0 / 3.0, 1e300] {
            assert_eq!(Rounding::NONE.round(value).to_bits(), value.to_bits());
        }
        let rounding = Rounding::to_decimals(2);
        assert_eq!(rounding.round(1e300).to_bits(), 1e300f64.to_bits());
        assert_eq!(rounding.round(f64::INFINITY).to_bits(), f64::INFINITY.to_bits());
        assert!(rounding.round(f64::NAN).is_nan());
    }
}
