//! The host of the ground truth: what its metrics say agrees with the records of the run.

#![expect(clippy::float_cmp, reason = "the metrics are whole numbers")]

use super::*;
use crate::fault::Course;
use crate::plan::MetricPlan;
use crate::timeline::{TruthRecords, TruthSubject};

const TIMELINE: &str = r#"phases: [
        Phase(name: "baseline", lasts: 60),
        Phase(name: "pe\"a{{k", lasts: 120, set: { "x": ramp(to: 12, over: 5) })],
    faults: [Fault(id: "slow", during: "baseline", at: 20, lasts: 15, every: 20, set: { "x": 9 }, truth: Truth(root: "db-{1 + 1}", alerts: ["Slow"]))],
    repeat: 2"#;

fn plan(host: &str) -> Plan {
    plan_of(&format!(
        r#"Config(levers: {{ "x": 2 }}, timeline: Timeline({TIMELINE}),
            faults: [Fault(id: "gone", at: 70, lasts: 30, hosts: "web-*", kind: host_down)],
            hosts: [Host(name: "web-1", {host} metrics: [Metric(name: "m", scenario: script(source: "run.x"))])])"#
    ))
}

/// The metric of the host with these labels, and its cell.
fn cell(plan: &Plan, name: &str, labels: &[(&str, &str)]) -> usize {
    let shape = &plan.hosts.last().unwrap().shape;
    let is_it = |metric: &&MetricPlan| {
        *metric.name == *name && labels.iter().all(|(name, value)| metric.labels.get(name) == Some(*value))
    };
    shape.metrics.iter().find(is_it).unwrap().offset
}

#[test]
fn its_metrics_say_what_is_on() {
    let plan = plan("");
    let truth = plan.hosts.len() - 1;
    assert_eq!(&*plan.hosts[truth].name, "timeline");
    let mut host = host(&plan, truth, 1);
    let start = host.starts_at().since(START).as_secs_f64();
    let shown = rows(&drive(&mut host, 400.0, &[]));
    let at = |secs: f64| &shown.iter().rev().find(|(at, _)| *at + start <= secs).unwrap().1;
    let phase = cell(&plan, "scenario_phase", &[("scenario", "test")]);
    let slow = [("fault", "slow"), ("kind", "lever"), ("target", "*"), ("root", "db-2")];
    let slow = cell(&plan, "fault_active", &slow);
    let gone = cell(&plan, "fault_active", &[("fault", "gone"), ("kind", "host_down"), ("target", "web-*")]);
    let seconds = cell(&plan, "scenario_phase_duration_seconds", &[("phase", "pe\"a{k")]);
    // A report comes every 10 seconds, and this host hears no events here.
    for (secs, expected) in [(55.0, 1.0), (75.0, 2.0), (175.0, 2.0), (195.0, 1.0), (255.0, 2.0), (380.0, 0.0)]
    {
        assert_eq!(at(secs)[phase], expected, "{secs}");
    }
    for (secs, expected) in [(15.0, 0.0), (32.0, 1.0), (198.0, 0.0), (214.0, 1.0)] {
        assert_eq!(at(secs)[slow], expected, "{secs}");
    }
    assert_eq!([at(65.0)[gone], at(95.0)[gone], at(115.0)[gone], at(275.0)[gone]], [0.0, 1.0, 0.0, 0.0]);
    assert!((90.0..=110.0).contains(&at(170.0)[seconds]), "{}", at(170.0)[seconds]);
}

#[test]
fn records_come_in_order_and_name_all_phases_and_faults() {
    let plan = plan("");
    let secs = |time: Time| time.since(START).as_secs_f64();
    let records: Vec<_> = TruthRecords::new(&plan, Course::new(START, Seed::new(1)))
        .map(|record| (record.subject, record.id, secs(record.begin), secs(record.end)))
        .collect();
    let (phase, fault) = (TruthSubject::Phase, TruthSubject::Fault);
    let peak = "pe\"a{k";
    let expected = [
        (phase, "baseline", 0.0, 60.0),
        (fault, "slow", 20.0, 35.0),
        (fault, "slow", 40.0, 55.0),
        (phase, peak, 60.0, 180.0),
        (fault, "gone", 70.0, 100.0),
        (phase, "baseline", 180.0, 240.0),
        (fault, "slow", 200.0, 215.0),
        (fault, "slow", 220.0, 235.0),
        (phase, peak, 240.0, 360.0),
    ];
    assert_eq!(records, expected);
    let slow = TruthRecords::new(&plan, Course::new(START, Seed::new(1))).nth(1).unwrap();
    insta::assert_snapshot!(slow.json_line(), @r#"{"alerts":["Slow"],"begin":"2026-01-05T08:00:20Z","begin_unix":1767600020.0,"end":"2026-01-05T08:00:35Z","end_unix":1767600035.0,"id":"slow","kind":"lever","root":"db-2","target":"*","type":"fault"}"#);
}

#[test]
fn it_ends_with_the_last_host() {
    let plan = plan("ttl: \"5m\", start_time: 10,");
    assert_eq!(plan.hosts.last().unwrap().ttl, Span::from_secs(310));
    let plan = self::plan("");
    assert_eq!(plan.hosts.last().unwrap().ttl, Span::FOREVER);
}

#[test]
fn a_config_without_a_timeline_has_no_such_host() {
    let plan = plan_of(
        r#"Config(levers: { "x": 2 }, faults: [Fault(id: "a", set: { "x": 3 })], hosts: [Host(name: "web-1", metrics: [Metric(name: "m")])])"#,
    );
    assert_eq!(plan.hosts.len(), 1);
}
