//! Faults (`dirt`) in configs.

use super::*;
use crate::plan::{FaultKind, FaultTrigger, Pulses};

fn config(dirt: &str) -> String {
    let metrics =
        r#"Metric(name: "cpu"), Metric(name: "cpu_total", metric_type: counter), Metric(name: "mem")"#;
    format!("Config(hosts: [Host(name: \"a\", metrics: [{metrics}], dirt: [\n{dirt}\n])])")
}

#[test]
fn faults_are_resolved_with_their_times_and_metrics() {
    let text = config(
        r#"gap(every: "10m", jitter: "1m", duration: "30s"), gap(metrics: ["cpu.*"], start_time: 5), counter_reset(on: "a"),
           nan(probability: 0.5), flapping(up: 5, down: 2), clock_skew(behind: "2m"), late(by: 3, on: ["b", "c"], until: "d")"#,
    );
    let dirt = &plan_of(&text, &[]).unwrap().plan.hosts[0].shape.faults;
    let secs = Span::from_secs;
    let pulses = Pulses { first: secs(600), every: secs(600), jitter: secs(60), duration: secs(30) };
    assert_eq!((dirt[0].kind, dirt[0].pulses), (FaultKind::Down, Some(pulses)));
    assert_eq!((dirt[1].kind, dirt[1].trigger), (FaultKind::Gap, FaultTrigger::At(secs(5))));
    let metrics: Vec<&[usize]> = dirt.iter().map(|dirt| dirt.metrics.as_slice()).collect();
    assert_eq!(metrics, [&[][..], &[0, 1], &[1], &[0, 1, 2], &[], &[], &[]]);
    let pulses = Pulses { first: secs(5), every: secs(7), jitter: Span::ZERO, duration: secs(2) };
    assert_eq!((dirt[4].kind, dirt[4].pulses), (FaultKind::Down, Some(pulses)));
    assert_eq!(dirt[5].kind, FaultKind::ClockSkew { ahead: Span::ZERO, behind: secs(120) });
    assert_eq!((dirt[6].kind, dirt[6].window), (FaultKind::Late(secs(3)), Span::FOREVER));
    let streams: Vec<&str> = dirt.iter().map(|dirt| &*dirt.stream).collect();
    assert_eq!(streams[..3], ["dirt gap 0", "dirt gap 1", "dirt counter_reset 0"]);
    let warnings = plan_of(&text, &[]).unwrap().warnings;
    assert_eq!(warnings.len(), 4, "nobody emits these events: {warnings:?}");
}

#[test]
fn invalid_faults_are_refused() {
    let wrong = r#"gpa(),
        gap(),
        gap(every: 10, duration: 10),
        gap(every: 10),
        gap(on: "x"),
        gap(on: "x", every: 10, duration: 1),
        gap(until: "x", duration: 1),
        gap(start_time: 1, on: "x", duration: 1),
        gap(duration: 1, metrics: "cup"),
        gap(duration: 1, metrics: "(", by: 3),
        counter_reset(),
        counter_reset(every: 10, metrics: ["mem"]),
        nan(probability: 2),
        clock_skew(),
        clock_skew(ahead: 1, behind: 1),
        late(),
        late(by: "inf"),
        late(by: "3h"),
        out_of_order(by: 0),
        flapping(up: 1),
        flapping(up: 1, down: 1, jitter: 1)"#;
    let said = wrong.lines().map(|line| {
        let line = line.trim().trim_end_matches(',');
        error_of(&config(line), &[]).replace("test.ron:2:", "")
    });
    insta::assert_snapshot!(said.collect::<Vec<_>>().join("\n"), @r#"
    1: unknown dirt "gpa"; did you mean "gap"?
    1: gap needs every, start_time, duration or on; without them the host never has a sample
    12: duration and jitter together must be shorter than every
    1: gap needs duration: the length of each episode
    1: gap needs duration or until: its length after the event
    1: gap takes either every or on
    1: gap takes until only together with on
    1: gap takes either start_time or on
    27: the host has no metric "cup"; did you mean "cpu"?
    27: "(" is not a regular expression: found open group without closing ')'; write a name, or as in "cpu.*"
    32: gap has no field "by"; expected one of start_time, every, jitter, duration, on, until, metrics, probability
    1: counter_reset needs every, start_time or on: the time of the fault
    36: the host has no counter or histogram "mem"; expected cpu_total
    18: probability must be above 0 and 1 at most, but is 2
    1: clock_skew needs either ahead or behind: the offset of the clock
    1: clock_skew needs either ahead or behind: the offset of the clock
    1: late needs by: the delay of a report
    10: by must be 1ms or longer and not endless, but is inf
    1: late would keep 1000 reports or more waiting; lower by, or raise the host's interval
    18: by must be 1ms or longer and not endless, but is 0s
    1: flapping needs down: the time for which the host is down
    1: flapping's jitter must be shorter than up
    "#);
}

#[test]
fn events_of_faults_can_be_listened_to() {
    let text = r#"Config(hosts: [
        Host(name: "a", metrics: [Metric(name: "n_total", metric_type: counter)], dirt: [gap(every: 10, duration: 2), counter_reset(every: 9)]),
        Host(name: "b", listen_events: { "dirt_gap_started@a": emit("seen") }, metrics: [Metric(name: "m", listen_events: ["dirt_gap_ended", "dirt_counter_reset"])]),
    ])"#;
    insta::assert_snapshot!(plan_of(text, &[]).map_or_else(|error| error.to_string(), |loaded| loaded.warnings.join("\n")), @"");
}
