//! Cells of a world that are looked at again and again.

use crate::event::HostId;
use crate::host::EmulatedHost;
use crate::metric::ABSENT;
use crate::plan::{HostPlan, MetricPlan, Plan};

/// Cells of hosts and of pools' members, in the order of the plan.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    cells: Vec<SelectedCell>,
}

/// One cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SelectedCell {
    host: HostId,
    /// The pool and the slot of a member.
    slot: Option<(usize, usize)>,
    cell: usize,
}

impl Selection {
    /// The cells of these metrics, as [`crate::metric`] describes them: first those of a host, then those of each slot of
    /// its pools.
    #[must_use]
    pub fn of(plan: &Plan, is_wanted: impl Fn(&HostPlan, &MetricPlan) -> bool) -> Self {
        let mut cells = Vec::new();
        for (host, of) in (0..).zip(&plan.hosts) {
            let mut add = |slot, metrics: &[MetricPlan]| {
                let wanted = metrics.iter().filter(|metric| is_wanted(of, metric));
                let wanted = wanted.flat_map(|metric| metric.offset..metric.offset + metric.cells.width());
                cells.extend(wanted.map(|cell| SelectedCell { host, slot, cell }));
            };
            add(None, &of.shape.metrics);
            for (pool, of_pool) in of.shape.pools.iter().enumerate() {
                (0..of.members_max(of_pool)).for_each(|slot| add(Some((pool, slot)), &of_pool.shape.metrics));
            }
        }
        Self { cells }
    }

    /// Number of cells.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.cells.len()
    }

    /// `true` if no cell is selected.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Appends the cells of one world.
    pub(super) fn observe<'a>(
        &self,
        host: impl Fn(HostId) -> Option<&'a EmulatedHost>,
        values: &mut Vec<f64>,
    ) {
        values.extend(self.cells.iter().map(|SelectedCell { host: id, slot, cell }| {
            let of_host = host(*id);
            let cells = match slot {
                None => of_host.map(EmulatedHost::row),
                Some((pool, slot)) => {
                    of_host.and_then(|host| host.slot(*pool, *slot)).map(|(_, cells)| cells)
                }
            };
            cells.and_then(|cells| cells.get(*cell)).copied().unwrap_or(ABSENT)
        }));
    }
}
