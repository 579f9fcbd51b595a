//! Metrics that show a chosen value for a while: its begin and its end.

use super::MetricValues;
use crate::metric::{Aggregation, Update, is_absent};
use crate::plan::HostPlan;
use crate::time::Time;

impl MetricValues {
    /// Overrides a metric until then. An override that is over releases it.
    pub(in crate::host) fn set_override(
        &mut self,
        host: &HostPlan,
        metric: usize,
        (value, until): (f64, Time),
        may_fall: bool,
        now: Time,
    ) {
        if until <= now {
            self.release(host, metric, now);
        } else {
            self.need_rare().overrides.set(metric, value, until);
            self.put(host, metric, value, may_fall, now);
        }
    }

    /// Ends a metric's override.
    pub(in crate::host) fn release(&mut self, host: &HostPlan, metric: usize, now: Time) {
        self.need_rare().overrides.release(metric);
        self.put_back(host, metric, now);
    }

    /// Ends the overrides that are over. Returns `true` if there was one.
    pub(in crate::host) fn end_overrides(&mut self, host: &HostPlan, now: Time) -> bool {
        let Some(rare) = self.rare.as_mut().filter(|rare| rare.overrides.due() <= now) else { return false };
        for metric in rare.overrides.end(now) {
            self.put_back(host, metric, now);
        }
        true
    }

    /// Shows a value at once. A metric that observes shows it with its next observations.
    fn put(&mut self, host: &HostPlan, metric: usize, value: f64, may_fall: bool, now: Time) {
        self.keep_row(&host.shape);
        let plan = &host.shape.metrics[metric];
        let Some(cells) = self.shown.cells_mut(plan) else { return };
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

    /// Shows the scenario's last value. Counters stay.
    fn put_back(&mut self, host: &HostPlan, metric: usize, now: Time) {
        if !matches!(host.shape.metrics[metric].cells.aggregation(), Aggregation::Counter { .. }) {
            self.put(host, metric, self.metrics[metric].level, false, now);
        }
    }
}
