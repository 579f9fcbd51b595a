//! Scan of the gateway's groups: the jobs that belong to others, and the groups that ended runs left behind.
//!
//! Pure: it compares lists and marks conflicts; deleting is left to the caller.

use std::sync::Arc;

use indexmap::IndexMap;
use tracing::warn;

use super::groups::GatewayGroup;
use super::jobs::{Conflict, Failure, JobState};
use super::ownership::{Verdict, describe_conflict};
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
    let mut logged = Vec::new();
    for (index, state) in states.iter_mut().enumerate() {
        if let Some(conflict) = state.conflict.take() {
            logged.extend((conflict == Conflict::Lasting).then_some(index));
            state.failure = None;
            health.set_refused(state.job.name(), None);
        }
    }
    let names = states.iter().map(|state| Arc::clone(state.job.name()));
    let jobs: IndexMap<Arc<str>, usize> = names.zip(0..).collect();
    let mut scan = Scan::default();
    for group in listing.groups {
        let Some(job) = group.job_only() else { continue };
        let verdict = run.judge(group, listing.gateway_now);
        let conflict = match verdict {
            Verdict::Own => continue,
            Verdict::Orphan => {
                scan.orphans.push(job.to_owned());
                continue;
            }
            Verdict::Unclear { orphan_in } => {
                let at = listing.now + orphan_in + Span::from_secs(1);
                scan.next_at = Some(scan.next_at.map_or(at, |next| next.min(at)));
                Conflict::Passing
            }
            Verdict::Alive | Verdict::Stranger => Conflict::Lasting,
        };
        if let Some(index) = jobs.get(job) {
            let reason = describe_conflict(job, group, verdict);
            if conflict == Conflict::Passing || !starts && !logged.contains(index) {
                warn!(%job, "{reason}");
            }
            let state = &mut states[*index];
            health.set_refused(state.job.name(), Some(&reason));
            (state.conflict, state.failure) = (Some(conflict), Some(Failure { kind: String::new(), reason }));
        }
    }
    scan
}
