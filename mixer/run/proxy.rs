//! A TCP proxy that disturbs the connections through it, with the HTTP API of Toxiproxy 2.12
//! (<https://github.com/Shopify/toxiproxy#http-api>).
//!
//! A [`Proxies`] owns named endpoints; each listens, connects to its upstream, and passes bytes both ways through the toxics
//! that clients of the API have added. A toxic is a pure step from items with a time to items with a later time; only a link
//! waits and does I/O. It knows no scenario and no run: its owner is whoever uses the API.

mod chain;
mod connection;
mod endpoint;
mod link;
mod proxies;
mod refusal;
mod routes;
mod stage;
mod toxic;
mod toxics;
mod traffic;

pub use proxies::{Proxies, ProxyRules};
pub use routes::router;
