//! The calls of running sessions: requests to models, with tools, tokens, errors, and what failures lead to.

use super::{CALLS_SECS, Population};
use crate::fault::Effects;
use crate::random::{Purpose, Random};
use crate::sampling::{binomial, gamma, multinomial, poisson, take_without_return};
use crate::service::{Answers, ends};
use crate::settings::{ERROR_TYPES, TIMEOUT, TOKEN_TYPES, VALIDATION};
use crate::visible::part_of_tokens;

#[expect(clippy::cast_precision_loss, reason = "a few seconds")]
const SECS: f64 = CALLS_SECS as f64;
/// The shape of the tokens of a call, which are gamma-Poisson numbers: sums of calls are so, too.
const TOKEN_SHAPE: f64 = 2.0;
/// The time in which a request is refused, in seconds.
const REFUSED_SECS: f64 = 0.1;
/// The outcomes of a call: a success, and then the types of errors.
const OUTCOMES: usize = 1 + ERROR_TYPES.len();

/// Calls by their outcome.
type Outcomes = [u64; OUTCOMES];

/// A call of a user with a name.
#[derive(Clone, Copy, Debug)]
struct NamedCall {
    user: usize,
    outcome: usize,
}

impl Population {
    /// All calls of the last seconds.
    pub(super) fn call(&mut self, effects: &Effects) {
        let models = self.settings.models.len();
        let offered = self.offered(effects);
        self.state.queue.step(offered, SECS, effects, &self.settings);
        for model in 0..models {
            let last = self.answers[model].take();
            let answers = Answers::new(model, &self.state.queue, effects, &self.settings, last);
            self.answers[model] = Some(answers);
        }
        let mut by_model = vec![[0; OUTCOMES]; models];
        for kind in 0..self.settings.kinds.len() {
            let (mut all, mut named) = ([0; OUTCOMES], Vec::new());
            for (model, of_model) in by_model.iter_mut().enumerate() {
                let outcomes = self.call_model((kind, model), &mut named);
                for (outcome, count) in outcomes.into_iter().enumerate() {
                    all[outcome] += count;
                    of_model[outcome] += count;
                }
            }
            self.use_tools(kind, all, &named);
        }
        for (model, outcomes) in by_model.into_iter().enumerate() {
            self.observe_requests(model, outcomes);
        }
    }

