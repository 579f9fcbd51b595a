//! Memory that a plan takes when it runs, estimated without running it.
//!
//! The numbers were measured on live runs: the plan, the state of hosts, and the values that outputs read together. They
//! are for the largest state, so with all members of pools, and all slices of a summary's window.

use std::sync::Arc;

use indexmap::IndexSet;

use super::host::HostPlan;
use super::metric::MetricPlan;
use super::run::Plan;
use super::shape::{HostShape, PoolPlan};
use crate::series::LabelBlock;

/// A host without metrics and labels.
const HOST_BYTES: usize = 700;
/// A metric in the shape that hosts share.
const METRIC_PLAN_BYTES: usize = 1_100;
/// The state of a metric of one host.
const METRIC_BYTES: usize = 60;
/// A cell, on the host and in its job.
const CELL_BYTES: usize = 16;
/// A pool's slot with its member, without metrics and labels.
const MEMBER_BYTES: usize = 550;
/// A pool in the shape that hosts share, without its metrics.
const POOL_PLAN_BYTES: usize = 1_100;
/// Labels are kept in the forms in which they are sent.
const LABEL_FORMS: usize = 3;
/// The label of a member before its text is known.
const MEMBER_LABEL_BYTES: usize = 40;

impl MetricPlan {
    /// Memory of the plan, which hosts of one shape share.
    #[must_use]
    pub fn plan_bytes(&self) -> usize {
        METRIC_PLAN_BYTES + label_bytes(&self.labels)
    }

    /// Memory of its state on each host.
    #[must_use]
    pub fn state_bytes(&self) -> usize {
        let own = METRIC_BYTES + CELL_BYTES * self.cells.width() + self.cells.recent_bytes();
        own.saturating_add(self.scenario.held_bytes())
    }
}

impl PoolPlan {
    /// Memory of the plan, which hosts of one shape share.
    #[must_use]
    pub fn plan_bytes(&self) -> usize {
        POOL_PLAN_BYTES + self.shape.shape_bytes()
    }

    /// Memory of all members on one host.
    #[must_use]
    pub fn members_bytes(&self, members: usize) -> usize {
        let labels = self.labels.iter().map(|(name, _)| LABEL_FORMS * (name.len() + MEMBER_LABEL_BYTES));
        let state: usize = self.shape.metrics.iter().map(MetricPlan::state_bytes).sum();
        members.saturating_mul(MEMBER_BYTES + labels.sum::<usize>() + state)
    }
}

impl HostShape {
    /// Memory of the shape itself, which hosts share.
    #[must_use]
    pub fn shape_bytes(&self) -> usize {
        let own: usize = self.metrics.iter().map(MetricPlan::plan_bytes).sum();
        own + self.pools.iter().map(PoolPlan::plan_bytes).sum::<usize>()
    }
}

impl HostPlan {
    /// Memory of the host, without what it shares with others.
    #[must_use]
    pub fn host_bytes(&self) -> usize {
        let state: usize = self.shape.metrics.iter().map(MetricPlan::state_bytes).sum();
        let pools = self.shape.pools.iter().map(|pool| pool.members_bytes(self.members_max(pool)));
        let own = HOST_BYTES + label_bytes(&self.labels) + self.name.len() + state;
        pools.fold(own, usize::saturating_add)
    }
}

impl Plan {
    /// Memory that a live run takes in addition to that of promemu itself, in bytes.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let mut shapes: IndexSet<*const HostShape> = IndexSet::new();
        let of_host = |host: &Arc<HostPlan>| {
            let is_new = shapes.insert(Arc::as_ptr(&host.shape));
            host.host_bytes().saturating_add(if is_new { host.shape.shape_bytes() } else { 0 })
        };
        self.hosts.iter().map(of_host).fold(0, usize::saturating_add)
    }
}

fn label_bytes(labels: &LabelBlock) -> usize {
    LABEL_FORMS * labels.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>()
}
