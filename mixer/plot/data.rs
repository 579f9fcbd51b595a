//! The curves of a plan's metrics in virtual time: what a query of its series would give.

use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::sync::Arc;

use promemu::backfill::{Backfill, Grid, HostSamples};
use promemu::clock::{Span, Time};
use promemu::metric::{Cells, Filling, Kind, NativeLayout, is_absent, native_histogram};
use promemu::plan::Plan;

use super::axis::Unit;
use super::marks::{Happened, Marks, marks};
use super::selection::{SelectedFamily, SelectedSeries, Selection};

/// A rate looks back over so many of the longest intervals between two new values: a window that often
/// misses one shows steps that are none.
const INTERVALS_IN_WINDOW: u64 = 4;
/// What a histogram's curves show.
const QUANTILES: [(&str, f64); 2] = [("p50", 0.5), ("p99", 0.99)];
/// What `description` is when a config says nothing.
const NO_HELP: &str = "an emulated metric";

/// The charts of one run.
#[derive(Debug)]
pub(super) struct Figure {
    pub(super) grid: Grid,
    /// The end of the time axis; the last moment may be earlier.
    pub(super) to: Time,
    pub(super) charts: Vec<Chart>,
    /// How often a scenario failed.
    pub(super) scenario_errors: u64,
}

/// One family.
#[derive(Debug)]
pub(super) struct Chart {
    pub(super) name: String,
    /// What is drawn of it, if that is not its values.
    pub(super) reading: String,
    pub(super) help: String,
    pub(super) unit: Unit,
    /// All curves, each with a value for each moment; one that is not a number is a gap.
    pub(super) curves: Vec<Curve>,
    pub(super) marks: Vec<Marks>,
}

/// One series, or a quantile.
#[derive(Debug)]
pub(super) struct Curve {
    pub(super) label: String,
    pub(super) values: Vec<f64>,
}

/// Many curves as one: what lies between the lowest and the highest, and the middle.
#[derive(Debug)]
pub(super) struct Band {
    pub(super) low: Vec<f64>,
    pub(super) middle: Vec<f64>,
    pub(super) high: Vec<f64>,
}

impl Figure {
    /// Drives the selected hosts, and reads their series at the moments of the grid.
    pub(super) fn of(plan: &Arc<Plan>, selection: &Selection, seed: u64, grid: Grid, to: Time) -> Self {
        let run = Backfill::new(Arc::clone(plan), seed, grid.from, to);
        let by_host = selection.by_host();
        let hosts: Vec<_> = by_host.keys().copied().collect();
        let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let readings: Vec<Reading> =
            selection.families.iter().map(|family| Reading::of(plan, family, &grid)).collect();
        let mut gathered: Vec<Gathered> = readings.iter().map(|reading| reading.nothing(&grid)).collect();
        let mut events: Vec<Happened> = run.log().iter().map(Happened::new).collect();
        let mut scenario_errors = 0;
        let made = run.each_host(
            &hosts,
            threads,
            |_, host| {
                let mut emitted = Vec::new();
                let samples =
                    HostSamples::with_events(host, &grid, |event| emitted.push(Happened::new(event)));
                (samples, emitted)
            },
            |id, (samples, emitted)| {
                events.extend(emitted);
                scenario_errors += samples.tally.scenario_errors;
                for (place, metric) in by_host.get(&id).into_iter().flatten() {
                    let series = SelectedSeries { host: id, metric: *metric };
                    readings[*place].read(plan, series, &samples, &mut gathered[*place]);
                }
                Ok::<(), std::convert::Infallible>(())
            },
        );
        match made {
            Ok(()) => {}
            Err(never) => match never {},
        }
        events.sort_unstable();
        events.dedup();
        let parts = selection.families.iter().zip(readings).zip(gathered);
        let charts = parts.map(|((family, reading), gathered)| {
            let marks = marks(plan, family, &events);
            reading.chart(plan, family, gathered, marks)
        });
        Self { charts: charts.collect(), grid, to, scenario_errors }
    }

    /// Where a time is: 0 at the start, 1 at the end.
    pub(super) fn place(&self, time: Time) -> f64 {
        let span = self.to.since(self.grid.from).as_secs_f64();
        (time.since(self.grid.from).as_secs_f64() / span).clamp(0.0, 1.0)
    }

    /// Where the moments are.
    pub(super) fn places(&self) -> Vec<f64> {
        self.grid.iter().map(|moment| self.place(moment)).collect()
    }
}

