//! Metric types: their fields, and the errors in them.

use super::{error_of, with_metrics};

const WRONG: [&str; 39] = [
    r#"Metric(name: "m", quantiles: [0.5])"#,
    r#"Metric(name: "m", metric_type: summary, quantiles: [0.5, 1.5])"#,
    r#"Metric(name: "m", metric_type: summary, quantiles: [0.9, 0.5])"#,
    r#"Metric(name: "m", metric_type: summary, quantiles: 0.5)"#,
    r#"Metric(name: "m", metric_type: summary, window: 0)"#,
    r#"Metric(name: "m", metric_type: summary, labels: { "quantile": "x" })"#,
    r#"Metric(name: "m", metric_type: summary, exemplars: true)"#,
    r#"Metric(name: "m", metric_type: native_histogram, schema: 9)"#,
    r#"Metric(name: "m", metric_type: native_histogram, zero_threshold: -1)"#,
    r#"Metric(name: "m", metric_type: native_histogram, max_buckets: 1)"#,
    r#"Metric(name: "m", metric_type: native_histogram, buckets: [1])"#,
    r#"Metric(name: "m", metric_type: histogram, schema: 3)"#,
    r#"Metric(name: "m_info", metric_type: info, scenario: random_walk(step: 1))"#,
    r#"Metric(name: "m_info", metric_type: info, scenario: random_walk)"#,
    r#"Metric(name: "m_info", metric_type: info, observations: 2)"#,
    r#"Metric(name: "m", metric_type: histogram, observations: -1)"#,
    r#"Metric(name: "m", metric_type: summary, observations: "2000 * 1000")"#,
    r#"Metric(name: "m", metric_type: info)"#,
    r#"Metric(name: "m", metric_type: stateset)"#,
    r#"Metric(name: "m", metric_type: stateset, states: [])"#,
    r#"Metric(name: "m", metric_type: stateset, states: ["on", "on"])"#,
    r#"Metric(name: "m", metric_type: stateset, states: ["on", ""])"#,
    r#"Metric(name: "m:m", metric_type: stateset, states: ["on"])"#,
    r#"Metric(name: "m", metric_type: stateset, states: ["on"], labels: { "m": "x" })"#,
    r#"Metric(name: "job", metric_type: stateset, states: ["on"])"#,
    r#"Metric(name: "__m", metric_type: stateset, states: ["on"])"#,
    r#"Metric(name: "m", spread: exponential)"#,
    r#"Metric(name: "m", metric_type: histogram, spread: lognormal)"#,
    r#"Metric(name: "m", metric_type: histogram, spread: lognormal(median: 2, p99: 1))"#,
    r#"Metric(name: "m", metric_type: histogram, spread: lognormal(median: 0, p99: 1))"#,
    r#"Metric(name: "m", metric_type: histogram, spread: lognorm(p99: 1))"#,
    r#"Metric(name: "m", metric_type: histogram, spread: exponential(p99: 1))"#,
    r#"Metric(name: "m", metric_type: histogram, spread: bimodal(p99: "value * 9", share: 0.5))"#,
    r#"Metric(name: "m", metric_type: histogram, spread: 5)"#,
    r#"Metric(name: "m_total", metric_type: counter, default_value: -1)"#,
    r#"Metric(name: "m", metric_type: histogram, spread: lognormal(p99: "600ms"))"#,
    r#"Metric(name: "m", metric_type: histogram, buckets: ["five"])"#,
    r#"Metric(name: "m", metric_type: summary, quantiles: ["p99"])"#,
    r#"Metric(name: "m", type: gauge)"#,
];

