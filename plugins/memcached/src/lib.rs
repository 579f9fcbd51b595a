//! Load on real memcached servers: the plugin with the generator [`MemcachedLoad`].
//!
//! A [`client`] performs operations on servers, each through the circuit breaker and the pool of its server. An
//! open loop performs them when they arrive, a closed loop one after the other. All of it is in one thread with a runtime of
//! its own; a collection copies what has been counted.
//!
//! # Invariants
//!
//! - Everything that decides is pure and takes the time as an argument: the breaker, the arrivals, the key space, the ring. Only
//!   the client, the loops and the thread know sockets and the clock.
//! - Each operation is counted once: attempted = succeeded + failed + in flight, at every collection.
//! - One request at a time is under way on a connection; a connection with an answer outstanding is never used again.
//! - A set whose answer did not come counts as unknown, not as lost.

mod arrivals;
mod breaker;
mod client;
mod clock;
mod closed_loop;
mod connection;
mod generator;
mod key_space;
mod latency;
mod ledger;
mod load;
mod open_loop;
mod operation;
mod params;
mod pool;
mod random;
mod ring;
mod settings;
mod state;
mod summary;
mod tables;
mod value;

pub use breaker::{Breaker, Counts, Policy, Rejection, State, Ticket, Transition, Trip, Verdict};
pub use generator::MemcachedLoad;

promemu_plugin::export_plugin!(generators: [MemcachedLoad]);
