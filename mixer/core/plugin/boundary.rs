//! Calls between promemu and plugins.
//!
//! All `unsafe` code of promemu is here. A pointer from a plugin is trusted if it is neither null nor misaligned;
//! nothing else is: counts are bounded, texts are checked, numbers must be finite. This module knows nothing of
//! folders, configs or hosts.

#![expect(unsafe_code, reason = "libraries are loaded, and functions in them called")]

mod call;
mod config;
mod host;
mod lend;
mod model;
mod scenario;
mod setup;
mod table;

pub use model::{ModelInstance, TickChanges};
pub use scenario::ScenarioInstance;
pub(super) use table::open;
pub use table::read_plugin;
