//! Means, quantiles, correlations and distances of distributions.

use std::f64::consts::FRAC_1_SQRT_2;

/// A count as a number.
#[expect(clippy::cast_precision_loss, reason = "counts of samples are below 2^53")]
pub(crate) fn number(count: usize) -> f64 {
    count as f64
}

/// A number from 0 on as an index.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
pub(crate) fn index(number: f64) -> usize {
    number as usize
}

pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / number(values.len().max(1))
}

/// The standard deviation around the mean.
pub(crate) fn deviation(values: &[f64]) -> f64 {
    let middle = mean(values);
    let squares: f64 = values.iter().map(|value| (value - middle) * (value - middle)).sum();
    libm::sqrt(squares / number(values.len().max(1)))
}

/// The value below which this share of sorted values is, linear in between; not a number without values.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let place = share * number(last);
    let below = index(place).min(last);
    let (from, to) = (sorted[below], sorted[(below + 1).min(last)]);
    from + (to - from) * (place - number(below))
}

/// The share of the quantiles 5, 25, 50, 75 and 95 % of two series that differ by no more than this.
#[must_use]
pub fn quantiles_agree(a: &[f64], b: &[f64], tolerance: f64) -> f64 {
    let [a, b] = [a, b].map(sorted);
    let agrees = |share: f64| (quantile(&a, share) - quantile(&b, share)).abs() <= tolerance;
    [0.05, 0.25, 0.5, 0.75, 0.95].map(|share| if agrees(share) { 0.2 } else { 0.0 }).iter().sum()
}

pub(crate) fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// The correlation of values with those `lag` places before; pairs with a gap (NaN) do not count. 0 without a pair.
pub(crate) fn autocorrelation(values: &[f64], lag: usize) -> f64 {
    let pairs = || {
        let later = values.get(lag..).unwrap_or_default();
        values.iter().zip(later).filter(|(a, b)| a.is_finite() && b.is_finite())
    };
    correlation(pairs().map(|(a, b)| (*a, *b)))
}

/// The correlation of pairs; 0 if one side does not vary.
pub(crate) fn correlation(pairs: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    let count = number(pairs.clone().count().max(1));
    let (sum_a, sum_b) = pairs.clone().fold((0.0, 0.0), |(x, y), (a, b)| (x + a, y + b));
    let (mean_a, mean_b) = (sum_a / count, sum_b / count);
    let (mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0);
    for (a, b) in pairs {
        aa += (a - mean_a) * (a - mean_a);
        bb += (b - mean_b) * (b - mean_b);
        ab += (a - mean_a) * (b - mean_b);
    }
    if aa <= 0.0 || bb <= 0.0 { 0.0 } else { ab / libm::sqrt(aa * bb) }
}

/// Value at 0 and slope of the line of least squares through weighted pairs. `None` if the first numbers do not vary.
pub(crate) fn least_squares(pairs: impl Iterator<Item = (f64, f64, f64)> + Clone) -> Option<(f64, f64)> {
    let (mut all, mut x, mut y) = (0.0, 0.0, 0.0);
    for (a, b, weight) in pairs.clone() {
        (all, x, y) = (all + weight, x + weight * a, y + weight * b);
    }
    let (x, y) = (x / all, y / all);
    let (mut along, mut squares) = (0.0, 0.0);
    for (a, b, weight) in pairs {
        along += weight * (a - x) * (b - y);
        squares += weight * (a - x) * (a - x);
    }
    let slope = along / squares;
    slope.is_finite().then_some((y - slope * x, slope))
}

/// The share of the standard normal distribution below a number.
pub(crate) fn normal_below(number: f64) -> f64 {
    0.5 * libm::erfc(-number * FRAC_1_SQRT_2)
}

