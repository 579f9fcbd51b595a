//! Buckets of histograms are cumulative.

use indexmap::IndexMap;
use promemu_wire::samples::ReadSeries;

use super::{RuleOutcome, Subject, at, without};
use crate::inventory::Role;
use crate::load::Floats;

const TOLERANCE: f64 = 1e-6;

/// A bucket: its bound, its series and its samples.
type Bucket<'s> = (f64, &'s ReadSeries, &'s Floats);

pub(super) fn outcome(subject: &Subject<'_>) -> RuleOutcome {
    let mut outcome = RuleOutcome::new("buckets", "a millionth");
    let mut groups: IndexMap<ReadSeries, Vec<Bucket<'_>>> = IndexMap::new();
    for (series, floats, role) in &subject.series {
        let bound = series.label("le").and_then(|bound| bound.parse().ok());
        if let (Role::Bucket, Some(bound)) = (role, bound) {
            groups.entry(without(series, "le")).or_default().push((bound, series, floats));
        }
    }
    for (group, mut buckets) in groups {
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        for pair in buckets.windows(2) {
            let [(_, _, lower), (bound, series, upper)] = [&pair[0], &pair[1]];
            for (time, value) in *upper {
                let Some(below) = at(lower, *time) else { continue };
                let holds = below <= value + value.abs() * TOLERANCE;
                outcome.check(holds, series, *time, || {
                    format!("{value} observations up to {bound}, but {below} in the bucket below")
                });
            }
        }
        compare_count(subject, &group, &buckets, &mut outcome);
    }
    outcome
}

/// The last bucket has all observations.
fn compare_count(
    subject: &Subject<'_>,
    group: &ReadSeries,
    buckets: &[Bucket<'_>],
    outcome: &mut RuleOutcome,
) {
    let Some(family) = group.metric.strip_suffix("_bucket") else { return };
    let count = ReadSeries { metric: format!("{family}_count"), labels: group.labels.clone() };
    let Some(count) = subject.by_series.get(&count) else { return };
    let Some((_, series, all)) = buckets.last().filter(|(bound, _, _)| *bound == f64::INFINITY) else {
        return;
    };
    for (time, value) in *all {
        let Some(counted) = at(count, *time) else { continue };
        let holds = (value - counted).abs() <= value.abs() * TOLERANCE;
        outcome.check(holds, series, *time, || format!("{value} observations, but the count is {counted}"));
    }
}
