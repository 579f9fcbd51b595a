//! The first values of every host of a plan, without running it.

use std::sync::Arc;

use indexmap::IndexSet;

use crate::host::{EmulatedHost, Outbox, Place};
use crate::plan::{HostPlan, HostShape, Plan};
use crate::rng::Seed;
use crate::series::SeriesStore;
use crate::time::Time;

/// The first values of every host.
#[derive(Debug)]
pub struct FirstValues {
    /// Name and series of each job.
    pub jobs: Vec<(Arc<str>, SeriesStore)>,
    /// Messages about failed scenarios.
    pub failures: Vec<String>,
}

impl FirstValues {
    /// Starts every host, and takes its first report.
    #[must_use]
    pub fn of(plan: &Plan, seed: u64, run_start: Time) -> Self {
        let mut outbox = Outbox::default();
        let mut failures = Vec::new();
        let mut jobs = Vec::with_capacity(plan.jobs.len());
        for job in &plan.jobs {
            let mut store = plan.store(job);
            for (row, id) in job.hosts.iter().enumerate() {
                let host =
                    first_values(&plan.hosts[*id as usize], seed, run_start, &mut outbox, &mut failures);
                Place(row).report_all(&host, &mut store);
            }
            jobs.push((Arc::clone(&job.name), store));
        }
        Self { jobs, failures }
    }
}

/// Messages about scenarios that fail at their first value; of one host for each shape.
#[must_use]
pub fn first_failures(plan: &Plan, seed: u64, run_start: Time) -> Vec<String> {
    let mut failures = Vec::new();
    let mut shapes: IndexSet<*const HostShape> = IndexSet::new();
    let mut outbox = Outbox::default();
    for host in plan.hosts.iter().filter(|host| shapes.insert(Arc::as_ptr(&host.shape))) {
        first_values(host, seed, run_start, &mut outbox, &mut failures);
    }
    failures
}

fn first_values(
    plan: &Arc<HostPlan>,
    seed: u64,
    run_start: Time,
    outbox: &mut Outbox,
    failures: &mut Vec<String>,
) -> EmulatedHost {
    let mut host = EmulatedHost::new(Arc::clone(plan), Seed::new(seed), run_start);
    outbox.clear();
    host.advance(host.starts_at(), &[], outbox);
    let failed =
        |(metric, why)| format!("metric {metric:?} of host {:?} has no first value: {why}", plan.name);
    failures.extend(outbox.failures.drain(..).map(failed));
    host
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
        assert_eq!(FirstValues::of(&plan, 1, START).failures.len(), 9);
        insta::assert_snapshot!(first_failures(&plan, 1, START).join("\n"), @r#"metric "m" of host "h-1" has no first value: unknown property 'nothing' - a getter is not registered for type 'f64'"#);
    }
}
