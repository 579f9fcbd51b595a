//! One level of a sweep: the size of its run, its measures, and its alerts.

use std::fs;
use std::io;
use std::path::Path;

use indexmap::IndexMap;
use promemu_core::error::Error;
use promemu_core::expression::Value as Argument;
use promemu_core::temporary_folder::TemporaryFolder;
use promemu_core::verdict::{Answer, Observation};
use serde_json::{Value, json};

use super::short::{short, short_bytes};
use crate::args::TestArgs;
use crate::settings::Settings;
use crate::test::case::Case;
use crate::test::subject::Subject;
use crate::test::{blocks, observe};

/// The beginning of the names of answers to measures.
pub(in crate::test) const MEASURED: &str = "measure ";
/// Seconds of a day.
const DAY_SECS: f64 = 86_400.0;

/// The values of a query in a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Measured {
    /// Their mean.
    pub(super) mean: f64,
    /// The highest.
    pub(super) max: f64,
}

/// A level.
#[derive(Debug)]
pub(super) struct Level {
    /// The value of the argument.
    pub(super) value: String,
    /// Number of series.
    pub(super) series: f64,
    pub(super) samples_per_sec: f64,
    /// Bytes of a day on the disk of a Prometheus.
    pub(super) bytes_a_day: f64,
    /// The measures of the config, or why there is none.
    pub(super) measures: IndexMap<String, Result<Measured, String>>,
    /// Number of times that each alert fired; `None` without rules.
    alerts: Option<IndexMap<String, usize>>,
}

/// `NAME=VALUE,...` of a flag.
pub(in crate::test) fn listed<'t>(flag: &str, text: &'t str) -> Result<(&'t str, Vec<&'t str>), Error> {
    let parts = text.split_once('=').map(|(name, values)| {
        let values: Vec<&str> = values.split(',').map(str::trim).filter(|value| !value.is_empty()).collect();
        (name.trim(), values)
    });
    parts.filter(|(name, values)| !name.is_empty() && !values.is_empty()).ok_or_else(|| {
        Error::Usage(format!("{flag} must be a name and its values, as in total=100,1000, but is {text:?}"))
    })
}

impl Level {
    /// Runs the config with a value of an argument.
    pub(super) fn measured(
        settings: &Settings,
        args: &TestArgs,
        (argument, value): (&str, &str),
    ) -> Result<Self, Error> {
        let arguments = [(argument.to_owned(), Argument::from(value))].into_iter().collect();
        let mut case = Case::of_flags(settings, args)?;
        case.variant.arguments = arguments;
        let subject = Subject::new(settings, args, &case, None)?;
        let (mode, _) = subject.mode(args.mode)?;
        let seen = observe(&subject, &subject.rules, false, (mode, args))?;
        let secs = seen.grid.to.since(seen.grid.from).as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        let (series, bytes) = (seen.series_count() as f64, bytes(&subject)? as f64);
        Ok(Self {
            value: value.to_owned(),
            series,
            samples_per_sec: series / subject.scrapes.step.as_secs_f64(),
            bytes_a_day: bytes / secs * DAY_SECS,
            measures: subject.measures.keys().map(|key| measure(key, &seen)).collect(),
            alerts: (subject.rules.alerts().next().is_some()).then(|| firings(&seen)),
        })
    }

    /// The texts of its row.
    pub(super) fn row(&self) -> Vec<String> {
        let sizes = [
            self.value.clone(),
            short(self.series),
            short(self.samples_per_sec),
            short_bytes(self.bytes_a_day),
        ];
        let measures = self.measures.values().map(|measured| match measured {
            Ok(Measured { mean, max }) => format!("{} (max {})", short(*mean), short(*max)),
            Err(_) => "-".to_owned(),
        });
        let alerts = match &self.alerts {
            None => "no rules".to_owned(),
            Some(alerts) if alerts.is_empty() => "none".to_owned(),
            Some(alerts) => {
                alerts.iter().map(|(name, count)| format!("{count} {name}")).collect::<Vec<_>>().join(", ")
            }
        };
        sizes.into_iter().chain(measures).chain([alerts]).collect()
    }

