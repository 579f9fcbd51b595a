//! Faults on purpose: kinds, plans, and the times at which they are on.
//!
//! A kind of fault is a file with a [`FaultKind`], which lists its parameters, and a [`FaultSpec`], which says how it
//! changes a host's report, or which [`Effect`] it has outside of the run; and a line in the list of all. Configs are read from these tables. Kinds know cells, times and
//! numbers; they know neither hosts nor configs.

mod auth_failure;
mod bandwidth;
mod clock_skew;
mod counter_reset;
mod course;
mod cpu_stress;
mod database_connection_failures;
mod effect;
mod effect_params;
mod flaky;
mod flapping;
mod gap;
mod host_down;
mod kind;
mod late;
mod latency;
mod limit_connections;
mod limit_data;
mod list;
mod memory_pressure;
mod model_degradation;
mod model_event;
mod model_outage;
mod nan;
mod network_latency;
mod out_of_order;
mod packet_loss;
mod partition;
mod plan;
mod process_event;
mod rate_limit;
mod reset_connections;
mod resource_exhaustion;
mod service_unavailable;
mod slicer;
mod slow_close;
mod spec;
mod stall_connections;
mod timeout;
mod times;
mod window;

pub use course::{Course, Timed};
pub use effect::{Attribute, Effect, Loss, RealFault, ServerChoice, Stream, Stress, Toxic};
pub use kind::{FaultBuild, FaultError, FaultKind, FaultSchedule};
pub use list::{AnyFaultKind, Fault, KINDS};
pub use plan::{FaultPlan, FaultTrigger, HELD_REPORTS_MAX, Pulses, fault_events, renamed_event};
pub use spec::{Cycle, FaultEvent, FaultSpec, NeededModel, Presence, ReportDelay};
pub use times::{Turns, Windows};
pub use window::{FaultWindow, Turn};
