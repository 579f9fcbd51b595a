//! Availability of an output's server: its absence and its return are each logged once, and attempts meanwhile back off.
//!
//! It knows no protocol and sends nothing: callers report the outcome of their attempts.

use std::sync::Arc;

use prometheus::IntCounter;
use tracing::{info, warn};

use super::health::Health;
use promemu_core::rng::Rng;
use promemu_core::time::{Span, Time};

/// Capped exponential back-off with jitter.
#[derive(Clone, Copy, Debug)]
pub(super) struct BackOff {
    /// The pause after the first failure.
    pub(super) first: Span,
    /// The cap.
    pub(super) longest: Span,
}

impl BackOff {
    /// The pause after one more failure than these: doubled with each, and up to a quarter shorter, so that many
    /// clients do not come back at once.
    pub(super) fn pause(self, earlier_failures: u64, rng: &mut Rng) -> Span {
        let pause = self.first.times(1 << earlier_failures.min(10)).min(self.longest);
        pause.minus(Span::from_nanos(rng.below(pause.as_nanos() / 4 + 1)))
    }
}

/// Availability of one output's server.
#[derive(Debug)]
pub(super) struct Availability {
    output: Arc<str>,
    /// Consequence of an outage, for the log.
    consequence: &'static str,
    health: Arc<Health>,
    /// Samples dropped so far, for an output that drops any.
    samples_dropped: Option<IntCounter>,
    outage: Option<Outage>,
}

#[derive(Clone, Copy, Debug)]
struct Outage {
    since: Time,
    failures: u64,
    dropped_before: u64,
}

impl Availability {
    /// A server that is there. Logs call it by its output's name, and say what follows from an outage.
    pub(super) fn new(output: &str, consequence: &'static str, health: Arc<Health>) -> Self {
        Self { output: output.into(), consequence, health, samples_dropped: None, outage: None }
    }

    /// The same, whose return is logged with the number of samples dropped meanwhile.
    pub(super) fn counting_drops(self, samples_dropped: IntCounter) -> Self {
        Self { samples_dropped: Some(samples_dropped), ..self }
    }

    /// The same, with another consequence of further outages.
    pub(super) const fn set_consequence(&mut self, consequence: &'static str) {
        self.consequence = consequence;
    }

    pub(super) const fn is_away(&self) -> bool {
        self.outage.is_some()
    }

    /// Failed attempts of this outage.
    pub(super) fn failures(&self) -> u64 {
        self.outage.map_or(0, |outage| outage.failures)
    }

    /// An attempt failed because the server is away. The first one of an outage is logged; its status has the error as it is
    /// `for_clients`.
    pub(super) fn failed(&mut self, error: &str, for_clients: String, at: Time) {
        let is_first = self.outage.is_none();
        let dropped_before = self.samples_dropped.as_ref().map_or(0, IntCounter::get);
        let outage = self.outage.get_or_insert(Outage { since: at, failures: 0, dropped_before });
        outage.failures += 1;
        self.health.set_away(outage.since, for_clients);
        if is_first {
            warn!(output = %self.output, %error, "output is away; {}", self.consequence);
        }
    }

    /// The server answered. The first answer after an outage is logged.
    pub(super) fn answered(&mut self, at: Time) {
        let Some(outage) = self.outage.take() else { return };
        self.health.set_back();
        let samples_dropped = self.samples_dropped.as_ref().map(|now| now.get() - outage.dropped_before);
        info!(
            output = %self.output,
            away_secs = at.since(outage.since).as_secs_f64().round(),
            failed_attempts = outage.failures,
            samples_dropped,
            "output is back"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use promemu_core::rng::Seed;

    #[test]
    fn pauses_double_up_to_a_limit_and_are_at_most_a_quarter_shorter() {
        let mut rng = Seed::new(1).rng();
        let back_off = BackOff { first: Span::from_nanos(100_000_000), longest: Span::from_secs(30) };
        let mut pause = |failures| back_off.pause(failures, &mut rng).as_secs_f64();
        assert!((0.075..=0.1).contains(&pause(0)));
        assert!((0.6..=0.8).contains(&pause(3)));
        assert!((22.5..=30.0).contains(&pause(40)));
    }

    #[test]
    fn an_outage_lasts_from_its_first_failure_to_the_next_answer() {
        let (health, at) = (Arc::new(Health::default()), Time::from_unix_secs);
        let mut availability = Availability::new("x=y", "it is tried again", Arc::clone(&health));
        availability.answered(at(1));
        assert!(!availability.is_away());
        availability.failed("no answer", "no answer".to_owned(), at(10));
        availability.failed("it answered 503: x", "it answered 503".to_owned(), at(20));
        let status = health.status(at(30));
        assert_eq!((status.away_for, status.last_error.as_deref()), (Some(20.0), Some("it answered 503")));
        assert_eq!(availability.failures(), 2);
        availability.answered(at(40));
        assert_eq!((availability.failures(), health.status(at(50)).away_for), (0, None));
    }
}
