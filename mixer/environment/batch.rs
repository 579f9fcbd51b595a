//! Many environments, whose results go to slices. Each is as it would be alone.

use std::sync::Arc;
use std::thread;

use promemu_core::rng::Seed;

use crate::action::{ActionKind, Choice};
use crate::environment::{Environment, Episode, StepResult};
use crate::error::EnvironmentError;
use crate::outcome::Outcome;
use crate::reward::TERMS;
use crate::setup::Setup;

/// The time at which an environment begins its next episode, as Gymnasium names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Autoreset {
    /// With the step after the last one, whose action is not carried out.
    NextStep,
    /// With the last step, whose observation goes elsewhere.
    SameStep,
    /// Only when it is told to.
    Disabled,
}

/// Environments of one description.
#[derive(Debug)]
pub struct Batch {
    setup: Arc<Setup>,
    autoreset: Autoreset,
    episode: Episode,
    threads: usize,
    lanes: Vec<Lane>,
}

/// An environment of a batch.
#[derive(Debug)]
struct Lane {
    environment: Environment,
    seed: u64,
    /// Number of episodes so far.
    episodes: u64,
    is_over: bool,
    last: StepResult,
    /// The outcome of the episode that the last step has ended.
    ended: Option<Outcome>,
    error: Option<EnvironmentError>,
}

/// The places of the results of a step.
#[derive(Debug)]
pub struct Results<'r> {
    /// Observations, one behind the other.
    pub observations: &'r mut [f32],
    /// The last observations of episodes that have ended; only for [`Autoreset::SameStep`].
    pub last_observations: &'r mut [f32],
    /// Rewards.
    pub rewards: &'r mut [f64],
    /// The terms of each reward.
    pub terms: &'r mut [f64],
    /// Systems that will not change any more.
    pub terminated: &'r mut [bool],
    /// Episodes with all of their steps.
    pub truncated: &'r mut [bool],
}

/// The seed of an episode: the first one has the environment's.
#[must_use]
pub fn episode_seed(seed: u64, number: u64) -> u64 {
    if number == 0 {
        return seed;
    }
    Seed::new(seed).child("episode").child_of_bytes(&number.to_le_bytes()).rng().next_u64() >> 11
}

impl Batch {
    /// So many environments, which must be reset before their first step.
    pub fn new(
        setup: Arc<Setup>,
        count: usize,
        autoreset: Autoreset,
        episode: Episode,
        threads: usize,
    ) -> Result<Self, EnvironmentError> {
        let lane = |number: usize| {
            Ok(Lane {
                environment: Environment::new(Arc::clone(&setup))?,
                seed: number as u64,
                episodes: 0,
                is_over: true,
                last: StepResult::default(),
                ended: None,
                error: None,
            })
        };
        let lanes = (0..count).map(lane).collect::<Result<_, EnvironmentError>>()?;
        Ok(Self { setup, autoreset, episode, threads: threads.max(1), lanes })
    }