/// The number below which this share of the standard normal distribution is: formula 26.2.23 of Abramowitz and Stegun,
/// "Handbook of Mathematical Functions", improved by one step of Newton's method.
pub(crate) fn normal_at(share: f64) -> f64 {
    let tail = share.min(1.0 - share).max(f64::MIN_POSITIVE);
    let t = libm::sqrt(-2.0 * libm::log(tail));
    let far = t
        - (2.515_517 + t * (0.802_853 + t * 0.010_328))
            / (1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308)));
    let density = libm::exp(-0.5 * far * far) / libm::sqrt(std::f64::consts::TAU);
    let far = far + (normal_below(-far) - tail) / density;
    if share < 0.5 { -far } else { far }
}

/// The largest distance between the distribution of sorted values and a distribution function (Kolmogorov and Smirnov), times
/// the square root of their number. Above 1.63 for one of a hundred samples of that distribution.
pub(crate) fn distance(sorted: &[f64], below: impl Fn(f64) -> f64) -> f64 {
    let count = number(sorted.len().max(1));
    let mut largest: f64 = 0.0;
    let mut from = 0;
    while from < sorted.len() {
        // Equal values are one step.
        let to = from + sorted[from..].partition_point(|value| value.total_cmp(&sorted[from]).is_le());
        let expected = below(sorted[from]);
        let gap = (number(to) / count - expected).abs().max((expected - number(from) / count).abs());
        largest = largest.max(gap);
        from = to;
    }
    largest * libm::sqrt(count)
}

/// A number with as many digits as differ when its scale changes by a thousandth.
pub(crate) fn rounded(number: f64, scale: f64) -> f64 {
    if scale <= 0.0 || !scale.is_finite() || !number.is_finite() {
        return number;
    }
    let decimals = 3.0 - libm::floor(libm::log10(scale));
    let shift = libm::pow(10.0, decimals.abs());
    let rounded = if decimals >= 0.0 {
        libm::round(number * shift) / shift
    } else {
        libm::round(number / shift) * shift
    };
    if rounded.is_finite() { rounded + 0.0 } else { number }
}

/// A number with four significant digits.
pub(crate) fn significant(number: f64) -> f64 {
    rounded(number, number.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_to_a_thousandth_of_their_scale() {
        for (number, scale, expected) in [
            (1_767_571_203.456, 3.0, 1_767_571_203.456),
            (1_767_571_203.456, 5e6, 1_767_571_000.0),
            (0.000_123_456, 0.000_123_456, 0.000_123_5),
            (50.004, 40.0, 50.0),
            (7.0, 0.0, 7.0),
        ] {
            assert!((rounded(number, scale) - expected).abs() < 1e-9 * expected, "{number} {scale}");
        }
    }

    #[test]
    fn normal_quantiles_invert_their_distribution() {
        for share in [1e-9, 0.01, 0.3, 0.5, 0.975, 0.999_999] {
            assert!((normal_below(normal_at(share)) - share).abs() < 1e-6 * share.max(1e-3), "{share}");
        }
    }

    #[test]
    fn quantiles_lie_between_neighbours() {
        let values = sorted(&[4.0, 1.0, 2.0]);
        let found = [0.0, 0.25, 0.5, 0.75, 1.0].map(|share| quantile(&values, share));
        assert_eq!(found.map(f64::to_bits), [1.0f64, 1.5, 2.0, 3.0, 4.0].map(f64::to_bits));
    }

    #[test]
    fn the_same_values_in_another_order_agree_and_none_never_do() {
        let values = |seed: u32| -> Vec<f64> { (0..101).map(|n: u32| f64::from(n * seed % 101)).collect() };
        assert!((quantiles_agree(&values(7), &values(31), 1e-9) - 1.0).abs() < 1e-9);
        assert!(quantiles_agree(&values(7), &[], 1e9).abs() < 1e-9);
    }

    #[test]
    fn gaps_are_no_pairs_of_a_correlation() {
        let values = [1.0, 2.0, f64::NAN, 9.0, 10.0, 11.0, 1.0];
        assert!((autocorrelation(&values, 0) - 1.0).abs() < 1e-12);
        let alternating: Vec<f64> = (0..50).map(|n| f64::from(n % 2)).collect();
        assert!((autocorrelation(&alternating, 1) + 1.0).abs() < 1e-9);
    }
}
