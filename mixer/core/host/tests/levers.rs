//! Levers and the faults that move them, as formulas see them.

#![expect(clippy::float_cmp, reason = "levers take the very numbers of the config")]

use super::*;
use crate::event::DELIVERY_DELAY;
use crate::fault::Course;
use crate::plan::Action;
use crate::timeline::{HostLevers, SentAction};

/// The lever `x`, 2 by default, with these faults.
fn levers(faults: &str) -> HostLevers {
    let plan = plan_of(&format!(
        r#"Config(levers: {{ "y": 1, "x": 2 }}, faults: [{faults}],
            hosts: [Host(name: "web-1", metrics: [Metric(name: "m", scenario: script(source: "run.x"))])])"#
    ));
    HostLevers::new(Arc::clone(plan.hosts[0].run.as_ref().unwrap()), Course::new(START, Seed::new(1)))
}

fn secs(secs: f64) -> Time {
    START + Span::from_secs_f64(secs).unwrap()
}

/// The values of the lever `x` at these seconds since the run's start.
/// The moments after one and up to another at which the lever jumps or bends.
fn edges(levers: &HostLevers, lever: usize, [after, until]: [Time; 2]) -> Vec<Time> {
    let next = |after: &Time| Some(levers.next_edge(Some(lever), *after));
    std::iter::successors(next(&after), next)
        .take_while(|edge| *edge <= until && *edge != Time::NEVER)
        .collect()
}

fn values<const N: usize>(levers: &HostLevers, at: [f64; N]) -> [f64; N] {
    at.map(|at| levers.at(1, secs(at)))
}

fn moved(action: Action, acts_at: f64) -> SentAction {
    SentAction { action, time: secs(acts_at).before(DELIVERY_DELAY), source: "api".into(), sequence: 0 }
}

fn lever(value: f64, lasts: Span) -> Action {
    Action::Lever { lever: 1, value, lasts }
}

