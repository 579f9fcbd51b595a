//! Users of a product, simulated: the plugin with the workload [`Users`].
//!
//! Users are aggregates, never objects: what a second costs does not depend on their number. Each kind of users has sessions,
//! which begin as a Poisson process whose rate follows activity, season, bursts and levers, and last for a truncated lognormal
//! time. Each session makes calls: a call uses a tool and asks a model, with tokens, which cost money, or fails with an error.
//!
//! # Invariants
//!
//! - No clock, no I/O, no randomness but a seed. Random numbers are drawn by whole seconds since the start: totals at a time
//!   do not depend on how often they are looked at.
//! - Users with names split totals; they never change a sum.
//! - Costs are the tokens times their prices, and each error is counted once by tool and once by type.
//! - A fault changes what follows from it, never the draws of what would have happened without it.

mod activity;
mod assistant;
mod check;
mod durations;
mod fault;
mod observed;
mod params;
mod population;
mod random;
mod running;
mod sampling;
mod season;
mod service;
mod settings;
mod tables;
mod totals;
mod visible;
mod workload;

pub use workload::Users;

promemu_plugin::export_plugin!(models: [Users]);
