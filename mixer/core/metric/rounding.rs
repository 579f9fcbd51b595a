//! Rounding of values to decimals.

/// Rounds to a number of decimals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rounding {
    scale: f64,
}

impl Rounding {
    /// The most decimals that a value may be rounded to.
    pub const MAX_DECIMALS: u8 = 15;

    /// Rounding to `decimals` decimals, at most [`Self::MAX_DECIMALS`].
    #[must_use]
    pub fn to_decimals(decimals: u8) -> Self {
        Self { scale: (0..decimals.min(Self::MAX_DECIMALS)).fold(1.0, |scale, _| scale * 10.0) }
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
    use super::*;

    #[test]
    fn rounding_leaves_huge_and_odd_values_alone() {
        let rounding = Rounding::to_decimals(2);
        assert_eq!(rounding.round(1e300).to_bits(), 1e300f64.to_bits());
        assert_eq!(rounding.round(f64::INFINITY).to_bits(), f64::INFINITY.to_bits());
        assert!(rounding.round(f64::NAN).is_nan());
    }
}
