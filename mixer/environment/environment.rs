//! One environment: reset, step, snapshot.

use std::sync::Arc;

use promemu_core::time::{Span, Time};

use crate::action::{ActionKind, Choice};
use crate::error::EnvironmentError;
use crate::outcome::{FaultRecord, Outcome};
use crate::reward::{Objective, Terms};
use crate::setup::Setup;
use crate::spec::LevelSpec;
use crate::state::State;
use crate::system::{System, SystemSnapshot};

/// The emulated time at which all environments start.
pub const START: Time = Time::from_unix_secs(1_767_571_200);

/// The options of an episode.
#[derive(Clone, Debug)]
pub struct Episode {
    /// The level of the curriculum.
    pub level: LevelSpec,
    /// The seed of faults and noise; that of the system by default.
    pub fault_seed: Option<u64>,
}

/// The result of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StepResult {
    /// The terms of the reward.
    pub terms: Terms,
    /// Nothing will change any more.
    pub terminated: bool,
    /// The episode is over, as it has all of its steps.
    pub truncated: bool,
}

/// An environment.
#[derive(Debug)]
pub struct Environment {
    setup: Arc<Setup>,
    system: System,
    state: State,
}

/// A copy of an environment at one moment.
#[derive(Debug)]
pub struct EnvironmentSnapshot {
    system: SystemSnapshot,
    state: State,
}

impl Environment {
    /// An environment, which must be reset before its first step.
    pub fn new(setup: Arc<Setup>) -> Result<Self, EnvironmentError> {
        let system = setup.system(0)?;
        let state = State::new(&setup)?;
        Ok(Self { setup, system, state })
    }

    /// Begins an episode and writes its first observation.
    pub fn reset(
        &mut self,
        seed: u64,
        episode: &Episode,
        observation: &mut [f32],
    ) -> Result<(), EnvironmentError> {
        let Self { setup, system, state } = self;
        system.restart(seed)?;
        state.begin(setup, episode, episode.fault_seed.unwrap_or(seed));
        let first = START + setup.spec.warm_up;
        system.advance(first.before(setup.spec.step));
        system.read(&setup.columns, &state.wanted, &mut state.cells);
        system.advance(first);
        state.look(setup, system);
        state.observe(setup, observation);
        Ok(())
    }

    /// Acts, lets the time of a step pass, and writes the observation.
    pub fn step(&mut self, choice: Choice, observation: &mut [f32]) -> Result<StepResult, EnvironmentError> {
        let mut terms = Terms::default();
        let costs = &Arc::clone(&self.setup).spec.reward;
        let secs = self.setup.spec.step.as_secs_f64();
        let is_false = self.act(choice)?;
        if choice.kind != 0 {
            terms.0[2] = 0.0 - costs.action;
            self.state.outcome.actions += 1;
        }
        if is_false {
            terms.0[3] = 0.0 - costs.false_page;
        }
        self.begin_faults()?;
        self.settle_levers()?;
        let Self { setup, system, state } = self;
        let to = system.now() + setup.spec.step;
        system.advance(to);
        state.step += 1;
        state.look(setup, system);
        state.observe(setup, observation);
        let missed = state.miss();
        terms.0[4] = 0.0 - costs.missed_fault * f64::from(missed);
        let violated = |objective: &Objective| objective.weight * objective.violated(&state.numbers);
        let cost: f64 = setup.objectives.iter().map(violated).sum();
        let replicas: f64 = setup.replicas.iter().map(|handle| state.handles[*handle]).sum();
        // A cost of 0 is no negative number.
        terms.0[0] = 0.0 - secs * cost;
        terms.0[1] = 0.0 - secs * costs.replica_second * replicas;
        let shares: f64 = setup.objectives.iter().map(|objective| objective.violated(&state.numbers)).sum();
        let count = f64::from(u32::try_from(setup.objectives.len().max(1)).unwrap_or(1));
        state.outcome.violated += shares / count;
        state.outcome.reward += terms.sum();
        state.outcome.steps = state.step;
        Ok(StepResult { terms, terminated: system.is_over(), truncated: state.step >= setup.spec.steps })
    }

