//! Values that formulas, ranges and roundings must not spoil.

use super::*;

/// The rows after each of these seconds, and the failures: those reported, and the number of all.
fn run(metrics: &str, secs: &[f64]) -> (Vec<Vec<f64>>, Vec<String>, u64) {
    let plan = one_host(&format!("interval: \"1s\", metrics: [{metrics}]"));
    let (mut host, mut out) = (host(&plan, 0, 1), Outbox::default());
    let (mut rows, mut said, mut errors) = (Vec::new(), Vec::new(), 0);
    for secs in secs {
        out.clear();
        host.advance(at(&host, *secs), &[], &mut out);
        rows.push(host.row().to_vec());
        said.extend(out.failures.iter().map(|(name, error)| format!("{name}: {error}")));
        errors += out.scenario_errors;
    }
    (rows, said, errors)
}

const SECONDS: [f64; 5] = [0.0, 1.0, 2.0, 3.0, 4.0];

fn last(metrics: &str) -> f64 {
    *run(metrics, &SECONDS).0.last().unwrap().last().unwrap()
}

/// A metric whose value is `t` at each second, and a second one that has this scenario.
fn after_t(metric: &str) -> String {
    format!("Metric(name: \"t\", update_interval: 1, scenario: time_duration), {metric}")
}

#[test]
fn a_number_that_is_not_finite_leaves_the_value_as_it_was_is_reported_once_and_counted() {
    let relay = |fields: &str, formula: &str| {
        after_t(&format!(
            "Metric(name: \"m_total\", {fields} scenario: relay_to_other_metric(source_metric_name: \"t\", calc_function: \"{formula}\"))"
        ))
    };
    // Each is infinite or NaN at t = 3 only.
    for (metrics, expected) in [
        (relay("metric_type: counter,", "1 / min(abs(value - 3), 1)"), 4.0),
        (relay("metric_type: counter,", "ln(min(abs(value - 3), 1)) + 2"), 8.0),
        (relay("", "sqrt(2.5 - value) * 0 + t % 3 / (value - 3)"), 1.0),
        (relay("value_range: (0, 9),", "if value == 3 { 0.0 / 0.0 } else { value }"), 4.0),
        (
            after_t(
                "Metric(name: \"s\", update_interval: 1, scenario: script(source: \"1 / (t - 3) + 0 * value\"))",
            ),
            1.0,
        ),
        (
            after_t(
                "Metric(name: \"s\", update_interval: 1, scenario: sum(of: [script(source: \"7 / (t - 3)\"), time_duration]))",
            ),
            11.0,
        ),
    ] {
        let (rows, said, errors) = run(&metrics, &SECONDS);
        let shown: Vec<f64> = rows.iter().map(|row| row[1]).collect();
        assert!(shown.iter().all(|value| value.is_finite()), "{metrics}: {shown:?}");
        assert_eq!(said.len(), 1, "{metrics}: {said:?}");
        assert!(said[0].ends_with("not a finite number"), "{said:?}");
        if errors == 1 {
            assert_eq!(shown[3], shown[2], "{metrics}");
            assert_eq!(shown[4], expected, "{metrics}");
        }
    }
}

#[test]
fn a_condition_or_a_count_that_is_not_finite_fails_as_a_value_does() {
    let (rows, said, _) =
        run(&after_t("Metric(name: \"m\", update_interval: 1, when: \"1 / (links.t - 2)\")"), &SECONDS);
    assert_eq!(said, ["m: gives inf, not a finite number"]);
    assert_eq!(rows[2][1], 0.0, "the condition held before");
    let histogram = "Metric(name: \"h\", metric_type: histogram, update_interval: 1, buckets: [1], observations: \"1 / (t - 2)\")";
    assert_eq!(run(histogram, &[2.0]).1, ["h: gives inf, not a finite number"]);
    let listens = one_host(
        r#"listen_events: { "ping": when("0 * (1 / (t - 2))", emit("pong")) }, metrics: [Metric(name: "m")]"#,
    );
    let actions = drive(&mut host(&listens, 0, 1), 3.0, &[(2.0, "ping")]);
    assert_eq!(events(&actions), [(0.0, "host_started")]);
}

