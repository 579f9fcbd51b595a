//! The processes of a host, simulated: the plugin that brings the workload [`Processes`], by the names of [`PrometheusNames`]
//! exporters and of [`HostmetricsNames`].
//!
//! A [`Simulation`] has slots; in each lives a [`Process`] with a name, a pid and a priority. Processes use CPU and
//! memory by the patterns of their [`Program`], end by churn, by a kill or out of memory, and begin anew at once in
//! the same slot. A [`Profile`] says which programs there are.
//!
//! In a live run there may be a real process for each: [`real_processes`] has them follow the simulation, and is all that
//! touches the machine.
//!
//! # What holds
//!
//! - No clock, no I/O, no randomness but a seed: the same seed and the same calls give the same processes, and
//!   how often [`Simulation::advance`] is called changes nothing.
//! - All processes together use no more CPU than the host has, and none more than it has threads.
//! - Counters only grow while a process lives. Who begins anew has another pid, another start time, and counters
//!   that are 0.
//! - No two living processes have the same pid.
//! - But for the children of a fork storm there are always as many processes as were asked for.
//! - Critical processes end by nothing but a kill that names their priority, or the end of the simulation.
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
mod naming;
mod pid_allocator;
mod process;
mod profile;
mod random;
mod real_processes;
mod simulation;
mod usage;
mod workload;

pub use action::{Action, Filter};
pub use naming::{HostmetricsNames, NamingScheme, PrometheusNames};
pub use process::Process;
pub use profile::{Priority, Profile, Program, UsageRange};
pub use simulation::{EndCounts, Settings, Simulation, Stage};
pub use usage::UsagePattern;
pub use workload::Processes;

promemu_plugin::export_plugin!(workloads: [Processes<PrometheusNames>, Processes<HostmetricsNames>]);
