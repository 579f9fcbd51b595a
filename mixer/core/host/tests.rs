//! Hosts driven by hand, through configs as users write them.

use std::collections::VecDeque;
use std::sync::Arc;

use super::*;
use crate::config::{ConfigFile, LoadOptions};
use crate::event::Event;
use crate::metric::{Kind, is_absent};
use crate::plan::Plan;
use crate::rng::Seed;
use crate::series::LabelBlock;
use crate::time::{Span, Time};
use proptest::prelude::*;

mod actions;
mod copies;
mod fault;
mod levers;
mod overrides;
mod pool;
mod run_fault;
mod shed_rows;
mod timeline;
mod truth;
mod values;

const START: Time = Time::from_unix_secs(1_767_600_000);

fn plan_of(text: &str) -> Plan {
    ConfigFile::from_text("test", text).plan(&LoadOptions::starting_at(START)).unwrap().plan
}

fn one_host(fields: &str) -> Plan {
    plan_of(&format!("Config(hosts: [Host(name: \"a\", {fields})])"))
}

fn at(host: &EmulatedHost, secs: f64) -> Time {
    host.starts_at() + Span::from_secs_f64(secs).unwrap()
}

fn host(plan: &Plan, index: usize, seed: u64) -> EmulatedHost {
    EmulatedHost::new(Arc::clone(&plan.hosts[index]), Seed::new(seed), START)
}

/// One thing that a host did: when (in seconds since its start), and its row or an event's name.
#[derive(Clone, Debug, PartialEq)]
enum Action {
    Row(Vec<u64>),
    Emitted(String),
}

/// Drives a host up to a time, with events from outside; gives what it did and when.
fn drive(host: &mut EmulatedHost, until_secs: f64, events: &[(f64, &str)]) -> Vec<(f64, Action)> {
    let mut out = Outbox::default();
    let mut actions = Vec::new();
    let start = host.starts_at();
    let mut inbox: VecDeque<Arc<Event>> = events
        .iter()
        .zip(0..)
        .map(|((secs, name), sequence)| {
            let data = serde_json::Value::Null;
            Arc::new(Event {
                name: (*name).into(),
                source: "other".into(),
                data,
                time: at(host, *secs),
                sequence,
                hops: 0,
            })
        })
        .collect();
    let mut due = start;
    loop {
        let event_time = inbox.front().map_or(Time::NEVER, |event| event.time);
        let now = due.min(event_time);
        if now > at(host, until_secs) {
            return actions;
        }
        let inbox_now: Vec<_> =
            std::iter::from_fn(|| inbox.pop_front_if(|event| event.time <= now).map(Mail::Event)).collect();
        out.clear();
        due = host.advance(now, &inbox_now, &mut out);
        let secs = now.since(start).as_secs_f64();
        actions.extend(out.events.drain(..).map(|event| (secs, Action::Emitted(event.name.to_string()))));
        if out.report {
            actions.push((secs, Action::Row(host.row().iter().map(|cell| cell.to_bits()).collect())));
        }
        assert!(due > now, "time goes on");
    }
}

fn rows(actions: &[(f64, Action)]) -> Vec<(f64, Vec<f64>)> {
    let row = |(secs, action): &(f64, Action)| match action {
        Action::Row(bits) => Some((*secs, bits.iter().map(|bits| f64::from_bits(*bits)).collect())),
        Action::Emitted(_) => None,
    };
    actions.iter().filter_map(row).collect()
}

