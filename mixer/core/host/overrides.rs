//! Overrides: metrics that show a chosen value for a while.
//!
//! An overridden metric keeps updating underneath, with the same random draws, so a released metric shows what it
//! would have shown. Counters are the exception: they never fall by themselves and continue from where they were put.

use crate::metric::{Aggregation, Update};
use crate::plan::HostShape;
use crate::time::Time;

/// An override that is active.
#[derive(Clone, Copy, Debug)]
struct Override {
    metric: usize,
    value: f64,
    until: Time,
}

/// The active overrides of a host.
#[derive(Clone, Debug, Default)]
pub(super) struct Overrides(Vec<Override>);

impl Overrides {
    /// The active ones: the metric, the value and the end of each.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, f64, Time)> {
        self.0.iter().map(|active| (active.metric, active.value, active.until))
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The end of the override that ends first.
    pub(super) fn due(&self) -> Time {
        self.0.iter().map(|active| active.until).min().unwrap_or(Time::NEVER)
    }

    /// Adds or replaces a metric's override.
    pub(super) fn set(&mut self, metric: usize, value: f64, until: Time) {
        self.release(metric);
        self.0.push(Override { metric, value, until });
    }

    /// Ends a metric's override, if it has one.
    pub(super) fn release(&mut self, metric: usize) {
        self.0.retain(|active| active.metric != metric);
    }

    /// Ends the overrides that are over by now, and gives their metrics.
    pub(super) fn end(&mut self, now: Time) -> Vec<usize> {
        self.0.extract_if(.., |active| active.until <= now).map(|active| active.metric).collect()
    }

    /// The update with the overriding value, if the metric is overridden.
    pub(super) fn apply<'a>(&self, shape: &HostShape, metric: usize, update: Update<'a>) -> Update<'a> {
        let Some(Override { value, .. }) = self.0.iter().copied().find(|active| active.metric == metric)
        else {
            return update;
        };
        match shape.metrics[metric].cells.aggregation() {
            // A counter stays where it was put.
            Aggregation::Counter { .. } => Update { value: None, ..update },
            _ => Update { value: Some(value), level: value, distribution: None, ..update },
        }
    }
}
