//! Hosts whose metrics follow a dynamics model: the plugin with the workload [`Dynamics`], and the config [`Learned`] with all hosts
//! of a model.
//!
//! The steps are those of the crate `promemu-dynamics`; here are the tables that show them, and the levers that act on them.
//!
//! # Invariants
//!
//! - No clock, no randomness but the host's. The only file that is read is the model, when a config is loaded.
//! - Steps are made on a lattice that begins at the first tick: values do not depend on how often they are looked at.

mod config;
mod model_file;
mod tables;
mod workload;

pub use config::Learned;
pub use workload::Dynamics;

promemu_plugin::export_plugin!(models: [Dynamics], configs: [Learned]);
