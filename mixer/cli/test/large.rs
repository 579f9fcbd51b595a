//! The large mode: a Prometheus on loopback answers range queries over the blocks of a run.
//!
//! Recording rules come first, level by level: the results of one level are blocks that the next one reads. Alerts are range
//! queries, too; when they are pending and fire is computed from the results ([`promemu_core::verdict::AlertStates`]). An answer
//! that does not come makes undecided what depends on it.

mod evaluation;

use std::path::Path;

use indexmap::IndexMap;
use promemu_core::error::Error;
use promemu_core::verdict::Observation;

use super::evaluated;
use super::rule_order::ordered;
use super::rules::Rules;
use super::subject::Subject;
use crate::prometheus_client::PrometheusClient;
use evaluation::Evaluation;

/// Asks a Prometheus on the run that is tested, with all series that the rules make. It is given the names of those that are
/// missing, too, each with the reason.
pub(super) fn ask<T>(
    subject: &Subject,
    rules: &Rules,
    prometheus: &Path,
    ask: impl FnOnce(&PrometheusClient, &IndexMap<String, String>) -> T,
) -> Result<Result<T, String>, Error> {
    let rules = ordered(&rules.files);
    Evaluation::start(subject, &subject.run, &rules, prometheus)?.ask(ask)
}

/// Evaluates the rules and conditions of a test.
pub(super) fn observe(subject: &Subject, rules: &Rules, prometheus: &Path) -> Result<Observation, Error> {
    let rules = ordered(&rules.files);
    evaluated::observe(subject, |run, conditions| {
        Evaluation::start(subject, run, &rules, prometheus)?.evaluate(conditions)
    })
}
