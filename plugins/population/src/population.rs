//! A population, which goes on by seconds.
//!
//! All random numbers are drawn by whole seconds since the start. So the totals at a time do not depend on how often anyone
//! looks.

use promemu_plugin::Event;
use serde::{Deserialize, Serialize};

use crate::activity::{Activity, Wandering};
use crate::durations::Durations;
use crate::fault::{ActiveFault, effects, follow};
use crate::observed::Observations;
use crate::random::{Purpose, Random};
use crate::running::{Ended, Running};
use crate::sampling::{binomial, multinomial, poisson, take_without_return};
use crate::season::Season;
use crate::service::{Answers, Queue};
use crate::settings::Settings;
use crate::totals::Totals;
use crate::visible::{Group, Visible};

mod calls;

const NANOS: u64 = 1_000_000_000;
/// Seconds for which calls are drawn together.
const CALLS_SECS: u64 = 5;
/// Seconds at most for which the lengths of sessions that have begun are drawn together. None may end before.
const PLAN_SECS: u64 = 10;
/// The number of sessions of a bin of durations that end at times of their own; more share these times.
const OWN_ENDS: u64 = 2;

/// The outside influences on a population.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Levers {
    /// Factor of the sessions that begin.
    pub(crate) load: f64,
    /// Share of the users that take part.
    pub(crate) users: f64,
    /// Factor of the capacity, as replicas of the service are.
    pub(crate) capacity: f64,
}

/// Reads levers at a time in nanoseconds.
pub(crate) type ReadLevers<'a> = dyn FnMut(u64) -> Levers + 'a;

/// A population of users.
#[derive(Clone, Debug)]
pub(crate) struct Population {
    state: State,
    settings: Settings,
    wandering: Wandering,
    durations: Vec<Durations>,
    tool_shares: Vec<f64>,
    season: Season,
    answers: Vec<Option<Answers>>,
    /// Observed lengths of sessions: two rows for each row of users, completed and abandoned.
    pub(crate) sessions: Observations,
    /// Observed times of requests: two rows for each model, answers and errors.
    pub(crate) requests: Observations,
    /// Memory that is used again in each second.
    groups: Vec<Group>,
    ended: Ended,
    counts: Vec<u64>,
}

/// All that a snapshot needs.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct State {
    seed: u64,
    start_nanos: u64,
    /// Seconds since the start.
    cell: u64,
    activity: Activity,
    running: Running,
    visible: Visible,
    totals: Totals,
    queue: Queue,
    /// Sessions that have begun and whose ends are not planned yet, by stratum.
    unplanned: Vec<u64>,
    /// Sessions that have ended and may commit, by kind.
    leaving: Vec<Leaving>,
    /// Calls that failures will cause, by stratum.
    extra: Vec<f64>,
    faults: Vec<ActiveFault>,
}

/// Sessions that have ended.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Leaving {
    count: u64,
    /// The users with names among those of the sessions.
    named: Vec<usize>,
}