fn events(actions: &[(f64, Action)]) -> Vec<(f64, &'static str)> {
    let event = |(secs, action): &'_ (f64, Action)| match action {
        Action::Emitted(name) => Some((*secs, name.clone().leak() as &'static str)),
        Action::Row(_) => None,
    };
    actions.iter().filter_map(event).collect()
}

#[test]
fn the_first_report_has_all_values_and_comes_within_the_spread() {
    let plan = one_host(
        r#"start_time: "5s", metrics: [Metric(name: "m", default_value: 3), Metric(name: "n", scenario: time_duration)]"#,
    );
    let mut host = host(&plan, 0, 1);
    assert!(host.starts_at() >= START + Span::from_secs(5) && host.starts_at() <= START + Span::from_secs(7));
    let actions = drive(&mut host, 0.0, &[]);
    assert_eq!(events(&actions), [(0.0, "host_started")]);
    assert_eq!(rows(&actions), [(0.0, vec![3.0, 0.0])]);
}

#[test]
fn updates_and_reports_keep_their_own_rhythm() {
    let plan = one_host(
        r#"interval: "15s", metrics: [Metric(name: "m", update_interval: "4s", scenario: time_duration)]"#,
    );
    let actions = drive(&mut host(&plan, 0, 1), 46.0, &[]);
    assert_eq!(
        rows(&actions),
        [(0.0, vec![0.0]), (15.0, vec![12.0]), (30.0, vec![28.0]), (45.0, vec![44.0])]
    );
}

#[test]
fn reports_of_an_interval_range_are_jittered_within_it() {
    let plan = one_host(r#"interval: "14s..16s", metrics: [Metric(name: "m")]"#);
    let times: Vec<f64> =
        rows(&drive(&mut host(&plan, 0, 1), 600.0, &[])).into_iter().map(|(secs, _)| secs).collect();
    let gaps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.iter().all(|gap| (14.0..=16.0).contains(gap)), "{gaps:?}");
    assert!(gaps.windows(2).any(|pair| (pair[0] - pair[1]).abs() > 0.01), "{gaps:?}");
}

#[test]
fn a_metric_has_samples_only_in_its_time() {
    let plan = one_host(
        r#"interval: "5s", metrics: [Metric(name: "m", start_time: "10s", duration: "10s", update_interval: "7s", scenario: time_duration)]"#,
    );
    let absent: Vec<bool> =
        rows(&drive(&mut host(&plan, 0, 1), 26.0, &[])).iter().map(|(_, row)| is_absent(row[0])).collect();
    assert_eq!(absent, [true, true, false, false, true, true]);
}

#[test]
fn a_host_ends_with_its_ttl() {
    let plan = one_host(r#"ttl: "30s", metrics: [Metric(name: "m")]"#);
    let mut host = host(&plan, 0, 1);
    let actions = drive(&mut host, 1000.0, &[]);
    assert_eq!(events(&actions), [(0.0, "host_started"), (30.0, "host_stopped")]);
    assert_eq!(rows(&actions).len(), 3, "at 0, 10 and 20 s");
    assert_eq!(host.advance(at(&host, 2000.0), &[], &mut Outbox::default()), Time::NEVER);
}

#[test]
fn an_event_updates_its_metrics_at_once_and_reports_them() {
    let plan = one_host(
        r#"interval: "15s", metrics: [
            Metric(name: "hits", scenario: calc_by_event(events_config: { "hit": "value + 1" })),
            Metric(name: "tenfold", scenario: relay_to_other_metric(source_metric_name: "hits", calc_function: "value * 10")),
            Metric(name: "age", listen_events: ["look"], scenario: time_duration)]"#,
    );
    let actions =
        drive(&mut host(&plan, 0, 1), 9.0, &[(3.0, "hit"), (4.0, "look"), (5.0, "nothing"), (6.0, "hit")]);
    let rows = rows(&actions);
    assert_eq!(
        rows,
        [
            (0.0, vec![0.0, 0.0, 0.0]),
            (3.0, vec![1.0, 10.0, 0.0]),
            (4.0, vec![1.0, 10.0, 4.0]),
            (6.0, vec![2.0, 20.0, 4.0])
        ]
    );
}

#[test]
fn host_events_become_others_and_start_and_stop_metrics() {
    let plan = one_host(
        r#"listen_events: { "go": [emit("gone"), stop_metric("m")], "come": start_metric("m"), "gone@own": emit("far") },
           metrics: [Metric(name: "m", default_value: 1)]"#,
    );
    let actions = drive(&mut host(&plan, 0, 1), 9.0, &[(3.0, "go"), (6.0, "come")]);
    assert_eq!(events(&actions), [(0.0, "host_started"), (3.0, "gone"), (3.0, "far")]);
    let absent: Vec<bool> = rows(&actions).iter().map(|(_, row)| is_absent(row[0])).collect();
    assert_eq!(absent, [false, true, false]);
}

#[test]
fn a_relay_goes_with_its_source() {
    let plan = one_host(
        r#"listen_events: { "go": stop_metric("m") }, metrics: [Metric(name: "m", default_value: 1),
            Metric(name: "n", scenario: relay_to_other_metric(source_metric_name: "m"))]"#,
    );
    let rows = rows(&drive(&mut host(&plan, 0, 1), 25.0, &[(3.0, "go")]));
    assert_eq!(rows[0].1, [1.0, 1.0]);
    assert!(rows[1..].iter().all(|(_, row)| row.iter().all(|cell| is_absent(*cell))));
}

