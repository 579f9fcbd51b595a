//! Values that go on from the one before.

use super::noise::is_normal;
use super::{Candidate, candidate};
use crate::call::Value;
use crate::profile::Profile;
use crate::statistics::{autocorrelation, correlation, distance, number, rounded, significant};

/// Equally likely steps, up or down.
pub(super) fn walk(profile: &Profile) -> Option<Candidate> {
    /// Neighbours of a walk are near each other.
    const CORRELATION_MIN: f64 = 0.8;
    /// Reflections at the ends bend the distribution of steps a little.
    const DISTANCE_MAX: f64 = 2.5;
    let steps = profile.with(profile.differences());
    let memory = autocorrelation(&steps.values, 1);
    let is_free = memory.abs() < 0.1 + 3.0 / libm::sqrt(number(steps.count().max(1)));
    if profile.correlation < CORRELATION_MIN || !is_free || steps.count() < 2 {
        return None;
    }
    let beyond = steps.range() / number(steps.count());
    let (low, high) = (steps.low() - beyond, steps.high() + beyond);
    if distance(&steps.sorted, |value| (value - low) / (high - low)) > DISTANCE_MAX {
        return None;
    }
    let step = (high - low) / 2.0;
    let bias = f64::midpoint(low, high);
    let scale = profile.range();
    let mut fields = vec![
        ("step", Value::Number(significant(step))),
        ("value_range", Value::Range(rounded(profile.low(), scale), rounded(profile.high(), scale))),
    ];
    // A bias below the error of the ends is none.
    if bias.abs() > 0.05 * step {
        fields.push(("bias", Value::Number(significant(bias))));
    }
    Some(candidate("random_walk", fields, "equally likely steps".to_owned()))
}

/// Noise that reverts to its mean.
pub(super) fn reverting(profile: &Profile) -> Option<Candidate> {
    /// A memory that is none, or no end of it.
    const KEPT: (f64, f64) = (0.02, 0.999_99);
    let pairs = profile.values.windows(2).filter(|pair| pair[0].is_finite() && pair[1].is_finite());
    let count = number(pairs.clone().count());
    let found = correlation(pairs.map(|pair| (pair[0], pair[1])));
    // The estimate is too small, in the mean (Kendall 1954).
    let kept = found + (1.0 + 3.0 * found) / count.max(1.0);
    let steps: Vec<f64> = profile
        .values
        .windows(2)
        .map(|pair| pair[1] - profile.mean - kept * (pair[0] - profile.mean))
        .collect();
    let steps = profile.with(steps);
    let is_free = steps.correlation.abs() < 0.03 + 3.0 / libm::sqrt(count.max(1.0));
    if !(KEPT.0..KEPT.1).contains(&kept) || !is_free || !is_normal(&steps) {
        return None;
    }
    let (fields, half_secs) = reversion(profile, profile.mean, kept, steps.deviation);
    Some(candidate("brownian", fields, format!("reverts to its mean, half of the way in {half_secs} s")))
}

/// The fields of steps that keep this share of the distance to a level, with this deviation, and the seconds for half of the way.
pub(super) fn reversion(
    profile: &Profile,
    level: f64,
    kept: f64,
    deviation: f64,
) -> (Vec<(&'static str, Value)>, f64) {
    let reversion = -libm::log(kept) / profile.step_secs;
    let volatility =
        deviation * libm::sqrt(2.0 * reversion / -libm::expm1(-2.0 * reversion * profile.step_secs));
    let fields = vec![
        ("base", Value::Number(rounded(level, profile.deviation))),
        ("volatility", Value::Number(significant(volatility))),
        ("reversion", Value::Number(significant(reversion))),
    ];
    (fields, significant(std::f64::consts::LN_2 / reversion))
}
