//! Rules that the metrics of any real system keep.
//!
//! | rule | series | tolerance |
//! | --- | --- | --- |
//! | counters | each counter | a fall is a reset: it falls to three times its largest step or a tenth of what it was, at most |
//! | shares | gauges that end in `_ratio` (0 to 1), `_percent` or `_percentage` (0 to 100) | a millionth |
//! | cpu time | `process_cpu_seconds_total`, `container_cpu_usage_seconds_total` | 5 % of cores × time, over 10 s or more, and 0.5 s |
//! | modes | CPU seconds by `mode`, `idle` among them: they sum to the time | 5 %, over 10 s or more, and 0.5 s |
//! | buckets | buckets of a histogram, in the order of their bounds; the last one is the count | a millionth |
//! | codes | requests by `code` or `status`, beside a count of the same requests | 1 %, and 2 requests |
//!
//! Two series are compared where they have samples of the same time.

mod counters;
mod cpu;
mod histograms;
mod requests;
mod shares;

use indexmap::IndexMap;
use promemu_wire::recording::Recording;
use promemu_wire::samples::ReadSeries;

use crate::inventory::{Names, Role};
use crate::load::{Floats, Samples};
pub(crate) use counters::RULE as COUNTERS;

/// The outcome of a rule.
#[derive(Clone, Debug)]
pub struct RuleOutcome {
    /// The name of the rule.
    pub rule: &'static str,
    /// The tolerance, in words.
    pub tolerance: &'static str,
    /// Number of values or pairs that were looked at.
    pub checked: u64,
    /// Those that break the rule, in the order of series and times.
    pub violations: Vec<Violation>,
}

/// A place where a rule is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The series, as in a query.
    pub series: String,
    /// Its time, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The fault, in a clause.
    pub what: String,
}

impl RuleOutcome {
    const fn new(rule: &'static str, tolerance: &'static str) -> Self {
        Self { rule, tolerance, checked: 0, violations: Vec::new() }
    }

    /// Counts a check; one that fails is a violation.
    fn check(&mut self, holds: bool, series: &ReadSeries, at_ms: i64, what: impl FnOnce() -> String) {
        self.checked += 1;
        if !holds {
            self.violations.push(Violation { series: shown(series), at_ms, what: what() });
        }
    }
}

/// A series as in a query.
pub(crate) fn shown(series: &ReadSeries) -> String {
    if series.labels.is_empty() {
        series.metric.clone()
    } else {
        format!("{}{{{}}}", series.metric, series.label_text())
    }
}

/// The series with their roles, and the processors by instance.
pub(crate) struct Subject<'s> {
    series: Vec<(&'s ReadSeries, &'s Floats, Role)>,
    by_series: &'s std::collections::BTreeMap<ReadSeries, Floats>,
    cores: &'s IndexMap<String, u32>,
}

impl<'s> Subject<'s> {
    pub(crate) fn of(recording: &'s Recording, samples: &'s Samples) -> Self {
        let manifest = recording.manifest();
        let names = Names::of(&manifest.families, samples);
        let series =
            samples.floats.iter().map(|(series, floats)| (series, floats, names.role(series, floats).1));
        Self { series: series.collect(), by_series: &samples.floats, cores: &manifest.cores }
    }

    fn counters(&self) -> impl Iterator<Item = (&'s ReadSeries, &'s Floats)> {
        let is_counter = |role: &Role| matches!(role, Role::Counter | Role::Bucket | Role::CountOf(_));
        self.series
            .iter()
            .filter(move |(_, _, role)| is_counter(role))
            .map(|(series, floats, _)| (*series, *floats))
    }
}

/// The outcome of each rule.
pub(crate) fn outcomes(subject: &Subject<'_>) -> Vec<RuleOutcome> {
    vec![
        counters::outcome(subject),
        shares::outcome(subject),
        cpu::of_processes(subject),
        cpu::of_modes(subject),
        histograms::outcome(subject),
        requests::outcome(subject),
    ]
}

/// A series without a label, which has a bit less to say.
fn without(series: &ReadSeries, label: &str) -> ReadSeries {
    let labels = series.labels.iter().filter(|(name, _)| name != label).cloned().collect();
    ReadSeries { metric: series.metric.clone(), labels }
}

/// The value at a time.
fn at(floats: &Floats, time: i64) -> Option<f64> {
    floats.binary_search_by_key(&time, |(at, _)| *at).ok().map(|place| floats[place].1)
}

#[cfg(test)]
mod tests;