impl Chart {
    /// The lowest and the highest value.
    pub(super) fn extent(&self) -> Option<(f64, f64)> {
        let values =
            self.curves.iter().flat_map(|curve| &curve.values).copied().filter(|value| !value.is_nan());
        values.fold(None, |extent, value| {
            let (low, high) = extent.unwrap_or((value, value));
            Some((value.min(low), value.max(high)))
        })
    }

    /// Its curves as a band.
    pub(super) fn band(&self) -> Band {
        let moments = self.curves.first().map_or(0, |curve| curve.values.len());
        let mut band = Band { low: Vec::new(), middle: Vec::new(), high: Vec::new() };
        let mut values = Vec::new();
        for moment in 0..moments {
            values.clear();
            values
                .extend(self.curves.iter().map(|curve| curve.values[moment]).filter(|value| !value.is_nan()));
            values.sort_unstable_by(f64::total_cmp);
            let at = |place: usize| values.get(place).copied().unwrap_or(f64::NAN);
            band.low.push(at(0));
            band.middle.push(f64::midpoint(at(values.len().saturating_sub(1) / 2), at(values.len() / 2)));
            band.high.push(at(values.len().saturating_sub(1)));
        }
        band
    }
}

/// The stretches in which a curve has values.
pub(super) fn stretches(values: &[f64]) -> Vec<RangeInclusive<usize>> {
    let mut stretches: Vec<RangeInclusive<usize>> = Vec::new();
    for (n, _) in values.iter().enumerate().filter(|(_, value)| !value.is_nan()) {
        match stretches.last_mut() {
            Some(last) if last.end() + 1 == n => *last = *last.start()..=n,
            _ => stretches.push(n..=n),
        }
    }
    stretches
}

/// How a family's cells become curves.
#[derive(Debug)]
enum Reading {
    /// The values.
    Values,
    /// How much they grow per second from report to report, over so many steps.
    Rate { steps: usize, step: Span },
    /// Quantiles of what was observed in so many steps.
    Quantiles { steps: usize, step: Span, bounds: Arc<[f64]> },
    /// The same of native histograms.
    NativeQuantiles { steps: usize, step: Span, layout: NativeLayout },
    /// The quantiles that summaries show.
    Summaries { quantiles: Arc<[f64]> },
    /// Which state it is, by their numbers.
    States(Arc<[Arc<str>]>),
}

/// What has been read so far.
#[derive(Debug)]
enum Gathered {
    Curves(Vec<Curve>),
    /// What the buckets have grown by, each at every moment, and how many series that is.
    Buckets(Vec<Vec<f64>>, usize),
    /// The growth of native histograms as one, at every moment, and how many series that is.
    Native(Vec<Vec<f64>>, usize),
}

impl Reading {
    fn of(plan: &Plan, family: &SelectedFamily, grid: &Grid) -> Self {
        let interval = |series: &SelectedSeries| {
            let (host, metric) = (series.host(plan), series.metric(plan));
            host.interval.1.max(host.shape.schedules[metric.schedule].update_interval)
        };
        let longest = family.series.iter().map(interval).max().unwrap_or(Span::ZERO);
        let step = grid.step;
        let wanted = longest.times(INTERVALS_IN_WINDOW).as_nanos().div_ceil(step.as_nanos().max(1));
        let steps = usize::try_from(wanted).unwrap_or(usize::MAX).min(grid.count() / 2).max(1);
        let cells = family.series.first().map(|series| &series.metric(plan).cells);
        match cells.map(|cells| (&cells.layout().kind, cells.filling())) {
            Some((_, Filling::Counter { .. })) => Self::Rate { steps, step },
            Some((Kind::Histogram { bounds }, _)) => {
                Self::Quantiles { steps, step, bounds: Arc::clone(bounds) }
            }
            Some((Kind::NativeHistogram(layout), _)) => {
                Self::NativeQuantiles { steps, step, layout: *layout }
            }
            Some((Kind::Summary { quantiles }, _)) => Self::Summaries { quantiles: Arc::clone(quantiles) },
            Some((Kind::StateSet { states }, _)) => Self::States(Arc::clone(states)),
            _ => Self::Values,
        }
    }

    fn nothing(&self, grid: &Grid) -> Gathered {
        match self {
            Self::Quantiles { bounds, .. } => {
                Gathered::Buckets(vec![vec![0.0; grid.count()]; bounds.len() + 1], 0)
            }
            Self::NativeQuantiles { layout, .. } => {
                let mut cells = vec![0.0; layout.width()];
                layout.clear(&mut cells);
                Gathered::Native(vec![cells; grid.count()], 0)
            }
            Self::Values | Self::Rate { .. } | Self::Summaries { .. } | Self::States(_) => {
                Gathered::Curves(Vec::new())
            }
        }
    }

