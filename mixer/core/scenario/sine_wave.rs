//! `sine_wave`: offset + amplitude · sin(2π·t/period + phase), with t in seconds since the metric's start.

use std::f64::consts::TAU;

use super::arguments::{Param, ParamKind};
use super::context::UpdateContext;
use super::kind::ScenarioKind;
use super::spec::ScenarioSpec;
use crate::time::Span;

pub(super) const KIND: ScenarioKind<Plan> = ScenarioKind {
    name: "sine_wave",
    summary: "a sine wave around an offset",
    params: &[
        Param {
            name: "period",
            kind: ParamKind::Span,
            default: "300s",
            help: "the time from one crest to the next",
        },
        Param {
            name: "amplitude",
            kind: ParamKind::Number,
            default: "50",
            help: "the distance from the offset to a crest",
        },
        Param { name: "offset", kind: ParamKind::Number, default: "50", help: "the middle value" },
        Param {
            name: "phase_offset",
            kind: ParamKind::Number,
            default: "0",
            help: "the phase at the start, in radians",
        },
    ],
    build: &|arguments| {
        let period = arguments.span("period").unwrap_or(Span::from_secs(300));
        if period == Span::ZERO || period == Span::FOREVER {
            return Err(format!("period must be longer than 0 and not endless, but is {period}"));
        }
        Ok(Plan {
            turns_per_sec: 1.0 / period.as_secs_f64(),
            amplitude: arguments.number("amplitude").unwrap_or(50.0),
            offset: arguments.number("offset").unwrap_or(50.0),
            phase_turns: arguments.number("phase_offset").unwrap_or(0.0) / TAU,
        })
    },
};

/// The parameters.
#[derive(Debug, PartialEq)]
pub struct Plan {
    turns_per_sec: f64,
    amplitude: f64,
    offset: f64,
    phase_turns: f64,
}

impl ScenarioSpec for Plan {
    type State = ();

    fn start(&self, _value: f64) {}

    #[inline]
    fn update(&self, _state: &mut (), context: &mut UpdateContext<'_>) -> Result<Option<f64>, String> {
        let turns = context.t_secs * self.turns_per_sec + self.phase_turns;
        Ok(Some(self.offset + self.amplitude * sine_of_turns(turns)))
    }

    fn value_range(&self) -> Option<(f64, f64)> {
        let height = self.amplitude.abs();
        Some((self.offset - height, self.offset + height))
    }
}

/// sin(2π·turns), to 15 digits below 2^51 turns. It consists of sums and products only, so it is the same on every
/// platform, and faster than a general sine.
fn sine_of_turns(turns: f64) -> f64 {
    /// 1 / n! for odd n from 3 to 19, with the signs of the sine's series.
    const TERMS: [f64; 9] = [
        -1.0 / 6.0,
        1.0 / 120.0,
        -1.0 / 5_040.0,
        1.0 / 362_880.0,
        -1.0 / 39_916_800.0,
        1.0 / 6_227_020_800.0,
        -1.0 / 1_307_674_368_000.0,
        1.0 / 355_687_428_096_000.0,
        -1.0 / 121_645_100_408_832_000.0,
    ];
    /// Adding and subtracting 1.5 · 2^52 rounds to the nearest whole number.
    const WHOLES: f64 = 6_755_399_441_055_744.0;
    let turn = turns - (turns + WHOLES - WHOLES);
    // The second and the third quarter mirror the first and the fourth.
    let quarter = if turn.abs() > 0.25 { 0.5f64.copysign(turn) - turn } else { turn };
    let x = TAU * quarter;
    let square = x * x;
    let tail = TERMS.iter().rev().fold(0.0, |sum, term| sum * square + term);
    x + x * square * tail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sine_equals_the_librarys() {
        for n in -2_000..=2_000 {
            let turns = f64::from(n) / 333.0;
            let (ours, exact) = (sine_of_turns(turns), libm::sin(TAU * turns));
            assert!((ours - exact).abs() < 1e-14, "{turns}: {ours} {exact}");
        }
        assert_eq!(sine_of_turns(0.0).to_bits(), 0.0f64.to_bits());
    }
}
