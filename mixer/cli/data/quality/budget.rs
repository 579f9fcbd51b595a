//! The budget of a recording: the least share of each measure, and the most problems.
//!
//! A file has the same as flags have: `(completeness: 0.99, problems: 0)`.

use std::collections::BTreeMap;
use std::path::Path;

use promemu_core::error::Error;
use promemu_core::{text_file, user_file};
use promemu_learn::QualityReport;
use serde::Deserialize;

use crate::{limits, ron_file};

/// The measures, and the number of problems.
const NAMES: [&str; 7] =
    ["completeness", "timeliness", "validity", "consistency", "accuracy", "drift", PROBLEMS];
const PROBLEMS: &str = "problems";

/// The limits of a file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "Budget")]
struct LimitsText {
    completeness: Option<f64>,
    timeliness: Option<f64>,
    validity: Option<f64>,
    consistency: Option<f64>,
    accuracy: Option<f64>,
    drift: Option<f64>,
    problems: Option<f64>,
}

impl LimitsText {
    fn named(&self) -> impl Iterator<Item = (&'static str, f64)> {
        let Self { completeness, timeliness, validity, consistency, accuracy, drift, problems } = self;
        let limits = [completeness, timeliness, validity, consistency, accuracy, drift, problems];
        NAMES.into_iter().zip(limits.map(|limit| *limit)).filter_map(|(name, limit)| Some((name, limit?)))
    }
}

/// Limits by name.
#[derive(Debug, Default)]
pub(super) struct Budget(BTreeMap<&'static str, f64>);

impl Budget {
    /// The limits, by the names of measures.
    pub(super) fn limits(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(name, limit)| (*name, *limit))
    }

    /// The budget of the flags; of two limits the later one counts.
    pub(super) fn of(flags: &[String]) -> Result<Self, Error> {
        let mut budget = Self::default();
        for text in flags {
            let wrong = |why: String| Error::Usage(format!("--budget or PME_QUALITY_BUDGET: {why}"));
            if Path::new(text).extension().is_some_and(|extension| extension == "ron") {
                budget.read(text)?;
                continue;
            }
            let example = "completeness=0.99, or name a .ron file";
            let (name, limit) = limits::number(text, &NAMES, example).map_err(wrong)?;
            budget.put(name, limit).map_err(wrong)?;
        }
        Ok(budget)
    }

    fn read(&mut self, path: &str) -> Result<(), Error> {
        let text = text_file::read(Path::new(path), user_file::SMALL_BYTES_MAX).map_err(|source| {
            let what = format!("--budget or PME_QUALITY_BUDGET: {path} cannot be read");
            Error::System { what, source }
        })?;
        let limits: LimitsText =
            ron_file::parse(&text).map_err(|why| Error::Usage(format!("{path}:{why}")))?;
        for (name, limit) in limits.named() {
            self.put(name, limit).map_err(|why| Error::Usage(format!("{path}: {why}")))?;
        }
        Ok(())
    }

    fn put(&mut self, name: &'static str, limit: f64) -> Result<(), String> {
        let max = if name == PROBLEMS { f64::MAX } else { 1.0 };
        if !(0.0..=max).contains(&limit) {
            let range = if name == PROBLEMS { "a number from 0" } else { "a share from 0 to 1" };
            return Err(format!("{name} must be {range}, but is {limit}; correct it"));
        }
        self.0.insert(name, limit);
        Ok(())
    }

    /// The limits that a report does not keep, in sentences.
    #[expect(clippy::cast_precision_loss, reason = "counts of problems are below 2^53")]
    pub(super) fn exceeded(&self, report: &QualityReport) -> Vec<String> {
        let of_measures = report.measures.iter().filter_map(|measure| {
            let limit = self.0.get(measure.name).filter(|limit| measure.share() < **limit)?;
            Some(format!("{} is {:.4}; the budget is {limit}", measure.name, measure.share()))
        });
        let problems = report.problems.len();
        let of_problems = self.0.get(PROBLEMS).filter(|limit| problems as f64 > **limit);
        let of_problems = of_problems.map(|limit| format!("problems are {problems}; the budget is {limit}"));
        of_measures.chain(of_problems).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_named_and_in_range() {
        let of =
            |text: &str| Budget::of(&[text.to_owned()]).map(|budget| budget.0).map_err(|e| e.to_string());
        assert_eq!(of("problems=3").unwrap()["problems"].to_bits(), 3.0f64.to_bits());
        assert!(of("completenes=0.9").unwrap_err().contains("did you mean \"completeness\"?"));
        assert!(of("validity=2").unwrap_err().contains("must be a share from 0 to 1, but is 2"));
        assert!(of("validity=x").unwrap_err().contains("validity must be a number, but is \"x\""));
        assert!(of("validity").unwrap_err().contains("is not of the form NAME=VALUE"));
    }

    #[test]
    fn a_file_has_several_limits() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("b.ron");
        let of = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let flags = [path.to_str().unwrap().to_owned(), "drift=0.5".to_owned()];
            Budget::of(&flags).map(|budget| budget.0).map_err(|e| e.to_string())
        };
        let limits = of("(completeness: 0.99, problems: 0)").unwrap();
        assert_eq!(limits.keys().copied().collect::<Vec<_>>(), ["completeness", "drift", "problems"]);
        assert!(of("(speed: 1)").unwrap_err().contains("b.ron:1:"));
        assert!(of("(x").unwrap_err().contains("b.ron:1:"));
    }
}