    /// Adds one series.
    fn read(&self, plan: &Plan, series: SelectedSeries, samples: &HostSamples, gathered: &mut Gathered) {
        let metric = series.metric(plan);
        let cells = samples.cell(metric.offset);
        match (self, gathered) {
            (Self::Values | Self::States(_), Gathered::Curves(curves)) => {
                let finite = |value: &f64| if value.is_finite() { *value } else { f64::NAN };
                curves.push(Curve { label: label(plan, series), values: cells.iter().map(finite).collect() });
            }
            (Self::Rate { steps, .. }, Gathered::Curves(curves)) => {
                let reported = samples.reported_at();
                let rate = |n: usize| {
                    let from = window(cells, n, *steps)?;
                    let span = reported[n].since(reported[from]);
                    (span > Span::ZERO).then(|| (cells[n] - cells[from]) / span.as_secs_f64())
                };
                let values = (0..cells.len()).map(|n| rate(n).unwrap_or(f64::NAN)).collect();
                curves.push(Curve { label: label(plan, series), values });
            }
            // Buckets with other bounds cannot be added.
            (Self::Quantiles { steps, bounds, .. }, Gathered::Buckets(buckets, count))
                if has_bounds(&metric.cells, bounds) =>
            {
                *count += 1;
                for (n, from) in (0..cells.len()).filter_map(|n| Some((n, window(cells, n, *steps)?))) {
                    for (bucket, grown) in buckets.iter_mut().enumerate() {
                        let totals = samples.cell(metric.offset + bucket);
                        grown[n] += totals[n] - totals[from];
                    }
                }
            }
            (Self::Summaries { quantiles }, Gathered::Curves(curves)) => {
                for (quantile, place) in quantiles.iter().zip(2..) {
                    let label = format!("{} p{}", label(plan, series), quantile * 100.0);
                    let values = samples.cell(metric.offset + place).iter();
                    let values = values.map(|value| if value.is_finite() { *value } else { f64::NAN });
                    curves.push(Curve { label, values: values.collect() });
                }
            }
            (Self::NativeQuantiles { steps, layout, .. }, Gathered::Native(grown, count))
                if metric.cells.layout().kind == Kind::NativeHistogram(*layout) =>
            {
                *count += 1;
                let cells_at = |moment: usize| -> Vec<f64> {
                    let places = metric.offset..metric.offset + layout.width();
                    places.map(|place| samples.cell(place)[moment]).collect()
                };
                for (n, from) in (0..cells.len()).filter_map(|n| Some((n, window(cells, n, *steps)?))) {
                    layout.add(&mut grown[n], &cells_at(n), 1.0);
                    layout.add(&mut grown[n], &cells_at(from), -1.0);
                }
            }
            _ => {}
        }
    }

    fn chart(&self, plan: &Plan, family: &SelectedFamily, gathered: Gathered, marks: Vec<Marks>) -> Chart {
        let plan_family = &plan.families[family.family];
        let mut count = family.series.len();
        let curves = match (self, gathered) {
            (Self::Quantiles { bounds, .. }, Gathered::Buckets(buckets, added)) => {
                count = added;
                QUANTILES.iter().map(|(label, q)| quantile_curve(label, *q, bounds, &buckets)).collect()
            }
            (Self::NativeQuantiles { layout, .. }, Gathered::Native(grown, added)) => {
                count = added;
                let curve = |(label, q): &(&str, f64)| {
                    let quantile = |cells: &Vec<f64>| native_histogram(layout, cells).quantile(*q);
                    Curve { label: (*label).to_owned(), values: grown.iter().map(quantile).collect() }
                };
                QUANTILES.iter().map(curve).collect()
            }
            (_, Gathered::Curves(curves)) => curves,
            _ => Vec::new(),
        };
        let window = |steps: &usize, step: &Span| {
            let window = step.times(*steps as u64).to_string().replace(' ', "");
            if *steps == 0 { String::new() } else { window }
        };
        let reading = match self {
            Self::Values => String::new(),
            Self::Summaries { .. } => "quantiles".to_owned(),
            Self::States(states) => {
                let numbered = states.iter().enumerate().map(|(n, state)| format!("{n} {state}"));
                numbered.collect::<Vec<_>>().join(", ")
            }
            Self::Rate { steps, step } => format!("rate per second over {}", window(steps, step)),
            Self::Quantiles { steps, step, .. } | Self::NativeQuantiles { steps, step, .. } => {
                let together = if count > 1 { format!(" of {count} series together") } else { String::new() };
                format!("p50 and p99{together} over {}", window(steps, step))
            }
        };
        let is_help = !matches!(&*plan_family.help, "" | NO_HELP);
        Chart {
            name: plan_family.name.to_string(),
            reading,
            help: if is_help { plan_family.help.to_string() } else { String::new() },
            unit: Unit::of(&plan_family.name),
            curves,
            marks,
        }
    }
}

