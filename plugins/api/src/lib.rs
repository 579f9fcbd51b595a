//! The SDK for plugins of promemu.
//!
//! A plugin is a shared library that exports one function, `promemu_plugin_v2`, which returns the table of its contents
//! ([`abi`]). In Rust the table is generated: implement [`Scenario`], [`Model`], [`Generator`] or [`ConfigBuilder`], and list the
//! types in [`export_plugin!`].
//!
//! ```
//! use promemu_plugin::{Param, Params, Refused, Scenario, Tick, export_plugin};
//!
//! /// The value grows by a step with each update.
//! struct Climb {
//!     step: f64,
//! }
//!
//! impl Scenario for Climb {
//!     const NAME: &'static str = "climb";
//!     const SUMMARY: &'static str = "grows by a step with each update";
//!     const PARAMS: &'static [Param] = &[Param::number("step", "1", "growth per update")];
//!
//!     fn new(params: &Params<'_>) -> Result<Self, Refused> {
//!         Ok(Self { step: params.number("step") })
//!     }
//!
//!     fn update(&mut self, tick: &mut Tick<'_>) -> Result<Option<f64>, String> {
//!         Ok(Some(tick.value() + self.step))
//!     }
//! }
//!
//! export_plugin!(scenarios: [Climb]);
//! ```
//!
//! # Rules
//!
//! - Neither side frees memory of the other. Texts are borrowed for the call.
//! - A panic in a plugin is caught before it reaches promemu, and stops only its own metric. This needs
//!   `panic = "unwind"`, Rust's default.
//! - A library is never unloaded. A rebuilt one is loaded beside the old one, which is no longer called then.
//! - A state is used by one thread at a time, possibly by another one the next time. Different states are used at the
//!   same time.
//! - Take random numbers and times from [`Tick`] only: then the same seed gives the same values, also in virtual time.

pub mod abi;
mod config;
mod export;
mod family;
mod model;
mod param;
mod refused;
mod scenario;
mod tables;
mod tick;

pub use abi::Param;
pub use config::ConfigBuilder;
pub use family::{Family, Table};
pub use model::{Generator, Model};
pub use param::Params;
pub use refused::Refused;
pub use scenario::Scenario;
pub use tables::{LABELS_MAX, Tables};
pub use tick::{Event, Level, Tick};

#[doc(hidden)]
pub mod for_macros {
    //! Functions that [`export_plugin!`](crate::export_plugin) calls.
    pub use crate::export::{config, generator, model, plugin, scenario};
}
