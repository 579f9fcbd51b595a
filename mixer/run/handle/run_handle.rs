//! The handle of a run, and the way of its commands to the run's loop.
//!
//! Reading uses the newest fleet and costs what is shown, not what the run has. Commands are applied by the run's own
//! loop, so none is lost while hosts go from one fleet to the next.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};

use promemu_core::backfill::RecentSamples;
use promemu_core::event::{CLIENT_ACTION, EVENT_DATA_BYTES_MAX, LIFECYCLE, MIXER_SOURCE, data_bytes};

use super::command_log::{CommandLog, Told};
use super::command_params::{NewHost, Override};
use super::commands::{Command, Outcome};
use super::error::{CommandError, NAME_BYTES_MAX};
use super::exposition::Exposition;
use super::host_action::HostAction;
use super::views::{ActedView, Posted};
use crate::clock::Clock;
use crate::event_tap::TapReceiver;
use crate::fleet::Fleet;
use crate::fleet::runner::FleetRunner;
use crate::outputs::output_set::Healths;
use crate::self_metrics::SelfMetrics;
use crate::settings::RunSettings;

/// The most commands that wait for a run; a client with another one waits before it.
const COMMANDS_WAITING_MAX: usize = 64;
/// The most hosts that an action names in its answer.
const ACTED_LISTED_MAX: usize = 100;

/// A handle to read and steer one run; it may outlive the run.
#[derive(Clone, Debug)]
pub struct RunHandle {
    fleets: watch::Receiver<Arc<Fleet>>,
    requests: mpsc::Sender<Request>,
    facts: Arc<RunFacts>,
}

/// Facts that stay the same for a whole run.
#[derive(Debug)]
pub(super) struct RunFacts {
    pub(super) healths: Healths,
    pub(super) self_metrics: Arc<SelfMetrics>,
    pub(super) seed: u64,
    pub(super) push_interval_secs: f64,
    /// The newest samples of its history, if it has one.
    pub(super) recent: Option<RecentSamples>,
    clock: Clock,
}

/// A command, and where its outcome goes.
#[derive(Debug)]
pub(crate) struct Request {
    command: Command,
    reply: oneshot::Sender<Result<Outcome, CommandError>>,
}

impl Request {
    /// Applies the command and replies. Outputs hear of hosts that come or go before the reply.
    pub(crate) async fn carry_out(
        self,
        runner: &mut FleetRunner,
        fleets: &watch::Sender<Arc<Fleet>>,
        log: &mut CommandLog,
    ) {
        let (edits, told) = (runner.edits(), Told::of(&self.command));
        let outcome = self.command.apply(runner).await;
        if let Ok(outcome) = &outcome {
            log.note(told, outcome, runner.fleet());
        }
        if runner.edits() != edits {
            fleets.send_replace(Arc::clone(runner.fleet()));
        }
        // A client that has gone needs no reply.
        let _is_received = self.reply.send(outcome).is_ok();
    }
}

impl RunHandle {
    pub(crate) fn new(
        fleets: watch::Receiver<Arc<Fleet>>,
        settings: &RunSettings,
        healths: Healths,
        self_metrics: Arc<SelfMetrics>,
        recent: Option<RecentSamples>,
    ) -> (Self, mpsc::Receiver<Request>) {
        let (requests, received) = mpsc::channel(COMMANDS_WAITING_MAX);
        let clock = *fleets.borrow().clock();
        let (seed, push_interval_secs) = (settings.seed, settings.push_interval.as_secs_f64());
        let facts = Arc::new(RunFacts { healths, self_metrics, seed, push_interval_secs, recent, clock });
        (Self { fleets, requests, facts }, received)
    }

    pub(super) fn fleet(&self) -> Arc<Fleet> {
        Arc::clone(&self.fleets.borrow())
    }

    pub(super) fn facts(&self) -> &RunFacts {
        &self.facts
    }

