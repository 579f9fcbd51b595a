//! Orders from outside: a metric shows what somebody wants, for a while.
//!
//! The metric's scenario goes on underneath, with the same draws as ever: whoever is released shows what it would
//! have shown. A counter is the exception, as it never falls by itself: it goes on from where it was put.

use super::{EmulatedHost, Outbox, Phase};
use crate::metric::{Filling, Update, is_absent};
use crate::time::Time;

/// What a host is told to do with one of its metrics, an index into its shape's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum HostOrder {
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
    pub fn obey(&mut self, order: &HostOrder, now: Time) {
        let (HostOrder::Show { metric, .. } | HostOrder::Release { metric }) = *order;
        if self.phase != Phase::Running || metric >= self.plan.shape.metrics.len() {
            return;
        }
        let ordered = &mut self.seldom.get_or_insert_default().ordered;
        ordered.retain(|ordered| ordered.metric != metric);
        match *order {
            HostOrder::Show { value, until, may_fall, .. } if until > now => {
                ordered.push(Ordered { metric, value, until });
                self.put(metric, value, may_fall, now);
            }
            HostOrder::Show { .. } | HostOrder::Release { .. } => self.put_back(metric, now),
        }
        self.next_report = self.next_report.min(now);
    }

    /// When the next order is over.
    pub(super) fn orders_due(&self) -> Time {
        let ordered = self.seldom.iter().flat_map(|seldom| &seldom.ordered);
        ordered.map(|ordered| ordered.until).min().unwrap_or(Time::NEVER)
    }

    /// Releases the metrics whose orders are over.
    pub(super) fn end_orders(&mut self, now: Time, out: &mut Outbox) {
        if self.orders_due() > now {
            return;
        }
        let Some(seldom) = &mut self.seldom else { return };
        let over: Vec<Ordered> = seldom.ordered.extract_if(.., |ordered| ordered.until <= now).collect();
        for Ordered { metric, .. } in over {
            self.put_back(metric, now);
        }
        out.report = true;
    }

    /// The update as it is to be shown: by order, if there is one.
    pub(super) fn as_ordered<'a>(&self, metric: usize, update: Update<'a>) -> Update<'a> {
        let seldom = self.seldom.iter().flat_map(|seldom| &seldom.ordered);
        let Some(Ordered { value, .. }) = seldom.copied().find(|ordered| ordered.metric == metric) else {
            return update;
        };
        match self.plan.shape.metrics[metric].cells.filling() {
            // It stands where it was put.
            Filling::Counter { .. } => Update { value: None, ..update },
            _ => Update { value: Some(value), level: value, spread: None, ..update },
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
        match plan.cells.filling() {
            Filling::Gauge | Filling::State => {
                let update = Update {
                    value: Some(value),
                    level: value,
                    now,
                    rounding: plan.rounding,
                    observations: 0,
                    spread: None,
                };
                plan.cells.take(&update, &mut self.metrics[metric].rng, &mut self.states, cells);
            }
            Filling::Counter { .. } => {
                plan.cells.set_total(value, may_fall, now, &mut self.states, cells);
            }
            Filling::Observations { .. } | Filling::Info => {}
        }
    }

    /// Shows what the scenario gave last. Counters stay.
    fn put_back(&mut self, metric: usize, now: Time) {
        if !matches!(self.plan.shape.metrics[metric].cells.filling(), Filling::Counter { .. }) {
            self.put(metric, self.metrics[metric].level, false, now);
        }
    }
}
