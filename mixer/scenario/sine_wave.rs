//! `sine_wave`: offset + amplitude · sin(2π·t/period + phase), with t in seconds since the metric's start.

use std::f64::consts::TAU;
use std::sync::Arc;

use super::{Blueprint, Kind, Param, ParamKind, Scenario, ScenarioPlan, Tick};
use crate::clock::Span;

pub(super) const KIND: Kind = Kind {
    name: "sine_wave",
    summary: "a sine around an offset",
    params: &[
        Param { name: "period", kind: ParamKind::Span, default: "300s", help: "from one crest to the next" },
        Param {
            name: "amplitude",
            kind: ParamKind::Number,
            default: "50",
            help: "from the offset to a crest",
        },
        Param { name: "offset", kind: ParamKind::Number, default: "50", help: "the middle" },
        Param {
            name: "phase_offset",
            kind: ParamKind::Number,
            default: "0",
            help: "where it begins, in radians",
        },
    ],
    build: |arguments| {
        let period = arguments.span("period").unwrap_or(Span::from_secs(300));
        if period == Span::ZERO || period == Span::FOREVER {
            return Err(format!("period must be longer than 0 and not endless, but is {period}"));
        }
        Ok(ScenarioPlan::SineWave(Arc::new(Plan {
            radians_per_sec: TAU / period.as_secs_f64(),
            amplitude: arguments.number("amplitude").unwrap_or(50.0),
            offset: arguments.number("offset").unwrap_or(50.0),
            phase: arguments.number("phase_offset").unwrap_or(0.0),
        })))
    },
};

/// The parameters.
#[derive(Debug, PartialEq)]
pub struct Plan {
    radians_per_sec: f64,
    amplitude: f64,
    offset: f64,
    phase: f64,
}

impl Blueprint for Plan {
    type Running = SineWave;

    fn start(self: &Arc<Self>, _value: f64) -> SineWave {
        SineWave { plan: Arc::clone(self) }
    }
}

/// The running scenario.
#[derive(Debug)]
pub struct SineWave {
    plan: Arc<Plan>,
}

impl Scenario for SineWave {
    fn update(&mut self, tick: &mut Tick<'_>) -> Result<Option<f64>, String> {
        let plan = &*self.plan;
        Ok(Some(plan.offset + plan.amplitude * libm::sin(tick.t_secs * plan.radians_per_sec + plan.phase)))
    }
}
