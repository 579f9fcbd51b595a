//! What becomes of a scenario's values.

use std::sync::Arc;

use super::{Kind, Layout, Rounding, is_absent};
use crate::clock::Time;

/// How a metric's values become cells.
#[derive(Clone, Debug, PartialEq)]
pub struct Cells {
    layout: Arc<Layout>,
    filling: Filling,
    /// The layout's, so that nobody has to look there.
    width: usize,
}

/// What a value does to the cells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Filling {
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
    Observations,
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
    pub fn new(layout: Layout, filling: Filling) -> Self {
        Self { width: layout.width(), layout: Arc::new(layout), filling }
    }

    /// What the cells are.
    #[must_use]
    #[inline]
    pub const fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// What a value does to them.
    #[must_use]
    pub const fn filling(&self) -> Filling {
        self.filling
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
        !matches!(self.filling, Filling::Observations)
    }

    /// Gives it a place among its host's states, if it needs one.
    pub fn place(&mut self, counters: &mut usize) {
        if let Filling::Counter { index, .. } = &mut self.filling {
            *index = *counters;
            *counters += 1;
        }
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
        !matches!(self.filling, Filling::Gauge)
    }

    /// Begins anew from nothing, as after a restart. Gives whether what scenarios give is a total, which goes
    /// on. `states` are those of the host.
    pub fn reset(&self, states: &mut States, cells: &mut [f64], now: Time) -> bool {
        if let Filling::Counter { index, .. } = self.filling {
            states.counters[index] = Counter::new(0.0);
        }
        if self.resets() && !is_absent(cells[0]) {
            cells.fill(0.0);
            match &self.layout.kind {
                Kind::NativeHistogram(layout) => layout.clear(cells),
                Kind::Summary { quantiles } => cells[2..2 + quantiles.len()].fill(f64::NAN),
                Kind::Value | Kind::Histogram { .. } | Kind::StateSet { .. } => {}
            }
            if let Some(created) = cells.last_mut().filter(|_| self.layout.has_created) {
                *created = now.unix_secs();
            }
        }
        matches!(self.filling, Filling::Counter { accumulate: Accumulate::Total, .. })
    }

    /// Shows what a scenario gave at an update. Values that are not numbers are ignored by counters and
    /// histograms. `states` are those of the host.
    #[inline]
    pub fn take(&self, update: &Update, states: &mut States, cells: &mut [f64]) {
        let Update { value, level, now, rounding, .. } = *update;
        match self.filling {
            Filling::Gauge => cells[0] = rounding.round(value.unwrap_or(level)),
            Filling::Counter { accumulate, index } => {
                cells[0] = rounding.round(states.counters[index].take(accumulate, value, now));
            }
            Filling::Observations => self.observe(update, cells),
        }
    }

    fn observe(&self, update: &Update, cells: &mut [f64]) {
        let Kind::Histogram { bounds } = &self.layout.kind else { return };
        if is_absent(cells[0]) {
            cells.fill(0.0);
        }
        if let Some(value) = update.value.filter(|value| value.is_finite()) {
            let count = f64::from(update.observations);
            cells[bounds.partition_point(|bound| *bound < value)] += count;
            cells[bounds.len() + 1] += value * count;
        }
    }
}

/// What a metric takes at an update.
#[derive(Clone, Copy, Debug)]
pub struct Update {
    /// The scenario's new value; none to keep the last one.
    pub value: Option<f64>,
    /// The last value.
    pub level: f64,
    /// The emulated time.
    pub now: Time,
    /// How the value is rounded.
    pub rounding: Rounding,
    /// How many observations a histogram makes.
    pub observations: u32,
}

/// What few of a host's metrics need, beside their cells.
#[derive(Debug, Default)]
pub struct States {
    counters: Box<[Counter]>,
}

impl States {
    /// Those of these metrics, each with its value before the first update.
    #[must_use]
    pub fn of<'a>(metrics: impl Iterator<Item = (&'a Cells, f64)>) -> Self {
        let counters = metrics.filter(|(cells, _)| matches!(cells.filling, Filling::Counter { .. }));
        Self { counters: counters.map(|(_, total)| Counter::new(total)).collect() }
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
