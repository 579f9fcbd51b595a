//! The same seed gives the same values on any number of threads.

use proptest::prelude::*;

use super::*;
use crate::config::{ConfigFile, LoadOptions};
use crate::host::Outbox;
use crate::metric::{ABSENT, is_absent};
use crate::plan::LISTENERS_PER_SEC_MAX;
use crate::time::Span;
use crate::timeline::RunLog;
use crate::world::World;

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

fn times(until: Time) -> RunTimes {
    RunTimes { start: START, until, timeline_start: START }
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

/// Hosts that emit 1 000 events each second, and one that counts them.
fn storm(emitters: usize) -> Arc<Plan> {
    let text = format!(
        r#"Config(hosts: [
        Host(repeat: Repeat(var: "i", from: 1, to: {emitters}), name: "e-{{i}}", ttl: "inf", interval: "1h", metrics: [
            Metric(name: "on", update_interval: "1h", scenario: feature_toggle(start_time: 0, duration: "1ms", interval: "1ms"))]),
        Host(name: "sink", ttl: "inf", interval: "1h", metrics: [
            Metric(name: "n_total", metric_type: counter, scenario: calc_by_event(events_config: {{ "feature_on": "value + 1", "feature_off": "value + 1" }}))]),
    ])"#
    );
    Arc::new(ConfigFile::from_text("test", &text).plan(&LoadOptions::starting_at(START)).unwrap().plan)
}

/// The last value of the sink's counter, the events that passed between hosts, and the bytes that they took.
fn counted(plan: &Arc<Plan>, secs: u64) -> (f64, usize, usize) {
    let until = START + Span::from_secs(secs);
    let run = Backfill::new(Arc::clone(plan), 1, START, until).unwrap();
    let mut sink = run.host(u32::try_from(plan.hosts.len() - 1).unwrap());
    // Those of the last moments are still on their way.
    drive(&mut sink, until, &mut Outbox::default(), |_, _, _| {});
    let waiting = sink.into_host();
    (waiting.host().row()[0], run.log().len() - waiting.waiting(), run.log().size_bytes())
}

/// The whole storm, with `PROMEMU_LONG`, has 3 million events; a short one is no other.
#[test]
fn a_storm_of_events_goes_on_to_its_end() {
    let secs = if std::env::var_os("PROMEMU_LONG").is_some() { 310 } else { 10 };
    let (value, events, bytes) = counted(&storm(10), secs);
    assert!(events as u64 > (secs - 4) * 10_000, "{events} events");
    assert_eq!(value.to_bits(), f64::from(u32::try_from(events).unwrap()).to_bits(), "every event is heard");
    assert!(bytes / events <= 40, "{} bytes an event", bytes / events);
}

#[test]
fn a_run_with_more_events_than_memory_is_allowed_for_ends_with_an_error() {
    let until = START + Span::from_secs(600);
    let refused =
        EventLog::record_at_most(5_000, &storm(1), 1, times(until), &RunLog::default()).unwrap_err();
    insta::assert_snapshot!(refused, @"hosts send each other more than 5000 events by 2026-01-05T08:01:01Z; end the range earlier, or have fewer events");
}

/// Hosts whose scripts emit an event each millisecond, which begins a fault on another one.
fn fault_storm(emitters: usize) -> Arc<Plan> {
    let text = format!(
        r#"Config(levers: {{ "load": 1.0 }}, faults: [
            Fault(id: "f", on: "x", lasts: "1ms", hosts: "reader", set: {{ "load": 2 }})], hosts: [
        Host(repeat: Repeat(var: "i", from: 1, to: {emitters}), name: "e-{{i}}", ttl: "inf", interval: 5, metrics: [
            Metric(name: "m", update_interval: "1ms", scenario: script(source: "emit(\"x\"); value"))]),
        Host(name: "reader", ttl: "inf", interval: 5, metrics: [
            Metric(name: "m", update_interval: 1, scenario: script(source: "run.load"))]),
    ])"#
    );
    Arc::new(ConfigFile::from_text("test", &text).plan(&LoadOptions::starting_at(START)).unwrap().plan)
}

#[test]
fn begins_of_faults_by_events_have_a_part_of_a_run_s_events_in_every_driver() {
    let (plan, until) = (fault_storm(30), START + Span::from_secs(3));
    let mut world = World::new(Arc::clone(&plan), 1, START).unwrap();
    world.advance(until);
    let begun = world.log().end();
    // Three seconds, a host's last event beyond its part in each, and the weight of a begin.
    let most = 3 * (u64::from(LISTENERS_PER_SEC_MAX) / 100 + 30);
    assert!((1_000..=most).contains(&begun), "{begun} begins");
    assert!(world.counts().events_dropped > 1_000, "{:?}", world.counts());
    let run = Backfill::new(Arc::clone(&plan), 1, START, until).unwrap();
    assert_eq!(run.log().actions_for(&plan.hosts[30]).count() as u64, begun);
}

