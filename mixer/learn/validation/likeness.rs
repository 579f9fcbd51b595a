//! Distributions and correlations of both sides.

use super::HORIZONS;
use super::paired::Paired;
use crate::statistics::{autocorrelation, correlation, deviation, mean, number, sorted};

/// Members whose correlations are averaged.
const MEMBERS_MAX: usize = 5;
/// Series that are correlated with each other.
const SERIES_MAX: usize = 30;

fn finite(values: &[f64]) -> Vec<f64> {
    values.iter().copied().filter(|value| value.is_finite()).collect()
}

/// The largest distance of the distribution functions of the recorded values and those of all members (A. Kolmogorov, 1933;
/// N. Smirnov, 1939).
pub(super) fn ks(pair: &Paired) -> f64 {
    let real = sorted(&finite(&pair.real));
    let emulated: Vec<f64> = pair.members.iter().flat_map(|member| finite(member)).collect();
    distance(&real, &sorted(&emulated))
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    let (mut i, mut j, mut largest) = (0, 0, 0.0_f64);
    while i < a.len() && j < b.len() {
        let value = a[i].min(b[j]);
        while i < a.len() && a[i] <= value {
            i += 1;
        }
        while j < b.len() && b[j] <= value {
            j += 1;
        }
        largest = largest.max((number(i) / number(a.len()) - number(j) / number(b.len())).abs());
    }
    largest
}

/// The mean difference of autocorrelations at the horizons.
pub(super) fn autocorrelation_gap(pair: &Paired) -> f64 {
    let members = &pair.members[..pair.members.len().min(MEMBERS_MAX)];
    let gaps: Vec<f64> = HORIZONS
        .iter()
        .filter(|lag| **lag < pair.real.len() / 2)
        .map(|lag| {
            let of_members: Vec<f64> = members.iter().map(|member| autocorrelation(member, *lag)).collect();
            (autocorrelation(&pair.real, *lag) - mean(&of_members)).abs()
        })
        .collect();
    mean(&gaps)
}

/// The mean difference of correlations between two series of the same grid.
pub(super) fn cross_correlation(pairs: &[Paired]) -> Option<f64> {
    let varies = |pair: &&Paired| deviation(&finite(&pair.real)) > 0.0;
    let own: Vec<&Paired> = pairs.iter().filter(varies).take(SERIES_MAX).collect();
    let mut gaps = Vec::new();
    for (n, a) in own.iter().enumerate() {
        for b in &own[n + 1..] {
            // Other begins are shifted by whole steps at most.
            if a.step_secs.to_bits() != b.step_secs.to_bits() {
                continue;
            }
            let count = a.members.len().min(b.members.len()).min(MEMBERS_MAX);
            let of_members: Vec<f64> =
                (0..count).map(|member| between(&a.members[member], &b.members[member])).collect();
            gaps.push((between(&a.real, &b.real) - mean(&of_members)).abs());
        }
    }
    (!gaps.is_empty()).then(|| mean(&gaps))
}

fn between(a: &[f64], b: &[f64]) -> f64 {
    let pairs = a.iter().zip(b).filter(|(a, b)| a.is_finite() && b.is_finite());
    correlation(pairs.map(|(a, b)| (*a, *b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distributions_are_0_apart_if_equal_and_1_if_disjoint() {
        assert_eq!(distance(&[1.0, 2.0, 2.0, 3.0], &[1.0, 2.0, 2.0, 3.0]).to_bits(), 0.0f64.to_bits());
        assert_eq!(distance(&[1.0, 2.0], &[3.0, 4.0]).to_bits(), 1.0f64.to_bits());
        assert_eq!(distance(&[1.0, 2.0, 3.0, 4.0], &[3.0, 4.0]).to_bits(), 0.5f64.to_bits());
    }
}