    /// The requests that the service gets in a second, as expected: those of models that are out do not reach it.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    fn offered(&self, effects: &Effects) -> f64 {
        let models = self.settings.models.len();
        let of = |stratum: usize| {
            let own = self.state.running.live(stratum) as f64 * self.settings.calls_per_sec;
            let reached = 1.0 - effects.models[stratum % models].errors;
            (own + self.state.extra[stratum] / self.settings.after_failure.delay_secs.max(SECS)) * reached
        };
        (0..self.state.extra.len()).map(of).sum()
    }

    /// The calls of a kind to a model in the last seconds, with their tokens. Calls that failures have caused come on top of those that there would
    /// be anyway, which never depend on them.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    fn call_model(&mut self, (kind, model): (usize, usize), named: &mut Vec<NamedCall>) -> Outcomes {
        let stratum = kind * self.settings.models.len() + model;
        let mut random = self.random(Purpose::Calls, stratum);
        let mut failures = self.random(Purpose::Failures, stratum);
        let (planned, live) = (self.state.running.planned(stratum), self.state.running.live(stratum));
        let mut calls = poisson(planned as f64 * self.settings.calls_per_sec * SECS, &mut random);
        if live < planned {
            calls = binomial(calls, live as f64 / planned as f64, &mut failures);
        }
        let due = self.state.extra[stratum] * (SECS / self.settings.after_failure.delay_secs).min(1.0);
        self.state.extra[stratum] -= due;
        if live > 0 {
            calls += poisson(due, &mut failures);
        }
        let errors = self.answers[model].as_ref().map_or([0.0; 5], |answers| answers.errors);
        let mut outcomes = [0; OUTCOMES];
        let failed = binomial(calls, errors.iter().sum(), &mut random);
        outcomes[0] = calls - failed;
        multinomial(failed, &errors, &mut random, |index, part| outcomes[1 + index] += part);
        let mut split = self.random(Purpose::Split, self.state.extra.len() + stratum);
        let mut callers = Vec::new();
        for (outcome, count) in outcomes.into_iter().enumerate().filter(|(_, count)| *count > 0) {
            let users = self.state.visible.callers(stratum, count, live, &mut split);
            callers.extend(users.into_iter().map(|user| NamedCall { user, outcome }));
        }
        self.use_tokens((kind, model), outcomes[0] + outcomes[1 + VALIDATION], &callers, &mut split);
        named.append(&mut callers);
        let retriable = failed - outcomes[1 + VALIDATION];
        self.react((kind, model), retriable, &mut failures, &mut split);
        outcomes
    }

    /// The tokens of so many calls.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    fn use_tokens(
        &mut self,
        (kind, model): (usize, usize),
        calls: u64,
        named: &[NamedCall],
        split: &mut Random,
    ) {
        if calls == 0 {
            return;
        }
        let mut random = self.random(Purpose::Tokens, kind * self.settings.models.len() + model);
        let mut left = self.settings.tokens.map(|mean| {
            let calls = gamma(calls as f64 * TOKEN_SHAPE, &mut random);
            poisson(calls * mean / TOKEN_SHAPE, &mut random)
        });
        let mut calls_left = calls;
        let answered = |call: &&NamedCall| [0, 1 + VALIDATION].contains(&call.outcome);
        for call in named.iter().filter(answered) {
            let part = part_of_tokens(left, (1, calls_left), TOKEN_SHAPE, split);
            for of in 0..TOKEN_TYPES.len() {
                *self.state.totals.tokens(call.user, model, of) += part[of];
                left[of] -= part[of];
            }
            calls_left -= 1;
        }
        let others = self.state.visible.others(kind);
        for (of, tokens) in left.into_iter().enumerate() {
            *self.state.totals.tokens(others, model, of) += tokens;
        }
    }

    /// After failures users call again, call another model, or leave.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    fn react(&mut self, (kind, model): (usize, usize), failed: u64, random: &mut Random, split: &mut Random) {
        if failed == 0 {
            return;
        }
        let (models, after) = (self.settings.models.len(), self.settings.after_failure);
        let stratum = kind * models + model;
        self.state.extra[stratum] += after.retry * failed as f64;
        let rest = 1.0 - self.settings.models[model].share;
        for other in (0..models).filter(|other| *other != model) {
            let share = self.settings.models[other].share / rest.max(1e-9);
            self.state.extra[kind * models + other] += after.fallback * share * failed as f64;
        }
        let live = self.state.running.live(stratum);
        let left = binomial(failed, after.leave, random).min(live);
        if left == 0 {
            return;
        }
        self.state.running.lose(stratum, left);
        let named = self.state.visible.leave(stratum, left, live, split);
        let age = |random: &mut Random| {
            let durations = &self.durations[kind];
            random.unit() * durations.draw_longer(durations.mean_secs * random.unit(), random)
        };
        // Their age is not known: they have been there for a part of their time, all of them for the same, so that sums do not
        // depend on who has a name.
        let others = self.state.visible.others(kind);
        let secs = age(random);
        let count = left - named.len() as u64;
        if count > 0 {
            self.sessions.add(2 * others + 1, secs, count);
        }
        for session in named {
            self.sessions.add(2 * session.user + 1, secs, 1);
        }
    }

    /// Each call uses a tool.
    fn use_tools(&mut self, kind: usize, outcomes: Outcomes, named: &[NamedCall]) {
        let mut random = self.random(Purpose::Tools, kind);
        let strata = self.state.extra.len();
        let mut split = self.random(Purpose::Split, 2 * strata + kind);
        let others = self.state.visible.others(kind);
        let mut tools = std::mem::take(&mut self.counts);
        tools.resize(self.tool_shares.len(), 0);
        for (outcome, count) in outcomes.into_iter().enumerate().filter(|(_, count)| *count > 0) {
            tools.fill(0);
            multinomial(count, &self.tool_shares, &mut random, |tool, part| tools[tool] += part);
            for call in named.iter().filter(|call| call.outcome == outcome) {
                if let Some(tool) = take_without_return(&mut tools, &mut split) {
                    self.count_tool(call.user, tool, outcome, 1);
                }
            }
            for (tool, count) in tools.iter().enumerate() {
                self.count_tool(others, tool, outcome, *count);
            }
        }
        self.counts = tools;
    }

    fn count_tool(&mut self, user: usize, tool: usize, outcome: usize, count: u64) {
        match outcome.checked_sub(1) {
            None => *self.state.totals.done(user, tool) += count,
            Some(error) => *self.state.totals.errors(user, tool, error) += count,
        }
    }

    /// How long the requests to a model took.
    fn observe_requests(&mut self, model: usize, outcomes: Outcomes) {
        let mut random = self.random(Purpose::Latency, model);
        let answered = outcomes[0] + outcomes[1 + VALIDATION];
        let Some(answers) = &self.answers[model] else { return };
        if answered > 0 {
            self.counts.clear();
            self.counts.resize(answers.buckets.len(), 0);
            let counts = &mut self.counts;
            multinomial(answered, &answers.buckets, &mut random, |bucket, part| counts[bucket] += part);
            let mut low = 0.0;
            for (high, count) in ends(&self.settings).zip(&self.counts) {
                if *count > 0 {
                    self.requests.add(2 * model, low + (high - low) * random.unit(), *count);
                }
                low = high;
            }
        }
        let timeouts = outcomes[1 + TIMEOUT];
        let refused: u64 = outcomes[1..].iter().sum::<u64>() - timeouts - outcomes[1 + VALIDATION];
        for (secs, count) in [(self.settings.service.timeout_secs, timeouts), (REFUSED_SECS, refused)] {
            if count > 0 {
                self.requests.add(2 * model + 1, secs, count);
            }
        }
    }
}
