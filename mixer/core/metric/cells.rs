//! The aggregation of a scenario's values into the cells of a series.
//!
//! [`Cells`] is the plan of one series; its running state is the row's cells and, for counters and summaries, an
//! entry of the host's [`States`].

use std::sync::Arc;

use super::aggregation::{Accumulate, Aggregation};
use super::distribution::Distribution;
use super::layout::{ABSENT, Exemplar, Kind, Layout, is_absent};
use super::observations::{Observations, Observed};
use super::recent;
use super::rounding::Rounding;
use super::states::{Counter, StateIndexes, States};
use crate::rng::Rng;
use crate::time::Time;

/// The layout of a metric's cells, and how values are aggregated into them.
#[derive(Clone, Debug, PartialEq)]
pub struct Cells {
    layout: Arc<Layout>,
    aggregation: Aggregation,
    /// A copy of the layout's width, for the hot path.
    width: usize,
}

impl Cells {
    /// Cells of this layout with this aggregation.
    #[must_use]
    pub fn new(layout: Layout, aggregation: Aggregation) -> Self {
        Self { width: layout.width(), layout: Arc::new(layout), aggregation }
    }

    /// The meaning of the cells.
    #[must_use]
    #[inline]
    pub const fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// The effect of a value on the cells.
    #[must_use]
    pub const fn aggregation(&self) -> Aggregation {
        self.aggregation
    }

    /// Number of series that Prometheus makes of it.
    #[must_use]
    pub fn series(&self) -> usize {
        self.layout.series()
    }

    /// Memory of a summary's recent observations, once there were some in each slice of its window.
    #[must_use]
    pub fn recent_bytes(&self) -> usize {
        match self.aggregation {
            Aggregation::Observations { range, recent: Some(_) } => recent::bytes(range),
            _ => 0,
        }
    }

    /// Number of cells of a series.
    #[must_use]
    #[inline]
    pub const fn width(&self) -> usize {
        self.width
    }

    /// `true` if the first cell is the value, not a count of observations.
    #[must_use]
    pub const fn shows_value(&self) -> bool {
        !matches!(self.aggregation, Aggregation::Observations { .. })
    }

    /// Assigns the next index among the host's states, if the aggregation needs one.
    pub fn assign_index(&mut self, taken: &mut StateIndexes) {
        let (own, next) = match &mut self.aggregation {
            Aggregation::Counter { index, .. } => (index, &mut taken.counters),
            Aggregation::Observations { recent: Some((index, _)), .. } => (index, &mut taken.summaries),
            _ => return,
        };
        *own = *next;
        *next += 1;
    }

    /// The cell that may hold any number, if there is one: the value, or the sum of observations.
    #[must_use]
    pub fn free_cell(&self) -> Option<usize> {
        match &self.layout.kind {
            Kind::Value => Some(0),
            Kind::Histogram { bounds } => Some(bounds.len() + 1),
            Kind::NativeHistogram(_) | Kind::Summary { .. } => Some(1),
            Kind::StateSet { .. } => None,
        }
    }

    /// `true` if [`Self::reset`] changes anything.
    #[must_use]
    pub const fn resets(&self) -> bool {
        matches!(self.aggregation, Aggregation::Counter { .. } | Aggregation::Observations { .. })
    }

    /// Starts again from zero, as after a process restart. Returns `true` if the scenario's values are totals, which
    /// continue. `states` belongs to the host.
    pub fn reset(&self, states: &mut States, cells: &mut [f64], now: Time) -> bool {
        if self.resets() && !is_absent(cells[0]) {
            self.begin(states, cells, now);
        }
        if let Aggregation::Counter { index, .. } = self.aggregation {
            *states.counter(index) = Counter::new(0.0);
            cells[0] = if is_absent(cells[0]) { cells[0] } else { 0.0 };
        }
        matches!(self.aggregation, Aggregation::Counter { accumulate: Accumulate::Total, .. })
    }

    /// Prepares a stopped metric for a new start: a counter that adds levels starts from zero. Histograms and
    /// summaries need nothing: they start again at the first update after a time without a sample.
    pub fn restart(&self, states: &mut States, cells: &mut [f64]) {
        if let Aggregation::Counter { index, accumulate: Accumulate::PerUpdate | Accumulate::PerSecond } =
            self.aggregation
        {
            *states.counter(index) = Counter::new(0.0);
            cells.fill(ABSENT);
        }
    }

    /// Sets a counter's total. A lower total is ignored unless `may_fall`; it then gets a new created time.
    pub fn set_total(&self, total: f64, may_fall: bool, now: Time, states: &mut States, cells: &mut [f64]) {
        let Aggregation::Counter { index, .. } = self.aggregation else { return };
        let counter = states.counter(index);
        if total < counter.total {
            if !may_fall {
                return;
            }
            if let Some(created) = self.created(cells) {
                *created = now.unix_millis_secs();
            }
        }
        (counter.total, cells[0]) = (total, total);
    }

    /// Number of cells that are absent without a sample; those of the exemplar and the created time are kept.
    #[must_use]
    pub fn sample_width(&self) -> usize {
        self.layout.kind.width()
    }

