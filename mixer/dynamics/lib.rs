//! Learned models of hosts: the file that has one, and the steps that it makes.
//!
//! A host of a role has a state `x`: a number for each of its metrics, scaled. A step makes the next one of it,
//!
//! ```text
//! x' = x + W z + g ⊙ (V h' + b) + noise,    h' = GRU(h, z)
//! ```
//!
//! where `z` has the last states, marks of missing values, the actions and the season. For each metric a model has the least that
//! predicts it: persistence (`x' = x`), the linear part `W z`, or the network beside it.
//!
//! | module | content |
//! | --- | --- |
//! | [`bounds`] | values that stay in their bounds by construction |
//! | [`actions`] | actions as numbers in 0..1, and their traces |
//! | [`network`] | the gated recurrent unit with its outputs |
//! | [`role`] | the model of a role, and the state of a host |
//! | [`series`] | values and totals of series, from states |
//! | [`file`](mod@file) | model files, on [`container`] |
//!
//! # Invariants
//!
//! - No clock, no I/O, no randomness but numbers that the caller draws.
//! - Sums are in a fixed order, and functions from `libm`: the same bits on every platform and for any number of threads.
//! - A value is within its bounds, and a counter never falls, whatever the weights are.

pub mod actions;
pub mod bounds;
pub mod container;
pub mod file;
pub mod network;
pub mod numbers;
pub mod role;
pub mod schema;
pub mod series;