#[test]
fn a_backfill_with_more_begins_of_faults_than_memory_is_allowed_for_ends_with_an_error() {
    let until = START + Span::from_secs(600);
    let refused =
        EventLog::record_at_most(30_000, &fault_storm(1), 1, times(until), &RunLog::default()).unwrap_err();
    insta::assert_snapshot!(refused, @"events begin faults, and hosts move levers, more than 3750 times by 2026-01-05T08:01:01Z; end the range earlier, or have fewer events");
}

#[test]
fn faults_that_begin_each_other_begin_once_at_each_moment() {
    let fault = |n: u64| {
        format!("Fault(id: \"f{n}\", on: \"fault_finished\", lasts: \"1ms\", set: {{ \"load\": 2 }}),")
    };
    let faults = (0..30).map(fault).collect::<Vec<_>>().concat();
    let text = format!(
        "Config(levers: {{ \"load\": 1.0 }}, faults: [Fault(id: \"first\", at: 1, lasts: 1, set: {{ \"load\": 3 }}), {faults}],
        hosts: [Host(name: \"h\", ttl: \"inf\", interval: 5, metrics: [
            Metric(name: \"m\", scenario: script(source: \"run.load\"))])])"
    );
    let plan = ConfigFile::from_text("test", &text).plan(&LoadOptions::starting_at(START)).unwrap().plan;
    let mut world = World::new(Arc::new(plan), 1, START).unwrap();
    world.advance(START + Span::from_secs(4));
    let begun = world.log().end();
    // Two seconds, with a begin of each fault after 51 ms, not one by each of the others.
    assert!((600..=30 * 40).contains(&begun), "{begun} begins");
}

#[test]
fn a_busy_machine_changes_no_value() {
    let text = r#"Config(hosts: [Host(repeat: Repeat(var: "i", from: 1, to: 2), name: "h-{i}", interval: 1,
        storage: { "n": 0 }, listen_events: { "x": [emit("x"), emit("y"), emit("x")] }, metrics: [
        Metric(name: "works", update_interval: 1, scenario: script(source: "for i in 0..200 { host.storage.n += 1; } host.storage.n")),
        Metric(name: "is_stopped", update_interval: 3, scenario: script(source: "while true { host.storage.n += 0.001; } 1")),
        Metric(name: "storms", update_interval: 6, scenario: script(source: "emit(\"x\"); value + noise(1)"))])])"#;
    let plan = ConfigFile::from_text("test", text).plan(&LoadOptions::starting_at(START)).unwrap().plan;
    let plan = Arc::new(plan);
    let grid = Grid { from: START, to: START + Span::from_secs(9), step: Span::from_secs(1) };
    let sampled = || {
        let run = Backfill::new(Arc::clone(&plan), 3, START, grid.to).unwrap();
        let samples = HostSamples::of(run.host(1), &grid);
        (bits(&samples), samples.counts, samples.first_dropped)
    };
    let alone = sampled();
    assert!(alone.1.scenario_errors > 1 && alone.1.events_dropped > 0, "{:?}", alone.1);
    let is_over = std::sync::atomic::AtomicBool::new(false);
    let beside = std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let beside = sampled();
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
        beside
    });
    assert_eq!(beside, alone);
}

/// The values of a lever at some seconds of a history of 100 s, and of the live run behind it, with the events of phases that
/// its hosts have heard.
fn load_behind_a_history(timeline_from: &str, secs: &[u64]) -> Vec<[f64; 2]> {
    let text = format!(
        r#"Config({timeline_from} levers: {{ "load": 1 }}, faults: [Fault(id: "f", at: 50, lasts: 10, plus: {{ "load": 100 }})],
            timeline: Timeline(phases: [Phase(name: "calm", lasts: 20), Phase(name: "peak", lasts: 60, set: {{ "load": 5 }})]),
            hosts: [Host(name: "a", interval: 1, metrics: [
                Metric(name: "load", update_interval: 1, scenario: script(source: "run.load")),
                Metric(name: "phases", update_interval: "1h", default_value: 0, scenario: calc_by_event(events_config: {{ "phase_started": "value + 1" }}))])])"#
    );
    let plan = ConfigFile::from_text("test", &text).plan(&LoadOptions::starting_at(START)).unwrap().plan;
    let at = |secs: u64| START + Span::from_secs(secs);
    let grid = Grid { from: START, to: at(100), step: Span::from_secs(1) };
    let run = Backfill::before_live(Arc::new(plan), 7, grid).unwrap();
    let (mut host, mut out) = (run.host(0).into_host(), Outbox::default());
    let shown = secs.iter().map(|secs| {
        while host.step(at(*secs), &mut out).is_some() {}
        [host.host().row()[0], host.host().row()[1]]
    });
    shown.collect()
}

