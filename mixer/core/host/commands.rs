//! Orders from outside: a metric shows what somebody wants, for a while.
//!
//! The metric's scenario goes on underneath, with the same draws as ever: whoever is released shows what it would
//! have shown. A counter is the exception, as it never falls by itself: it goes on from where it was put.

use super::{EmulatedHost, Outbox, Phase};
use crate::metric::{Aggregation, Update, is_absent};
use crate::time::Time;

/// What a host is told to do with one of its metrics, an index into its shape's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum HostCommand {
    /// It shows a value.
    Show {
        /// The metric.
        metric: usize,
        /// The value; every observation of what observes.
        value: f64,
        /// How long; [`Time::NEVER`] until it is released.
        until: Time,
        /// Whether a counter may fall to it.
        may_fall: bool,
    },
    /// It shows again what its scenario says.
    Release {
        /// The metric.
        metric: usize,
    },
}

/// What a metric shows by order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ordered {
    metric: usize,
    value: f64,
    until: Time,
}

impl EmulatedHost {
    /// Carries out an order. What has changed is reported with the next [`Self::advance`], which is due at once.
    /// Somebody who does not live does nothing.
    pub fn obey(&mut self, order: &HostCommand, now: Time) {
        let (HostCommand::Show { metric, .. } | HostCommand::Release { metric }) = *order;
        if self.phase != Phase::Running || metric >= self.plan.shape.metrics.len() {
            return;
        }
        let ordered = &mut self.rare.get_or_insert_default().ordered;
        ordered.retain(|ordered| ordered.metric != metric);
        match *order {
            HostCommand::Show { value, until, may_fall, .. } if until > now => {
                ordered.push(Ordered { metric, value, until });
                self.put(metric, value, may_fall, now);
            }
            HostCommand::Show { .. } | HostCommand::Release { .. } => self.put_back(metric, now),
        }
        self.next_report = self.next_report.min(now);
    }

    /// When the next order is over.
    pub(super) fn orders_due(&self) -> Time {
        let ordered = self.rare.iter().flat_map(|rare| &rare.ordered);
        ordered.map(|ordered| ordered.until).min().unwrap_or(Time::NEVER)
    }

    /// Releases the metrics whose orders are over.
    pub(super) fn end_orders(&mut self, now: Time, out: &mut Outbox) {
        if self.orders_due() > now {
            return;
        }
        let Some(rare) = &mut self.rare else { return };
        let over: Vec<Ordered> = rare.ordered.extract_if(.., |ordered| ordered.until <= now).collect();
        for Ordered { metric, .. } in over {
            self.put_back(metric, now);
        }
        out.report = true;
    }

    /// The update as it is to be shown: by order, if there is one.
    pub(super) fn as_ordered<'a>(&self, metric: usize, update: Update<'a>) -> Update<'a> {
        let rare = self.rare.iter().flat_map(|rare| &rare.ordered);
        let Some(Ordered { value, .. }) = rare.copied().find(|ordered| ordered.metric == metric) else {
            return update;
        };
        match self.plan.shape.metrics[metric].cells.aggregation() {
            // It stands where it was put.
            Aggregation::Counter { .. } => Update { value: None, ..update },
            _ => Update { value: Some(value), level: value, distribution: None, ..update },
        }
    }

    /// Shows a value at once; what observes shows it with its next observations.
    fn put(&mut self, metric: usize, value: f64, may_fall: bool, now: Time) {
        let host = std::sync::Arc::clone(&self.plan);
        let plan = &host.shape.metrics[metric];
        let cells = &mut self.row[plan.offset..plan.offset + plan.cells.width()];
        if is_absent(cells[0]) {
            return;
        }
        match plan.cells.aggregation() {
            Aggregation::Gauge | Aggregation::State => {
                let update = Update {
                    value: Some(value),
                    level: value,
                    now,
                    rounding: plan.rounding,
                    observations: 0,
                    distribution: None,
                };
                plan.cells.apply(&update, &mut self.metrics[metric].rng, &mut self.states, cells);
            }
            Aggregation::Counter { .. } => {
                plan.cells.set_total(value, may_fall, now, &mut self.states, cells);
            }
            Aggregation::Observations { .. } | Aggregation::Info => {}
        }
    }

    /// Shows what the scenario gave last. Counters stay.
    fn put_back(&mut self, metric: usize, now: Time) {
        if !matches!(self.plan.shape.metrics[metric].cells.aggregation(), Aggregation::Counter { .. }) {
            self.put(metric, self.metrics[metric].level, false, now);
        }
    }
}
