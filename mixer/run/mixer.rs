//! `MetricsMixer`: the jobs, hosts and outputs of one run, from start-up clean-up to finish clean-up.
//!
//! Its loop waits for whatever comes first: the end of a host, a reload, a command, the next status report, the end of
//! the duration, a stop. It alone changes the fleet, so commands and reloads never meet. A reload goes from one fleet
//! to the next; the outputs go on with the new jobs once their series are there.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinSet, yield_now};
use tracing::{error, info};

use promemu_core::error::Error;
use promemu_core::event::RUN_STARTED;
use promemu_core::plan::{Changes, EffectsPlan, Plan, Shard};
use promemu_core::rng::Seed;
use promemu_core::time::{Span, Time};
use promemu_core::timeline::{records_cut_at, records_ending_at, records_replaced};

use crate::clock::{Clock, sleep_until};
use crate::effects::Effects;
use crate::effects::outcome::{self, OutcomeTally};
use crate::event_tap::EventTap;
use crate::fleet::Fleet;
use crate::fleet::runner::FleetRunner;
use crate::handle::{CommandLog, Request, RunHandle};
use crate::history::Past;
use crate::log_queue;
use crate::outputs::OutputSettings;
use crate::outputs::output_set::{Healths, Outputs};
use crate::outputs::shared::Admission;
use crate::printable::printable;
use crate::report::EndReason;
use crate::self_metrics::SelfMetrics;
use crate::settings::RunSettings;
use crate::status::Status;
use crate::stop_flag::StopFlag;
use crate::threads;
use crate::transport::{LiveBus, ShardPart};
use crate::truth_file::TruthFile;

/// Time for which a run with effects waits at its end until its outcome is read: a usual interval of scrapes.
const LAST_READ_PATIENCE: Duration = Duration::from_secs(20);
/// The same for a run that a signal ends: whoever sends one may not wait for long.
const URGENT_PATIENCE: Duration = Duration::from_secs(5);

/// A run that is ready: its hosts, jobs and outputs.
#[derive(Debug)]
pub(crate) struct MetricsMixer {
    fleet: Arc<Fleet>,
    settings: RunSettings,
    truth: Option<TruthFile>,
    outputs: Outputs,
    /// The past that the hosts come out of, if there is one.
    past: Option<Past>,
    fleets: watch::Sender<Arc<Fleet>>,
    requests: mpsc::Receiver<Request>,
    handle: RunHandle,
    outcomes: Arc<OutcomeTally>,
    shard: Option<ShardPart>,
}

/// A run whose hosts live.
#[derive(Debug)]
pub(crate) struct LiveMixer {
    runner: FleetRunner,
    settings: RunSettings,
    clock: Clock,
    ends_at: Time,
    next_status: Time,
    /// Begins and ends of the run's phases and faults up to this moment are told.
    edges_told_to: Time,
    truth: Option<TruthFile>,
    healths: Healths,
    /// The faults that are done for real; `None` for a run that only emulates.
    effects: Option<Effects>,
    outcomes: Arc<OutcomeTally>,
    fleets: watch::Sender<Arc<Fleet>>,
    requests: mpsc::Receiver<Request>,
    command_log: CommandLog,
    output_tasks: JoinSet<()>,
    /// Becomes `true` when the outputs are to end.
    stop: watch::Sender<bool>,
    /// The shard, whose hosts alone are taken of an edited config.
    shard: Option<Shard>,
    bus: Option<LiveBus>,
}

impl MetricsMixer {
    /// Prepares a run: contacts the gateways and joins the outputs that all runs share. Hosts do not run yet.
    ///
    /// Fails if a server must answer first and does not.
    pub(crate) async fn start(
        mut plan: Plan,
        (mut past, shard): (Option<Past>, Option<ShardPart>),
        settings: RunSettings,
        clock: Clock,
        events: Arc<EventTap>,
        admission: &Admission,
    ) -> Result<Self, Error> {
        let outcomes = Arc::clone(admission.outcomes());
        outcomes.begin(&mut plan);
        let truth = settings.truth.as_deref().map(TruthFile::create).transpose()?;
        let own = admission.self_metrics()?;
        let fleet = Arc::new(Fleet::new(plan, clock, own.tally().clone(), events));
        Effects::check(&fleet)?;
        if let Some(bus) = shard.as_ref().and_then(|part| part.bus.as_ref()) {
            bus.register(&own)?;
            fleet.join_bus(bus.sender());
        }
        // A request to stop may have come while it was made.
        yield_now().await;
        let outputs = Outputs::open(&fleet, &settings, &own, admission).await?;
        let (fleets, newest) = watch::channel(Arc::clone(&fleet));
        register_fleet_metrics(&own, &newest)?;
        admission.follow(&newest);
        let recent = past.as_mut().and_then(|past| past.recent.take());
        let (handle, requests) = RunHandle::new(newest, &settings, outputs.healths(), own, recent);
        Ok(Self { fleet, settings, truth, outputs, past, fleets, requests, handle, outcomes, shard })
    }

