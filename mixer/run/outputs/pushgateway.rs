//! Pushgateway output: push schedule, back-off, and clean-up.
//!
//! One round pushes every job that has changed, and those whose last push is two intervals old, so that a live run
//! never looks dead and a restarted gateway fills up. While the gateway is away, one job at a time is tried, with
//! back-off. All time here is real time: a gateway does not run faster because emulated time does.
//!
//! The run's own metrics are, where asked for, one more group: `job="promemu_self_RUN_ID"`. No other run has that
//! name. In all else it is a job like the others, with `promemu_run_info`, and so known to every clean-up.

mod attempt;
mod claim_group;
mod claims;
mod client;
mod groups;
mod jobs;
mod ownership;
mod pacing;
mod round;
mod run_info;
mod scan;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use reqwest::StatusCode;
use tracing::{info, warn};

use attempt::Action;
use claim_group::ClaimGroup;
use claims::{Claims, encode_claims};
pub use client::{GatewayUrl, PushgatewayClient};
pub use groups::GatewayGroup;
pub(super) use groups::groups_of;
use jobs::{Conflict, JobState, Reason};
pub use ownership::Verdict;
use pacing::Pacing;
pub use run_info::{Process, RunInfo};
use scan::Listing;
pub use settings::{GatewayArg, GatewaySettings, PushSettings};

use super::health::Health;
use super::output::{Output, OutputConfig, OutputContext, RunOutputConfig};
use super::rounds::{Pusher, Rounds};
use crate::clock::Clock;
use crate::http::PushError;
use crate::self_metrics::OutputTally;
use promemu_core::error::Error;
use promemu_core::series::{Job, SeriesStore};
use promemu_core::time::{Span, Time};

/// Pushes under way at the same time.
const PUSHES_AT_ONCE: usize = 8;
/// Time limit of all claims together.
const CLAIMS_DEADLINE: Duration = Duration::from_secs(2);
/// Further looks for claims that the gateway has accepted and not taken in, and the shortest pause between two.
const CLAIM_LOOKS_MAX: usize = 3;
const CLAIM_PAUSE: Duration = Duration::from_millis(50);
/// The job of a run's own metrics is this and the run's id.
const SELF_JOB_PREFIX: &str = "promemu_self_";

impl OutputConfig for GatewaySettings {
    fn kind(&self) -> &'static str {
        "pushgateway"
    }

    fn target(&self) -> String {
        self.url.to_string()
    }

    fn leaves_last_values(&self) -> bool {
        !self.push.cleanup_on_finish
    }
}

impl RunOutputConfig for GatewaySettings {
    fn open(&self, context: &OutputContext<'_>) -> Result<Box<dyn Output>, Error> {
        let shard = self.push.shard.map(|number| number.to_string());
        let client = PushgatewayClient::new(self.url.clone(), &self.http, self.timeout)?.of_shard(shard);
        let run = RunInfo::new(context.config, self.push.interval).of_shard(self.push.shard);
        Ok(Box::new(PushgatewayOutput::new(client, run, self.push.clone(), context)))
    }
}

/// The output.
#[derive(Debug)]
struct PushgatewayOutput {
    client: Arc<PushgatewayClient>,
    states: Vec<JobState>,
    /// `true` once the first contact is over.
    has_started: bool,
    /// The series that identifies the run in each group.
    run_info: Arc<SeriesStore>,
    run: RunInfo,
    settings: PushSettings,
    clock: Clock,
    tally: OutputTally,
    health: Arc<Health>,
    pacing: Pacing,
    /// Time of the next scan of the gateway's groups, if there is to be one.
    next_scan: Option<Time>,
    probes: usize,
    claim_group: ClaimGroup,
    /// `true` while attempts are made, and still if they were cut off.
    is_pushing: bool,
}

impl PushgatewayOutput {
    fn new(
        client: PushgatewayClient,
        run: RunInfo,
        settings: PushSettings,
        context: &OutputContext<'_>,
    ) -> Self {
        let OutputContext { name, own, leftovers, .. } = context;
        let clock = context.clock.real();
        let states = context.jobs.iter().map(|job| JobState::new(Arc::clone(job)));
        let self_job = settings.self_metrics.then(|| {
            let name = format!("{SELF_JOB_PREFIX}{}", run.run_id);
            JobState::of_own(name.into(), Arc::clone(own))
        });
        let health = Arc::new(Health::default());
        let pacing = Pacing::new(name, settings.interval, Arc::clone(&health));
        let client = Arc::new(client);
        Self {
            claim_group: ClaimGroup::new(Arc::clone(&client), run.clone(), Arc::clone(leftovers)),
            client,
            states: states.chain(self_job).collect(),
            has_started: false,
            run_info: Arc::new(run.store()),
            run,
            settings,
            clock,
            tally: own.outputs().pushing(name),
            pacing,
            health,
            next_scan: Some(clock.now()),
            probes: 0,
            is_pushing: false,
        }
    }

