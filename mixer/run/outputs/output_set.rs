//! All outputs of a run. Each has a task of its own and shares nothing with the others but the jobs, so none slows
//! another.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::Instrument;

use super::health::Health;
use super::output::{Output, OutputContext};
use super::rounds::Rounds;
use super::settings::OutputSettings;
use super::shared::Admission;
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
    /// Opens the outputs that the run has for itself, joins those that all runs share, and makes the first contact with
    /// servers. Of a shared output the settings are the process' own, as a config may name another address.
    pub(crate) async fn open(
        fleet: &Fleet,
        settings: &RunSettings,
        own: &Arc<SelfMetrics>,
        admission: &Admission,
    ) -> Result<Self, Error> {
        let jobs = fleet.jobs();
        let mut all = Vec::new();
        let mut shared = admission.shared().iter();
        for output in &settings.outputs {
            let context = |output: &OutputSettings| OutputContext {
                name: output.name(),
                run: Arc::clone(admission.run()),
                config: &fleet.plan().config,
                jobs: &jobs,
                clock: *fleet.clock(),
                own,
                leftovers: admission.leftovers(),
            };
            if let Some(config) = output.of_run() {
                all.push((output.clone(), config.open(&context(output))?));
            } else {
                let unopened =
                    || Error::Run(format!("output {} is not open because of a bug", output.name()));
                let (output, joined) = shared.next().ok_or_else(unopened)?;
                all.push((output.clone(), Arc::clone(joined).join(&context(output))));
            }
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
            let rounds = Rounds { fleets, interval, stopped, emits_pushed: index == 0 };
            // Its log lines name the run, where there may be several.
            tasks.spawn(output.drive(rounds).in_current_span());
        }
        tasks
    }
}

impl Healths {
    /// Waits until each output has shown the present values, or will leave them behind, or the time is over.
    pub(crate) async fn shown_again(&self, patience: Duration) {
        let shown = async {
            for (settings, health) in &self.0 {
                if !settings.leaves_last_values() {
                    health.shown_again().await;
                }
            }
        };
        // Nobody may read or take them any more.
        let _is_shown = timeout(patience, shown).await.is_ok();
    }

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