    /// Its plan: of its shard alone, if it is one.
    pub(crate) fn plan(&self) -> &Plan {
        self.fleet.plan()
    }

    /// A handle for views and commands of the run.
    pub(crate) const fn handle(&self) -> &RunHandle {
        &self.handle
    }

    /// For each output a sentence that says where the jobs go.
    pub(crate) fn destinations(&self) -> Vec<String> {
        self.outputs.destinations(self.settings.push_interval)
    }

    /// Starts the hosts and the outputs' work; no further hosts once the run is to stop.
    pub(crate) async fn go_live(self, stop_flag: StopFlag) -> LiveMixer {
        let Self { fleet, settings, truth, outputs, mut past, fleets, requests, handle: _, outcomes, shard } =
            self;
        let clock = *fleet.clock();
        let ends_at = clock.now() + settings.duration;
        // Hosts count their start from the same moment as the event.
        let start = if past.is_none() { fleet.publish_own(RUN_STARTED) } else { clock.now() };
        // The hosts know what was up to the end of their past.
        let edges_told_to = past.as_ref().map_or(start.before(Span::from_nanos(1)), |past| past.until);
        let of_run = past.as_mut().and_then(|past| past.of_run.as_mut());
        let untold = of_run.map(|run| std::mem::take(&mut run.untold)).unwrap_or_default();
        let healths = outputs.healths();
        let (stop, stopped) = watch::channel(false);
        let output_tasks = outputs.spawn(&fleets.subscribe(), settings.push_interval, &stopped);
        let seed = Seed::new(settings.seed);
        let runner = FleetRunner::start(fleet, seed, start, past, threads::of_hosts(), stop_flag).await;
        let next_status = next_status(&settings, &clock);
        let effects = Effects::start(fleets.subscribe(), seed);
        let (shard, bus) = shard.map_or((None, None), |part| (Some(part.shard), part.bus));
        let bus = bus.map(|bus| bus.go_live(&fleets.subscribe(), edges_told_to, untold));
        LiveMixer {
            runner,
            effects,
            outcomes,
            settings,
            clock,
            ends_at,
            next_status,
            edges_told_to,
            truth,
            healths,
            fleets,
            requests,
            command_log: CommandLog::default(),
            output_tasks,
            stop,
            shard,
            bus,
        }
    }
}

impl LiveMixer {
    /// Goes on until all hosts have ended, the workload or the duration is over, or `stop` comes. Goes on with each plan that comes: hosts
    /// that are equal in both plans run on as they are; those that differ end and start anew; the others end or start. The
    /// new plan's defaults are ignored.
    ///
    /// Fails if all outputs have ended: a run without any would be for nothing.
    pub(crate) async fn until_end(
        &mut self,
        stop: impl Future<Output = EndReason> + Send,
        reloads: &mut mpsc::Receiver<Plan>,
    ) -> Result<EndReason, Error> {
        let mut stop = std::pin::pin!(stop);
        let real = self.clock.real();
        loop {
            if self.runner.is_over() {
                info!("all hosts have ended");
                return Ok(EndReason::AllHostsOver);
            }
            let fleet = Arc::clone(self.runner.fleet());
            if fleet.is_workload_over() {
                info!("the workload is over");
                return Ok(EndReason::WorkloadOver);
            }
            if fleet.is_timeline_over(self.edges_told_to) {
                info!("the timeline is over");
                return Ok(EndReason::TimelineOver);
            }
            let next_edge = fleet.next_run_edge(self.edges_told_to);
            tokio::select! {
                reason = &mut stop => {
                    info!(hosts = self.runner.fleet().active_hosts(), "stopping: hosts are asked to end");
                    return Ok(reason);
                }
                _ = self.runner.has_host_ended(), if !self.runner.is_empty() => {}
                why = failure(&mut self.effects) => return Err(Error::Run(why)),
                () = fleet.simulation().progressed() => {}
                () = sleep_until(&self.clock, self.ends_at) => {
                    info!(duration = %self.settings.duration, "the run's duration is over");
                    return Ok(EndReason::Duration);
                }
                Some(plan) = reloads.recv() => self.reload(plan).await,
                Some(request) = self.requests.recv() => {
                    request.carry_out(&mut self.runner, &self.fleets, &mut self.command_log).await;
                }
                Some(ended) = self.output_tasks.join_next() => {
                    self.settle_output(ended)?;
                    if self.output_tasks.is_empty() {
                        return Ok(EndReason::Unread);
                    }
                }
                // There may be an earlier edge now.
                () = fleet.course_changed() => self.follow_course(),
                () = sleep_until(&self.clock, next_edge) => {
                    self.tell_edges(next_edge);
                }
                () = sleep_until(&real, self.next_status) => {
                    let status = self.runner.fleet().status(&self.settings, self.healths.statuses(real.now()));
                    report(&status, self.settings.status_json);
                    self.next_status = next_status(&self.settings, &self.clock);
                }
            }
        }
    }

