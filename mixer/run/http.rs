//! HTTP: the client of outputs, with its target ([`TargetUrl`]), options ([`HttpOptions`]) and errors ([`PushError`]), and
//! the server of everything that promemu serves ([`server`]).
//!
//! Secrets come from files or variables. No text that is shown contains one.

mod client;
mod options;
mod response;
mod secrets;
pub mod server;
mod target;
mod tls;

pub use client::http_client;
pub use options::HttpOptions;
pub use response::PushError;
pub(super) use response::{check, no_answer, text_of};
pub(super) use secrets::Secrets;
pub use target::TargetUrl;
pub use tls::server_tls;
