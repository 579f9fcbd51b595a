//! `MetricsMixer`: the live driver.
//!
//! Owns a run from start-up clean-up to finish clean-up: a tokio task per host, the event bus between
//! them, the push loop, the status. A host's task sleeps until something is due or an event comes, lets the
//! time pass that was due (not the late one it woke at), and hands its report to its job. A failing push
//! never stops a host, a failing scenario never stops its host, a failing host never stops the mixer.

mod hosts;

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{error, info};

use crate::clock::{Clock, Span, Time};
use crate::error::Error;
use crate::event::{METRICS_PUSHED, RUN_FINISHED, RUN_STARTED};
use crate::host::{EmulatedHost, START_SPREAD};
use crate::plan::Plan;
use crate::rng::Seed;
use crate::sink::pushgateway::{GatewayUrl, PushSettings, PushgatewayClient, PushgatewaySink, RunInfo};
use crate::sink::scrape::ScrapeSink;
use crate::sink::{Health, Job};
use crate::status::{Status, plural};
use hosts::Fleet;

/// How long a push that is under way at the end may take before it is dropped.
const LAST_PUSH: Duration = Duration::from_secs(3);

/// The first push comes so soon at the latest, when all hosts have begun.
const FIRST_PUSH: Span = Span::from_nanos(START_SPREAD.as_nanos() + 200_000_000);

/// What a run is asked for, beside its plan.
#[derive(Clone, Debug)]
pub struct RunSettings {
    /// Where to push, or where to listen when `embedded`.
    pub pushgateway_url: GatewayUrl,
    /// How long one push may take.
    pub push_timeout: Duration,
    /// How to push.
    pub push: PushSettings,
    /// Whether to serve the jobs instead of pushing them.
    pub embedded: bool,
    /// How often to report the status; never if `None`.
    pub status_interval: Option<Span>,
    /// Whether the status lists the hosts.
    pub shows_hosts: bool,
    /// Whether it lists their metrics.
    pub shows_metrics: bool,
    /// The seed of all randomness.
    pub seed: u64,
}

/// A run: jobs, hosts, bus and sink.
#[derive(Debug)]
pub struct MetricsMixer {
    fleet: Arc<Fleet>,
    settings: RunSettings,
    output: Output,
}

/// Where the jobs go.
#[derive(Debug)]
enum Output {
    Pushgateway(Box<PushgatewaySink>),
    Embedded(ScrapeSink),
}

impl Output {
    fn health(&self) -> &Arc<Health> {
        match self {
            Self::Pushgateway(sink) => sink.health(),
            Self::Embedded(sink) => sink.health(),
        }
    }
}

impl MetricsMixer {
    /// Prepares a run: looks at the gateway, or takes the address to serve at. Hosts do not run yet.
    pub async fn start(plan: Plan, settings: RunSettings, clock: Clock) -> Result<Self, Error> {
        let jobs: Arc<[Arc<Job>]> =
            plan.jobs.iter().map(|job| Arc::new(Job::new(Arc::clone(&job.name), plan.store(job)))).collect();
        let output = if settings.embedded {
            Output::Embedded(ScrapeSink::bind(&settings.pushgateway_url, &jobs).await?)
        } else {
            let client = PushgatewayClient::new(settings.pushgateway_url.clone(), settings.push_timeout)?;
            let owner = RunInfo::new(&plan.config, settings.push.interval);
            let mut sink = PushgatewaySink::new(client, &jobs, owner, settings.push.clone(), clock);
            sink.start().await?;
            Output::Pushgateway(Box::new(sink))
        };
        let fleet = Arc::new(Fleet::new(plan, jobs, clock));
        Ok(Self { fleet, settings, output })
    }

    /// Where the jobs can be scraped, if they are served.
    #[must_use]
    pub fn scrape_address(&self) -> Option<std::net::SocketAddr> {
        match &self.output {
            Output::Embedded(sink) => Some(sink.address()),
            Output::Pushgateway(_) => None,
        }
    }

    /// What the run is doing now.
    #[must_use]
    pub fn status(&self) -> Status {
        self.fleet.status(&self.settings, self.output.health().status(self.fleet.clock().now()))
    }