    /// The first contact: scans the gateway's groups and cleans up. A gateway that is away costs a warning. A job that
    /// belongs to somebody else is an error, and so are groups that cannot be listed, since their owners are unknown.
    async fn first_contact(&mut self) -> Result<(), Error> {
        match self.scan().await {
            Ok(()) => {}
            Err(error) if error.is_away() => self.pacing.failed(&error, self.clock.now()),
            Err(error) if self.settings.cleanup_on_start => {
                let url = self.client.url();
                let advice = url.advice().unwrap_or("to push anyway, use --cleanup-on-start=false");
                let describe = |error: &str| {
                    format!(
                        "the groups of pushgateway {url} cannot be listed, so their owners are unknown: {error}; {advice}"
                    )
                };
                let (text, for_clients) = (describe(&error.to_string()), describe(&error.for_clients()));
                return Err(Error::Server { text, for_clients });
            }
            Err(error) => self.stop_scanning(&error),
        }
        self.has_started = true;
        let conflict = self.states.iter().find(|state| state.conflict == Some(Conflict::Lasting));
        let failure = conflict.and_then(|state| state.failure.as_ref());
        failure.map_or(Ok(()), |failure| {
            let Reason { text, for_clients } = failure.reason.clone();
            Err(Error::Server { text, for_clients })
        })
    }

    /// Puts the run's name on the jobs that others may find free, until one cannot be put.
    async fn claim_free_jobs(&mut self) {
        let states = self.states.iter().enumerate();
        let free = states.filter(|(_, state)| state.is_free());
        let tasks: Vec<(usize, Action)> = free.map(|(index, _)| (index, Action::Claim)).collect();
        for tasks in tasks.chunks(PUSHES_AT_ONCE) {
            let outcomes = self.outcomes_of(tasks).await;
            let now = self.clock.now();
            // A refusal is an answer: it is the pushes' to tell.
            let is_answered = |error: &PushError| !error.is_away();
            for ((index, _), outcome) in &outcomes {
                if outcome.as_ref().err().is_none_or(is_answered) {
                    self.states[*index].claimed_at = Some(now);
                }
            }
            if outcomes.iter().any(|(_, outcome)| outcome.is_err()) {
                return;
            }
        }
    }

    /// The gateway's groups, after the run has claimed the jobs that it does not have yet. Claims that the gateway refuses are
    /// left out: its groups will say more.
    async fn claim_and_list(&mut self) -> Result<(Vec<GatewayGroup>, Time), PushError> {
        let Some(body) = self.claims() else { return self.client.groups().await };
        let is_late = match self.claim_group.put(self.settings.format, body).await {
            Ok(status) => status == StatusCode::ACCEPTED,
            Err(error) if error.is_away() => return Err(error),
            Err(_) => false,
        };
        let mut listed = self.client.groups().await?;
        // Some gateways accept first, and take in later.
        for _ in 0..CLAIM_LOOKS_MAX {
            if !is_late || Claims::new(&listed.0, &self.run, listed.1).has_own() {
                break;
            }
            tokio::time::sleep(CLAIM_PAUSE + CLAIM_PAUSE.mul_f64(self.pacing.jitter())).await;
            listed = self.client.groups().await?;
        }
        Ok(listed)
    }

    /// The exposition of the run's claims; `None` if it has all its jobs.
    fn claims(&self) -> Option<Vec<u8>> {
        let free = self.states.iter().filter(|state| state.is_unclaimed());
        let mut free = free.map(|state| &**state.job.name()).peekable();
        free.peek()?;
        Some(encode_claims(free, &self.run_info, self.settings.format))
    }

    /// Puts the run's name on all jobs that are free for it, so that it needs no claims any more. Where that fails, the next
    /// round looks whose they are by then.
    async fn take_claimed_jobs(&mut self) {
        let _cut_off = tokio::time::timeout(CLAIMS_DEADLINE, self.claim_free_jobs()).await.is_err();
        if self.states.iter().any(JobState::is_free) {
            self.next_scan = Some(self.clock.now());
        }
        self.claim_group.delete().await;
    }

