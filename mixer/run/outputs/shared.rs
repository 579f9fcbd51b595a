//! The outputs that all runs of a process share: pages and files, and promemu's own metrics.
//!
//! A run is admitted before it starts. No two runs have the same job at the same time, and where they are shown
//! together a family has one type, one HELP text and one unit.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indexmap::{IndexMap, IndexSet};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::leftovers::Leftovers;
use super::output::{ProcessState, SharedOutput};
use super::readiness::Readiness;
use super::self_page::SelfPage;
use super::settings::OutputSettings;
use crate::effects::outcome::OutcomeTally;
use crate::fleet::Fleet;
use crate::self_metrics::SelfMetrics;
use promemu_core::config::MAIN_RUN;
use promemu_core::error::Error;
use promemu_core::plan::Plan;
use promemu_core::series::{Family, family_of_series};

/// The outputs that all runs of a process share.
#[derive(Debug)]
pub struct SharedOutputs {
    outputs: Vec<(OutputSettings, Arc<dyn SharedOutput>)>,
    process: ProcessState,
    outcomes: Arc<OutcomeTally>,
    self_metrics_address: Option<SocketAddr>,
    claims: Mutex<IndexMap<Arc<str>, Claim>>,
    stop: watch::Sender<bool>,
    servers: Mutex<JoinSet<()>>,
    /// The runtime of all runs. Clients start runs on the servers' workers, where they must not stay.
    runtime: Handle,
}

/// Everything of a run that others must not contradict.
#[derive(Debug)]
struct Claim {
    jobs: IndexSet<Arc<str>>,
    families: Vec<Family>,
}

impl Claim {
    fn of(plan: &Plan) -> Self {
        let jobs = plan.jobs.iter().map(|job| Arc::clone(&job.name)).collect();
        Self { jobs, families: plan.families.clone() }
    }
}

/// The reason why a run cannot go on beside another one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunConflict {
    /// Another run has the job.
    #[error(
        "job {job:?} is run {run:?}'s; give this run another one, by an argument of its config or by {{run_id}} in job_name"
    )]
    JobTaken {
        /// The job.
        job: String,
        /// The other run.
        run: String,
    },
    /// Another run has a family of this name that differs.
    #[error(
        "family {family:?} has {ours} here and {theirs} in run {run:?}, and promemu shows both runs on one page; rename it, or \
         stop that run first"
    )]
    FamilyDiffers {
        /// The family's name.
        family: String,
        /// The property of this run that differs.
        ours: String,
        /// The same, of the other run.
        theirs: String,
        /// The other run.
        run: String,
    },
    /// A family of one run is named like series of another run's family.
    #[error(
        "metric {metric:?} {whose} is a series of the {family}, and promemu shows both runs on one page; rename one of them, or \
         stop that run first"
    )]
    SeriesTaken {
        /// The name.
        metric: String,
        /// The run that has a family of that name, in words.
        whose: String,
        /// The family that has such series: its type, its name and its run.
        family: String,
    },
}

/// A run's place among the others, until it is dropped.
#[derive(Debug)]
pub(crate) struct Admission {
    outputs: Arc<SharedOutputs>,
    run: Arc<str>,
    leftovers: Arc<Leftovers>,
}

impl SharedOutputs {
    /// Opens those among the outputs that are shared, and a listener for promemu's own metrics at `self_metrics_address`
    /// (`HOST:PORT`), and serves. A process that `awaits_main` is ready when that run is. Must be called on a tokio runtime.
    ///
    /// # Errors
    ///
    /// An address is taken, or a file cannot be written.
    pub async fn open(
        settings: &[OutputSettings],
        self_metrics_address: Option<&str>,
        awaits_main: bool,
    ) -> Result<Arc<Self>, Error> {
        let readiness = Arc::new(Readiness::new(awaits_main));
        let process = ProcessState { own: Arc::new(SelfMetrics::new()?), readiness };
        let self_page = match self_metrics_address {
            Some(address) => Some(SelfPage::bind(address, Arc::clone(&process.own)).await?),
            None => None,
        };
        let mut outputs = Vec::new();
        for output in settings {
            if let Some(shared) = output.shared() {
                outputs.push((output.clone(), shared.open_shared(&output.name(), &process).await?));
            }
        }
        let (stop, stopped) = watch::channel(false);
        let mut servers = JoinSet::new();
        for (_, output) in &outputs {
            servers.spawn(Arc::clone(output).serve(stopped.clone()));
        }
        let self_metrics_address = self_page.as_ref().map(SelfPage::address);
        servers.extend(self_page.map(|page| page.serve(stopped)));
        let (claims, servers) = (Mutex::default(), Mutex::new(servers));
        let runtime = Handle::current();
        let outcomes = Arc::default();
        Ok(Arc::new(Self {
            outputs,
            process,
            outcomes,
            self_metrics_address,
            claims,
            stop,
            servers,
            runtime,
        }))
    }

    /// The runtime of all runs: the one on which this was opened.
    pub(crate) const fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// promemu's own metrics, those of all runs included.
    #[must_use]
    pub const fn self_metrics(&self) -> &Arc<SelfMetrics> {
        &self.process.own
    }