    /// Runs until all hosts have ended or `shutdown` comes; cleans up.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> Result<(), Error> {
        let Self { fleet, settings, output } = self;
        fleet.publish_own(RUN_STARTED);
        let mut hosts = spawn_hosts(&fleet, settings.seed);
        let health = Arc::clone(output.health());
        let (stop, stopped) = watch::channel(false);
        let mut sink =
            tokio::spawn(drive_output(output, Arc::clone(&fleet), settings.push.interval, stopped));
        let mut next_status = settings.status_interval.map(|interval| fleet.clock().now() + interval);
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => {
                    let hosts = plural(fleet.active_hosts(), "host is", "hosts are");
                    info!("stopping: {hosts} asked to end; a second signal ends promemu at once");
                    break;
                }
                ended = hosts.join_next() => match ended {
                    None => {
                        info!("all hosts have ended");
                        break;
                    }
                    Some(Err(problem)) => error!("a host's task ended by a bug, the others go on: {problem}"),
                    Some(Ok(())) => {}
                },
                ended = &mut sink => {
                    // Without its output the run would be for nothing.
                    end_hosts(&fleet, &mut hosts).await;
                    return joined(ended);
                }
                () = sleep_until(fleet.clock(), next_status.unwrap_or(Time::NEVER)) => {
                    report(&fleet.status(&settings, health.status(fleet.clock().now())));
                    next_status = settings.status_interval.map(|interval| fleet.clock().now() + interval);
                }
            }
        }
        stop.send_replace(true);
        if settings.push.cleanup_on_finish {
            end_hosts(&fleet, &mut hosts).await;
            joined(sink.await)
        } else {
            // The groups that stay are to have the hosts' last values, so the sink ends first.
            let outcome = joined(sink.await);
            end_hosts(&fleet, &mut hosts).await;
            outcome
        }
    }
}

async fn end_hosts(fleet: &Fleet, hosts: &mut JoinSet<()>) {
    fleet.stop();
    while hosts.join_next().await.is_some() {}
    fleet.publish_own(RUN_FINISHED);
}

fn spawn_hosts(fleet: &Arc<Fleet>, seed: u64) -> JoinSet<()> {
    let run_start = fleet.clock().now();
    let seed = Seed::new(seed);
    let mut tasks = JoinSet::new();
    for (id, plan) in (0..).zip(fleet.host_plans()) {
        let host = EmulatedHost::new(Arc::clone(plan), seed, run_start);
        tasks.spawn(hosts::live(Arc::clone(fleet), id, host));
    }
    tasks
}

fn joined(ended: Result<Result<(), Error>, tokio::task::JoinError>) -> Result<(), Error> {
    ended.unwrap_or_else(|problem| Err(Error::Run(format!("the push loop ended by a bug: {problem}"))))
}

/// Pushes, or serves, until `stopped`; then ends what is under way and cleans up.
async fn drive_output(
    output: Output,
    fleet: Arc<Fleet>,
    interval: Span,
    mut stopped: watch::Receiver<bool>,
) -> Result<(), Error> {
    match output {
        Output::Pushgateway(mut sink) => {
            push_until_stopped(&mut sink, &fleet, interval, stopped).await;
            sink.finish().await;
            Ok(())
        }
        Output::Embedded(sink) => {
            let (publisher, serving) = sink.serve();
            tokio::pin!(serving);
            loop {
                tokio::select! {
                    outcome = &mut serving => return outcome,
                    () = tokio::time::sleep(interval.duration()) => {
                        if publisher.publish() {
                            fleet.publish_own(METRICS_PUSHED);
                        }
                    }
                    _ = stopped.changed() => return Ok(()),
                }
            }
        }
    }
}

async fn push_until_stopped(
    sink: &mut PushgatewaySink,
    fleet: &Fleet,
    interval: Span,
    mut stopped: watch::Receiver<bool>,
) {
    let clock = fleet.clock();
    let mut next_round = clock.now() + interval.min(FIRST_PUSH);
    loop {
        tokio::select! {
            () = sleep_until(clock, next_round) => {}
            _ = stopped.changed() => break,
        }
        let pushed = {
            let mut round = std::pin::pin!(sink.round());
            tokio::select! {
                pushed = &mut round => pushed,
                _ = stopped.changed() => {
                    // A push that is dropped half-way may still arrive, after its group was deleted.
                    let _is_cut_off = tokio::time::timeout(LAST_PUSH, round).await.is_err();
                    break;
                }
            }
        };
        if pushed > 0 {
            fleet.publish_own(METRICS_PUSHED);
        }
        // Rounds keep their rhythm; those that a slow gateway swallowed are left out.
        while next_round <= clock.now() {
            next_round += interval;
        }
        if let Some(retry_at) = sink.retry_at() {
            next_round = next_round.min(retry_at.max(clock.now()));
        }
    }
    if !sink.cleans_up() {
        let _cut_off = tokio::time::timeout(LAST_PUSH, sink.round()).await.is_err();
    }
}

async fn sleep_until(clock: &Clock, time: Time) {
    tokio::time::sleep_until(clock.instant_of(time).into()).await;
}

/// A line for people, and the report for programs.
fn report(status: &Status) {
    info!("status: {}", status.line());
    // Nobody reads it any more if it cannot be written.
    let _is_written = writeln!(std::io::stderr(), "{}", status.json()).is_ok();
}
