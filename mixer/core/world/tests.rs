//! Worlds of small configs: what they show, hear and forget.

#![expect(clippy::float_cmp, reason = "the numbers have few digits")]

mod storms;

use std::sync::Arc;

use super::*;
use crate::backfill::{Backfill, drive};
use crate::config::{ConfigDirs, ConfigFile, LoadOptions};
use crate::event::HostId;
use crate::host::{DrivenHost, Outbox};
use crate::metric::is_absent;
use crate::plan::{Action, HostSelection, Plan};
use crate::plugin::tests::bring_plugins;
use crate::series::SeriesStore;
use crate::time::{Span, Time};
use crate::timeline::{Targets, TruthRecords};
use proptest::prelude::*;

const START: Time = Time::from_unix_secs(1_767_600_000);

/// Hosts that talk, with pools; `b` alone hears nothing.
const TALKING: &str = r#"Config(hosts: [
    Host(name: "till", listen_events: { "feature_on": emit("go"), "tired": emit("rest") }, metrics: [
        Metric(name: "on", update_interval: 1, scenario: feature_toggle(start_time: 3, duration: 4, interval: 5))]),
    Host(repeat: Repeat(var: "i", from: 1, to: 3), name: "w-{i}", ttl: "{20 + i * 10}", interval: "1s..3s", metrics: [
        Metric(name: "walk", value_range: (0, 100), update_interval: 1, scenario: random_walk),
        Metric(name: "tired", listen_events: ["go", "rest", "host_stopped@any"],
            scenario: script(source: "if event.name == \"go\" && noise(1) > 0.5 { emit(\"tired\") } value + noise(1)")),
        Metric(name: "n_total", metric_type: counter, scenario: calc_by_event(events_config: { "go": "value + 1", "run_started": "value + 100" }))],
        pools: [Pool(count: 2, lifetime: "3s..9s", replace_on: "go", labels: { "id": "{uuid()}" }, metrics: [
            Metric(name: "age", update_interval: 1, scenario: time_duration)])]),
    Host(name: "b", metrics: [Metric(name: "alone", value_range: (0, 9), scenario: random_in_range)]),
])"#;

fn plan(text: &str) -> Arc<Plan> {
    let file = ConfigFile::from_text("test", text);
    Arc::new(file.plan(&LoadOptions::starting_at(START)).unwrap().plan)
}

fn at(secs: f64) -> Time {
    START + Span::from_secs_f64(secs).unwrap()
}

/// All that a step changed, as text.
fn digest(at: Time, driven: &DrivenHost, out: &Outbox) -> String {
    let bits = |cells: &[f64]| cells.iter().map(|cell| cell.to_bits()).collect::<Vec<_>>();
    let member = |change: &crate::host::MemberChange| {
        let shown = driven.host().slot(change.pool, change.slot);
        shown.map(|(labels, cells)| (labels.clone(), bits(cells)))
    };
    let members: Vec<_> = out.members.iter().map(member).collect();
    format!("{at:?} {} {:?} {members:?} {:?}", out.report, bits(driven.host().row()), out.events)
}

/// The steps of each host in a world up to a time.
fn steps(world: &mut World, until: Time) -> Vec<Vec<String>> {
    let mut steps = vec![Vec::new(); world.plan().hosts.len()];
    world.advance_with(until, |step| {
        steps[step.host as usize].push(digest(step.at, step.driven, step.out));
    });
    steps
}

