//! The spread of observations whose distribution is known at some values: at the bounds of buckets, or at quantiles.

use promemu_core::metric::Distribution;

use crate::call::{Call, Term, Value};
use crate::statistics::{least_squares, normal_at, number, significant};

/// The 99th percentile of the standard normal distribution.
const NORMAL_P99: f64 = 2.326_347_874_040_841;
/// Shares nearer to 0 or 1 are noise.
const SHARE_MIN: f64 = 0.000_5;

/// A spread and its distance from the points.
#[derive(Debug)]
pub(crate) struct Spread {
    pub(crate) call: Call,
    pub(crate) distribution: Distribution,
    /// The largest difference of a share, from 0 to 1.
    pub(crate) off: f64,
}

/// The spread that is nearest to points: values in ascending order, and the share of observations up to each. Without two points
/// that say something, all observations are near their mean.
pub(crate) fn nearest(points: &[(f64, f64)], mean: f64) -> Spread {
    let told: Vec<(f64, f64)> = points
        .iter()
        .copied()
        .filter(|(value, share)| value.is_finite() && (SHARE_MIN..=1.0 - SHARE_MIN).contains(share))
        .collect();
    let mut best: Option<Spread> = None;
    for (median, p99, kind) in candidates(&told) {
        let Some(spread) = spread(kind, median, p99, points) else { continue };
        // The simpler one comes first, and is kept unless another is clearly nearer.
        if best.as_ref().is_none_or(|best| spread.off < 0.8 * best.off) {
            best = Some(spread);
        }
    }
    best.unwrap_or_else(|| {
        let (median, p99) = if mean > 0.0 { (mean, mean * 1.05) } else { (mean, mean + 1e-9) };
        let (kind, distribution) = if mean > 0.0 {
            (Kind::LogNormal, Distribution::lognormal(median, p99))
        } else {
            (Kind::Normal, Distribution::normal(median, p99))
        };
        Spread { call: call(kind, median, p99), distribution, off: 0.0 }
    })
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    LogNormal,
    Exponential,
    Normal,
    Bimodal(f64),
}

/// Medians and 99th percentiles of the kinds, by least squares over the points.
fn candidates(told: &[(f64, f64)]) -> Vec<(f64, f64, Kind)> {
    let mut candidates = Vec::new();
    let is_positive = told.iter().all(|(value, _)| *value > 0.0);
    let scores: Vec<(f64, f64)> = told.iter().map(|(value, share)| (normal_at(*share), *value)).collect();
    if told.len() >= 2 && is_positive {
        let logs: Vec<(f64, f64)> = scores.iter().map(|(score, value)| (*score, libm::log(*value))).collect();
        let (middle, deviation) = line(&logs);
        candidates.push((libm::exp(middle), libm::exp(middle + NORMAL_P99 * deviation), Kind::LogNormal));
    }
    if !told.is_empty() && is_positive {
        let (along, squares) = told.iter().fold((0.0, 0.0), |(along, squares), (value, share)| {
            let turns = -libm::log1p(-share);
            (along + turns * value, squares + turns * turns)
        });
        candidates.push((std::f64::consts::LN_2 * along / squares, f64::NAN, Kind::Exponential));
    }
    if told.len() >= 2 {
        let (middle, deviation) = line(&scores);
        candidates.push((middle, middle + NORMAL_P99 * deviation, Kind::Normal));
    }
    if told.len() >= 3 && is_positive {
        for share in [0.05, 0.1, 0.2, 0.3] {
            candidates.push((value_at(told, 0.5), value_at(told, 0.99), Kind::Bimodal(share)));
        }
    }
    candidates
}

/// The value up to which this share of observations is, as straight lines between the points tell.
fn value_at(points: &[(f64, f64)], share: f64) -> f64 {
    let after = points.partition_point(|(_, own)| *own < share).clamp(1, points.len() - 1);
    let ((from, low), (to, high)) = (points[after - 1], points[after]);
    if high > low { from + (to - from) * (share - low) / (high - low) } else { to }
}

/// Value at 0 and slope of the line of least squares; level at their mean where all are at one place.
fn line(points: &[(f64, f64)]) -> (f64, f64) {
    let even = points.iter().map(|(a, b)| (*a, *b, 1.0));
    least_squares(even)
        .unwrap_or_else(|| (points.iter().map(|(_, b)| b).sum::<f64>() / number(points.len()), 0.0))
}

fn spread(kind: Kind, median: f64, p99: f64, points: &[(f64, f64)]) -> Option<Spread> {
    let distribution = match kind {
        Kind::LogNormal => Distribution::lognormal(median, p99),
        Kind::Exponential => Distribution::exponential(median),
        Kind::Normal => Distribution::normal(median, p99),
        Kind::Bimodal(share) => Distribution::bimodal(median, p99, share),
    };
    if matches!(distribution, Distribution::Constant(_)) {
        return None;
    }
    let off = points.iter().filter(|(value, _)| value.is_finite());
    let off = off.map(|(value, share)| (distribution.below(*value) - share).abs()).fold(0.0, f64::max);
    Some(Spread { call: call(kind, median, p99), distribution, off })
}

fn call(kind: Kind, median: f64, p99: f64) -> Call {
    let formula = |number: f64| Value::Formula(vec![Term::Number(significant(number))]);
    let both = vec![("median", formula(median)), ("p99", formula(p99))];
    match kind {
        Kind::LogNormal => Call::new("lognormal", both),
        Kind::Exponential => Call::new("exponential", vec![("median", formula(median))]),
        Kind::Normal => Call::new("normal", both),
        Kind::Bimodal(share) => {
            let mut fields = both;
            fields.push(("share", Value::Number(share)));
            Call::new("bimodal", fields)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: [f64; 11] = promemu_core::metric::DEFAULT_BUCKETS;

    fn nearest_to(distribution: Distribution) -> Spread {
        let points: Vec<(f64, f64)> =
            BOUNDS.iter().map(|bound| (*bound, distribution.below(*bound))).collect();
        nearest(&points, 1.0)
    }

    #[test]
    fn the_kind_and_its_parameters_are_found_from_the_shares_of_buckets() {
        let cases = [
            (Distribution::lognormal(0.08, 0.6), "lognormal", [0.08, 0.6]),
            (Distribution::exponential(0.3), "exponential", [0.3, 0.3]),
            (Distribution::normal(1.2, 4.0), "normal", [1.2, 4.0]),
        ];
        for (distribution, name, expected) in cases {
            let found = nearest_to(distribution);
            assert_eq!(found.call.name, name);
            assert!(found.off < 0.01, "{found:?}");
            for ((_, number), expected) in found.call.numbers().iter().zip(expected) {
                assert!((number / expected - 1.0).abs() < 0.05, "{found:?}");
            }
        }
    }

    #[test]
    fn observations_of_one_bucket_are_near_their_mean() {
        let found = nearest(&[(0.1, 0.0), (0.2, 1.0)], 0.15);
        assert_eq!(found.call.name, "lognormal");
        assert_eq!(found.call.numbers()[0].1.to_bits(), 0.15f64.to_bits());
    }
}
