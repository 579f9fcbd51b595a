//! Configs whose events multiply: they come to an end, and never keep a run busier than its bound allows.

use std::collections::BTreeMap;

use super::*;
use crate::event::EventBus;
use crate::host::{DropCause, STEPS_PER_SEC_MAX};
use crate::plan::LISTENERS_PER_SEC_MAX;
use crate::work::{self, WorkLimit};

fn plan(count: usize, rest: &str) -> Arc<Plan> {
    let text = format!(
        "Config(hosts: [Host(repeat: Repeat(var: \"i\", from: 1, to: {count}), name: \"h-{{i}}\", interval: 5, {rest})])"
    );
    super::plan(&text)
}

/// The course of a storm.
#[derive(Debug, Default)]
struct Storm {
    /// Deliveries to other hosts, and events that hosts handle themselves, in each second.
    heard: BTreeMap<u64, usize>,
    last_event: Option<Time>,
    emitted: Vec<usize>,
    dropped: u64,
    causes: Vec<DropCause>,
}

fn storm(plan: &Arc<Plan>, until: Time) -> Storm {
    let mut bus = EventBus::default();
    for (id, host) in (0..).zip(&plan.hosts) {
        bus.subscribe(id, host.shape.subscriptions());
    }
    let mut storm = Storm { emitted: vec![0; plan.hosts.len()], ..Storm::default() };
    let mut world = World::new(Arc::clone(plan), 1, START).unwrap();
    world.advance_with(until, |step| {
        let second = step.at.since(START).as_nanos() / 1_000_000_000;
        let others = step.out.events.iter().map(|event| bus.listeners(event, Some(step.host)).count());
        *storm.heard.entry(second).or_default() += others.sum::<usize>() + step.out.events.len();
        storm.emitted[step.host as usize] += step.out.events.len();
        storm.dropped += step.out.events_dropped;
        storm.causes.extend(step.out.first_dropped.as_ref().map(|dropped| dropped.cause));
        if !step.out.events.is_empty() {
            storm.last_event = storm.last_event.max(Some(step.at));
        }
    });
    storm
}

fn is_bounded(storm: &Storm) -> bool {
    // A host may be beyond its part by its last event.
    let most = storm.heard.values().copied().max().unwrap_or(0);
    most > 1_000 && most <= LISTENERS_PER_SEC_MAX as usize * 5 / 4
}

#[test]
fn hosts_that_all_hear_each_other_and_double_each_event_are_cut_alike_in_every_driver() {
    let plan = plan(
        300,
        r#"listen_events: { "x": [emit("x"), emit("x")], "host_started": emit("x") }, metrics: [Metric(name: "up")]"#,
    );
    let until = START + Span::from_secs(3);
    let storm = storm(&plan, until);
    assert!(is_bounded(&storm), "{:?}", storm.heard);
    assert!(storm.dropped > 0 && storm.causes.contains(&DropCause::FullRun), "{:?}", storm.causes);
    let run = Backfill::new(Arc::clone(&plan), 1, START, until).unwrap();
    for id in [0, 299] {
        let mut emitted = 0;
        drive(&mut run.host(id), until, &mut Outbox::default(), |_, _, out| emitted += out.events.len());
        assert_eq!(emitted, storm.emitted[id as usize], "host {id}");
    }
}

#[test]
fn a_chain_between_hosts_that_doubles_its_events_ends_by_itself() {
    let hosts: HostId = 40;
    let plan = plan(
        hosts as usize,
        r#"listen_events: { "x": emit("y"), "y": emit("x"), "host_started": emit("x") }, metrics: [Metric(name: "up")]"#,
    );
    let storm = storm(&plan, START + Span::from_secs(6));
    // 32 steps of 50 ms, after a start within two seconds.
    assert!(storm.last_event < Some(START + Span::from_secs(4)), "{:?}", storm.last_event);
    assert!(storm.causes.contains(&DropCause::FullRun) || storm.causes.contains(&DropCause::LongChain));
    assert!(is_bounded(&storm), "{:?}", storm.heard);
}

#[test]
fn hosts_that_talk_to_themselves_and_scripts_that_make_up_names_are_bounded_together() {
    for rest in [
        r#"listen_events: { "x@own": [emit("x"), emit("x")], "host_started": emit("x") }, metrics: [Metric(name: "up")]"#,
        r#"metrics: [
            Metric(name: "up", update_interval: "100ms", scenario: script(source: "for i in 0..90 { emit(\"tick\" + links.n) } value")),
            Metric(name: "n", listen_events: ["tick0", "tick0.0"])]"#,
    ] {
        let storm = storm(&plan(150, rest), START + Span::from_nanos(1_500_000_000));
        assert!(is_bounded(&storm), "{rest}: {:?}", storm.heard);
        assert!(storm.dropped > 0, "{rest}");
    }
}