#[test]
fn a_metric_whose_first_update_fails_shows_its_default_value() {
    for metric in [
        r#"Metric(name: "p", default_value: 50, update_interval: 1, scenario: script(source: "throw \"no\""))"#,
        r#"Metric(name: "p", default_value: 50, update_interval: 1, scenario: script(source: "1.0 / 0.0"))"#,
        r#"Metric(name: "p_total", metric_type: counter, default_value: 50, update_interval: 1, scenario: script(source: "links.t[1]"))"#,
    ] {
        let (rows, said, errors) = run(&after_t(metric), &SECONDS);
        assert_eq!(rows.iter().map(|row| row[1]).collect::<Vec<f64>>(), [50.0; 5], "{metric}");
        assert_eq!((said.len(), errors), (1, 5), "{metric}: {said:?}");
    }
    let relay = "Metric(name: \"p\", default_value: 50, scenario: relay_to_other_metric(source_metric_name: \"t\", calc_function: \"if value == 0 { 1 / 0 } else { 3 }\"))";
    assert_eq!(
        run(&after_t(relay), &SECONDS).0.iter().map(|row| row[1]).collect::<Vec<f64>>(),
        [50.0, 3.0, 3.0, 3.0, 3.0]
    );
    // Bucket, +Inf bucket and sum of a histogram without observations.
    let histogram = "Metric(name: \"h\", metric_type: histogram, update_interval: 1, buckets: [1], observations: \"event.data.count\")";
    assert_eq!(run(histogram, &[0.0]).0, [[0.0, 0.0, 0.0]]);
    let state = "Metric(name: \"s\", metric_type: stateset, states: [\"on\", \"off\"], default_value: 1, update_interval: 1, scenario: script(source: \"throw 1\"))";
    assert_eq!(run(state, &[0.0]).0, [[1.0]]);
}

#[test]
fn a_range_may_be_without_an_end() {
    let bounded = |range: &str, formula: &str| {
        last(&format!(
            "Metric(name: \"m\", update_interval: 1, value_range: {range}, scenario: script(source: \"{formula}\"))"
        ))
    };
    assert_eq!(bounded("(0, inf)", "-5.0"), 0.0);
    assert_eq!(bounded("(0, inf)", "1e300"), 1e300);
    assert_eq!(bounded("(-inf, 7)", "8 + metric.high"), 7.0);
    assert_eq!(bounded("(3, \"inf\")", "metric.low - 1"), 3.0);
    assert_eq!(bounded("(-inf, inf)", "-4.5"), -4.5);
    let walk = "Metric(name: \"m\", update_interval: 1, value_range: (2, inf), scenario: random_walk(step: 5, bias: -9))";
    assert!(run(walk, &SECONDS).0.iter().all(|row| row[0] >= 2.0));
}

#[test]
fn shown_values_are_fine_and_stay_in_the_range() {
    for (fields, low, high) in [
        ("value_range: (0.001, 0.009), scenario: random_in_range", 0.001, 0.009),
        ("value_range: (0.000002, 0.000007), scenario: random_walk", 0.000_002, 0.000_007),
        ("value_range: (0.125, 0.5), decimals: 1, scenario: random_in_range", 0.2, 0.5),
        ("scenario: random_in_range(value_range: (0.003, 0.004))", 0.003, 0.004),
        ("scenario: sine_wave(period: 7, amplitude: 0.0004, offset: 0.0005)", 0.0001, 0.0009),
        (
            "scenario: clamp(of: sine_wave(period: 7, offset: 0.5005, amplitude: 0.0004), range: (0.5, 0.501))",
            0.5,
            0.501,
        ),
    ] {
        let seconds: Vec<f64> = (0..200).map(f64::from).collect();
        let metric = format!("Metric(name: \"m\", update_interval: 1, {fields})");
        let (rows, ..) = run(&metric, &seconds);
        let mut values: Vec<f64> = rows.iter().map(|row| row[0]).collect();
        assert!(values.iter().all(|value| (low..=high).contains(value)), "{fields}: {values:?}");
        values.sort_by(f64::total_cmp);
        values.dedup();
        let fewest = if fields.contains("decimals") { 4 } else { 5 };
        assert!(values.len() >= fewest, "{fields}: {values:?}");
    }
    assert_eq!(last("Metric(name: \"m\", default_value: 0.0015)"), 0.0015);
    assert_eq!(
        last(
            "Metric(name: \"m\", update_interval: 1, scenario: feature_toggle(start_time: 0, on_value: 0.004))"
        ),
        0.004
    );
}
