//! Settings of a run, beside its plan. They are checked before they get here.

use std::path::PathBuf;

use promemu_core::time::Span;

use crate::outputs::OutputSettings;
use crate::outputs::pushgateway::GatewayUrl;

/// Settings of a run, beside its plan.
#[derive(Clone, Debug)]
pub struct RunSettings {
    /// Outputs that get the jobs.
    pub outputs: Vec<OutputSettings>,
    /// URL of the first Pushgateway, for the status.
    pub pushgateway_url: Option<GatewayUrl>,
    /// Time between two rounds of an output that pushes.
    pub push_interval: Span,
    /// Time between two status reports; `None` for no reports.
    pub status_interval: Option<Span>,
    /// `true` if the whole status is written as JSON, for programs, beside the line for people.
    pub status_json: bool,
    /// `true` if the status lists the hosts.
    pub shows_hosts: bool,
    /// `true` if the status lists the hosts' metrics.
    pub shows_metrics: bool,
    /// Seed of all randomness.
    pub seed: u64,
    /// Emulated time after which the run ends, if hosts still run then.
    pub duration: Span,
    /// The file that gets the ground truth; `None` for none.
    pub truth: Option<PathBuf>,
}

impl RunSettings {
    /// Settings without outputs and without an end.
    #[must_use]
    pub fn without_outputs(seed: u64) -> Self {
        Self {
            outputs: Vec::new(),
            pushgateway_url: None,
            push_interval: Span::from_secs(15),
            status_interval: None,
            status_json: false,
            shows_hosts: false,
            shows_metrics: false,
            seed,
            duration: Span::FOREVER,
            truth: None,
        }
    }
}
