//! One round of pushes: the jobs that are due, some at a time, and the conclusions from their outcomes.

use std::sync::Arc;

use tokio::task::JoinSet;
use tracing::debug;

use super::attempt::{Action, Attempt};
use super::jobs::{self, DueRules, JobState};
use super::{PUSHES_AT_ONCE, PushgatewayOutput};
use crate::http::PushError;
use promemu_core::time::Time;

impl PushgatewayOutput {
    /// Pushes or deletes what is due; returns the number of pushes that arrived.
    pub(super) async fn push_due(&mut self, now: Time) -> usize {
        if self.pacing.is_early(now) {
            return 0;
        }
        self.states.retain(JobState::is_wanted);
        match self.scan().await {
            Ok(()) => {}
            Err(error) if error.is_away() || self.settings.cleanup_on_start => {
                self.pacing.failed(&error, self.clock.now());
                return 0;
            }
            Err(error) => self.stop_scanning(&error),
        }
        let mut due = self.due(now);
        let mut pushed = 0;
        if self.pacing.is_away() {
            if due.is_empty() {
                self.pacing.answered(now);
                return 0;
            }
            // One job finds out whether the gateway is back; each time another one, as it may be the job's fault.
            let probe = due.swap_remove(self.probes % due.len());
            self.probes += 1;
            pushed += self.attempt_all(&[probe], false).await;
        }
        let mut got_through = pushed > 0;
        for tasks in due.chunks(PUSHES_AT_ONCE) {
            if self.pacing.is_away() || self.pacing.is_quiet() {
                break;
            }
            pushed += self.attempt_all(tasks, got_through).await;
            got_through |= pushed > 0;
        }
        pushed
    }

    pub(super) fn due(&self, now: Time) -> Vec<(usize, Action)> {
        let rules =
            DueRules { interval: self.settings.interval, deletes_groups: self.settings.cleanup_on_finish };
        jobs::due(&self.states, now, rules)
    }

    /// Pushes or deletes some jobs at the same time; returns the number of pushes that arrived. The gateway counts as
    /// away only if nothing `got_through` in this round, and not for jobs alone that are known to fail while others do
    /// not: those may be at fault themselves.
    async fn attempt_all(&mut self, tasks: &[(usize, Action)], got_through: bool) -> usize {
        let outcomes = self.outcomes_of(tasks).await;
        let now = self.clock.now();
        let is_away =
            |(_, outcome): &(_, Result<u64, PushError>)| matches!(outcome, Err(error) if error.is_away());
        let is_failing = |state: &JobState| state.failure.is_some();
        let all_were_failing = tasks.iter().all(|(index, _)| is_failing(&self.states[*index]));
        let is_plausible = self.pacing.is_away() || !all_were_failing || self.states.iter().all(is_failing);
        if !got_through
            && is_plausible
            && outcomes.iter().all(is_away)
            && let Some((_, Err(error))) = outcomes.first()
        {
            self.pacing.failed(error, now);
            return 0;
        }
        self.pacing.answered(now);
        outcomes.into_iter().map(|(task, outcome)| self.settle(task, outcome, now)).sum()
    }

    /// Makes some attempts at the same time.
    pub(super) async fn outcomes_of(
        &mut self,
        tasks: &[(usize, Action)],
    ) -> Vec<((usize, Action), Result<u64, PushError>)> {
        let mut running = JoinSet::new();
        for &task in tasks {
            let attempt = self.attempt(task);
            running.spawn(async move { (task, attempt.await) });
        }
        self.is_pushing = true;
        let outcomes = running.join_all().await;
        self.is_pushing = false;
        outcomes
    }

    /// Pushes or deletes one job. A push that was cut off may have arrived, so the job counts as being on
    /// the gateway from here on.
    pub(super) fn attempt(
        &mut self,
        (index, action): (usize, Action),
    ) -> impl Future<Output = Result<u64, PushError>> + use<> {
        let state = &mut self.states[index];
        state.is_only_claimed =
            action == Action::Claim && (state.is_only_claimed || !state.may_be_on_gateway);
        state.may_be_on_gateway = true;
        let state = &self.states[index];
        let attempt = Attempt {
            client: Arc::clone(&self.client),
            job: Arc::clone(&state.job),
            own: state.own.clone(),
            run_info: Arc::clone(&self.run_info),
            format: self.settings.format,
            clock: self.clock,
            tally: self.tally.clone(),
        };
        attempt.carry_out(action)
    }

    /// Records an attempt's outcome; returns 1 for a push that arrived.
    pub(super) fn settle(
        &mut self,
        (index, action): (usize, Action),
        outcome: Result<u64, PushError>,
        now: Time,
    ) -> usize {
        if let Err(error) = &outcome {
            self.pacing.pause_as_asked(error, now);
        }
        let state = &mut self.states[index];
        let job = Arc::clone(state.job.name());
        match outcome {
            Ok(version) => {
                debug!(%job, ?action, "push succeeded");
                state.accepted(&self.health);
                match action {
                    Action::Delete => state.deleted(),
                    Action::Claim => state.claimed_at = Some(now),
                    Action::Push => {}
                }
                if action != Action::Push {
                    return 0;
                }
                (state.pushed_version, state.pushed_at) = (Some(version), Some(now));
                self.health.pushed(now);
                1
            }
            Err(error) => {
                state.refused(&error, &self.health);
                0
            }
        }
    }
}
