//! A whole run: families, jobs and hosts.

use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};

use super::effects::EffectsPlan;
use super::host::HostPlan;
use super::lever::LeverPlan;
use super::phase::{TimelineFrom, TimelinePlan};
use super::run_fault::RunFault;
use super::shape::HostShape;
use super::verdict::VerdictPlan;
use crate::error::Error;
use crate::plural::plural;
use crate::series::Family;
use crate::time::{Span, Time};

/// A resolved, validated run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The config's name.
    pub config: String,
    /// The families, in the config's order. One name has one type and one HELP.
    pub families: Vec<Family>,
    /// The jobs, in the config's order.
    pub jobs: Vec<JobPlan>,
    /// The levers, in the config's order.
    pub levers: Arc<[LeverPlan]>,
    /// The faults of the run, in the config's order.
    pub faults: Vec<Arc<RunFault>>,
    /// The part of it that is done for real; `None` for a run that only emulates.
    pub effects: Option<Arc<EffectsPlan>>,
    /// The phases.
    pub timeline: Arc<TimelinePlan>,
    /// The moment from which phases and faults count behind a history.
    pub timeline_from: TimelineFrom,
    /// `true` if it ends with its timeline: it has no hosts of its own, whose ends it could wait for.
    pub ends_with_timeline: bool,
    /// The expectations that a test of the run judges, in the config's order.
    pub verdicts: Vec<VerdictPlan>,
    /// Queries by name, whose values a sweep compares.
    pub measures: IndexMap<String, String>,
    /// The hosts, in the config's order.
    pub hosts: Vec<Arc<HostPlan>>,
    /// The names of the events that hosts of other shards hear; empty for a whole run.
    pub heard_elsewhere: IndexSet<Arc<str>>,
    /// The run's settings that the config sets.
    pub defaults: RunDefaults,
    /// The config's arguments that the ttl of its hosts depends on, in its order.
    pub ttl_arguments: Vec<String>,
}

impl Plan {
    /// The time at which the last host ends by its ttl, in a run from `start` on.
    #[must_use]
    pub fn ends_at(&self, start: Time) -> Time {
        self.hosts.iter().map(|host| start + host.ends_after()).max().unwrap_or(start)
    }
}

/// Settings that a config may set; flags and variables override them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunDefaults {
    /// URL of the Pushgateway.
    pub pushgateway_url: Option<String>,
    /// `true` if that URL stands in the config as it is, so that no argument decides on it.
    pub is_pushgateway_url_fixed: bool,
    /// Host and port at which the metrics are served in place of being pushed; another port if that one is taken.
    pub serve: Option<(Box<str>, u16)>,
    /// Time between two pushes.
    pub push_interval: Option<Span>,
    /// Deletes the groups of ended runs on the Pushgateway before the first push.
    pub cleanup_on_start: Option<bool>,
    /// Deletes the run's groups on the Pushgateway at its end.
    pub cleanup_on_finish: Option<bool>,
}

/// One Pushgateway group.
#[derive(Clone, Debug)]
pub struct JobPlan {
    /// The job's name.
    pub name: Arc<str>,
    /// Its hosts, as indices into [`Plan::hosts`]; hosts of one shape are neighbours. A host's row in the
    /// job's store is its index in this list.
    pub hosts: Box<[u32]>,
}

impl Plan {
    /// Refuses generators and effects, which do real work and have no virtual time.
    pub fn refuse_real_work(&self) -> Result<(), Error> {
        match self.hosts.iter().flat_map(|host| host.shape.generators()).next() {
            Some((_, model)) => {
                let (name, plugin) = (&model.name, model.plugin());
                Err(Error::Usage(format!(
                    "generator {name} of plugin {plugin} does real work and has no virtual time; run the config live"
                )))
            }
            None if self.effects.is_some() => {
                let message =
                    "the config's faults are done for real and have no virtual time; run the config live";
                Err(Error::Usage(message.to_owned()))
            }
            None => Ok(()),
        }
    }

    /// Number of series when all hosts, metrics and members exist at once.
    #[must_use]
    pub fn series_count(&self) -> usize {
        self.hosts.iter().map(|host| host.series_count()).sum()
    }

    /// [`Self::series_count`] in words: "up to" so many if members come and go.
    #[must_use]
    pub fn series_text(&self) -> String {
        let has_pools = self.hosts.iter().any(|host| !host.shape.pools.is_empty());
        let series = plural(self.series_count(), "series", "series");
        if has_pools { format!("up to {series}") } else { series }
    }

    /// Number of families of the job.
    #[must_use]
    pub fn job_families(&self, job: &JobPlan) -> usize {
        let mut seen = vec![false; self.families.len()];
        for shape in self.shapes(job).map(|(shape, _)| shape) {
            for metric in shape.all_metrics() {
                seen[metric.family] = true;
            }
        }
        seen.into_iter().filter(|seen| *seen).count()
    }

    /// The job's shapes in the order of its rows, each with its number of neighbouring hosts.
    pub fn shapes(&self, job: &JobPlan) -> impl Iterator<Item = (&HostShape, usize)> {
        let shape_of = |host: &u32| &self.hosts[*host as usize].shape;
        let runs = job.hosts.chunk_by(move |a, b| Arc::ptr_eq(shape_of(a), shape_of(b)));
        runs.map(move |run| (&**shape_of(&run[0]), run.len()))
    }
}