    /// Goes on without knowing whose the groups are.
    fn stop_scanning(&mut self, error: &PushError) {
        warn!(%error, "groups of the pushgateway cannot be listed; there is no clean-up on start");
        self.next_scan = None;
    }

    /// Scans the gateway's groups if it is time to: marks the jobs that belong to somebody else, and deletes the groups
    /// that ended runs left behind.
    async fn scan(&mut self) -> Result<(), PushError> {
        if self.next_scan.is_none_or(|at| self.clock.now() < at) {
            return Ok(());
        }
        let listed = self.claim_and_list().await;
        let (groups, gateway_now) = listed.inspect_err(|_| self.tally.push_failures.inc())?;
        let listing = Listing { groups: &groups, gateway_now, now: self.clock.now() };
        let starts = !self.has_started && !self.pacing.is_away();
        let scan = scan::scan(&mut self.states, listing, &self.run, &self.health, starts);
        self.next_scan = scan.next_at;
        if self.settings.cleanup_on_start && !scan.orphans.is_empty() {
            let orphans = scan.orphans.len();
            let failed = self.client.delete_all(scan.orphans).await;
            info!(
                deleted = orphans - failed,
                orphans, "cleaned up the groups that ended runs left on the pushgateway"
            );
        }
        Ok(())
    }
}

impl Output for PushgatewayOutput {
    fn health(&self) -> &Arc<Health> {
        &self.health
    }

    fn destination(&self, interval: Span) -> String {
        format!("pushing to {} every {interval}", self.client.url())
    }

    fn start(&mut self, patience: Duration) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            let Ok(started) = tokio::time::timeout(patience, self.first_contact()).await else {
                // A conflict that it would have found then costs a warning.
                self.pacing.failed(&PushError::NoAnswer("no answer in time".to_owned()), self.clock.now());
                self.has_started = true;
                return Ok(());
            };
            // A run that fails here drops its claims, and the clean-up deletes them.
            started
        })
    }

    fn drive(self: Box<Self>, rounds: Rounds) -> BoxFuture<'static, ()> {
        Box::pin(rounds.push(*self))
    }
}

impl Pusher for PushgatewayOutput {
    /// The gateway's groups are scanned before a new job is pushed.
    fn replace_jobs(&mut self, jobs: &[Arc<Job>]) {
        let replaced = jobs::replace(std::mem::take(&mut self.states), jobs);
        self.states = replaced.states;
        for name in &replaced.forgotten {
            self.health.set_refused(name, None);
        }
        if replaced.has_new {
            self.next_scan = Some(self.clock.now());
        }
    }

    /// Claims the jobs long before the first push, so that a run that starts meanwhile does not take them. Claims that
    /// fail are left to the pushes.
    async fn claim(&mut self) {
        if self.pacing.is_away() {
            return;
        }
        self.take_claimed_jobs().await;
    }

    async fn round(&mut self) -> bool {
        let now = self.clock.now();
        let pushed = self.push_due(now).await;
        if self.claim_group.may_be_there() && !self.pacing.is_away() {
            self.take_claimed_jobs().await;
        }
        // A push of the run's own metrics alone is nothing new.
        let is_self = |state: &&JobState| state.own.is_some() && state.pushed_at.is_some_and(|at| at >= now);
        pushed > self.states.iter().filter(is_self).count()
    }

    fn retry_at(&self) -> Option<Time> {
        self.pacing.retry_at()
    }

    fn leaves_last_values(&self) -> bool {
        !self.settings.cleanup_on_finish
    }

    /// Deletes the run's groups, if the settings say so.
    async fn finish(&mut self) {
        self.run.mark_ended();
        let pushed = self.states.iter().filter(|state| state.pushed_at.is_some()).count();
        let (claims, may_arrive) = self.claim_group.end().await;
        if !self.settings.cleanup_on_finish {
            let claims = claims.into_iter().collect();
            let _left = self.client.delete_all_for_good(claims, may_arrive).await;
            info!(groups = pushed, "groups stay on the pushgateway");
            return;
        }
        let on_gateway = self.states.iter().filter(|state| state.is_own_on_gateway());
        let mut names: Vec<String> = on_gateway.map(|state| state.job.name().to_string()).collect();
        names.extend(claims);
        let groups = names.len();
        let failed = self.client.delete_all_for_good(names, self.is_pushing || may_arrive).await;
        if failed > 0 {
            warn!(
                failed,
                groups, "groups could not be deleted from the pushgateway; the next start cleans them up"
            );
        } else if pushed > 0 {
            info!(groups = pushed, "groups were deleted from the pushgateway");
        }
    }
}

#[cfg(test)]
mod tests;
