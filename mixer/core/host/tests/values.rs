//! Values that formulas, ranges and roundings must not spoil.

#![expect(clippy::float_cmp, reason = "rounded values are exact")]

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

#[test]
fn a_relay_knows_its_sources_range() {
    let plan = one_host(
        r#"interval: "1s", metric_sets: ["far"], metrics: [
            Metric(name: "share", scenario: relay_to_other_metric(source_metric_name: "used", calc_function: "value / source.high * 100")),
            Metric(name: "used", default_value: 4, value_range: (0, 16)),
            Metric(repeat: Repeat(var: "i", from: 1, to: 2), name: "r{i}", default_value: 10, value_range: ("{i * 2}", 20)),
            Metric(repeat: Repeat(var: "i", from: 1, to: 2), name: "s{i}", scenario: relay_to_other_metric(source_metric_name: "r{i}", calc_function: "value - source.low")),
            Metric(name: "above", value_range: (1, inf), scenario: relay_to_other_metric(source_metric_name: "used", calc_function: "value - source.high"))]"#
            .replace("metric_sets: [\"far\"], ", "")
            .as_str(),
    );
    let mut host = host(&plan, 0, 1);
    drive(&mut host, 1.0, &[]);
    let value = |name: &str| {
        let metrics = &plan.hosts[0].shape.metrics;
        host.row()[metrics.iter().position(|metric| &*metric.name == name).unwrap()]
    };
    assert_eq!(["share", "s1", "s2", "above"].map(value), [25.0, 8.0, 6.0, 1.0]);
}

/// The events of a host after its start, with their times.
fn events_of(fields: &str, until_secs: f64, events_in: &[(f64, &str)]) -> Vec<(f64, &'static str)> {
    let plan = one_host(&format!("interval: \"1s\", {fields}"));
    let actions = drive(&mut host(&plan, 0, 1), until_secs, events_in);
    events(&actions).into_iter().map(|(secs, name)| (secs, &*name.to_owned().leak())).skip(1).collect()
}

#[test]
fn a_toggle_that_ends_while_it_is_on_switches_off() {
    let toggle = "feature_toggle(start_time: \"2s\", duration: \"1h\")";
    let metric = |scenario: &str, fields: &str| format!("Metric(name: \"m\", {fields} scenario: {scenario})");
    let on = (2.0, "feature_on");
    let off = |secs| (secs, "feature_off");
    let switch = format!(
        "switch_scenario_by_events(default_scenario: {toggle}, events_config: {{ \"x\": sine_wave }})"
    );
    for (fields, ins, expected) in [
        (format!("metrics: [{}]", metric(&switch, "")), vec![(5.0, "x")], vec![on, off(5.0)]),
        (
            format!(
                "metrics: [{}]",
                metric(&format!("sum(of: [time_duration, clamp(of: {switch}, range: (0, 1))])"), "")
            ),
            vec![(5.0, "x")],
            vec![on, off(5.0)],
        ),
        (
            format!("ttl: \"6s\", metrics: [{}]", metric(&format!("delay(of: {toggle}, by: 3)"), "")),
            vec![],
            vec![on, off(6.0), (6.0, "host_stopped")],
        ),
        (format!("metrics: [{}]", metric(toggle, "duration: \"7s\",")), vec![], vec![on, off(7.0)]),
        (
            format!(
                "listen_events: {{ \"no\": stop_metric(\"m\"), \"yes\": start_metric(\"m\") }}, metrics: [{}]",
                metric(toggle, "")
            ),
            vec![(3.0, "no"), (4.0, "yes")],
            vec![on, off(3.0), (6.0, "feature_on")],
        ),
        (
            format!(
                "metrics: [Metric(name: \"n\")], pools: [Pool(count: 1, lifetime: \"5s\", replace: false, labels: {{ \"id\": \"{{slot}}\" }}, metrics: [{}])]",
                metric(toggle, "")
            ),
            vec![],
            vec![on, off(5.0)],
        ),
        (
            format!(
                "ttl: \"4s\", metrics: [Metric(name: \"n\")], pools: [Pool(count: 1, labels: {{ \"id\": \"{{slot}}\" }}, metrics: [{}])]",
                metric(toggle, "")
            ),
            vec![],
            vec![on, off(4.0), (4.0, "host_stopped")],
        ),
    ] {
        assert_eq!(events_of(&fields, 9.5, &ins), expected, "{fields}");
    }
}

