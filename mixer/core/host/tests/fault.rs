//! Faults as outputs see them.

use super::*;
use crate::fault::Presence;

const RAMP: &str = r#"Metric(name: "age", update_interval: 1, decimals: 0, scenario: time_duration)"#;

/// A host that reports every second and whose metric shows its age.
fn ramp(faults: &str) -> Plan {
    one_host(&format!(
        r#"interval: "1s", faults: [{faults}], listen_events: {{ "storm": emit("heard") }}, metrics: [{RAMP}]"#
    ))
}

/// The age that is shown each second, or `None`, and the faults' events.
fn ages(plan: &Plan, until: f64, events: &[(f64, &str)]) -> (Vec<Option<u64>>, Vec<(f64, String)>) {
    let mut host = host(plan, 0, 1);
    let deeds = drive(&mut host, until, events);
    let emitted = super::events(&deeds).into_iter().filter(|(_, name)| name.starts_with("fault_"));
    let emitted = emitted.map(|(secs, name)| (secs, name.to_owned())).collect();
    let rows = rows(&deeds);
    let mut ages = Vec::new();
    let mut secs = 0.0;
    while secs <= until {
        let row = rows.iter().rev().find(|(at, _)| *at <= secs).map(|(_, row)| row[0]);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole age")]
        ages.push(row.filter(|cell| !is_absent(*cell)).map(|age| age as u64));
        secs += 1.0;
    }
    (ages, emitted)
}

fn seconds(range: std::ops::RangeInclusive<u64>) -> Vec<Option<u64>> {
    range.map(Some).collect()
}

#[test]
fn a_host_has_gaps_on_schedule_and_emits_their_begins_and_ends() {
    let (ages, emitted) = ages(&ramp("gap(every: 5, lasts: 2)"), 12.0, &[]);
    let gap = vec![None; 2];
    assert_eq!(ages, [seconds(0..=4), gap.clone(), seconds(7..=9), gap, seconds(12..=12)].concat());
    let names: Vec<(f64, &str)> = emitted.iter().map(|(secs, name)| (*secs, name.as_str())).collect();
    let (begun, ended) = ("fault_gap_started", "fault_gap_finished");
    assert_eq!(names, [(5.0, begun), (7.0, ended), (10.0, begun), (12.0, ended)]);
}

#[test]
fn thousands_of_faults_that_begin_at_once_take_no_step_for_each_pair_of_them() {
    // Pair by pair these would be 200 000 000 looks at a fault for each begin and each end.
    let (ages, emitted) = ages(&ramp(&"gap(at: 1, lasts: 1), ".repeat(20_000)), 3.0, &[]);
    assert_eq!(ages, [Some(0), None, Some(2), Some(3)]);
    assert!(emitted.iter().filter(|(secs, _)| *secs < 1.5).count() >= 1_000, "{}", emitted.len());
}

