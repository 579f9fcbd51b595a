//! The live hosts of a run: their tasks, the events between them, and their state as seen from outside.
//!
//! A [`Fleet`] is one plan's hosts and jobs. Tasks work for the current fleet; adding or removing one host replaces it
//! under them. A reload hands all hosts that stay over to new tasks.

mod command_queue;
mod commands;
mod current;
mod delivery;
mod host_key;
mod host_table;
mod host_task;
mod live_fleet;
mod mailbox;
mod report;
pub(crate) mod runner;

pub(crate) use command_queue::ActiveOverride;
pub(crate) use live_fleet::Fleet;
