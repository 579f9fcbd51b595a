//! One chart: the curves of a family, and the marks of events below them.

use std::ops::RangeInclusive;

use super::axis::Unit;
use super::marks::Marks;
use super::strip::Strip;

/// The chart of one family.
#[derive(Debug)]
pub(super) struct Chart {
    pub(super) name: String,
    /// The calculation of its curves; empty if they are the values themselves.
    pub(super) reading: String,
    pub(super) help: String,
    pub(super) unit: Unit,
    /// All curves, each with a value for each time of the grid; NaN is a gap.
    pub(super) curves: Vec<Curve>,
    pub(super) marks: Vec<Marks>,
    /// The faults that concern its series.
    pub(super) faults: Vec<Strip>,
}

/// The curve of one series, or of a quantile.
#[derive(Debug)]
pub(super) struct Curve {
    pub(super) label: String,
    pub(super) values: Vec<f64>,
}

/// Many curves as one: the lowest value, the median and the highest value at each time.
#[derive(Debug)]
pub(super) struct Band {
    pub(super) low: Vec<f64>,
    pub(super) median: Vec<f64>,
    pub(super) high: Vec<f64>,
}

impl Chart {
    /// The lowest and the highest value; `None` without values.
    pub(super) fn extent(&self) -> Option<(f64, f64)> {
        let values =
            self.curves.iter().flat_map(|curve| &curve.values).copied().filter(|value| !value.is_nan());
        values.fold(None, |extent, value| {
            let (low, high) = extent.unwrap_or((value, value));
            Some((value.min(low), value.max(high)))
        })
    }

    /// The band of its curves.
    pub(super) fn band(&self) -> Band {
        let count = self.curves.first().map_or(0, |curve| curve.values.len());
        let mut band = Band { low: Vec::new(), median: Vec::new(), high: Vec::new() };
        let mut values = Vec::new();
        for at in 0..count {
            values.clear();
            values.extend(self.curves.iter().map(|curve| curve.values[at]).filter(|value| !value.is_nan()));
            band.median.push(median(&mut values));
            band.low.push(values.first().copied().unwrap_or(f64::NAN));
            band.high.push(values.last().copied().unwrap_or(f64::NAN));
        }
        band
    }
}

/// The ranges in which a curve has values, without a gap.
pub(super) fn stretches(values: &[f64]) -> Vec<RangeInclusive<usize>> {
    let mut stretches: Vec<RangeInclusive<usize>> = Vec::new();
    for (n, _) in values.iter().enumerate().filter(|(_, value)| !value.is_nan()) {
        match stretches.last_mut() {
            Some(last) if last.end() + 1 == n => *last = *last.start()..=n,
            _ => stretches.push(n..=n),
        }
    }
    stretches
}

/// Sorts the values, and returns their median; NaN without values.
pub(super) fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let at = |place: usize| values.get(place).copied().unwrap_or(f64::NAN);
    f64::midpoint(at(values.len().saturating_sub(1) / 2), at(values.len() / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_lie_between_gaps() {
        assert_eq!(stretches(&[f64::NAN, 1.0, 2.0, f64::NAN, 3.0]), [1..=2, 4..=4]);
    }
}