    /// Carries out an action. Returns `true` for a page that tells nothing new.
    fn act(&mut self, choice: Choice) -> Result<bool, EnvironmentError> {
        let Self { setup, system, state } = self;
        let kind = ActionKind::of(choice.kind).filter(|_| choice.target < setup.targets.len());
        let Some(kind) = kind else {
            let (kinds, targets) = (ActionKind::ALL.len(), setup.targets.len());
            let Choice { kind, target } = choice;
            return Err(EnvironmentError::Usage(format!(
                "action [{kind}, {target}] is not in the action space; expected numbers below [{kinds}, {targets}]"
            )));
        };
        let Some(Some((action, levers))) = setup.actions.get(choice.kind) else { return Ok(false) };
        if kind == ActionKind::Page {
            state.outcome.pages += 1;
            let is_new = state.page(choice.target, setup.spec.step);
            state.outcome.false_pages += u32::from(!is_new);
            return Ok(!is_new);
        }
        for place in state.mendable(choice.target, &action.ends, &setup.spec.faults.of) {
            let drawn = &state.records[place].drawn;
            system.end_fault(&setup.fault_id(drawn.kind, drawn.target))?;
            state.mend(place, setup.spec.step);
        }
        if action.down > Span::ZERO {
            system.take_down(choice.target, action.down)?;
        }
        if let Some(lever) = levers.get(choice.target).copied().flatten() {
            let value = lever.moved(state.wanted[lever.handle]);
            if value.to_bits() != state.wanted[lever.handle].to_bits() {
                state.wanted[lever.handle] = value;
                let current = state.handles[lever.handle];
                state
                    .pending
                    .retain(|(_, handle, to)| *handle != lever.handle || !lever.recalls(*to, current, value));
                if !lever.is_beyond(value, current) {
                    return Ok(false);
                }
                let steps = action.after.as_nanos().div_ceil(setup.spec.step.as_nanos());
                let at = state.step.saturating_add(u32::try_from(steps).unwrap_or(u32::MAX));
                state.pending.push((at, lever.handle, value));
            }
        }
        Ok(false)
    }

    fn begin_faults(&mut self) -> Result<(), EnvironmentError> {
        let Self { setup, system, state } = self;
        for place in state.first_open..state.records.len() {
            let drawn = &state.records[place].drawn;
            if drawn.begin > state.step {
                break;
            }
            if drawn.begin == state.step {
                let lasts = setup.spec.step.times(u64::from(drawn.end - drawn.begin));
                system.begin_fault(&setup.fault_id(drawn.kind, drawn.target), lasts)?;
                state.outcome.faults += 1;
            }
        }
        Ok(())
    }

    /// Moves the levers whose time has come.
    fn settle_levers(&mut self) -> Result<(), EnvironmentError> {
        let Self { setup, system, state } = self;
        let mut place = 0;
        while let Some((at, handle, value)) = state.pending.get(place).copied() {
            if at > state.step {
                place += 1;
                continue;
            }
            state.pending.remove(place);
            state.handles[handle] = value;
            system.move_lever(&setup.handles[handle], value)?;
        }
        Ok(())
    }

    /// The masks of actions: for each kind, then for each target, `true` if it is one.
    pub fn write_masks(&self, masks: &mut [bool]) {
        let kinds = ActionKind::ALL.len();
        for (number, mask) in masks.iter_mut().enumerate() {
            *mask = number >= kinds || self.setup.is_known(number) && self.may_move(number);
        }
    }

    /// `false` for an action whose lever is at its bound on all targets.
    fn may_move(&self, kind: usize) -> bool {
        let Some(Some((action, levers))) = self.setup.actions.get(kind) else { return kind == 0 };
        if !action.ends.is_empty() || levers.iter().all(Option::is_none) {
            return true;
        }
        levers.iter().flatten().any(|lever| {
            let value = self.state.wanted[lever.handle];
            lever.moved(value).to_bits() != value.to_bits()
        })
    }

    /// The part that all environments of its description share.
    #[must_use]
    pub const fn setup(&self) -> &Arc<Setup> {
        &self.setup
    }

    /// The system.
    #[must_use]
    pub const fn system(&self) -> &System {
        &self.system
    }

    /// The numbers of the newest observation, not scaled; absent ones are NaN.
    #[must_use]
    pub fn numbers(&self) -> &[f64] {
        &self.state.numbers
    }

    /// The alarms that fire.
    #[must_use]
    pub fn firing(&self) -> &[bool] {
        &self.state.firing
    }

    /// The truth about the faults of the episode, those to come included.
    #[must_use]
    pub fn records(&self) -> &[FaultRecord] {
        &self.state.records
    }

    /// The faults that are on.
    pub fn active_faults(&self) -> impl Iterator<Item = &FaultRecord> {
        let last = self.state.step.saturating_sub(1);
        self.state.records.iter().filter(move |record| record.is_on(last))
    }

    /// The outcome so far.
    #[must_use]
    pub const fn outcome(&self) -> &Outcome {
        &self.state.outcome
    }

    /// A copy, to go on from again and again.
    pub fn snapshot(&self) -> Result<EnvironmentSnapshot, EnvironmentError> {
        Ok(EnvironmentSnapshot { system: self.system.snapshot()?, state: self.state.clone() })
    }

    /// Goes back, or on, to a copy of this environment, and writes its observation.
    pub fn restore(
        &mut self,
        snapshot: &EnvironmentSnapshot,
        observation: &mut [f32],
    ) -> Result<(), EnvironmentError> {
        self.system.restore(&snapshot.system)?;
        self.state = snapshot.state.clone();
        self.state.observe_again(&self.setup, observation);
        Ok(())
    }
}
