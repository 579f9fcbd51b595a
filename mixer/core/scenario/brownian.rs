//! `brownian`: noise that reverts to a base, an Ornstein-Uhlenbeck process.
//!
//! A step of length dt is `base + (x − base)·e^(−r·dt) + v·√((1 − e^(−2·r·dt)) / 2r)·N(0, 1)`. It is exact, so the
//! distribution of values does not depend on the interval (Gillespie: "Exact numerical simulation of the
//! Ornstein-Uhlenbeck process and its integral", Physical Review E 54, 1996).

use super::arguments::{Param, ParamKind};
use super::context::UpdateContext;
use super::kind::ScenarioKind;
use super::spec::ScenarioSpec;
use crate::number::Shown;

const STARTS: [&str; 2] = ["base", "value"];

pub(super) const KIND: ScenarioKind<Plan> = ScenarioKind {
    name: "brownian",
    summary: "random noise that reverts to a base value: an Ornstein-Uhlenbeck process",
    params: &[
        Param {
            name: "base",
            kind: ParamKind::Number,
            default: "the middle of the value_range",
            help: "the value to which it reverts",
        },
        Param {
            name: "start",
            kind: ParamKind::Choice(&STARTS),
            default: "base",
            help: "the first value: the base, or the value of the metric when the scenario takes over",
        },
        Param {
            name: "volatility",
            kind: ParamKind::Number,
            default: "1 % of the value_range",
            help: "the standard deviation after one second without reversion",
        },
        Param {
            name: "reversion",
            kind: ParamKind::Number,
            default: "0.01",
            help: "the share of the distance to the base that it reverts per second",
        },
    ],
    build: &|arguments| {
        let base = match arguments.number("base") {
            Some(base) => base,
            None => arguments.needed_metric_range("base").map(|(low, high)| low + (high - low) / 2.0)?,
        };
        let volatility = match arguments.number("volatility") {
            Some(volatility) => volatility,
            None => arguments.needed_metric_range("volatility").map(|(low, high)| (high - low) / 100.0)?,
        };
        let reversion = arguments.number("reversion").unwrap_or(0.01);
        for (name, number) in [("volatility", volatility), ("reversion", reversion)] {
            if number < 0.0 {
                return Err(format!("{name} must not be negative, but is {}", Shown(number)));
            }
        }
        let starts_at_value = arguments.text("start").is_some_and(|start| start == "value");
        Ok(Plan { base, volatility, reversion, starts_at_value })
    },
};

/// The parameters.
#[derive(Debug, PartialEq)]
pub struct Plan {
    base: f64,
    volatility: f64,
    reversion: f64,
    starts_at_value: bool,
}

impl ScenarioSpec for Plan {
    /// The position.
    type State = f64;

    fn start(&self, value: f64) -> f64 {
        if self.starts_at_value { value } else { self.base }
    }

    fn update(&self, position: &mut f64, context: &mut UpdateContext<'_>) -> Result<Option<f64>, String> {
        let Plan { base, volatility, reversion, .. } = *self;
        let dt_secs = context.dt_secs;
        let kept = libm::exp(-reversion * dt_secs);
        let variance = if reversion > 0.0 {
            -libm::expm1(-2.0 * reversion * dt_secs) / (2.0 * reversion)
        } else {
            dt_secs
        };
        let step = volatility * libm::sqrt(variance) * context.rng.normal();
        *position = base + (*position - base) * kept + step;
        Ok(Some(*position))
    }

    fn uses_dt(&self) -> bool {
        true
    }
}
