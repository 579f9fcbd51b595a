//! Faults of hosts in configs.

use super::*;
use crate::fault::{FaultTrigger, Presence, Pulses};

fn config(faults: &str) -> String {
    let metrics =
        r#"Metric(name: "cpu"), Metric(name: "cpu_total", metric_type: counter), Metric(name: "mem")"#;
    format!("Config(hosts: [Host(name: \"a\", metrics: [{metrics}], faults: [\n{faults}\n])])")
}

#[test]
fn faults_are_resolved_with_their_times_and_metrics() {
    let text = config(
        r#"gap(every: "10m", jitter: "1m", lasts: "30s"), gap(metrics: ["cpu.*"], at: 5), counter_reset(on: "a"),
           nan(probability: 0.5), flapping(up: 5, down: 2), clock_skew(behind: "2m"), late(by: 3, on: ["b", "c"], until: "d")"#,
    );
    let faults = &plan_of(&text, &[]).unwrap().plan.hosts[0].shape.faults;
    let secs = Span::from_secs;
    let pulses = Pulses { first: secs(600), every: secs(600), jitter: secs(60), lasts: secs(30) };
    assert_eq!((faults[0].presence(), faults[0].pulses), (Presence::Silent, Some(pulses)));
    assert_eq!((faults[1].presence(), faults[1].trigger), (Presence::Up, FaultTrigger::At(secs(5))));
    let metrics: Vec<&[usize]> = faults.iter().map(|fault| fault.metrics.as_slice()).collect();
    assert_eq!(metrics, [&[][..], &[0, 1], &[1], &[0, 1, 2], &[], &[], &[]]);
    let pulses = Pulses { first: secs(5), every: secs(7), jitter: Span::ZERO, lasts: secs(2) };
    assert_eq!((faults[4].presence(), faults[4].pulses), (Presence::Down, Some(pulses)));
    assert_eq!(faults[5].describe(), "clock_skew behind 2m");
    assert_eq!((&*faults[6].describe(), faults[6].window), ("late by 3s", Span::FOREVER));
    let streams: Vec<&str> = faults.iter().map(|fault| &*fault.stream).collect();
    assert_eq!(streams[..3], ["dirt gap 0", "dirt gap 1", "dirt counter_reset 0"]);
    let warnings = plan_of(&text, &[]).unwrap().warnings;
    assert!(warnings.is_empty(), "clients of the API may emit the events: {warnings:?}");
}

/// The error of a config with each of these faults, one a line.
fn errors_of_each(faults: &str) -> String {
    let said = faults.lines().map(|line| {
        let line = line.trim().trim_end_matches(',');
        error_of(&config(line), &[]).replace("test.ron:2:", "")
    });
    said.collect::<Vec<_>>().join("\n")
}

