//! Rows for learning, made of a recording by a pipeline: extract, clean, features, load.
//!
//! | step | module |
//! | --- | --- |
//! | the pipeline as it is meant | [`spec`] |
//! | samples of some time, and all that they depend on | [`inputs`] |
//! | samples on a grid; counters as rates | [`cells`] |
//! | outliers, and values of short gaps | [`outliers`], [`impute`] |
//! | transforms, scales, features | [`scaling`], [`features`] |
//! | what is learned from rows of training | [`learned`] |
//! | parts of time, folds, windows; copies of training | [`split`], [`windows`], [`augment`] |
//! | the rows of a series | [`chain`] |
//! | the output, part by part | [`run`] |
//!
//! A row depends on a bounded time before and after it. So rows are made part by part, each with a key of all that it was
//! made of: a part whose key stays is kept as it is, and an output that grew has the same bytes as one that was made at once.

mod actions;
mod augment;
mod cells;
mod chain;
mod features;
mod impute;
mod inputs;
mod learned;
mod outliers;
mod run;
mod scaling;
mod spec;
mod split;
mod windows;

pub use run::{PrepareOutcome, prepare};
pub use spec::{
    Augment, Counters, Feature, FeatureKind, Impute, ImputeBy, Outliers, Part, PrepareSpec, Scale, Split,
    Transform, Windows,
};
