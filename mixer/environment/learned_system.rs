//! A dynamics model as a system. Its values are those of the config `learned` in a run with the same seed and levers.

use std::sync::Arc;

use promemu_core::event::DELIVERY_DELAY;
use promemu_core::host::START_SPREAD;
use promemu_core::rng::{Rng, Seed};
use promemu_core::time::{Span, Time};
use promemu_dynamics::actions::Action;
use promemu_dynamics::file::Model;
use promemu_dynamics::numbers::{index, number};
use promemu_dynamics::role::{HostState, Moment, RoleModel};
use promemu_dynamics::series::Series;

/// Points of a step at which a lever is looked at, as the plugin does.
const LOOKS: u64 = 4;
/// Moves of a lever that are remembered.
const MOVES: usize = 3;
/// The random stream of a host's model in a run.
const STREAM: &str = "slots dynamics";

/// A lever of a learned system: an action, on all hosts or on one.
#[derive(Clone, Debug, PartialEq)]
pub struct LearnedLever {
    /// Its name in a run.
    pub name: String,
    /// The number of the action.
    pub action: usize,
}

/// Hosts that follow a model.
#[derive(Debug)]
pub struct LearnedSystem {
    shared: Arc<Learned>,
    start: Time,
    state: LearnedState,
    levels: Vec<f64>,
}

/// The part of a learned system that all of its runs share.
#[derive(Debug)]
pub struct Learned {
    /// The model.
    pub model: Model,
    /// The levers.
    pub levers: Vec<LearnedLever>,
    hosts: Vec<LearnedHost>,
    step: Span,
}

#[derive(Debug)]
struct LearnedHost {
    role: usize,
    place: usize,
    name: String,
    /// For each action its lever.
    levers: Vec<usize>,
}

/// The state of a learned system.
#[derive(Clone, Debug)]
pub struct LearnedState {
    now: Time,
    hosts: Vec<Option<Running>>,
    levers: Vec<Moves>,
    seed: Seed,
}

#[derive(Clone, Debug)]
struct Running {
    state: HostState,
    series: Series,
    rng: Rng,
    next: Time,
}

/// The last moves of a lever, the newest first.
#[derive(Clone, Copy, Debug)]
struct Moves([(Time, f64); MOVES]);

impl Moves {
    const NONE: Self = Self([(Time::from_unix_nanos(0), 0.0); MOVES]);

    fn at(&self, time: Time) -> f64 {
        let Self(moves) = self;
        moves.iter().find(|(from, _)| *from <= time).map_or(moves[MOVES - 1].1, |(_, value)| *value)
    }
}

impl Learned {
    /// The hosts and levers of a model.
    #[must_use]
    pub fn new(model: Model) -> Self {
        let mut levers: Vec<LearnedLever> = Vec::new();
        let mut hosts = Vec::new();
        for (role, of) in model.roles.iter().enumerate() {
            for (place, host) in of.role.hosts.iter().enumerate() {
                let own = model.actions.iter().enumerate().map(|(action, of)| {
                    let name = of.lever_of(&host.name);
                    levers.iter().position(|lever| lever.name == name).unwrap_or_else(|| {
                        levers.push(LearnedLever { name, action });
                        levers.len() - 1
                    })
                });
                let own = own.collect();
                hosts.push(LearnedHost { role, place, name: host.name.clone(), levers: own });
            }
        }
        let step = Span::from_nanos(step_nanos(model.step_secs));
        Self { model, levers, hosts, step }
    }

    /// Time of a step.
    #[must_use]
    pub const fn step(&self) -> Span {
        self.step
    }

    /// The names of the hosts, each with its role.
    pub fn hosts(&self) -> impl Iterator<Item = (&str, &RoleModel)> {
        self.hosts.iter().map(|host| (&*host.name, &self.model.roles[host.role]))
    }

    /// The action of a lever.
    #[must_use]
    pub fn action(&self, lever: usize) -> &Action {
        &self.model.actions[self.levers[lever].action]
    }
}

impl LearnedSystem {
    /// A run with this seed.
    #[must_use]
    pub fn new(shared: Arc<Learned>, seed: u64, start: Time) -> Self {
        let state = LearnedState { now: start, hosts: Vec::new(), levers: Vec::new(), seed: Seed::new(seed) };
        let mut system = Self { shared, start, state, levels: Vec::new() };
        system.restart(seed);
        system
    }

