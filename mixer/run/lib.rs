//! Everything live.

pub mod clock;
pub mod event_tap;
mod fleet;
pub mod handle;
pub mod http;
pub mod mixer;
pub mod outputs;
pub mod process;
pub mod self_metrics;
pub mod settings;
pub mod status;
pub mod whole_file;
