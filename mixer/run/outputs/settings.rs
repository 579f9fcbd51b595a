//! Settings of a run's outputs: the one list of all kinds.

use std::path::Path;

use super::file::FileSettings;
use super::otlp::OtlpSettings;
use super::output::{OutputConfig, RunOutputConfig, SharedOutputConfig};
use super::pushgateway::GatewaySettings;
use super::remote_write::RemoteWriteSettings;
use super::scrape::ScrapeSettings;

/// Settings of one output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputSettings {
    /// Pushes jobs to a Pushgateway, each as a group.
    Pushgateway(Box<GatewaySettings>),
    /// Serves jobs to be scraped.
    Scrape(Box<ScrapeSettings>),
    /// Sends samples to a remote-write receiver.
    RemoteWrite(Box<RemoteWriteSettings>),
    /// Sends data points to an OTLP receiver.
    Otlp(Box<OtlpSettings>),
    /// Writes jobs to a file.
    File(FileSettings),
}

impl OutputSettings {
    pub(crate) fn config(&self) -> &dyn OutputConfig {
        match self {
            Self::Pushgateway(gateway) => &**gateway,
            Self::Scrape(scrape) => &**scrape,
            Self::RemoteWrite(remote) => &**remote,
            Self::Otlp(otlp) => &**otlp,
            Self::File(file) => file,
        }
    }

    /// The settings, if each run has the output for itself.
    pub(crate) fn of_run(&self) -> Option<&dyn RunOutputConfig> {
        match self {
            Self::Pushgateway(gateway) => Some(&**gateway),
            Self::RemoteWrite(remote) => Some(&**remote),
            Self::Otlp(otlp) => Some(&**otlp),
            Self::Scrape(_) | Self::File(_) => None,
        }
    }

    /// The settings, if all runs of the process share the output.
    pub(crate) fn shared(&self) -> Option<&dyn SharedOutputConfig> {
        match self {
            Self::Scrape(scrape) => Some(&**scrape),
            Self::File(file) => Some(file),
            Self::Pushgateway(_) | Self::RemoteWrite(_) | Self::Otlp(_) => None,
        }
    }

    /// The kind, as `--output` names it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.config().kind()
    }

    /// `true` if it sends samples, not jobs.
    pub(crate) fn sends_samples(&self) -> bool {
        self.config().sends_samples()
    }

    /// The server or file, without secrets.
    #[must_use]
    pub fn target(&self) -> String {
        self.config().target()
    }

    /// `KIND=TARGET`: the output's name in logs and in promemu's own metrics. Unique in a run.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}={}", self.kind(), self.target())
    }

    /// `true` if the last values stay there when the run is over.
    #[must_use]
    pub fn leaves_last_values(&self) -> bool {
        self.config().leaves_last_values()
    }

    /// `true` if it writes to standard output.
    #[must_use]
    pub fn is_stdout(&self) -> bool {
        matches!(self, Self::File(file) if file.path == Path::new("-"))
    }

    /// `true` for the page that a config asks for.
    #[must_use]
    pub fn is_of_config(&self) -> bool {
        matches!(self, Self::Scrape(page) if page.may_move)
    }

    /// The Pushgateway, if it is one.
    #[must_use]
    pub fn gateway(&self) -> Option<&GatewaySettings> {
        if let Self::Pushgateway(gateway) = self { Some(gateway) } else { None }
    }
}
