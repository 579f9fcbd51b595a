//! The timeline of a run: what happens to its hosts from outside.
//!
//! It is data and pure functions of time, beside the hosts: it knows plans, but neither hosts nor drivers.

mod edges;
mod host_levers;
mod run_log;
mod sent_action;
mod skip;
mod triggers;
mod truth;

pub use edges::{RunEdge, active_edges, edge_events, next_run_edge, run_edges_at};
pub use host_levers::HostLevers;
pub use run_log::{LOGGED_ACTIONS_MAX, LOGGED_EVENTS_MAX, LogFull, LoggedAction, RunLog, Targets};
pub use sent_action::SentAction;
pub use skip::skip_to;
pub use triggers::Triggers;
pub use truth::{
    TruthRecord, TruthRecords, TruthSubject, records_between, records_cut_at, records_ending_at,
    records_replaced,
};
