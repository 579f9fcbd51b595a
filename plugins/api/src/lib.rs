//! What a plugin of promemu is made of.
//!
//! A plugin is a shared library that exports one function, `promemu_plugin_v1`, which gives the table of what
//! the plugin brings ([`abi`]). In Rust nobody writes that table: implement [`Scenario`], [`Workload`] or
//! [`ConfigBuilder`], and let [`export_plugin!`] make it.
//!
//! ```
//! use promemu_plugin::{Param, Params, Scenario, Tick, export_plugin};
//!
//! /// The value grows by a step with each update.
//! struct Climb {
//!     step: f64,
//! }
//!
//! impl Scenario for Climb {
//!     const NAME: &'static str = "climb";
//!     const SUMMARY: &'static str = "grows by a step with each update";
//!     const PARAMS: &'static [Param] = &[Param::number("step", "1", "how much it grows")];
//!
//!     fn new(params: &Params<'_>) -> Result<Self, String> {
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
//! # What holds
//!
//! - Nothing that one side has allocated is freed by the other. Texts are borrowed while a call lasts.
//! - A panic in a plugin is caught before it reaches promemu, and costs the metric in which it happened. This needs
//!   `panic = "unwind"`, Rust's default.
//! - A library is never unloaded. A rebuilt one is loaded beside the old one, which then nobody asks any more.
//! - An instance is asked by one thread at a time, and may be asked by another one the next time. Instances are asked
//!   at the same time as others.
//! - Randomness comes from [`Tick::random`] and its like, time from [`Tick`]: then the same seed gives the same
//!   values, and virtual time works.

pub mod abi;
mod config;
mod export;
mod param;
mod scenario;
mod tick;
mod workload;

pub use abi::{Family, Param};
pub use config::ConfigBuilder;
pub use param::Params;
pub use scenario::Scenario;
pub use tick::{Event, Level, Tick};
pub use workload::{LABELS_MAX, Pool, Workload};

#[doc(hidden)]
pub mod for_macros {
    //! What [`export_plugin!`](crate::export_plugin) needs.
    pub use crate::export::{config, plugin, scenario, workload};
}