#[test]
fn a_fault_changes_a_lever_from_its_begin_up_to_its_end() {
    let levers = levers(r#"Fault(id: "a", at: "3m", lasts: "5m", set: { "x": 7 })"#);
    assert_eq!(values(&levers, [0.0, 179.999, 180.0, 479.999, 480.0]), [2.0, 2.0, 7.0, 7.0, 2.0]);
    assert_eq!(edges(&levers, 1, [START, secs(1e6)]), [secs(180.0), secs(480.0)]);
    assert_eq!(edges(&levers, 0, [START, secs(1e6)]), [], "other levers stay as they are");
}

#[test]
fn a_fault_that_comes_again_does_so_from_begin_to_begin() {
    let levers = levers(r#"Fault(id: "a", at: 10, lasts: 5, every: 20, plus: { "x": 1 })"#);
    assert_eq!(
        values(&levers, [9.0, 10.0, 15.0, 29.9, 30.0, 34.9, 35.0, 1e4 + 10.0]),
        [2.0, 3.0, 2.0, 2.0, 3.0, 3.0, 2.0, 3.0]
    );
    let expected = [10.0, 15.0, 30.0, 35.0, 50.0].map(secs);
    assert_eq!(edges(&levers, 1, [START, secs(54.0)]), expected);
}

#[test]
fn the_last_set_in_the_config_counts_then_all_times_and_then_all_plus() {
    let levers = levers(
        r#"Fault(id: "plus", at: 10, lasts: 100, plus: { "x": 1 }),
           Fault(id: "late", at: 30, lasts: 10, set: { "x": 20 }),
           Fault(id: "early", at: 20, lasts: 30, set: { "x": 10 }, times: { "x": 3 }),
           Fault(id: "twice", at: 20, lasts: 5, times: { "x": 2 })"#,
    );
    assert_eq!(values(&levers, [10.0, 20.0, 25.0, 35.0, 50.0]), [3.0, 61.0, 31.0, 31.0, 3.0]);
}

#[test]
fn curves_begin_with_their_fault_and_ramps_at_the_value_without_faults() {
    let of = |by: &str, curve: &str| {
        levers(&format!(
            "Fault(id: \"b\", set: {{ \"x\": 100 }}, lasts: 5), Fault(id: \"a\", at: 10, lasts: 100, {by}: {{ \"x\": {curve} }})"
        ))
    };
    let at = [9.9, 10.0, 20.0, 30.0, 109.0];
    assert_eq!(values(&of("set", "ramp(to: 6, over: 20)"), at), [2.0, 2.0, 4.0, 6.0, 6.0]);
    assert_eq!(
        values(&of("times", "ramp(to: 5, over: 20)"), at),
        [2.0, 2.0, 6.0, 10.0, 10.0],
        "times begins at 1"
    );
    assert_eq!(
        values(&of("plus", "ramp(to: 5, over: 20)"), at),
        [2.0, 2.0, 4.5, 7.0, 7.0],
        "plus begins at 0"
    );
    assert_eq!(values(&of("set", "ramp(to: 6, over: 0)"), at), [2.0, 6.0, 6.0, 6.0, 6.0]);
    assert_eq!(values(&of("set", "curve([(5, 1), (15, 3), (25, 0)])"), at), [2.0, 1.0, 2.0, 1.5, 0.0]);
    let sine = of("set", "sine(period: 40, amplitude: 1, offset: 5)");
    let close = values(&sine, [10.0, 20.0, 30.0, 40.0]).map(|value| (value * 1e9).round() / 1e9);
    assert_eq!(close, [5.0, 6.0, 5.0, 4.0]);
    let around = of("plus", "sine(period: 40, amplitude: 1)");
    assert_eq!(values(&around, [10.0, 20.0]), [2.0, 3.0], "without an offset it is around no change");
    assert_eq!(
        edges(&of("set", "ramp(to: 6, over: 20)"), 1, [secs(6.0), secs(40.0)]),
        [secs(10.0), secs(30.0)]
    );
}

#[test]
fn an_action_replaces_the_result_until_its_end_or_another_action() {
    let mut levers = levers(r#"Fault(id: "a", at: 10, lasts: 20, set: { "x": 7 })"#);
    levers.apply(&moved(lever(3.0, Span::from_secs(5)), 12.0));
    assert_eq!(values(&levers, [11.9, 12.0, 16.9, 17.0]), [7.0, 3.0, 3.0, 7.0]);
    levers.apply(&moved(lever(4.0, Span::FOREVER), 14.0));
    levers.apply(&moved(lever(5.0, Span::from_secs(1)), 40.0));
    assert_eq!(values(&levers, [13.0, 14.0, 39.0, 40.0, 41.0]), [3.0, 4.0, 4.0, 5.0, 2.0]);
    levers.apply(&moved(Action::ReleaseLever { lever: 1 }, 20.0));
    assert_eq!(values(&levers, [19.0, 20.0, 31.0]), [4.0, 7.0, 2.0], "also one that is late");
    levers.apply(&moved(Action::Lever { lever: 9, value: 1.0, lasts: Span::FOREVER }, 20.0));
    assert!(levers.at(9, START).is_nan());
}

#[test]
fn many_actions_are_forgotten_from_the_oldest_on() {
    let mut levers = levers("");
    for n in 0..2_000u32 {
        levers.apply(&moved(lever(f64::from(n), Span::FOREVER), f64::from(n)));
    }
    assert_eq!(values(&levers, [1_900.0, 5_000.0]), [1_900.0, 1_999.0]);
    assert_eq!(values(&levers, [10.0]), [2.0]);
}

proptest! {
    #[test]
    fn values_that_are_brought_forward_equal_those_of_each_moment(
        windows in proptest::collection::vec((0..60u32, 1..20u32, 0..3usize, 0..4usize), 0..5),
        moves in proptest::collection::vec((0..100u32, 1..30u32, 0..3u8), 0..5),
        steps in proptest::collection::vec(1..5_000u64, 1..60),
    ) {
        let fault = |(n, (at, lasts, by, curve)): (usize, &(u32, u32, usize, usize))| {
            let by = ["set", "times", "plus"][*by];
            let curve = ["3", "ramp(to: 5, over: 4)", "curve([(1, 2), (7, 4)])", "sine(period: 9, amplitude: 2)"][*curve];
            format!("Fault(id: \"{n}\", at: {at}, lasts: {lasts}, every: 30, {by}: {{ \"x\": {curve} }})")
        };
        let faults: Vec<String> = windows.iter().enumerate().map(fault).collect();
        let mut stepped = levers(&faults.join(", "));
        for (at, lasts, kind) in moves {
            let action = match kind {
                0 => Action::ReleaseLever { lever: 1 },
                1 => lever(f64::from(at), Span::FOREVER),
                _ => lever(f64::from(at), Span::from_secs(u64::from(lasts))),
            };
            stepped.apply(&moved(action, f64::from(at)));
        }
        let mut now = START;
        for step in steps {
            now += Span::from_nanos(step * 10_000_000);
            stepped.advance(now);
            prop_assert_eq!(stepped.values()[1].to_bits(), stepped.at(1, now).to_bits());
        }
    }
}

#[test]
fn formulas_scripts_conditions_and_counts_of_pools_read_levers() {
    let plan = plan_of(
        r#"Config(levers: { "load": 1, "on": 0 }, faults: [Fault(id: "a", at: 5, set: { "load": ramp(to: 5, over: 4), "on": 1 }, hosts: "w*")],
            hosts: [Host(repeat: Repeat(var: "i", in: ["web", "db"]), name: "{i}", interval: "1s", metrics: [
                Metric(name: "base", update_interval: "1s", default_value: 10),
                Metric(name: "formula", scenario: relay_to_other_metric(source_metric_name: "base", calc_function: "value * run.load")),
                Metric(name: "script", update_interval: "1s", scenario: script(source: "let x = run.load; if run.on > 0.0 { x } else { 0.0 }")),
                Metric(name: "sometimes", update_interval: "1s", default_value: 1, when: "run.on > 0")],
            pools: [Pool(name: "p", max: 10, count: "run.load * 2", count_interval: "1s", labels: { "pod": "{slot}" }, metrics: [Metric(name: "of_pod", default_value: 1)])])])"#,
    );
    let shown = |index: usize, secs_since: f64| {
        let mut driven = DrivenHost::new(host(&plan, index, 1));
        let mut out = Outbox::default();
        while driven.step(secs(secs_since), &mut out).is_some() {}
        let members = (0..10).filter(|slot| driven.host().slot(0, *slot).is_some()).count();
        let row: Vec<f64> =
            driven.host().row().iter().map(|cell| if is_absent(*cell) { -1.0 } else { *cell }).collect();
        (row, members)
    };
    assert_eq!(shown(0, 4.5), (vec![10.0, 10.0, 0.0, -1.0], 2));
    assert_eq!(shown(0, 12.0), (vec![10.0, 50.0, 5.0, 1.0], 10));
    assert_eq!(shown(1, 12.0), (vec![10.0, 10.0, 0.0, -1.0], 2), "the fault is not about this host");
}

#[test]
fn a_host_without_levers_carries_nothing_of_them() {
    let plan = plan_of(
        r#"Config(levers: { "x": 1 }, faults: [Fault(id: "a", set: { "x": 3 })], hosts: [
            Host(name: "a", metrics: [Metric(name: "m", scenario: script(source: "run.x"))]),
            Host(repeat: Repeat(var: "i", from: 1, to: 2), name: "b-{i}", metrics: [Metric(name: "m", scenario: script(source: "run.x + 0 * slow")) , Metric(name: "n")], storage: {}),
            Host(name: "c", metrics: [Metric(name: "m")])], args: { "slow": Arg(default: 1) })"#,
    );
    assert!(plan.hosts[3].run.is_none() && host(&plan, 3, 1).levers().is_none());
    let parts: Vec<_> = plan.hosts[..3].iter().map(|host| host.run.as_ref().unwrap()).collect();
    assert!(Arc::ptr_eq(parts[0], parts[2]), "hosts with the same faults share one part");
}
