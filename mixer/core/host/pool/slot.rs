//! A slot: the numbered place of one member in a pool.
//!
//! A member is emulated, with scenarios and schedules of its own, or a row of cells that a model fills.

use crate::host::metric_set::MetricSet;
use crate::host::outbox::Outbox;
use crate::metric::ABSENT;
use crate::plan::{HostPlan, HostShape, MetricPlan, ReusePolicy};
use crate::series::LabelBlock;
use crate::time::{Span, Time};

/// One slot.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) member: Option<Member>,
    pub(super) labels: LabelBlock,
    pub(super) labels_hash: u64,
    pub(super) generation: u32,
    /// End of the member's life, or of the pause after it; [`Time::NEVER`] for a slot that stays empty.
    pub(super) until: Time,
    /// Time at which something is due.
    pub(super) due: Time,
    /// Time of the slot's next entry in the agenda, which is not later than that.
    pub(super) queued: Time,
    /// Length of the pause after this life.
    pub(super) pause: Span,
    /// The member of the next life.
    pub(super) next: ReusePolicy,
    /// `true` if the next member is in the middle of a life or of a pause.
    pub(super) is_midway: bool,
    pub(super) is_changed: bool,
    pub(super) is_new: bool,
}

/// The member in a slot.
#[derive(Debug)]
pub(super) enum Member {
    /// Its scenarios make the values.
    Emulated(Box<MetricSet>),
    /// A model makes the values.
    Row(MemberRow),
}

impl Member {
    /// The cells of all series.
    pub(super) fn row(&self) -> &[f64] {
        match self {
            Self::Emulated(metrics) => metrics.values().kept_row(),
            Self::Row(row) => &row.cells,
        }
    }

    /// Ends its scenarios.
    pub(super) fn stop_scenarios(&mut self, plan: &HostPlan, now: Time, out: &mut Outbox) {
        if let Self::Emulated(metrics) = self {
            metrics.stop_scenarios(plan, now, out);
        }
    }

    /// A copy that does the same from here on. The error names the metric that cannot be copied.
    fn try_clone(&self, plan: &HostPlan) -> Result<Self, String> {
        Ok(match self {
            Self::Emulated(metrics) => Self::Emulated(Box::new(metrics.try_clone(plan)?)),
            Self::Row(row) => Self::Row(row.clone()),
        })
    }
}

/// The values of a member, as a model gives them.
#[derive(Clone, Debug)]
pub(super) struct MemberRow {
    began: Time,
    cells: Box<[f64]>,
}

impl MemberRow {
    /// A member without values since `began`.
    pub(super) fn new(shape: &HostShape, began: Time) -> Self {
        Self { began, cells: vec![ABSENT; shape.width].into() }
    }

    /// Shows finite values as they are, one for each metric.
    pub(super) fn show(&mut self, metrics: &[MetricPlan], values: &[f64]) {
        for (metric, value) in metrics.iter().zip(values) {
            let cells = &mut self.cells[metric.offset..metric.offset + metric.cells.width()];
            metric.cells.show_any(metric.rounding.round(*value), self.began, cells);
        }
    }

    /// Adds observations of one value to a metric.
    pub(super) fn observe(&mut self, shape: &HostShape, metric: usize, value: f64, count: u64) {
        let metric = &shape.metrics[metric];
        let cells = &mut self.cells[metric.offset..metric.offset + metric.cells.width()];
        metric.cells.observe_value(value, count, cells);
    }
}

impl Slot {
    /// The member, if its scenarios make the values.
    pub(super) fn emulated(&mut self) -> Option<&mut MetricSet> {
        match &mut self.member {
            Some(Member::Emulated(metrics)) => Some(metrics),
            _ => None,
        }
    }

    /// A copy that does the same from here on. The error names the metric that cannot be copied.
    pub(super) fn try_clone(&self, plan: &HostPlan) -> Result<Self, String> {
        let member = self.member.as_ref().map(|member| member.try_clone(plan)).transpose()?;
        Ok(Self { member, labels: self.labels.clone(), ..*self })
    }

    pub(super) fn empty() -> Self {
        Self {
            member: None,
            labels: LabelBlock::empty(),
            labels_hash: 0,
            generation: 0,
            next: ReusePolicy::New,
            is_midway: false,
            until: Time::NEVER,
            due: Time::NEVER,
            queued: Time::NEVER,
            pause: Span::ZERO,
            is_changed: false,
            is_new: false,
        }
    }
}
