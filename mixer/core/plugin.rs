//! Plugins: shared libraries that bring scenarios, workloads and configs.
//!
//! The [`registry`] finds them in their folders and looks at each before it is loaded; [`declaration`] is what they say of
//! themselves, checked; [`boundary`] calls them, and is the only place in promemu with `unsafe`. A plugin is
//! code in this process: what it says is checked, but it can do whatever promemu can.
//!
//! A library is never unloaded: what it has declared is there for good, and is handed around as `&'static`.

mod boundary;
mod declaration;
mod elf;
mod instance;
mod param;
mod registry;

pub use boundary::{Arrival, Coming, Instance, ModelInstance};
pub use declaration::{
    Declared, DeclaredConfig, DeclaredFamily, DeclaredParam, DeclaredScenario, DeclaredWorkload,
};
pub use instance::{Heard, HostContext, Moment, Prepared, PreparedWorkload};
pub use param::{ParamType, ParamValue};
pub use registry::{
    Report, config, configs, folders, look, look_in, reports, scenario, scenarios, workload, workloads,
};

#[cfg(test)]
pub(crate) mod tests;