    /// Applies one update to the cells. Counters and histograms ignore NaN. `states` belongs to the host.
    #[inline]
    pub fn apply(&self, update: &Update<'_>, rng: &mut Rng, states: &mut States, cells: &mut [f64]) {
        let Update { value, level, now, rounding, .. } = *update;
        match self.aggregation {
            Aggregation::Gauge => cells[0] = rounding.round(value.unwrap_or(level)),
            Aggregation::Counter { accumulate, index } => {
                let total = rounding.round(states.counter(index).take(accumulate, value, now));
                if self.width > 1 {
                    self.note_growth(total - cells[0], now, rng, cells);
                }
                cells[0] = total;
            }
            Aggregation::Observations { .. } => self.observe(update, rng, states, cells),
            Aggregation::Info => cells[0] = 1.0,
            Aggregation::State => {
                let Kind::StateSet { states } = &self.layout.kind else { return };
                let last = u32::try_from(states.len() - 1).map_or(0.0, f64::from);
                cells[0] = libm::round(value.unwrap_or(level)).max(0.0).min(last);
            }
        }
    }

    /// Shows a value that a model made, of a series created at `began`. A counter never falls.
    #[inline]
    pub fn show(&self, value: f64, began: Time, cells: &mut [f64]) {
        let falls = matches!(self.aggregation, Aggregation::Counter { .. }) && value < cells[0];
        cells[0] = if falls { cells[0] } else { value };
        if self.width > 1 {
            self.note_created(began, cells);
        }
    }

    /// Shows the value of a model as [`Self::show`] does, by the metric's type: a stateset the state of this number, an
    /// info 1; observations begin without any.
    #[inline]
    pub fn show_any(&self, value: f64, began: Time, cells: &mut [f64]) {
        match self.aggregation {
            Aggregation::Gauge | Aggregation::Counter { .. } => self.show(value, began, cells),
            _ => self.show_other(value, began, cells),
        }
    }

    /// [`Self::show_any`] for the types that models seldom have.
    fn show_other(&self, value: f64, began: Time, cells: &mut [f64]) {
        match self.aggregation {
            Aggregation::Info => self.show(1.0, began, cells),
            Aggregation::State => {
                let Kind::StateSet { states } = &self.layout.kind else { return };
                let last = u32::try_from(states.len() - 1).map_or(0.0, f64::from);
                self.show(libm::round(value).max(0.0).min(last), began, cells);
            }
            Aggregation::Observations { .. } if is_absent(cells[0]) => {
                self.begin(&mut States::default(), cells, began);
            }
            Aggregation::Gauge | Aggregation::Counter { .. } | Aggregation::Observations { .. } => {}
        }
    }

    /// Adds a model's observations of one value to a histogram; of other types, and without a sample, it does nothing.
    #[expect(clippy::cast_precision_loss, reason = "counts of observations fit")]
    pub fn observe_value(&self, value: f64, count: u64, cells: &mut [f64]) {
        let count = count as f64;
        match &self.layout.kind {
            _ if is_absent(cells[0]) => {}
            Kind::Histogram { bounds } => {
                cells[bounds.partition_point(|bound| *bound < value)] += count;
                cells[bounds.len() + 1] += value * count;
            }
            Kind::NativeHistogram(layout) => layout.observe(cells, value, count),
            Kind::Value | Kind::Summary { .. } | Kind::StateSet { .. } => {}
        }
    }

    /// Records the created time of a series that has none yet.
    fn note_created(&self, began: Time, cells: &mut [f64]) {
        if let Some(created) = self.created(cells).filter(|created| is_absent(**created)) {
            *created = began.unix_millis_secs();
        }
    }

    /// Records a counter's created time, and its growth as an exemplar.
    #[cold]
    fn note_growth(&self, growth: f64, now: Time, rng: &mut Rng, cells: &mut [f64]) {
        let growth = if is_absent(cells[0]) { 0.0 } else { growth };
        self.note_created(now, cells);
        if self.layout.has_exemplar && growth > 0.0 && growth.is_finite() {
            Exemplar::put(&mut cells[1..], growth, now.unix_millis_secs(), rng);
        }
    }

