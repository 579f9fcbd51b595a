//! The first values of every host of a plan, without running it.

use std::sync::Arc;

use indexmap::IndexSet;

use crate::error::Error;
use crate::host::{DrivenHost, EmulatedHost, Outbox};
use crate::plan::{HostShape, Plan};
use crate::rng::Seed;
use crate::series::SeriesStore;
use crate::time::Time;
use crate::world::{World, places};

/// The first values of every host.
#[derive(Debug)]
pub struct FirstValues {
    /// Name and series of each job.
    pub jobs: Vec<(Arc<str>, SeriesStore)>,
    /// Messages about failed scenarios.
    pub failures: Vec<String>,
}

impl FirstValues {
    /// Starts every host of a world, and takes its first report. Generators, which measure first, are refused.
    pub fn of(plan: &Arc<Plan>, seed: u64, run_start: Time) -> Result<Self, Error> {
        let world = World::new(Arc::clone(plan), seed, run_start)?;
        let mut out = Outbox::default();
        let mut failures = Vec::new();
        let mut stores: Vec<SeriesStore> = plan.jobs.iter().map(|job| plan.store(job)).collect();
        let places = places(plan);
        for (mut host, (job, place)) in world.into_hosts().zip(places) {
            host.step(host.host().starts_at(), &mut out);
            report_failures(&host.host().plan().name, &mut out, &mut failures);
            place.report_all(host.host(), &mut stores[job]);
        }
        let names = plan.jobs.iter().map(|job| Arc::clone(&job.name));
        Ok(Self { jobs: names.zip(stores).collect(), failures })
    }
}

/// Messages about scenarios that fail at their first value; of one host for each shape. Generators do not run here.
#[must_use]
pub fn first_failures(plan: &Plan, seed: u64, run_start: Time) -> Vec<String> {
    let mut failures = Vec::new();
    let mut shapes: IndexSet<*const HostShape> = IndexSet::new();
    let mut out = Outbox::default();
    for plan in plan.hosts.iter().filter(|host| shapes.insert(Arc::as_ptr(&host.shape))) {
        let host = EmulatedHost::new(Arc::clone(plan), Seed::new(seed), run_start);
        let mut host = DrivenHost::new(host);
        host.step(host.host().starts_at(), &mut out);
        let is_generator = |name: &str| plan.shape.generators().any(|(pool, _)| *pool.name == *name);
        out.failures.retain(|(name, _)| !is_generator(name));
        report_failures(&plan.name, &mut out, &mut failures);
    }
    failures
}

fn report_failures(name: &str, out: &mut Outbox, failures: &mut Vec<String>) {
    let failed = |(metric, why)| format!("metric {metric:?} of host {name:?} has no first value: {why}");
    failures.extend(out.failures.drain(..).map(failed));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ConfigFile, LoadOptions};

    const START: Time = Time::from_unix_secs(1_767_600_000);

    #[test]
    fn a_scenario_that_fails_at_its_first_value_is_reported_once_for_each_shape() {
        let text = r#"Config(hosts: [Host(repeat: Repeat(var: "i", from: 1, to: 9), name: "h-{i}", metrics: [
            Metric(name: "m", scenario: script(source: "value.nothing"))])])"#;
        let plan = ConfigFile::from_text("test", text).plan(&LoadOptions::starting_at(START)).unwrap().plan;
        let plan = Arc::new(plan);
        assert_eq!(FirstValues::of(&plan, 1, START).unwrap().failures.len(), 9);
        insta::assert_snapshot!(first_failures(&plan, 1, START).join("\n"), @r#"metric "m" of host "h-1" has no first value: unknown property 'nothing' - a getter is not registered for type 'f64'"#);
    }
}
