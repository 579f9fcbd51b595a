//! `burst`: 1, and the intensity at the end of every interval; a factor for a `product`.
//!
//! It asks for an update at each change, so a short burst shows at any interval of the metric.

use super::arguments::{Param, ParamKind};
use super::context::UpdateContext;
use super::kind::ScenarioKind;
use super::spec::ScenarioSpec;
use crate::time::Span;

pub(super) const KIND: ScenarioKind<Plan> = ScenarioKind {
    name: "burst",
    summary: "1, and the intensity for a while at the end of every interval; a factor for a product",
    params: &[
        Param {
            name: "interval",
            kind: ParamKind::Span,
            default: "60s",
            help: "the time from the end of one burst to the end of the next",
        },
        Param { name: "duration", kind: ParamKind::Span, default: "10s", help: "the length of a burst" },
        Param { name: "intensity", kind: ParamKind::Number, default: "2", help: "the value during a burst" },
    ],
    build: &|arguments| {
        let plan = Plan {
            interval: arguments.span("interval").unwrap_or(Span::from_secs(60)),
            duration: arguments.span("duration").unwrap_or(Span::from_secs(10)),
            intensity: arguments.number("intensity").unwrap_or(2.0),
        };
        if plan.duration < Span::from_nanos(1_000_000) {
            return Err(format!("duration must be 1ms or longer, but is {}", plan.duration));
        }
        if plan.interval <= plan.duration || plan.interval == Span::FOREVER {
            let Plan { interval, duration, .. } = plan;
            return Err(format!(
                "interval must be longer than duration, {duration}, and not endless, but is {interval}"
            ));
        }
        Ok(plan)
    },
};

/// The parameters.
#[derive(Debug, PartialEq)]
pub struct Plan {
    interval: Span,
    duration: Span,
    intensity: f64,
}

impl ScenarioSpec for Plan {
    type State = ();

    fn start(&self, _value: f64) {}

    fn update(&self, _state: &mut (), context: &mut UpdateContext<'_>) -> Result<Option<f64>, String> {
        let Plan { interval, duration, intensity } = *self;
        let t_nanos = Span::from_secs_f64(context.t_secs).unwrap_or(Span::ZERO).as_nanos();
        let in_cycle = Span::from_nanos(t_nanos % interval.as_nanos());
        let quiet = interval.minus(duration);
        let (value, change) = if in_cycle < quiet { (1.0, quiet) } else { (intensity, interval) };
        context.effects.wakes.push(context.now + change.minus(in_cycle));
        Ok(Some(value))
    }
}
