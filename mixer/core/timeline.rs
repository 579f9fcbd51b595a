//! The timeline of a run: what happens to its hosts from outside.
//!
//! It is data and pure functions of time, beside the hosts: it knows plans, but neither hosts nor drivers.

mod sent_action;

pub use sent_action::SentAction;
