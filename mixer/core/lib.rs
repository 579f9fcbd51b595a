//! The emulated world.

pub mod backfill;
pub mod config;
pub mod error;
pub mod estimate;
pub mod event;
pub mod expression;
pub mod host;
pub mod metric;
pub mod naming;
pub mod plan;
pub mod plugin;
pub mod plural;
pub mod preview;
pub mod rng;
pub mod scenario;
pub mod series;
pub mod time;
