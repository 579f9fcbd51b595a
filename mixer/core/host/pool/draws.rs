//! Random lengths and counts of pools.

use crate::plan::PoolPlan;
use crate::rng::Rng;
use crate::time::{Span, Time};

/// The rest of a pause, if a member that has been coming and going for long is away just now.
pub(super) fn pause_left(plan: &PoolPlan, rng: &mut Rng) -> Option<Span> {
    if plan.pause.1 == Span::ZERO {
        return None;
    }
    let twice_mean = |(shortest, longest): (Span, Span)| shortest.as_secs_f64() + longest.as_secs_f64();
    let (life, pause) = (twice_mean(plan.lifetime), twice_mean(plan.pause));
    let is_away = rng.unit() < pause / (life + pause);
    is_away.then(|| left_of(plan.pause, rng))
}

/// The rest of a span of this range at a random moment. A moment falls into a long span more often than into a short
/// one, in proportion to the length.
pub(super) fn left_of((shortest, longest): (Span, Span), rng: &mut Rng) -> Span {
    let [least, most] = [shortest, longest].map(|span| span.as_secs_f64() * span.as_secs_f64());
    let whole = libm::sqrt(least + (most - least) * rng.unit());
    Span::from_secs_f64(whole * rng.unit()).unwrap_or(shortest).max(Span::from_nanos(1))
}

/// A uniform span of this range.
pub(super) fn between((shortest, longest): (Span, Span), rng: &mut Rng) -> Span {
    if shortest == longest {
        return shortest;
    }
    let more = rng.below(longest.minus(shortest).as_nanos().saturating_add(1));
    shortest.plus(Span::from_nanos(more))
}

/// A share of a number, as a whole number; the fraction is the probability of one more.
#[expect(clippy::cast_precision_loss, reason = "there are never so many")]
pub(super) fn share_of(count: usize, share: f64, rng: &mut Rng) -> usize {
    let exact = count as f64 * share;
    let more = usize::from(rng.unit() < exact - libm::floor(exact));
    (whole(exact) + more).min(count)
}

/// The whole number below; 0 for NaN and negative numbers.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
pub(super) const fn whole(number: f64) -> usize {
    number as usize
}

/// The last of the moments that are due by now, one each interval from the first on; the first if none is.
pub(super) fn last_due(first: Time, interval: Span, now: Time) -> Time {
    first + interval.times(now.since(first).as_nanos() / interval.as_nanos().max(1))
}