    fn created<'c>(&self, cells: &'c mut [f64]) -> Option<&'c mut f64> {
        if self.layout.has_created { cells.last_mut() } else { None }
    }

    /// Initialises the cells of a series that begins now.
    fn begin(&self, states: &mut States, cells: &mut [f64], now: Time) {
        cells.fill(0.0);
        match &self.layout.kind {
            Kind::NativeHistogram(layout) => layout.clear(cells),
            Kind::Summary { quantiles } => cells[2..2 + quantiles.len()].fill(f64::NAN),
            Kind::Value | Kind::Histogram { .. } | Kind::StateSet { .. } => {}
        }
        if let Aggregation::Observations { recent: Some((index, _)), .. } = self.aggregation {
            states.recent(index).clear();
        }
        if let Some(created) = self.created(cells) {
            *created = now.unix_millis_secs();
        }
    }

    #[inline(never)]
    fn observe(&self, update: &Update<'_>, rng: &mut Rng, states: &mut States, cells: &mut [f64]) {
        let Aggregation::Observations { range, recent } = self.aggregation else { return };
        if is_absent(cells[0]) {
            self.begin(states, cells, update.now);
        }
        let value = update.value.filter(|value| value.is_finite()).map(Distribution::Constant);
        let distribution = update.distribution.copied().or(value).filter(|_| update.observations > 0);
        let observed = distribution.map(|distribution| {
            let observations = Observations { distribution, count: update.observations, range };
            self.put(observations, update.now, rng, states, cells)
        });
        if let (Some(observed), true) = (observed, self.layout.has_exemplar) {
            let from = self.layout.kind.width();
            let exemplar = &mut cells[from..from + Exemplar::CELLS];
            Exemplar::put(exemplar, observed.last, update.now.unix_millis_secs(), rng);
        }
        if let (Kind::Summary { quantiles }, Some((index, window))) = (&self.layout.kind, recent) {
            let values = &mut cells[2..2 + quantiles.len()];
            states.recent(index).quantiles(&recent::layout(range), window, update.now, quantiles, values);
        }
    }

    /// Adds observations to their cells.
    fn put(
        &self,
        observations: Observations,
        now: Time,
        rng: &mut Rng,
        states: &mut States,
        cells: &mut [f64],
    ) -> Observed {
        let count = f64::from(observations.count);
        match (&self.layout.kind, self.aggregation) {
            (Kind::Histogram { bounds }, _) => {
                let (counts, rest) = cells.split_at_mut(bounds.len() + 1);
                let observed = observations.into_buckets(bounds, counts, rng);
                rest[0] += observed.sum;
                observed
            }
            (Kind::NativeHistogram(layout), _) => {
                let observed = observations.into_native(layout, cells, rng);
                (cells[0], cells[1]) = (cells[0] + count, cells[1] + observed.sum);
                observed
            }
            (Kind::Summary { .. }, Aggregation::Observations { range, recent: Some((index, window)) }) => {
                let layout = recent::layout(range);
                let recent = states.recent(index).current(&layout, window, now);
                let observed = observations.into_native(&layout, recent, rng);
                (cells[0], cells[1]) = (cells[0] + count, cells[1] + observed.sum);
                observed
            }
            _ => Observed { sum: 0.0, last: 0.0 },
        }
    }
}

/// The input of one update of a metric.
#[derive(Clone, Copy, Debug)]
pub struct Update<'a> {
    /// The scenario's new value; `None` to keep the last one.
    pub value: Option<f64>,
    /// The last value.
    pub level: f64,
    /// The emulated time.
    pub now: Time,
    /// The rounding of the value.
    pub rounding: Rounding,
    /// Number of observations of a histogram or a summary.
    pub observations: u32,
    /// The distribution of the observations; without it, each observation is the value.
    pub distribution: Option<&'a Distribution>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;

    /// Applies these values, ten seconds apart, and returns the row.
    fn apply_all(cells: &Cells, values: &[f64]) -> Vec<f64> {
        let mut row = vec![ABSENT; cells.width()];
        let (mut states, mut rng) =
            (States::of([(cells.aggregation(), 0.0)].into_iter()), Seed::new(1).rng());
        for (n, value) in (0..).zip(values) {
            let now = Time::from_unix_secs(1000 + 10 * n);
            let rounding = Rounding::to_decimals(2);
            let update = Update {
                value: Some(*value),
                level: 0.0,
                now,
                rounding,
                observations: 2,
                distribution: None,
            };
            cells.apply(&update, &mut rng, &mut states, &mut row);
        }
        row
    }

    fn counter(accumulate: Accumulate) -> Cells {
        Cells::new(Layout::value(), Aggregation::Counter { accumulate, index: 0 })
    }

    #[test]
    fn a_gauge_shows_the_last_value_rounded() {
        assert_eq!(apply_all(&Cells::new(Layout::value(), Aggregation::Gauge), &[1.0, 2.345_678]), [2.35]);
    }

    #[test]
    fn counters_add_levels_and_keep_what_rounding_hides() {
        assert_eq!(apply_all(&counter(Accumulate::PerUpdate), &[0.001; 10]), [0.01]);
        assert_eq!(apply_all(&counter(Accumulate::PerSecond), &[2.0, 3.0, 4.0]), [70.0]);
        assert_eq!(apply_all(&counter(Accumulate::PerUpdate), &[5.0, -3.0, f64::NAN]), [5.0]);
    }

    #[test]
    fn a_total_may_only_grow() {
        assert_eq!(apply_all(&counter(Accumulate::Total), &[5.0, 3.0, 4.0]), [5.0]);
    }

    #[test]
    fn a_histogram_counts_a_value_on_its_bound_below_it() {
        let cells = Cells::new(
            Layout::histogram([1.0, 2.0].into()),
            Aggregation::Observations { range: (f64::NEG_INFINITY, f64::INFINITY), recent: None },
        );
        assert_eq!(apply_all(&cells, &[1.0, 1.5, 9.0, f64::NAN]), [2.0, 2.0, 2.0, 23.0]);
    }
}
