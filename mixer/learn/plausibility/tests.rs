//! Each rule holds for what is true, and is broken where it is not.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use promemu_wire::samples::ReadSeries;

use super::*;

/// The outcome of a rule for series with values every 10 s.
fn of(rule: &str, series: &[(&str, &[f64])]) -> RuleOutcome {
    let floats: BTreeMap<ReadSeries, Floats> = series
        .iter()
        .map(|(text, values)| {
            let (name, labels) = text.split_once('{').unwrap();
            let labels = promemu_wire::samples::labels_of_text(labels.trim_end_matches('}')).unwrap();
            let floats = (0..).map(|n| n * 10_000).zip(values.iter().copied()).collect();
            (ReadSeries { metric: name.to_owned(), labels }, floats)
        })
        .collect();
    let samples = Samples { floats, ..Samples::default() };
    let families = IndexMap::new();
    let names = Names::of(&families, &samples);
    let cores = IndexMap::from([("a".to_owned(), 2)]);
    let series = samples.floats.iter().map(|(series, floats)| (series, floats, names.role(series, floats).1));
    let subject = Subject { series: series.collect(), by_series: &samples.floats, cores: &cores };
    outcomes(&subject).into_iter().find(|outcome| outcome.rule == rule).unwrap()
}

fn told(outcome: &RuleOutcome) -> Vec<String> {
    let line = |of: &Violation| format!("{} {}: {}", of.at_ms, of.series, of.what);
    outcome.violations.iter().map(line).collect()
}

#[test]
fn a_counter_falls_only_to_count_from_0() {
    let reset = of("counters", &[("x_total{}", &[100.0, 110.0, 4.0, 9.0])]);
    assert_eq!((reset.checked, told(&reset)), (3, vec![]));
    let fall = of("counters", &[("x_total{}", &[100.0, 110.0, 90.0, 95.0])]);
    assert_eq!(told(&fall), ["20000 x_total: it falls from 110 to 90, which is no reset"]);
    assert_eq!(told(&of("counters", &[("x_total{}", &[-1.0])])), ["0 x_total: it is negative: -1"]);
}

#[test]
fn shares_are_between_0_and_1() {
    let outcome = of("shares", &[("hit_ratio{}", &[0.0, 1.0, 1.2]), ("busy_percent{}", &[99.0, -3.0])]);
    assert_eq!(outcome.checked, 5);
    assert_eq!(
        told(&outcome),
        ["10000 busy_percent: -3 is outside of 0 to 100", "20000 hit_ratio: 1.2 is outside of 0 to 1"]
    );
}

#[test]
fn a_process_spends_no_more_than_its_cores_have() {
    let outcome = of("cpu time", &[("process_cpu_seconds_total{instance=\"a\"}", &[0.0, 20.0, 50.0])]);
    assert_eq!((outcome.checked, outcome.violations.len()), (2, 1));
    assert!(outcome.violations[0].what.contains("30.000 CPU seconds in 10.000 s of 2 cores"));
}

#[test]
fn modes_sum_to_the_time() {
    let outcome = of(
        "modes",
        &[
            ("node_cpu_seconds_total{cpu=\"0\",mode=\"idle\"}", &[0.0, 8.0, 16.0]),
            ("node_cpu_seconds_total{cpu=\"0\",mode=\"user\"}", &[0.0, 2.0, 9.0]),
        ],
    );
    assert_eq!(outcome.checked, 2);
    let expected = "20000 node_cpu_seconds_total{cpu=\"0\"}: modes sum to 15.000 s in 10.000 s";
    assert_eq!(told(&outcome), [expected]);
}

#[test]
fn buckets_are_cumulative_and_the_last_one_is_the_count() {
    let outcome = of(
        "buckets",
        &[
            ("t_seconds_bucket{le=\"0.1\"}", &[1.0, 5.0]),
            ("t_seconds_bucket{le=\"+Inf\"}", &[2.0, 4.0]),
            ("t_seconds_count{}", &[2.0, 5.0]),
        ],
    );
    assert_eq!(
        told(&outcome),
        [
            "10000 t_seconds_bucket{le=\"+Inf\"}: 4 observations up to inf, but 5 in the bucket below",
            "10000 t_seconds_bucket{le=\"+Inf\"}: 4 observations, but the count is 5"
        ]
    );
}

#[test]
fn requests_are_those_of_all_codes() {
    let outcome = of(
        "codes",
        &[
            ("http_requests_total{code=\"200\",job=\"x\"}", &[0.0, 90.0, 180.0]),
            ("http_requests_total{code=\"500\",job=\"x\"}", &[0.0, 10.0, 20.0]),
            ("http_request_duration_seconds_bucket{job=\"x\",le=\"+Inf\"}", &[0.0, 100.0, 400.0]),
            ("http_request_duration_seconds_count{job=\"x\"}", &[0.0, 100.0, 400.0]),
        ],
    );
    assert_eq!(outcome.checked, 2);
    let expected = "20000 http_request_duration_seconds_count{job=\"x\"}: 300 requests, but 100 by code";
    assert_eq!(told(&outcome), [expected]);
}