impl Population {
    /// The population at its start. Sessions run already, as if it had been there for long.
    pub(crate) fn new(settings: Settings, seed: u64, start_nanos: u64, levers: Levers) -> Self {
        let strata = settings.kinds.len() * settings.models.len();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the settings are checked"
        )]
        let longest_secs = settings.session_secs.1.ceil() as u64 + 1;
        let visible = Visible::new(&settings, seed);
        let state = State {
            seed,
            start_nanos,
            cell: 0,
            activity: Activity::new(&Wandering::new(&settings), seed),
            running: Running::new(strata, settings.session_bounds.len() + 1, longest_secs),
            totals: Totals::new(visible.users.len() + settings.kinds.len(), &settings),
            visible,
            queue: Queue::default(),
            unplanned: vec![0; strata],
            leaving: vec![Leaving::default(); settings.kinds.len()],
            extra: vec![0.0; strata],
            faults: Vec::new(),
        };
        let mut population = Self::with(settings, state);
        population.fill(levers, longest_secs);
        population
    }

    fn with(settings: Settings, state: State) -> Self {
        Self {
            wandering: Wandering::new(&settings),
            tool_shares: settings.tools.iter().map(|(_, share)| *share).collect(),
            durations: settings.kinds.iter().map(|kind| Durations::new(kind, &settings)).collect(),
            season: Season::default(),
            answers: vec![None; settings.models.len()],
            sessions: Observations::of_sessions(
                2 * (state.visible.users.len() + settings.kinds.len()),
                &settings,
            ),
            requests: Observations::of_requests(2 * settings.models.len(), &settings),
            groups: Vec::new(),
            ended: Ended::default(),
            counts: Vec::new(),
            state,
            settings,
        }
    }

    /// The state in bytes.
    pub(crate) fn save(&self) -> Result<Vec<u8>, String> {
        postcard::to_allocvec(&self.state).map_err(|error| error.to_string())
    }

    /// A population that was saved.
    pub(crate) fn load(settings: Settings, saved: &[u8]) -> Result<Self, String> {
        let state = postcard::from_bytes(saved).map_err(|error| error.to_string())?;
        Ok(Self::with(settings, state))
    }

    pub(crate) const fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) const fn totals(&mut self) -> &mut Totals {
        &mut self.state.totals
    }

    pub(crate) const fn visible(&self) -> &Visible {
        &self.state.visible
    }

    /// Follows an event that begins or ends a fault.
    pub(crate) fn hear(&mut self, event: &Event<'_>, now_nanos: u64) -> Result<(), String> {
        follow(&mut self.state.faults, event, &self.settings, now_nanos)
    }

    /// The number of sessions of a kind that run.
    pub(crate) fn active(&self, kind: usize) -> u64 {
        let models = self.settings.models.len();
        (kind * models..(kind + 1) * models).map(|stratum| self.state.running.live(stratum)).sum()
    }

    /// Goes on by all whole seconds until a time.
    pub(crate) fn advance(&mut self, now_nanos: u64, levers: &mut ReadLevers<'_>) {
        while self.state.start_nanos + (self.state.cell + 1) * NANOS <= now_nanos {
            let at = self.state.start_nanos + self.state.cell * NANOS;
            self.step(levers(at), at);
            self.state.cell += 1;
        }
    }

    fn step(&mut self, levers: Levers, at: u64) {
        self.state.activity.step(&self.wandering, self.state.seed, self.state.cell);
        let season = self.factor(levers, at);
        for kind in 0..self.settings.kinds.len() {
            let arrivals = self.arrivals(kind, season);
            for model in 0..self.settings.models.len() {
                let stratum = kind * self.settings.models.len() + model;
                self.end_sessions(kind, stratum);
                self.begin_sessions((kind, stratum), arrivals * self.settings.models[model].share);
            }
        }
        let seconds = self.state.cell + 1;
        if seconds.is_multiple_of(self.plan_secs()) {
            (0..self.state.unplanned.len()).for_each(|stratum| self.plan_ends(stratum));
        }
        if seconds.is_multiple_of(CALLS_SECS) {
            let mut effects = effects(&mut self.state.faults, &self.settings, at);
            effects.capacity *= levers.capacity.max(0.0);
            self.call(&effects);
            (0..self.settings.kinds.len()).for_each(|kind| self.commit(kind));
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the settings are checked")]
    const fn plan_secs(&self) -> u64 {
        let shortest = self.settings.session_secs.0 as u64;
        if shortest < PLAN_SECS { shortest } else { PLAN_SECS }
    }

    /// The factor of the sessions that begin, of all kinds.
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 need few digits")]
    fn factor(&mut self, levers: Levers, at: u64) -> f64 {
        self.season.factor(&self.settings, (at / NANOS) as f64) * levers.load.max(0.0) * levers.users.max(0.0)
    }

    /// The mean number of sessions of a kind that begin in a second.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    fn arrivals(&self, kind: usize, factor: f64) -> f64 {
        let of = &self.settings.kinds[kind];
        let activity = self.state.activity.of(&self.settings, &self.wandering, kind);
        of.share * self.settings.total as f64 * self.settings.sessions_per_hour * activity * factor / 3600.0
    }

    const fn random(&self, purpose: Purpose, number: usize) -> Random {
        Random::new(self.state.seed, purpose, number as u64, self.state.cell)
    }

    /// The sessions that run at the start.
    fn fill(&mut self, levers: Levers, longest_secs: u64) {
        let factor = self.factor(levers, self.state.start_nanos);
        let models = self.settings.models.len();
        for stratum in 0..self.settings.kinds.len() * models {
            let kind = stratum / models;
            let mean = self.arrivals(kind, factor) * self.settings.models[stratum % models].share;
            let mut random = Random::new(self.state.seed, Purpose::Running, stratum as u64, 0);
            self.groups.clear();
            for ends_in in 0..longest_secs {
                #[expect(clippy::cast_precision_loss, reason = "a few thousand seconds")]
                let rest = ends_in as f64 + 0.5;
                let count = poisson(mean * self.durations[kind].longer_than(rest), &mut random);
                if count > 0 {
                    let secs = self.durations[kind].draw_longer(rest, &mut random);
                    let (steps, bucket) = self.sessions.steps_and_bucket(secs);
                    self.groups.push(Group { count, ends_in, steps, bucket });
                }
            }
            let count = self.groups.iter().map(|group| group.count).sum();
            self.state.running.begin(stratum, count);
            let mut split = self.random(Purpose::Split, stratum);
            self.state.visible.begin((kind, stratum), count, &mut split);
            self.plan_groups(stratum, &mut split);
        }
        let offered = self.settings.calls_per_sec * self.live_everywhere();
        self.state.queue = Queue::new(offered);
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    fn live_everywhere(&self) -> f64 {
        (0..self.settings.kinds.len()).map(|kind| self.active(kind) as f64).sum()
    }

    /// Sessions begin, so many on average.
    fn begin_sessions(&mut self, (kind, stratum): (usize, usize), mean: f64) {
        let count = poisson(mean, &mut self.random(Purpose::Arrivals, stratum));
        if count == 0 {
            return;
        }
        self.state.running.begin(stratum, count);
        self.state.unplanned[stratum] += count;
        let mut split = self.random(Purpose::Split, stratum);
        let named = self.state.visible.begin((kind, stratum), count, &mut split);
        for session in named {
            *self.state.totals.sessions(session.user) += 1;
        }
        let rest = count - named.len() as u64;
        *self.state.totals.sessions(self.state.visible.others(kind)) += rest;
    }

    /// Plans the ends of the sessions that have begun in the last seconds.
    fn plan_ends(&mut self, stratum: usize) {
        let count = std::mem::take(&mut self.state.unplanned[stratum]);
        if count == 0 {
            return;
        }
        let mut random = self.random(Purpose::Durations, stratum);
        let (plan_secs, cell) = (self.plan_secs(), self.state.cell);
        let durations = &self.durations[stratum / self.settings.models.len()];
        let mut bins = Vec::with_capacity(durations.bins.len());
        multinomial(count, &durations.shares, &mut random, |bin, part| bins.push((bin, part)));
        self.groups.clear();
        for (bin, part) in bins {
            let (bin, own) = (&durations.bins[bin], part.min(OWN_ENDS));
            for number in 0..own {
                let count = part / own + u64::from(number < part % own);
                let secs = bin.draw(&mut random);
                // It has begun somewhere in these seconds.
                let begun_in = cell + 1 - plan_secs + random.below(plan_secs);
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "some hours at most"
                )]
                let length = ((secs + random.unit()) as u64).max(plan_secs);
                let (steps, bucket) = self.sessions.steps_and_bucket(secs);
                self.groups.push(Group { count, ends_in: begun_in + length, steps, bucket });
            }
        }
        let mut split = self.random(Purpose::Split, 3 * self.state.unplanned.len() + stratum);
        self.plan_groups(stratum, &mut split);
    }

    /// Plans the ends of the groups.
    fn plan_groups(&mut self, stratum: usize, split: &mut Random) {
        for group in &self.groups {
            let sum = (group.count, group.count * group.steps);
            self.state.running.plan(stratum, group.bucket, group.ends_in, sum);
        }
        self.state.visible.plan(stratum, &self.groups, split);
    }

    /// Sessions end, and are observed.
    fn end_sessions(&mut self, kind: usize, stratum: usize) {
        let mut random = self.random(Purpose::Ends, stratum);
        let mut ended = std::mem::take(&mut self.ended);
        self.state.running.end(stratum, self.state.cell, &mut random, &mut ended);
        let named = self.state.visible.end(stratum, self.state.cell);
        let count: u64 = ended.counts.iter().sum();
        if count > 0 {
            let leaving = &mut self.state.leaving[kind];
            leaving.count += count;
            leaving.named.extend(named.iter().map(|session| session.user));
            for session in named {
                // Of those who left, the planned ends do not say who it was.
                if let Some(steps) = ended.take(session.bucket, session.steps) {
                    self.sessions.add_sum(2 * session.user, session.bucket, 1, steps);
                }
            }
            let others = self.state.visible.others(kind);
            for (bucket, count) in ended.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                self.sessions.add_sum(2 * others, bucket, *count, ended.steps[bucket]);
            }
        }
        self.ended = ended;
    }

    /// Some of the sessions of a kind that have ended in the last seconds commit.
    fn commit(&mut self, kind: usize) {
        let sessions = std::mem::take(&mut self.state.leaving[kind].count);
        let random = &mut self.random(Purpose::Commits, kind);
        let committing = binomial(sessions, self.settings.kinds[kind].commits, random);
        let sizes = usize::try_from(self.settings.commits_max).unwrap_or(1);
        let mut counts = std::mem::take(&mut self.counts);
        counts.clear();
        counts.resize(sizes, 0);
        multinomial(committing, &vec![1.0; sizes], random, |size, part| counts[size] += part);
        let mut left = (committing, sessions);
        for user in self.state.leaving[kind].named.drain(..) {
            if random.below(left.1) < left.0
                && let Some(size) = take_without_return(&mut counts, random)
            {
                left.0 -= 1;
                *self.state.totals.commits(user) += size as u64 + 1;
            }
            left.1 = left.1.saturating_sub(1);
        }
        let rest: u64 = (1..).zip(&counts).map(|(size, count)| size * count).sum();
        *self.state.totals.commits(self.state.visible.others(kind)) += rest;
        self.counts = counts;
    }
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
mod tests;
