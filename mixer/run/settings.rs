//! Settings of a run, beside its plan.

use promemu_core::time::Span;

use crate::outputs::OutputSettings;
use crate::outputs::pushgateway::GatewayUrl;

/// What a run is asked for, beside its plan.
#[derive(Clone, Debug)]
pub struct RunSettings {
    /// Where the jobs go.
    pub outputs: Vec<OutputSettings>,
    /// The first Pushgateway that they are pushed to, for the status.
    pub pushgateway_url: Option<GatewayUrl>,
    /// The time between two rounds of an output that pushes.
    pub push_interval: Span,
    /// How often to report the status; never if `None`.
    pub status_interval: Option<Span>,
    /// Whether the status lists the hosts.
    pub shows_hosts: bool,
    /// Whether it lists their metrics.
    pub shows_metrics: bool,
    /// The seed of all randomness.
    pub seed: u64,
    /// The run ends after so much emulated time, or when all hosts are over.
    pub duration: Span,
    /// A listener for promemu's own metrics, `HOST:PORT`; none if `None`.
    pub self_metrics_address: Option<String>,
}
