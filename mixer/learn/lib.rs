//! Configs that a person can read, and dynamics models, learned from recordings.
//!
//! | step | module |
//! | --- | --- |
//! | the samples of a recording, series by series | [`load`] |
//! | series at equal distances; counters as rates | [`grid`], [`counter`] |
//! | the simplest scenario that passes for values | [`candidates`], on [`statistics`], [`spectrum`] and [`polygon`] |
//! | metrics that follow another one, or a toggle | [`relay`], [`toggles`] |
//! | recorded actions as faults | [`effects`] |
//! | histograms and summaries | [`observations`], [`spread`] |
//! | hosts, and their metrics by type | [`inventory`], [`metric_fit`] |
//! | metrics and hosts that are alike as one | [`grouping`] |
//! | the text | [`config_text`], of [`call`]s |
//!
//! The quality of a recording is measured in [`quality`], with the rules of [`plausibility`]; the likeness of a config to
//! one in [`validation`]. Models of how metrics go on are learned in [`dynamics`]. Rows for other learners are made in [`prepare`].
//!
//! The same recording gives the same bytes: nothing here draws but from a given seed, reads a clock or depends on an order that is not sorted.

mod call;
mod candidates;
mod config_text;
mod counter;
mod dynamics;
mod effects;
mod error;
mod fitting;
mod following;
mod grid;
mod grouping;
mod inventory;
mod linear;
mod load;
mod metric_fit;
mod observations;
mod plausibility;
mod polygon;
mod prepare;
mod profile;
mod quality;
mod relay;
mod spectrum;
mod spread;
mod statistics;
mod toggles;
mod validation;

pub use dynamics::{
    ActionEffect, ActionSupport, Checkpoints, Disagreement, DynamicsFit, DynamicsOptions, DynamicsValidation,
    FitProgress, Hyperparameters, Importance, NoCheckpoints, OnlineChange, OnlineEvent, OnlineLearner,
    OnlineReport, Stage, fit_dynamics, train_member, validate_dynamics,
};
pub use error::LearnError;
pub use fitting::{FitOptions, FittedConfig, fit};
pub use grid::newest_values;
pub use load::sample_step;
pub use plausibility::{RuleOutcome, Violation};
pub use prepare::{
    Augment, Counters, Feature, FeatureKind, Impute, ImputeBy, Outliers, Part, PrepareOutcome, PrepareSpec,
    Scale, Split, Transform, Windows, prepare,
};
pub use quality::{Drift, Measure, Problem, QualityReport, assess};
pub use statistics::quantiles_agree;
pub use validation::{
    EmulatedRun, HORIZONS, MetricKind, SeriesScore, Skill, Validation, ValidationOptions, validate,
};
