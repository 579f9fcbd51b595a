//! The curves of a family's series: values, rates or quantiles as `PromQL` would calculate them.

use std::sync::Arc;

use promemu_core::backfill::Grid;
use promemu_core::metric::{Aggregation, Kind, NativeLayout, histogram_quantile, native_histogram};
use promemu_core::plan::Plan;
use promemu_core::time::Span;

use super::axis::Unit;
use super::chart::{Chart, Curve, median};
use super::groups::Groups;
use super::marks::Marks;
use super::samples::HostSeries;
use super::selection::{SelectedFamily, SelectedSeries};
use super::series_reading::{SeriesReading, quantile_label};
use super::strip::Strip;

/// Window of a rate, in longest intervals between two new values. In a shorter window a late value makes a step.
const INTERVALS_IN_WINDOW: u64 = 4;
/// The curves of a histogram.
const QUANTILES: [(&str, f64); 2] = [("p50", 0.5), ("p99", 0.99)];
/// If summaries have more quantiles together, each is drawn as the median of all series.
const QUANTILE_LINES_MAX: usize = 4;
/// The default of `description` in a config.
const NO_HELP: &str = "an emulated metric";

/// The calculation of a family's curves.
#[derive(Debug)]
pub(super) enum Reading {
    /// The values.
    Values,
    /// The growth per second between two reports, over `steps` steps; of many series the sums of their groups.
    Rate { steps: usize, step: Span, groups: Option<Groups> },
    /// Quantiles of the observations in `steps` steps.
    Quantiles { steps: usize, step: Span, bounds: Arc<[f64]> },
    /// The same for native histograms.
    NativeQuantiles { steps: usize, step: Span, layout: NativeLayout },
    /// The quantiles of summaries.
    Summaries { quantiles: Arc<[f64]> },
    /// The number of the current state.
    States(Arc<[Arc<str>]>),
}

