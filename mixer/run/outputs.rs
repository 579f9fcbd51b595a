//! Outputs: where jobs' families go.
//!
//! An output reads jobs; it never sees a host. A slow, dead or lying server costs freshness and nothing
//! else. Where a server keeps the newest state only, that is what is sent, and nothing queues up; where it keeps
//! samples by their time, what is to be sent waits in a bounded queue.

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