    /// The run's clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.facts.clock
    }

    /// The metrics that promemu has about this run.
    #[must_use]
    pub fn self_metrics(&self) -> &Arc<SelfMetrics> {
        &self.facts.self_metrics
    }

    /// The names of the run's jobs.
    #[must_use]
    pub fn jobs(&self) -> Vec<Arc<str>> {
        self.fleet().jobs().iter().map(|job| Arc::clone(job.name())).collect()
    }

    /// The run's metrics in the text format; `None` if the run has more than `series_max` series.
    #[must_use]
    pub fn exposition(&self, series_max: usize) -> Option<Exposition> {
        let fleet = self.fleet();
        if fleet.series_count() > series_max {
            return None;
        }
        Some(Exposition::of_jobs(fleet.jobs()))
    }

    /// `true` once a model of the run has said that it cannot go on.
    pub(crate) fn has_simulation_failed(&self) -> bool {
        self.fleet().simulation().has_failed()
    }

    /// Emits an event of the mixer itself.
    pub(crate) fn publish_own(&self, name: &str, data: serde_json::Value) {
        self.fleet().publish_own_with(name, data);
    }

    /// Receives all events of the run from now on.
    #[must_use]
    pub fn subscribe(&self) -> TapReceiver {
        self.fleet().event_tap().listen()
    }

    /// Ends a host; it may be started again.
    pub async fn stop_host(&self, name: &str) -> Result<(), CommandError> {
        self.ask(Command::StopHost(name.to_owned())).await.map(drop)
    }

    /// Starts a host again that was stopped or has ended.
    pub async fn start_host(&self, name: &str) -> Result<(), CommandError> {
        self.ask(Command::StartHost(name.to_owned())).await.map(drop)
    }

    /// Adds a host.
    pub async fn add_host(&self, host: NewHost) -> Result<(), CommandError> {
        self.ask(Command::AddHost(host)).await.map(drop)
    }

    /// Removes a host.
    pub async fn remove_host(&self, name: &str) -> Result<(), CommandError> {
        self.ask(Command::RemoveHost(name.to_owned())).await.map(drop)
    }

    /// Sets the value that a metric shows.
    pub async fn set_override(&self, host: &str, metric: &str, wanted: Override) -> Result<(), CommandError> {
        let (host, metric) = (host.to_owned(), metric.to_owned());
        self.ask(Command::SetOverride { host, metric, wanted }).await.map(drop)
    }

    /// Lets a metric show its scenario's values again.
    pub async fn release_override(&self, host: &str, metric: &str) -> Result<(), CommandError> {
        let (host, metric) = (host.to_owned(), metric.to_owned());
        self.ask(Command::ReleaseOverride { host, metric }).await.map(drop)
    }

    /// Acts on all hosts that a pattern selects: a name, a glob of names, or `label=glob`.
    pub async fn act(&self, hosts: &str, action: HostAction) -> Result<ActedView, CommandError> {
        let command = Command::Act { hosts: hosts.to_owned(), action };
        let Outcome { time, hosts, .. } = self.ask(command).await?;
        let names: Vec<String> = hosts.iter().take(ACTED_LISTED_MAX).map(ToString::to_string).collect();
        let not_listed = hosts.len() - names.len();
        let (count, time_unix) = (hosts.len(), time.unix_millis_secs());
        Ok(ActedView {
            count,
            hosts: names,
            not_listed,
            shards_refused: Vec::new(),
            shards_missing: Vec::new(),
            time: time.rfc3339(),
            time_unix,
        })
    }

    /// Emits an event. If `source` is a host's name, it counts as emitted by that host.
    pub async fn emit(
        &self,
        name: &str,
        source: &str,
        data: serde_json::Value,
    ) -> Result<Posted, CommandError> {
        for text in [name, source] {
            if text.is_empty() || text.len() > NAME_BYTES_MAX || text.chars().any(char::is_control) {
                return Err(CommandError::InvalidEventName);
            }
        }
        if data_bytes(&data) > EVENT_DATA_BYTES_MAX {
            return Err(CommandError::EventTooLarge { max: EVENT_DATA_BYTES_MAX });
        }
        let (name, source) = (name.to_owned(), source.to_owned());
        if LIFECYCLE.contains(&name.as_str()) || name == CLIENT_ACTION || source == MIXER_SOURCE {
            return Err(CommandError::ReservedEvent { name, source_name: source });
        }
        let command = Command::Emit { name: name.clone(), source: source.clone(), data };
        let Outcome { listeners, time, .. } = self.ask(command).await?;
        let (time, time_unix) = (time.rfc3339(), time.unix_millis_secs());
        Ok(Posted { name, source, time, time_unix, hearers: listeners })
    }

    pub(super) async fn ask(&self, command: Command) -> Result<Outcome, CommandError> {
        let (reply, outcome) = oneshot::channel();
        self.requests.send(Request { command, reply }).await.map_err(|_| CommandError::RunOver)?;
        outcome.await.unwrap_or(Err(CommandError::RunOver))
    }
}