#[test]
fn a_toggle_whose_condition_ends_is_off_for_listeners_until_it_holds_again() {
    let toggle = "feature_toggle(start_time: \"2s\", duration: 20, interval: 2)";
    let (on, off) = (|secs| (secs, "feature_on"), |secs| (secs, "feature_off"));
    for scenario in [
        toggle.to_owned(),
        format!("sum(of: [{toggle}, time_duration])"),
        format!("delay(of: {toggle}, by: 1)"),
        format!(
            "switch_scenario_by_events(default_scenario: {toggle}, events_config: {{ \"x\": sine_wave }})"
        ),
    ] {
        let metrics = |when: &str| {
            format!(
                "metrics: [Metric(name: \"m\", update_interval: 1, when: \"{when}\", scenario: {scenario})]"
            )
        };
        assert_eq!(
            events_of(&metrics("t < 5 || t >= 9"), 12.5, &[]),
            [on(2.0), off(5.0), on(9.0)],
            "{scenario}"
        );
        assert_eq!(events_of(&metrics("t < 20"), 27.5, &[]), [on(2.0), off(20.0)], "{scenario}");
        assert_eq!(events_of(&metrics("t > 30"), 27.5, &[]), [], "{scenario}");
    }
}

/// The values of a metric with this scenario at each of these seconds, with events from outside.
fn shown(fields: &str, at_secs: &[f64], events: &[(f64, &str)]) -> Vec<f64> {
    let plan =
        one_host(&format!("interval: \"1s\", metrics: [Metric(name: \"m\", update_interval: 1, {fields})]"));
    let mut host = host(&plan, 0, 1);
    let rows = rows(&drive(&mut host, at_secs.last().copied().unwrap(), events));
    at_secs.iter().map(|wanted| rows.iter().rfind(|(secs, _)| secs <= wanted).unwrap().1[0]).collect()
}

#[test]
fn a_switch_without_a_default_goes_back_after_its_duration() {
    let switch = r#"scenario: switch_scenario_by_events(events_config: { "x": (scenario: time_duration, duration: 3), "y": sine_wave(offset: 7, amplitude: 0), "calm": () })"#;
    let events = [(4.0, "x"), (12.0, "y"), (13.0, "x"), (20.0, "y"), (22.0, "calm")];
    let at = [3.0, 6.0, 9.0, 12.5, 15.0, 18.0, 21.0, 22.0, 25.0];
    assert_eq!(
        shown(&format!("default_value: 50, {switch}"), &at, &events),
        [50.0, 2.0, 50.0, 7.0, 2.0, 50.0, 7.0, 50.0, 50.0]
    );
    let in_range =
        shown(&format!("value_range: (40, 60), {}", switch.replace("offset: 7", "offset: 60")), &at, &events);
    let random = [in_range[0], in_range[2], in_range[5], in_range[8]];
    assert!(random.iter().all(|value| (40.0..60.0).contains(value) && value.fract() != 0.0), "{random:?}");
    assert_eq!(in_range[3], 60.0);
    let counter = r#"metric_type: counter, default_value: 5, scenario: switch_scenario_by_events(events_config: { "x": (scenario: random_in_range(value_range: (2, 2)), duration: 3) })"#;
    let plan = one_host(&format!(
        "interval: \"1s\", metrics: [Metric(name: \"m_total\", update_interval: 1, {counter})]"
    ));
    let rows = rows(&drive(&mut host(&plan, 0, 1), 12.0, &[(3.5, "x")]));
    assert_eq!((rows.first().unwrap().1[0], rows.last().unwrap().1[0]), (5.0, 13.0));
}

