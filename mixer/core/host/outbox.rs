//! The outbox of a host: all that it wants from its driver, and scratch space for its work.
//!
//! An outbox keeps nothing between two calls that could change a value.

use std::collections::VecDeque;
use std::sync::Arc;

use super::event_budget::{DropCause, EventDrop, HOPS_MAX};
use super::member_change::MemberChange;
use crate::event::{Event, data_bytes};
use crate::plan::{EventShare, LEVER};
use crate::scenario::SideEffects;
use crate::time::Time;
use crate::timeline::{HostLevers, SentAction};

/// A change of the override of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OverrideChange {
    /// The metric.
    pub metric: usize,
    /// The moment from which it counts.
    pub at: Time,
    /// The value and its end, [`Time::NEVER`] until it is released; `None` for a release.
    pub set: Option<(f64, Time)>,
}

/// Results of one [`super::EmulatedHost::advance`]. One outbox can serve many hosts in turn.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Events for others. The host itself has handled them.
    pub events: Vec<Event>,
    /// Actions for all hosts that the host has sent, itself included: they move levers.
    pub actions: Vec<SentAction>,
    /// Overrides that metrics show from now on, and those that were released, in their order.
    pub overrides: Vec<OverrideChange>,
    /// `true` if the job is to take over the host's cells.
    pub report: bool,
    /// Members of pools that changed; filled in with a report only.
    pub members: Vec<MemberChange>,
    /// Number of further series that were not made because the series limit was reached.
    pub series_refused: u64,
    /// Number of series of pools that were not made because all their label sets are taken.
    pub series_alike: u64,
    /// Pools in which that happened for the first time.
    pub crowded: Vec<Arc<str>>,
    /// Number of values made.
    pub updates: u64,
    /// Metrics whose scenario failed for the first time: the name, and the reason.
    pub failures: Vec<(Arc<str>, String)>,
    /// Number of failed updates.
    pub scenario_errors: u64,
    /// Number of events dropped because the host may not emit so many.
    pub events_dropped: u64,
    /// The first dropped event of a burst.
    pub first_dropped: Option<EventDrop>,
    /// Data of the events in this step, in KiB. Each counts as an event.
    data_kib: usize,
    /// Number of events and actions that may be in the outbox.
    pub(super) room: usize,
    /// The host's part of the run's events, and the cost of those that it has emitted; `None` for a host without a bound of this
    /// kind.
    pub(super) share: Option<(Arc<EventShare>, u32)>,
    /// Events that the host has emitted and not yet handled itself.
    pub(super) pending: VecDeque<Event>,
    /// Marks of the metrics that are to be updated, or have been.
    pub(super) updated: Vec<bool>,
    pub(super) effects: SideEffects,
    pub(super) links: Vec<f64>,
    /// The levers of the host during a step; `None` for a host that reads none.
    pub(super) levers: Option<HostLevers>,
    /// `true` if an action ends the host.
    pub(super) stops: bool,
}

impl Outbox {
    /// Empties the outbox.
    pub fn clear(&mut self) {
        self.events.clear();
        self.actions.clear();
        self.overrides.clear();
        self.failures.clear();
        self.pending.clear();
        self.members.clear();
        (self.report, self.stops) = (false, false);
        self.first_dropped = None;
        (self.updates, self.scenario_errors, self.events_dropped) = (0, 0, 0);
        self.crowded.clear();
        (self.series_refused, self.series_alike) = (0, 0);
    }

    /// Unmarks all metrics.
    pub(super) fn unmark(&mut self, metrics: usize) {
        self.updated.clear();
        self.updated.resize(metrics, false);
    }

    /// Adds an event, for others and for the host itself.
    pub(super) fn emit(&mut self, event: Event) {
        self.pending.push_back(event.clone());
        self.events.push(event);
    }

    /// Adds an event for the host itself alone.
    pub(super) fn emit_to_self(&mut self, event: Event) {
        self.pending.push_back(event);
    }

    /// Adds an action for all hosts.
    pub(super) fn send(&mut self, action: SentAction, hops: u8) {
        let name: Arc<str> = LEVER.into();
        if self.admits(&name, hops) {
            self.actions.push(action);
        }
    }

    /// Counts the data of an event.
    pub(super) fn note_data(&mut self, data: &serde_json::Value) {
        if !data.is_null() {
            self.data_kib += data_bytes(data) / 1024;
        }
    }

    /// Takes the data noted since the last time, in KiB.
    pub(super) const fn take_data_kib(&mut self) -> usize {
        std::mem::replace(&mut self.data_kib, 0)
    }

    /// Number of events and actions for others, and of KiB of data in them.
    pub(super) const fn sent(&self) -> usize {
        self.events.len() + self.actions.len() + self.data_kib
    }

    /// `false` for an event that is dropped, and counted, because the host may not emit it.
    pub(super) fn admits(&mut self, event: &Arc<str>, hops: u8) -> bool {
        let cause = if hops > HOPS_MAX {
            DropCause::LongChain
        } else if self.sent() >= self.room {
            DropCause::FullSecond
        } else if self.share.as_ref().is_some_and(|(share, spent)| *spent >= share.per_sec()) {
            DropCause::FullRun
        } else {
            if let Some((share, spent)) = &mut self.share {
                *spent = spent.saturating_add(share.cost(event));
            }
            return true;
        };
        self.drop_events(event, cause, 1);
        false
    }

    /// Counts dropped events, of which this is the first.
    pub(super) fn drop_events(&mut self, first: &Arc<str>, cause: DropCause, count: u64) {
        self.events_dropped += count;
        self.first_dropped.get_or_insert_with(|| EventDrop { event: Arc::clone(first), cause });
    }
}
