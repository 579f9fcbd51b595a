//! The Pushgateway sink: which jobs to push when, back-off, and clean-up.
//!
//! One round pushes every job that has changed, and those whose last push is two intervals old, so that a
//! living run never looks dead and a gateway that was restarted fills up. While the gateway is away, one
//! job at a time is tried, ever less often; one warning tells of it and one line of its return.
//!
//! All time here is real time: a gateway does not run faster because emulated time does.
//!
//! The run's own metrics are, where asked for, one more group: `job="promemu_self_RUN_ID"`. No other run has
//! that name, and in all else it is a job like the others: with `promemu_run_info`, and so known to every
//! clean-up.

mod attempt;
mod client;
mod groups;
mod job_state;
mod look;
mod ownership;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tracing::{debug, info, warn};

use attempt::{Action, Attempt};
pub use client::{GatewayUrl, PushgatewayClient};
pub use groups::GatewayGroup;
use job_state::{Conflict, JobState};
pub use ownership::{Process, RunInfo, Verdict};

use super::Health;
use crate::clock::Clock;
use crate::http::PushError;
use crate::self_metrics::{OutputTally, SelfMetrics};
use promemu_core::error::Error;
use promemu_core::plural::plural;
use promemu_core::rng::{Rng, Seed, random_seed};
use promemu_core::series::Job;
use promemu_core::series::SeriesStore;
use promemu_core::time::{Span, Time};
use promemu_wire::exposition::Format;

/// Pushes that run at the same time.
const PUSHES_AT_ONCE: usize = 8;
/// How often, a second apart, groups are deleted again after a push was cut off.
const LATE_PUSH_CHECKS: usize = 5;
/// All claims together take no longer.
const CLAIMS_DEADLINE: Duration = Duration::from_secs(2);
const BACK_OFF_FIRST: Span = Span::from_secs(1);
const BACK_OFF_LONGEST: Span = Span::from_secs(30);
/// The job of a run's own metrics is this and the run's id.
const SELF_JOB_PREFIX: &str = "promemu_self_";

/// How a run pushes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushSettings {
    /// Text or protobuf.
    pub format: Format,
    /// The time between two rounds.
    pub interval: Span,
    /// Whether to delete this run's groups and orphans before the first push.
    pub cleanup_on_start: bool,
    /// Whether to delete this run's groups at its end.
    pub cleanup_on_finish: bool,
    /// Whether to push the run's own metrics, too, as a job of their own.
    pub self_metrics: bool,
}

/// The gateway does not take anything at present.
#[derive(Debug)]
struct Away {
    since: Time,
    failures: u32,
    next_try: Time,
}

/// The sink.
#[derive(Debug)]
pub struct PushgatewaySink {
    client: Arc<PushgatewayClient>,
    states: Vec<JobState>,
    /// Whether the first contact is over.
    has_started: bool,
    run_info: Arc<SeriesStore>,
    owner: RunInfo,
    settings: PushSettings,
    clock: Clock,
    tally: OutputTally,
    away: Option<Away>,
    /// Until then it asked to be left alone.
    quiet_until: Option<Time>,
    /// When to look at the gateway's groups next, if at all.
    next_look: Option<Time>,
    probes: usize,
    /// Set while attempts are made; still set when they were cut off.
    is_under_way: bool,
    health: Arc<Health>,
    rng: Rng,
}

impl PushgatewaySink {
    /// A sink for these jobs; nothing is sent yet. The clock runs as on the wall. How pushes fare is added to
    /// the run's `own` metrics, under the name of the output.
    #[must_use]
    pub fn new(
        client: PushgatewayClient,
        jobs: &[Arc<Job>],
        owner: RunInfo,
        settings: PushSettings,
        clock: Clock,
        own: &Arc<SelfMetrics>,
        name: &str,
    ) -> Self {
        let states = jobs.iter().map(|job| JobState::new(Arc::clone(job)));
        let self_job = settings.self_metrics.then(|| {
            let name = format!("{SELF_JOB_PREFIX}{}", owner.run_id);
            JobState::of_own(name.into(), Arc::clone(own))
        });
        Self {
            client: Arc::new(client),
            states: states.chain(self_job).collect(),
            has_started: false,
            run_info: Arc::new(owner.store()),
            owner,
            settings,
            clock,
            tally: own.output(name),
            away: None,
            quiet_until: None,
            next_look: Some(clock.now()),
            probes: 0,
            is_under_way: false,
            health: Arc::default(),
            rng: Seed::new(random_seed()).rng(),
        }
    }