#[test]
fn a_gap_ends_and_begins_between_reports_too_and_does_not_move_them() {
    let plan = one_host(&format!(r#"interval: "10s", faults: [gap(at: 3, lasts: 4)], metrics: [{RAMP}]"#));
    let deeds = drive(&mut host(&plan, 0, 1), 21.0, &[]);
    let shown: Vec<(f64, bool)> = rows(&deeds).iter().map(|(at, row)| (*at, !is_absent(row[0]))).collect();
    assert_eq!(shown, [(0.0, true), (3.0, false), (7.0, true), (10.0, true), (20.0, true)]);
}

#[test]
fn an_event_begins_what_lasts_until_another_or_for_a_while() {
    let until = ramp(r#"gap(on: "storm", until: ["calm", "sun"])"#);
    let (shown, _) = ages(&until, 8.0, &[(2.5, "storm"), (3.5, "storm"), (6.5, "sun"), (7.5, "calm")]);
    assert_eq!(shown, [seconds(0..=2), vec![None; 4], seconds(7..=8)].concat());
    let while_on = ramp(r#"gap(on: ["storm"], lasts: "2.2s")"#);
    let (shown, emitted) = ages(&while_on, 8.0, &[(1.5, "storm"), (3.0, "storm")]);
    assert_eq!(shown, [seconds(0..=1), vec![None; 4], seconds(6..=8)].concat(), "the second one prolongs it");
    assert_eq!(emitted.len(), 2);
}

#[test]
fn a_gap_of_some_metrics_leaves_the_others() {
    let plan = one_host(&format!(
        r#"interval: "1s", faults: [gap(at: 2, lasts: 2, metrics: ["ag.", "none|ago"])], metrics: [{RAMP}, Metric(name: "page", default_value: 1), Metric(name: "ago")]"#
    ));
    let mut host = host(&plan, 0, 1);
    let deeds = drive(&mut host, 5.0, &[]);
    let shown: Vec<(bool, bool)> =
        rows(&deeds).iter().map(|(_, row)| (!is_absent(row[0]), !is_absent(row[1]))).collect();
    let (all, some) = ((true, true), (false, true));
    assert_eq!(shown, [all, all, some, some, all, all]);
    assert_eq!(host.stamp().unwrap().presence, Presence::Up);
}

#[test]
fn counters_and_histograms_begin_anew() {
    let metrics = r#"
        Metric(name: "plain_total", metric_type: counter, update_interval: 1, value_range: (1, 1), scenario: random_in_range),
        Metric(name: "uptime_total", metric_type: counter, update_interval: 1, scenario: time_duration),
        Metric(name: "seen", metric_type: histogram, buckets: [5], update_interval: 1, value_range: (1, 1), scenario: random_in_range),
        Metric(name: "gauge", update_interval: 1, scenario: time_duration)"#;
    let plan =
        one_host(&format!(r#"interval: "1s", faults: [counter_reset(on: "crash")], metrics: [{metrics}]"#));
    let deeds = drive(&mut host(&plan, 0, 1), 6.0, &[(3.5, "crash")]);
    assert!(events(&deeds).contains(&(3.5, "fault_counter_reset")));
    let rows = rows(&deeds);
    let at = |secs: f64| rows.iter().find(|(at, _)| (at - secs).abs() < 0.01).unwrap().1.clone();
    let row = |secs: f64| at(secs).into_iter().take(6).collect::<Vec<_>>();
    assert_eq!(row(3.0), [4.0, 3.0, 4.0, 0.0, 4.0, 3.0]);
    assert_eq!(row(3.5), [0.0, 0.0, 0.0, 0.0, 0.0, 3.0], "it is seen at once");
    assert_eq!(row(4.0), [1.0, 1.0, 1.0, 0.0, 1.0, 4.0], "a total goes on from where it was reset");
    assert_eq!(row(6.0), [3.0, 3.0, 3.0, 0.0, 3.0, 6.0]);
}

#[test]
fn some_samples_are_nan() {
    let plan = one_host(
        r#"interval: "1s", faults: [nan(probability: 0.2, metrics: "a.*")], metrics: [Metric(name: "ab"), Metric(name: "ba"), Metric(name: "ac", metric_type: histogram, buckets: [1])]"#,
    );
    let rows = rows(&drive(&mut host(&plan, 0, 3), 1999.0, &[]));
    let count =
        |cell: usize| rows.iter().filter(|(_, row)| row[cell].is_nan() && !is_absent(row[cell])).count();
    assert!((320..480).contains(&count(0)) && (320..480).contains(&count(4)), "{} {}", count(0), count(4));
    assert_eq!((count(1), count(2), count(3)), (0, 0, 0));
    assert!(rows.iter().any(|(_, row)| row[0].is_nan() != row[4].is_nan()), "each for itself");
}

/// When reports arrive, their own times and ages, in seconds.
fn arrivals(faults: &str, until: u64) -> Vec<(u64, u64, u64)> {
    let plan = ramp(faults);
    let mut host = host(&plan, 0, 1);
    let (start, mut out, mut found) = (host.starts_at(), Outbox::default(), Vec::new());
    let mut due = start;
    while due <= start + Span::from_secs(until) {
        let now = due;
        out.clear();
        due = host.advance(now, &[], &mut out);
        if out.report {
            let secs = |time: Time| time.since(start).as_nanos() / 1_000_000_000;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole age")]
            found.push((secs(now), secs(host.stamp().unwrap().own_time.unwrap()), host.row()[0] as u64));
        }
    }
    found
}

#[test]
fn a_wrong_clock_shows_in_the_samples_own_time() {
    assert_eq!(
        arrivals(r#"clock_skew(ahead: "10s", at: 2, lasts: 2)"#, 4),
        [(0, 0, 0), (1, 1, 1), (2, 12, 2), (3, 13, 3), (4, 4, 4)]
    );
    let early = arrivals(r#"clock_skew(behind: "2s", at: 1)"#, 5);
    assert_eq!(early[4], (4, 2, 4));
}

#[test]
fn late_reports_keep_their_order_and_their_time() {
    assert_eq!(
        arrivals(r#"late(by: "3s", at: 2, lasts: 2)"#, 8),
        [(0, 0, 0), (1, 1, 1), (5, 2, 2), (6, 6, 6), (7, 7, 7), (8, 8, 8)],
        "what was made at 4 and 5 waited for that of 3"
    );
}

#[test]
fn out_of_order_reports_come_after_newer_ones() {
    let all = arrivals(r#"out_of_order(by: "2.5s", at: 2, lasts: 1)"#, 7);
    assert_eq!(all, [(0, 0, 0), (1, 1, 1), (3, 3, 3), (4, 4, 4), (4, 2, 2), (5, 5, 5), (6, 6, 6), (7, 7, 7)]);
}

#[test]
fn each_report_may_be_late_or_not() {
    let all = arrivals(r#"out_of_order(by: "2.5s", probability: 0.1)"#, 2000);
    let late = all.iter().filter(|(at, own_time, _)| at > own_time).count();
    assert!((150..250).contains(&late), "{late}");
    assert!(all.iter().all(|(_, own_time, age)| own_time == age));
}

#[test]
fn a_flapping_host_is_down_and_up_again() {
    let plan = ramp("flapping(up: 3, down: 1)");
    assert_eq!(
        ages(&plan, 8.0, &[]).0,
        [seconds(0..=2), vec![None], seconds(4..=6), vec![None], seconds(8..=8)].concat()
    );
    let on = ramp(r#"flapping(up: 1, down: 1, on: "storm", lasts: 4)"#);
    let (shown, emitted) = ages(&on, 8.0, &[(2.0, "storm")]);
    assert_eq!(shown, [seconds(0..=1), vec![None], seconds(3..=3), vec![None], seconds(5..=8)].concat());
    assert_eq!(emitted.len(), 4);
    let mut host = host(&plan, 0, 1);
    drive(&mut host, 3.5, &[]);
    assert_eq!(host.stamp().unwrap().presence, Presence::Down);
}

#[test]
fn a_host_that_is_down_goes_on_and_is_up_again() {
    let plan = ramp("host_down(at: 3, lasts: 2), gap(at: 4, lasts: 2)");
    let mut host = host(&plan, 0, 1);
    let deeds = drive(&mut host, 3.5, &[]);
    assert!(events(&deeds).contains(&(3.0, "fault_host_down_started")));
    assert_eq!(host.stamp().unwrap().presence, Presence::Down);
    drive(&mut host, 4.5, &[]);
    assert_eq!(host.stamp().unwrap().presence, Presence::Down, "it outweighs the gap");
    drive(&mut host, 5.5, &[]);
    assert_eq!(host.stamp().unwrap().presence, Presence::Silent);
    drive(&mut host, 7.0, &[]);
    assert_eq!((host.stamp().unwrap().presence, host.row()[0]), (Presence::Up, 7.0));
}

#[test]
fn jitter_moves_episodes_within_their_bounds() {
    let plan = ramp("gap(every: 100, lasts: 10, jitter: 50)");
    let (_, emitted) = ages(&plan, 3000.0, &[]);
    let begun: Vec<f64> =
        emitted.iter().filter(|(_, name)| name.ends_with("started")).map(|(secs, _)| secs % 100.0).collect();
    assert!(begun.len() >= 28, "{begun:?}");
    assert!(begun.iter().all(|late| *late <= 50.0) && begun.iter().any(|late| *late > 25.0), "{begun:?}");
}

#[test]
fn episodes_that_a_sleeping_process_missed_are_left_out() {
    let plan = ramp("gap(every: 10, lasts: 2), nan(every: 5, lasts: 1)");
    let mut host = host(&plan, 0, 1);
    let mut out = Outbox::default();
    host.advance(host.starts_at(), &[], &mut out);
    out.clear();
    let now = at(&host, 10_003.0);
    host.skip_overdue(now);
    let due = host.advance(now, &[], &mut out);
    assert!(out.events.len() <= 4, "{:?}", out.events);
    assert!(due > now);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn faults_change_nothing_about_the_host_itself(seed: u64, kinds in prop::collection::vec(0..5usize, 1..4)) {
        let all = [
            "gap(every: 20, jitter: 5, lasts: 10)",
            "nan(probability: 0.5)",
            "late(by: 7, probability: 0.3)",
            "out_of_order(by: 3, probability: 0.3)",
            "flapping(up: 13, down: 4)",
        ];
        let metrics = r#"interval: "2s..3s", metrics: [Metric(name: "m", value_range: (0, 9), scenario: random_walk), Metric(name: "n", value_range: (0, 9), scenario: random_walk)]"#;
        let faults: Vec<&str> = kinds.iter().map(|kind| all[*kind]).collect();
        let (clean, dirty) = (one_host(metrics), one_host(&format!("faults: [{}], {metrics}", faults.join(", "))));
        let (mut clean, mut dirty) = (host(&clean, 0, seed), host(&dirty, 0, seed));
        drive(&mut clean, 120.0, &[]);
        drive(&mut dirty, 120.0, &[]);
        let bits = |row: &[f64]| row.iter().map(|cell| cell.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(clean.own_row()), bits(dirty.own_row()));
        prop_assert_eq!(clean.next_report(), dirty.next_report());
    }
}