#[test]
fn wake_ups_that_were_slept_through_are_left_out() {
    let plan = one_host(
        r#"metrics: [Metric(name: "m", update_interval: "1h",
            scenario: feature_toggle(start_time: 1, duration: "200ms", interval: "200ms"))]"#,
    );
    let mut host = host(&plan, 0, 1);
    drive(&mut host, 1.5, &[]);
    let late = at(&host, 100.0);
    host.skip_overdue(late);
    let mut out = Outbox::default();
    let due = host.advance(late, &[], &mut out);
    assert!(out.updates == 1 && due > late, "one value, and the next change lies ahead");
}

#[test]
fn events_that_cause_each_other_come_to_an_end() {
    let plan = one_host(
        r#"listen_events: { "ping": emit("pong"), "pong": emit("ping") }, metrics: [Metric(name: "m")]"#,
    );
    let mut host = host(&plan, 0, 1);
    let mut out = Outbox::default();
    host.advance(host.starts_at(), &[], &mut out);
    let data = serde_json::Value::Null;
    let ping =
        Event { name: "ping".into(), source: "x".into(), data, time: at(&host, 1.0), sequence: 0, hops: 0 };
    out.clear();
    host.advance(at(&host, 1.0), &[Mail::Event(Arc::new(ping))], &mut out);
    assert_eq!((out.events.len(), out.events_dropped), (usize::from(HOPS_MAX), 1));
}

#[test]
fn peaks_of_the_balancer_reach_the_workers() {
    let path =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/hosts_load_with_peaks.ron");
    let plan = ConfigFile::read(&path).unwrap().plan(&LoadOptions::starting_at(START)).unwrap().plan;
    let balancer = drive(&mut host(&plan, 0, 1), 200.0, &[]);
    assert_eq!(
        events(&balancer),
        [
            (0.0, "host_started"),
            (60.0, "feature_on"),
            (60.0, "load_peak_start"),
            (150.0, "feature_off"),
            (150.0, "load_peak_end"),
            (180.0, "feature_on"),
            (180.0, "load_peak_start")
        ]
    );
    let worker = drive(&mut host(&plan, 3, 1), 400.0, &[(61.0, "load_peak_start"), (151.0, "load_peak_end")]);
    let metrics = &plan.hosts[3].shape.metrics;
    let series = |name: &str| {
        let offset = metrics.iter().find(|metric| &*metric.name == name).unwrap().offset;
        rows(&worker).into_iter().map(|(secs, row)| (secs, row[offset])).collect::<Vec<_>>()
    };
    let is_within = |name: &str, from: f64, to: f64, low: f64, high: f64| {
        let values: Vec<_> = series(name).into_iter().filter(|(secs, _)| (from..to).contains(secs)).collect();
        assert!(
            !values.is_empty() && values.iter().all(|(_, v)| (low..=high).contains(v)),
            "{name}: {values:?}"
        );
    };
    is_within("cpu_usage_percent", 0.0, 61.0, 5.0, 25.0);
    is_within("cpu_usage_percent", 61.0, 151.0, 75.0, 100.0);
    is_within("cpu_usage_percent", 185.0, 400.0, 5.0, 25.0);
    is_within("memory_usage_bytes", 0.0, 61.0, 2.9 * 1_073_741_824.0, 3.1 * 1_073_741_824.0);
    is_within("workers_count", 0.0, 400.0, 1.0, 1.0);
    let memory = series("memory_usage_bytes");
    let at_peak = memory.iter().rfind(|(secs, _)| *secs < 151.0).unwrap().1;
    let after = memory.iter().filter(|(secs, _)| *secs > 200.0).map(|(_, v)| *v).next().unwrap();
    assert!(at_peak > 5e9 && after < at_peak, "{at_peak} {after}");
    for (percent, bytes) in series("memory_usage_percent").iter().zip(&memory) {
        assert!((percent.1 - bytes.1 / 17_179_869_184.0 * 100.0).abs() < 0.006, "{percent:?} {bytes:?}");
    }
}

