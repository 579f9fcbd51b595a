//! Settings of the Pushgateway output.

use std::time::Duration;

use indexmap::IndexMap;

use super::client::GatewayUrl;
use crate::http::HttpOptions;
use crate::outputs::format_option;
use promemu_core::error::Error;
use promemu_core::time::Span;
use promemu_wire::exposition::Format;

/// A Pushgateway as `--output` names it. The rest of its settings comes from other flags and the config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayArg {
    /// The gateway's URL; `None` for the one of `--pushgateway-url`.
    pub url: Option<GatewayUrl>,
    /// Authentication and TLS.
    pub http: HttpOptions,
    /// Time limit of one push.
    pub timeout: Duration,
    /// The format; `None` for the one of `--push-format`.
    pub format: Option<Format>,
}

impl GatewayArg {
    /// The keys that [`Self::take_from`] knows in addition to those of [`HttpOptions`].
    pub const KEYS: [&str; 1] = ["format"];

    /// Takes its keys out of the options and leaves the others.
    pub fn take_from(
        target: Option<&str>,
        options: &mut IndexMap<String, String>,
        timeout: Duration,
    ) -> Result<Self, Error> {
        let http = HttpOptions::take_from(options)?;
        let format = format_option::take(options, &[Format::Protobuf, Format::Text])?;
        let url = target.map(GatewayUrl::parse).transpose()?;
        Ok(Self { url, http, timeout, format })
    }
}

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
    /// The number of the shard, if it is one of several.
    pub shard: Option<u32>,
}
