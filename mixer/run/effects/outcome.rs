//! The outcomes of runs with effects, as their metrics show them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indexmap::IndexMap;
use promemu_core::event::{SCENARIO_FAILED, SCENARIO_SUCCEEDED};
use promemu_core::plan::{Action, OUTCOMES, Plan, TRUTH_HOST};
use promemu_core::time::Span;
use promemu_core::timeline::Targets;
use tokio::time::{sleep, timeout};
use tracing::warn;

use crate::fleet::Fleet;

/// Time in which the metrics of a run that can still do something show its outcome.
const PATIENCE: Duration = Duration::from_secs(5);
/// Time between two looks.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);
/// Maximum number of scenarios that are counted; the oldest ones are forgotten.
const SCENARIOS_MAX: usize = 1_000;

/// The number of a process' runs that have succeeded and failed, by job and scenario: the counters of a playlist go on from run to run.
#[derive(Debug, Default)]
pub(crate) struct OutcomeTally(Mutex<IndexMap<Key, [f64; 2]>>);

/// A job and a scenario.
type Key = (Arc<str>, Arc<str>);

impl OutcomeTally {
    /// Has the counters of a run begin with the numbers of those before it.
    pub(crate) fn begin(&self, plan: &mut Plan) {
        let counts = key(plan).and_then(|key| self.counts().get(&key).copied());
        if let Some(counts) = counts {
            plan.begin_outcomes(counts);
        }
    }

    /// Counts a run, and gives the number of those with its outcome.
    fn add(&self, plan: &Plan, has_succeeded: bool) -> f64 {
        let Some(key) = key(plan) else { return 1.0 };
        let mut counts = self.counts();
        if counts.len() >= SCENARIOS_MAX && !counts.contains_key(&key) {
            counts.shift_remove_index(0);
        }
        let count = &mut counts.entry(key).or_default()[usize::from(!has_succeeded)];
        *count += 1.0;
        *count
    }

    fn counts(&self) -> MutexGuard<'_, IndexMap<Key, [f64; 2]>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The job and the scenario of a run with effects.
fn key(plan: &Plan) -> Option<Key> {
    let scenario = Arc::clone(&plan.effects.as_ref()?.scenario);
    let host = plan.hosts.iter().find(|host| &*host.name == TRUTH_HOST)?;
    Some((Arc::clone(&plan.jobs.get(host.job)?.name), scenario))
}

/// Tells the outcome, and waits until the metrics show it.
pub(crate) async fn tell(fleet: &Fleet, tally: &OutcomeTally, has_succeeded: bool) {
    let Some(effects) = &fleet.plan().effects else { return };
    let before = shown(fleet);
    let lever = effects.first_outcome() + usize::from(!has_succeeded);
    let value = tally.add(fleet.plan(), has_succeeded);
    let (host, action) = (TRUTH_HOST.into(), Action::Lever { lever, value, lasts: Span::FOREVER });
    if fleet.change_run(fleet.clock().now(), &Targets::host(&host), action).is_err() {
        warn!("the run log is full; the metrics do not show the outcome");
        return;
    }
    fleet.publish_own(if has_succeeded { SCENARIO_SUCCEEDED } else { SCENARIO_FAILED });
    let is_shown = async {
        while shown(fleet) <= before {
            sleep(LOOK_INTERVAL).await;
        }
    };
    // A host that someone has stopped shows nothing any more.
    let _is_shown = timeout(PATIENCE, is_shown).await.is_ok();
}

/// The number of outcomes that the metrics show.
fn shown(fleet: &Fleet) -> f64 {
    let mut total = 0.0;
    for job in fleet.jobs() {
        let store = job.store();
        let family = store.families().position(|family| &*family.name == OUTCOMES);
        if let Some(family) = family {
            store.for_each_sample(family, |sample| total += sample.cells[0]);
        }
    }
    total
}
