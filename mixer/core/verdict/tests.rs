use indexmap::IndexMap;

use super::*;
use crate::backfill::Grid;
use crate::config::{ConfigFile, LoadOptions};
use crate::fault::Course;
use crate::plan::Plan;
use crate::rng::Seed;
use crate::time::{Span, Time};

const START: Time = Time::from_unix_secs(1_767_600_000);

/// A fault from 10 m to 20 m of a run, twice an hour, and a phase in which an alert is right.
pub(super) fn plan(verdicts: &str) -> Plan {
    let text = format!(
        r#"Config(levers: {{ "load": 1 }}, timeline: Timeline(phases: [
            Phase(name: "calm", lasts: "30m"), Phase(name: "sale", lasts: "30m", truth: Truth(alerts: ["Busy"]))],
            faults: [Fault(id: "slow", at: "10m", lasts: "10m", every: "30m", times: {{ "load": 2 }}, truth: Truth(alerts: ["Slow"]))]),
        verdicts: [{verdicts}], hosts: [Host(name: "h", metrics: [Metric(name: "m")])])"#
    );
    ConfigFile::from_text("test", &text).plan(&LoadOptions::starting_at(START)).unwrap().plan
}

fn at(minutes: f64) -> Time {
    START + Span::from_secs_f64(minutes * 60.0).unwrap()
}

/// An alert with these times in minutes.
pub(super) fn alert(name: &str, firing: &[(f64, f64)]) -> AlertSeries {
    let firing = firing.iter().map(|(begin, end)| Firing { begin: at(*begin), end: at(*end) }).collect();
    AlertSeries {
        name: name.to_owned(),
        labels: vec![("job".to_owned(), "a".to_owned())],
        firing,
        ..AlertSeries::default()
    }
}

pub(super) fn seen(alerts: Vec<AlertSeries>) -> Observation {
    let grid = Grid { from: START, to: at(60.0), step: Span::from_secs(60) };
    Observation {
        grid,
        course: Course::new(START, Seed::new(1)),
        alerts,
        twin: Some(Vec::new()),
        undecided_alerts: IndexMap::new(),
        answers: IndexMap::new(),
        compared: IndexMap::new(),
        series: Ok(IndexMap::new()),
        dashboards: IndexMap::new(),
        query_times: IndexMap::new(),
        notifications: Notifications::default(),
    }
}

/// The outcome of one verdict, and its findings.
fn judged(verdict: &str, seen: &Observation) -> (Outcome, String) {
    let plan = plan(verdict);
    let judgements = judge(&plan, &plan.verdicts, seen);
    assert_eq!(judgements[0].verdict, verdict, "a verdict is shown as it is written");
    (judgements[0].outcome, judgements[0].findings.join("; "))
}

const FIRES: &str = r#"fires(alert: "Slow", within: "3m", of: "slow")"#;

#[test]
fn an_alert_fires_in_time_in_each_window_of_its_fault() {
    let good = seen(vec![alert("Slow", &[(13.0, 20.0), (43.0, 50.0)])]);
    assert_eq!(
        judged(FIRES, &good),
        (Outcome::Passed, "fired at 13m, 3m after 10m; fired at 43m, 3m after 40m".to_owned())
    );
    let late = seen(vec![alert("Slow", &[(12.0, 20.0), (44.0, 50.0)])]);
    assert_eq!(judged(FIRES, &late), (Outcome::Failed, "fired 1m too late: at 44m, not by 43m".to_owned()));
    let early = seen(vec![alert("Slow", &[(9.0, 20.0), (43.0, 50.0)])]);
    assert_eq!(judged(FIRES, &early), (Outcome::Failed, "fired already at 9m, before 10m".to_owned()));
    let once = seen(vec![alert("Slow", &[(13.0, 20.0)])]);
    assert_eq!(judged(FIRES, &once), (Outcome::Failed, "did not fire at 40m or later".to_owned()));
    let mut pending = alert("Slow", &[(13.0, 20.0)]);
    pending.pending.push(Firing { begin: at(41.0), end: at(50.0) });
    assert_eq!(
        judged(FIRES, &seen(vec![pending])),
        (Outcome::Failed, "was pending at 41m, and did not fire".to_owned())
    );
}

