//! All outputs of a run. Each has a task of its own and shares nothing with the others but the jobs, so none slows
//! another.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::health::Health;
use super::output::{Output, OutputContext};
use super::rounds::Rounds;
use super::settings::OutputSettings;
use crate::fleet::Fleet;
use crate::self_metrics::SelfMetrics;
use crate::settings::RunSettings;
use crate::status::OutputStatus;
use promemu_core::error::Error;
use promemu_core::time::{Span, Time};

/// Time limit of one output's first contact in a run that has other outputs.
const FIRST_CONTACT: Duration = Duration::from_secs(5);

/// All outputs of a run.
#[derive(Debug)]
pub(crate) struct Outputs(Vec<(OutputSettings, Box<dyn Output>)>);

/// Health of all outputs, while these are at work.
#[derive(Debug, Default)]
pub(crate) struct Healths(Vec<(OutputSettings, Arc<Health>)>);

impl Outputs {
    /// Opens all outputs, and makes the first contact with their servers.
    pub(crate) async fn open(
        fleet: &Fleet,
        settings: &RunSettings,
        own: &Arc<SelfMetrics>,
    ) -> Result<Self, Error> {
        let jobs = fleet.jobs();
        let mut all = Vec::new();
        for output in &settings.outputs {
            let context = OutputContext {
                name: output.name(),
                config: &fleet.plan().config,
                jobs: &jobs,
                clock: *fleet.clock(),
                own,
            };
            all.push((output.clone(), output.config().open(&context).await?));
        }
        // Nothing is sent before all are open.
        let patience = if all.len() > 1 { FIRST_CONTACT } else { Duration::MAX };
        for (_, output) in &mut all {
            output.start(patience).await?;
        }
        Ok(Self(all))
    }

    pub(crate) fn healths(&self) -> Healths {
        Healths(
            self.0.iter().map(|(settings, output)| (settings.clone(), Arc::clone(output.health()))).collect(),
        )
    }

    /// The address where the jobs can be scraped, if they are served.
    pub(crate) fn scrape_address(&self) -> Option<SocketAddr> {
        self.0.iter().find_map(|(_, output)| output.scrape_address())
    }

    /// For each output, where the jobs go.
    pub(crate) fn destinations(&self, interval: Span) -> Vec<String> {
        self.0.iter().map(|(_, output)| output.destination(interval)).collect()
    }

    /// Starts the task of each output. Only the first output emits the event of a push, so hosts get one event per
    /// round.
    pub(crate) fn spawn(
        self,
        fleets: &watch::Receiver<Arc<Fleet>>,
        interval: Span,
        stopped: &watch::Receiver<bool>,
    ) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        for (index, (_, output)) in self.0.into_iter().enumerate() {
            let (fleets, stopped) = (fleets.clone(), stopped.clone());
            tasks.spawn(output.drive(Rounds { fleets, interval, stopped, emits_pushed: index == 0 }));
        }
        tasks
    }
}

impl Healths {
    /// The status of each output, with the name of its series in promemu's own metrics.
    pub(crate) fn named(&self, at: Time) -> Vec<(String, OutputStatus)> {
        self.0.iter().map(|(settings, _)| settings.name()).zip(self.statuses(at)).collect()
    }

    /// The status of each output at this time.
    pub(crate) fn statuses(&self, at: Time) -> Vec<OutputStatus> {
        let status = |(settings, health): &(OutputSettings, Arc<Health>)| OutputStatus {
            kind: settings.kind(),
            sends_samples: settings.sends_samples(),
            target: settings.target(),
            health: health.status(at),
        };
        self.0.iter().map(status).collect()
    }
}
