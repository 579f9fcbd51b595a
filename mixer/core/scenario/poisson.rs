//! `poisson`: the number of events that happen independently of each other.
//!
//! Small means take inversion, others transformed rejection with squeeze, `PTRS` (Hörmann: "The transformed rejection method for
//! generating Poisson random variables", Insurance: Mathematics and Economics 12, 1993).

use super::arguments::{Param, ParamKind};
use super::context::UpdateContext;
use super::kind::ScenarioKind;
use super::spec::ScenarioSpec;
use crate::number::Shown;
use crate::rng::Rng;

/// The largest rate: numbers up to it are whole.
const RATE_MAX: f64 = 1e15;
/// The rate from which on rejection is used.
const REJECTION_FROM: f64 = 10.0;

pub(super) const KIND: ScenarioKind<Plan> = ScenarioKind {
    name: "poisson",
    summary: "a count of independent events at each update, from the Poisson distribution",
    params: &[Param {
        name: "rate",
        kind: ParamKind::Number,
        default: "",
        help: "the mean count of an update",
    }],
    build: &|arguments| {
        let rate = arguments.number("rate").unwrap_or_default();
        if !(0.0..=RATE_MAX).contains(&rate) {
            return Err(format!("rate must be from 0 to 1e15, but is {}", Shown(rate)));
        }
        Ok(Plan { rate })
    },
};

/// The parameters.
#[derive(Debug, PartialEq)]
pub struct Plan {
    rate: f64,
}

impl ScenarioSpec for Plan {
    type State = ();

    fn start(&self, _value: f64) {}

    fn update(&self, _state: &mut (), context: &mut UpdateContext<'_>) -> Result<Option<f64>, String> {
        let draw = if self.rate < REJECTION_FROM { by_inversion } else { by_rejection };
        Ok(Some(draw(self.rate, context.rng)))
    }
}

fn by_inversion(rate: f64, rng: &mut Rng) -> f64 {
    /// Counts beyond it have probabilities below the steps of a random number.
    const COUNT_MAX: u32 = 100;
    let (mut rest, mut probability) = (rng.unit(), libm::exp(-rate));
    let mut count = 0;
    while rest > probability && count < COUNT_MAX {
        rest -= probability;
        count += 1;
        probability *= rate / f64::from(count);
    }
    f64::from(count)
}

fn by_rejection(rate: f64, rng: &mut Rng) -> f64 {
    let width = 0.931 + 2.53 * libm::sqrt(rate);
    let slope = -0.059 + 0.024_83 * width;
    let inverse_alpha = 1.1239 + 1.1328 / (width - 3.4);
    let accepted_at_once = 0.9277 - 3.6224 / (width - 2.0);
    loop {
        let (u, v) = (rng.unit() - 0.5, rng.unit());
        let from_end = 0.5 - libm::fabs(u);
        let count = libm::floor((2.0 * slope / from_end + width) * u + rate + 0.43);
        if from_end >= 0.07 && v <= accepted_at_once {
            return count;
        }
        if count < 0.0 || (from_end < 0.013 && v > from_end) {
            continue;
        }
        let height = v * inverse_alpha / (slope / (from_end * from_end) + width);
        if libm::log(height) <= count * libm::log(rate) - rate - libm::lgamma(count + 1.0) {
            return count;
        }
    }
}
