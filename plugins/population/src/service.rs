//! The service that answers requests: one queue for all models, with a capacity.
//!
//! Below the capacity the wait is that of a queue with many servers (Sakasegawa: "An approximation formula", 1977); above
//! it a backlog grows. What would wait for too long fails at once.

use serde::{Deserialize, Serialize};

use crate::fault::Effects;
use crate::sampling::normal_cdf;
use crate::settings::{AUTH, NETWORK, RATE_LIMIT, Settings, TIMEOUT, VALIDATION};

/// The share of the timeout that a request waits at most.
const LONGEST_WAIT: f64 = 0.8;
/// Seconds over which the rate of requests is averaged.
const AVERAGED_SECS: f64 = 15.0;
/// The load up to which waiting times are stationary; above it they would take longer to settle than load lasts.
const STATIONARY_UP_TO: f64 = 0.98;
/// The steps of the wait in seconds: answers change only when it has changed by as much.
const WAIT_STEP_SECS: f64 = 0.01;

/// The state of the queue.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Queue {
    /// Requests in a second.
    rate: f64,
    /// Requests that wait beyond what is normal.
    backlog: f64,
    /// Share of the requests that fail at once, as they would wait for too long.
    dropped: f64,
    wait_secs: f64,
}

impl Queue {
    /// Goes on by some seconds, in each of which so many requests are expected.
    pub(crate) fn step(&mut self, offered: f64, secs: f64, effects: &Effects, settings: &Settings) {
        self.rate += (offered - self.rate) * (secs / AVERAGED_SECS).min(1.0);
        let service = &settings.service;
        let capacity = (service.capacity * effects.capacity).max(1e-9);
        let longest = LONGEST_WAIT * service.timeout_secs;
        let room = capacity * longest;
        let beyond = self.backlog + (self.rate - capacity) * secs;
        self.backlog = beyond.clamp(0.0, room);
        let dropped = (beyond - room) / (self.rate * secs).max(1e-9);
        self.dropped = dropped.clamp(0.0, 1.0);
        let mean_secs = service.median_secs * libm::exp(service.sigma * service.sigma / 2.0);
        let servers = (capacity * mean_secs).max(1.0);
        let load = (self.rate / capacity).min(STATIONARY_UP_TO);
        let queued = libm::pow(load, (2.0 * (servers + 1.0)).sqrt() - 1.0) / (servers * (1.0 - load));
        let wait = (queued * mean_secs + self.backlog / capacity).min(longest);
        self.wait_secs = (wait / WAIT_STEP_SECS).round() * WAIT_STEP_SECS;
    }

    /// At the start, when so many requests have come for long.
    pub(crate) fn new(offered: f64) -> Self {
        Self { rate: offered, ..Self::default() }
    }

    /// The load, in multiples of what the service can do.
    fn load(&self, effects: &Effects, settings: &Settings) -> f64 {
        self.rate / (settings.service.capacity * effects.capacity).max(1e-9)
    }
}

/// How a model answers now.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answers {
    /// Probabilities of the types of errors.
    pub(crate) errors: [f64; 5],
    /// Probabilities of the buckets of answers in time, up to a common factor.
    pub(crate) buckets: Vec<f64>,
    key: (f64, f64, Vec<f64>),
}

impl Answers {
    /// Answers of a model, with its index. Those of the second before serve if the wait has not changed.
    pub(crate) fn new(
        model: usize,
        queue: &Queue,
        effects: &Effects,
        settings: &Settings,
        last: Option<Self>,
    ) -> Self {
        let slower = effects.latency * effects.models[model].latency;
        let key = (queue.wait_secs, slower, effects.network_secs.clone());
        let buckets = match last {
            Some(last) if last.key == key => last.buckets,
            _ => buckets(&key, settings),
        };
        let late = (1.0 - buckets.iter().sum::<f64>()).max(0.0);
        let refused = effects.connections.map_or(0.0, |share| {
            let load = queue.load(effects, settings);
            if load > share { 1.0 - share / load } else { 0.0 }
        });
        let base = &settings.errors;
        let mut errors = [0.0; 5];
        let mut left = 1.0;
        let mut fail = |kind: usize, share: f64| {
            errors[kind] += left * share.clamp(0.0, 1.0);
            left *= 1.0 - share.clamp(0.0, 1.0);
        };
        fail(NETWORK, base[NETWORK]);
        fail(NETWORK, refused);
        fail(AUTH, base[AUTH]);
        fail(AUTH, effects.auth);
        fail(RATE_LIMIT, base[RATE_LIMIT]);
        fail(RATE_LIMIT, effects.rate_limit);
        fail(TIMEOUT, base[TIMEOUT]);
        fail(TIMEOUT, effects.models[model].errors);
        fail(TIMEOUT, queue.dropped);
        fail(TIMEOUT, late);
        fail(VALIDATION, base[VALIDATION]);
        Self { errors, buckets, key }
    }
}

/// The probabilities of the buckets up to the timeout.
fn buckets((wait, slower, network): &(f64, f64, Vec<f64>), settings: &Settings) -> Vec<f64> {
    let service = &settings.service;
    let mu = libm::log(service.median_secs * slower);
    let one = |secs: f64| if secs > 0.0 { normal_cdf((libm::log(secs) - mu) / service.sigma) } else { 0.0 };
    let up_to = |secs: f64| match network.as_slice() {
        [] => one(secs - wait),
        #[expect(clippy::cast_precision_loss, reason = "a few of them")]
        delays => delays.iter().map(|delay| one(secs - wait - delay)).sum::<f64>() / delays.len() as f64,
    };
    let mut before = 0.0;
    let ends = ends(settings).map(|end| {
        let now = up_to(end);
        let share = (now - before).max(0.0);
        before = now;
        share
    });
    ends.collect()
}

/// The ends of the buckets up to the timeout, which is the last one.
pub(crate) fn ends(settings: &Settings) -> impl Iterator<Item = f64> {
    let timeout = settings.service.timeout_secs;
    let bounds = settings.request_bounds.iter().copied().filter(move |bound| *bound < timeout);
    bounds.chain([timeout])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::examples::three_kinds;

    /// Probability that an answer in time takes longer, after an hour of this load.
    fn slower_than(secs: f64, load: f64) -> (f64, f64) {
        let mut settings = three_kinds(1000);
        settings.service.capacity = 20.0;
        let effects = Effects::none(2);
        let mut queue = Queue::new(0.0);
        for _ in 0..3600 {
            queue.step(load * 20.0, 1.0, &effects, &settings);
        }
        let answers = Answers::new(0, &queue, &effects, &settings, None);
        let slow =
            ends(&settings).zip(&answers.buckets).filter(|(end, _)| *end > secs).map(|(_, share)| share);
        (slow.sum(), answers.errors[TIMEOUT])
    }

    #[test]
    fn answers_get_slow_near_the_capacity_and_fail_beyond_it() {
        let (at_rest, timeouts) = slower_than(5.0, 0.2);
        assert!(at_rest < 0.001 && timeouts < 0.0011, "{at_rest} {timeouts}");
        assert!(slower_than(5.0, 0.9).0 < 0.01);
        assert!(slower_than(5.0, 1.02).0 > 0.9);
        let (_, timeouts) = slower_than(5.0, 1.5);
        assert!((0.25..0.45).contains(&timeouts), "{timeouts}");
    }
}
