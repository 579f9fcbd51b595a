//! Load on real memcached servers: the plugin with the generator `memcached_load`.
//!
//! # Invariants
//!
//! - Everything that decides is pure and takes the time as an argument; only the load itself knows sockets and a clock.

mod breaker;

pub use breaker::{Breaker, Counts, Policy, Rejection, State, Ticket, Transition, Trip, Verdict};