    /// The reasons for which measures are missing.
    pub(super) fn missing(&self) -> impl Iterator<Item = String> {
        self.measures.iter().filter_map(|(name, measured)| {
            let why = measured.as_ref().err()?;
            Some(format!("{name} at {}: {why}", self.value))
        })
    }

    pub(super) fn json(&self) -> Value {
        let measure = |measured: &Result<Measured, String>| match measured {
            Ok(Measured { mean, max }) => json!({ "mean": mean, "max": max }),
            Err(why) => json!({ "error": why }),
        };
        let measures: serde_json::Map<String, Value> =
            self.measures.iter().map(|(name, measured)| (name.clone(), measure(measured))).collect();
        json!({
            "value": self.value,
            "series": self.series,
            "samples_per_second": self.samples_per_sec,
            "storage_bytes_a_day": self.bytes_a_day,
            "measures": measures,
            "alerts": self.alerts,
        })
    }
}

/// Number of times that each alert fired, by its name.
fn firings(seen: &Observation) -> IndexMap<String, usize> {
    let mut firings = IndexMap::new();
    for alert in seen.alerts.iter().filter(|alert| !alert.firing.is_empty()) {
        *firings.entry(alert.name.clone()).or_default() += alert.firing.len();
    }
    firings
}

/// A measure, by the name of its answer.
fn measure(key: &str, seen: &Observation) -> (String, Result<Measured, String>) {
    let name = key.strip_prefix(MEASURED).unwrap_or(key).to_owned();
    let measured = match seen.answers.get(key) {
        Some(Ok(answer)) => of_answer(answer),
        Some(Err(why)) => Err(why.clone()),
        None => Err("the query was not asked".to_owned()),
    };
    (name, measured)
}

fn of_answer(answer: &Answer) -> Result<Measured, String> {
    if answer.iter().any(|elements| elements.len() > 1) {
        return Err("the query returns several series; aggregate them, as with sum(…)".to_owned());
    }
    let values = || answer.iter().flatten().map(|element| element.value).filter(|value| value.is_finite());
    let (sum, count) = values().fold((0.0, 0u32), |(sum, count), value| (sum + value, count + 1));
    if count == 0 {
        return Err("the query returns no data".to_owned());
    }
    Ok(Measured { mean: sum / f64::from(count), max: values().fold(f64::NEG_INFINITY, f64::max) })
}

/// The bytes of a run as blocks of a Prometheus.
fn bytes(subject: &Subject) -> Result<u64, Error> {
    let failed = |source| Error::System {
        what: "the size of blocks in the folder of temporary files cannot be read".to_owned(),
        source,
    };
    let data = TemporaryFolder::new().map_err(failed)?;
    blocks::write(subject, &subject.run, data.path())?;
    size_of(data.path()).map_err(failed)
}

fn size_of(folder: &Path) -> io::Result<u64> {
    fs::read_dir(folder)?.try_fold(0, |sum, entry| {
        let entry = entry?;
        let size =
            if entry.file_type()?.is_dir() { size_of(&entry.path())? } else { entry.metadata()?.len() };
        Ok(sum + size)
    })
}

#[cfg(test)]
mod tests {
    use promemu_core::verdict::Element;

    use super::*;

    #[test]
    fn a_measure_is_one_series_of_which_some_values_are_numbers() {
        let element = |value| Element { labels: String::new(), value };
        let answer = vec![vec![], vec![element(f64::NAN)], vec![element(1.0)], vec![element(3.0)]];
        assert_eq!(of_answer(&answer), Ok(Measured { mean: 2.0, max: 3.0 }));
        assert_eq!(
            of_answer(&vec![vec![], vec![element(f64::NAN)]]),
            Err("the query returns no data".to_owned())
        );
        let several = of_answer(&vec![vec![element(1.0), element(2.0)]]).unwrap_err();
        assert!(several.contains("several series"), "{several}");
    }

    #[test]
    fn a_sweep_is_a_name_and_values() {
        assert_eq!(listed("--sweep", " total = 1, 20,").unwrap(), ("total", vec!["1", "20"]));
        for text in ["total", "=1", "total=", "total=,"] {
            assert!(listed("--sweep", text).is_err(), "{text}");
        }
    }
}
