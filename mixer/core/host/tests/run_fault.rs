//! Faults of the run as the hosts show them.

use super::*;

/// A host with a counter that starts this long after its run, with faults of the run.
fn one_with(faults: &str, start_time: u64) -> Plan {
    plan_of(&format!(
        r#"Config(faults: [{faults}], hosts: [Host(name: "a", start_time: {start_time}, interval: "100h", metrics: [
            Metric(name: "x_total", metric_type: counter, accumulate: per_update, update_interval: 1, value_range: (1, 1), scenario: random_in_range)])])"#
    ))
}

/// The begins and ends of faults, in seconds since the start of the run.
fn turns(host: &mut EmulatedHost, until_secs: f64) -> Vec<(f64, &'static str)> {
    let offset = host.starts_at().since(host.run_start()).as_secs_f64();
    let deeds = drive(host, until_secs, &[]);
    let of_faults = events(&deeds).into_iter().filter(|(_, name)| name.starts_with("fault_"));
    of_faults.map(|(secs, name)| (((secs + offset) * 1e6).round() / 1e6, name)).collect()
}

#[test]
fn their_windows_count_from_the_start_of_the_run() {
    let plan = one_with(r#"Fault(id: "f", at: 5, lasts: 2, every: 10, kind: gap)"#, 0);
    let (begun, ended) = ("fault_gap_started", "fault_gap_finished");
    let expected = [(5.0, begun), (7.0, ended), (15.0, begun), (17.0, ended)];
    assert_eq!(turns(&mut host(&plan, 0, 1), 20.0), expected);
    let plan = one_with(r#"Fault(id: "f", at: 5, lasts: 3, every: 3, kind: gap)"#, 0);
    let expected = [(5.0, begun), (8.0, ended), (8.0, begun), (11.0, ended), (11.0, begun)];
    assert_eq!(turns(&mut host(&plan, 0, 1), 11.0), expected, "an end comes before a begin");
}

#[test]
fn a_host_that_starts_within_a_window_has_the_rest_of_it() {
    let plan = one_with(r#"Fault(id: "f", at: 5, lasts: 20, kind: host_down)"#, 10);
    let mut late = host(&plan, 0, 1);
    let starts = late.starts_at().since(START).as_secs_f64();
    assert!(starts >= 10.0);
    let found = turns(&mut late, 30.0);
    assert_eq!(
        found.iter().map(|(_, name)| *name).collect::<Vec<_>>(),
        ["fault_host_down_started", "fault_host_down_finished"]
    );
    assert!((found[0].0 - starts).abs() < 1e-5 && (found[1].0 - 25.0).abs() < 1e-9, "{found:?}");
    let earlier = START.before(Span::from_secs(15));
    let mut joining = host(&plan, 0, 1).in_run_since(earlier);
    assert_eq!(turns(&mut joining, 30.0), [], "the window is over when it joins");
}

#[test]
fn resets_come_at_each_begin_and_those_before_the_host_are_missed() {
    let plan = one_with(r#"Fault(id: "f", at: 5, every: 5, kind: counter_reset)"#, 10);
    let mut host = host(&plan, 0, 1);
    assert_eq!(turns(&mut host, 11.0), [(15.0, "fault_counter_reset"), (20.0, "fault_counter_reset")]);
    let total = host.row()[0];
    assert!(total <= 3.0, "{total}");
}

#[test]
fn a_host_flaps_within_the_window_only() {
    let plan = one_with(r#"Fault(id: "f", at: 5, lasts: 6, kind: flapping(up: 2, down: 1))"#, 0);
    let (begun, ended) = ("fault_flapping_started", "fault_flapping_finished");
    let expected = [(7.0, begun), (8.0, ended), (10.0, begun), (11.0, ended)];
    assert_eq!(turns(&mut host(&plan, 0, 1), 30.0), expected);
}

#[test]
fn draws_are_of_the_fault_and_the_host() {
    let plan = one_with(
        r#"Fault(id: "f", at: 5, lasts: 1, every: 2, kind: gap(probability: 0.5)), Fault(id: "g", at: 6, lasts: 1, every: 2, kind: host_down(probability: 0.5))"#,
        0,
    );
    let alone = one_with(r#"Fault(id: "f", at: 5, lasts: 1, every: 2, kind: gap(probability: 0.5))"#, 0);
    let begins = |plan: &Plan| {
        let mut host = host(plan, 0, 1);
        let found = turns(&mut host, 100.0).into_iter().filter(|(_, name)| name.starts_with("fault_gap"));
        found.map(|(secs, _)| secs).collect::<Vec<f64>>()
    };
    assert_eq!(begins(&plan), begins(&alone), "another fault moves none of its draws");
    assert!((20..=80).contains(&begins(&alone).len()));
}

#[test]
fn a_fault_may_move_levers_and_show_at_once() {
    let plan = plan_of(
        r#"Config(levers: { "load": 1 }, faults: [Fault(id: "f", at: 5, lasts: 5, set: { "load": 9 }, kind: gap(metrics: ["y"]))],
            hosts: [Host(name: "a", interval: 1, metrics: [
                Metric(name: "x", update_interval: 1, scenario: script(source: "run.load")), Metric(name: "y")])])"#,
    );
    let deeds = drive(&mut host(&plan, 0, 1), 20.0, &[]);
    let shown = rows(&deeds);
    assert!(shown.iter().any(|(_, row)| row[0] > 8.9 && is_absent(row[1])));
    assert!(shown.iter().any(|(_, row)| row[0] < 1.1 && !is_absent(row[1])));
}