fn has_bounds(cells: &Cells, wanted: &Arc<[f64]>) -> bool {
    matches!(&cells.layout().kind, Kind::Histogram { bounds } if bounds == wanted)
}

/// A series' host, and the labels that tell it from others of the host.
fn label(plan: &Plan, series: SelectedSeries) -> String {
    let labels = series.metric(plan).labels.as_text();
    let name = &series.host(plan).name;
    if labels.is_empty() {
        name.to_string()
    } else {
        format!("{name} {{{}}}", String::from_utf8_lossy(labels))
    }
}

/// The moment with which the n-th is compared: the first with a sample among so many before it. None if there
/// is not yet half of them to look back on.
fn window(cells: &[f64], n: usize, steps: usize) -> Option<usize> {
    if is_absent(cells[n]) {
        return None;
    }
    let from = (n.saturating_sub(steps)..n).find(|n| !is_absent(cells[*n]))?;
    ((n - from) * 2 >= steps).then_some(from)
}

fn quantile_curve(label: &str, q: f64, bounds: &[f64], buckets: &[Vec<f64>]) -> Curve {
    let moments = buckets.first().map_or(0, Vec::len);
    let mut counts = vec![0.0; buckets.len()];
    let values = (0..moments).map(|n| {
        counts.iter_mut().zip(buckets).for_each(|(count, bucket)| *count = bucket[n]);
        quantile(q, bounds, &counts)
    });
    Curve { label: label.to_owned(), values: values.collect() }
}

/// As `PromQL`'s `histogram_quantile`: between two bounds evenly spread, from 0 if the first is positive, and never
/// above the last bound. Not a number if nothing was observed.
fn quantile(q: f64, bounds: &[f64], counts: &[f64]) -> f64 {
    let total: f64 = counts.iter().sum();
    if total <= 0.0 {
        return f64::NAN;
    }
    let mut below = 0.0;
    for (n, (count, bound)) in counts.iter().zip(bounds).enumerate() {
        if below + count >= q * total {
            let low = if n > 0 { bounds[n - 1] } else { bound.min(0.0) };
            let is_open = n == 0 && *bound <= 0.0;
            return if is_open { *bound } else { low + (bound - low) * (q * total - below) / count };
        }
        below += count;
    }
    bounds.last().copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_promql() {
        let bounds = [1.0, 2.0, 4.0];
        let is = |q: f64, counts: [f64; 4], value: f64| {
            let quantile = quantile(q, &bounds, &counts);
            assert!((quantile - value).abs() < 1e-9, "{q} of {counts:?}: {quantile}");
        };
        is(0.5, [4.0, 0.0, 0.0, 0.0], 0.5);
        is(0.5, [2.0, 2.0, 0.0, 0.0], 1.0);
        is(0.99, [0.0, 0.0, 100.0, 0.0], 3.98);
        is(0.99, [1.0, 0.0, 0.0, 99.0], 4.0);
        assert!(quantile(0.5, &bounds, &[0.0; 4]).is_nan());
        assert_eq!(quantile(0.5, &[-1.0, 1.0], &[3.0, 1.0, 0.0]).to_bits(), (-1.0f64).to_bits());
    }

    #[test]
    fn a_window_needs_half_of_its_moments() {
        let absent = promemu::metric::ABSENT;
        let cells = [absent, 1.0, 2.0, 3.0, 4.0, absent];
        let windows: Vec<_> = (0..6).map(|n| window(&cells, n, 4)).collect();
        assert_eq!(windows, [None, None, None, Some(1), Some(1), None]);
        assert_eq!(window(&cells, 2, 1), Some(1));
    }

    #[test]
    fn stretches_are_what_lies_between_gaps() {
        assert_eq!(stretches(&[f64::NAN, 1.0, 2.0, f64::NAN, 3.0]), [1..=2, 4..=4]);
    }
}
