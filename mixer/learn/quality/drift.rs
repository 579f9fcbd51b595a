//! The change of distributions: the population stability index, PSI (N. Siddiqi, "Credit Risk Scorecards", 2006).
//!
//! The values before are cut into ten bins with as many values each; PSI = Σ (q − p) · ln(q / p) over the shares p of the bins
//! before and q after. An empty bin counts as half a value. Counters are compared by their growth from sample to sample.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use promemu_wire::recording::FamilyEntry;

use super::Drift;
use crate::inventory::{Names, Role};
use crate::load::Samples;
use crate::statistics::{number, quantile, sorted};

const BINS: usize = 10;
/// Metrics with fewer values on a side are not compared.
const VALUES_MIN: usize = 50;

/// Values of each metric at the times that `is_of` takes.
pub(super) fn values(
    samples: &Samples,
    families: &IndexMap<String, FamilyEntry>,
    is_of: impl Fn(i64) -> bool,
) -> BTreeMap<String, Vec<f64>> {
    let names = Names::of(families, samples);
    let mut all: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (series, floats) in &samples.floats {
        let own = all.entry(series.metric.clone()).or_default();
        match names.role(series, floats).1 {
            Role::Gauge | Role::Quantile => {
                own.extend(floats.iter().filter(|(at, _)| is_of(*at)).map(|(_, value)| *value));
            }
            Role::Info => {}
            Role::Counter | Role::Bucket | Role::SumOf(_) | Role::CountOf(_) => {
                let pairs = floats.windows(2).filter(|pair| is_of(pair[1].0));
                own.extend(pairs.map(|pair| pair[1].1 - pair[0].1).filter(|growth| *growth >= 0.0));
            }
        }
    }
    all
}

/// The drift of metrics that both sides have, the largest first.
pub(super) fn between(before: BTreeMap<String, Vec<f64>>, after: &BTreeMap<String, Vec<f64>>) -> Vec<Drift> {
    let mut drift: Vec<Drift> = before
        .into_iter()
        .filter_map(|(metric, before)| {
            let after = after.get(&metric).filter(|after| after.len().min(before.len()) >= VALUES_MIN)?;
            Some(Drift { psi: psi(&before, after), metric })
        })
        .collect();
    drift.sort_by(|a, b| b.psi.total_cmp(&a.psi).then_with(|| a.metric.cmp(&b.metric)));
    drift
}

fn psi(before: &[f64], after: &[f64]) -> f64 {
    let ordered = sorted(before);
    let mut edges: Vec<f64> = (1..BINS).map(|bin| quantile(&ordered, number(bin) / number(BINS))).collect();
    edges.dedup_by(|a, b| a.to_bits() == b.to_bits());
    let shares = |values: &[f64]| -> Vec<f64> {
        // A value on an edge is below it; those equal to the only one are a bin of their own.
        let mut counts = vec![0.0_f64; 2 * edges.len() + 1];
        for value in values {
            let below = edges.partition_point(|edge| edge < value);
            let is_edge = edges.get(below).is_some_and(|edge| edge.total_cmp(value).is_eq());
            counts[2 * below + usize::from(is_edge)] += 1.0;
        }
        let all = number(values.len());
        counts.into_iter().map(|count| count.max(0.5) / all).collect()
    };
    let (p, q) = (shares(before), shares(after));
    p.iter().zip(&q).map(|(p, q)| (q - p) * libm::log(q / p)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shifted_distribution_drifts_and_the_same_one_does_not() {
        let values = |from: u32| (0..1000).map(|n| f64::from((n * 7919 + from) % 1000)).collect::<Vec<_>>();
        assert!(psi(&values(0), &values(500)) < 0.01);
        let shifted: Vec<f64> = values(0).into_iter().map(|value| value + 400.0).collect();
        assert!(psi(&values(0), &shifted) > 1.0);
        // A value that stays.
        assert!(psi(&[1.0; 100], &[1.0; 70]) < 0.1);
        assert!(psi(&[1.0; 100], &[2.0; 70]) > 1.0);
    }
}
