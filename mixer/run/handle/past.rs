//! The history of a run as its series had it, for those who look at the run later.

use promemu_core::backfill::{Aggregate, RecentSamples};
use promemu_core::metric::rate;
use promemu_core::time::Time;

use super::lookup::find_series;
use super::sampler::RATE_RANGE;
use super::selection::{Operator, Selection, without_rate};
use crate::fleet::Fleet;

/// Samples of a history that a rate is made of, at least.
const SAMPLES_OF_RATE: u64 = 4;

/// Values in order of time.
type Values = Vec<(Time, Option<f64>)>;

/// The newest values of the series of this id in a history.
pub(super) fn of(fleet: &Fleet, recent: &RecentSamples, id: &str) -> Values {
    let (plain, is_rate) = without_rate(id);
    let Some(Selection { operator, metric, labels }) = Selection::parse(plain) else {
        let Some((host, metric)) = find_series(fleet, plain) else { return Vec::new() };
        let host = fleet.host(host);
        let metric = &host.shape.metrics[metric];
        let grows = fleet.plan().families[metric.family].metric_type.grows();
        let values = recent.of_metric(&host.name, metric);
        return if is_rate && grows { rates(&values) } else { values };
    };
    if !labels.is_empty() || operator.needs_buckets() {
        return Vec::new();
    }
    let families = &fleet.plan().families;
    if is_rate && families.iter().any(|family| *family.name == *metric && family.metric_type.grows()) {
        return aggregated_rates(operator, &recent.series_of_family(&metric));
    }
    recent.of_family(&metric).into_iter().map(|(time, all)| (time, operator.of(&all))).collect()
}

/// The rate of a series at each moment, over as much time as the page's own, or over some samples if they are rare.
fn rates(values: &[(Time, Option<f64>)]) -> Values {
    let apart = values.windows(2).map(|pair| pair[1].0.unix_millis() - pair[0].0.unix_millis()).min();
    let page = u64::try_from(RATE_RANGE.as_millis()).unwrap_or(u64::MAX);
    let range = page.max(apart.unwrap_or(0) * SAMPLES_OF_RATE);
    let mut first = 0;
    let mut found = Vec::with_capacity(values.len());
    for (at, (time, _)) in values.iter().enumerate() {
        let until = time.unix_millis();
        let from = until.saturating_sub(range);
        while values[first].0.unix_millis() <= from {
            first += 1;
        }
        let samples =
            values[first..=at].iter().filter_map(|(time, value)| Some((time.unix_millis(), (*value)?)));
        found.push((*time, rate(from, until, samples)));
    }
    found
}

/// The rates of all series, aggregated moment by moment.
fn aggregated_rates(operator: Operator, series: &[Values]) -> Values {
    let mut found: Vec<(Time, Aggregate)> = Vec::new();
    for values in series {
        for (at, (time, rate)) in rates(values).into_iter().enumerate() {
            if found.len() <= at {
                found.push((time, Aggregate::default()));
            }
            if let Some(rate) = rate {
                found[at].1.add(rate);
            }
        }
    }
    found.into_iter().map(|(time, all)| (time, operator.of(&all))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_of_a_past_are_made_of_four_samples_where_they_are_rare() {
        let at = |seconds: u64, value| (Time::from_unix_secs(1_000 + seconds), value);
        let numbers = [0.0, 60.0, 120.0, 180.0, 5.0, 65.0];
        let values: Values = (0..).zip(numbers).map(|(n, number)| at(60 * n, Some(number))).collect();
        let found: Vec<_> = rates(&values).into_iter().map(|(_, rate)| rate).collect();
        assert_eq!((found[0], found[3]), (None, Some(0.75)), "nothing before 0");
        assert!((found[5].unwrap() - (60.0 + 5.0 + 60.0) * 240.0 / 180.0 / 240.0).abs() < 1e-12, "{found:?}");
        let both = aggregated_rates(Operator::Sum, &[values.clone(), values]);
        assert_eq!(both.iter().map(|(_, rate)| *rate).nth(3), Some(Some(1.5)));
    }
}
