//! Configs whose events multiply: they come to an end, and never keep a run busier than its bound allows.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::World;
use crate::backfill::{Backfill, drive};
use crate::config::{ConfigFile, LoadOptions};
use crate::event::{EventBus, HostId};
use crate::host::{DropCause, Outbox};
use crate::plan::{LISTENERS_PER_SEC_MAX, Plan};
use crate::time::{Span, Time};

const START: Time = Time::from_unix_secs(1_767_600_000);

fn plan(count: usize, rest: &str) -> Arc<Plan> {
    let text = format!(
        "Config(hosts: [Host(repeat: Repeat(var: \"i\", from: 1, to: {count}), name: \"h-{{i}}\", interval: 5, {rest})])"
    );
    Arc::new(ConfigFile::from_text("test", &text).plan(&LoadOptions::starting_at(START)).unwrap().plan)
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
