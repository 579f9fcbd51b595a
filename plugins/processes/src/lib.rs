//! Simulated processes of a host: the plugin with the workload [`Processes`], in two naming schemes, [`PrometheusNames`] and
//! [`HostmetricsNames`].
//!
//! A [`Simulation`] has slots, each with a [`Process`] that has a name, a pid and a priority. Processes use CPU and memory
//! by the patterns of their [`Program`], end by churn, by a kill or out of memory, and start again at once in the same
//! slot. A [`Profile`] is a list of programs.
//!
//! In a live run each can have a real process: [`real_processes`] makes those follow the simulation, and is the only
//! module that touches the machine.
//!
//! # Invariants
//!
//! - No clock, no I/O, no randomness but a seed: the same seed and the same calls give the same processes, however often
//!   [`Simulation::advance`] is called.
//! - All processes together use no more CPU than the host has, and none uses more cores than it has threads.
//! - Counters only grow during the life of a process. A process that starts again has another pid, another start time,
//!   and counters at 0.
//! - No two running processes have the same pid.
//! - The number of processes is constant, except for the children of a fork storm.
//! - Critical processes end only by a kill that names their priority, or with the simulation.
//!
//! ```
//! use promemu_processes::{Profile, Settings, Simulation};
//!
//! let settings = Settings { process_count: 50, churn_rate: 0.5, ..Settings::of(Profile::realistic()) };
//! let start_nanos = 1_767_600_000_000_000_000;
//! let mut simulation = Simulation::new(settings, 7, start_nanos)?;
//! simulation.advance(start_nanos + 600_000_000_000);
//! assert_eq!(simulation.living().count(), 50);
//! assert!(simulation.living().map(|(_, it)| it.cpu_seconds).sum::<f64>() <= 8.0 * 600.0);
//! # Ok::<(), String>(())
//! ```

mod action;
mod member;
mod naming;
mod pid_allocator;
mod process;
mod profile;
mod random;
mod real_processes;
mod simulation;
mod usage;
mod workload;

pub use action::{Action, Filter, KillLimit};
pub use naming::{HostmetricsNames, NamingScheme, PrometheusNames};
pub use process::Process;
pub use profile::{Priority, Profile, Program, UsageRange};
pub use simulation::{ByPriority, EndCounts, Settings, Simulation, Stage};
pub use usage::UsagePattern;
pub use workload::Processes;

promemu_plugin::export_plugin!(models: [Processes<PrometheusNames>, Processes<HostmetricsNames>]);