#[test]
fn the_time_of_a_scenario_in_a_switch_begins_with_it() {
    let at = [4.0, 5.0, 6.0];
    for (scenario, expected) in [
        ("sine_wave(period: 4, amplitude: 10, offset: 20)", [20.0, 30.0, 20.0]),
        (
            "sine_wave(period: 4, amplitude: 10, offset: 20, phase_offset: 1.5707963267948966)",
            [30.0, 20.0, 10.0],
        ),
        ("burst(interval: 3, duration: 1, intensity: 9)", [1.0, 1.0, 9.0]),
        ("script(source: \"t * 100 + dt\")", [0.0, 101.0, 201.0]),
        ("sum(of: [script(source: \"t\"), time_duration])", [0.0, 2.0, 4.0]),
        ("brownian(base: 5, volatility: 0)", [5.0, 5.0, 5.0]),
    ] {
        let fields = format!("scenario: switch_scenario_by_events(events_config: {{ \"x\": {scenario} }})");
        assert_eq!(shown(&fields, &at, &[(4.0, "x")]), expected, "{scenario}");
    }
    let default = "scenario: switch_scenario_by_events(default_scenario: script(source: \"t\"), events_config: { \"x\": (scenario: do_nothing, duration: 2) })";
    assert_eq!(shown(default, &[3.0, 5.0, 6.0, 8.0], &[(4.0, "x")]), [3.0, 3.0, 0.0, 2.0]);
}

#[test]
fn the_more_specific_of_two_entries_for_an_event_wins() {
    let value = |scenario: &str| shown(&format!("scenario: {scenario}"), &[3.0], &[(3.0, "e")])[0];
    for entries in [
        r#""e": "1", "e@other": "2""#,
        r#""e@other": "2", "e": "1""#,
        r#""e@own": "3", "e@any": "1", "e@other": "2""#,
    ] {
        assert_eq!(value(&format!("calc_by_event(events_config: {{ {entries} }})")), 2.0, "{entries}");
    }
    let case = |value: u8, more: &str| format!("(scenario: sine_wave(offset: {value}, amplitude: 0){more})");
    let (any, named) = (case(1, ""), case(2, ""));
    assert_eq!(
        value(&format!("switch_scenario_by_events(events_config: {{ \"e\": {any}, \"e@other\": {named} }})")),
        2.0
    );
    let unless = case(2, ", when: \"t > 100\"");
    assert_eq!(
        value(&format!(
            "switch_scenario_by_events(events_config: {{ \"e\": {any}, \"e@other\": {unless} }})"
        )),
        1.0
    );
    assert_eq!(value("calc_by_event(events_config: { \"e@own\": \"3\", \"e\": \"1\" })"), 1.0);
}

#[test]
fn each_listener_that_fails_is_reported() {
    let plan = one_host(
        r#"listen_events: { "x": when("event.data.a.b > 1", emit("y")), "z": when("1 / (t - t)", emit("y")) }, metrics: [Metric(name: "m")]"#,
    );
    let null = serde_json::Value::Null;
    let said =
        failures_of(&plan, [("x", null.clone()), ("z", null.clone()), ("x", null.clone()), ("z", null)]);
    let names: Vec<&str> = said.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["listener to x", "listener to z"]);
}

/// The failures that are reported when these events come, one each second.
fn failures_of<const N: usize>(
    plan: &Plan,
    events: [(&str, serde_json::Value); N],
) -> Vec<(Arc<str>, String)> {
    let (mut host, mut out) = (host(plan, 0, 1), Outbox::default());
    host.advance(at(&host, 0.0), &[], &mut out);
    let mut failures = Vec::new();
    for (secs, (name, data)) in (1..).zip(events) {
        out.clear();
        let time = at(&host, f64::from(secs));
        let event = Event { name: name.into(), source: "other".into(), data, time, sequence: 0, hops: 0 };
        host.advance(time, &[Mail::Event(Arc::new(event))], &mut out);
        failures.append(&mut out.failures);
    }
    failures
}

#[test]
fn each_kind_of_event_that_a_plugin_refuses_is_reported_once() {
    crate::plugin::tests::bring_plugins();
    let plan = one_host(
        r#"interval: "1s", pools: [Pool(workload: processes(process_count: 5), update_interval: "1s")]"#,
    );
    let misspelt = serde_json::json!({ "patern": "nginx" });
    let said = failures_of(
        &plan,
        [
            ("kill", misspelt.clone()),
            ("kill", misspelt.clone()),
            ("memory_leak", misspelt),
            ("kill", serde_json::json!(5)),
            ("kill", serde_json::json!({ "pattern": "nginx" })),
            ("kill", serde_json::json!(5)),
        ],
    );
    assert!(said.iter().all(|(name, _)| &**name == "processes"), "{said:?}");
    let texts: Vec<&str> = said.iter().map(|(_, error)| &**error).collect();
    assert!(texts.len() == 3 && texts[0].contains("patern") && texts[0] != texts[1], "{texts:?}");
}