#[test]
fn a_world_gives_what_a_backfill_gives_in_strides_of_any_length() {
    let plan = plan(TALKING);
    let run = Backfill::new(Arc::clone(&plan), 7, START, at(60.0)).unwrap();
    let ids = (0..).take(plan.hosts.len());
    let expected: Vec<Vec<String>> = ids
        .map(|id: HostId| {
            let mut steps = Vec::new();
            let take = |at, host: &DrivenHost, out: &Outbox| steps.push(digest(at, host, out));
            drive(&mut run.host(id), at(60.0), &mut Outbox::default(), take);
            steps
        })
        .collect();
    assert!(run.log().iter().any(|event| &*event.name == "rest"), "hosts talk");
    for stride in [0.013, 0.9, 60.0] {
        let mut world = World::new(Arc::clone(&plan), 7, START).unwrap();
        let mut seen = vec![Vec::new(); plan.hosts.len()];
        let mut now = 0.0;
        while now < 60.0 {
            now = f64::min(now + stride, 60.0);
            let strides = steps(&mut world, at(now)).into_iter();
            seen.iter_mut().zip(strides).for_each(|(seen, more)| seen.extend(more));
        }
        assert!(seen == expected, "strides of {stride} s");
    }
}

#[test]
fn the_run_begins_and_ends_with_an_event_and_so_does_each_host() {
    let mut world = World::new(plan(TALKING), 7, START).unwrap();
    world.advance(at(10.0));
    assert!(world.row(1)[2] >= 100.0, "run_started is heard");
    let mut last = Vec::new();
    world.finish_with(|step| last.extend(step.out.events.iter().map(|event| event.name.to_string())));
    assert_eq!(last, ["host_stopped"; 5]);
    assert_eq!(world.due(), Time::NEVER);
    let own: Vec<&str> = world.outside_events().iter().map(|event| &*event.name).collect();
    assert_eq!(own, ["run_started", "run_finished"]);
    let counts = world.counts();
    world.advance(at(20.0));
    assert_eq!(world.counts(), counts, "nothing is due any more");
}

#[test]
fn what_comes_from_outside_acts_50_ms_later_and_a_backfill_can_be_given_it() {
    let text = r#"Config(hosts: [
        Host(name: "a", listen_events: { "tell@own": emit("told") }, metrics: [
            Metric(name: "n_total", metric_type: counter, scenario: calc_by_event(events_config: { "go": "value + 1", "go@own": "value + 10" }))]),
        Host(name: "b", metrics: [
            Metric(name: "m_total", metric_type: counter, scenario: calc_by_event(events_config: { "go@a": "value + 1", "told": "value + 100" }))])])"#;
    let plan = plan(text);
    let mut world = World::new(Arc::clone(&plan), 1, START).unwrap();
    world.advance(at(5.0));
    let values = |world: &World| (world.row(0)[0], world.row(1)[0]);
    for (secs, source, name, expected) in
        [(5.0, "me", "go", (1.0, 0.0)), (6.0, "a", "go", (11.0, 1.0)), (7.0, "a", "tell", (11.0, 101.0))]
    {
        world.advance(at(secs));
        let before = values(&world);
        world.inject(name, source, serde_json::Value::Null);
        world.advance(at(secs + 0.0499));
        assert_eq!(values(&world), before);
        world.advance(at(secs + 0.2));
        assert_eq!(values(&world), expected);
    }
    let host = |id: usize| Targets::host(&plan.hosts[id].name);
    let shown = Action::Override { metric: 0, value: 500.0, lasts: Span::FOREVER, may_fall: false };
    world.act(&host(1), "me", shown).unwrap();
    world.act(&host(0), "me", Action::Emit("tell".into())).unwrap();
    world.advance(at(8.0));
    assert_eq!(values(&world), (11.0, 500.0), "told, and shown otherwise");
    let run = Backfill::with_log(Arc::clone(&plan), 1, (START, at(9.0)), world.log()).unwrap();
    assert_eq!(run.log().iter().filter(|event| &*event.name == "told").count(), 2);
    for id in [0, 1] {
        let mut host = run.host(id);
        drive(&mut host, at(8.0), &mut Outbox::default(), |_, _, _| {});
        assert_eq!(host.driven().host().row(), world.row(id));
    }
}

