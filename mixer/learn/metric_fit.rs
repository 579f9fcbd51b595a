//! The record of a metric: its type, its range, and the scenario of its values.

use crate::call::{Call, Term, Value};
use crate::candidates::{self, Candidate};
use crate::counter::increases;
use crate::effects::Actions;
use crate::following;
use crate::grid::GridSeries;
use crate::inventory::{Content, Labels, RecordedMetric};
use crate::load::Floats;
use crate::observations;
use crate::profile::Profile;
use crate::relay::{Source, relay};
use crate::statistics::{number, rounded, significant};
use crate::toggles::Toggles;

/// A fitted metric.
#[derive(Clone, Debug)]
pub(crate) struct MetricFit {
    pub(crate) name: String,
    pub(crate) labels: Labels,
    /// The record without name and labels.
    pub(crate) record: Call,
    /// The measurement in words.
    pub(crate) measured: String,
    /// Seconds from one sample to the next; `None` for an info.
    pub(crate) sample_secs: Option<f64>,
}

/// The recording around a metric.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Around<'r> {
    /// Its begin.
    pub(crate) begin_ms: i64,
    pub(crate) actions: &'r Actions,
    pub(crate) toggles: &'r Toggles,
}

/// Fits a metric, which may follow one of the sources. The error is the reason why it is left out.
pub(crate) fn fit(
    metric: &RecordedMetric<'_>,
    around: Around<'_>,
    sources: &[Source<'_>],
) -> Result<MetricFit, String> {
    let (mut record, measured, sample_secs) = match &metric.content {
        Content::Gauge(floats) => gauge(floats, around, sources),
        Content::Counter(floats) => counter(floats, around, sources),
        Content::Info => (metric_record("info", vec![]), "an info".to_owned(), None),
        Content::Histogram(parts) => {
            observed("histogram", observations::histogram(parts, around, sources), metric)?
        }
        Content::Summary(parts) => {
            observed("summary", observations::summary(parts, around, sources), metric)?
        }
        Content::Native(samples) => observed("native_histogram", observations::native(samples), metric)?,
    };
    if !metric.help.is_empty() {
        record.fields.insert(1, ("description", Value::Text(metric.help.clone())));
    }
    Ok(MetricFit { name: metric.name.clone(), labels: metric.labels.clone(), record, measured, sample_secs })
}

fn observed(
    metric_type: &'static str,
    fitted: Option<observations::Fitted>,
    metric: &RecordedMetric<'_>,
) -> Result<(Call, String, Option<f64>), String> {
    let (fields, measured, sample_secs) =
        fitted.ok_or_else(|| format!("{}, which has less than two samples of its count", metric.name))?;
    Ok((metric_record(metric_type, fields), measured, Some(sample_secs)))
}

fn metric_record(metric_type: &'static str, fields: Vec<(&'static str, Value)>) -> Call {
    let mut all = vec![("metric_type", Value::Word(metric_type))];
    all.extend(fields);
    Call::new("Metric", all)
}

fn gauge(floats: &Floats, around: Around<'_>, sources: &[Source<'_>]) -> (Call, String, Option<f64>) {
    let profile = Profile::of(GridSeries::of(floats).at_updates(), around.begin_ms);
    if let Some(Candidate { call, measured }) = relay(floats, sources) {
        let decimals = ("decimals", Value::Number(decimals(&profile)));
        let fields = vec![decimals, ("scenario", Value::Record(call))];
        return (metric_record("gauge", fields), measured, Some(profile.sample_secs));
    }
    let apart = around.actions.apart(&profile);
    let (profile, terms) = apart.map_or((profile, Vec::new()), |apart| (apart.calm, apart.terms));
    let sample_secs = Some(profile.sample_secs);
    let mut fields = vec![("decimals", Value::Number(decimals(&profile)))];
    let found = with_effects(candidates::simplest(&profile, around.toggles), profile.low(), terms);
    let Some(Candidate { call, measured }) = found else {
        fields.push(("default_value", Value::Number(profile.low())));
        return (metric_record("gauge", fields), "constant".to_owned(), sample_secs);
    };
    if matches!(call.name, "random_walk" | "switch_scenario_by_events") {
        fields.push(("default_value", Value::Number(profile.present.first().copied().unwrap_or_default())));
    }
    if call.name == "switch_scenario_by_events" {
        fields.push(("value_range", Value::Range(profile.low(), profile.high())));
    } else if profile.low() >= 0.0 && is_boundless(&call) {
        fields.push(("value_range", Value::Range(0.0, f64::INFINITY)));
    }
    // Others hear of a toggle at once, so its own value must not wait for a sample.
    let update_secs =
        if call.name == "feature_toggle" { profile.step_secs.min(1.0) } else { profile.step_secs };
    fields.push(("update_interval", Value::Secs(update_secs)));
    fields.push(("scenario", Value::Record(call)));
    (metric_record("gauge", fields), measured, sample_secs)
}

