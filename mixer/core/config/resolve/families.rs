//! Families: one name has one type, one description and one unit in the whole run.

use std::sync::Arc;

use super::labels::LabelNames;
use super::resolver::{KnownFamily, Resolver};
use crate::config::template::MetricTemplate;
use crate::error::SourceSpan;
use crate::metric::MetricType;
use crate::naming::{is_label_name, is_metric_name, is_reserved_metric};
use crate::series::{Family, family_of_series};

impl Resolver<'_> {
    /// The index of the family; a new one is registered.
    pub(super) fn family(
        &mut self,
        name: &Arc<str>,
        metric_type: MetricType,
        template: &MetricTemplate,
    ) -> Option<usize> {
        let described = match &template.description {
            Some(text) => Some(self.text("description", text)?),
            None => None,
        };
        let units = match &template.units {
            Some(units) => self.name("units", units)?,
            None => String::new(),
        };
        self.described_family(name, metric_type, (described, &units), template.name.span)
    }

    /// As [`Self::family`], with its description, if it has one, and its units.
    pub(super) fn described_family(
        &mut self,
        name: &Arc<str>,
        metric_type: MetricType,
        (described, units): (Option<String>, &str),
        span: SourceSpan,
    ) -> Option<usize> {
        self.check_family_name(name, metric_type, span);
        if let Some(other) = contradiction(units, name) {
            let message = format!(
                "units {units:?} contradicts the name {name:?}, which ends in {other}; change one of them"
            );
            self.problems.warning(span, message);
        }
        let help = described.as_deref().unwrap_or("an emulated metric");
        let unit: Arc<str> = base_unit(units, name).into();
        let Some(known) = self.families.get_mut(name) else {
            let family = Family { unit, ..Family::new(Arc::clone(name), help, metric_type) };
            let entry = self.families.insert_full(
                Arc::clone(name),
                KnownFamily { family, is_described: described.is_some(), span },
            );
            return Some(entry.0);
        };
        if known.family.metric_type != metric_type {
            let (other, this) = (known.family.metric_type.name(), metric_type.name());
            self.problems.error(
                span,
                format!(
                    "metric {name:?} is a {this} here and a {other} elsewhere; give one of them another name"
                ),
            );
        }
        if known.family.unit.is_empty() {
            known.family.unit = unit;
        }
        if described.is_some() && known.is_described && *known.family.help != *help {
            let elsewhere = &known.family.help;
            self.problems.error(span, format!("metric {name:?} has the description {help:?} here and {elsewhere:?} elsewhere; a name has one"));
        } else if described.is_some() {
            (known.family.help, known.is_described, known.span) = (help.into(), true, span);
        }
        self.families.get_index_of(name)
    }

    /// Adds an error or warning about a name that its type does not allow.
    fn check_family_name(&mut self, name: &str, metric_type: MetricType, span: SourceSpan) {
        if !is_metric_name(name) {
            self.problems.error(span, format!("metric name {name:?} is not allowed; use letters, digits, _ and :, not beginning with a digit"));
        } else if is_reserved_metric(name) {
            self.problems.error(
                span,
                format!("metric name {name:?} is used by the Pushgateway or promemu; choose another"),
            );
        } else if metric_type == MetricType::Info && name.strip_suffix("_info").is_none_or(str::is_empty) {
            self.problems.error(span, format!("info {name:?} must end in _info, as in build_info"));
        } else if metric_type == MetricType::StateSet && !is_label_name(name) {
            self.problems.error(
                span,
                format!(
                    "stateset {name:?} is also the name of a label; use no colons, and no __ at the beginning"
                ),
            );
        } else if metric_type == MetricType::Counter && !name.ends_with("_total") {
            self.problems
                .warning(span, format!("counter {name:?} does not end in _total, as counters should"));
        }
    }

    /// Labels that the metric's type sets, so that it cannot have them. One that its host has already is an error.
    pub(super) fn reserved_beside<'n>(
        &mut self,
        template: &MetricTemplate,
        name: &'n str,
        metric_type: MetricType,
        host_labels: &LabelNames<'_>,
    ) -> Vec<&'n str> {
        let has_buckets = matches!(metric_type, MetricType::Histogram | MetricType::NativeHistogram);
        let mut reserved: Vec<&str> = self.reserved_labels(has_buckets);
        let own = match metric_type {
            MetricType::Summary => "quantile",
            MetricType::StateSet => name,
            _ => return reserved,
        };
        let whose = if reserved.contains(&own) {
            Some("is set by promemu itself")
        } else {
            host_labels.contains(own).then_some("its host has already")
        };
        if let Some(whose) = whose {
            let what = metric_type.name();
            self.problems.error(
                template.name.span,
                format!("{what} {name:?} sets the label {own:?}, which {whose}; choose another name"),
            );
        }
        reserved.push(own);
        reserved
    }

    /// Notes a created time for the family's series.
    pub(super) fn note_created(&mut self, family: usize, has_created: bool) {
        if let Some((_, known)) = self.families.get_index_mut(family) {
            known.family.has_created |= has_created;
        }
    }

    /// Refuses families named like a series of another type, as `x_sum` beside a summary `x`.
    pub(super) fn refuse_suffix_clashes(&mut self) {
        for (name, known) in &self.families {
            let family_of = |name: &str| self.families.get(name).map(|known| &known.family);
            if let Some(other) = family_of_series(name, family_of) {
                let (what, stem) = (other.metric_type.name(), &other.name);
                self.problems.error(
                    known.span,
                    format!(
                        "metric {name:?} is a series of the {what} {stem:?}; give one of them another name"
                    ),
                );
            }
        }
    }
}