/// The course of one host whose events make it work, and the number of steps.
fn busy(metrics: &str) -> (Storm, u64) {
    let plan = plan(1, &format!("metrics: [{metrics}]"));
    let before = work::done();
    let storm = storm(&plan, BUSY_UNTIL);
    (storm, work::done().wrapping_sub(before))
}

/// Hosts start within two seconds; their metrics have a value every ten.
const BUSY_UNTIL: Time = Time::from_unix_secs(1_767_600_003);

/// One event may be beyond the budget, and a host's seconds may be two: the update comes in the first.
const BUSY_STEPS: u64 = STEPS_PER_SEC_MAX as u64 + 500_000;

#[test]
fn events_that_keep_waking_slow_scripts_are_cut_by_the_work_that_they_cause() {
    let slow = "let n = 0; for i in 0..1000 { n += 1; } for i in 0..100 { emit(\"x\"); } value";
    let lists = "emit(\"x\"); emit(\"x\"); let a = []; a.pad(900, 1); for i in 0..300 { a == a; } value";
    for script in [slow, lists] {
        let (storm, steps) = busy(&format!(
            "Metric(name: \"m\", listen_events: [\"x\"], scenario: script(source: {script:?}))"
        ));
        assert!(storm.dropped > 0 && steps < BUSY_STEPS, "{script}: {steps} steps, {:?}", storm.causes);
    }
}

#[test]
fn metrics_that_are_calculated_from_one_that_events_wake_are_work_too() {
    let relay = "Metric(repeat: Repeat(var: \"n\", from: 1, to: 2000), name: \"r_{n}\", \
        scenario: relay_to_other_metric(source_metric_name: \"m\", calc_function: \"value + 1\"))";
    let wakes = "for i in 0..50 { emit(\"x\"); } value";
    let (storm, steps) = busy(&format!(
        "Metric(name: \"m\", listen_events: [\"x\"], scenario: script(source: {wakes:?})), {relay}"
    ));
    assert!(storm.dropped > 0 && steps < BUSY_STEPS, "{steps} steps, {:?}", storm.causes);
}

#[test]
fn a_host_that_events_of_others_keep_too_busy_says_so_and_is_cut_alike_in_every_driver() {
    let text = format!(
        r#"Config(hosts: [
        Host(name: "h", metrics: [Metric(name: "up")], start_time: "2s", listen_events: {{ "host_started": [{}] }}),
        Host(name: "busy", metrics: [Metric(name: "m", listen_events: ["x"],
            scenario: script(source: "let n = 0; for i in 0..30000 {{ n += 1; }} value + 1"))]),
    ])"#,
        "emit(\"x\"),".repeat(60)
    );
    let plan = super::plan(&text);
    let until = START + Span::from_secs(5);
    let storm = storm(&plan, until);
    assert!(storm.dropped > 0 && storm.causes.contains(&DropCause::TooMuchWork), "{storm:?}");
    let run = Backfill::new(Arc::clone(&plan), 1, START, until).unwrap();
    let mut dropped = 0;
    drive(&mut run.host(1), until, &mut Outbox::default(), |_, _, out| dropped += out.events_dropped);
    assert_eq!(dropped, storm.dropped);
}

#[test]
fn a_busy_host_within_its_budget_drops_nothing() {
    let script = "if event.name == \"\" { for i in 0..100 { emit(\"x\"); } } value + 1";
    let (storm, _) = busy(&format!(
        "Metric(name: \"m\", update_interval: \"100ms\", listen_events: [\"x\"], scenario: script(source: {script:?}))"
    ));
    assert_eq!((storm.dropped, &storm.causes[..]), (0, &[][..]));
}

#[test]
fn a_limit_of_work_ends_both_passes_of_an_export() {
    let slow = "let n = 0; for i in 0..2000 { n += 1; } emit(\"x\"); value";
    let plan = plan(
        2,
        &format!(
            "metrics: [Metric(name: \"m\", listen_events: [\"x@any\"], scenario: script(source: {slow:?}))]"
        ),
    );
    let until = START + Span::from_secs(86_400);
    let limit = WorkLimit::new(500_000);
    let run = limit.within(|| Backfill::new(Arc::clone(&plan), 1, START, until)).unwrap();
    assert!(limit.is_reached());
    let limit = WorkLimit::new(500_000);
    let mut last = START;
    let before = work::done();
    limit.within(|| drive(&mut run.host(1), until, &mut Outbox::default(), |at, _, _| last = at));
    assert!(limit.is_reached() && last < until, "{last:?}");
    assert!(work::done().wrapping_sub(before) < 1_000_000);
}