#[test]
#[expect(clippy::too_many_lines, reason = "one snapshot of all messages")]
fn fields_of_types_are_checked() {
    let said: Vec<String> = WRONG
        .iter()
        .map(|metric| format!("{metric}\n    {}", error_of(&with_metrics(metric), &[])))
        .collect();
    insta::assert_snapshot!(said.join("\n"), @r#"
    Metric(name: "m", quantiles: [0.5])
        test.ron:2:30: quantiles is for a summary, but this is a gauge
    Metric(name: "m", metric_type: summary, quantiles: [0.5, 1.5])
        test.ron:2:52: quantiles must be one or more numbers from 0 to 1, each above the one before, as in [0.5, 0.99]
    Metric(name: "m", metric_type: summary, quantiles: [0.9, 0.5])
        test.ron:2:52: quantiles must be one or more numbers from 0 to 1, each above the one before, as in [0.5, 0.99]
    Metric(name: "m", metric_type: summary, quantiles: 0.5)
        test.ron:2:52: quantiles takes a list of numbers, found 0.5
    Metric(name: "m", metric_type: summary, window: 0)
        test.ron:2:49: window must be 1ms or longer and not endless, but is 0s
    Metric(name: "m", metric_type: summary, labels: { "quantile": "x" })
        test.ron:2:51: label "quantile" is set by promemu itself; choose another name
    Metric(name: "m", metric_type: summary, exemplars: true)
        test.ron:2:52: exemplars is for a counter, histogram or native_histogram, but this is a summary
    Metric(name: "m", metric_type: native_histogram, schema: 9)
        test.ron:2:58: schema must be from -4 to 8, but is 9
    Metric(name: "m", metric_type: native_histogram, zero_threshold: -1)
        test.ron:2:66: zero_threshold must be 0 or above, but is -1
    Metric(name: "m", metric_type: native_histogram, max_buckets: 1)
        test.ron:2:63: max_buckets must be from 4 to 10000, but is 1
    Metric(name: "m", metric_type: native_histogram, buckets: [1])
        test.ron:2:59: buckets is for a histogram, but this is a native_histogram
    Metric(name: "m", metric_type: histogram, schema: 3)
        test.ron:2:51: schema is for a native_histogram, but this is a histogram
    Metric(name: "m_info", metric_type: info, scenario: random_walk(step: 1))
        test.ron:2:53: an info has no scenario: its value is always 1
    Metric(name: "m_info", metric_type: info, scenario: random_walk)
        test.ron:2:53: an info has no scenario: its value is always 1
    Metric(name: "m_info", metric_type: info, observations: 2)
        test.ron:2:57: observations is for a histogram, native_histogram or summary, but this is an info
    Metric(name: "m", metric_type: histogram, observations: -1)
        test.ron:2:57: observations must be from 0 to 1000000, but is -1
    Metric(name: "m", metric_type: summary, observations: "2000 * 1000")
        test.ron:2:55: observations must be from 0 to 1000000, but is 2000000
    Metric(name: "m", metric_type: info)
        test.ron:2:14: info "m" must end in _info, as in build_info
    Metric(name: "m", metric_type: stateset)
        test.ron:2:14: a stateset needs states, as in ["on", "off"]
    Metric(name: "m", metric_type: stateset, states: [])
        test.ron:2:50: states must be a list of unique, non-empty names
    Metric(name: "m", metric_type: stateset, states: ["on", "on"])
        test.ron:2:50: states must be a list of unique, non-empty names
    Metric(name: "m", metric_type: stateset, states: ["on", ""])
        test.ron:2:50: states must be a list of unique, non-empty names
    Metric(name: "m:m", metric_type: stateset, states: ["on"])
        test.ron:2:14: stateset "m:m" is also the name of a label; use no colons, and no __ at the beginning
    Metric(name: "m", metric_type: stateset, states: ["on"], labels: { "m": "x" })
        test.ron:2:68: label "m" is set by promemu itself; choose another name
    Metric(name: "job", metric_type: stateset, states: ["on"])
        test.ron:2:14: stateset "job" sets the label "job", which is set by promemu itself; choose another name
    Metric(name: "__m", metric_type: stateset, states: ["on"])
        test.ron:2:14: stateset "__m" is also the name of a label; use no colons, and no __ at the beginning
    Metric(name: "m", spread: exponential)
        test.ron:2:27: spread is for a histogram, native_histogram or summary, but this is a gauge
    Metric(name: "m", metric_type: histogram, spread: lognormal)
        test.ron:2:51: lognormal needs p99: the 0.99 quantile of its observations
    Metric(name: "m", metric_type: histogram, spread: lognormal(median: 2, p99: 1))
        test.ron:2:51: p99 must be above the median 2, but is 1
    Metric(name: "m", metric_type: histogram, spread: lognormal(median: 0, p99: 1))
        test.ron:2:51: lognormal takes numbers above 0, but has 0
    Metric(name: "m", metric_type: histogram, spread: lognorm(p99: 1))
        test.ron:2:51: unknown spread "lognorm"; did you mean "lognormal"?
    Metric(name: "m", metric_type: histogram, spread: exponential(p99: 1))
        test.ron:2:63: exponential has no field "p99"; expected median
    Metric(name: "m", metric_type: histogram, spread: bimodal(p99: "value * 9", share: 0.5))
        test.ron:2:84: share must be from 0.02 to 0.4, but is 0.5
    Metric(name: "m", metric_type: histogram, spread: 5)
        test.ron:2:51: expected a spread, as in lognormal(p99: 2); found 5
    Metric(name: "m_total", metric_type: counter, default_value: -1)
        test.ron:2:62: a counter begins at 0 or above, not at -1
    Metric(name: "m", metric_type: histogram, spread: lognormal(p99: "600ms"))
        test.ron:2:66: "600ms" is not a formula, since formulas have no units; write 0.6
    Metric(name: "m", metric_type: histogram, buckets: ["five"])
        test.ron:2:53: buckets: expected a finite number (or a size, as in "1.5GiB"), found text "five"
    Metric(name: "m", metric_type: summary, quantiles: ["p99"])
        test.ron:2:53: quantiles: expected a finite number (or a size, as in "1.5GiB"), found text "p99"
    Metric(name: "m", type: gauge)
        test.ron:2:19: Metric has no field "type"; did you mean "metric_type"?
    "#);
}

#[test]
fn names_generated_by_types_are_reserved() {
    let metrics = |other: &str, metric_type: &str| {
        let (name, fields) = metric_type.split_once(' ').unwrap();
        with_metrics(&format!("Metric(name: \"{name}\", {fields}), Metric(name: \"{other}\")"))
    };
    let said: Vec<String> = [
        ("a_bucket", "a metric_type: native_histogram"),
        ("a_count", "a metric_type: summary"),
        ("a_created", "a_total metric_type: counter, created: true"),
        ("a_created", "a metric_type: summary, created: true"),
        ("a_created", "a_total metric_type: counter, created: true), Metric(name: \"a\""),
    ]
    .iter()
    .map(|(other, metric_type)| error_of(&metrics(other, metric_type), &[]))
    .collect();
    insta::assert_snapshot!(said.join("\n"), @r#"
    test.ron:2:64: metric "a_bucket" is a series of the native_histogram "a"; give one of them another name
    test.ron:2:55: metric "a_count" is a series of the summary "a"; give one of them another name
    test.ron:2:76: metric "a_created" is a series of the counter "a_total"; give one of them another name
    test.ron:2:70: metric "a_created" is a series of the summary "a"; give one of them another name
    test.ron:2:95: metric "a_created" is a series of the counter "a_total"; give one of them another name
    "#);
}
