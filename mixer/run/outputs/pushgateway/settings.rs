//! Settings of the Pushgateway output.

use std::time::Duration;

use super::client::GatewayUrl;
use crate::http::HttpOptions;
use promemu_core::time::Span;
use promemu_wire::exposition::Format;

/// A Pushgateway, and the way to push to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewaySettings {
    /// The gateway's URL.
    pub url: GatewayUrl,
    /// Authentication and TLS.
    pub http: HttpOptions,
    /// Time limit of one push.
    pub timeout: Duration,
    /// The run's way of pushing.
    pub push: PushSettings,
}

/// A run's way of pushing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushSettings {
    /// Text or protobuf.
    pub format: Format,
    /// The time between two rounds.
    pub interval: Span,
    /// Deletes this run's groups and orphans before the first push.
    pub cleanup_on_start: bool,
    /// Deletes this run's groups at its end.
    pub cleanup_on_finish: bool,
    /// Pushes the run's own metrics, too, as a job of their own.
    pub self_metrics: bool,
}