    /// Starts a run with another seed.
    pub fn restart(&mut self, seed: u64) {
        let Self { shared, start, state, .. } = self;
        state.now = *start;
        state.seed = Seed::new(seed);
        state.hosts.clear();
        state.hosts.resize_with(shared.hosts.len(), || None);
        state.levers.clear();
        state.levers.resize(shared.levers.len(), Moves::NONE);
    }

    /// The emulated time.
    #[must_use]
    pub const fn now(&self) -> Time {
        self.state.now
    }

    /// The state.
    #[must_use]
    pub const fn state(&self) -> &LearnedState {
        &self.state
    }

    /// Goes on from another state of the same model.
    pub fn set_state(&mut self, state: LearnedState) {
        self.state = state;
    }

    /// Moves a lever, which acts as late as in a run.
    pub fn move_lever(&mut self, lever: usize, value: f64) {
        let Moves(moves) = &mut self.state.levers[lever];
        moves.copy_within(..MOVES - 1, 1);
        moves[0] = (self.state.now + DELIVERY_DELAY, value);
    }

    /// The value or the total of a host's metric; absent before its start.
    #[must_use]
    pub fn value(&self, host: usize, column: usize) -> f64 {
        let running = self.state.hosts.get(host).and_then(Option::as_ref);
        running.map_or(promemu_core::metric::ABSENT, |running| running.series.value(column))
    }

    /// Lets time pass.
    pub fn advance(&mut self, to: Time) {
        let Self { shared, start, state, levels } = self;
        for (own, host) in state.hosts.iter_mut().zip(&shared.hosts) {
            if own.is_none() {
                let seed = state.seed.child(&host.name);
                let begin = *start + Span::from_nanos(seed.rng().below(START_SPREAD.as_nanos()));
                if begin > to {
                    continue;
                }
                *own = Some(begun(shared, host, &state.levers, (seed, begin)));
            }
            let Some(running) = own else { continue };
            let model = &shared.model.roles[host.role];
            while running.next <= to {
                levels.clear();
                levels.extend(
                    host.levers.iter().zip(&shared.model.actions).map(|(lever, action)| {
                        level(&state.levers[*lever], action, running.next, shared.step)
                    }),
                );
                let moment = Moment { levels, at_secs: seconds(running.next) };
                let Running { state, series, rng, .. } = running;
                model.advance(state, moment, Some(&mut || rng.unit()));
                series.advance(model, state);
                running.next += shared.step;
            }
        }
        state.now = to;
    }
}

/// A host at its begin, as the plugin begins it.
fn begun(shared: &Learned, host: &LearnedHost, levers: &[Moves], (seed, begin): (Seed, Time)) -> Running {
    let model = &shared.model.roles[host.role];
    let mut rng = seed.child(STREAM).rng();
    let actions = host.levers.iter().zip(&shared.model.actions);
    let resting: Vec<f64> = actions.map(|(lever, action)| action.level(levers[*lever].at(begin))).collect();
    let member = index(rng.unit() * number(model.members.len().max(1)));
    let mut state = model.newest(host.place, &resting, member);
    state.scatter(model, &mut || rng.unit());
    let series = Series::of(model, &state);
    Running { state, series, rng, next: begin + shared.step }
}

/// The mean level of an action in the step that ends at a time.
fn level(moves: &Moves, action: &Action, end: Time, step: Span) -> f64 {
    let eighth = step.as_nanos() / (2 * LOOKS);
    let at = |look: u64| end.before(Span::from_nanos(eighth * (2 * look + 1)));
    let levels = (0..LOOKS).map(|look| action.level(moves.at(at(look))));
    levels.sum::<f64>() / 4.0
}

#[expect(clippy::cast_precision_loss, reason = "seconds of a day are exact enough")]
fn seconds(time: Time) -> f64 {
    time.unix_nanos() as f64 / 1e9
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a step is above 0, and the cast saturates"
)]
fn step_nanos(secs: f64) -> u64 {
    ((secs * 1e9) as u64).max(1)
}