    /// `true` once all hosts of the main run that are due have reported; at once without a main run.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.process.readiness.is_ready()
    }

    /// Stops serving. Runs must have ended before.
    pub async fn end(&self) {
        self.stop.send_replace(true);
        let mut servers = std::mem::take(&mut *self.servers.lock().unwrap_or_else(PoisonError::into_inner));
        while servers.join_next().await.is_some() {}
    }

    /// Admits a run with this plan beside the others.
    pub(crate) fn admit(self: &Arc<Self>, run: &Arc<str>, plan: &Plan) -> Result<Admission, RunConflict> {
        self.claim(run, plan)?;
        Ok(Admission { outputs: Arc::clone(self), run: Arc::clone(run), leftovers: Arc::default() })
    }

    fn claims(&self) -> MutexGuard<'_, IndexMap<Arc<str>, Claim>> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn claim(&self, run: &Arc<str>, plan: &Plan) -> Result<(), RunConflict> {
        let (mut claims, ours) = (self.claims(), Claim::of(plan));
        for (other, theirs) in claims.iter().filter(|(other, _)| *other != run) {
            if let Some(job) = theirs.jobs.iter().find(|job| ours.jobs.contains(*job)) {
                return Err(RunConflict::JobTaken { job: job.to_string(), run: other.to_string() });
            }
            if !self.outputs.is_empty() {
                refuse_different_families(&ours.families, &theirs.families, other)?;
                refuse_suffix_clashes(&ours.families, &theirs.families, other)?;
            }
        }
        claims.insert(Arc::clone(run), ours);
        Ok(())
    }
}

/// A family has one type, one HELP text and one unit on a page.
fn refuse_different_families(ours: &[Family], theirs: &[Family], run: &str) -> Result<(), RunConflict> {
    let known: IndexMap<&str, &Family> = theirs.iter().map(|family| (&*family.name, family)).collect();
    for our in ours {
        let Some(their) = known.get(&*our.name) else { continue };
        let facts = [
            ("type", our.metric_type.name(), their.metric_type.name()),
            ("help", &*our.help, &*their.help),
            ("unit", &*our.unit, &*their.unit),
        ];
        if let Some((fact, our_text, their_text)) = facts.into_iter().find(|(_, ours, theirs)| ours != theirs)
        {
            return Err(RunConflict::FamilyDiffers {
                family: our.name.to_string(),
                ours: format!("the {fact} {our_text:?}"),
                theirs: format!("{their_text:?}"),
                run: run.to_owned(),
            });
        }
    }
    Ok(())
}

/// A family has no name of a series of another one on a page, as `x_count` beside a histogram `x`.
fn refuse_suffix_clashes(ours: &[Family], theirs: &[Family], run: &str) -> Result<(), RunConflict> {
    let here = ("here".to_owned(), ours);
    let there = (format!("of run {run:?}"), theirs);
    for ((whose, families), (owner, others)) in [(&here, &there), (&there, &here)] {
        let known: IndexMap<&str, &Family> = others.iter().map(|family| (&*family.name, family)).collect();
        for family in *families {
            let Some(other) = family_of_series(&family.name, |name| known.get(name).copied()) else {
                continue;
            };
            return Err(RunConflict::SeriesTaken {
                metric: family.name.to_string(),
                whose: whose.clone(),
                family: format!("{} {:?} {owner}", other.metric_type.name(), other.name),
            });
        }
    }
    Ok(())
}

impl Admission {
    /// The run goes on with another plan, if no other run contradicts it.
    pub(crate) fn replace(&self, plan: &Plan) -> Result<(), RunConflict> {
        self.outputs.claim(&self.run, plan)
    }

    /// The run's id.
    pub(crate) const fn run(&self) -> &Arc<str> {
        &self.run
    }

    /// The outcomes of all runs with effects.
    pub(crate) fn outcomes(&self) -> &Arc<OutcomeTally> {
        &self.outputs.outcomes
    }

    /// Clean-up after the run's outputs.
    pub(crate) const fn leftovers(&self) -> &Arc<Leftovers> {
        &self.leftovers
    }

    fn is_main(&self) -> bool {
        &*self.run == MAIN_RUN
    }

    /// promemu's own metrics of the run: the process' for the main run.
    pub(crate) fn self_metrics(&self) -> Result<Arc<SelfMetrics>, Error> {
        let own = &self.outputs.process.own;
        if self.is_main() { Ok(Arc::clone(own)) } else { own.of_run(&self.run) }
    }

    /// The run has these fleets, one after the other.
    pub(crate) fn follow(&self, fleets: &watch::Receiver<Arc<Fleet>>) {
        if self.is_main() {
            self.outputs.process.readiness.follow(fleets.clone());
        }
    }

    /// The shared outputs, in their order.
    pub(crate) fn shared(&self) -> &[(OutputSettings, Arc<dyn SharedOutput>)] {
        &self.outputs.outputs
    }

    /// The address of promemu's own metrics, if they have a listener of their own and this is the main run.
    pub(crate) fn self_metrics_address(&self) -> Option<SocketAddr> {
        self.outputs.self_metrics_address.filter(|_| self.is_main())
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.outputs.claims().shift_remove(&self.run);
    }
}

#[cfg(test)]
mod tests;
