//! The same seed gives the same values on any number of threads.

use proptest::prelude::*;

use super::*;
use crate::config::{ConfigFile, LoadOptions};
use crate::time::Span;

const START: Time = Time::from_unix_secs(1_767_600_000);

fn plan(hosts: usize) -> Arc<Plan> {
    let text = format!(
        r#"Config(hosts: [
        Host(name: "till", listen_events: {{ "feature_on": emit("go"), "tired": emit("rest") }}, metrics: [
            Metric(name: "on", scenario: feature_toggle(start_time: 20, duration: 30, interval: 25))]),
        Host(repeat: Repeat(var: "i", from: 1, to: {hosts}), name: "w-{{i}}", ttl: "{{100 + i * 10}}", interval: "4s..6s", metrics: [
            Metric(name: "load", value_range: (0, 100), scenario: load_peak_cpu),
            Metric(name: "walk", value_range: (0, 100), update_interval: 3, scenario: random_walk),
            Metric(name: "gone", listen_events: ["go", "rest", "host_stopped@any"], scenario: script(source: "if event.name == \"go\" && noise(1) > 0.5 {{ emit(\"tired\") }} value + noise(1)")),
            Metric(name: "n_total", metric_type: counter, scenario: calc_by_event(events_config: {{ "go": "value + 1", "run_started": "value + 100" }}))]),
    ])"#
    );
    Arc::new(ConfigFile::from_text("test", &text).plan(&LoadOptions::starting_at(START)).unwrap().plan)
}

fn grid() -> Grid {
    Grid { from: START, to: START + Span::from_secs(200), step: Span::from_secs(1) }
}

/// All samples of all hosts.
fn samples(plan: &Arc<Plan>, seed: u64, threads: usize) -> Vec<HostSamples> {
    let run = Backfill::new(Arc::clone(plan), seed, START, grid().to).unwrap();
    let hosts: Vec<HostId> = (0..u32::try_from(plan.hosts.len()).unwrap()).collect();
    let mut all = Vec::new();
    let taken = run.each_host(
        &hosts,
        threads,
        |_, host| HostSamples::of(host, &grid()),
        |_, samples| {
            all.push(samples);
            Ok::<(), ()>(())
        },
    );
    assert_eq!(taken, Ok(()));
    all
}

fn bits(samples: &HostSamples) -> Vec<u64> {
    samples.cells().iter().map(|cell| cell.to_bits()).collect()
}

#[test]
fn hosts_hear_each_others_events_in_virtual_time() {
    let plan = plan(5);
    let run = Backfill::new(Arc::clone(&plan), 7, START, START + Span::from_secs(200)).unwrap();
    let names: Vec<Arc<str>> = run.log().iter().map(|event| event.name).collect();
    assert_eq!(names.iter().filter(|name| &***name == "go").count(), 4);
    assert!(["tired", "rest", "run_started"].iter().all(|name| names.contains(&(*name).into())), "{names:?}");
    assert_eq!(names.iter().filter(|name| &***name == "host_stopped").count(), 5);
    let all = samples(&plan, 7, 1);
    let counter = all[1].cell(3);
    assert_eq!(counter[10].to_bits(), 100.0f64.to_bits(), "the counter hears run_started");
    assert!(counter[60] > 100.0);
    assert!(crate::metric::is_absent(counter[200]), "its ttl is over");
}

#[test]
fn events_of_a_host_are_passed_on_even_without_a_listener() {
    let plan = plan(1);
    let run = Backfill::new(plan, 7, START, grid().to).unwrap();
    let mut emitted = Vec::new();
    let samples =
        HostSamples::with_events(run.host(0), &grid(), |event| emitted.push(event.name.to_string()), None);
    assert_eq!(emitted[..3], ["host_started", "feature_on", "go"]);
    assert!(bits(&samples) == bits(&HostSamples::of(run.host(0), &grid())));
}

#[test]
fn samples_have_the_times_of_their_reports() {
    let grid = grid();
    let run = Backfill::new(plan(1), 7, START, grid.to).unwrap();
    let samples = HostSamples::of(run.host(1), &grid);
    let reported = samples.reported_at();
    assert_eq!((reported.len(), reported[0]), (samples.moments(), Time::NEVER));
    let mut ages = grid.iter().zip(reported).skip(3).take(100).map(|(moment, at)| moment.since(*at));
    assert!(ages.all(|age| age <= Span::from_secs(6)));
    assert!(reported[3..].is_sorted());
}

#[test]
fn adding_hosts_changes_no_values_of_others() {
    let alone = |hosts: usize| {
        let text = format!(
            "Config(hosts: [Host(repeat: Repeat(var: \"i\", from: 1, to: {hosts}), name: \"w-{{i}}\", metrics: [Metric(name: \"m\", value_range: (0, 9), scenario: random_walk)])])"
        );
        Arc::new(ConfigFile::from_text("test", &text).plan(&LoadOptions::starting_at(START)).unwrap().plan)
    };
    let (few, many) = (samples(&alone(3), 5, 1), samples(&alone(30), 5, 2));
    for (few, many) in few.iter().zip(&many) {
        assert_eq!(bits(few), bits(many));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn the_same_seed_gives_the_same_bits_on_any_number_of_threads(seed: u64, hosts in 1..9usize) {
        let plan = plan(hosts);
        let one: Vec<_> = samples(&plan, seed, 1).iter().map(bits).collect();
        for threads in [2, 8] {
            let many: Vec<_> = samples(&plan, seed, threads).iter().map(bits).collect();
            prop_assert!(one == many, "{threads} threads");
        }
    }
}