#[test]
fn what_is_overdue_is_skipped_and_counted() {
    let plan = one_host(
        r#"interval: "10s", metrics: [Metric(name: "m", update_interval: "10s", scenario: time_duration)]"#,
    );
    let mut host = host(&plan, 0, 1);
    drive(&mut host, 20.0, &[]);
    let late = at(&host, 95.0);
    assert_eq!(
        host.skip_overdue(late),
        6,
        "those of 30 to 80 s; the one of 90 s is less than an interval late"
    );
    assert_eq!(host.skip_overdue(late), 0);
    let mut out = Outbox::default();
    let due = host.advance(late, &[], &mut out);
    assert_eq!((out.updates, out.report, due), (1, true, at(&host, 100.0)));
}

#[test]
fn the_nth_update_is_due_n_intervals_after_the_start_however_late_others_were() {
    let plan = one_host(r#"interval: "20y", metrics: [Metric(name: "m", update_interval: "10s")]"#);
    let mut host = host(&plan, 0, 1);
    let mut out = Outbox::default();
    let mut due = host.starts_at();
    let mut made = 0;
    let mut skipped = 0;
    // On time, a little late, almost an interval late, and several intervals late.
    for lateness in [0.0, 0.001, 9.999, 10.0, 0.5, 34.0, 0.0, 1_000_000.0].into_iter().cycle().take(800) {
        let now = due + Span::from_secs_f64(lateness).unwrap();
        skipped += host.skip_overdue(now);
        out.clear();
        while due <= now {
            due = host.advance(now, &[], &mut out);
        }
        made += out.updates;
        assert_eq!(out.updates, 1, "no burst {lateness} s late");
        assert_eq!(due, host.starts_at() + Span::from_secs(10).times(made + skipped), "{lateness} s late");
    }
}

#[test]
fn a_failing_formula_costs_its_metric_only() {
    let plan = one_host(
        r#"interval: "10s", metrics: [Metric(name: "age", scenario: time_duration),
            Metric(name: "bad", scenario: relay_to_other_metric(source_metric_name: "age", calc_function: "if value > 15 { \"x\" } else { value }"))]"#,
    );
    let mut host = host(&plan, 0, 1);
    let mut out = Outbox::default();
    let mut said = 0;
    let mut errors = 0;
    for step in 0..5 {
        out.clear();
        host.advance(at(&host, f64::from(step) * 10.0), &[], &mut out);
        said += out.failures.len();
        errors += out.scenario_errors;
    }
    assert_eq!((said, errors), (1, 3), "said once, counted each time");
    assert_eq!(host.row(), [40.0, 10.0], "the other goes on, this one keeps its value");
}

#[test]
fn formulas_read_other_metrics_storage_and_the_time_between_updates() {
    let plan = one_host(
        r#"interval: "10s", storage: { "offset": 100 }, metrics: [
            Metric(name: "age", scenario: time_duration),
            Metric(name: "sum", scenario: script(source: "host.storage.offset += 1; links.age + host.storage.offset")),
            Metric(name: "step", scenario: script(source: "dt"), listen_events: ["now"]),
            Metric(name: "seen", scenario: relay_to_other_metric(source_metric_name: "age", calc_function: "host.storage.offset"))]"#,
    );
    assert!(plan.hosts[0].shape.keeps_update_times);
    let rows = rows(&drive(&mut host(&plan, 0, 1), 23.0, &[(13.0, "now")]));
    let values: Vec<(f64, &[f64])> = rows.iter().map(|(secs, row)| (*secs, row.as_slice())).collect();
    let names: Vec<&str> = plan.hosts[0].shape.metrics.iter().map(|metric| &*metric.name).collect();
    assert_eq!(names, ["age", "sum", "step", "seen"]);
    assert_eq!(values[0], (0.0, &[0.0, 101.0, 0.0, 101.0][..]));
    assert_eq!(values[1], (10.0, &[10.0, 112.0, 10.0, 102.0][..]));
    assert_eq!(values[2], (13.0, &[10.0, 112.0, 3.0, 102.0][..]), "an event updates its listener only");
    assert_eq!(values[3], (23.0, &[20.0, 123.0, 7.0, 103.0][..]));
}

