//! `latency`: everything arrives later.

use promemu_core::rng::Rng;
use serde::{Deserialize, Serialize};

use super::super::stage::{Item, Stage, Timed};
use super::millis;

/// The parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(in super::super) struct Latency {
    /// Delay, in milliseconds.
    latency: i64,
    /// Largest deviation from it, in milliseconds.
    jitter: i64,
}

#[derive(Debug)]
pub(super) struct Delays {
    parameters: Latency,
    random: Rng,
}

impl Latency {
    pub(super) const fn stage(&self, random: Rng) -> Delays {
        Delays { parameters: Self { latency: self.latency, jitter: self.jitter }, random }
    }
}

impl Stage for Delays {
    fn take(&mut self, mut timed: Timed, out: &mut Vec<Timed>) {
        if matches!(timed.item, Item::Data(_)) {
            let Latency { latency, jitter } = self.parameters;
            let deviation = match u64::try_from(jitter) {
                Ok(jitter) if jitter > 0 => {
                    let drawn = self.random.below(jitter.saturating_mul(2));
                    i64::try_from(drawn).unwrap_or(i64::MAX).saturating_sub_unsigned(jitter)
                }
                _ => 0,
            };
            timed.at += millis(latency.saturating_add(deviation));
        }
        out.push(timed);
    }
}
