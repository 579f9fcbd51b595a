//! How the cells of a family's series become curves: as `PromQL` would read them.

use std::sync::Arc;

use promemu_core::backfill::Grid;
use promemu_core::metric::{Aggregation, Cells, Kind, NativeLayout, native_histogram};
use promemu_core::plan::Plan;
use promemu_core::time::Span;

use super::axis::Unit;
use super::data::{Chart, Curve};
use super::growth::{breaks, each_part, growth, window};
use super::marks::Marks;
use super::selection::{SelectedFamily, SelectedSeries};
use super::shown::Shown;

/// A rate looks back over so many of the longest intervals between two new values: a window that often
/// misses one shows steps that are none.
const INTERVALS_IN_WINDOW: u64 = 4;
/// What a histogram's curves show.
const QUANTILES: [(&str, f64); 2] = [("p50", 0.5), ("p99", 0.99)];
/// If there are more quantiles of summaries, each is drawn as the middle of all series.
const QUANTILE_LINES_MAX: usize = 4;
/// What `description` is when a config says nothing.
const NO_HELP: &str = "an emulated metric";

/// How a family's cells become curves.
#[derive(Debug)]
pub(super) enum Reading {
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
pub(super) enum Gathered {
    Curves(Vec<Curve>),
    /// What the buckets have grown by, each at every moment, and how many series that is.
    Buckets(Vec<Vec<f64>>, usize),
    /// The growth of native histograms as one, at every moment, and how many series that is.
    Native(Vec<Vec<f64>>, usize),
}

impl Reading {
    pub(super) fn of(plan: &Plan, family: &SelectedFamily, grid: &Grid) -> Self {
        let interval = |series: &SelectedSeries| {
            let (host, metric) = (series.host(plan), series.metric(plan));
            host.interval.1.max(series.shape(plan).schedules[metric.schedule].update_interval)
        };
        let longest = family.series.iter().map(interval).max().unwrap_or(Span::ZERO);
        let step = grid.step;
        let wanted = longest.times(INTERVALS_IN_WINDOW).as_nanos().div_ceil(step.as_nanos().max(1));
        let steps = usize::try_from(wanted).unwrap_or(usize::MAX).min(grid.count() / 2).max(1);
        let cells = family.series.first().map(|series| &series.metric(plan).cells);
        match cells.map(|cells| (&cells.layout().kind, cells.aggregation())) {
            Some((_, Aggregation::Counter { .. })) => Self::Rate { steps, step },
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

    pub(super) fn nothing(&self, grid: &Grid) -> Gathered {
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
    pub(super) fn read(&self, plan: &Plan, series: SelectedSeries, shown: &Shown, gathered: &mut Gathered) {
        let metric = series.metric(plan);
        let samples = shown.samples(series);
        let cells = samples.cell(metric.offset);
        let curve = |label: String, cells: &[f64]| {
            let finite = |value: &f64| if value.is_finite() { *value } else { f64::NAN };
            Curve { label, values: cells.iter().map(finite).collect() }
        };
        match (self, gathered) {
            (Self::Values | Self::States(_), Gathered::Curves(curves)) => {
                curves.push(curve(label(plan, series), cells));
            }
            (Self::Rate { steps, .. }, Gathered::Curves(curves)) => {
                let (breaks, made_at) = (breaks(cells, shown.begins(series)), shown.made_at());
                let rate = |n: usize| {
                    let from = window(cells, n, *steps)?;
                    let span = made_at[n].since(made_at[from]);
                    (span > Span::ZERO).then(|| growth(cells, from, n, &breaks) / span.as_secs_f64())
                };
                let values = (0..cells.len()).map(|n| rate(n).unwrap_or(f64::NAN)).collect();
                curves.push(Curve { label: label(plan, series), values });
            }
            // Buckets with other bounds cannot be added.
            (Self::Quantiles { steps, bounds, .. }, Gathered::Buckets(buckets, count))
                if has_bounds(&metric.cells, bounds) =>
            {
                *count += 1;
                let places = metric.offset..metric.offset + buckets.len();
                let total = |n: usize| places.clone().map(|place| samples.cell(place)[n]).sum();
                let totals: Vec<f64> = (0..cells.len()).map(total).collect();
                let breaks = breaks(&totals, shown.begins(series));
                for (n, from) in (0..cells.len()).filter_map(|n| Some((n, window(cells, n, *steps)?))) {
                    for (place, grown) in places.clone().zip(buckets.iter_mut()) {
                        grown[n] += growth(samples.cell(place), from, n, &breaks);
                    }
                }
            }
            (Self::Summaries { quantiles }, Gathered::Curves(curves)) => {
                for (quantile, place) in quantiles.iter().zip(2..) {
                    let label = format!("{} {}", label(plan, series), quantile_label(*quantile));
                    curves.push(curve(label, samples.cell(metric.offset + place)));
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
                // Their first cell is the count.
                let breaks = breaks(cells, shown.begins(series));
                for (n, from) in (0..cells.len()).filter_map(|n| Some((n, window(cells, n, *steps)?))) {
                    each_part(from, n, &breaks, |moment, sign| {
                        layout.add(&mut grown[n], &cells_at(moment), sign);
                    });
                }
            }
            _ => {}
        }
    }

    pub(super) fn chart(
        &self,
        plan: &Plan,
        family: &SelectedFamily,
        gathered: Gathered,
        marks: Vec<Marks>,
    ) -> Chart {
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
            (Self::Summaries { quantiles }, Gathered::Curves(curves))
                if curves.len() > QUANTILE_LINES_MAX =>
            {
                let of =
                    |place: usize| curves.iter().skip(place).step_by(quantiles.len()).collect::<Vec<_>>();
                let labels = quantiles.iter().map(|quantile| quantile_label(*quantile));
                labels.enumerate().map(|(place, label)| middle_curve(label, &of(place))).collect()
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
            Self::Summaries { quantiles } if count * quantiles.len() > QUANTILE_LINES_MAX => {
                format!("quantiles, each the median of {count} series")
            }
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

/// A series' host, its slot, and the labels that tell it from others there.
fn label(plan: &Plan, series: SelectedSeries) -> String {
    let host = series.host(plan);
    let place = match series.slot {
        Some((kind, slot)) => format!("{} {} {slot}", host.name, host.shape.pools[kind].name),
        None => host.name.to_string(),
    };
    let labels = series.metric(plan).labels.as_text();
    if labels.is_empty() { place } else { format!("{place} {{{}}}", String::from_utf8_lossy(labels)) }
}

fn quantile_label(quantile: f64) -> String {
    // Not 28.999999999999996.
    let percent = (quantile * 1e8).round() / 1e6;
    format!("p{percent}")
}

/// The medians of curves; quantiles of several series have no sum.
fn middle_curve(label: String, curves: &[&Curve]) -> Curve {
    let moments = curves.first().map_or(0, |curve| curve.values.len());
    let mut values = Vec::with_capacity(curves.len());
    let middle = |moment: usize| {
        values.clear();
        values.extend(curves.iter().map(|curve| curve.values[moment]).filter(|value| !value.is_nan()));
        median(&mut values)
    };
    Curve { label, values: (0..moments).map(middle).collect() }
}

/// Puts the values in order; not a number if there are none.
pub(super) fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let at = |place: usize| values.get(place).copied().unwrap_or(f64::NAN);
    f64::midpoint(at(values.len().saturating_sub(1) / 2), at(values.len() / 2))
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
    use super::quantile;

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
}
