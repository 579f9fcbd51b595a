//! Figures of a validation with their limits.

use std::collections::BTreeMap;

use promemu_core::error::Error;
use promemu_learn::{HORIZONS, Validation};

use super::promql::Agreement;
use crate::limits;

/// A validation, and the answers of a Prometheus.
pub(super) type Found<'a> = (&'a Validation, &'a Agreement);

/// A figure: its name, and the sides of it that are better.
#[derive(Clone, Copy, Debug)]
struct Figure {
    name: &'static str,
    is_less_better: bool,
    of: fn(Found<'_>) -> Option<f64>,
}

/// All figures, in the order of reports.
const FIGURES: [Figure; 9] = [
    Figure {
        name: "nrmse",
        is_less_better: true,
        of: |(found, _)| Some(mean_skill(found, |skill| skill.nrmse)),
    },
    Figure {
        name: "crps",
        is_less_better: true,
        of: |(found, _)| Some(mean_skill(found, |skill| skill.crps)),
    },
    Figure { name: "ks", is_less_better: true, of: |(found, _)| Some(found.ks) },
    Figure { name: "autocorrelation", is_less_better: true, of: |(found, _)| Some(found.autocorrelation) },
    Figure { name: "cross-correlation", is_less_better: true, of: |(found, _)| found.cross_correlation },
    Figure { name: "discriminative", is_less_better: true, of: |(found, _)| found.discriminative },
    Figure { name: "violations", is_less_better: true, of: |(found, _)| Some(violations(found)) },
    Figure { name: "promql", is_less_better: false, of: |(_, agreement)| agreement.share() },
    Figure { name: "alerts", is_less_better: false, of: |(_, agreement)| agreement.f1() },
];

/// The mean of the config's scores over all horizons.
fn mean_skill(found: &Validation, of: fn(&promemu_learn::Skill) -> f64) -> f64 {
    let own = found.skills.iter().filter(|skill| skill.predictor == "config").map(of);
    let horizons: f64 = HORIZONS.iter().map(|_| 1.0).sum();
    own.sum::<f64>() / horizons
}

/// Number of violations of plausibility by the config.
#[expect(clippy::cast_precision_loss, reason = "counts of samples are below 2^53")]
fn violations(found: &Validation) -> f64 {
    found.rules[1].iter().map(|rule| rule.violations.len() as f64).sum()
}

/// Names and values of the figures that a validation has.
pub(super) fn values(found: Found<'_>) -> Vec<(&'static str, f64)> {
    FIGURES.iter().filter_map(|figure| Some((figure.name, (figure.of)(found)?))).collect()
}

/// Limits by name.
#[derive(Debug, Default)]
pub(super) struct Budget(BTreeMap<&'static str, f64>);

impl Budget {
    /// The limits of the flags; of two limits of a figure the later one counts.
    pub(super) fn of(flags: &[String]) -> Result<Self, Error> {
        let names = FIGURES.map(|figure| figure.name);
        let mut budget = Self::default();
        for text in flags {
            let wrong = |why: String| Error::Usage(format!("--budget or PME_VALIDATE_BUDGET: {why}"));
            let (name, limit) = limits::number(text, &names, "ks=0.1").map_err(wrong)?;
            budget.0.insert(name, limit);
        }
        Ok(budget)
    }

    /// Each limit with its sentence, if the figure does not keep it.
    pub(super) fn outcomes(&self, found: Found<'_>) -> Vec<(&'static str, Option<String>)> {
        let outcome = |figure: &Figure| {
            let limit = *self.0.get(figure.name)?;
            let name = figure.name;
            let why = match (figure.of)(found) {
                None => Some(format!(
                    "{name} is not known; record longer, or ask a Prometheus with --promql or --rules"
                )),
                Some(value) => {
                    let is_worse = if figure.is_less_better { value > limit } else { value < limit };
                    is_worse.then(|| format!("{name} is {value:.4}; the budget is {limit}"))
                }
            };
            Some((name, why))
        };
        FIGURES.iter().filter_map(outcome).collect()
    }

    /// The limits that are not kept, in sentences.
    pub(super) fn exceeded(&self, found: Found<'_>) -> Vec<String> {
        self.outcomes(found).into_iter().filter_map(|(_, why)| why).collect()
    }
}
