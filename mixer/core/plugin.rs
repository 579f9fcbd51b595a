//! Plugins: shared libraries that add scenarios, models, generators and configs.
//!
//! The [`registry`] finds the libraries and decides which ones to load, [`declaration`] holds their checked contents,
//! and [`boundary`] calls them. `boundary` is the only place in promemu with `unsafe` code. A plugin runs in this
//! process: its answers are checked, but it can do whatever promemu can.
//!
//! A library is never unloaded, so its declarations live as long as the process and are passed around as `&'static`.

mod boundary;
mod calls;
mod configured;
mod declaration;
mod elf;
mod file;
mod param;
mod registry;
mod schema;
mod stopping;
mod tick;

pub use boundary::{ModelInstance, ScenarioInstance, TickChanges, read_plugin};
pub use configured::{ConfiguredModel, ConfiguredScenario};
pub use declaration::{ConfigDecl, ModelDecl, ParamDecl, PluginDecl, ScenarioDecl};
pub use param::{ParamType, ParamValue, Refusal, join};
pub use promemu_plugin::abi::{ABI_MAJOR as INTERFACE_MAJOR, ABI_MINOR as INTERFACE_MINOR};
pub use registry::{
    PluginStatus, config, configs, folders, model, models, refresh, scenario, scenarios, set_folders,
    statuses,
};
pub use schema::{FamilyDecl, FamilyKind, TableDecl};
pub use stopping::{STOP_DEADLINE, wait_for_generators};
pub use tick::{HostContext, LeverTimes, Observation, PluginEvent, PluginTick, Row, RowChange};

#[cfg(test)]
pub(crate) mod tests;
