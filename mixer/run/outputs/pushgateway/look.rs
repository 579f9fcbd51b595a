//! A look at the gateway's groups: whose they are, which job cannot be pushed, and what dead runs left.

use std::sync::Arc;

use indexmap::IndexMap;
use tracing::{info, warn};

use super::job_state::Conflict;
use super::ownership::{self, Verdict};
use super::{PushError, PushgatewaySink};
use promemu_core::time::{Span, Time};

impl PushgatewaySink {
    /// Goes on without knowing whose the groups are.
    pub(super) fn looks_no_more(&mut self, error: &PushError) {
        warn!("the pushgateway's groups cannot be listed, so there is no clean-up on start: {error}");
        self.next_look = None;
    }

    /// Looks at the gateway's groups, if it is time to: marks the jobs that belong to somebody else, and
    /// deletes what dead runs left behind. Where a run may be dead or alive, it will look again.
    pub(super) async fn look(&mut self) -> Result<(), PushError> {
        if self.next_look.is_none_or(|at| self.clock.now() < at) {
            return Ok(());
        }
        let groups = self.client.groups().await;
        let (groups, gateway_now) = groups.inspect_err(|_| self.tally.push_failures.inc())?;
        let clock_now = self.clock.now();
        let mut told = Vec::new();
        for (index, state) in self.states.iter_mut().enumerate() {
            if let Some(conflict) = state.conflict.take() {
                told.extend((conflict == Conflict::Lasting).then_some(index));
                state.complaint = None;
                self.health.set_refused(state.job.name(), None);
            }
        }
        let names = self.states.iter().map(|state| Arc::clone(state.job.name()));
        let jobs: IndexMap<Arc<str>, usize> = names.zip(0..).collect();
        let mut doomed = Vec::new();
        let mut next_look = None;
        for group in &groups {
            let Some(job) = group.job_only() else { continue };
            let verdict = self.owner.judge(group, gateway_now);
            if let Verdict::Unclear { orphan_in } = verdict {
                let at = clock_now + orphan_in + Span::from_secs(1);
                next_look = Some(next_look.map_or(at, |next: Time| next.min(at)));
            }
            let conflict = match verdict {
                Verdict::Orphan => {
                    doomed.push(job.to_owned());
                    continue;
                }
                Verdict::Own => continue,
                Verdict::Unclear { .. } => Conflict::Passing,
                Verdict::Alive | Verdict::Stranger => Conflict::Lasting,
            };
            if let Some(index) = jobs.get(job) {
                let complaint = ownership::describe_conflict(job, group, verdict);
                // On start a lasting one ends the run, and is told by that.
                let ends_run = !self.has_started && self.away.is_none();
                if conflict == Conflict::Passing || !ends_run && !told.contains(index) {
                    warn!("{complaint}");
                }
                self.health.set_refused(self.states[*index].job.name(), Some(&complaint));
                self.states[*index].conflict = Some(conflict);
                self.states[*index].complaint = Some((String::new(), complaint));
            }
        }
        self.next_look = next_look;
        if self.settings.cleanup_on_start && !doomed.is_empty() {
            let count = doomed.len();
            let failed = self.client.delete_all(doomed).await;
            info!("cleaned up {} of {count} groups that ended runs left on the pushgateway", count - failed);
        }
        Ok(())
    }
}
