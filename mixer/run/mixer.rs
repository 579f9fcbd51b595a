//! `MetricsMixer`: the live driver.
//!
//! Owns a run from start-up clean-up to finish clean-up: a tokio task per host, the event bus between
//! them, the outputs, the status. A host's task sleeps until something is due or an event comes, lets the
//! time pass that was due (not the late one it woke at), and hands its report to its job. A failing push
//! never stops a host, a failing scenario never stops its host, a failing host never stops the mixer.
//!
//! A plan's hosts and what is between them are a [`FleetRunner`]. A run that is reloaded goes from one to the
//! next: hosts that did not change come out of their tasks alive, and the sink goes on with the new jobs
//! when their series are there.

#[cfg(test)]
mod tests;

use std::io::Write;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tracing::{error, info};

use crate::clock::Clock;
use crate::clock::sleep_until;
use crate::outputs::OutputSettings;
use crate::self_metrics::SelfMetrics;
use promemu_core::error::Error;
use promemu_core::event::RUN_STARTED;
use promemu_core::host::DrivenHost;
use promemu_core::plan::Plan;
use promemu_core::rng::Seed;
use promemu_core::time::Time;

use crate::fleet::Fleet;
use crate::fleet::runner::FleetRunner;
use crate::handle::{Request, RunHandle};
use crate::outputs::output_set::Outputs;
use crate::outputs::self_page::SelfPage;
use crate::settings::RunSettings;
use crate::status::Status;
use promemu_core::plural::plural;

/// A run: jobs, hosts, bus and sink.
#[derive(Debug)]
pub struct MetricsMixer {
    fleet: Arc<Fleet>,
    settings: RunSettings,
    own: Arc<SelfMetrics>,
    self_page: Option<SelfPage>,
    outputs: Outputs,
    /// The hosts as they come out of the past, if they have one.
    past: Option<Vec<DrivenHost>>,
    fleets: watch::Sender<Arc<Fleet>>,
    requests: mpsc::Receiver<Request>,
    remote: RunHandle,
}

impl MetricsMixer {
    /// Prepares a run: looks at the gateways, and takes the addresses to serve at. Hosts do not run yet.
    pub async fn start(plan: Plan, settings: RunSettings, clock: Clock) -> Result<Self, Error> {
        let own = Arc::new(SelfMetrics::new()?);
        let fleet = Arc::new(Fleet::new(plan, clock, own.tally().clone()));
        let self_page = match &settings.self_metrics_address {
            Some(address) => Some(SelfPage::bind(address, Arc::clone(&own)).await?),
            None => None,
        };
        let outputs = Outputs::open(&fleet, &settings, &own).await?;
        let (fleets, newest) = watch::channel(Arc::clone(&fleet));
        let (remote, requests) = RunHandle::new(newest, &settings, outputs.healths(), Arc::clone(&own));
        Ok(Self { fleet, settings, own, self_page, outputs, past: None, fleets, requests, remote })
    }

    /// The same, with hosts that have lived before: one for each of the plan, in its order.
    #[must_use]
    pub fn with_past(self, hosts: Vec<DrivenHost>) -> Self {
        Self { past: Some(hosts), ..self }
    }

    /// A handle to look at the run and to steer it, from now on.
    #[must_use]
    pub fn remote(&self) -> RunHandle {
        self.remote.clone()
    }

    /// Where the jobs can be scraped, if they are served.
    #[must_use]
    pub fn scrape_address(&self) -> Option<std::net::SocketAddr> {
        self.outputs.scrape_address()
    }

    /// For each output, where the jobs go, in words.
    #[must_use]
    pub fn destinations(&self) -> Vec<String> {
        self.outputs.destinations(self.settings.push_interval)
    }

    /// Where promemu's own metrics can be scraped, if they have a listener of their own.
    #[must_use]
    pub fn self_metrics_address(&self) -> Option<std::net::SocketAddr> {
        self.self_page.as_ref().map(SelfPage::address)
    }

    /// What the run is doing now.
    #[must_use]
    pub fn status(&self) -> Status {
        self.fleet.status(&self.settings, self.outputs.healths().statuses(self.fleet.clock().real().now()))
    }