fn counter(floats: &Floats, around: Around<'_>, sources: &[Source<'_>]) -> (Call, String, Option<f64>) {
    let increases = increases(GridSeries::of(floats));
    let (step_secs, sample_secs) = (increases.grid.step_secs, Some(increases.grid.sample_secs));
    let mut fields = vec![("default_value", Value::Number(increases.first))];
    if increases.is_whole {
        fields.push(("decimals", Value::Number(0.0)));
    }
    let counts = Profile::of(increases.grid, around.begin_ms);
    if counts.high() <= 0.0 {
        return still_counter(fields, sample_secs);
    }
    let apart = around.actions.apart(&counts);
    let (counts, terms) = apart.map_or((counts, Vec::new()), |apart| (apart.calm, apart.terms));
    let scaled = |term| match term {
        Term::Number(count) => Term::Number(significant(count / step_secs)),
        word @ Term::Word(_) => word,
    };
    let (accumulate, found) = if let Some(found) = candidates::counts(&counts) {
        ("per_update", with_effects(Some(found), counts.mean, terms))
    } else if let Some(curve) = following::rate(floats, sources) {
        ("per_second", Some(following::relayed(&curve)))
    } else {
        let terms = terms.into_iter().map(scaled).collect();
        ("per_second", with_effects(Some(rate(&counts, step_secs, around.toggles)), counts.mean, terms))
    };
    let Some(found) = found else {
        return still_counter(fields, sample_secs);
    };
    fields.extend([
        ("update_interval", Value::Secs(step_secs)),
        ("accumulate", Value::Word(accumulate)),
        ("scenario", Value::Record(found.call)),
    ]);
    let resets = match increases.resets {
        0 => String::new(),
        1 => "; one reset".to_owned(),
        more => format!("; {more} resets"),
    };
    (metric_record("counter", fields), format!("{}{resets}", found.measured), sample_secs)
}

/// A counter that stays where it is, which a config says as a scenario of no growth.
fn still_counter(
    mut fields: Vec<(&'static str, Value)>,
    sample_secs: Option<f64>,
) -> (Call, String, Option<f64>) {
    fields.push(("scenario", Value::Record(Call::script(vec![Term::Number(0.0)]))));
    (metric_record("counter", fields), "does not count".to_owned(), sample_secs)
}

/// A scenario with the effects of actions on it; `level` is the value without a scenario.
fn with_effects(found: Option<Candidate>, level: f64, terms: Vec<Term>) -> Option<Candidate> {
    if terms.is_empty() {
        return found;
    }
    let Some(Candidate { call, measured }) = found else {
        let mut all = vec![Term::Number(level)];
        all.extend(terms);
        return Some(Candidate { call: Call::script(all), measured: "constant but for actions".to_owned() });
    };
    // The first term has no sign before it.
    let terms = terms.into_iter().enumerate().map(|(n, term)| match term {
        Term::Word(word) if n == 0 => Term::Word(word.trim_start_matches(" + ").to_owned()),
        other => other,
    });
    let call = Call::sum(vec![call, Call::script(terms.collect())]);
    Some(Candidate { call, measured: format!("{measured}; moved by actions") })
}

/// The rate of counts in a second.
fn rate(counts: &Profile, step_secs: f64, toggles: &Toggles) -> Candidate {
    let rates = counts.with(counts.values.iter().map(|count| count / step_secs).collect());
    candidates::simplest(&rates, toggles).unwrap_or_else(|| Candidate {
        call: Call::script(vec![Term::Number(rounded(rates.mean, rates.mean / 1000.0))]),
        measured: "an even rate".to_owned(),
    })
}

/// `true` if a scenario may go below the lowest value that was seen.
fn is_boundless(call: &Call) -> bool {
    match (call.name, call.field("of"), call.field("source")) {
        ("brownian", ..) => true,
        ("script", _, Some(Value::Formula(terms))) => {
            matches!(terms.first(), Some(Term::Word(word)) if word.starts_with("normal"))
        }
        (_, Some(Value::Records(of)), _) => !of.is_empty(),
        _ => false,
    }
}

/// The decimals of the values, or those that a thousandth of their range needs.
fn decimals(profile: &Profile) -> f64 {
    /// More than enough values to see it.
    const LOOKED_AT: usize = 200;
    const DECIMALS_MAX: f64 = 15.0;
    if profile.is_whole {
        return 0.0;
    }
    let digits = |value: &f64| {
        let text = value.to_string();
        text.split_once('.').map_or(0, |(_, decimals)| decimals.len())
    };
    let apart = profile.count() / LOOKED_AT + 1;
    let own = profile.present.iter().step_by(apart).map(digits).max().unwrap_or_default();
    let own = number(own);
    if profile.range() <= 0.0 {
        return own.min(DECIMALS_MAX);
    }
    let needed = (3.0 - libm::floor(libm::log10(profile.range()))).clamp(0.0, DECIMALS_MAX);
    own.min(needed)
}