    /// The plan of what the run does for real.
    pub(crate) fn effects_plan(&self) -> Option<Arc<EffectsPlan>> {
        self.runner.fleet().plan().effects.clone()
    }

    /// The times of faults may have changed.
    fn follow_course(&self) {
        if let Some(effects) = &self.effects {
            effects.follow();
        }
    }

    /// Takes back what was done for real, and tells if the run has done all that it is for: its metrics show that, too.
    ///
    /// # Errors
    ///
    /// Those of the run so far, or something is left.
    pub(crate) async fn end_effects(&mut self, reason: Result<EndReason, Error>) -> Result<EndReason, Error> {
        let Some(effects) = self.effects.take() else { return reason };
        let cleaned = effects.end().await.map_err(Error::Run);
        let outcome = reason.and_then(|reason| cleaned.map(|()| reason));
        let fleet = Arc::clone(self.runner.fleet());
        let has_succeeded = outcome.is_ok() && fleet.has_passed_timeline();
        outcome::tell(&fleet, &self.outcomes, has_succeeded).await;
        let is_urgent = matches!(outcome, Ok(EndReason::Signal));
        self.healths.shown_again(if is_urgent { URGENT_PATIENCE } else { LAST_READ_PATIENCE }).await;
        outcome
    }

    /// Emits the events of begins and ends at a moment, and writes what is over.
    fn tell_edges(&mut self, at: Time) {
        let fleet = self.runner.fleet();
        fleet.tell_edges(at);
        if let Some(truth) = &mut self.truth {
            truth.write(records_ending_at(fleet.plan(), &fleet.course(), at));
        }
        self.edges_told_to = at;
    }

    async fn reload(&mut self, plan: Plan) {
        let mut plan = match self.shard {
            Some(shard) => plan.of_shard(shard),
            None => plan,
        };
        self.outcomes.begin(&mut plan);
        let old = Arc::clone(self.runner.fleet());
        let changes = self.runner.replace(plan).await;
        let (fleet, now) = (self.runner.fleet(), self.clock.now());
        self.fleets.send_replace(Arc::clone(fleet));
        fleet.tell_edges_since(old.plan(), self.edges_told_to, now);
        if let Some(truth) = &mut self.truth {
            let (plans, times) = ([old.plan(), fleet.plan()], (self.edges_told_to, now));
            truth.write(records_replaced(plans, &fleet.course(), times));
        }
        self.edges_told_to = now;
        let Changes { new, gone, changed, .. } = changes;
        fleet.note_edit(
            old.plan(),
            format!("config edited: {new} new hosts, {gone} gone, {changed} changed"),
            now,
        );
        info!(kept = changes.kept_count(), new, gone, changed, "config reloaded");
    }

    /// An output has ended by itself: by a bug, or as its reader has gone.
    fn settle_output(&self, ended: Result<(), JoinError>) -> Result<(), Error> {
        match joined(ended) {
            Err(problem) if self.output_tasks.is_empty() => Err(problem),
            Err(problem) => {
                error!(error = %problem, "an output has ended; the run goes on with the others");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// Ends the hosts, and the outputs with their clean-up.
    pub(crate) async fn end(mut self) -> Result<(), Error> {
        let now = self.clock.now();
        if let Some(truth) = &mut self.truth {
            let fleet = self.runner.fleet();
            truth.write(records_cut_at(fleet.plan(), &fleet.course(), now));
        }
        self.stop.send_replace(true);
        // Hosts that end take their series along. Outputs that leave last values behind end before them.
        let outputs_first = self.settings.outputs.iter().any(OutputSettings::leaves_last_values);
        if !outputs_first {
            self.runner.end().await;
        }
        let mut outcome = Ok(());
        while let Some(ended) = self.output_tasks.join_next().await {
            outcome = outcome.and(joined(ended));
        }
        if outputs_first {
            self.runner.end().await;
        }
        if let Some(truth) = self.truth {
            truth.finish().await;
        }
        if let Some(bus) = self.bus {
            bus.end().await;
        }
        outcome
    }
}

/// The reason why an effect has failed, once one has.
async fn failure(effects: &mut Option<Effects>) -> String {
    match effects {
        Some(effects) => effects.failed().await,
        None => std::future::pending().await,
    }
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

fn joined(ended: Result<(), JoinError>) -> Result<(), Error> {
    ended.map_err(|problem| Error::Run(format!("an output ended by a bug: {problem}")))
}

fn next_status(settings: &RunSettings, clock: &Clock) -> Time {
    settings.status_interval.map_or(Time::NEVER, |interval| clock.real().now() + interval)
}

/// Logs the status in one line, and may write the whole of it to standard error for programs.
fn report(status: &Status, as_json: bool) {
    info!("status: {}", status.line());
    if as_json {
        log_queue::stderr().put(printable(format!("{}\n", status.json()).as_bytes(), false).as_bytes());
    }
}