    /// Runs until all hosts have ended, the duration is over or `shutdown` comes; cleans up.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> Result<(), Error> {
        let (_, no_reloads) = mpsc::channel(1);
        self.run_with_reloads(shutdown, no_reloads).await
    }

    /// Like [`Self::run`], and goes on with each plan that comes. Hosts that are equal in both plans live on
    /// as they are; those that are different end and start anew; the others come or go. Of the plan's
    /// defaults nothing is taken over.
    pub async fn run_with_reloads(
        self,
        shutdown: impl Future<Output = ()> + Send,
        mut reloads: mpsc::Receiver<Plan>,
    ) -> Result<(), Error> {
        let Self { fleet, settings, own, self_page, outputs, past, fleets, mut requests, remote: _ } = self;
        let (clock, real) = (*fleet.clock(), fleet.clock().real());
        let ends_at = clock.now() + settings.duration;
        // Hosts count their start from the same moment as the event.
        let start = if past.is_none() { fleet.publish_own(RUN_STARTED) } else { clock.now() };
        let healths = outputs.healths();
        let (stop, stopped) = watch::channel(false);
        let newest = fleets.subscribe();
        show_fleet(&own, &newest)?;
        let mut servers = JoinSet::new();
        servers.extend(self_page.map(SelfPage::serve));
        let mut sinks = outputs.spawn(&newest, settings.push_interval, &stopped);
        let mut generation = FleetRunner::start(fleet, Seed::new(settings.seed), start, past);
        let mut next_status = settings.status_interval.map(|interval| real.now() + interval);
        tokio::pin!(shutdown);
        loop {
            if generation.is_over() {
                info!("all hosts have ended");
                break;
            }
            tokio::select! {
                () = &mut shutdown => {
                    let hosts = plural(generation.fleet().active_hosts(), "host is", "hosts are");
                    info!("stopping: {hosts} asked to end");
                    break;
                }
                _ = generation.has_host_ended(), if !generation.is_empty() => {}
                () = sleep_until(&clock, ends_at) => {
                    info!("the run's duration, {}, is over", settings.duration);
                    break;
                }
                Some(plan) = reloads.recv() => {
                    let changes = generation.replace(plan).await;
                    fleets.send_replace(Arc::clone(generation.fleet()));
                    info!("the config was reloaded: {changes}");
                }
                Some(request) = requests.recv() => request.carry_out(&mut generation, &fleets).await,
                Some(ended) = sinks.join_next() => {
                    let outcome = joined(ended);
                    if sinks.is_empty() {
                        // Without any output the run would be for nothing.
                        generation.end().await;
                        return outcome;
                    }
                    if let Err(problem) = outcome {
                        error!("an output has ended, the run goes on with the others: {problem}");
                    }
                }
                () = sleep_until(&real, next_status.unwrap_or(Time::NEVER)) => {
                    report(&generation.fleet().status(&settings, healths.statuses(real.now())));
                    next_status = settings.status_interval.map(|interval| real.now() + interval);
                }
            }
        }
        stop.send_replace(true);
        end(generation, sinks, &settings).await
    }
}

/// Ends the hosts and waits for the sinks, which have been told to stop.
async fn end(
    mut generation: FleetRunner,
    mut sinks: JoinSet<()>,
    settings: &RunSettings,
) -> Result<(), Error> {
    // What stays is to have the hosts' last values, so the sinks end first.
    let sinks_first = settings.outputs.iter().any(OutputSettings::leaves_last_values);
    if !sinks_first {
        generation.end().await;
    }
    let mut outcome = Ok(());
    while let Some(ended) = sinks.join_next().await {
        outcome = outcome.and(joined(ended));
    }
    if sinks_first {
        generation.end().await;
    }
    outcome
}

/// Adds to promemu's own metrics what is to be seen of the newest fleet.
fn show_fleet(own: &SelfMetrics, newest: &watch::Receiver<Arc<Fleet>>) -> Result<(), Error> {
    let looking = |look: fn(&Fleet) -> usize| {
        let newest = newest.clone();
        move || {
            let fleet = Arc::clone(&newest.borrow());
            look(&fleet)
        }
    };
    own.add_fleet(looking(Fleet::series_count), looking(Fleet::active_hosts))
}

fn joined(ended: Result<(), tokio::task::JoinError>) -> Result<(), Error> {
    ended.map_err(|problem| Error::Run(format!("an output ended by a bug: {problem}")))
}

/// A line for people, and the report for programs.
fn report(status: &Status) {
    info!("status: {}", status.line());
    // Nobody reads it any more if it cannot be written.
    let _is_written = writeln!(std::io::stderr(), "{}", status.json()).is_ok();
}
