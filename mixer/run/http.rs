//! HTTP: the client of outputs, with its target ([`TargetUrl`]), options ([`HttpOptions`]) and errors ([`PushError`]), and
//! the server of everything that promemu serves ([`server`]).
//!
//! Secrets come from files or variables. No text that is shown contains one.

mod answer;
mod client;
mod connection;
mod connections;
mod failure;
mod host_name;
mod listen_address;
mod options;
mod proxy;
mod redirect;
mod response;
mod secrets;
pub mod server;
mod target;
mod tls;
mod trust;

pub use answer::{Answer, Limits};
pub use client::HttpClient;
pub use host_name::is_this_machine;
pub use listen_address::listen_address;
pub use options::HttpOptions;
pub use response::PushError;
pub(super) use response::{check, text_of};
pub use target::TargetUrl;
pub use tls::server_tls;

#[cfg(test)]
mod tests;
