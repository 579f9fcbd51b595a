//! `MetricsMixer`: one run, from start-up clean-up to finish clean-up.
//!
//! Its loop waits for whatever comes first: the end of a host, a reload, a command, the next status report, the end of
//! the duration, shutdown. It alone changes the fleet, so commands and reloads never meet. A reload goes from one fleet
//! to the next; the outputs go on with the new jobs once their series are there.

#[cfg(test)]
mod tests;

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tracing::{error, info};

use promemu_core::error::Error;
use promemu_core::event::RUN_STARTED;
use promemu_core::host::DrivenHost;
use promemu_core::plan::{Changes, Plan};
use promemu_core::rng::Seed;
use promemu_core::time::Time;

use crate::clock::{Clock, sleep_until};
use crate::fleet::Fleet;
use crate::fleet::runner::FleetRunner;
use crate::handle::{Request, RunHandle};
use crate::outputs::OutputSettings;
use crate::outputs::output_set::Outputs;
use crate::outputs::self_page::SelfPage;
use crate::self_metrics::SelfMetrics;
use crate::settings::RunSettings;
use crate::status::Status;

/// A run: its hosts, jobs and outputs.
#[derive(Debug)]
pub struct MetricsMixer {
    fleet: Arc<Fleet>,
    settings: RunSettings,
    own: Arc<SelfMetrics>,
    self_page: Option<SelfPage>,
    outputs: Outputs,
    /// The hosts as they come out of the history, if there is one.
    history: Option<Vec<DrivenHost>>,
    fleets: watch::Sender<Arc<Fleet>>,
    requests: mpsc::Receiver<Request>,
    handle: RunHandle,
}

impl MetricsMixer {
    /// Prepares a run: contacts the gateways and binds the addresses to serve at. Hosts do not run yet.
    ///
    /// Fails if an address is taken, or a server must answer first and does not.
    pub async fn start(plan: Plan, settings: RunSettings, clock: Clock) -> Result<Self, Error> {
        let own = Arc::new(SelfMetrics::new()?);
        let fleet = Arc::new(Fleet::new(plan, clock, own.tally().clone()));
        let self_page = match &settings.self_metrics_address {
            Some(address) => Some(SelfPage::bind(address, Arc::clone(&own)).await?),
            None => None,
        };
        let outputs = Outputs::open(&fleet, &settings, &own).await?;
        let (fleets, newest) = watch::channel(Arc::clone(&fleet));
        let (handle, requests) = RunHandle::new(newest, &settings, outputs.healths(), Arc::clone(&own));
        Ok(Self { fleet, settings, own, self_page, outputs, history: None, fleets, requests, handle })
    }

    /// The same run, which continues these hosts: one for each host of the plan, in its order.
    #[must_use]
    pub fn with_history(self, hosts: Vec<DrivenHost>) -> Self {
        Self { history: Some(hosts), ..self }
    }

    /// A handle for views and commands of the run.
    #[must_use]
    pub fn handle(&self) -> RunHandle {
        self.handle.clone()
    }

    /// Address at which the jobs can be scraped, if they are served.
    #[must_use]
    pub fn scrape_address(&self) -> Option<SocketAddr> {
        self.outputs.scrape_address()
    }

    /// For each output a sentence that says where the jobs go.
    #[must_use]
    pub fn destinations(&self) -> Vec<String> {
        self.outputs.destinations(self.settings.push_interval)
    }

    /// Address at which promemu's own metrics can be scraped, if they have a listener of their own.
    #[must_use]
    pub fn self_metrics_address(&self) -> Option<SocketAddr> {
        self.self_page.as_ref().map(SelfPage::address)
    }

    /// The run's status now.
    #[must_use]
    pub fn status(&self) -> Status {
        self.fleet.status(&self.settings, self.outputs.healths().statuses(self.fleet.clock().real().now()))
    }

