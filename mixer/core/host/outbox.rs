//! The outbox: what a host wants, and room to work in.

use std::collections::VecDeque;
use std::sync::Arc;

use super::MemberChange;
use crate::event::Event;
use crate::scenario::SideEffects;

/// What a host wants after an [`super::EmulatedHost::advance`]. One can serve many hosts in turn.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Events for others; the host itself has heard them.
    pub events: Vec<Event>,
    /// Its row of cells is to be taken over.
    pub report: bool,
    /// The pools that outputs are to look at, if the row is to be taken over.
    pub pools: Vec<MemberChange>,
    /// How many series more were not made because there would be too many.
    pub series_refused: u64,
    /// How many series of pools were not made because others have all the labels.
    pub series_alike: u64,
    /// The kinds of pools of which that is so for the first time.
    pub crowded: Vec<Arc<str>>,
    /// How many values were made.
    pub updates: u64,
    /// Scenarios that failed for the first time: the metric's name, and why.
    pub failures: Vec<(Arc<str>, String)>,
    /// How often a scenario failed.
    pub scenario_errors: u64,
    /// How many events were dropped, because they followed from too many others.
    pub events_dropped: u64,
    pub(super) pending: VecDeque<Event>,
    pub(super) updated: Vec<bool>,
    pub(super) effects: SideEffects,
    pub(super) links: Vec<f64>,
}

impl Outbox {
    /// Forgets what was in it.
    pub fn clear(&mut self) {
        self.events.clear();
        self.failures.clear();
        self.pending.clear();
        self.pools.clear();
        self.report = false;
        (self.updates, self.scenario_errors, self.events_dropped) = (0, 0, 0);
        self.crowded.clear();
        (self.series_refused, self.series_alike) = (0, 0);
    }
}
