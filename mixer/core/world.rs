//! Worlds: all hosts of a run in lock-step virtual time, for tests, previews and agents that act between steps.
//!
//! A [`World`] gives what a live run and a [`backfill`](crate::backfill) of the same seed give. Between two calls it
//! stands still at one moment of emulated time: it can be looked at, acted on, copied and restored. A step that is warm
//! allocates nothing, unless hosts handle events, run scripts, or get new members.
//!
//! A [`WorldBatch`] is many worlds of one plan that advance together. Nothing passes between them.

mod batch;
mod layout;
mod selection;
mod single;
mod snapshot;
mod stores;
#[cfg(test)]
mod tests;

pub use batch::{Step, WorldBatch};
pub use selection::Selection;
pub use single::World;
pub use snapshot::Snapshot;
pub use stores::JobStores;
pub(crate) use stores::places;
