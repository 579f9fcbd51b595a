//! Worlds in lock step: values per second on one core, for a batch of many small worlds and for one world of many hosts.
//!
//! `cargo bench --bench worlds` steps 1 024 worlds of one host with 8 metrics, and one world of 66 667 hosts.

#![expect(clippy::expect_used, reason = "a bench ends on an error")]

use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use promemu_core::config::{ConfigFile, LoadOptions};
use promemu_core::plan::Plan;
use promemu_core::time::{Span, Time};
use promemu_core::world::{Selection, WorldBatch};

const START: Time = Time::from_unix_secs(1_767_600_000);
const SECOND: Span = Span::from_secs(1);

/// Hosts of eight metrics that make a value each second.
fn plan(hosts: usize) -> Arc<Plan> {
    let text = format!(
        r#"Config(
        hosts: [Host(repeat: Repeat(var: "i", from: 1, to: {hosts}), name: "host-{{i}}", ttl: "inf", interval: "1s", metric_sets: ["all"])],
        metric_sets: {{ "all": [
            Metric(repeat: Repeat(var: "n", from: 1, to: 3), name: "walk_{{n}}", value_range: (0, 100), update_interval: 1, scenario: random_walk),
            Metric(repeat: Repeat(var: "n", from: 1, to: 2), name: "wave_{{n}}", value_range: (0, 100), update_interval: 1, scenario: sine_wave),
            Metric(repeat: Repeat(var: "n", from: 1, to: 2), name: "any_{{n}}", value_range: (0, 100), update_interval: 1, scenario: random_in_range),
            Metric(name: "requests_total", metric_type: counter, value_range: (0, 9), update_interval: 1, scenario: random_in_range),
        ] }})"#
    );
    let file = ConfigFile::from_text("worlds", &text);
    Arc::new(file.plan(&LoadOptions::starting_at(START)).expect("the config is good").plan)
}

/// A batch in which all hosts have started.
fn started(plan: &Arc<Plan>, worlds: u64) -> WorldBatch {
    let seeds: Vec<u64> = (0..worlds).collect();
    let mut batch = WorldBatch::new(Arc::clone(plan), &seeds, START).expect("the plan has no generator");
    batch.advance(START + Span::from_secs(3));
    batch
}

/// Lets a second pass.
fn step(batch: &mut WorldBatch) {
    batch.advance(batch.now() + SECOND);
}

fn worlds(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("worlds");
    group.sample_size(20).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    for (name, worlds, hosts) in [("1024 of one host", 1024, 1), ("one of 66667 hosts", 1, 66_667)] {
        let plan = plan(hosts);
        let mut batch = started(&plan, worlds);
        let before = batch.counts().updates;
        step(&mut batch);
        let values = batch.counts().updates - before;
        group.throughput(Throughput::Elements(values));
        group.bench_function(format!("step, {name}"), |bencher| bencher.iter(|| step(&mut batch)));
        let (selection, mut seen) = (Selection::of(&plan, |_, _| true), Vec::new());
        group.bench_function(format!("step and observe, {name}"), |bencher| {
            bencher.iter(|| {
                step(&mut batch);
                seen.clear();
                batch.observe(&selection, &mut seen);
            });
        });
        let snapshot = batch.snapshot().expect("there are no plugins");
        group.bench_function(format!("restore, {name}"), |bencher| {
            bencher.iter(|| batch.restore(&snapshot).expect("it is of this batch"));
        });
    }
    group.finish();
}

criterion_group!(benches, worlds);
criterion_main!(benches);