/// The series that have been read so far.
#[derive(Debug)]
pub(super) enum Accumulated {
    Curves(Vec<Curve>),
    /// The growth of each bucket at each time, and the number of series in it.
    Buckets(Vec<Vec<f64>>, usize),
    /// The growth of native histograms, merged, at each time, and the number of series in it.
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
        let window = longest.times(INTERVALS_IN_WINDOW).as_nanos().div_ceil(step.as_nanos().max(1));
        let steps = usize::try_from(window).unwrap_or(usize::MAX).min(grid.count() / 2).max(1);
        let cells = family.series.first().map(|series| &series.metric(plan).cells);
        match cells.map(|cells| (&cells.layout().kind, cells.aggregation())) {
            Some((_, Aggregation::Counter { .. })) => {
                Self::Rate { steps, step, groups: Groups::of(plan, family) }
            }
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

    pub(super) fn empty(&self, grid: &Grid) -> Accumulated {
        match self {
            Self::Quantiles { bounds, .. } => {
                Accumulated::Buckets(vec![vec![0.0; grid.count()]; bounds.len() + 1], 0)
            }
            Self::NativeQuantiles { layout, .. } => {
                let mut cells = vec![0.0; layout.width()];
                layout.clear(&mut cells);
                Accumulated::Native(vec![cells; grid.count()], 0)
            }
            Self::Values | Self::Rate { .. } | Self::Summaries { .. } | Self::States(_) => {
                Accumulated::Curves(Vec::new())
            }
        }
    }

    /// Adds one series.
    pub(super) fn read(
        &self,
        plan: &Plan,
        series: SelectedSeries,
        host: &HostSeries,
        accumulated: &mut Accumulated,
    ) {
        let read = SeriesReading::of(plan, series, host);
        match (self, accumulated) {
            (Self::Values | Self::States(_), Accumulated::Curves(curves)) => curves.push(read.values()),
            (Self::Rate { steps, groups, .. }, Accumulated::Curves(curves)) => match groups {
                Some(groups) => groups.add(plan, series, read.rate(*steps), curves),
                None => curves.push(read.rate(*steps)),
            },
            (Self::Summaries { quantiles }, Accumulated::Curves(curves)) => {
                curves.extend(read.quantiles(quantiles));
            }
            // Buckets with different bounds cannot be added.
            (Self::Quantiles { steps, bounds, .. }, Accumulated::Buckets(buckets, count))
                if read.has_bounds(bounds) =>
            {
                *count += 1;
                read.add_buckets(*steps, buckets);
            }
            (Self::NativeQuantiles { steps, layout, .. }, Accumulated::Native(grown, count))
                if read.has_layout(layout) =>
            {
                *count += 1;
                read.add_native(*steps, layout, grown);
            }
            _ => {}
        }
    }

    pub(super) fn chart(
        &self,
        plan: &Plan,
        family: &SelectedFamily,
        accumulated: Accumulated,
        (marks, faults): (Vec<Marks>, Vec<Strip>),
    ) -> Chart {
        let plan_family = &plan.families[family.family];
        let count = match &accumulated {
            Accumulated::Curves(_) => family.series.len(),
            Accumulated::Buckets(_, added) | Accumulated::Native(_, added) => *added,
        };
        let has_help = !matches!(&*plan_family.help, "" | NO_HELP);
        Chart {
            name: plan_family.name.to_string(),
            reading: self.describe(count),
            help: if has_help { plan_family.help.to_string() } else { String::new() },
            unit: Unit::of(&plan_family.name),
            curves: self.curves(accumulated),
            marks,
            faults,
        }
    }

    /// The curves of all series that have been read.
    fn curves(&self, accumulated: Accumulated) -> Vec<Curve> {
        match (self, accumulated) {
            (Self::Quantiles { bounds, .. }, Accumulated::Buckets(buckets, _)) => {
                QUANTILES.iter().map(|(label, q)| quantile_curve(label, *q, bounds, &buckets)).collect()
            }
            (Self::NativeQuantiles { layout, .. }, Accumulated::Native(grown, _)) => {
                let curve = |(label, q): &(&str, f64)| {
                    let quantile = |cells: &Vec<f64>| native_histogram(layout, cells).quantile(*q);
                    Curve { label: (*label).to_owned(), values: grown.iter().map(quantile).collect() }
                };
                QUANTILES.iter().map(curve).collect()
            }
            (Self::Summaries { quantiles }, Accumulated::Curves(curves))
                if curves.len() > QUANTILE_LINES_MAX =>
            {
                let of =
                    |place: usize| curves.iter().skip(place).step_by(quantiles.len()).collect::<Vec<_>>();
                let labels = quantiles.iter().map(|quantile| quantile_label(*quantile));
                labels.enumerate().map(|(place, label)| median_curve(label, &of(place))).collect()
            }
            (_, Accumulated::Curves(curves)) => curves,
            _ => Vec::new(),
        }
    }

    /// The calculation in words, for so many series; empty for plain values.
    fn describe(&self, count: usize) -> String {
        let window = |steps: &usize, step: &Span| {
            let window = step.times(*steps as u64).to_string().replace(' ', "");
            if *steps == 0 { String::new() } else { window }
        };
        match self {
            Self::Values => String::new(),
            Self::Summaries { quantiles } if count * quantiles.len() > QUANTILE_LINES_MAX => {
                format!("quantiles, each the median of {count} series")
            }
            Self::Summaries { .. } => "quantiles".to_owned(),
            Self::States(states) => {
                let numbered = states.iter().enumerate().map(|(n, state)| format!("{n} {state}"));
                numbered.collect::<Vec<_>>().join(", ")
            }
            Self::Rate { steps, step, groups } => {
                let rate = format!("rate per second over {}", window(steps, step));
                groups.map_or(rate.clone(), |groups| {
                    format!("{rate}, {count} series summed by {}", groups.label)
                })
            }
            Self::Quantiles { steps, step, .. } | Self::NativeQuantiles { steps, step, .. } => {
                let of_all = if count > 1 { format!(" of {count} series together") } else { String::new() };
                format!("p50 and p99{of_all} over {}", window(steps, step))
            }
        }
    }
}

/// The median of curves at each time, as quantiles of several series cannot be aggregated.
fn median_curve(label: String, curves: &[&Curve]) -> Curve {
    let count = curves.first().map_or(0, |curve| curve.values.len());
    let mut values = Vec::with_capacity(curves.len());
    let median_at = |at: usize| {
        values.clear();
        values.extend(curves.iter().map(|curve| curve.values[at]).filter(|value| !value.is_nan()));
        median(&mut values)
    };
    Curve { label, values: (0..count).map(median_at).collect() }
}

fn quantile_curve(label: &str, q: f64, bounds: &[f64], buckets: &[Vec<f64>]) -> Curve {
    let count = buckets.first().map_or(0, Vec::len);
    let mut counts = vec![0.0; buckets.len()];
    let values = (0..count).map(|n| {
        counts.iter_mut().zip(buckets).for_each(|(count, bucket)| *count = bucket[n]);
        histogram_quantile(q, bounds, &counts)
    });
    Curve { label: label.to_owned(), values: values.collect() }
}
