//! What becomes of a scenario's values.

use std::sync::Arc;

use super::distribution::Distribution;
use super::observations::{Observations, Observed};
use super::recent::{self, Recent};
use super::{ABSENT, Exemplar, Kind, Layout, Rounding, is_absent};
use crate::rng::Rng;
use crate::time::{Span, Time};

/// How a metric's values become cells.
#[derive(Clone, Debug, PartialEq)]
pub struct Cells {
    layout: Arc<Layout>,
    aggregation: Aggregation,
    /// The layout's, so that nobody has to look there.
    width: usize,
}

/// What a value does to the cells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aggregation {
    /// It replaces them.
    Gauge,
    /// It goes into a total that never falls.
    Counter {
        /// How it is read.
        accumulate: Accumulate,
        /// Its place among the host's counters.
        index: usize,
    },
    /// It is observed.
    Observations {
        /// Observations are clamped to this, which is finite.
        range: (f64, f64),
        /// For summaries: their place among the host's, and how far they look back.
        recent: Option<(usize, Span)>,
    },
    /// It is nothing; the value is 1.
    Info,
    /// It is rounded to the number of a state.
    State,
}

/// How a counter reads a scenario's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accumulate {
    /// It is a level, added on each update.
    PerUpdate,
    /// It is a level per second, added for the time since the last update.
    PerSecond,
    /// It is the new total, taken if it is larger.
    Total,
}

impl Cells {
    /// Cells of this layout, filled in this way.
    #[must_use]
    pub fn new(layout: Layout, aggregation: Aggregation) -> Self {
        Self { width: layout.width(), layout: Arc::new(layout), aggregation }
    }

    /// What the cells are.
    #[must_use]
    #[inline]
    pub const fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// What a value does to them.
    #[must_use]
    pub const fn aggregation(&self) -> Aggregation {
        self.aggregation
    }

    /// How many series Prometheus makes of it.
    #[must_use]
    pub fn series(&self) -> usize {
        self.layout.series()
    }

    /// How many cells a series takes.
    #[must_use]
    #[inline]
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Whether the first cell is the value, and not a count of observations.
    #[must_use]
    pub const fn shows_value(&self) -> bool {
        !matches!(self.aggregation, Aggregation::Observations { .. })
    }

    /// Gives it a place among its host's states, if it needs one.
    pub fn assign_index(&mut self, taken: &mut StateIndexes) {
        let place = match &mut self.aggregation {
            Aggregation::Counter { index, .. } => (index, &mut taken.counters),
            Aggregation::Observations { recent: Some((index, _)), .. } => (index, &mut taken.summaries),
            _ => return,
        };
        *place.0 = *place.1;
        *place.1 += 1;
    }

    /// The cell that takes any number, if there is one: the value, or the sum of all observations.
    #[must_use]
    pub fn free_cell(&self) -> Option<usize> {
        match &self.layout.kind {
            Kind::Value => Some(0),
            Kind::Histogram { bounds } => Some(bounds.len() + 1),
            Kind::NativeHistogram(_) | Kind::Summary { .. } => Some(1),
            Kind::StateSet { .. } => None,
        }
    }

    /// Whether [`Self::reset`] does anything.
    #[must_use]
    pub const fn resets(&self) -> bool {
        matches!(self.aggregation, Aggregation::Counter { .. } | Aggregation::Observations { .. })
    }

    /// Begins anew from nothing, as after a restart. Gives whether what scenarios give is a total, which goes
    /// on. `states` are those of the host.
    pub fn reset(&self, states: &mut States, cells: &mut [f64], now: Time) -> bool {
        if self.resets() && !is_absent(cells[0]) {
            self.begin(states, cells, now);
        }
        if let Aggregation::Counter { index, .. } = self.aggregation {
            states.counters[index] = Counter::new(0.0);
            cells[0] = if is_absent(cells[0]) { cells[0] } else { 0.0 };
        }
        matches!(self.aggregation, Aggregation::Counter { accumulate: Accumulate::Total, .. })
    }

    /// A stopped metric is to start anew: a counter that counts itself begins at nothing. What observes does so
    /// whenever it had no sample.
    pub fn restart(&self, states: &mut States, cells: &mut [f64]) {
        if let Aggregation::Counter { index, accumulate: Accumulate::PerUpdate | Accumulate::PerSecond } =
            self.aggregation
        {
            states.counters[index] = Counter::new(0.0);
            cells.fill(ABSENT);
        }
    }

