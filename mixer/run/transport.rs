//! The way between the shards of a run: NATS.
//!
//! Levers, phases and faults are functions of time, so they need no wire. What hosts of other shards hear, and what clients do
//! to the run, does: events travel on the subject `promemu.RUN.events` and are lost while the server is away; clients' actions
//! and events are kept in the `JetStream` stream `promemu`, subject `promemu.RUN.log`, so that a shard that comes back finds
//! them. Key-value buckets hold the [start] that all shards agree on, and their [presence]. By
//! calls one shard asks another about its hosts.
//!
//! A run never waits for the bus: what finds no room is dropped and counted, as are events while the server is away.

mod bus;
mod calls;
mod link;
mod log_reader;
mod message;
mod presence;
mod server;
mod settings;
mod start;
mod writer;

use promemu_core::plan::Shard;

pub(crate) use bus::LiveBus;
pub use bus::{Bus, Joined};
pub use calls::{Call, Reply, ShardCalls};
pub(crate) use link::BusSender;
pub(crate) use message::Payload;
pub use presence::ShardPresence;
pub use settings::{BusServer, BusSettings, RunName};
pub use start::RunStart;

/// The subject of one kind of messages of a run.
fn subject(run: &RunName, part: &str) -> String {
    format!("{}.{run}.{part}", server::STREAM)
}

/// The part of a run that this process has.
#[derive(Debug)]
pub struct ShardPart {
    /// Its hosts.
    pub shard: Shard,
    /// The way to the other shards; `None` for a run whose shards need each other for nothing.
    pub bus: Option<Bus>,
}