/// OpenMetrics' base units
/// (<https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md#units-and-base-units>).
const BASE_UNITS: [&str; 9] =
    ["seconds", "bytes", "joules", "grams", "meters", "ratio", "volts", "amperes", "celsius"];

/// Units with the words that mean them. Names of metrics end in one, as Prometheus' conventions ask for.
const SYNONYMS: [&[&str]; 17] = [
    &["seconds", "second", "secs", "sec", "s"],
    &["milliseconds", "millisecond", "millis", "ms"],
    &["microseconds", "microsecond", "micros", "us", "µs"],
    &["nanoseconds", "nanosecond", "nanos", "ns"],
    &["minutes", "minute", "min"],
    &["hours", "hour", "h"],
    &["days", "day", "d"],
    &["bytes", "byte", "B"],
    &["bits", "bit"],
    &["kilobytes", "kilobyte", "kibibytes", "KiB", "kB", "KB", "kb"],
    &["megabytes", "megabyte", "mebibytes", "MiB", "MB", "mb"],
    &["gigabytes", "gigabyte", "gibibytes", "GiB", "GB", "gb"],
    &["percent", "percents", "%"],
    &["ratio"],
    &["celsius", "°C"],
    &["volts", "volt", "V"],
    &["joules", "joule", "J"],
];

/// The unit in which a name ends, if these are other units.
fn contradiction<'n>(units: &str, name: &'n str) -> Option<&'n str> {
    let stem = name.strip_suffix("_total").unwrap_or(name);
    let (_, last) = stem.rsplit_once('_')?;
    let meaning = |word: &str| SYNONYMS.iter().position(|words| words.contains(&word));
    let (of_name, given) = (meaning(last)?, meaning(units)?);
    (of_name != given).then_some(last)
}

/// The unit if it is a base unit and the name's suffix; else empty, since OpenMetrics allows no other.
fn base_unit(units: &str, name: &str) -> &'static str {
    let stem = name.strip_suffix("_total").unwrap_or(name);
    let fits =
        |unit: &&&str| **unit == units && stem.strip_suffix(**unit).is_some_and(|rest| rest.ends_with('_'));
    BASE_UNITS.iter().find(fits).copied().unwrap_or_default()
}
