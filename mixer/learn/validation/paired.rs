//! Series of both sides on one grid. Counters are rates.

use std::collections::BTreeMap;

use promemu_wire::recording::Recording;
use promemu_wire::samples::ReadSeries;

use super::{EmulatedRun, MetricKind};
use crate::counter::increase;
use crate::grid::{GridSeries, newest_values, whole_millis};
use crate::inventory::{Names, Role, is_reserved};
use crate::load::{Floats, Samples};
use crate::plausibility::shown;
use crate::statistics::number;

/// Series with fewer values are not compared.
const VALUES_MIN: usize = 40;

/// A series of a recording, and the same of each run. Gaps are NaN.
#[derive(Debug)]
pub(super) struct Paired {
    pub(super) series: ReadSeries,
    /// Time of the first value, in milliseconds since the Unix epoch, and seconds from one to the next.
    pub(super) begin_ms: i64,
    pub(super) step_secs: f64,
    pub(super) real: Vec<f64>,
    pub(super) members: Vec<Vec<f64>>,
}

/// The pairs, recorded series that the runs do not have, and the number of those that are not compared.
pub(super) fn paired(
    recording: &Recording,
    samples: &Samples,
    runs: &[EmulatedRun],
) -> (Vec<Paired>, Vec<String>, usize) {
    let names = Names::of(&recording.manifest().families, samples);
    let (mut pairs, mut missing, mut skipped) = (Vec::new(), Vec::new(), 0);
    for (series, floats) in &samples.floats {
        if is_reserved(&series.metric) {
            continue;
        }
        let is_counter = match names.role(series, floats).1 {
            Role::Gauge | Role::Quantile => false,
            Role::Counter | Role::SumOf(_) | Role::CountOf(_) => true,
            // The buckets of a histogram are as many as they are alike.
            Role::Bucket | Role::Info => {
                skipped += 1;
                continue;
            }
        };
        let members: Vec<&Floats> = runs.iter().filter_map(|run| run.get(series)).collect();
        if members.is_empty() {
            missing.push(shown(series));
            continue;
        }
        match pair(series, floats, &members, is_counter) {
            Some(pair) => pairs.push(pair),
            None => skipped += 1,
        }
    }
    (pairs, missing, skipped)
}

/// The kinds of the metrics of which the first run has a recorded series.
pub(super) fn metrics(
    recording: &Recording,
    samples: &Samples,
    runs: &[EmulatedRun],
) -> BTreeMap<String, MetricKind> {
    let names = Names::of(&recording.manifest().families, samples);
    let is_of_both = |series: &ReadSeries| {
        !is_reserved(&series.metric) && runs.first().is_some_and(|run| run.contains_key(series))
    };
    let kinds =
        samples.floats.iter().filter(|(series, _)| is_of_both(series)).filter_map(|(series, floats)| {
            let kind = match names.role(series, floats).1 {
                Role::Gauge | Role::Quantile => MetricKind::Gauge,
                Role::Counter | Role::SumOf(_) | Role::CountOf(_) => MetricKind::Counter,
                Role::Bucket => MetricKind::Buckets,
                Role::Info => return None,
            };
            Some((series.metric.clone(), kind))
        });
    kinds.collect()
}

fn pair(series: &ReadSeries, floats: &Floats, members: &[&Floats], is_counter: bool) -> Option<Paired> {
    let grid = GridSeries::of(floats);
    let (begin_ms, step_secs, rows) = (grid.begin_ms, grid.step_secs, grid.values.len());
    let shaped = |values: Vec<f64>| if is_counter { rates(&values, step_secs) } else { values };
    let real = shaped(grid.values);
    let members: Vec<Vec<f64>> =
        members.iter().map(|member| shaped(on_grid(member, begin_ms, step_secs, rows))).collect();
    let count = |values: &[f64]| values.iter().filter(|value| value.is_finite()).count();
    let is_long = count(&real) >= VALUES_MIN && members.iter().all(|member| count(member) >= VALUES_MIN);
    is_long.then(|| Paired { series: series.clone(), begin_ms, step_secs, real, members })
}

fn on_grid(floats: &Floats, begin_ms: i64, step_secs: f64, rows: usize) -> Vec<f64> {
    let times = (0..rows).map(|row| begin_ms + whole_millis(number(row) * step_secs));
    newest_values(floats, times, whole_millis(step_secs), f64::NAN)
}

/// Growth in a second; a fall is a reset to 0. The first value is a gap.
fn rates(values: &[f64], step_secs: f64) -> Vec<f64> {
    let rates = values.windows(2).map(|pair| increase(pair[0], pair[1]) / step_secs);
    std::iter::once(f64::NAN).chain(rates).collect()
}