#[test]
fn the_same_future_follows_from_a_snapshot_as_often_as_it_is_restored() {
    let mut world = World::new(plan(TALKING), 3, START).unwrap();
    world.advance(at(11.3));
    let snapshot = world.snapshot().unwrap();
    let future = steps(&mut world, at(50.0));
    for _ in 0..2 {
        world.restore(&snapshot).unwrap();
        assert_eq!(world.now(), snapshot.now());
        assert!(steps(&mut world, at(50.0)) == future);
    }
    world.restore(&snapshot).unwrap();
    world.inject("go", "me", serde_json::Value::Null);
    assert!(steps(&mut world, at(50.0)) != future, "another past, another future");
    let other = World::new(plan(TALKING), 3, START).unwrap().restore(&snapshot).unwrap_err();
    insta::assert_snapshot!(other, @"snapshot is of another world; restore it there");
}

#[test]
fn a_snapshot_is_refused_if_a_plugin_keeps_its_state() {
    bring_plugins();
    let plan = plan(r#"Config(hosts: [Host(name: "a", pools: [Pool(workload: crowd)])])"#);
    let refused = World::new(plan, 1, START).unwrap().snapshot().unwrap_err();
    insta::assert_snapshot!(refused, @r#"host "a" cannot be copied: pool "crowd": crowd of plugin crowds: its state cannot be saved"#);
}

/// The steps of each host in each of 1 000 seconds, and its processes after it.
fn seconds(world: &mut World, from: f64) -> Vec<String> {
    let mut second = |step: u32| {
        let steps = steps(world, at(from + f64::from(step)));
        let processes = world.hosts().map(|host| {
            let pools = host.host().plan().shape.pools.iter().enumerate();
            let slots = pools.flat_map(|(pool, plan)| (0..plan.max).map(move |slot| (pool, slot)));
            let shown = slots.map(|(pool, slot)| host.host().slot(pool, slot));
            shown.map(|it| it.map(|(labels, cells)| (labels.clone(), cells.to_vec()))).collect::<Vec<_>>()
        });
        format!("{steps:?} {:?}", processes.collect::<Vec<_>>())
    };
    (1..=1_000).map(&mut second).collect()
}

#[test]
fn processes_have_the_same_future_from_a_snapshot() {
    bring_plugins();
    let loaded = ConfigDirs::new(None).load("processes_chaos", &LoadOptions::starting_at(START));
    let mut world = World::new(Arc::new(loaded.unwrap().plan), 1, START).unwrap();
    // Before the first ticks, with churn and faults under way, and much later.
    for secs in [0.0, 333.3, 1_500.0] {
        world.advance(at(secs));
        let snapshot = world.snapshot().unwrap();
        let expected = seconds(&mut world, secs);
        assert!(expected[999].contains("nginx") && expected[999] != expected[900], "processes go on");
        world.restore(&snapshot).unwrap();
        assert!(seconds(&mut world, secs) == expected, "from {secs} s on");
        world.restore(&snapshot).unwrap();
    }
}

#[test]
fn worlds_of_a_batch_are_like_single_ones() {
    let plan = plan(TALKING);
    let seeds = [5, 6, 7];
    let mut batch = WorldBatch::new(Arc::clone(&plan), &seeds, START).unwrap();
    batch.advance(at(4.0));
    batch.inject(1, "go", "me", serde_json::Value::Null);
    batch.advance(at(30.0));
    let selection = Selection::of(&plan, |_, metric| &*metric.name != "on");
    assert_eq!(selection.len(), 3 * (3 + 2) + 1);
    let mut observed = Vec::new();
    batch.observe(&selection, &mut observed);
    for (world, (seed, observed)) in seeds.iter().zip(observed.chunks(selection.len())).enumerate() {
        let mut single = World::new(Arc::clone(&plan), *seed, START).unwrap();
        single.advance(at(4.0));
        if world == 1 {
            single.inject("go", "me", serde_json::Value::Null);
        }
        single.advance(at(30.0));
        let mut expected = Vec::new();
        single.observe(&selection, &mut expected);
        let bits = |cells: &[f64]| cells.iter().map(|cell| cell.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(observed), bits(&expected));
        assert!(batch.member(world, 1, 0, 1).is_some());
    }
}

/// Without events, interpreted scripts and members that come and go.
#[test]
fn a_step_that_is_warm_allocates_nothing() {
    let text = r#"Config(hosts: [Host(repeat: Repeat(var: "i", from: 1, to: 5), name: "h-{i}", interval: "1s..2s", metrics: [
        Metric(name: "walk", value_range: (0, 100), update_interval: 1, scenario: random_walk),
        Metric(name: "twice", scenario: relay_to_other_metric(source_metric_name: "walk", calc_function: "value * 2 + noise(1)")),
        Metric(name: "linked", update_interval: 1, scenario: script(source: "links.walk + dt + random(0, 1)")),
        Metric(name: "bytes_total", metric_type: counter, accumulate: per_second, value_range: (1, 9), created: true, scenario: random_in_range),
        Metric(name: "took_seconds", metric_type: histogram, buckets: [0.1, 1], observations: 9, exemplars: true, spread: lognormal(median: 0.2, p99: 1.5)),
        Metric(name: "wait_seconds", metric_type: native_histogram, value_range: (0, 60), observations: 40, spread: lognormal(median: 0.5, p99: 4)),
        Metric(name: "size_bytes", metric_type: summary, value_range: (0, 1e6), window: "10s", observations: 5, scenario: random_in_range),
        Metric(name: "mixed", value_range: (0, 999), update_interval: 1, scenario: sum(of: [brownian(base: 50, volatility: 3, reversion: 0.1), sine_wave])),
        Metric(name: "load", value_range: (0, 100), update_interval: 1, scenario: load_peak_cpu)],
        pools: [Pool(count: 3, labels: { "id": "{slot}" }, metrics: [Metric(name: "age", update_interval: 1, scenario: time_duration)])])])"#;
    let plan = plan(text);
    let (mut world, mut seen) = (World::new(Arc::clone(&plan), 1, START).unwrap(), Vec::new());
    let selection = Selection::of(&plan, |_, _| true);
    let mut minute = |world: &mut World| {
        for _ in 0..60 {
            world.advance(world.now() + Span::from_secs(1));
            seen.clear();
            world.observe(&selection, &mut seen);
        }
        world.counts().updates
    };
    let warm = minute(&mut world);
    let mut updates = 0;
    let allocated = allocation_counter::measure(|| updates = minute(&mut world) - warm);
    assert!(updates > 60 * 5 * 6, "{updates} updates");
    assert_eq!(allocated.count_total, 0);
}

