//! Dynamics models: how the metrics of hosts go on from their last values, under the actions on them.
//!
//! | step | module |
//! | --- | --- |
//! | the numbers that a person may change | [`hyperparameters`] |
//! | actions as levels by time, and the support for them | [`levels`] |
//! | states by host and role; counters as rates | [`rows`], with sums and parts found by [`identities`] |
//! | the linear part | [`linear_part`] |
//! | networks: their gradients, their training, and the ensemble on threads | [`gradient`], [`training`], [`members`] |
//! | forecasts by own rollouts, and their scores | [`rollout`], [`scoring`] |
//! | the noise of a step | [`noise`] |
//! | inputs that matter, and networks that disagree | [`interpretation`] |
//! | rows of a recording for a model that is there | [`matching`] |
//! | a model that goes on learning, in a shadow | [`online`], with [`recursive`] least squares and drift by [`adwin`] |
//! | all of it | [`fitting`]; [`validation`] of a model against another recording |
//!
//! The rows of a recording are in three parts by time: in the first one weights are learned, in the second one parts of the model are
//! chosen, and the third one says how good it is.

mod adwin;
mod fitting;
mod gradient;
mod hyperparameters;
mod identities;
mod interpretation;
mod levels;
mod linear_part;
mod matching;
mod members;
mod noise;
mod online;
mod recursive;
mod rollout;
mod rows;
mod scoring;
#[cfg(test)]
mod tests;
mod training;
mod validation;

pub use fitting::{DynamicsFit, DynamicsOptions, FitProgress, fit_dynamics, train_member};
pub use hyperparameters::{Hyperparameters, Stage};
pub use interpretation::{Disagreement, Importance};
pub use levels::ActionSupport;
pub use members::{Checkpoints, NoCheckpoints};
pub use online::{OnlineChange, OnlineEvent, OnlineLearner, OnlineReport};
pub use validation::{ActionEffect, DynamicsValidation, validate_dynamics};
