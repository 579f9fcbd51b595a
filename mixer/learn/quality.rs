//! The quality of a recording: how much of it is there, on time, valid, consistent and plausible, and how far it drifts.
//!
//! | measure | share of | module |
//! | --- | --- | --- |
//! | completeness | samples that its interval promises | [`completeness`] |
//! | timeliness | distances of neighbouring samples that are on the grid | [`timeliness`] |
//! | validity | values and files that are what they should be | [`validity`] |
//! | consistency | samples that agree with those before and beside them | [`consistency`] |
//! | accuracy | checks of [plausibility](crate::plausibility) that hold | here |
//! | drift | metrics whose distribution stays | [`drift`] |
//!
//! A file that is damaged is named, and the rest is measured without it.

mod completeness;
mod consistency;
mod content;
mod drift;
mod timeliness;
mod validity;

use std::collections::BTreeSet;

use promemu_wire::recording::Recording;

use crate::error::LearnError;
use crate::load::Samples;
use crate::plausibility::{self, RuleOutcome, Subject};
use content::Content;

/// The quality of a recording.
#[derive(Clone, Debug)]
pub struct QualityReport {
    /// Its first millisecond since the Unix epoch, and the one after its last.
    pub range_ms: (i64, i64),
    /// Number of series.
    pub series: usize,
    /// Number of samples that can be read.
    pub samples: u64,
    /// The measures, one for each dimension of quality.
    pub measures: Vec<Measure>,
    /// All that is wrong, in the order of the measures.
    pub problems: Vec<Problem>,
    /// The drift of each metric, the largest first.
    pub drift: Vec<Drift>,
    /// The rules of plausibility.
    pub rules: Vec<RuleOutcome>,
}

/// A dimension of quality.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// Its name.
    pub name: &'static str,
    /// Number of things that are good.
    pub good: u64,
    /// Number of things that were looked at.
    pub of: u64,
    /// The things.
    pub unit: &'static str,
}

impl Measure {
    /// The share that is good; 1 if there is nothing to look at.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of samples are below 2^53")]
    pub fn share(&self) -> f64 {
        if self.of == 0 { 1.0 } else { self.good as f64 / self.of as f64 }
    }
}

/// A fault of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The measure that it is of.
    pub measure: &'static str,
    /// The slice, source, metric or series.
    pub of: String,
    /// Its first time, in milliseconds since the Unix epoch.
    pub at_ms: Option<i64>,
    /// The fault, in a clause.
    pub what: String,
}

/// The drift of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Drift {
    /// The name of the metric.
    pub metric: String,
    /// The population stability index: below 0.1 the distribution is the same, above 0.25 it is another one.
    pub psi: f64,
}

/// Names of the measures.
pub(crate) const COMPLETENESS: &str = "completeness";
pub(crate) const TIMELINESS: &str = "timeliness";
pub(crate) const VALIDITY: &str = "validity";
pub(crate) const CONSISTENCY: &str = "consistency";
const ACCURACY: &str = "accuracy";
const DRIFT: &str = "drift";
/// A metric above this has drifted.
const PSI_MAX: f64 = 0.25;

/// Measures a recording. Drift is from its first half to its second, or from `before` to it.
///
/// # Errors
///
/// It has too many samples.
pub fn assess(
    recording: &Recording,
    before: Option<&Recording>,
    mut progress: impl FnMut(&'static str, usize, usize),
) -> Result<QualityReport, LearnError> {
    let content = Content::read(recording, |done, of| progress("slices", done, of))?;
    let mut problems = Vec::new();
    let mut measures = vec![
        completeness::measure(recording, &content, &mut problems),
        timeliness::measure(recording, &content, &mut problems),
        validity::measure(recording, &content, &mut problems),
    ];
    let samples = content.samples();
    let mut rules = plausibility::outcomes(&Subject::of(recording, &samples));
    let is_of_counters = |rule: &RuleOutcome| rule.rule == plausibility::COUNTERS;
    measures.push(consistency::measure(
        &content,
        rules.iter().find(|rule| is_of_counters(rule)),
        &mut problems,
    ));
    measures.push(accuracy(rules.iter().filter(|rule| !is_of_counters(rule)), &mut problems));
    let before = match before {
        Some(before) => {
            Some(Content::read(before, |done, of| progress("slices before", done, of))?.samples())
        }
        None => None,
    };
    let range_ms = recording.range().unwrap_or_default();
    let drift = drift_of(recording, (&samples, before.as_ref()), range_ms);
    let stay = drift.iter().filter(|drift| drift.psi <= PSI_MAX).count() as u64;
    measures.push(Measure { name: DRIFT, good: stay, of: drift.len() as u64, unit: "metrics" });
    problems.extend(drift.iter().filter(|drift| drift.psi > PSI_MAX).map(|drift| Problem {
        measure: DRIFT,
        of: drift.metric.clone(),
        at_ms: None,
        what: format!("its distribution changes: PSI {:.2}", drift.psi),
    }));
    rules.retain(|rule| rule.checked > 0);
    let series: BTreeSet<_> = content.series.keys().chain(content.histograms.keys()).collect();
    Ok(QualityReport {
        range_ms,
        series: series.len(),
        samples: content.rows,
        measures,
        problems,
        drift,
        rules,
    })
}

fn drift_of(
    recording: &Recording,
    (samples, before): (&Samples, Option<&Samples>),
    range_ms: (i64, i64),
) -> Vec<Drift> {
    let families = &recording.manifest().families;
    let Some(before) = before else {
        let middle = range_ms.0 + (range_ms.1 - range_ms.0) / 2;
        return drift::between(
            drift::values(samples, families, |at| at < middle),
            &drift::values(samples, families, |at| at >= middle),
        );
    };
    drift::between(drift::values(before, families, |_| true), &drift::values(samples, families, |_| true))
}

/// Rules of plausibility, other than those of single counters.
fn accuracy<'r>(rules: impl Iterator<Item = &'r RuleOutcome>, problems: &mut Vec<Problem>) -> Measure {
    let (mut good, mut of) = (0, 0);
    for rule in rules {
        of += rule.checked;
        good += rule.checked - rule.violations.len() as u64;
        problems.extend(of_rule(ACCURACY, rule));
    }
    Measure { name: ACCURACY, good, of, unit: "checks" }
}

/// A problem for each series that breaks a rule.
fn of_rule<'r>(measure: &'static str, rule: &'r RuleOutcome) -> impl Iterator<Item = Problem> + 'r {
    let of_series = rule.violations.chunk_by(|a, b| a.series == b.series);
    of_series.filter_map(move |violations| {
        let first = violations.first()?;
        let more = violations.len() - 1;
        let more = if more > 0 { format!(", and {more} times more") } else { String::new() };
        let what = format!("{}{more}", first.what);
        Some(Problem { measure, of: first.series.clone(), at_ms: Some(first.at_ms), what })
    })
}
