//! `stall`: bytes stand still for a share of the time, and arrive afterwards.

use std::time::Duration;

use promemu_core::rng::Rng;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::super::stage::{Stage, Timed};
use super::{FOREVER, Start, millis};

/// The parameters. The share of the connections that stall at all is the toxicity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(in super::super) struct Stall {
    /// Share of the time for which bytes stand still, from 0 to 1. With 1 they do until the toxic is removed.
    share: f64,
    /// Time in which a connection stands still once, in milliseconds.
    period: i64,
}

impl Default for Stall {
    fn default() -> Self {
        Self { share: 1.0, period: 1_000 }
    }
}

#[derive(Debug)]
pub(super) struct Pauses {
    share: f64,
    period: Duration,
    random: Rng,
    /// The end of the present period, and its pause.
    period_end: Instant,
    pause: (Instant, Instant),
}

impl Stall {
    pub(super) fn stage(&self, start: Start) -> Pauses {
        let share = if self.share.is_nan() { 0.0 } else { self.share.clamp(0.0, 1.0) };
        let period = millis(self.period).max(Duration::from_millis(1));
        let Start { now, random, .. } = start;
        Pauses { share, period, random, period_end: now, pause: (now, now) }
    }
}

impl Pauses {
    /// Draws the pauses of the periods up to this time.
    fn draw_until(&mut self, at: Instant) {
        if let Some(behind) = at.checked_duration_since(self.period_end) {
            // Periods without an item need no draw of their own.
            let skipped = u32::try_from(behind.as_nanos() / self.period.as_nanos()).unwrap_or(u32::MAX);
            let start = self.period_end + self.period * skipped;
            let begin = start + self.period.mul_f64((1.0 - self.share) * self.random.unit());
            self.pause = (begin, begin + self.period.mul_f64(self.share));
            self.period_end = start + self.period;
        }
    }
}

impl Stage for Pauses {
    fn take(&mut self, mut timed: Timed, out: &mut Vec<Timed>) {
        if self.share >= 1.0 {
            timed.at += FOREVER;
        } else {
            self.draw_until(timed.at);
            let (begin, end) = self.pause;
            if (begin..end).contains(&timed.at) {
                timed.at = end;
            }
        }
        out.push(timed);
    }
}