#[test]
fn a_metric_has_a_sample_only_while_its_condition_holds() {
    let plan = one_host(
        r#"interval: "10s", metrics: [Metric(name: "age", scenario: time_duration),
            Metric(name: "late", when: "links.age >= 10 && links.age < 30", default_value: 5),
            Metric(name: "of_late", scenario: relay_to_other_metric(source_metric_name: "late"))]"#,
    );
    let rows = rows(&drive(&mut host(&plan, 0, 1), 40.0, &[]));
    let absent: Vec<[bool; 2]> = rows.iter().map(|(_, row)| [is_absent(row[1]), is_absent(row[2])]).collect();
    assert_eq!(absent, [[true; 2], [false; 2], [false; 2], [true; 2], [true; 2]]);
}

#[test]
fn a_histogram_makes_as_many_observations_as_its_formula_says() {
    let plan = one_host(
        r#"interval: "10s", metrics: [Metric(name: "h", metric_type: histogram, buckets: [1], observations: "t / 5 + 1",
            scenario: random_in_range(value_range: (2, 2)))]"#,
    );
    let rows = rows(&drive(&mut host(&plan, 0, 1), 20.0, &[]));
    let counts: Vec<f64> = rows.iter().map(|(_, row)| row[1]).collect();
    assert_eq!(counts, [1.0, 4.0, 9.0]);
}

#[test]
fn an_odd_number_of_observations_is_reported_once_and_clamped() {
    let plan = one_host(
        r#"interval: "10s", metrics: [Metric(name: "h", metric_type: histogram, buckets: [1], observations: "10 - t",
            scenario: random_in_range(value_range: (2, 2)))]"#,
    );
    let mut host = host(&plan, 0, 1);
    let mut out = Outbox::default();
    for secs in [0.0, 10.0, 20.0, 30.0] {
        host.advance(at(&host, secs), &[], &mut out);
    }
    assert_eq!(out.scenario_errors, 2);
    let [(name, error)] = out.failures.as_slice() else { panic!("one failure is reported") };
    assert_eq!((&**name, error.as_str()), ("h", "observations must be from 0 to 1000000, but is -10"));
    assert_eq!(host.row()[1].to_bits(), 10f64.to_bits());
}

#[test]
fn observations_without_a_scenario_are_the_default_value() {
    for metric_type in ["histogram", "native_histogram", "summary"] {
        for count in [3, 500] {
            let (_, cells) = cells_after(
                &format!(
                    "Metric(name: \"m_total\", metric_type: {metric_type}, update_interval: 1, observations: {count},
                        default_value: 0.25)"
                ),
                1.0,
                &[],
            );
            let sum = 2.0 * 0.25 * f64::from(count);
            assert!(cells.iter().any(|cell| (cell - sum).abs() < 1e-9), "{metric_type} {cells:?}");
        }
    }
}

#[test]
fn a_reaction_waits_for_its_condition() {
    let plan = one_host(
        r#"interval: "10s", listen_events: { "ping": when("t > 15 && event.source == \"other\"", emit("pong")) },
            metrics: [Metric(name: "m")]"#,
    );
    let actions = drive(&mut host(&plan, 0, 1), 30.0, &[(12.0, "ping"), (22.0, "ping")]);
    let pongs: Vec<f64> = actions
        .iter()
        .filter(|(_, action)| *action == Action::Emitted("pong".into()))
        .map(|(secs, _)| *secs)
        .collect();
    assert_eq!(pongs, [22.0]);
}

#[test]
fn the_data_of_a_seconds_events_is_bounded() {
    let plan = one_host(
        r#"metrics: [Metric(name: "m", update_interval: "100ms", scenario: script(source:
            "let text = \"x\"; for n in 0..15 { text += text } for n in 0..100 { emit(\"big\", text) } 1"))]"#,
    );
    let (mut host, mut out) = (DrivenHost::new(host(&plan, 0, 1)), Outbox::default());
    let until = at(host.host(), 3.0);
    let mut by_second = std::collections::BTreeMap::new();
    while let Some(now) = host.step(until, &mut out) {
        let second = now.since(START).as_nanos() / 1_000_000_000;
        *by_second.entry(second).or_insert(0) += out.events.iter().map(Event::bytes).sum::<usize>();
    }
    let most = by_second.values().max().copied().unwrap();
    let max = EVENTS_PER_SEC_MAX as usize * 1024;
    assert!(most > max / 2 && most <= max + 40 * 1024, "{by_second:?}");
}

