//! Actions after events, and actions from outside as mail.

use super::*;
use crate::event::DELIVERY_DELAY;
use crate::plan::Action;
use crate::timeline::SentAction;

const HOST: &str = r#"interval: "1s", metrics: [
        Metric(name: "load", value_range: (0, 100), default_value: 50, update_interval: "1s")],
    listen_events: { "burn": override("load", 99, "2s"), "cool": release("load"), "vanish": down("3s"), "back": up, "die": stop }"#;

/// The load of each report, with its time; NaN while the host is down.
fn loads(events: &[(f64, &str)], until_secs: f64) -> Vec<(f64, f64)> {
    let plan = one_host(HOST);
    let seen = rows(&drive(&mut host(&plan, 0, 1), until_secs, events)).into_iter();
    seen.map(|(secs, row)| (secs, if is_absent(row[0]) { f64::NAN } else { row[0] })).collect()
}

/// The loads without repetitions.
fn steps(events: &[(f64, &str)]) -> Vec<String> {
    let mut steps: Vec<String> = loads(events, 12.0).into_iter().map(|(_, load)| load.to_string()).collect();
    steps.dedup();
    steps
}

#[test]
fn an_event_overrides_and_releases_a_metric() {
    assert_eq!(steps(&[(3.3, "burn")]), ["50", "99", "50"]);
    let burnt =
        loads(&[(3.3, "burn")], 12.0).into_iter().filter(|(_, load)| load.to_bits() == 99f64.to_bits());
    let times: Vec<f64> = burnt.map(|(secs, _)| secs).collect();
    assert_eq!(
        (times[0], *times.last().unwrap()),
        (3.3, 4.3),
        "reported at once, and over after two seconds"
    );
    let released = loads(&[(3.3, "burn"), (3.7, "cool")], 12.0);
    assert!(released.contains(&(3.7, 50.0)), "{released:?}");
}

#[test]
fn an_event_takes_a_host_down_for_a_while() {
    assert_eq!(steps(&[(3.3, "vanish")]), ["50", "NaN", "50"]);
    let seen = loads(&[(3.3, "vanish")], 12.0);
    assert!(seen.contains(&(6.3, 50.0)), "it is back after three seconds: {seen:?}");
    let early = loads(&[(3.3, "vanish"), (4.5, "back")], 12.0);
    assert!(early.contains(&(4.5, 50.0)), "{early:?}");
}

#[test]
fn an_event_stops_a_host() {
    let plan = one_host(HOST);
    let mut host = host(&plan, 0, 1);
    let event = |name: &str, secs| {
        let data = serde_json::Value::Null;
        let time = at(&host, secs);
        Arc::new(Event { name: name.into(), source: "other".into(), data, time, sequence: 0, hops: 0 })
    };
    let die = event("die", 3.0);
    let mut out = Outbox::default();
    host.advance(host.starts_at(), &[], &mut out);
    out.clear();
    assert_eq!(host.advance(die.time, &[Mail::Event(die)], &mut out), Time::NEVER);
    assert!(!out.report);
    assert_eq!(out.events.iter().map(|event| &*event.name).collect::<Vec<_>>(), ["host_stopped"]);
}

#[test]
fn actions_act_before_events_of_the_same_time_and_count_from_then() {
    let plan = one_host(HOST);
    let of = host(&plan, 0, 1);
    let time = at(&of, 3.0);
    let mut driven = DrivenHost::new(of);
    let event = |name: &str| {
        let data = serde_json::Value::Null;
        Arc::new(Event { name: name.into(), source: "a".into(), data, time, sequence: 0, hops: 0 })
    };
    let action = Action::Override { metric: 0, value: 7.0, lasts: Span::from_secs(1), may_fall: false };
    let sent = SentAction { action, time, source: "z".into(), sequence: 0 };
    driven.post([event("cool")]);
    driven.post_actions([Arc::new(sent)]);
    assert_eq!(driven.waiting(), 1, "actions do not count as events");
    let mut out = Outbox::default();
    while let Some(now) = driven.step(time + DELIVERY_DELAY, &mut out) {
        assert_ne!(
            driven.host().row()[0].to_bits(),
            7f64.to_bits(),
            "at {now:?}: the event came after the action"
        );
    }
}

#[test]
fn an_action_from_before_the_start_acts_at_the_start_and_ends_at_its_time() {
    let plan = one_host(HOST);
    let of = host(&plan, 0, 1);
    let starts_at = of.starts_at();
    let mut driven = DrivenHost::new(of);
    let action = Action::Override { metric: 0, value: 7.0, lasts: Span::from_secs(62), may_fall: false };
    let time = starts_at.before(Span::from_secs(60));
    driven.post_actions([Arc::new(SentAction { action, time, source: "api".into(), sequence: 0 })]);
    let (mut out, mut seen) = (Outbox::default(), Vec::new());
    while let Some(now) = driven.step(starts_at + Span::from_secs(4), &mut out) {
        if out.report {
            seen.push((now.since(starts_at).as_secs_f64(), driven.host().row()[0]));
        }
    }
    assert!(seen.contains(&(1.0, 7.0)) && seen.contains(&(2.05, 50.0)), "{seen:?}");
}
