//! The samples of one series, read as values, a rate, or the growth of its buckets.

use std::sync::Arc;

use promemu_core::backfill::HostSamples;
use promemu_core::metric::{Kind, NativeLayout};
use promemu_core::plan::{MetricPlan, Plan};
use promemu_core::time::Span;

use super::chart::Curve;
use super::growth::{each_term, growth, resets, window};
use super::samples::HostSeries;
use super::selection::SelectedSeries;

/// One series, with the samples of its host.
pub(super) struct SeriesReading<'a> {
    plan: &'a Plan,
    series: SelectedSeries,
    host: &'a HostSeries,
    metric: &'a MetricPlan,
    samples: &'a HostSamples,
    /// The samples of its first cell.
    cells: &'a [f64],
}

impl<'a> SeriesReading<'a> {
    pub(super) fn of(plan: &'a Plan, series: SelectedSeries, host: &'a HostSeries) -> Self {
        let (metric, samples) = (series.metric(plan), host.samples(series));
        Self { plan, series, host, metric, samples, cells: samples.cell(metric.offset) }
    }

    /// The values of its first cell.
    pub(super) fn values(&self) -> Curve {
        curve(label(self.plan, self.series), self.cells)
    }

    /// The growth per second over so many steps.
    pub(super) fn rate(&self, steps: usize) -> Curve {
        let (resets, timestamps) =
            (resets(self.cells, self.host.begins(self.series)), self.host.timestamps());
        let rate = |n: usize| {
            let from = window(self.cells, n, steps)?;
            let span = timestamps[n].since(timestamps[from]);
            (span > Span::ZERO).then(|| growth(self.cells, from, n, &resets) / span.as_secs_f64())
        };
        let values = (0..self.cells.len()).map(|n| rate(n).unwrap_or(f64::NAN)).collect();
        Curve { label: label(self.plan, self.series), values }
    }

    /// A summary's quantiles, which are behind its count and its sum.
    pub(super) fn quantiles(&self, quantiles: &[f64]) -> impl Iterator<Item = Curve> {
        quantiles.iter().zip(2..).map(|(quantile, place)| {
            let label = format!("{} {}", label(self.plan, self.series), quantile_label(*quantile));
            curve(label, self.samples.cell(self.metric.offset + place))
        })
    }

    /// `true` for a histogram with these bounds.
    pub(super) fn has_bounds(&self, expected: &Arc<[f64]>) -> bool {
        matches!(&self.metric.cells.layout().kind, Kind::Histogram { bounds } if bounds == expected)
    }

    /// Adds the growth of each bucket over so many steps.
    pub(super) fn add_buckets(&self, steps: usize, buckets: &mut [Vec<f64>]) {
        let places = self.metric.offset..self.metric.offset + buckets.len();
        let total = |n: usize| places.clone().map(|place| self.samples.cell(place)[n]).sum();
        let totals: Vec<f64> = (0..self.cells.len()).map(total).collect();
        let resets = resets(&totals, self.host.begins(self.series));
        for (n, from) in self.windows(steps) {
            for (place, grown) in places.clone().zip(buckets.iter_mut()) {
                grown[n] += growth(self.samples.cell(place), from, n, &resets);
            }
        }
    }

    /// `true` for a native histogram of this layout.
    pub(super) fn has_layout(&self, layout: &NativeLayout) -> bool {
        self.metric.cells.layout().kind == Kind::NativeHistogram(*layout)
    }

    /// Adds the growth of a native histogram over so many steps.
    pub(super) fn add_native(&self, steps: usize, layout: &NativeLayout, grown: &mut [Vec<f64>]) {
        let cells_at = |at: usize| -> Vec<f64> {
            let places = self.metric.offset..self.metric.offset + layout.width();
            places.map(|place| self.samples.cell(place)[at]).collect()
        };
        // The first cell is the count.
        let resets = resets(self.cells, self.host.begins(self.series));
        for (n, from) in self.windows(steps) {
            each_term(from, n, &resets, |at, sign| layout.add(&mut grown[n], &cells_at(at), sign));
        }
    }

    /// The times at which there is growth, each with the begin of its window.
    fn windows(&self, steps: usize) -> impl Iterator<Item = (usize, usize)> {
        (0..self.cells.len()).filter_map(move |n| Some((n, window(self.cells, n, steps)?)))
    }
}

fn curve(label: String, cells: &[f64]) -> Curve {
    let finite = |value: &f64| if value.is_finite() { *value } else { f64::NAN };
    Curve { label, values: cells.iter().map(finite).collect() }
}

/// The host of a series, the pool and the member's number, and the labels.
fn label(plan: &Plan, series: SelectedSeries) -> String {
    let host = series.host(plan);
    let place = match series.slot {
        Some((pool, slot)) => format!("{} {} {slot}", host.name, host.shape.pools[pool].name),
        None => host.name.to_string(),
    };
    let labels = series.metric(plan).labels.as_text();
    if labels.is_empty() { place } else { format!("{place} {{{}}}", String::from_utf8_lossy(labels)) }
}

/// As in `p99`.
pub(super) fn quantile_label(quantile: f64) -> String {
    // Not 28.999999999999996.
    let percent = (quantile * 1e8).round() / 1e6;
    format!("p{percent}")
}