#[test]
fn events_that_set_each_other_off_come_to_an_end() {
    let plan = one_host(
        r#"listen_events: { "x": [emit("x"), emit("x")], "host_started": emit("x") }, metrics: [Metric(name: "m")]"#,
    );
    let (mut host, mut out) = (host(&plan, 0, 1), Outbox::default());
    host.advance(at(&host, 0.0), &[], &mut out);
    assert_eq!(out.events.len(), EVENTS_PER_SEC_MAX as usize);
    assert!(out.events_dropped > 0);
}

#[test]
fn the_events_of_a_second_are_bounded_and_each_burst_of_dropped_ones_is_told_once() {
    // 99 events every 10 ms, 9 900 in a second; from second 2 to second 4 a chain emits more.
    let plan = one_host(
        r#"listen_events: { "more": [emit("x"), emit("x"), emit("x"), emit("x"), emit("x"), emit("x"), emit("x"), emit("x")] },
            metrics: [Metric(name: "m", update_interval: "10ms", scenario: script(source: "
            for i in 0..99 { emit(if t >= 2.0 && t < 4.0 && i < 9 { \"more\" } else { \"y\" }) } value"))]"#,
    );
    let (mut host, mut out) = (DrivenHost::new(host(&plan, 0, 1)), Outbox::default());
    let until = at(host.host(), 7.0);
    let (mut by_second, mut told) = (std::collections::BTreeMap::new(), Vec::new());
    let mut dropped = 0;
    while let Some(now) = host.step(until, &mut out) {
        let second = now.since(START).as_nanos() / 1_000_000_000;
        *by_second.entry(second).or_insert(0) += out.events.len();
        dropped += out.events_dropped;
        told.extend(out.first_dropped.take().map(|first| (first.event.to_string(), first.cause)));
    }
    let most = by_second.values().max().copied();
    assert_eq!(most, usize::try_from(EVENTS_PER_SEC_MAX).ok(), "{by_second:?}");
    assert!(dropped > 1_000, "{dropped}");
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].1, DropCause::FullSecond);
}

#[test]
fn all_metrics_of_a_name_are_stopped_and_a_long_chain_of_relays_with_its_source() {
    let plan = one_host(
        r#"interval: "10s", listen_events: { "halt": stop_metric("core") }, metrics: [
            Metric(repeat: Repeat(var: "c", from: 0, to: 3), name: "core", labels: { "core": "{c}" }),
            Metric(name: "m0", when: "t < 15"),
            Metric(repeat: Repeat(var: "i", from: 1, to: 50000), name: "m{i}", scenario: relay_to_other_metric(source_metric_name: "m{i - 1}"))]"#,
    );
    let rows = rows(&drive(&mut host(&plan, 0, 1), 26.0, &[(5.0, "halt")]));
    let absent = |row: &[f64]| row.iter().filter(|cell| is_absent(**cell)).count();
    assert_eq!((absent(&rows[0].1), absent(&rows[1].1)), (0, 4));
    assert_eq!(absent(&rows.last().unwrap().1), 4 + 50_001);
}

#[test]
fn adding_a_host_leaves_the_others_values_alone() {
    let text = |hosts: &str| {
        format!(
            "Config(hosts: [{hosts}], metric_sets: {{ \"m\": [Metric(name: \"m\", value_range: (0, 100), scenario: random_walk)] }})"
        )
    };
    let one = |name: &str| format!("Host(name: \"{name}\", metric_sets: [\"m\"]),");
    let alone = plan_of(&text(&one("b")));
    let model = plan_of(&text(&[one("a"), one("b"), one("c")].concat()));
    let b = drive(&mut host(&alone, 0, 5), 300.0, &[]);
    assert_eq!(b, drive(&mut host(&model, 1, 5), 300.0, &[]));
    assert_ne!(b, drive(&mut host(&model, 2, 5), 300.0, &[]));
    assert_ne!(b, drive(&mut host(&alone, 0, 6), 300.0, &[]));
}

/// Scenarios for a counter, good and bad.
const COUNTER_SCENARIOS: [&str; 6] = [
    "random_in_range",
    "random_walk(step: 50)",
    "update_by_trend(trend: down)",
    "time_duration",
    "load_peak_cpu",
    r#"calc_by_event(events_config: { "load_peak_start": "value - 3", "load_peak_end": "value + 5" })"#,
];

