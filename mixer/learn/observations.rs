//! Histograms and summaries: the number of observations of an update as a scenario, and their values as a spread.

use promemu_wire::samples::HistogramSample;

use crate::call::{Call, Term, Value};
use crate::candidates::{self, Candidate};
use crate::counter::{Increases, increase, increases};
use crate::following;
use crate::grid::{GridSeries, millis};
use crate::inventory::Parts;
use crate::load::{Floats, NativeSamples};
use crate::metric_fit::Around;
use crate::profile::Profile;
use crate::relay::Source;
use crate::spread::{Spread, nearest};
use crate::statistics::{number, quantile, significant, sorted};

/// Fields of a metric, what was measured, and seconds from one sample to the next.
pub(crate) type Fitted = (Vec<(&'static str, Value)>, String, f64);

/// The largest number of observations of an update.
const OBSERVATIONS_MAX: f64 = 1e6;

/// A histogram by its buckets. `None` without two samples of its count.
pub(crate) fn histogram(parts: &Parts<'_>, around: Around<'_>, sources: &[Source<'_>]) -> Option<Fitted> {
    let count = parts.count.or_else(|| parts.by_bound.last().map(|(_, floats)| *floats))?;
    let total = growth(count);
    let points: Vec<(f64, f64)> =
        parts.by_bound.iter().map(|(bound, floats)| (*bound, share(growth(floats), total))).collect();
    let bounds: Vec<f64> = points.iter().map(|(bound, _)| *bound).filter(|bound| bound.is_finite()).collect();
    let is_positive = bounds.first().is_some_and(|bound| *bound >= 0.0);
    let mut fields = Vec::new();
    if !bounds.is_empty() {
        fields.push(("buckets", Value::Numbers(bounds)));
    }
    let still = nearest(&points, mean(parts.sum, total));
    let (spread, follows) = match following::spread(parts, sources, &still) {
        Some((spread, source)) => (spread, format!("its spread follows {source} and")),
        None => (still, "its spread".to_owned()),
    };
    observed(fields, count, Measured { spread, follows, is_positive }, around, sources)
}

/// A summary by its quantiles. `None` without two samples of its count.
pub(crate) fn summary(parts: &Parts<'_>, around: Around<'_>, sources: &[Source<'_>]) -> Option<Fitted> {
    let count = parts.count?;
    let middle = |floats: &Floats| {
        let values: Vec<f64> = floats.iter().map(|(_, value)| *value).collect();
        quantile(&sorted(&values), 0.5)
    };
    let points: Vec<(f64, f64)> =
        parts.by_bound.iter().map(|(share, floats)| (middle(floats), *share)).collect();
    let quantiles: Vec<f64> = points.iter().map(|(_, share)| *share).collect();
    let is_positive = points.iter().all(|(value, _)| *value >= 0.0);
    let fields =
        if quantiles.is_empty() { Vec::new() } else { vec![("quantiles", Value::Numbers(quantiles))] };
    let spread = nearest(&points, mean(parts.sum, growth(count)));
    let measured = Measured { spread, follows: "its spread".to_owned(), is_positive };
    observed(fields, count, measured, around, sources)
}

/// The spread of observations, and the words that tell it.
struct Measured {
    spread: Spread,
    follows: String,
    is_positive: bool,
}

/// The fields that histograms and summaries share.
fn observed(
    mut fields: Vec<(&'static str, Value)>,
    count: &Floats,
    Measured { spread, follows, is_positive }: Measured,
    around: Around<'_>,
    sources: &[Source<'_>],
) -> Option<Fitted> {
    let Increases { grid, .. } = increases(GridSeries::of(count));
    if grid.values.is_empty() {
        return None;
    }
    let (step_secs, sample_secs) = (grid.step_secs, grid.sample_secs);
    if is_positive {
        fields.push(("value_range", Value::Range(0.0, f64::INFINITY)));
    }
    fields.push(("update_interval", Value::Secs(step_secs)));
    let counts = Profile::of(grid, around.begin_ms);
    let (observations, scenario, measured) = observations(&counts, count, around, sources);
    fields.push(("observations", observations));
    let off = significant(100.0 * spread.off);
    fields.push(("spread", Value::Record(spread.call)));
    if let Some(scenario) = scenario {
        fields.push(("scenario", Value::Record(scenario)));
    }
    Some((
        fields,
        format!("{measured}; {follows} is off by {off} % of the observations at most"),
        sample_secs,
    ))
}

/// The number of observations, the scenario that gives it, and what was measured.
fn observations(
    counts: &Profile,
    count: &Floats,
    around: Around<'_>,
    sources: &[Source<'_>],
) -> (Value, Option<Call>, String) {
    let found = candidates::counts(counts);
    if found.is_none()
        && let Some(curve) = following::rate(count, sources)
    {
        let (value, measured) = following::observations(&curve);
        return (value, None, measured);
    }
    let found = found.or_else(|| candidates::simplest(counts, around.toggles));
    match found {
        Some(Candidate { call, measured }) => {
            let value = Value::Formula(vec![Term::Word("value".to_owned())]);
            (value, Some(call), format!("number of observations: {measured}"))
        }
        None => (even(counts.mean), None, "an even number of observations".to_owned()),
    }
}

fn even(count: f64) -> Value {
    Value::Formula(vec![Term::Number(significant(count.clamp(0.0, OBSERVATIONS_MAX)))])
}

/// A native histogram by its buckets. `None` without two samples.
pub(crate) fn native(samples: &NativeSamples) -> Option<Fitted> {
    let (first_ms, last_ms) = (*samples.times.first()?, *samples.times.last()?);
    let steps = number(samples.times.len().checked_sub(1).filter(|steps| *steps > 0)?);
    let step_secs = significant(millis(last_ms - first_ms) / 1000.0 / steps);
    let (first, last) = (&samples.first, &samples.last);
    // One that was reset has counted from 0.
    let is_reset = last.count < first.count;
    let before = if is_reset { HistogramSample::default() } else { first.clone() };
    let total = last.count - before.count;
    let points = native_points(&before, last, total);
    let mean = share(last.sum - before.sum, total);
    let is_positive = last.negative.is_empty();
    let mut fields = vec![("schema", Value::Number(f64::from(last.schema.clamp(-4, 8))))];
    if is_positive {
        fields.push(("value_range", Value::Range(0.0, f64::INFINITY)));
    }
    let spread = nearest(&points, mean);
    let off = significant(100.0 * spread.off);
    fields.extend([
        ("update_interval", Value::Secs(step_secs)),
        ("observations", even(total / steps)),
        ("spread", Value::Record(spread.call)),
    ]);
    let measured = format!(
        "{} observations an update, in the mean; its spread is off by {off} % of them at most",
        significant(total / steps)
    );
    Some((fields, measured, step_secs))
}

/// Upper bounds, and the share of observations up to each.
fn native_points(before: &HistogramSample, last: &HistogramSample, total: f64) -> Vec<(f64, f64)> {
    // Buckets of another resolution say nothing about these.
    let is_same = before.schema == last.schema;
    let at = |buckets: &[(i32, f64)], bucket: i32| {
        let found = buckets.iter().find(|(own, _)| is_same && *own == bucket);
        found.map_or(0.0, |(_, count)| *count)
    };
    let all = if is_same { total } else { last.count };
    let mut below = 0.0;
    let mut points = Vec::new();
    for (bucket, count) in last.negative.iter().rev() {
        below += count - at(&before.negative, *bucket);
        points.push((-last.upper_bound(*bucket - 1), share(below, all)));
    }
    below += last.zero_count - if is_same { before.zero_count } else { 0.0 };
    if below > 0.0 {
        points.push((last.zero_threshold, share(below, all)));
    }
    for (bucket, count) in &last.positive {
        below += count - at(&before.positive, *bucket);
        points.push((last.upper_bound(*bucket), share(below, all)));
    }
    points
}

/// The growth of a counter, resets counted.
fn growth(floats: &Floats) -> f64 {
    floats.windows(2).map(|pair| increase(pair[0].1, pair[1].1)).sum()
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

fn mean(sum: Option<&Floats>, total: f64) -> f64 {
    sum.map_or(0.0, |sum| share(growth(sum), total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_native_histogram_has_the_shares_of_what_it_has_counted_meanwhile() {
        let first = HistogramSample {
            count: 10.0,
            zero_count: 1.0,
            positive: vec![(0, 4.0), (1, 5.0)],
            ..HistogramSample::default()
        };
        let last = HistogramSample {
            count: 30.0,
            zero_count: 1.0,
            positive: vec![(0, 9.0), (1, 20.0)],
            ..HistogramSample::default()
        };
        let points = native_points(&first, &last, 20.0);
        assert_eq!(points, [(1.0, 0.25), (2.0, 1.0)]);
    }

    #[test]
    fn growth_counts_what_comes_after_a_reset() {
        let growth = growth(&vec![(0, 5.0), (1, 9.0), (2, 3.0), (3, 4.0)]);
        assert_eq!(growth.to_bits(), 8.0f64.to_bits());
    }
}
