//! Outputs: where jobs' families go.
//!
//! An output reads jobs; it never sees a host. A slow, dead or lying server costs freshness and nothing else. A server
//! that keeps the newest state only is sent that, and nothing queues up; for a server that keeps samples by their time,
//! they wait in a bounded queue.
//!
//! A new output is a file here, with settings that implement `OutputConfig` and a type that implements `Output` (both in
//! `output.rs`), a variant of [`OutputSettings`], and a row in the table of kinds of `--output` (`cli/settings/outputs.rs`).

mod availability;
mod delivery;
pub mod file;
mod format_option;
pub mod health;
pub mod otlp;
mod output;
pub(crate) mod output_set;
pub mod pushgateway;
pub mod remote_write;
mod rounds;
pub mod scrape;
pub mod self_page;
mod series_tracker;
mod settings;
mod stream;

pub use delivery::DeliverySettings;
pub use settings::OutputSettings;
