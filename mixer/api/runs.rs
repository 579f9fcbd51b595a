//! The runs of a daemon: the main one that it was started with, and those that clients create.

pub(crate) mod entry;
pub(crate) mod live_series;
mod registry;
mod request;
pub(crate) mod sampling;
pub(crate) mod start;

pub(crate) use registry::Runs;
pub use request::{MAIN, RunRequest};