    /// Puts a counter somewhere: it goes on from there. It falls only if it may, and then begins anew.
    pub fn set_total(&self, total: f64, may_fall: bool, now: Time, states: &mut States, cells: &mut [f64]) {
        let Aggregation::Counter { index, .. } = self.aggregation else { return };
        let counter = &mut states.counters[index];
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

    /// How many cells must be absent when there is no sample; those of the exemplar and the created time outlast it.
    #[must_use]
    pub fn sample_width(&self) -> usize {
        self.layout.kind.width()
    }

    /// Shows what a scenario gave at an update. Values that are not numbers are ignored by counters and
    /// histograms. `states` are those of the host.
    #[inline]
    pub fn apply(&self, update: &Update<'_>, rng: &mut Rng, states: &mut States, cells: &mut [f64]) {
        let Update { value, level, now, rounding, .. } = *update;
        match self.aggregation {
            Aggregation::Gauge => cells[0] = rounding.round(value.unwrap_or(level)),
            Aggregation::Counter { accumulate, index } => {
                let total = rounding.round(states.counters[index].take(accumulate, value, now));
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

    /// Shows a value that somebody else has made, of a series that began then. A counter never falls.
    pub fn show(&self, value: f64, began: Time, cells: &mut [f64]) {
        let falls = matches!(self.aggregation, Aggregation::Counter { .. }) && value < cells[0];
        cells[0] = if falls { cells[0] } else { value };
        if let Some(created) = self.created(cells).filter(|created| is_absent(**created)) {
            *created = began.unix_millis_secs();
        }
    }

    /// A counter's created time, and its exemplar, which says by how much it grew.
    #[cold]
    fn note_growth(&self, growth: f64, now: Time, rng: &mut Rng, cells: &mut [f64]) {
        let growth = if is_absent(cells[0]) { 0.0 } else { growth };
        if let Some(created) = self.created(cells).filter(|created| is_absent(**created)) {
            *created = now.unix_millis_secs();
        }
        if self.layout.has_exemplar && growth > 0.0 && growth.is_finite() {
            Exemplar::put(&mut cells[1..], growth, now.unix_millis_secs(), rng);
        }
    }

    fn created<'c>(&self, cells: &'c mut [f64]) -> Option<&'c mut f64> {
        if self.layout.has_created { cells.last_mut() } else { None }
    }

    /// Makes cells those of a series that begins now.
    fn begin(&self, states: &mut States, cells: &mut [f64], now: Time) {
        cells.fill(0.0);
        match &self.layout.kind {
            Kind::NativeHistogram(layout) => layout.clear(cells),
            Kind::Summary { quantiles } => cells[2..2 + quantiles.len()].fill(f64::NAN),
            Kind::Value | Kind::Histogram { .. } | Kind::StateSet { .. } => {}
        }
        if let Aggregation::Observations { recent: Some((index, _)), .. } = self.aggregation {
            states.recent[index].clear();
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
        let distribution = update.spread.copied().or(value).filter(|_| update.observations > 0);
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
            states.recent[index].quantiles(&recent::layout(range), window, update.now, quantiles, values);
        }
    }

    /// Puts observations in their cells.
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
                let recent = states.recent[index].current(&layout, window, now);
                let observed = observations.into_native(&layout, recent, rng);
                (cells[0], cells[1]) = (cells[0] + count, cells[1] + observed.sum);
                observed
            }
            _ => Observed { sum: 0.0, last: 0.0 },
        }
    }
}

/// What a metric takes at an update.
#[derive(Clone, Copy, Debug)]
pub struct Update<'a> {
    /// The scenario's new value; none to keep the last one.
    pub value: Option<f64>,
    /// The last value.
    pub level: f64,
    /// The emulated time.
    pub now: Time,
    /// How the value is rounded.
    pub rounding: Rounding,
    /// How many observations a histogram or a summary makes.
    pub observations: u32,
    /// How they scatter; without it, all of them are the value.
    pub spread: Option<&'a Distribution>,
}

/// How many places among a host's states are taken.
#[derive(Clone, Copy, Debug, Default)]
pub struct StateIndexes {
    counters: usize,
    summaries: usize,
}

/// What few of a host's metrics need, beside their cells.
#[derive(Debug, Default)]
pub struct States {
    counters: Box<[Counter]>,
    recent: Box<[Recent]>,
}

impl States {
    /// Those of these metrics, each with its value before the first update.
    #[must_use]
    pub fn of<'a>(metrics: impl Iterator<Item = (&'a Cells, f64)>) -> Self {
        let (mut counters, mut recent) = (Vec::new(), Vec::new());
        for (cells, value) in metrics {
            match cells.aggregation {
                Aggregation::Counter { .. } => counters.push(Counter::new(value)),
                Aggregation::Observations { recent: Some(_), .. } => recent.push(Recent::new()),
                _ => {}
            }
        }
        Self { counters: counters.into(), recent: recent.into() }
    }
}

/// A counter's state.
#[derive(Clone, Debug)]
pub struct Counter {
    /// The total, unrounded.
    total: f64,
    last_update: Time,
}

impl Counter {
    /// A counter that begins at `total`.
    #[must_use]
    pub const fn new(total: f64) -> Self {
        Self { total, last_update: Time::NEVER }
    }

    /// Takes a value, if there is one; gives the total, which never falls.
    fn take(&mut self, accumulate: Accumulate, value: Option<f64>, now: Time) -> f64 {
        let dt_secs = now.since(self.last_update).as_secs_f64();
        self.last_update = now;
        if let Some(value) = value {
            let grown = match accumulate {
                Accumulate::PerUpdate => self.total + value.max(0.0),
                Accumulate::PerSecond => self.total + value.max(0.0) * dt_secs,
                Accumulate::Total => value,
            };
            self.total = self.total.max(grown);
        }
        self.total
    }
}