#[test]
fn invalid_faults_are_refused() {
    insta::assert_snapshot!(errors_of_each(r#"gpa(),
        gap(),
        Fault(id: "a", set: { "load": 3 }),
        gap(lasts: 0),
        gap(lasts: 1, metrics: []),
        gap(every: 10, lasts: 10),
        gap(every: 10),
        gap(on: "x"),
        gap(on: "x", every: 10, lasts: 1),
        gap(until: "x", lasts: 1),
        gap(at: 1, on: "x", lasts: 1),
        gap(lasts: 1, metrics: "cup"),
        gap(lasts: 1, metrics: "(", by: 3),
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
        flapping(up: 1, down: 1, jitter: 1),
        cpu_spike(at: 1, intensity: -1),
        kill(at: 1, priority: urgent),
        kill(pattern: "a"),
        kill(at: 1)"#), @r#"
    1: unknown fault "gpa"; did you mean "gap"?
    1: gap needs every, at, lasts or on; without them the host never has a sample
    1: Fault is for the config, which has the levers; move it to faults of Config(…)
    12: lasts must be 1ms or longer, but is 0s
    24: metrics is empty; name one, or leave the field out
    12: lasts and jitter together must be shorter than every
    1: gap needs lasts: the length of each episode
    1: gap needs lasts or until: its length after the event
    1: gap takes either every or on
    1: gap takes until only together with on
    1: gap takes either at or on
    24: the host has no metric "cup"; did you mean "cpu"?
    24: "(" is not a regular expression: found open group without closing ')'; write a name, or as in "cpu.*"
    29: gap has no field "by"; expected one of at, every, jitter, lasts, on, until, metrics, probability
    1: counter_reset needs every, at or on: the time of the fault
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
    29: intensity must be 0 or more, but is -1
    23: unknown priority "urgent"; expected one of critical, high, medium, low
    1: kill needs every, at or on: the time of the fault
    1: kill is for a host with a model of processes; give it Pool(workload: processes(…))
    "#);
}

#[test]
fn a_period_that_no_one_can_follow_is_refused_with_its_place() {
    insta::assert_snapshot!(errors_of_each(r#"gap(every: "99ms", lasts: "1ms"),
        counter_reset(every: "1ms"),
        flapping(up: "60ms", down: "39ms"),
        gap(every: "inf", lasts: 1)"#), @r#"
    12: every must be 100ms or longer and not endless, but is 99ms
    22: every must be 100ms or longer and not endless, but is 1ms
    1: flapping's up and down must be 100ms or longer together, but are 99ms
    12: every must be 100ms or longer and not endless, but is inf
    "#);
    for faults in [
        "gap(every: \"100ms\", lasts: \"1ms\")",
        "flapping(up: \"60ms\", down: \"40ms\"), gap(lasts: \"1ms\")",
    ] {
        assert!(plan_of(&config(faults), &[]).is_ok(), "{faults}");
    }
}

#[test]
fn an_event_that_opens_and_closes_one_fault_is_refused() {
    insta::assert_snapshot!(errors_of_each(r#"gap(on: "x", until: "x"),
        late(by: 1, on: ["a", "b@own"], until: ["c", "b"]),
        host_down(on: "go@web-1", until: "go@web-1", lasts: 5)"#), @r#"
    21: event "x" would end the fault at once, since on names it, too; name another event, or give the fault lasts
    46: event "b" would end the fault at once, since on names it, too; name another event, or give the fault lasts
    34: event "go" would end the fault at once, since on names it, too; name another event, or give the fault lasts
    "#);
    let narrower = plan_of(&config("gap(on: \"x\", until: \"x@own\")"), &[]);
    assert!(narrower.is_ok(), "it is on after another host's event");
}

#[test]
fn a_misspelt_time_is_the_only_error() {
    insta::assert_snapshot!(errors_of_each(r#"gap(lasting: "5m"),
        counter_reset(evry: 9),
        host_down(form: 5, on: "x")"#), @r#"
    5: gap has no field "lasting"; expected one of at, every, jitter, lasts, on, until, metrics, probability
    15: counter_reset has no field "evry"; did you mean "every"?
    11: host_down has no field "form"; expected one of at, every, jitter, lasts, on, until, probability
    "#);
    let of_run = |fault: &str| {
        let text = config("").replace("Config(", &format!("Config(faults: [{fault}], "));
        error_of(&text, &[])
    };
    insta::assert_snapshot!(of_run("Fault(id: \"a\", kind: gap, lasting: \"5m\")"), @r#"test.ron:1:43: Fault has no field "lasting"; expected one of id, at, during, lasts, every, jitter, on, hosts, set, times, plus, kind, truth"#);
    insta::assert_snapshot!(of_run("Fault(id: \"a\", kind: counter_reset, evry: \"5m\")"), @r#"test.ron:1:53: Fault has no field "evry"; did you mean "every"?"#);
}

#[test]
fn events_of_faults_can_be_listened_to() {
    let text = r#"Config(hosts: [
        Host(name: "a", metrics: [Metric(name: "n_total", metric_type: counter)], faults: [gap(every: 10, lasts: 2), counter_reset(every: 9)]),
        Host(name: "b", listen_events: { "fault_gap_started@a": emit("seen") }, metrics: [Metric(name: "m", listen_events: ["fault_gap_finished", "fault_counter_reset"])]),
    ])"#;
    insta::assert_snapshot!(plan_of(text, &[]).map_or_else(|error| error.to_string(), |loaded| loaded.warnings.join("\n")), @"");
}

#[test]
fn the_old_words_are_errors_that_name_the_new_ones() {
    let dirt = config("gap(every: 10, lasts: 1)").replace("faults:", "dirt:");
    insta::assert_snapshot!(error_of(&dirt, &[]), @r#"test.ron:1:134: dirt is called faults now; write faults: [gap(…)]"#);
    insta::assert_snapshot!(error_of(&config("gap(start_time: 5, duration: 1)"), &[]), @r#"
    test.ron:2:5: start_time of a fault is called at now
    test.ron:2:20: duration of a fault is called lasts now
    "#);
    let heard = |event: &str| {
        format!(
            "Config(hosts: [Host(name: \"a\", metrics: [Metric(name: \"m\", listen_events: [{event:?}])])])"
        )
    };
    insta::assert_snapshot!(error_of(&heard("dirt_gap_started"), &[]), @r#"test.ron:1:76: event "dirt_gap_started" is called fault_gap_started now"#);
    insta::assert_snapshot!(error_of(&heard("dirt_out_of_order_ended@b"), &[]), @r#"
    test.ron:1:76: event "dirt_out_of_order_ended" is called fault_out_of_order_finished now
    warning: test.ron:1:76: event "dirt_out_of_order_ended" is expected from host "b", which does not exist; expected one of a, api
    "#);
    insta::assert_snapshot!(error_of(&heard("dirt_counter_reset"), &[]), @r#"test.ron:1:76: event "dirt_counter_reset" is called fault_counter_reset now"#);
    assert!(plan_of(&heard("dirt_road_started"), &[]).is_ok(), "no fault had this event");
}
