//! Files and values that are what they should be, and labels that keep their type.

use std::collections::BTreeMap;

use promemu_wire::recording::Recording;

use super::content::{Content, is_stale};
use super::{Measure, Problem, VALIDITY};
use crate::plausibility::shown;

/// Labels that are always numbers.
const NUMBERS: [&str; 2] = ["le", "quantile"];
/// The share of the recording in which a label shows its type.
const BEGIN_PARTS: i64 = 10;
/// Number of values of a label that are named.
const VALUES_MAX: usize = 3;

pub(super) fn measure(recording: &Recording, content: &Content, problems: &mut Vec<Problem>) -> Measure {
    let mut put = |of: String, at_ms, what| problems.push(Problem { measure: VALIDITY, of, at_ms, what });
    for damage in &content.damage {
        let (path, what) = damage.split_once(' ').unwrap_or((damage, ""));
        put(path.trim_end_matches(':').to_owned(), None, what.to_owned());
    }
    let [files, damaged] =
        content.slices.iter().fold([0, 0], |sum, slice| [sum[0] + slice.files.0, sum[1] + slice.files.1]);
    let (mut good, mut of) = (files - damaged.min(files), files);
    for (series, samples) in &content.series {
        let is_quantile = series.label("quantile").is_some();
        let is_bad = |value: f64| !(value.is_finite() || is_stale(value) || is_quantile && value.is_nan());
        let mut bad = samples.iter().filter(|(_, value)| is_bad(*value));
        of += samples.len() as u64;
        good += samples.len() as u64;
        if let Some((at, value)) = bad.next() {
            let more = bad.count() as u64;
            good -= 1 + more;
            let more = if more > 0 { format!(", and {more} times more") } else { String::new() };
            put(shown(series), Some(*at), format!("its value is {value}{more}"));
        }
        for label in NUMBERS {
            if let Some(value) = series.label(label).filter(|value| LabelType::of(value) != LabelType::Number)
            {
                put(shown(series), None, format!("label {label} must be a number, but is {value:?}"));
            }
        }
    }
    for (metric, label, at, what) in changed_labels(recording, content) {
        put(metric, Some(at), format!("label {label} {what}"));
    }
    Measure { name: VALIDITY, good, of, unit: "values and files" }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum LabelType {
    Number,
    Truth,
    Text,
}

impl LabelType {
    fn of(value: &str) -> Self {
        match value {
            "true" | "false" => Self::Truth,
            _ if value.parse::<f64>().is_ok() => Self::Number,
            _ => Self::Text,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Truth => "truth value",
            Self::Text => "text",
        }
    }
}

/// Labels whose values are of one type at first, and later also of another: metric, label, time, and a clause.
fn changed_labels(recording: &Recording, content: &Content) -> Vec<(String, String, i64, String)> {
    let (begin, end) = recording.range().unwrap_or_default();
    let begin_until = begin + (end - begin) / BEGIN_PARTS;
    // The first time of each value, by metric and label.
    let mut values: BTreeMap<(&str, &str), BTreeMap<&str, i64>> = BTreeMap::new();
    for (series, samples) in &content.series {
        let Some((first, _)) = samples.first() else { continue };
        for (label, value) in &series.labels {
            let times = values.entry((&series.metric, label)).or_default();
            let time = times.entry(value).or_insert(*first);
            *time = (*time).min(*first);
        }
    }
    let mut changed = Vec::new();
    for ((metric, label), times) in values {
        let at_first = times.iter().filter(|(_, at)| **at <= begin_until);
        let mut types: Vec<LabelType> = at_first.map(|(value, _)| LabelType::of(value)).collect();
        types.sort();
        types.dedup();
        // A text may look like a number.
        let [one] = types[..] else { continue };
        if one == LabelType::Text {
            continue;
        }
        let others: Vec<(&str, i64)> = times
            .iter()
            .filter(|(value, _)| LabelType::of(value) != one)
            .map(|(value, at)| (*value, *at))
            .collect();
        let Some(at) = others.iter().map(|(_, at)| *at).min() else { continue };
        let other = LabelType::of(others[0].0);
        let named: Vec<String> =
            others.iter().take(VALUES_MAX).map(|(value, _)| format!("{value:?}")).collect();
        let what = format!(
            "changes its type: a {} at first, a {} later, as in {}",
            one.name(),
            other.name(),
            named.join(", ")
        );
        changed.push((metric.to_owned(), label.to_owned(), at, what));
    }
    changed
}
