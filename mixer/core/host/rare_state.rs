//! The state of a host's metrics that most hosts do without: they keep it as one pointer.

use super::overrides::Overrides;
use crate::metric::Update;
use crate::plan::HostShape;
use crate::time::Time;

/// State that most hosts do without.
#[derive(Clone, Debug, Default)]
pub(super) struct RareState {
    /// Times at which scenarios want to be updated, and their metrics.
    pub(super) wakes: Vec<(Time, usize)>,
    pub(super) overrides: Overrides,
    /// Metrics that a reaction has stopped.
    pub(super) stopped: Vec<usize>,
    /// Metrics whose scenario has failed before.
    pub(super) failed: Vec<usize>,
    /// Time of each metric's last update, if a metric of the host uses it.
    pub(super) updated_at: Box<[Time]>,
    /// The amount that resets took from each metric whose scenario gives totals; empty before the first reset.
    pub(super) bases: Box<[f64]>,
}

impl RareState {
    /// `true` if it says nothing that a host without it does not say.
    pub(super) fn is_idle(&self) -> bool {
        let Self { wakes, overrides, stopped, failed, updated_at, bases } = self;
        wakes.is_empty()
            && overrides.is_empty()
            && stopped.is_empty()
            && failed.is_empty()
            && updated_at.is_empty()
            && bases.is_empty()
    }

    /// `true` if a reaction has stopped the metric.
    pub(super) fn is_stopped(&self, metric: usize) -> bool {
        self.stopped.contains(&metric)
    }

    /// Seconds since the metric's last update, which is now from here on; 0 at the first, and if no metric of the host uses
    /// it.
    pub(super) fn dt_secs(&mut self, metric: usize, now: Time) -> f64 {
        let at = self.updated_at.get_mut(metric);
        let last = at.map_or(Time::NEVER, |at| std::mem::replace(at, now));
        if last == Time::NEVER { 0.0 } else { now.since(last).as_secs_f64() }
    }

    /// The update as it counts since the metric's last reset, and with the value of its override.
    pub(super) fn as_shown<'a>(&self, shape: &HostShape, metric: usize, update: Update<'a>) -> Update<'a> {
        let base = self.bases.get(metric).copied().unwrap_or(0.0);
        let update = Update { value: update.value.map(|value| value - base), ..update };
        self.overrides.apply(shape, metric, update)
    }
}
