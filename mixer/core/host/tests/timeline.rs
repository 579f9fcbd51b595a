//! Phases as formulas see them.

#![expect(clippy::float_cmp, reason = "levers take the very numbers of the config")]

use super::*;
use crate::fault::Course;
use crate::timeline::HostLevers;

/// The levers `y`, 1 by default, and `x`, 2 by default, with this timeline and these faults.
fn levers(timeline: &str, faults: &str) -> HostLevers {
    let plan = plan_of(&format!(
        r#"Config(levers: {{ "y": 1, "x": 2 }}, timeline: Timeline({timeline}), faults: [{faults}],
            hosts: [Host(name: "web-1", metrics: [Metric(name: "m", scenario: script(source: "run.x"))])])"#
    ));
    HostLevers::new(Arc::clone(plan.hosts[0].run.as_ref().unwrap()), Course::new(START, Seed::new(1)))
}

fn secs(secs: f64) -> Time {
    START + Span::from_secs_f64(secs).unwrap()
}

fn values<const N: usize>(levers: &HostLevers, at: [f64; N]) -> [f64; N] {
    at.map(|at| levers.at(1, secs(at)))
}

const THREE: &str = r#"phases: [
    Phase(name: "baseline", lasts: 10),
    Phase(name: "peak", lasts: 20, set: { "x": ramp(to: 12, over: 5) }),
    Phase(name: "recovery", lasts: 10, set: { "x": ramp(to: 2, over: 10) })]"#;

#[test]
fn a_phase_sets_a_lever_until_another_one_sets_it() {
    let levers = levers(THREE, "");
    let at = [0.0, 9.999, 10.0, 12.5, 15.0, 29.999, 30.0, 35.0, 40.0, 1e6];
    assert_eq!(values(&levers, at), [2.0, 2.0, 2.0, 7.0, 12.0, 12.0, 12.0, 7.0, 2.0, 2.0]);
    let edges: Vec<Time> = std::iter::successors(Some(START), |at| Some(levers.next_edge(Some(1), *at)))
        .skip(1)
        .take_while(|edge| *edge != Time::NEVER)
        .collect();
    assert_eq!(edges, [10.0, 15.0, 30.0, 40.0].map(secs));
    assert_eq!(levers.next_edge(Some(0), START), Time::NEVER, "other levers stay as they are");
}

#[test]
fn a_value_lasts_through_phases_that_do_not_set_it_and_ends_with_the_timeline() {
    let held = levers(
        r#"phases: [Phase(name: "a", lasts: 10, set: { "x": 5 }), Phase(name: "b", lasts: 10, set: { "y": 3 })]"#,
        "",
    );
    assert_eq!(values(&held, [0.0, 10.0, 19.9, 20.0]), [5.0, 5.0, 5.0, 2.0]);
    let slow = levers(
        r#"phases: [Phase(name: "a", lasts: 10, set: { "x": ramp(to: 22, over: 20) }), Phase(name: "b", lasts: 20),
            Phase(name: "c", lasts: 10, set: { "x": ramp(to: 0, over: 10) })]"#,
        "",
    );
    assert_eq!(values(&slow, [5.0, 15.0, 25.0, 35.0]), [7.0, 17.0, 22.0, 11.0], "a ramp goes on");
}

#[test]
fn a_repetition_begins_with_the_defaults() {
    let levers = levers(&format!("{THREE}, repeat: 2"), "");
    assert_eq!(values(&levers, [50.0, 52.5, 69.0, 80.0]), [2.0, 7.0, 12.0, 2.0]);
    let endless = self::levers(
        r#"phases: [Phase(name: "a", lasts: 3), Phase(name: "b", lasts: 1, set: { "x": 9 })], repeat: forever"#,
        "",
    );
    assert_eq!(values(&endless, [3.0, 4.0, 4e6 + 3.5, 4e6 + 4.0]), [9.0, 2.0, 9.0, 2.0]);
}

#[test]
fn the_short_form_takes_back_what_testing_set() {
    let levers = levers("stabilization: 5, testing: 10, recovery: 5, set: { \"x\": 8 }", "");
    assert_eq!(values(&levers, [4.0, 5.0, 14.9, 15.0, 20.0]), [2.0, 8.0, 8.0, 2.0, 2.0]);
}

#[test]
fn faults_change_what_phases_set() {
    let levers = levers(
        THREE,
        r#"Fault(id: "a", during: "peak", at: 10, lasts: 5, times: { "x": 2 }),
           Fault(id: "b", at: 12, lasts: 1, set: { "x": ramp(to: 0, over: 1) })"#,
    );
    assert_eq!(values(&levers, [19.9, 20.0, 24.9, 25.0]), [12.0, 24.0, 24.0, 12.0]);
    assert_eq!(values(&levers, [12.0]), [6.0], "a ramp begins at the value without the fault");
}

#[test]
fn faults_of_a_timeline_come_in_each_of_its_repetitions() {
    let levers = levers(
        r#"phases: [Phase(name: "a", lasts: 10), Phase(name: "b", lasts: 10)], repeat: 2, faults: [
            Fault(id: "f", during: "b", at: 2, lasts: 2, every: 5, set: { "x": 7 }),
            Fault(id: "g", at: 5, lasts: 1, set: { "x": 8 })]"#,
        r#"Fault(id: "once", at: 1, lasts: 1, set: { "x": 9 })"#,
    );
    let of = |value: f64| (0..60).filter(|second| levers.at(1, secs(f64::from(*second))) == value).collect();
    let (in_phase, in_timeline, once): (Vec<i32>, Vec<i32>, Vec<i32>) = (of(7.0), of(8.0), of(9.0));
    assert_eq!(in_phase, [12, 13, 17, 18, 32, 33, 37, 38]);
    assert_eq!((in_timeline, once), (vec![5, 25], vec![1]));
}
