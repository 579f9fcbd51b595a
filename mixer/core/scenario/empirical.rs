//! `empirical`: values with a measured distribution, correlated from one update to the next.
//!
//! A first-order autoregression of standard normal numbers, `z' = c·z + √(1 − c²)·N(0, 1)`, goes through their distribution
//! function and then through the quantiles, between which it is linear. So the distribution is exact for any correlation.

use std::f64::consts::FRAC_1_SQRT_2;

use super::arguments::{Param, ParamKind};
use super::context::UpdateContext;
use super::kind::ScenarioKind;
use super::spec::ScenarioSpec;
use crate::number::Shown;

pub(super) const KIND: ScenarioKind<Plan> = ScenarioKind {
    name: "empirical",
    summary: "values with a measured distribution, which may be correlated from one update to the next",
    params: &[
        Param {
            name: "quantiles",
            kind: ParamKind::Numbers,
            default: "",
            help: "the quantiles at equal distances, from the lowest to the highest value; at least two",
        },
        Param {
            name: "correlation",
            kind: ParamKind::Number,
            default: "0",
            help: "the correlation of an update with the one before, from -1 to 1, of normally distributed ranks",
        },
    ],
    build: &|arguments| {
        let quantiles = arguments.numbers("quantiles").unwrap_or_default();
        if quantiles.len() < 2 {
            return Err(format!("quantiles needs at least 2 numbers, but there are {}", quantiles.len()));
        }
        if let Some(pair) = quantiles.windows(2).find(|pair| pair[0] > pair[1]) {
            return Err(format!(
                "quantiles must not fall, but {} comes before {}",
                Shown(pair[0]),
                Shown(pair[1])
            ));
        }
        let correlation = arguments.number("correlation").unwrap_or(0.0);
        if !(-1.0..=1.0).contains(&correlation) {
            return Err(format!("correlation must be from -1 to 1, but is {}", Shown(correlation)));
        }
        Ok(Plan { quantiles, correlation })
    },
};

/// The parameters.
#[derive(Debug, PartialEq)]
pub struct Plan {
    quantiles: Vec<f64>,
    correlation: f64,
}

impl ScenarioSpec for Plan {
    /// The last normal number; NaN before the first update.
    type State = f64;

    fn start(&self, _value: f64) -> f64 {
        f64::NAN
    }

    fn update(&self, last: &mut f64, context: &mut UpdateContext<'_>) -> Result<Option<f64>, String> {
        let drawn = context.rng.normal();
        let kept = self.correlation;
        *last = if last.is_nan() { drawn } else { kept * *last + libm::sqrt(1.0 - kept * kept) * drawn };
        Ok(Some(self.at(0.5 * libm::erfc(-*last * FRAC_1_SQRT_2))))
    }

    fn value_range(&self) -> Option<(f64, f64)> {
        Some((*self.quantiles.first()?, *self.quantiles.last()?))
    }
}

impl Plan {
    /// The value below which this share of all values is.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "the place is from 0 to the number of quantiles"
    )]
    fn at(&self, share: f64) -> f64 {
        let place = share * (self.quantiles.len() - 1) as f64;
        let below = (place as usize).min(self.quantiles.len() - 2);
        let (from, to) = (self.quantiles[below], self.quantiles[below + 1]);
        from + (to - from) * (place - below as f64)
    }
}