    /// How it fares.
    #[must_use]
    pub const fn health(&self) -> &Arc<Health> {
        &self.health
    }

    /// Whether it deletes this run's groups at the end.
    #[must_use]
    pub const fn cleans_up(&self) -> bool {
        self.settings.cleanup_on_finish
    }

    /// When the next round should be at the latest, if the gateway is away.
    #[must_use]
    pub fn retry_at(&self) -> Option<Time> {
        self.away
            .as_ref()
            .map(|away| self.quiet_until.map_or(away.next_try, |until| until.max(away.next_try)))
    }

    /// The first contact: sees whose groups there are, and cleans up. A gateway that is away costs a
    /// warning; a job that belongs to somebody else is an error, and so are groups that cannot be listed,
    /// since then nobody knows whose they are.
    pub async fn start(&mut self) -> Result<(), Error> {
        match self.look().await {
            Ok(()) => {}
            Err(error) if error.is_away() => self.went_away(&error, self.clock.now()),
            Err(error) if self.settings.cleanup_on_start => {
                let url = self.client.url();
                return Err(Error::Run(format!(
                    "the groups of pushgateway {url} cannot be listed, so it is not known whose they are: {error}; \
                     --cleanup-on-start=false pushes all the same"
                )));
            }
            Err(error) => self.looks_no_more(&error),
        }
        self.has_started = true;
        let conflict = self.states.iter().find(|state| state.conflict == Some(Conflict::Lasting));
        conflict.map_or(Ok(()), |state| Err(Error::Run(state.complaint_text().to_owned())))
    }

    /// Says on the gateway whose the jobs are, long before the first push: else a run that starts meanwhile would take
    /// them, too. What fails is left to the pushes.
    pub async fn claim(&mut self) {
        if self.away.is_some() {
            return;
        }
        let _cut_off = tokio::time::timeout(CLAIMS_DEADLINE, self.claim_free_jobs()).await.is_err();
    }

    async fn claim_free_jobs(&mut self) {
        let states = self.states.iter().enumerate();
        let free = states.filter(|(_, state)| state.conflict.is_none() && state.own.is_none());
        let tasks: Vec<(usize, Action)> = free.map(|(index, _)| (index, Action::Claim)).collect();
        for tasks in tasks.chunks(PUSHES_AT_ONCE) {
            let claims: JoinSet<_> = tasks.iter().map(|task| self.attempt(*task)).collect();
            self.is_under_way = true;
            let have_failed = claims.join_all().await.iter().any(Result::is_err);
            self.is_under_way = false;
            if have_failed {
                return;
            }
        }
    }

    /// The first contact takes too long, and is left to the rounds. What it would have found wrong then costs a
    /// warning.
    pub fn start_later(&mut self) {
        self.went_away(&PushError::NoAnswer("no answer in time".to_owned()), self.clock.now());
        self.has_started = true;
    }

    /// One round; gives how many of the hosts' jobs were pushed.
    pub async fn round(&mut self) -> usize {
        let now = self.clock.now();
        let pushed = self.push_due(now).await;
        let is_self = |state: &&JobState| state.own.is_some() && state.pushed_at.is_some_and(|at| at >= now);
        pushed - self.states.iter().filter(is_self).count().min(pushed)
    }

    async fn push_due(&mut self, now: Time) -> usize {
        let is_early = |until: Time| now < until;
        if self.away.as_ref().is_some_and(|away| is_early(away.next_try))
            || self.quiet_until.is_some_and(is_early)
        {
            return 0;
        }
        self.quiet_until = None;
        self.states.retain(JobState::is_wanted);
        match self.look().await {
            Ok(()) => {}
            Err(error) if error.is_away() || self.settings.cleanup_on_start => {
                self.went_away(&error, self.clock.now());
                return 0;
            }
            Err(error) => self.looks_no_more(&error),
        }
        let mut due = self.due(now);
        let mut pushed = 0;
        if self.away.is_some() {
            if due.is_empty() {
                self.came_back(now);
                return 0;
            }
            // One job finds out whether the gateway is back; each time another one, as it may be the job's fault.
            let probe = due.swap_remove(self.probes % due.len());
            self.probes += 1;
            pushed += self.attempt_all(&[probe], false).await;
        }
        let mut got_through = pushed > 0;
        for tasks in due.chunks(PUSHES_AT_ONCE) {
            if self.away.is_some() || self.quiet_until.is_some() {
                break;
            }
            pushed += self.attempt_all(tasks, got_through).await;
            got_through |= pushed > 0;
        }
        pushed
    }

