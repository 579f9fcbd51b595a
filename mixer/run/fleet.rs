//! The live hosts of a run: their turns, the events between them, and their state as seen from outside.
//!
//! A [`Fleet`] is one plan's hosts and jobs; hosts are added to it and removed from it while others run. A reload hands
//! all hosts that stay over to another fleet.

mod active_overrides;
mod alarms;
mod chronicle;
mod commands;
mod counters;
mod delivery;
mod edits;
mod fleet_job;
mod host_ends;
mod host_names;
mod host_steps;
mod host_table;
mod live_fleet;
mod mailbox;
mod member_host;
mod other_shards;
mod report;
mod run_log;
pub(crate) mod runner;
mod successor;
#[cfg(test)]
mod tests;
mod turns;

pub(crate) use active_overrides::ActiveOverride;
pub(crate) use chronicle::{Stretch, StretchKind};
pub(crate) use live_fleet::Fleet;
