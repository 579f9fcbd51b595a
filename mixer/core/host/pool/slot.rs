//! A slot: the numbered place of one member in a pool.

use crate::host::metric_set::MetricSet;
use crate::plan::{HostPlan, ReusePolicy};
use crate::series::LabelBlock;
use crate::time::{Span, Time};

/// One slot.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) member: Option<MetricSet>,
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

impl Slot {
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