#[test]
fn stores_follow_reports_or_show_what_hosts_show_now() {
    let plan = plan(TALKING);
    let mut world = World::new(Arc::clone(&plan), 7, START).unwrap();
    let mut reported = JobStores::new(&plan);
    world.advance_with(at(28.0), |step| reported.take(step));
    let present = JobStores::of(&world);
    for (reported, present) in reported.stores().iter().zip(present.stores()) {
        assert_eq!(reported.rows_present(), present.rows_present());
        assert_eq!(reported.series_count(), present.series_count());
    }
    world.advance_with(at(31.9), |step| reported.take(step));
    let rows = |stores: &JobStores| stores.stores().iter().map(SeriesStore::rows_present).sum::<usize>();
    assert_eq!(
        (rows(&reported), rows(&JobStores::of(&world))),
        (4, 4),
        "w-1 has ended after 30 s and its start"
    );
    assert!(!is_absent(world.row(4)[0]));
}

/// Hosts whose metrics read levers, which faults and events move.
const MOVED: &str = r#"Config(levers: { "load": 1, "ratio": 0.1 },
    faults: [
        Fault(id: "slow", at: 5, lasts: 4, every: 11, hosts: "w-[12]", times: { "load": ramp(to: 5, over: 3) }),
        Fault(id: "more", at: 0, lasts: 20, hosts: "zone=a", plus: { "ratio": sine(period: 7, amplitude: 0.05) }),
        Fault(id: "gone", at: 24, lasts: "1500ms", every: 7, hosts: "w-[23]", kind: host_down(probability: 0.6)),
        Fault(id: "blank", at: "22.5s", lasts: 4, plus: { "load": 1 }, kind: nan(probability: 0.3))],
    hosts: [
        Host(repeat: Repeat(var: "i", from: 1, to: 3), name: "w-{i}", ttl: "{40 + i}", interval: "1s..3s", labels: { "zone": "{if i == 3 { \"a\" } else { \"b\" }}" },
            listen_events: { "go": lever("load", 9, "2s"), "fault_started": when("event.data == \"slow\"", emit("slowed")), "rest@own": release_lever("load") },
            metrics: [
                Metric(name: "load", update_interval: 1, scenario: script(source: "run.load * random(1, 2)")),
                Metric(name: "fails", update_interval: 2, scenario: script(source: "if run.ratio > random(0, 0.3) { emit(\"rest\"); 1 } else { 0 }")),
                Metric(name: "faults", scenario: calc_by_event(events_config: { "fault_started": "value + 1", "fault_finished@promemu": "value + 100", "slowed": "value + 0.5" }))],
            pools: [Pool(max: 5, count: "run.load", count_interval: 1, labels: { "id": "{slot}" }, metrics: [Metric(name: "of_pod", update_interval: 1, scenario: script(source: "run.load + noise(1)"))])]),
        Host(name: "till", metrics: [Metric(name: "go", update_interval: 1, scenario: script(source: "if random(0, 1) > 0.9 { emit(\"go\") } 0"))])])"#;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn a_backfill_with_the_log_of_a_world_gives_what_the_world_gave(
        seed in 0..1_000u64,
        came in proptest::collection::vec((0..4_000u64, 0..7u8, 0..4usize), 0..12),
    ) {
        let plan = plan(MOVED);
        let mut world = World::new(Arc::clone(&plan), seed, START).unwrap();
        let mut expected = vec![Vec::new(); plan.hosts.len()];
        let mut came = came;
        came.sort_unstable();
        for (hundredths, kind, target) in came {
            let more = steps(&mut world, START + Span::from_nanos(hundredths * 10_000_000)).into_iter();
            expected.iter_mut().zip(more).for_each(|(seen, more)| seen.extend(more));
            let targets = match target {
                0 => Targets::All,
                1 => Targets::Selected(HostSelection::parse("w-[23]").unwrap()),
                _ => Targets::host(&plan.hosts[target - 1].name),
            };
            let lasts = if hundredths % 2 == 0 { Span::FOREVER } else { Span::from_secs(3) };
            let action = match kind {
                0 => { world.inject("go", "me", serde_json::Value::Null); continue }
                1 => Action::Override { metric: 0, value: 7.0, lasts, may_fall: false },
                2 => Action::Release { metric: 0 },
                3 => Action::Lever { lever: usize::from(hundredths % 3 == 0), value: 0.5, lasts },
                4 => Action::ReleaseLever { lever: 0 },
                5 => Action::Down { lasts },
                _ => Action::Up,
            };
            world.act(&targets, "me", action).unwrap();
        }
        let more = steps(&mut world, at(45.0)).into_iter();
        expected.iter_mut().zip(more).for_each(|(seen, more)| seen.extend(more));
        let run = Backfill::with_log(Arc::clone(&plan), seed, (START, at(45.0)), world.log()).unwrap();
        for (id, expected) in (0..).zip(&expected) {
            let mut seen = Vec::new();
            let take = |at, host: &DrivenHost, out: &Outbox| seen.push(digest(at, host, out));
            drive(&mut run.host(id), at(45.0), &mut Outbox::default(), take);
            prop_assert!(seen == *expected, "host {}", plan.hosts[id as usize].name);
        }
    }
}