    fn due(&self, now: Time) -> Vec<(usize, Action)> {
        let repeat_after =
            self.settings.interval.times(2).minus(Span::from_nanos(self.settings.interval.as_nanos() / 4));
        let action = |(index, state): (usize, &JobState)| {
            if state.conflict.is_some() {
                return None;
            }
            if state.own.is_some() {
                return Some((index, Action::Push));
            }
            let store = state.job.store();
            if store.rows_present() == 0 {
                let leaves = state.may_be_on_gateway && self.settings.cleanup_on_finish;
                return leaves.then_some((index, Action::Delete));
            }
            let has_changed = state.pushed_version != Some(store.version());
            let is_old = state.pushed_at.is_none_or(|at| now.since(at) >= repeat_after);
            (has_changed || is_old).then_some((index, Action::Push))
        };
        self.states.iter().enumerate().filter_map(action).collect()
    }

    /// Pushes or deletes some jobs at the same time; gives how many pushes arrived. The gateway counts as away
    /// only if nothing `got_through` in this round, and not for jobs alone that are known to fail while
    /// others do not: those may be at fault themselves.
    async fn attempt_all(&mut self, tasks: &[(usize, Action)], got_through: bool) -> usize {
        let mut running = JoinSet::new();
        for &task in tasks {
            let attempt = self.attempt(task);
            running.spawn(async move { (task, attempt.await) });
        }
        self.is_under_way = true;
        let outcomes = running.join_all().await;
        self.is_under_way = false;
        let now = self.clock.now();
        let away =
            |(_, outcome): &(_, Result<u64, PushError>)| matches!(outcome, Err(error) if error.is_away());
        let is_known = |state: &JobState| state.complaint.is_some();
        let are_known = tasks.iter().all(|(index, _)| is_known(&self.states[*index]));
        let is_plausible = self.away.is_some() || !are_known || self.states.iter().all(is_known);
        if !got_through
            && is_plausible
            && outcomes.iter().all(away)
            && let Some((_, Err(error))) = outcomes.first()
        {
            self.went_away(error, now);
            return 0;
        }
        self.came_back(now);
        outcomes.into_iter().map(|(task, outcome)| self.settle(task, outcome, now)).sum()
    }

    /// Pushes or deletes one job. A push that was cut off may have arrived, so the job counts as being on
    /// the gateway from here on.
    fn attempt(
        &mut self,
        (index, action): (usize, Action),
    ) -> impl Future<Output = Result<u64, PushError>> + use<> {
        self.states[index].may_be_on_gateway = true;
        let state = &self.states[index];
        let attempt = Attempt {
            client: Arc::clone(&self.client),
            job: Arc::clone(&state.job),
            page: state.own.clone(),
            run_info: Arc::clone(&self.run_info),
            format: self.settings.format,
            clock: self.clock,
            tally: self.tally.clone(),
        };
        attempt.carry_out(action)
    }

    /// Takes note of an attempt's outcome; gives 1 for a push that arrived.
    fn settle(
        &mut self,
        (index, action): (usize, Action),
        outcome: Result<u64, PushError>,
        now: Time,
    ) -> usize {
        if let Err(error) = &outcome {
            self.leave_alone(error, now);
        }
        let state = &mut self.states[index];
        let job = Arc::clone(state.job.name());
        match outcome {
            Ok(version) => {
                debug!(job = &*job, "{action:?} went well");
                if state.complaint.take().is_some() {
                    self.health.set_refused(&job, None);
                    info!("job {job:?} is taken by the pushgateway again");
                }
                if action == Action::Delete {
                    state.left();
                    return 0;
                }
                (state.pushed_version, state.pushed_at) = (Some(version), Some(now));
                self.health.pushed(now);
                1
            }
            Err(error) => {
                let hint = if error.is_not_found() { "; is there a Pushgateway at this url?" } else { "" };
                let text = format!("{error}{hint}");
                self.health.set_refused(&job, Some(&text));
                // The text may differ each time, as the gateway lists what it does not like in any order.
                let kind = error.kind();
                if state.complaint.as_ref().is_none_or(|(told, _)| *told != kind) {
                    warn!(
                        "job {job:?} was refused by the pushgateway: {text}; it is tried again every push interval"
                    );
                    state.complaint = Some((kind, text));
                }
                0
            }
        }
    }

    /// Takes note of how long the gateway asked to be left alone.
    fn leave_alone(&mut self, error: &PushError, now: Time) {
        let asked = error.retry_after().and_then(|delay| Span::from_secs_f64(delay.as_secs_f64()));
        self.quiet_until = self.quiet_until.max(asked.map(|delay| now + delay));
    }