#[test]
fn a_second_firing_fails_unless_it_is_allowed() {
    let flapping = seen(vec![alert("Slow", &[(12.0, 14.0), (15.0, 20.0), (42.0, 50.0)])]);
    let text = r#"Slow{job="a"} fired 2 times: at 12m, at 15m"#.to_owned();
    assert_eq!(judged(FIRES, &flapping), (Outcome::Failed, text));
    let allowed = r#"fires(alert: "Slow", within: "3m", times: 2, of: "slow")"#;
    assert_eq!(judged(allowed, &flapping).0, Outcome::Passed);
    let other = r#"fires(alert: "Slow", labels: { "job": "b" }, within: "3m", of: "slow")"#;
    let text = r#"did not fire at 10m or later; Slow{job="a"} did, with other labels"#;
    assert!(judged(other, &flapping).1.contains(text), "{:?}", judged(other, &flapping));
}

/// A run with faults at 5 m, for 2 m, at 20 m, for 5 m, and at 22 m, for 1 m, in the first of two phases.
pub(super) fn plan_of_faults(verdicts: &str) -> Plan {
    let fault = |id: &str, at: u32, lasts: u32| {
        format!("Fault(id: \"{id}\", at: \"{at}m\", lasts: \"{lasts}m\", set: {{ \"load\": 2 }}),")
    };
    let faults = [fault("first", 5, 2), fault("second", 20, 5), fault("inner", 22, 1)].concat();
    let text = format!(
        r#"Config(levers: {{ "load": 1 }}, faults: [{faults}], timeline: Timeline(phases: [Phase(name: "all", lasts: "30m"), Phase(name: "rest", lasts: "30m")]),
        verdicts: [{verdicts}], hosts: [Host(name: "h", metrics: [Metric(name: "m")])])"#
    );
    ConfigFile::from_text("test", &text).plan(&LoadOptions::starting_at(START)).unwrap().plan
}

