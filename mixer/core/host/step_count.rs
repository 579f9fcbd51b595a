//! The steps of work that a host does: those of its scripts, and those of its values.
//!
//! They bound what events make it do, and what is done for one export; see [`crate::work`].

use super::outbox::Outbox;
use crate::plan::HostShape;
use crate::work;

/// Number of metrics that are looked through in a step of work.
const METRICS_PER_STEP: usize = 64;
/// Number of steps that a value counts as.
const STEPS_PER_VALUE: u64 = 2;

/// A moment from which steps are counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct StepCount {
    /// Number of steps of the thread then.
    of_thread: u64,
    updates: u64,
}

impl StepCount {
    /// Counts from now on.
    pub(super) fn begin(out: &Outbox) -> Self {
        Self { of_thread: work::done(), updates: out.updates }
    }

    /// Number of steps since then, without those of scripts.
    pub(super) fn of_values(self, shape: &HostShape, out: &Outbox) -> u64 {
        1 + (shape.metrics.len() / METRICS_PER_STEP) as u64 + (out.updates - self.updates) * STEPS_PER_VALUE
    }

    /// Number of all steps since then.
    pub(super) fn all(self, shape: &HostShape, out: &Outbox) -> u64 {
        work::done().wrapping_sub(self.of_thread) + self.of_values(shape, out)
    }
}