    /// Runs until all hosts have ended, the duration is over or `shutdown` comes, then cleans up.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> Result<(), Error> {
        let (_, no_reloads) = mpsc::channel(1);
        self.run_with_reloads(shutdown, no_reloads).await
    }

    /// Like [`Self::run`], and goes on with each plan that comes. Hosts that are equal in both plans run on as they are;
    /// those that differ end and start anew; the others end or start. The new plan's defaults are ignored.
    pub async fn run_with_reloads(
        self,
        shutdown: impl Future<Output = ()> + Send,
        mut reloads: mpsc::Receiver<Plan>,
    ) -> Result<(), Error> {
        let Self { fleet, settings, own, self_page, outputs, history, fleets, mut requests, handle: _ } =
            self;
        let (clock, real) = (*fleet.clock(), fleet.clock().real());
        let ends_at = clock.now() + settings.duration;
        // Hosts count their start from the same moment as the event.
        let start = if history.is_none() { fleet.publish_own(RUN_STARTED) } else { clock.now() };
        let healths = outputs.healths();
        let (stop, stopped) = watch::channel(false);
        let newest = fleets.subscribe();
        register_fleet_metrics(&own, &newest)?;
        let mut servers = JoinSet::new();
        servers.extend(self_page.map(SelfPage::serve));
        let mut output_tasks = outputs.spawn(&newest, settings.push_interval, &stopped);
        let mut runner = FleetRunner::start(fleet, Seed::new(settings.seed), start, history);
        let mut next_status = settings.status_interval.map(|interval| real.now() + interval);
        tokio::pin!(shutdown);
        loop {
            if runner.is_over() {
                info!("all hosts have ended");
                break;
            }
            tokio::select! {
                () = &mut shutdown => {
                    info!(hosts = runner.fleet().active_hosts(), "stopping: hosts are asked to end");
                    break;
                }
                _ = runner.has_host_ended(), if !runner.is_empty() => {}
                () = sleep_until(&clock, ends_at) => {
                    info!(duration = %settings.duration, "the run's duration is over");
                    break;
                }
                Some(plan) = reloads.recv() => {
                    let changes = runner.replace(plan).await;
                    fleets.send_replace(Arc::clone(runner.fleet()));
                    let Changes { new, gone, changed, .. } = changes;
                    info!(kept = changes.kept_count(), new, gone, changed, "config reloaded");
                }
                Some(request) = requests.recv() => request.carry_out(&mut runner, &fleets).await,
                Some(ended) = output_tasks.join_next() => {
                    let outcome = joined(ended);
                    if output_tasks.is_empty() {
                        // A run without any output would be for nothing.
                        runner.end().await;
                        return outcome;
                    }
                    if let Err(problem) = outcome {
                        error!(error = %problem, "an output has ended; the run goes on with the others");
                    }
                }
                () = sleep_until(&real, next_status.unwrap_or(Time::NEVER)) => {
                    report(&runner.fleet().status(&settings, healths.statuses(real.now())));
                    next_status = settings.status_interval.map(|interval| real.now() + interval);
                }
            }
        }
        stop.send_replace(true);
        end(runner, output_tasks, &settings).await
    }
}

/// Ends the hosts and waits for the outputs, which have been asked to stop.
async fn end(
    mut runner: FleetRunner,
    mut output_tasks: JoinSet<()>,
    settings: &RunSettings,
) -> Result<(), Error> {
    // Hosts that end take their series along. Outputs that leave last values behind end before them.
    let outputs_first = settings.outputs.iter().any(OutputSettings::leaves_last_values);
    if !outputs_first {
        runner.end().await;
    }
    let mut outcome = Ok(());
    while let Some(ended) = output_tasks.join_next().await {
        outcome = outcome.and(joined(ended));
    }
    if outputs_first {
        runner.end().await;
    }
    outcome
}

/// Registers the own metrics that are read from the newest fleet.
fn register_fleet_metrics(own: &SelfMetrics, newest: &watch::Receiver<Arc<Fleet>>) -> Result<(), Error> {
    let reading = |read: fn(&Fleet) -> usize| {
        let newest = newest.clone();
        move || {
            let fleet = Arc::clone(&newest.borrow());
            read(&fleet)
        }
    };
    own.add_fleet(reading(Fleet::series_count), reading(Fleet::active_hosts))
}

fn joined(ended: Result<(), tokio::task::JoinError>) -> Result<(), Error> {
    ended.map_err(|problem| Error::Run(format!("an output ended by a bug: {problem}")))
}

/// Logs the status in one line, and writes the whole of it to standard error for programs.
fn report(status: &Status) {
    info!("status: {}", status.line());
    // A reader that has gone needs no report.
    let _is_written = writeln!(std::io::stderr(), "{}", status.json()).is_ok();
}