proptest! {
    #[test]
    fn counters_never_fall(which in 0..COUNTER_SCENARIOS.len(), low in -50.0..50.0f64, per_second: bool, seed: u64,
                           times in prop::collection::vec((0.0..300.0f64, any::<bool>()), 0..10)) {
        let accumulate = if per_second { ", accumulate: per_second" } else { "" };
        let high = low + 100.0;
        let plan = one_host(&format!(
            r#"interval: "7s", metrics: [Metric(name: "m_total", metric_type: counter, value_range: ({low:?}, {high:?}), scenario: {}{accumulate})]"#,
            COUNTER_SCENARIOS[which]
        ));
        let mut times = times;
        times.sort_by(|a, b| a.0.total_cmp(&b.0));
        let events: Vec<_> = times.iter().map(|(secs, start)| (*secs, if *start { "load_peak_start" } else { "load_peak_end" })).collect();
        let values: Vec<f64> = rows(&drive(&mut host(&plan, 0, seed), 300.0, &events)).iter().map(|(_, row)| row[0]).collect();
        prop_assert!(values.len() > 40);
        prop_assert!(values.windows(2).all(|pair| pair[0] <= pair[1]), "{values:?}");
    }

    #[test]
    fn histogram_buckets_never_fall_and_add_up(seed: u64) {
        let plan = one_host(r#"interval: "10s", metrics: [Metric(name: "m", metric_type: histogram, buckets: [0.2, 0.5], observations: 3, value_range: (0, 1), scenario: random_in_range)]"#);
        let rows = rows(&drive(&mut host(&plan, 0, seed), 200.0, &[]));
        for (n, (_, row)) in (1u32..).zip(&rows) {
            let count: f64 = row[..3].iter().sum();
            prop_assert_eq!(count.to_bits(), (3.0 * f64::from(n)).to_bits());
        }
        prop_assert!(rows.windows(2).all(|pair| (0..3).all(|bucket| pair[0].1[bucket] <= pair[1].1[bucket])));
    }
}

/// The layout, and the cells after so many seconds, of a host's only metric.
fn cells_after(metric: &str, secs: f64, events: &[(f64, &str)]) -> (Arc<crate::metric::Layout>, Vec<f64>) {
    let plan = one_host(&format!(
        "interval: 1, listen_events: {{ \"off\": stop_metric(\"m_total\"), \"on\": start_metric(\"m_total\") }}, metrics: [{metric}]"
    ));
    let mut host = host(&plan, 0, 1);
    drive(&mut host, secs, events);
    (Arc::clone(plan.hosts[0].shape.metrics[0].cells.layout()), host.row().to_vec())
}

const COUNTED: &str = r#"Metric(name: "m_total", metric_type: counter, created: true, exemplars: true, update_interval: 1,
    when: "t < 3 || t > 5", scenario: random_in_range(value_range: (2, 2)))"#;

#[test]
fn a_counter_that_starts_anew_has_a_new_created_time_and_one_that_pauses_has_not() {
    let (layout, first) = cells_after(COUNTED, 1.0, &[]);
    let created = layout.created_unix_secs(&first).unwrap();
    let exemplar = layout.exemplar(&first).unwrap();
    assert_eq!((exemplar.value.to_bits(), exemplar.unix_secs), (2f64.to_bits(), created + 1.0));
    let (_, paused) = cells_after(COUNTED, 4.0, &[]);
    assert!(is_absent(paused[0]));
    let (_, later) = cells_after(COUNTED, 7.0, &[]);
    assert_eq!((later[0].to_bits(), layout.created_unix_secs(&later)), (10f64.to_bits(), Some(created)));
    let (_, anew) = cells_after(COUNTED, 12.0, &[(8.0, "off"), (10.5, "on")]);
    assert_eq!(layout.created_unix_secs(&anew), Some(created + 10.5));
    assert_eq!(anew[0].to_bits(), 6f64.to_bits());
}

