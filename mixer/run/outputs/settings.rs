//! Where a run's jobs go, as it was asked for.

use super::file::FileSettings;
use super::otlp::OtlpSettings;
use super::pushgateway::GatewaySettings;
use super::remote_write::RemoteWriteSettings;
use super::scrape::ScrapeSettings;

/// One of a run's outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputSettings {
    /// Jobs are pushed to a Pushgateway, each as a group.
    Pushgateway(Box<GatewaySettings>),
    /// Jobs are served.
    Scrape(Box<ScrapeSettings>),
    /// Samples are written to a remote-write receiver.
    RemoteWrite(Box<RemoteWriteSettings>),
    /// Data points are sent to an OTLP receiver.
    Otlp(Box<OtlpSettings>),
    /// Jobs are written to a file.
    File(FileSettings),
}

impl OutputSettings {
    /// The kind, as `--output` calls it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Pushgateway(_) => "pushgateway",
            Self::Scrape(_) => "scrape",
            Self::RemoteWrite(_) => "remote-write",
            Self::Otlp(_) => "otlp",
            Self::File(_) => "file",
        }
    }

    /// Where it is, without what is secret.
    #[must_use]
    pub fn target(&self) -> String {
        match self {
            Self::Pushgateway(gateway) => gateway.url.to_string(),
            Self::Scrape(scrape) => scrape.address(),
            Self::RemoteWrite(remote) => remote.target.to_string(),
            Self::Otlp(otlp) => otlp.target.to_string(),
            Self::File(file) => file.path.display().to_string(),
        }
    }

    /// `KIND=TARGET`: what logs and promemu's own metrics call it. No two outputs of a run have the same.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}={}", self.kind(), self.target())
    }

    /// Whether what it brought out last is to stay when the run is over.
    #[must_use]
    pub fn leaves_last_values(&self) -> bool {
        match self {
            Self::Pushgateway(gateway) => !gateway.push.cleanup_on_finish,
            Self::Scrape(_) | Self::RemoteWrite(_) | Self::Otlp(_) => false,
            Self::File(_) => true,
        }
    }

    /// The Pushgateway, if it is one.
    #[must_use]
    pub fn gateway(&self) -> Option<&GatewaySettings> {
        match self {
            Self::Pushgateway(gateway) => Some(gateway),
            Self::Scrape(_) | Self::RemoteWrite(_) | Self::Otlp(_) | Self::File(_) => None,
        }
    }
}
