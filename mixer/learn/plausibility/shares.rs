//! Shares and percentages.

use super::{RuleOutcome, Subject};
use crate::inventory::Role;

const TOLERANCE: f64 = 1e-6;

/// The largest value of a metric, by its name.
fn max(name: &str) -> Option<f64> {
    if name.ends_with("compression_ratio") {
        return None;
    }
    [("_ratio", 1.0), ("_percent", 100.0), ("_percentage", 100.0)]
        .into_iter()
        .find(|(suffix, _)| name.ends_with(suffix))
        .map(|(_, max)| max)
}

pub(super) fn outcome(subject: &Subject<'_>) -> RuleOutcome {
    let mut outcome = RuleOutcome::new("shares", "a millionth");
    for (series, floats, role) in &subject.series {
        let Some(max) = max(&series.metric).filter(|_| matches!(role, Role::Gauge)) else { continue };
        for (at, value) in *floats {
            let holds = *value >= -TOLERANCE * max && *value <= max * (1.0 + TOLERANCE);
            outcome.check(holds, series, *at, || format!("{value} is outside of 0 to {max}"));
        }
    }
    outcome
}
