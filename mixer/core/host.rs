//! Emulated hosts: state machines without I/O. A driver passes them the time and the events, and takes events and
//! reports out of their [`Outbox`].
//!
//! An [`EmulatedHost`] holds its plan once; its parts (metrics, faults, pools) take the plan as an argument. Each part
//! knows those below it only: the values, the metric set around them, faults and pools around that, then the host.

mod driven;
mod due_times;
mod emulated_host;
mod event_budget;
mod extras;
mod faults;
mod mail;
mod member_change;
mod metric_set;
mod metric_update;
mod metric_values;
mod outbox;
mod overrides;
mod place;
mod player;
mod pool;
mod rare_state;
mod step_count;
mod update_counts;

pub use driven::DrivenHost;
pub use emulated_host::{EmulatedHost, START_SPREAD};
pub use event_budget::{DropCause, EVENTS_PER_SEC_MAX, EventDrop, HOPS_MAX, STEPS_PER_SEC_MAX};
pub use faults::Stamp;
pub use mail::Mail;
pub use member_change::MemberChange;
pub use outbox::{Outbox, OverrideChange};
pub use place::{MemberCounts, Place};
pub use update_counts::UpdateCounts;

#[cfg(test)]
mod tests;