    /// Number of environments.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.lanes.len()
    }

    /// `true` without environments.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.lanes.is_empty()
    }

    /// The part that all environments share.
    #[must_use]
    pub const fn setup(&self) -> &Arc<Setup> {
        &self.setup
    }

    /// Sets the options of the episodes that begin from now on.
    pub fn set_episode(&mut self, episode: Episode) {
        self.episode = episode;
    }

    /// The options of episodes that begin.
    #[must_use]
    pub const fn episode(&self) -> &Episode {
        &self.episode
    }

    /// An environment.
    #[must_use]
    pub fn environment(&self, number: usize) -> Option<&Environment> {
        self.lanes.get(number).map(|lane| &lane.environment)
    }

    /// An environment, to restore it.
    pub fn environment_mut(&mut self, number: usize) -> Option<&mut Environment> {
        self.lanes.get_mut(number).map(|lane| {
            lane.is_over = false;
            &mut lane.environment
        })
    }

    /// The outcome of the episode that the last step of an environment has ended.
    #[must_use]
    pub fn ended(&self, number: usize) -> Option<&Outcome> {
        self.lanes.get(number)?.ended.as_ref()
    }

    /// Begins episodes: of all environments, or of those in the mask. With seeds they begin anew from there, else with the next
    /// episode of their own.
    pub fn reset(
        &mut self,
        seeds: Option<&[u64]>,
        mask: Option<&[bool]>,
        observations: &mut [f32],
    ) -> Result<(), EnvironmentError> {
        let width = self.setup.observation_len();
        let episode = self.episode.clone();
        let lanes = self.lanes.iter_mut().zip(observations.chunks_mut(width.max(1)));
        for (number, (lane, observation)) in lanes.enumerate() {
            if mask.is_some_and(|mask| !mask[number]) {
                continue;
            }
            if let Some(seeds) = seeds {
                (lane.seed, lane.episodes) = (seeds[number], 0);
            }
            lane.ended = None;
            lane.begin(&episode, observation)?;
        }
        Ok(())
    }

    /// A step of all environments; an action is a kind and a target.
    pub fn step(&mut self, actions: &[i64], results: Results<'_>) -> Result<(), EnvironmentError> {
        let Self { setup, autoreset, episode, threads, lanes } = self;
        let width = setup.observation_len().max(1);
        let lasts = if *autoreset == Autoreset::SameStep { width } else { 0 };
        let share = lanes.len().div_ceil(*threads).max(1);
        let Results { observations, last_observations, rewards, terms, terminated, truncated } = results;
        let parts = lanes
            .chunks_mut(share)
            .zip(actions.chunks(2 * share))
            .zip(observations.chunks_mut(width * share));
        let context = (*autoreset, &*episode, width);
        if *threads == 1 {
            for ((lanes, actions), observations) in parts {
                step_part(lanes, actions, (observations, last_observations), context);
            }
        } else {
            let mut last_parts: Vec<&mut [f32]> = Vec::new();
            let mut rest = last_observations;
            for lanes in 0..parts.len() {
                let length = (lasts * share).min(rest.len());
                let (part, others) =
                    rest.split_at_mut(if lanes + 1 == parts.len() { rest.len() } else { length });
                last_parts.push(part);
                rest = others;
            }
            thread::scope(|scope| {
                for (((lanes, actions), observations), lasts) in parts.zip(last_parts) {
                    scope.spawn(move || step_part(lanes, actions, (observations, lasts), context));
                }
            });
        }
        for (number, lane) in self.lanes.iter_mut().enumerate() {
            if let Some(error) = lane.error.take() {
                return Err(error);
            }
            rewards[number] = lane.last.terms.sum();
            terms[number * TERMS.len()..(number + 1) * TERMS.len()].copy_from_slice(&lane.last.terms.0);
            terminated[number] = lane.last.terminated;
            truncated[number] = lane.last.truncated;
        }
        Ok(())
    }

    /// The masks of actions of all environments: for each kind, then for each target.
    pub fn write_masks(&self, masks: &mut [bool]) {
        let width = ActionKind::ALL.len() + self.setup.targets.len();
        for (lane, masks) in self.lanes.iter().zip(masks.chunks_mut(width)) {
            lane.environment.write_masks(masks);
        }
    }
}

/// A step of some environments.
fn step_part(
    lanes: &mut [Lane],
    actions: &[i64],
    (observations, lasts): (&mut [f32], &mut [f32]),
    (autoreset, episode, width): (Autoreset, &Episode, usize),
) {
    let pairs = actions.chunks(2).zip(observations.chunks_mut(width));
    for (number, (lane, (action, observation))) in lanes.iter_mut().zip(pairs).enumerate() {
        let last = lasts.get_mut(number * width..(number + 1) * width);
        let stepped =
            choice(action).and_then(|choice| lane.step(choice, observation, last, (autoreset, episode)));
        lane.error = stepped.err();
    }
}

fn choice(action: &[i64]) -> Result<Choice, EnvironmentError> {
    let number = |place: usize| action.get(place).and_then(|number| usize::try_from(*number).ok());
    match (number(0), number(1)) {
        (Some(kind), Some(target)) => Ok(Choice { kind, target }),
        _ => Err(EnvironmentError::Usage(format!("action {action:?} is not in the action space"))),
    }
}

impl Lane {
    fn begin(&mut self, episode: &Episode, observation: &mut [f32]) -> Result<(), EnvironmentError> {
        let seed = episode_seed(self.seed, self.episodes);
        let fault_seed = episode.fault_seed.map(|fault| episode_seed(fault, self.episodes));
        let options = Episode { level: episode.level.clone(), fault_seed };
        self.environment.reset(seed, &options, observation)?;
        self.episodes += 1;
        self.is_over = false;
        Ok(())
    }

    fn step(
        &mut self,
        choice: Choice,
        observation: &mut [f32],
        last: Option<&mut [f32]>,
        (autoreset, episode): (Autoreset, &Episode),
    ) -> Result<(), EnvironmentError> {
        self.ended = None;
        if self.is_over {
            if autoreset != Autoreset::NextStep || self.episodes == 0 {
                return Err(EnvironmentError::Usage(
                    "the episode is over; call reset before the next step".to_owned(),
                ));
            }
            self.last = StepResult::default();
            return self.begin(episode, observation);
        }
        self.last = self.environment.step(choice, observation)?;
        if self.last.terminated || self.last.truncated {
            self.ended = Some(*self.environment.outcome());
            self.is_over = true;
            if let (Autoreset::SameStep, Some(last)) = (autoreset, last) {
                last.copy_from_slice(observation);
                self.begin(episode, observation)?;
            }
        }
        Ok(())
    }
}
