//! Environments for agents: a system to observe and to act on, with faults, and a reward that says how well that was done.
//!
//! A [`spec::Spec`] says what the system is (a config, or a dynamics model), what is observed, which actions there are, which
//! faults come, and what they cost. An [`environment::Environment`] plays episodes of it, a [`batch::Batch`] many of them.
//!
//! | module | content |
//! | --- | --- |
//! | [`error`] | reasons for which there is no environment, or no step |
//! | [`spec`] | descriptions of environments, in RON |
//! | [`shipped`] | the descriptions that promemu brings, and those that follow from a config or a model |
//! | [`action`] | the kinds of actions |
//! | [`faults`] | faults that are drawn for an episode, and their variants for single hosts |
//! | [`mod@column`] | columns of observations, from cells |
//! | [`world_system`] | a config as a system |
//! | [`learned_system`] | a dynamics model as a system |
//! | [`system`] | either of them |
//! | [`alarm`] | thresholds that must hold for a while |
//! | [`reward`] | the terms of a reward |
//! | [`outcome`] | the truth about faults, and how they were met |
//! | [`setup`] | all that environments of one description share |
//! | [`environment`] | one environment: reset, step, snapshot |
//! | [`batch`] | many environments, whose results go to slices |
//! | [`playbook`] | rules of an operator, in RON |
//! | [`samples`] | samples of a run as columns |
//! | [`picture`] | the last observations as text and as pixels |
//!
//! # Invariants
//!
//! - No clock, no randomness but seeds: the same seed and actions give the same episode, alone and among others.
//! - Values of a config's environment are those of a run of that config with the same seed and actions.
//! - Faults are drawn from a stream of their own: actions do not change what happens to the system.
//! - A reward is the sum of its terms.

pub mod action;
pub mod alarm;
pub mod batch;
pub mod column;
pub mod environment;
pub mod error;
pub mod faults;
pub mod learned_system;
pub mod outcome;
pub mod picture;
pub mod playbook;
pub mod reward;
pub mod samples;
pub mod setup;
pub mod shipped;
pub mod spec;
mod state;
pub mod system;
#[cfg(test)]
mod tests;
pub mod world_system;