    fn went_away(&mut self, error: &PushError, now: Time) {
        self.leave_alone(error, now);
        let longest = self.settings.interval.max(BACK_OFF_FIRST).min(BACK_OFF_LONGEST);
        let failures = self.away.as_ref().map_or(0, |away| away.failures) + 1;
        let delay = BACK_OFF_FIRST.times(1 << (failures - 1).min(10)).min(longest);
        let jitter = Span::from_nanos(self.rng.below(delay.as_nanos() / 4 + 1));
        let since = if let Some(away) = &self.away {
            away.since
        } else {
            let url = self.client.url();
            warn!(
                "pushgateway {url} is away: {error}; the hosts go on, and it is tried again every {longest} at the latest"
            );
            now
        };
        self.health.set_away(since, error.to_string());
        self.away = Some(Away { since, failures, next_try: now + delay.minus(jitter) });
    }

    fn came_back(&mut self, now: Time) {
        if let Some(away) = self.away.take() {
            self.health.set_back();
            let gone_secs = now.since(away.since).as_secs_f64();
            info!(
                "pushgateway {} is back after {gone_secs:.0} s and {} failed attempts",
                self.client.url(),
                away.failures
            );
        }
    }

    /// The end of the run: deletes its groups, if it is to.
    pub async fn finish(&mut self) {
        if !self.settings.cleanup_on_finish {
            let left = self.states.iter().filter(|state| state.pushed_at.is_some()).count();
            info!("{} left on the pushgateway", plural(left, "group is", "groups are"));
            return;
        }
        let on_gateway = self.states.iter().filter(|state| state.is_own_on_gateway());
        let names: Vec<String> = on_gateway.map(|state| state.job.name().to_string()).collect();
        let (count, pushed) =
            (names.len(), self.states.iter().filter(|state| state.pushed_at.is_some()).count());
        let mut failed = self.client.delete_all(names.clone()).await;
        if self.is_under_way {
            // A push was cut off; the gateway may take it in after the deletion.
            for _ in 0..LATE_PUSH_CHECKS {
                if failed > 0 {
                    break;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
                failed = self.client.delete_all(names.clone()).await;
            }
        }
        if failed > 0 {
            warn!(
                "{failed} of {count} groups could not be deleted from the pushgateway; the next start cleans them up"
            );
        } else if pushed > 0 {
            info!("deleted {} from the pushgateway", plural(pushed, "group", "groups"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::HttpOptions;
    use promemu_core::metric::MetricType;
    use promemu_core::series::{Family, LabelBlock};

    const INTERVAL: Span = Span::from_secs(10);

    pub(super) fn at(secs: u64) -> Time {
        Time::from_unix_secs(1_767_600_000 + secs)
    }

    /// A sink with one job that has one series. Nothing listens at its url, and nothing is sent.
    pub(super) fn sink(cleanup_on_finish: bool) -> PushgatewaySink {
        sink_with(cleanup_on_finish, false)
    }

    /// The same; after its job there is that of its own metrics, if it pushes them.
    pub(super) fn sink_with(cleanup_on_finish: bool, self_metrics: bool) -> PushgatewaySink {
        let family = Family::new("up", "", MetricType::Gauge);
        let store = SeriesStore::single(family, LabelBlock::empty(), 1.0);
        let url = GatewayUrl::parse("127.0.0.1:1").unwrap();
        let client = PushgatewayClient::new(url, &HttpOptions::default(), Duration::from_secs(1)).unwrap();
        let settings = PushSettings {
            format: Format::Text,
            interval: INTERVAL,
            cleanup_on_start: true,
            cleanup_on_finish,
            self_metrics,
        };
        let own = Arc::new(SelfMetrics::new().unwrap());
        let jobs = [Arc::new(Job::new("job".into(), store))];
        let (owner, clock) = (RunInfo::new("c", INTERVAL), Clock::start());
        PushgatewaySink::new(client, &jobs, owner, settings, clock, &own, "pushgateway")
    }

    pub(super) fn pushed(sink: &mut PushgatewaySink, now: Time) {
        let version = sink.states[0].job.store().version();
        drop(sink.attempt((0, Action::Push)));
        assert_eq!(sink.settle((0, Action::Push), Ok(version), now), 1);
    }

    #[test]
    fn a_job_is_pushed_when_it_has_changed_and_every_second_interval_else() {
        let mut sink = sink(true);
        assert_eq!(sink.due(at(0)), [(0, Action::Push)]);
        pushed(&mut sink, at(0));
        assert_eq!(sink.due(at(10)), []);
        assert_eq!(sink.due(at(20)), [(0, Action::Push)]);
        sink.states[0].job.store().report(0, &[2.0]);
        assert_eq!(sink.due(at(10)), [(0, Action::Push)]);
    }

    #[test]
    fn a_job_without_hosts_is_deleted_if_it_was_pushed_and_is_to_be_cleaned_up() {
        for cleans_up in [true, false] {
            let mut sink = sink(cleans_up);
            sink.states[0].job.store().remove(0);
            assert_eq!(sink.due(at(0)), [], "it was never pushed");
            pushed(&mut sink, at(0));
            assert_eq!(sink.due(at(10)) == [(0, Action::Delete)], cleans_up);
            sink.settle((0, Action::Delete), Ok(0), at(10));
            assert_eq!(sink.due(at(30)), []);
        }
    }

    #[test]
    fn a_job_of_another_is_left_alone() {
        let mut sink = sink(true);
        sink.states[0].conflict = Some(Conflict::Lasting);
        assert_eq!(sink.due(at(0)), []);
    }

    #[test]
    fn the_runs_own_metrics_are_one_more_job_of_the_run() {
        let mut sink = sink_with(true, true);
        let name = format!("promemu_self_{}", sink.owner.run_id);
        assert_eq!(**sink.states[1].job.name(), *name);
        pushed(&mut sink, at(0));
        for _ in 0..2 {
            assert_eq!(sink.due(at(1)), [(1, Action::Push)], "they have always changed");
            drop(sink.attempt((1, Action::Push)));
            sink.settle((1, Action::Push), Ok(0), at(1));
        }
        assert!(sink.states[1].is_own_on_gateway(), "so that it is cleaned up");
        sink.replace_jobs(&[]);
        sink.states.retain(JobState::is_wanted);
        assert_eq!(
            sink.due(at(2)),
            [(0, Action::Delete), (1, Action::Push)],
            "it outlives the config's jobs"
        );
    }

    #[tokio::test]
    async fn a_gateway_that_is_away_counts_as_failures() {
        let mut sink = sink_with(true, true);
        let tally = sink.tally.clone();
        sink.start().await.unwrap();
        assert_eq!((tally.push_failures.get(), tally.push_seconds.get_sample_count()), (1, 0), "a look");
        (sink.away, sink.next_look) = (None, None);
        assert_eq!(sink.round().await, 0);
        assert_eq!((tally.push_failures.get(), tally.push_seconds.get_sample_count()), (3, 2), "two pushes");
    }

    #[test]
    fn back_off_grows_to_the_push_interval_and_ends_with_a_success() {
        let mut sink = sink(true);
        let mut now = at(0);
        let mut delays = Vec::new();
        for _ in 0..6 {
            sink.went_away(&PushError::NoAnswer("no".into()), now);
            let next = sink.retry_at().unwrap();
            delays.push(next.since(now).as_secs_f64());
            now = next;
        }
        for (delay, longest) in delays.iter().zip([1.0, 2.0, 4.0, 8.0, 10.0, 10.0]) {
            assert!((0.75 * longest..=longest).contains(delay), "{delays:?}");
        }
        let asks = PushError::Answer {
            status: reqwest::StatusCode::TOO_MANY_REQUESTS,
            body: String::new(),
            retry_after: Some(Duration::from_secs(77)),
        };
        sink.went_away(&asks, now);
        assert_eq!(sink.retry_at(), Some(now + Span::from_secs(77)), "the gateway may ask for more");
        sink.came_back(now);
        assert_eq!(sink.retry_at(), None);
    }

    #[test]
    fn a_refused_job_shows_in_the_status_until_it_is_taken() {
        let mut sink = sink(true);
        let refusal = || PushError::Answer {
            status: reqwest::StatusCode::NOT_FOUND,
            body: String::new(),
            retry_after: None,
        };
        sink.settle((0, Action::Push), Err(refusal()), at(0));
        let status = sink.health().status(at(5));
        assert_eq!(status.refused["job"], "it answered 404 Not Found; is there a Pushgateway at this url?");
        sink.went_away(&PushError::NoAnswer("no".into()), at(0));
        assert_eq!(sink.health().status(at(5)).away_for, Some(5.0));
        sink.came_back(at(6));
        pushed(&mut sink, at(6));
        let status = sink.health().status(at(7));
        assert_eq!((status.pushes, status.refused.len(), status.away_for), (1, 0, None));
    }
}