#[test]
fn faults_of_the_run_are_told_at_their_edges_and_heard_50_ms_later() {
    let plan = plan(MOVED);
    let run = Backfill::new(Arc::clone(&plan), 1, START, at(20.0)).unwrap();
    let told = run.log().iter().filter(|event| event.name.starts_with("fault_"));
    let told = told.map(|event| format!("{} {} {}", event.time.since(START), event.name, event.data));
    insta::assert_snapshot!(told.collect::<Vec<String>>().join("\n"), @r#"
    0s fault_started "more"
    5s fault_started "slow"
    9s fault_finished "slow"
    16s fault_started "slow"
    20s fault_finished "slow"
    20s fault_finished "more"
    "#);
    let mut world = World::new(plan, 1, START).unwrap();
    let heard = |world: &mut World, secs| {
        world.advance(at(secs));
        world.row(0)[2]
    };
    let before = heard(&mut world, 5.0499);
    assert_eq!(heard(&mut world, 5.051) - before, 1.5, "the begin, and the event that follows from it");
}

#[test]
fn a_fault_begins_50_ms_after_its_event_and_further_ones_prolong_it() {
    let text = r#"Config(levers: { "x": 1 },
        timeline: Timeline(phases: [Phase(name: "calm", lasts: 20, events: [(15, "deploy")])],
            faults: [Fault(id: "deployed", on: "deploy", lasts: 2, set: { "x": 7 })]),
        faults: [
            Fault(id: "busy", on: ["rush", "hurry@till"], lasts: 3, hosts: "web-*", plus: { "x": 10 }),
            Fault(id: "reset", on: "hurry", hosts: "till", kind: counter_reset)],
        hosts: [
            Host(name: "till", metrics: [Metric(name: "n_total", metric_type: counter, update_interval: 10, default_value: 5,
                scenario: script(source: "if t > 9.5 && t < 10.5 { emit(\"hurry\") } value + 1"))]),
            Host(name: "web-1", metrics: [Metric(name: "m", update_interval: "10ms", scenario: script(source: "run.x"))])])"#;
    let plan = plan(text);
    let mut world = World::new(Arc::clone(&plan), 1, START).unwrap();
    let shown = |world: &mut World, secs: f64| {
        world.advance(at(secs));
        world.row(1)[0]
    };
    assert_eq!(shown(&mut world, 4.0), 1.0);
    world.inject("rush", "me", serde_json::Value::Null);
    assert_eq!([4.049, 4.07, 5.0].map(|secs| shown(&mut world, secs)), [1.0, 11.0, 11.0]);
    world.inject("hurry", "me", serde_json::Value::Null);
    world.inject("rush", "me", serde_json::Value::Null);
    assert_eq!([8.04, 8.07].map(|secs| shown(&mut world, secs)), [11.0, 1.0], "3 s after the last one");
    assert_eq!([12.6, 15.07, 17.07].map(|secs| shown(&mut world, secs)), [11.0, 7.0, 1.0]);
    let records: Vec<_> = TruthRecords::new(&plan, world.course().clone())
        .map(|record| format!("{} {} {}", record.id, record.begin.since(START), record.end.since(START)))
        .collect();
    let till =
        world.log().actions().iter().find(|logged| &*logged.sent.source == "till").unwrap().sent.acts_at();
    let (begin, end) = (till.since(START), (till + Span::from_secs(3)).since(START));
    let expected = [
        "calm 0s 20s".to_owned(),
        "busy 4s 50ms 8s 50ms".to_owned(),
        "reset 5s 50ms 5s 50ms".to_owned(),
        format!("busy {begin} {end}"),
        format!("reset {begin} {begin}"),
        "deployed 15s 50ms 17s 50ms".to_owned(),
    ];
    assert_eq!(records, expected);
    let backfill = Backfill::new(plan, 1, START, at(20.0)).unwrap();
    assert_eq!(
        backfill.course().next_begin(backfill.plan().faults[0].timed(), START),
        till,
        "without clients"
    );
}
