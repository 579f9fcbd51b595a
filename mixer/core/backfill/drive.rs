//! One host driven through virtual time.

use crate::host::{DrivenHost, Outbox};
use crate::time::Time;

/// Advances one host until a time. `visit` is called after each step.
pub fn drive(
    host: &mut DrivenHost,
    until: Time,
    out: &mut Outbox,
    mut visit: impl FnMut(Time, &DrivenHost, &Outbox),
) -> UpdateCounts {
    let mut counts = UpdateCounts::default();
    while let Some(at) = host.step(until, out) {
        counts.updates += out.updates;
        counts.scenario_errors += out.scenario_errors;
        visit(at, host, out);
    }
    counts
}

/// Counts of a virtual run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UpdateCounts {
    /// Number of updates.
    pub updates: u64,
    /// Number of updates whose scenario failed.
    pub scenario_errors: u64,
}

impl UpdateCounts {
    /// The sum of both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        let (updates, errors) = (self.updates + other.updates, self.scenario_errors + other.scenario_errors);
        Self { updates, scenario_errors: errors }
    }
}
