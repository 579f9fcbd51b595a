//! Counters fall only when they begin again.

use super::{RuleOutcome, Subject};
use crate::load::Floats;

/// The name of the rule.
pub(crate) const RULE: &str = "counters";
/// Falls of floats that are sums are rounding.
const ROUNDING: f64 = 1e-9;
/// A counter that begins again has counted at most this many of its largest steps.
const STEPS_MAX: f64 = 3.0;
/// Or at most this part of what it was.
const PART_MAX: f64 = 0.1;

pub(super) fn outcome(subject: &Subject<'_>) -> RuleOutcome {
    let mut outcome =
        RuleOutcome::new(RULE, "a reset falls to three times the largest step or a tenth at most");
    for (series, floats) in subject.counters() {
        let largest = largest_step(floats);
        for (at, value) in floats.iter().filter(|(_, value)| *value < 0.0) {
            outcome.check(false, series, *at, || format!("it is negative: {value}"));
        }
        for pair in floats.windows(2) {
            let [(_, from), (at, to)] = [pair[0], pair[1]];
            outcome.check(is_plausible(from, to, largest), series, at, || {
                format!("it falls from {from} to {to}, which is no reset")
            });
        }
    }
    outcome
}

/// The largest step, other than those after a fall: a value that is wrong once is no step.
fn largest_step(floats: &Floats) -> f64 {
    let first = floats.windows(2).take(1).map(|pair| pair[1].1 - pair[0].1);
    let others = floats.windows(3).filter(|three| three[1].1 >= three[0].1);
    first.chain(others.map(|three| three[2].1 - three[1].1)).fold(0.0, f64::max)
}

fn is_plausible(from: f64, to: f64, largest: f64) -> bool {
    to >= from - from.abs() * ROUNDING || to <= (STEPS_MAX * largest).max(PART_MAX * from)
}
