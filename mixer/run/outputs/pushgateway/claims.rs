//! Claims: the jobs that a run is about to take.
//!
//! Of two runs that start at once, each would find a job free. So a run puts its claims on the gateway before it lists the
//! groups, and takes them away when its jobs are there. The gateway's clock orders claims: the later run finds the
//! earlier one's claim, and yields.

use indexmap::IndexSet;

use super::groups::GatewayGroup;
use super::run_info::RunInfo;
use promemu_core::metric::MetricType;
use promemu_core::series::{Family, LabelBlock, SeriesStore};
use promemu_core::time::{Span, Time};
use promemu_wire::exposition::{Format, Group, encode};

/// The family of claims: one series for each job.
pub(super) const CLAIM: &str = "promemu_claim";
/// The label that names the job.
pub(super) const CLAIMED: &str = "claimed";
/// The job of a run's claims is this and the run's id.
const JOB_PREFIX: &str = "promemu_claim_";
/// Claims last for moments. Older ones were left behind.
const CLAIM_AGE_MAX: Span = Span::from_secs(120);

/// The job of a run's claims.
pub(super) fn job_of_claims(run: &RunInfo) -> String {
    format!("{JOB_PREFIX}{}", run.run_id)
}

/// The exposition of claims, with the run's identity.
pub(super) fn encode_claims<'a>(
    jobs: impl Iterator<Item = &'a str>,
    run_info: &SeriesStore,
    format: Format,
) -> Vec<u8> {
    let family = Family::new(CLAIM, "a job that a promemu run is about to push", MetricType::Gauge);
    let (claim, none) = (SeriesStore::single(family, LabelBlock::empty(), 1.0), LabelBlock::empty());
    let labels: Vec<LabelBlock> = jobs.map(|job| LabelBlock::new([(CLAIMED, job)])).collect();
    let claims = labels.iter().map(|labels| Group { store: &claim, labels });
    let groups: Vec<Group<'_>> = claims.chain([Group { store: run_info, labels: &none }]).collect();
    let mut body = Vec::new();
    encode(format, &groups, &mut body);
    body
}

/// Claims of a gateway as one run sees them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claims<'a> {
    groups: &'a [GatewayGroup],
    run: &'a RunInfo,
    now: Time,
    /// The place of the run's own claims in the order; `None` if they are not there.
    own: Option<(Time, &'a str)>,
}

impl<'a> Claims<'a> {
    /// The claims among these groups at this time of the gateway's clock.
    pub(super) fn new(groups: &'a [GatewayGroup], run: &'a RunInfo, now: Time) -> Self {
        let own = groups.iter().filter_map(place).find(|(_, run_id)| *run_id == run.run_id);
        Self { groups, run, now, own }
    }

    /// `true` if the run's own claims are on the gateway.
    pub(super) const fn has_own(&self) -> bool {
        self.own.is_some()
    }

    fn is_stale(&self, group: &GatewayGroup) -> bool {
        self.now.since(group.pushed_at) > CLAIM_AGE_MAX
    }

    /// Claims of other runs that are valid.
    fn of_others(self) -> impl Iterator<Item = &'a GatewayGroup> {
        let is_valid = move |group: &&GatewayGroup| {
            let is_anothers = place(group).is_some_and(|(_, run_id)| run_id != self.run.run_id);
            is_anothers && self.run.is_of_shard(group) && !self.is_stale(group)
        };
        self.groups.iter().filter(is_valid)
    }

    /// Claims of other runs that were there before the run's own.
    pub(super) fn earlier(self) -> impl Iterator<Item = &'a GatewayGroup> {
        let is_earlier = move |group: &&GatewayGroup| self.own.is_none_or(|own| place(group) < Some(own));
        self.of_others().filter(is_earlier)
    }

    /// The jobs that other runs are about to take.
    pub(super) fn claimed_by_others(self) -> IndexSet<&'a str> {
        self.of_others().flat_map(|group| group.claims.iter().map(String::as_str)).collect()
    }

    /// `true` for claims that were left behind, though the process may live.
    pub(super) fn is_left_behind(self, group: &GatewayGroup) -> bool {
        place(group).is_some() && self.is_stale(group)
    }
}

/// The place of a group of claims in the order of all; `None` for any other group.
fn place(group: &GatewayGroup) -> Option<(Time, &str)> {
    let run_id = group.job()?.strip_prefix(JOB_PREFIX)?;
    let run = group.run.as_ref().filter(|run| run.run_id == run_id)?;
    Some((group.pushed_at, &run.run_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(run: &RunInfo, at: u64) -> GatewayGroup {
        let grouping = [("job".to_owned(), job_of_claims(run))].into();
        let pushed_at = Time::from_unix_secs(1_767_600_000 + at);
        GatewayGroup { grouping, pushed_at, run: Some(run.clone()), claims: vec!["x".to_owned()] }
    }

    #[test]
    fn of_two_runs_that_see_each_other_exactly_the_later_one_yields() {
        let runs =
            ["a", "b"].map(|id| RunInfo { run_id: id.into(), ..RunInfo::new("c", Span::from_secs(15)) });
        let now = Time::from_unix_secs(1_767_600_010);
        for (times, yields) in [([1, 2], [false, true]), ([2, 1], [true, false]), ([1, 1], [false, true])] {
            let groups = [claims(&runs[0], times[0]), claims(&runs[1], times[1])];
            let seen = runs.each_ref().map(|run| Claims::new(&groups, run, now));
            assert_eq!(seen.map(|seen| seen.earlier().next().is_some()), yields, "{times:?}");
            assert!(seen.iter().all(|seen| seen.has_own() && seen.claimed_by_others().contains("x")));
        }
    }

    #[test]
    fn a_run_whose_own_claims_are_not_there_yields_to_all_and_old_claims_do_not_count() {
        let run = RunInfo::new("c", Span::from_secs(15));
        let other = RunInfo { run_id: "other".into(), ..run.clone() };
        let groups = [claims(&other, 0)];
        for (age, is_valid) in [(119, true), (121, false)] {
            let seen = Claims::new(&groups, &run, Time::from_unix_secs(1_767_600_000 + age));
            assert_eq!(
                (seen.earlier().count() == 1, seen.claimed_by_others().contains("x")),
                (is_valid, is_valid)
            );
            assert_eq!(seen.is_left_behind(&groups[0]), !is_valid);
        }
    }
}