#[test]
fn phases_and_faults_count_from_the_begin_of_the_live_run_or_of_its_history() {
    let secs = [10, 30, 57, 95, 110, 130, 157, 190];
    // No phase has started in the history; those of the live run are told by it.
    let live: Vec<[f64; 2]> = [1.0, 1.0, 1.0, 1.0, 1.0, 5.0, 105.0, 1.0].map(|load| [load, 0.0]).into();
    assert_eq!(load_behind_a_history("", &secs), live);
    assert_eq!(load_behind_a_history("timeline_from: live,", &secs), live);
    let history =
        [[1.0, 1.0], [5.0, 2.0], [105.0, 2.0], [1.0, 2.0], [1.0, 2.0], [1.0, 2.0], [1.0, 2.0], [1.0, 2.0]];
    assert_eq!(load_behind_a_history("timeline_from: history,", &secs), history);
}

#[test]
fn the_newest_samples_of_a_history_are_those_that_its_hosts_show() {
    let grid = Grid { from: START, to: START + Span::from_secs(200), step: Span::from_secs(1) };
    let all = Backfill::new(plan(4), 7, START, grid.to).unwrap();
    let run = Backfill::before_live(plan(4), 7, grid).unwrap().keeping_recent(grid, Span::from_secs(60));
    let (mut counts, mut expected) = (vec![[0.0; 2]; 61], Vec::new());
    for id in 0..5 {
        let samples = HostSamples::of(all.host(id), &grid);
        let mut driven = HostSampler::new(run.host(id), 0..run.plan().hosts[id as usize].shape.width);
        for part in grid.parts(7) {
            let _same = driven.sample(&part, |_| {}, None);
        }
        if id == 0 {
            continue;
        }
        let walk: Vec<f64> = samples.cell(1)[140..].to_vec();
        for (count, value) in counts.iter_mut().zip(&walk).filter(|(_, value)| !is_absent(**value)) {
            *count = [count[0] + 1.0, count[1] + value];
        }
        expected.push(walk);
    }
    let recent = run.into_recent().unwrap();
    let hosts = &all.plan().hosts;
    for (host, walk) in hosts[1..].iter().zip(expected) {
        let kept = recent.of_metric(&host.name, &host.shape.metrics[1]);
        let kept: Vec<f64> = kept.into_iter().map(|(_, value)| value.unwrap_or(ABSENT)).collect();
        assert!(kept.iter().map(|value| value.to_bits()).eq(walk.iter().map(|value| value.to_bits())));
    }
    let family = recent.of_family("walk");
    assert_eq!(family.len(), counts.len());
    for ((n, (time, all)), [count, sum]) in (0..).zip(family).zip(counts) {
        assert_eq!((time, all.count), (START + Span::from_secs(140 + n), count));
        assert!((all.sum - sum).abs() <= sum.abs() * 1e-12);
    }
    assert!(
        recent.of_metric("nobody", &hosts[1].shape.metrics[1]).is_empty()
            && recent.of_family("no").is_empty()
    );
}

#[test]
fn a_long_history_keeps_a_bounded_number_of_moments_up_to_its_last() {
    let grid = Grid { from: START, to: START + Span::from_secs(5_003), step: Span::from_secs(1) };
    let run = Backfill::before_live(plan(1), 7, grid).unwrap().keeping_recent(grid, Span::from_secs(3_600));
    let times: Vec<Time> =
        run.into_recent().unwrap().of_family("walk").into_iter().map(|(time, _)| time).collect();
    assert!((100..=240).contains(&times.len()), "{}", times.len());
    assert_eq!(times.last(), Some(&grid.to));
    let steps: Vec<Span> = times.windows(2).map(|pair| pair[1].since(pair[0])).collect();
    assert!(
        steps.windows(2).all(|pair| pair[0] == pair[1])
            && steps[0].times(times.len() as u64) >= Span::from_secs(3_500)
    );
}
