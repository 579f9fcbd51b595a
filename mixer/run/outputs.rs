//! Outputs: where jobs' families go.
//!
//! An output reads jobs; it never sees a host. A slow, unreachable or misbehaving server costs freshness and nothing
//! else. Outputs of the newest state (pushgateway, scrape, file) queue nothing; outputs of samples (remote write, OTLP) send
//! every sample from a bounded queue; a past is sent without one ([`PastSender`]).
//!
//! Pages and files are the process': all its runs join them, and leave them when they end ([`SharedOutputs`]). Each run has
//! the others for itself.
//!
//! A new output is a file here, with settings that implement `OutputConfig` and a type that implements `Output` (both in
//! `output.rs`), a variant of [`OutputSettings`], a row in the table of kinds of `--output`
//! (`cli/settings/outputs.rs`), and its name in the help of `--output` (`cli/args/`). A body format of its own is a file in
//! `promemu_wire`.

#[doc(hidden)]
pub mod answers;
mod availability;
mod delivery;
pub mod file;
mod format_option;
pub mod health;
mod leftovers;
pub mod otlp;
mod output;
pub(crate) mod output_set;
mod past;
pub mod pushgateway;
mod readiness;
mod reads;
pub mod remote_write;
mod rounds;
pub mod scrape;
mod self_page;
mod series_tracker;
mod settings;
pub(crate) mod shared;
mod stream;

pub use delivery::{BATCH_BYTES, DeliverySettings};
pub use past::PastSender;
pub(crate) use self_page::SelfPage;
pub use settings::OutputSettings;
pub use shared::{RunConflict, SharedOutputs};
