//! Scan of the gateway's groups: the jobs that belong to others, and the groups that ended runs left behind.
//!
//! Pure: it compares lists and marks conflicts; deleting is left to the caller.

use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use tracing::warn;

use super::claims::Claims;
use super::groups::GatewayGroup;
use super::jobs::{Conflict, Failure, JobState, Reason};
use super::ownership::{Verdict, describe_claim, describe_conflict};
use super::run_info::RunInfo;
use crate::outputs::health::Health;
use promemu_core::time::{Span, Time};

/// The groups of a gateway at one time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listing<'a> {
    pub(super) groups: &'a [GatewayGroup],
    /// The time by the gateway's clock.
    pub(super) gateway_now: Time,
    /// The same time by the output's clock.
    pub(super) now: Time,
}

/// Outcome of [`scan`].
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Jobs whose groups ended runs left behind.
    pub(super) orphans: Vec<String>,
    /// Time of the next scan, where a run may be dead or alive.
    pub(super) next_at: Option<Time>,
}

/// Marks the jobs whose groups belong to somebody else, and finds orphans. While the run `starts`, a lasting conflict
/// is not logged, since the run ends with it.
pub(super) fn scan(
    states: &mut [JobState],
    listing: Listing<'_>,
    run: &RunInfo,
    health: &Health,
    starts: bool,
) -> Scan {
    let logged = forget_conflicts(states, health);
    let names = states.iter().map(|state| Arc::clone(state.job.name()));
    let jobs: IndexMap<Arc<str>, usize> = names.zip(0..).collect();
    let claims = Claims::new(listing.groups, run, listing.gateway_now);
    let (mut scan, mut conflicts) = (Scan::default(), IndexMap::<usize, (Conflict, Reason)>::new());
    let mut own = IndexSet::<usize>::new();
    for group in listing.groups {
        let Some(job) = group.job().filter(|_| run.is_of_shard(group)) else { continue };
        let verdict = if claims.is_left_behind(group) {
            Verdict::Orphan
        } else {
            run.judge(group, listing.gateway_now)
        };
        let conflict = match verdict {
            Verdict::Own => {
                own.extend(jobs.get(job));
                continue;
            }
            Verdict::Orphan => {
                scan.orphans.push(job.to_owned());
                continue;
            }
            Verdict::Unclear { orphan_in } => {
                scan.look_again(listing.now + orphan_in + Span::from_secs(1));
                Conflict::Passing
            }
            Verdict::Alive | Verdict::Stranger => Conflict::Lasting,
        };
        if let Some(index) = jobs.get(job) {
            conflicts.insert(*index, (conflict, describe_conflict(job, group, verdict)));
        }
    }
    for group in claims.earlier() {
        let Some(conflict) = conflict_of_claims(run.judge(group, listing.gateway_now)) else { continue };
        for (index, job) in group.claims.iter().filter_map(|job| Some((*jobs.get(job.as_str())?, job))) {
            if !own.contains(&index) {
                conflicts.entry(index).or_insert_with(|| (conflict, describe_claim(job, group)));
            }
        }
    }
    // A claim without an answer has arrived.
    for index in own {
        states[index].claimed_at.get_or_insert(listing.now);
    }
    // The run that takes such a job may have pushed it already.
    let claimed = claims.claimed_by_others();
    scan.orphans.retain(|job| !claimed.contains(job.as_str()));
    for (index, conflict) in conflicts {
        let is_logged = conflict.0 == Conflict::Passing || !starts && !logged.contains(&index);
        mark(&mut states[index], conflict, is_logged, health);
    }
    scan
}

/// The conflict with an earlier run that claims a job.
const fn conflict_of_claims(verdict: Verdict) -> Option<Conflict> {
    match verdict {
        Verdict::Alive => Some(Conflict::Lasting),
        Verdict::Unclear { .. } => Some(Conflict::Passing),
        Verdict::Own | Verdict::Orphan | Verdict::Stranger => None,
    }
}

/// Marks a job that belongs to somebody else.
fn mark(state: &mut JobState, (conflict, reason): (Conflict, Reason), is_logged: bool, health: &Health) {
    if is_logged {
        warn!(job = %state.job.name(), "{}", reason.text);
    }
    health.set_refused(state.job.name(), Some(&reason.for_clients));
    (state.conflict, state.failure) = (Some(conflict), Some(Failure { kind: String::new(), reason }));
}

/// Forgets the conflicts of the scan before; returns the jobs whose conflicts were logged.
fn forget_conflicts(states: &mut [JobState], health: &Health) -> IndexSet<usize> {
    let mut logged = IndexSet::new();
    for (index, state) in states.iter_mut().enumerate() {
        if let Some(conflict) = state.conflict.take() {
            logged.extend((conflict == Conflict::Lasting).then_some(index));
            state.failure = None;
            health.set_refused(state.job.name(), None);
        }
    }
    logged
}

impl Scan {
    /// There is a scan at this time, or before.
    fn look_again(&mut self, at: Time) {
        self.next_at = Some(self.next_at.map_or(at, |next| next.min(at)));
    }
}
