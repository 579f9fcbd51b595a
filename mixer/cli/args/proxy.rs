//! The flags of `promemu proxy`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// The proxies of a process, and what its clients may do.
#[derive(Debug, Args)]
pub(crate) struct ProxyArgs {
    /// A JSON file of proxies to begin with, as Toxiproxy reads it; each may have its toxics [default: none]
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: Option<PathBuf>,

    /// Address of the HTTP API; on loopback its proxies listen on loopback, too
    #[arg(long, env = "PME_PROXY_ADDRESS", value_name = "HOST:PORT", default_value = "127.0.0.1:8474")]
    pub(crate) address: String,

    /// Upstreams that clients may name beside those of the file, as in 127.0.0.1:11211, localhost:* or *; separated by commas
    #[arg(long, env = "PME_PROXY_ALLOW_UPSTREAM", value_name = "HOST:PORT", value_delimiter = ',')]
    pub(crate) allow_upstream: Vec<String>,

    /// Show the bytes of each proxy at /metrics
    #[arg(long, env = "PME_PROXY_METRICS")]
    pub(crate) metrics: bool,
}
