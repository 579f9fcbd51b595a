//! `feature_toggle`: off until its start, then on and off in turn, with an event at each change.
//!
//! It asks for an update at each change, so a change comes on time at any interval of the metric.

use std::sync::Arc;

use super::arguments::{Param, ParamKind};
use super::context::{EmittedEvent, SideEffects, UpdateContext};
use super::kind::ScenarioKind;
use super::spec::{EventDecl, ScenarioSpec, range_of};
use crate::time::{Span, Time};

/// The events of switching on and off.
const EMITS: [&str; 2] = ["feature_on", "feature_off"];

pub(super) const KIND: ScenarioKind<Plan> = ScenarioKind {
    name: "feature_toggle",
    summary: "off until start_time, then on for duration and off for interval, repeated; emits feature_on and feature_off",
    params: &[
        Param {
            name: "start_time",
            kind: ParamKind::Span,
            default: "30s",
            help: "the time from the first update until it is first on",
        },
        Param { name: "duration", kind: ParamKind::Span, default: "60s", help: "the time on" },
        Param { name: "interval", kind: ParamKind::Span, default: "15s", help: "the time off" },
        Param { name: "on_value", kind: ParamKind::Number, default: "1", help: "the value while on" },
        Param { name: "off_value", kind: ParamKind::Number, default: "0", help: "the value while off" },
        Param {
            name: "source",
            kind: ParamKind::Text,
            default: "the host's name",
            help: "the source of its events",
        },
    ],
    build: &|arguments| {
        let plan = Plan {
            start_time: arguments.span("start_time").unwrap_or(Span::from_secs(30)),
            duration: arguments.span("duration").unwrap_or(Span::from_secs(60)),
            interval: arguments.span("interval").unwrap_or(Span::from_secs(15)),
            on_value: arguments.number("on_value").unwrap_or(1.0),
            off_value: arguments.number("off_value").unwrap_or(0.0),
            source: arguments.text("source").map(Into::into),
            events: EMITS.map(Arc::from),
        };
        for (name, span) in [("duration", plan.duration), ("interval", plan.interval)] {
            if span < Span::from_nanos(1_000_000) {
                return Err(format!("{name} must be 1ms or longer, but is {span}"));
            }
        }
        Ok(plan)
    },
};

/// The parameters.
#[derive(Debug, PartialEq)]
pub struct Plan {
    start_time: Span,
    duration: Span,
    interval: Span,
    on_value: f64,
    off_value: f64,
    source: Option<Arc<str>>,
    events: [Arc<str>; 2],
}

impl ScenarioSpec for Plan {
    type State = Box<FeatureToggle>;

    fn start(&self, _value: f64) -> Box<FeatureToggle> {
        Box::new(FeatureToggle { on: false, is_told_on: false, has_begun: false, next_change: Time::NEVER })
    }

    fn update(
        &self,
        state: &mut Box<FeatureToggle>,
        context: &mut UpdateContext<'_>,
    ) -> Result<Option<f64>, String> {
        let mut next_change = if state.has_begun { state.next_change } else { context.now + self.start_time };
        state.has_begun = true;
        if next_change <= context.now {
            // Whole cycles without an update change nothing; less than one is left.
            let cycle = self.duration.plus(self.interval).as_nanos();
            next_change += Span::from_nanos(context.now.since(next_change).as_nanos() / cycle * cycle);
        }
        while next_change <= context.now {
            state.on = !state.on;
            next_change += if state.on { self.duration } else { self.interval };
        }
        if state.next_change != next_change {
            state.next_change = next_change;
            context.effects.wakes.push(next_change);
        }
        let value = self.value(state.on);
        if state.on != state.is_told_on {
            state.is_told_on = state.on;
            self.tell(state.on, context.effects);
        }
        Ok(Some(value))
    }

    fn hide(&self, state: &mut Box<FeatureToggle>, effects: &mut SideEffects) {
        if std::mem::take(&mut state.is_told_on) {
            self.tell(false, effects);
        }
    }

    fn stop(&self, state: &mut Box<FeatureToggle>, effects: &mut SideEffects) {
        self.hide(state, effects);
        (state.on, state.has_begun, state.next_change) = (false, false, Time::NEVER);
    }

    fn value_range(&self) -> Option<(f64, f64)> {
        range_of([self.on_value, self.off_value].map(|value| (value, value)))
    }

    fn emits(&self) -> Vec<EventDecl> {
        let declaration = |event| EventDecl { event: Some(Arc::clone(event)), source: self.source.clone() };
        self.events.iter().map(declaration).collect()
    }
}

impl Plan {
    fn value(&self, is_on: bool) -> f64 {
        if is_on { self.on_value } else { self.off_value }
    }

    /// Emits the event of a change.
    fn tell(&self, is_on: bool, effects: &mut SideEffects) {
        let event = Arc::clone(&self.events[usize::from(!is_on)]);
        let data = self.value(is_on).into();
        effects.emitted.push(EmittedEvent { event, source: self.source.clone(), data });
    }
}

/// The running scenario; boxed, because it is larger and rarer than most.
#[derive(Clone, Debug)]
pub struct FeatureToggle {
    on: bool,
    /// `true` between its two events.
    is_told_on: bool,
    has_begun: bool,
    next_change: Time,
}
