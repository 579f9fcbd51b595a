//! The runs of a daemon: the main one that it was started with, and those that clients create.

pub(crate) mod live_series;
mod main_run;
mod registry;
mod request;
pub(crate) mod run;
pub(crate) mod start;

pub use main_run::MainRun;
pub(crate) use registry::Runs;
pub use request::{MAIN, RunRequest};
