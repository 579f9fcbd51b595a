//! Pacing of attempts: back-off while the gateway is away, and the pauses that it asks for.

use std::sync::Arc;

use crate::http::PushError;
use crate::outputs::availability::{Availability, BackOff};
use crate::outputs::health::Health;
use promemu_core::rng::{Rng, Seed, random_seed};
use promemu_core::time::{Span, Time};

const BACK_OFF_FIRST: Span = Span::from_secs(1);
const BACK_OFF_LONGEST: Span = Span::from_secs(30);
const CONSEQUENCE: &str = "the hosts go on, and their newest state is pushed when it is back";
/// The consequence before the first answer, when there may be no gateway at all.
const CONSEQUENCE_AT_FIRST: &str = "the hosts go on, and their newest state is pushed when it is there; without a Pushgateway, serve the \
                                    metrics with --output scrape=127.0.0.1:9464 or --embedded";

/// Pacing of attempts at one gateway.
#[derive(Debug)]
pub(super) struct Pacing {
    availability: Availability,
    back_off: BackOff,
    /// Time of the next attempt while the gateway is away.
    next_try: Option<Time>,
    /// End of the pause that the gateway asked for.
    quiet_until: Option<Time>,
    rng: Rng,
}

impl Pacing {
    /// A gateway that is there and gets a push in each interval. Logs call it by its output's name.
    pub(super) fn new(output: &str, interval: Span, health: Arc<Health>) -> Self {
        let longest = interval.max(BACK_OFF_FIRST).min(BACK_OFF_LONGEST);
        Self {
            availability: Availability::new(output, CONSEQUENCE_AT_FIRST, health),
            back_off: BackOff { first: BACK_OFF_FIRST, longest },
            next_try: None,
            quiet_until: None,
            rng: Seed::new(random_seed()).rng(),
        }
    }

    pub(super) const fn is_away(&self) -> bool {
        self.availability.is_away()
    }

    /// `true` during a pause that the gateway asked for.
    pub(super) const fn is_quiet(&self) -> bool {
        self.quiet_until.is_some()
    }

    /// `true` if it is too early for an attempt. A pause that is over is forgotten.
    pub(super) fn is_early(&mut self, now: Time) -> bool {
        let is_later = |at: Time| now < at;
        let is_early = self.next_try.is_some_and(is_later) || self.quiet_until.is_some_and(is_later);
        if !is_early {
            self.quiet_until = None;
        }
        is_early
    }

    /// A random part of a pause, below 1.
    pub(super) fn jitter(&mut self) -> f64 {
        self.rng.unit()
    }

    /// Latest time of the next attempt while the gateway is away.
    pub(super) fn retry_at(&self) -> Option<Time> {
        self.next_try.map(|at| self.quiet_until.map_or(at, |until| until.max(at)))
    }

    /// Pauses for as long as an error asks for.
    pub(super) fn pause_as_asked(&mut self, error: &PushError, now: Time) {
        let asked = error.retry_after().and_then(|delay| Span::from_secs_f64(delay.as_secs_f64()));
        self.quiet_until = self.quiet_until.max(asked.map(|delay| now + delay));
    }

    /// An attempt failed because the gateway is away.
    pub(super) fn failed(&mut self, error: &PushError, now: Time) {
        self.pause_as_asked(error, now);
        let pause = self.back_off.pause(self.availability.failures(), &mut self.rng);
        self.next_try = Some(now + pause);
        self.availability.failed(&error.to_string(), error.for_clients(), now);
    }

    /// The gateway answered.
    pub(super) fn answered(&mut self, now: Time) {
        self.next_try = None;
        self.availability.answered(now);
        self.availability.set_consequence(CONSEQUENCE);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn back_off_grows_to_the_push_interval_and_ends_with_a_success() {
        let at = Time::from_unix_secs;
        let mut pacing = Pacing::new("pushgateway", Span::from_secs(10), Arc::default());
        let mut now = at(1_767_600_000);
        let mut pauses = Vec::new();
        for _ in 0..6 {
            pacing.failed(&PushError::NoAnswer("no".into()), now);
            let next = pacing.retry_at().unwrap();
            assert!(pacing.is_early(now) && !pacing.is_early(next));
            pauses.push(next.since(now).as_secs_f64());
            now = next;
        }
        for (pause, longest) in pauses.iter().zip([1.0, 2.0, 4.0, 8.0, 10.0, 10.0]) {
            assert!((0.75 * longest..=longest).contains(pause), "{pauses:?}");
        }
        let asks = PushError::Answer {
            status: reqwest::StatusCode::TOO_MANY_REQUESTS,
            body: String::new(),
            retry_after: Some(Duration::from_secs(77)),
        };
        pacing.failed(&asks, now);
        assert_eq!(pacing.retry_at(), Some(now + Span::from_secs(77)), "the gateway may ask for more");
        pacing.answered(now);
        assert_eq!(pacing.retry_at(), None);
    }
}