#[test]
fn a_firing_that_a_later_part_expects_is_not_one_too_many_of_an_earlier_one() {
    let outcomes = |verdicts: &str, firing: &[(f64, f64)]| {
        let plan = plan_of_faults(verdicts);
        let judged = judge(&plan, &plan.verdicts, &seen(vec![alert("Slow", firing)]));
        let found =
            judged.into_iter().map(|judged| (judged.outcome == Outcome::Passed, judged.findings.join("; ")));
        found.collect::<Vec<(bool, String)>>()
    };
    let passed = |verdicts: &str, firing: &[(f64, f64)]| {
        outcomes(verdicts, firing).into_iter().map(|(passed, _)| passed).collect::<Vec<bool>>()
    };
    let of = |id: &str| format!(r#"fires(alert: "Slow", of: "{id}"), "#);
    let [first, second, inner] = ["first", "second", "inner"].map(of);
    let both = format!("{first}{second}");
    assert_eq!(passed(&both, &[(6.0, 8.0), (21.0, 26.0)]), [true, true]);
    // One that flaps is one too many, in the first or in the second fault, or after both.
    for flapping in [&[(5.0, 6.0), (6.5, 8.0), (21.0, 26.0)][..], &[(6.0, 8.0), (15.0, 16.0), (21.0, 26.0)]] {
        assert_eq!(passed(&both, flapping), [false, true], "{flapping:?}");
    }
    let in_second = [(6.0, 8.0), (21.0, 22.0), (24.0, 26.0)];
    assert_eq!(passed(&both, &in_second), [false, false]);
    assert_eq!(outcomes(&both, &in_second)[0].1, r#"Slow{job="a"} fired 3 times: at 6m, at 21m, at 24m"#);
    assert_eq!(
        passed(&format!(r#"{first}fires(alert: "Slow", times: 2, of: "second")"#), &in_second),
        [true, true]
    );
    // A fault within another one, and within a phase, has a firing of its own.
    let nested = format!(r#"{second}{inner}fires(alert: "Slow", during: "all")"#);
    assert_eq!(passed(&nested, &[(20.5, 21.0), (22.5, 26.0)]), [true, true, true]);
    assert_eq!(passed(&nested, &[(22.2, 22.5), (22.7, 23.5)]), [true, false, true]);
    // Other labels of that name, and other verdicts on the same part, expect nothing more.
    let labels = format!(r#"{first}fires(alert: "Slow", labels: {{ "job": "b" }}, of: "second")"#);
    assert_eq!(passed(&labels, &[(6.0, 8.0), (21.0, 26.0)]), [false, false]);
    assert_eq!(passed(&format!("{first}{first}"), &[(5.0, 6.0), (6.5, 8.0)]), [false, false]);
    let resolves = format!(r#"resolves(alert: "Slow", within: "16m", of: "first"), {second}"#);
    assert_eq!(passed(&resolves, &[(6.0, 8.0), (21.0, 50.0)]), [true, true]);
    assert!(!passed(&resolves, &[(6.0, 8.0), (15.0, 50.0)])[0], "nothing expects that one");
}

#[test]
fn an_alert_that_did_not_fire_comes_with_the_value_nearest_to_its_threshold() {
    let values = |is_above: bool, value_at: &dyn Fn(usize) -> Option<f64>| {
        let mut seen = seen(Vec::new());
        let values = (0..=60).map(value_at).collect();
        let compared = ComparedValues { threshold: 0.9, is_above, values };
        seen.compared.insert("Slow".to_owned(), compared);
        judged(r#"fires(alert: "Slow", within: "9m", of: "slow")"#, &seen).1
    };
    let peak = values(true, &|minute| Some(if minute == 12 { 0.812_34 } else { 0.5 }));
    assert_eq!(
        peak,
        "did not fire at 10m or later; peak 0.8123 at 12m, threshold 0.9; did not fire at 40m or later; peak 0.5 at 40m, threshold 0.9"
    );
    let lowest = values(false, &|minute| {
        Some(if minute == 19 { 1.0 } else { f64::from(u32::try_from(minute).unwrap()) })
    });
    assert!(lowest.starts_with("did not fire at 10m or later; lowest 1 at 19m, threshold 0.9; "), "{lowest}");
    let nothing = values(true, &|minute| (minute < 40).then_some(f64::NAN));
    assert!(nothing.ends_with("did not fire at 40m or later; its expression had no data"), "{nothing}");
}

#[test]
fn what_the_run_does_not_reach_is_undecided() {
    let mut short = seen(vec![alert("Slow", &[(13.0, 20.0)])]);
    short.grid.to = at(41.0);
    assert_eq!(
        judged(FIRES, &short),
        (Outcome::Undecided, "the run ends at 41m, before it must fire; --for 43m decides it".to_owned())
    );
    short.grid.to = at(8.0);
    let never = judged(FIRES, &short);
    assert_eq!(
        never,
        (Outcome::Undecided, "fault \"slow\" does not begin before the end of the run; make --for longer, or let it begin earlier".to_owned())
    );
    let unasked = judged(r#"holds(query: "up == 1")"#, &short);
    assert_eq!(unasked, (Outcome::Undecided, "the query was not asked".to_owned()));
}

#[test]
fn an_alert_of_the_whole_run_is_judged_by_its_end() {
    let fires = r#"fires(alert: "Slow")"#;
    let never = judged(fires, &seen(Vec::new()));
    assert_eq!(never, (Outcome::Failed, "did not fire at 0s or later".to_owned()));
    let late = seen(vec![alert("Slow", &[(60.0, f64::INFINITY)])]);
    assert_eq!(judged(fires, &late).0, Outcome::Passed);
    let resolves = r#"resolves(alert: "Slow", within: "5m")"#;
    assert_eq!(judged(resolves, &seen(vec![alert("Slow", &[(13.0, 25.0)])])).0, Outcome::Passed);
    let (outcome, text) = judged(resolves, &late);
    assert_eq!((outcome, &*text), (Outcome::Failed, r#"Slow{job="a"} still fires at 1h"#));
}

#[test]
fn an_alert_resolves_in_time() {
    let verdict = r#"resolves(alert: "Slow", within: "5m", of: "slow")"#;
    let good = seen(vec![alert("Slow", &[(13.0, 25.0), (43.0, 55.0)])]);
    assert_eq!(judged(verdict, &good).0, Outcome::Passed);
    let late = seen(vec![alert("Slow", &[(13.0, 26.0), (43.0, 55.0)])]);
    assert_eq!(
        judged(verdict, &late),
        (Outcome::Failed, r#"Slow{job="a"} resolved at 26m, 1m too late"#.to_owned())
    );
    let mut open = seen(vec![alert("Slow", &[(13.0, 21.0), (43.0, 55.0)])]);
    open.alerts[0].firing[1].end = Time::NEVER;
    assert_eq!(judged(verdict, &open), (Outcome::Failed, r#"Slow{job="a"} still fires at 1h"#.to_owned()));
    let never = judged(verdict, &seen(Vec::new()));
    assert_eq!(never.0, Outcome::Failed, "an alert that never fired has not resolved");
}

#[test]
fn alerts_that_nothing_expects_fail_also_without_the_faults() {
    let verdicts = r#"no_other_alerts(except: ["Watchdog"])"#;
    let expected = vec![
        alert("Slow", &[(13.0, 20.0)]),
        alert("Busy", &[(31.0, 59.0)]),
        alert("Watchdog", &[(0.0, 60.0)]),
    ];
    let mut good = seen(expected.clone());
    good.twin = Some(vec![alert("Busy", &[(31.0, 59.0)]), alert("Watchdog", &[(0.0, 60.0)])]);
    let text = "no other alert fired, nor without the faults".to_owned();
    assert_eq!(judged(verdicts, &good), (Outcome::Passed, text));
    let mut bad = good.clone();
    bad.alerts.push(alert("Slow", &[(25.0, 26.0)]));
    assert_eq!(judged(verdicts, &bad), (Outcome::Failed, r#"Slow{job="a"} fired at 25m"#.to_owned()));
    let mut bad = good.clone();
    bad.twin = Some(vec![alert("Slow", &[(13.0, 20.0)])]);
    let text = r#"Slow{job="a"} fired at 13m without the faults"#.to_owned();
    assert_eq!(judged(verdicts, &bad), (Outcome::Failed, text), "its fault is not there in the twin");
}

#[test]
fn an_alert_that_could_not_be_found_out_is_undecided_and_never_passed() {
    let resolves = r#"resolves(alert: "Slow", within: "5m", of: "slow")"#;
    let mut unknown = seen(Vec::new());
    unknown.undecided_alerts.insert("Slow".to_owned(), "Prometheus is away".to_owned());
    for verdict in [FIRES, resolves] {
        assert_eq!(
            judged(verdict, &unknown),
            (Outcome::Undecided, "Prometheus is away".to_owned()),
            "{verdict}"
        );
    }
    let others = judged("no_other_alerts()", &unknown);
    assert_eq!(others, (Outcome::Undecided, "Slow: Prometheus is away".to_owned()));
    assert_eq!(judged(r#"no_other_alerts(except: ["Slow"])"#, &unknown).0, Outcome::Passed);
    unknown.alerts.push(alert("Busy", &[(1.0, 2.0)]));
    assert_eq!(judged("no_other_alerts()", &unknown).0, Outcome::Failed, "another one is known to be wrong");
}

/// An observation in which a condition has these elements at each minute.
fn answered(query: &str, value_at: impl Fn(usize) -> Vec<f64>) -> Observation {
    let element = |value| Element { labels: "{job=\"a\"}".to_owned(), value };
    let answer = (0..=60).map(|step| value_at(step).into_iter().map(element).collect()).collect();
    let mut seen = seen(Vec::new());
    seen.answers.insert(query.to_owned(), Ok(answer));
    seen
}

#[test]
fn a_condition_holds_only_with_data_at_each_step() {
    let verdict = r#"holds(query: "up == 1", during: "calm")"#;
    let text = "true at all 30 steps".to_owned();
    assert_eq!(
        judged(verdict, &answered("up == 1", |step| vec![f64::from(u8::from(step < 30))])),
        (Outcome::Passed, text)
    );
    let empty = answered("up == 1", |step| if step == 29 { Vec::new() } else { vec![1.0] });
    assert_eq!(
        judged(verdict, &empty),
        (Outcome::Failed, "no data at 29m; true at 29 of 30 steps".to_owned())
    );
    let begins_late = answered("up == 1", |step| if step < 2 { Vec::new() } else { vec![1.0] });
    let text = "true at all 28 steps from 2m on, where its data begin".to_owned();
    assert_eq!(judged(verdict, &begins_late), (Outcome::Passed, text));
    let of_sale = judged(
        r#"holds(query: "up == 1", during: "sale")"#,
        &answered("up == 1", |step| if step < 32 { Vec::new() } else { vec![1.0] }),
    );
    assert_eq!(of_sale.0, Outcome::Failed, "only a run has a start without data");
    let nothing = answered("up == 1", |_| Vec::new());
    assert_eq!(
        judged(verdict, &nothing),
        (Outcome::Failed, "no data at 0s; true at 0 of 30 steps".to_owned())
    );
    let one_is_false = answered("up == 1", |step| if step == 7 { vec![1.0, 0.0] } else { vec![1.0, 1.0] });
    let text = "false for {job=\"a\"} at 7m; true at 29 of 30 steps".to_owned();
    assert_eq!(judged(verdict, &one_is_false), (Outcome::Failed, text));
    let mut refused = seen(Vec::new());
    refused.answers.insert("up == 1".to_owned(), Err("the server is away".to_owned()));
    assert_eq!(judged(verdict, &refused), (Outcome::Undecided, "the server is away".to_owned()));
}

#[test]
fn the_first_time_of_a_condition_is_told_or_judged() {
    let breaks = answered("p99 > 5", |step| vec![f64::from(u8::from(step >= 42))]);
    let told = judged(r#"first(query: "p99 > 5")"#, &breaks);
    assert_eq!(told, (Outcome::Passed, "first true at 42m".to_owned()));
    assert_eq!(judged(r#"first(query: "p99 > 5", between: ("40m", "42m"))"#, &breaks).0, Outcome::Passed);
    let early = judged(r#"first(query: "p99 > 5", between: ("43m", "50m"))"#, &breaks);
    assert_eq!(early, (Outcome::Failed, "first true at 42m, not between 43m and 50m".to_owned()));
    let never = answered("p99 > 5", |_| Vec::new());
    assert_eq!(judged(r#"first(query: "p99 > 5")"#, &never), (Outcome::Passed, "was never true".to_owned()));
    assert_eq!(judged(r#"first(query: "p99 > 5", between: ("40m", "42m"))"#, &never).0, Outcome::Failed);
}

#[test]
fn series_have_a_budget() {
    let mut many = seen(Vec::new());
    many.series = Ok(IndexMap::from([("a".to_owned(), 5), ("b".to_owned(), 3)]));
    assert_eq!(judged("series(total: 8, each: 5)", &many).0, Outcome::Passed);
    let over = judged("series(total: 7, each: 4)", &many);
    assert_eq!(over, (Outcome::Failed, "8 of 7 series; a has 5 of 4 series".to_owned()));
}

#[test]
fn without_verdicts_the_ground_truth_is_judged() {
    let verdicts: Vec<String> = verdicts_of_truth(&plan("")).iter().map(ToString::to_string).collect();
    let wanted = [
        r#"fires(alert: "Busy", during: "sale")"#,
        r#"fires(alert: "Slow", of: "slow")"#,
        "no_other_alerts()",
    ];
    assert_eq!(verdicts, wanted);
}

#[test]
fn a_dashboard_is_judged_by_the_worst_of_its_parts() {
    let problem = |outcome, is_of_data| PartProblem {
        outcome,
        is_of_data,
        text: "no data".to_owned(),
        query: "up == 2".to_owned(),
    };
    let part = |name: &str, problems| DashboardPart {
        kind: PartKind::Panel,
        name: name.to_owned(),
        queries: 2,
        values_left_out: 0,
        problems,
    };
    let of = |verdict: &str, problems: Vec<PartProblem>| {
        let parts = vec![part("Good", Vec::new()), part("Bad", problems)];
        let mut seen = seen(Vec::new());
        seen.dashboards.insert("d.json".to_owned(), Ok(parts));
        judged(verdict, &seen)
    };
    let (plain, excepting) =
        (r#"panels(dashboard: "d.json")"#, r#"panels(dashboard: "d.json", may_be_empty: ["Bad"])"#);
    assert_eq!(of(plain, Vec::new()), (Outcome::Passed, "2 panels, 4 queries".to_owned()));
    let empty = problem(Outcome::Failed, true);
    let text = "panel \"Bad\": no data: up == 2";
    assert_eq!(of(plain, vec![empty.clone()]), (Outcome::Failed, text.to_owned()));
    assert_eq!(of(excepting, vec![empty.clone()]).0, Outcome::Passed);
    assert_eq!(of(excepting, vec![problem(Outcome::Failed, false)]).0, Outcome::Failed);
    let refused = problem(Outcome::Undecided, false);
    assert_eq!(of(plain, vec![refused.clone()]).0, Outcome::Undecided);
    assert_eq!(of(plain, vec![refused, empty]).0, Outcome::Failed);
    let misspelt = r#"panels(dashboard: "d.json", may_be_empty: ["Badd"])"#;
    let (outcome, text) = of(misspelt, Vec::new());
    assert_eq!(outcome, Outcome::Failed);
    assert!(text.contains("\"Badd\", which the dashboard does not have; did you mean \"Bad\"?"), "{text}");
    assert_eq!(judged(plain, &seen(Vec::new())).0, Outcome::Undecided, "nobody asked");
}

#[test]
fn a_notification_reaches_its_receiver_in_time() {
    let verdict = r#"notifies(receiver: "pager", alert: "Slow", within: "5m", of: "slow")"#;
    let notified = |received: &[(&str, f64)], missing: Option<&str>| {
        let received = received.iter().map(|(receiver, minutes)| {
            let (receiver, at) = ((*receiver).to_owned(), at(*minutes));
            Notification { receiver, alert: alert("Slow", &[]), at }
        });
        let (received, missing) = (received.collect(), missing.map(str::to_owned));
        let notifications = Notifications { received, missing };
        judged(verdict, &Observation { notifications, ..seen(Vec::new()) })
    };
    let good = notified(&[("pager", 14.0), ("pager", 44.0)], None);
    assert_eq!(
        good,
        (Outcome::Passed, "notified at 14m, 4m after 10m; notified at 44m, 4m after 40m".to_owned())
    );
    let late = notified(&[("pager", 16.0), ("pager", 44.0)], None);
    assert_eq!(late, (Outcome::Failed, "notified 1m too late: at 16m, not by 15m".to_owned()));
    let elsewhere = notified(&[("pager", 14.0), ("mail", 44.0)], None);
    assert_eq!(
        elsewhere,
        (Outcome::Failed, r#"did not reach "pager" at 40m or later; it reached "mail""#.to_owned())
    );
    let away = notified(&[("pager", 14.0)], Some("the Alertmanager is away"));
    assert_eq!(away, (Outcome::Undecided, "the Alertmanager is away".to_owned()));
    assert_eq!(notified(&[("pager", 14.0), ("pager", 44.0)], Some("away")).0, Outcome::Passed, "they came");
}

#[test]
fn a_query_is_as_quick_as_95_percent_of_its_runs() {
    let verdict = r#"query(query: "up", p95: "100ms")"#;
    let took = |slow: usize, has_data: bool| {
        let millis = |millis: u64| Span::from_nanos(millis * 1_000_000);
        let times = (0..20).map(|run| millis(if run < slow { 300 } else { 50 })).collect();
        let query_times = IndexMap::from([("up".to_owned(), Ok(QueryTimes { times, has_data }))]);
        judged(verdict, &Observation { query_times, ..seen(Vec::new()) })
    };
    assert_eq!(took(1, true), (Outcome::Passed, "95 % of 20 runs took 50ms or less".to_owned()));
    assert_eq!(
        took(2, true),
        (Outcome::Failed, "95 % of 20 runs took 300ms or less, more than 100ms".to_owned())
    );
    assert_eq!(took(0, false), (Outcome::Failed, "the query returns no data".to_owned()));
    assert_eq!(judged(verdict, &seen(Vec::new())).0, Outcome::Undecided, "nobody asked");
}

#[test]
fn an_alert_that_nothing_expects_comes_with_the_faults_whose_truth_names_none() {
    let silent = |faults: &str| {
        let text = format!(
            r#"Config(levers: {{ "load": 1 }}, faults: [{faults}], verdicts: [no_other_alerts()],
                hosts: [Host(name: "h", metrics: [Metric(name: "m")])])"#
        );
        let plan = ConfigFile::from_text("test", &text).plan(&LoadOptions::starting_at(START)).unwrap().plan;
        let seen = seen(vec![alert("Slow", &[(12.0, 20.0)])]);
        judge(&plan, &plan.verdicts, &seen)[0].findings.join("; ")
    };
    let fault = |id: &str, at: &str| {
        format!(r#"Fault(id: "{id}", at: "{at}", lasts: "10m", set: {{ "load": 2 }}), "#)
    };
    let one = fault("gone", "10m");
    let text = r#"Slow{job="a"} fired at 12m while the fault "gone" was on, whose truth names no alerts"#;
    assert_eq!(silent(&one), text);
    assert_eq!(silent(&fault("gone", "13m")), r#"Slow{job="a"} fired at 12m"#);
    let both = format!("{one}{}", fault("b", "5m"));
    assert!(silent(&both).contains(r#"the faults "b", "gone" were on"#), "{}", silent(&both));
}

#[test]
fn detections_are_counted_in_their_windows_and_false_alarms_elsewhere_and_without_faults() {
    let plan = plan("no_other_alerts()");
    let alerts = vec![alert("Slow", &[(13.0, 20.0), (25.0, 26.0)]), alert("Busy", &[(40.0, 41.0)])];
    let twin = Some(vec![alert("Slow", &[(13.0, 20.0)]), alert("Busy", &[(1.0, 2.0), (40.0, 41.0)])]);
    let seen = Observation { twin, ..seen(alerts) };
    let of = |name: &str| Detections::of(&plan, &plan.verdicts, &seen, name);
    let minutes = |count: u64| Span::from_secs(60 * count);
    assert_eq!(of("Slow"), Detections { expected: 2, delays: vec![minutes(3)], false_alarms: 2 });
    assert_eq!(of("Busy"), Detections { expected: 1, delays: vec![minutes(10)], false_alarms: 1 });
}