#[test]
fn what_observes_begins_anew_whenever_it_had_no_sample() {
    let metric = |metric_type: &str| {
        format!(
            "Metric(name: \"m_total\", metric_type: {metric_type}, created: true, update_interval: 1, observations: 500,
                when: \"t < 3 || t > 5\", spread: lognormal(median: 1, p99: 3))"
        )
    };
    for metric_type in ["histogram", "native_histogram", "summary"] {
        let (layout, before) = cells_after(&metric(metric_type), 2.0, &[]);
        let (_, after) = cells_after(&metric(metric_type), 7.0, &[]);
        let created = |cells: &[f64]| layout.created_unix_secs(cells).unwrap();
        assert!((created(&after) - created(&before) - 6.0).abs() < 1e-6, "{metric_type}");
        if metric_type != "histogram" {
            assert_eq!((before[0].to_bits(), after[0].to_bits()), (1500f64.to_bits(), 1000f64.to_bits()));
        }
    }
}

#[test]
fn a_reset_takes_away_observations_exemplars_and_the_created_time() {
    for metric_type in ["counter", "histogram", "native_histogram", "summary"] {
        let exemplars = if metric_type == "summary" { "" } else { "exemplars: true," };
        let plan = one_host(&format!(
            "interval: 1, faults: [counter_reset(on: \"crash\")], metrics: [Metric(name: \"m_total\", metric_type: {metric_type},
                created: true, {exemplars} update_interval: 1, value_range: (2, 2), scenario: random_in_range)]"
        ));
        let metric = &plan.hosts[0].shape.metrics[0];
        let layout = metric.cells.layout();
        let cells_at = |secs: f64| {
            let mut host = host(&plan, 0, 1);
            drive(&mut host, secs, &[(2.5, "crash")]);
            host.row().to_vec()
        };
        let [before, at, after] = [2.0, 2.5, 3.0].map(cells_at);
        let created = |cells: &[f64]| layout.created_unix_secs(cells).unwrap();
        assert!((created(&at) - created(&before) - 2.5).abs() < 1e-6, "{metric_type}");
        assert_eq!(created(&at).to_bits(), created(&after).to_bits(), "{metric_type}");
        let sum = metric.cells.free_cell().unwrap();
        let sums = [&before, &at, &after].map(|cells| cells[sum].to_bits());
        assert_eq!(sums, [6.0, 0.0, 2.0].map(f64::to_bits), "{metric_type}");
        if layout.has_exemplar {
            assert_eq!(layout.exemplar(&at), None, "{metric_type}");
            assert_ne!(layout.exemplar(&before), layout.exemplar(&after), "{metric_type}");
            assert_eq!(layout.exemplar(&after).unwrap().value.to_bits(), 2f64.to_bits(), "{metric_type}");
        }
        if let Kind::Summary { quantiles } = &layout.kind {
            let median = |cells: &[f64]| crate::metric::quantiles(quantiles, cells).values[0];
            assert!((median(&before) - 2.0).abs() < 0.05 && median(&at).is_nan());
        }
    }
}

#[test]
fn a_stateset_is_in_the_state_of_that_number() {
    let metric = |value: &str| {
        format!(
            "Metric(name: \"m_total\", metric_type: stateset, states: [\"a\", \"b\", \"c\"], scenario: script(source: \"{value}\"))"
        )
    };
    for (value, state) in [("0.4", 0f64), ("1.6", 2.0), ("1", 1.0)] {
        let (_, cells) = cells_after(&metric(value), 0.0, &[]);
        assert_eq!(cells[0].to_bits(), state.to_bits(), "{value}");
    }
    let (_, beyond) =
        cells_after(&metric("7.0").replace("states:", "value_range: (-5, 9), states:"), 0.0, &[]);
    assert_eq!(beyond[0].to_bits(), 2f64.to_bits());
}

#[test]
fn two_metrics_with_one_script_count_each_for_itself_and_share_what_is_the_hosts() {
    let plan = one_host(
        r#"interval: "10s", storage: { "n": 0 }, metrics: [Metric(repeat: Repeat(var: "i", from: 1, to: 2), name: "m_{i}",
            scenario: script(source: "storage.n = (storage.n ?? 0) + 1; host.storage.n += 1; storage.n * 100 + host.storage.n"))]"#,
    );
    let rows: Vec<Vec<f64>> =
        rows(&drive(&mut host(&plan, 0, 1), 20.0, &[])).into_iter().map(|(_, row)| row).collect();
    assert_eq!(rows, [[101.0, 102.0], [203.0, 204.0], [305.0, 306.0]]);
}
