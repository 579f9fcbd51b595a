//! Values far from the median of training: the robust z of B. Iglewicz and D. Hoaglin, "How to Detect and Handle Outliers", 1993.

use crate::statistics::{mean, quantile, sorted};

/// The median of values, and their robust deviation; 0 if they do not vary.
pub(super) fn center_and_width(values: &[f64]) -> (f64, f64) {
    /// Makes a standard deviation of the median distance of a normal distribution, and of the mean distance.
    const OF_MEDIAN: f64 = 1.4826;
    const OF_MEAN: f64 = 1.253_314;
    let center = quantile(&sorted(values), 0.5);
    let distances: Vec<f64> = values.iter().map(|value| (value - center).abs()).collect();
    let median = quantile(&sorted(&distances), 0.5);
    // More than half of the values may be the same.
    let width = if median > 0.0 { OF_MEDIAN * median } else { OF_MEAN * mean(&distances) };
    (center, width)
}

/// `true` for each value that is more than `z` deviations away. Gaps are none, and nothing is where nothing varies.
pub(super) fn flags(values: &[f64], (center, width): (f64, f64), z: f64) -> Vec<bool> {
    values.iter().map(|value| width > 0.0 && (value - center).abs() > z * width).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spike_is_far_away_and_does_not_hide_itself() {
        let mut values: Vec<f64> = (0..99).map(|n| f64::from(n % 10)).collect();
        values.push(1e6);
        let flagged = flags(&values, center_and_width(&values), 6.0);
        assert_eq!(flagged.iter().filter(|flag| **flag).count(), 1);
        assert!(flagged[99]);
        let mut flat = vec![2.0; 50];
        flat[7] = 3.0;
        assert!(flags(&flat, center_and_width(&flat), 6.0)[7]);
        assert!(!flags(&[2.0, f64::NAN], center_and_width(&[2.0; 9]), 6.0).contains(&true));
    }
}
