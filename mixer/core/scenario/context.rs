//! The input and the side effects of one update of a scenario.

use std::sync::Arc;

use crate::event::{Event, Subscription};
use crate::expression::{EvalContext, EventRef, Storage};
use crate::plugin::LeverTimes;
use crate::rng::Rng;
use crate::time::Time;

/// The input of one update.
#[derive(Debug)]
pub struct UpdateContext<'a> {
    /// The emulated time.
    pub now: Time,
    /// Seconds since the metric's start.
    pub t_secs: f64,
    /// Seconds since the metric's last update, 0 at the first. Set only for a scenario whose
    /// `uses_dt` is `true`.
    pub dt_secs: f64,
    /// The metric's current value.
    pub value: f64,
    /// The current value of the source metric of a relay.
    pub source_value: f64,
    /// The event that causes this update; `None` if the metric's interval does.
    pub event: Option<&'a Event>,
    /// The name of the metric's host.
    pub host_name: &'a str,
    /// The values of the metrics that the scenario's formulas link to.
    pub links: &'a [f64],
    /// The values of the run's levers, in the plan's order.
    pub levers: &'a [f64],
    /// The run's levers at other times; `None` on a host that reads none.
    pub lever_times: Option<&'a dyn LeverTimes>,
    /// The metric's own random stream.
    pub rng: &'a mut Rng,
    /// The metric's index on its host.
    pub metric: usize,
    /// The storage of the host and its metrics.
    pub storage: &'a mut Storage,
    /// The side effects that the scenario asks for.
    pub effects: &'a mut SideEffects,
}

impl<'a> UpdateContext<'a> {
    /// `true` if an event that the subscription matches causes this update.
    #[must_use]
    pub fn is_for(&self, subscription: &Subscription) -> bool {
        self.event.is_some_and(|event| subscription.matches(event, self.host_name))
    }

    /// The context of a formula whose `value` is this.
    pub fn eval_context(&mut self, value: f64) -> EvalContext<'_> {
        let event_ref =
            |event: &'a Event| EventRef { name: &event.name, source: &event.source, data: &event.data };
        EvalContext {
            value,
            t_secs: self.t_secs,
            dt_secs: self.dt_secs,
            now_secs: self.now.unix_secs(),
            event: self.event.map(event_ref),
            links: self.links,
            levers: self.levers,
            metric: Some(self.metric),
            rng: self.rng,
            storage: self.storage,
        }
    }
}

/// The side effects that a scenario asks for.
#[derive(Debug, Default)]
pub struct SideEffects {
    /// Events to emit.
    pub emitted: Vec<EmittedEvent>,
    /// Times of further updates, in addition to the metric's interval.
    pub wakes: Vec<Time>,
}

impl SideEffects {
    /// `true` if there are none.
    #[must_use]
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.emitted.is_empty() && self.wakes.is_empty()
    }
}

/// An event that a scenario emits. The host adds time, sequence and hops.
#[derive(Debug, PartialEq)]
pub struct EmittedEvent {
    /// The event's name.
    pub event: Arc<str>,
    /// Its source, if not the host.
    pub source: Option<Arc<str>>,
    /// The payload.
    pub data: serde_json::Value,
}
