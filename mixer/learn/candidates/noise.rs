//! Values without memory, and the last resort.

use super::{Candidate, candidate};
use crate::call::{Call, Term, Value};
use crate::profile::Profile;
use crate::statistics::{
    autocorrelation, distance, normal_at, normal_below, number, quantile, rounded, significant,
};

/// The largest distance of a distribution, see [`distance`]: a little above that of one sample of a hundred.
const DISTANCE_MAX: f64 = 1.9;

/// A range without a form.
pub(super) fn range(profile: &Profile) -> Candidate {
    let measured = format!("{} values", profile.count());
    candidate("random_in_range", vec![("value_range", Value::Range(profile.low(), profile.high()))], measured)
}

/// `true` if neighbours say nothing about each other.
fn has_no_memory(profile: &Profile) -> bool {
    profile.correlation.abs() < 0.02 + 3.0 / libm::sqrt(number(profile.count()))
}

/// Counts whose variance is their mean.
pub(super) fn poisson(profile: &Profile) -> Option<Candidate> {
    let count = number(profile.count());
    let is_count = profile.is_whole && profile.low() >= 0.0 && profile.mean > 0.0 && profile.mean < 1e12;
    if !is_count || !has_no_memory(profile) {
        return None;
    }
    let ratio = profile.deviation * profile.deviation / profile.mean;
    // The standard error of the ratio.
    let error = libm::sqrt((2.0 + 1.0 / profile.mean) / count);
    if (ratio - 1.0).abs() > 4.0 * error {
        return None;
    }
    let rate = significant(profile.mean);
    Some(candidate("poisson", vec![("rate", Value::Number(rate))], "independent counts".to_owned()))
}

/// Any number of a range, equally likely.
pub(super) fn uniform(profile: &Profile) -> Option<Candidate> {
    if !has_no_memory(profile) {
        return None;
    }
    // The ends are seen from within.
    let beyond = profile.range() / number(profile.count() - 1);
    let (low, high) = (profile.low() - beyond, profile.high() + beyond);
    if distance(&profile.sorted, |value| (value - low) / (high - low)) > DISTANCE_MAX {
        return None;
    }
    let ends = if profile.is_whole {
        (profile.low(), profile.high())
    } else {
        (rounded(low, profile.range()), rounded(high, profile.range()))
    };
    let measured = "equally likely, without memory".to_owned();
    Some(candidate("random_in_range", vec![("value_range", Value::Range(ends.0, ends.1))], measured))
}

/// Normally distributed numbers.
pub(super) fn normal(profile: &Profile) -> Option<Candidate> {
    if !has_no_memory(profile) || !is_normal(profile) {
        return None;
    }
    let (mean, deviation) = (rounded(profile.mean, profile.deviation), significant(profile.deviation));
    let terms = vec![
        Term::Word("normal(".to_owned()),
        Term::Number(mean),
        Term::Word(", ".to_owned()),
        Term::Number(deviation),
        Term::Word(")".to_owned()),
    ];
    Some(Candidate { call: Call::script(terms), measured: "normally distributed, without memory".to_owned() })
}

/// `true` if the values are normally distributed.
pub(super) fn is_normal(profile: &Profile) -> bool {
    profile.deviation > 0.0
        && distance(&profile.sorted, |value| normal_below((value - profile.mean) / profile.deviation))
            < DISTANCE_MAX
}

/// The distribution of the values, with the memory of their ranks.
pub(super) fn empirical(profile: &Profile) -> Candidate {
    /// The number of quantiles of many and of few values.
    const MANY: (usize, u32) = (100, 20);
    const FEW: u32 = 10;
    let parts = if profile.count() >= MANY.0 { MANY.1 } else { FEW };
    let quantiles = (0..=parts).map(|n| {
        let value = quantile(&profile.sorted, f64::from(n) / f64::from(parts));
        if profile.is_whole { libm::round(value) } else { rounded(value, profile.range()) }
    });
    let correlation = rank_correlation(profile);
    let fields =
        vec![("quantiles", Value::Numbers(quantiles.collect())), ("correlation", Value::Number(correlation))];
    candidate("empirical", fields, format!("its own distribution, memory {correlation}"))
}

/// The correlation of neighbours by their normally distributed ranks.
fn rank_correlation(profile: &Profile) -> f64 {
    let count = number(profile.count());
    let score = |value: &f64| {
        if value.is_nan() {
            return f64::NAN;
        }
        // The middle of equal values.
        let below = profile.sorted.partition_point(|other| other < value);
        let up_to = profile.sorted.partition_point(|other| other <= value);
        normal_at(f64::midpoint(number(below), number(up_to)) / count)
    };
    let scores: Vec<f64> = profile.values.iter().map(score).collect();
    rounded(autocorrelation(&scores, 1).clamp(-0.999, 0.999), 0.1)
}
