//! Warnings of configs that are valid, and probably not meant.

use super::*;

/// The warnings of a config with these fields.
fn warnings(fields: &str) -> Vec<String> {
    plan_of(&format!("Config({fields})"), &[]).unwrap().warnings
}

fn of_metric(fields: &str) -> Vec<String> {
    warnings(&format!("levers: {{ \"load\": 2 }}, hosts: [Host(name: \"a\", metrics: [Metric({fields})])]"))
}

const HOSTS: &str =
    r#"hosts: [Host(name: "a", metrics: [Metric(name: "x", scenario: script(source: "run.load"))])]"#;

fn of_fault(times: &str) -> Vec<String> {
    warnings(&format!(
        "levers: {{ \"load\": 2 }}, faults: [Fault(id: \"f\", set: {{ \"load\": 3 }}, {times})], {HOSTS}"
    ))
}

#[test]
fn a_duration_in_months_is_doubted_wherever_it_stands() {
    let doubt = "\"3M\" counts months; write \"3m\" for minutes, or \"3months\"";
    for fields in [
        "args: { \"quiet\": \"3M\" }",
        "args: { \"quiet\": Arg(default: \"3M\") }",
        "timeline: Timeline(phases: [Phase(name: \"p\", lasts: \"3M\")])",
        "push_interval: \"3M\"",
    ] {
        let warnings = warnings(&format!("{fields}, levers: {{ \"load\": 2 }}, {HOSTS}"));
        assert!(warnings.len() == 1 && warnings[0].contains(doubt), "{fields}: {warnings:?}");
    }
    for times in ["at: \"3M\"", "at: 5, lasts: \"3M\"", "every: \"3M\", lasts: 1"] {
        let warnings = of_fault(times);
        assert!(warnings.len() == 1 && warnings[0].contains(doubt), "{times}: {warnings:?}");
    }
    let range = of_metric("name: \"x\", update_interval: \"1h3M\"");
    assert!(range[0].contains("write \"1h3m\" for minutes, or \"1h3months\""), "{range:?}");
    let given = [("quiet", "1M")];
    let given = plan_of(
        &format!("Config(args: {{ \"quiet\": \"3m\" }}, levers: {{ \"load\": 2 }}, {HOSTS})"),
        &given,
    );
    assert_eq!(given.unwrap().warnings.len(), 1);
    for clear in ["at: \"3m\"", "at: \"3months\"", "at: \"1y\"", "at: \"{3 * 60}\""] {
        assert_eq!(of_fault(clear), Vec::<String>::new(), "{clear}");
    }
}

#[test]
fn a_fault_or_a_phase_behind_the_end_of_all_hosts_is_doubted() {
    let of = |ttl: &str, fields: &str| {
        let hosts = HOSTS.replace("name: \"a\",", &format!("name: \"a\", start_time: \"1m\", ttl: {ttl},"));
        warnings(&format!("levers: {{ \"load\": 2 }}, {fields}, {hosts}"))
    };
    let fault = "faults: [Fault(id: \"f\", at: \"61m\", set: { \"load\": 3 })]";
    let warned = of("\"1h\"", fault);
    assert!(
        warned[0].ends_with(
            "the fault never begins: it is 1h 1m after the start, and all hosts have ended by 1h 1m"
        ),
        "{warned:?}"
    );
    let phases = "timeline: Timeline(phases: [Phase(name: \"p\", lasts: \"30m\"), Phase(name: \"q\", lasts: \"40m\"), Phase(name: \"r\", lasts: 1), Phase(name: \"s\", lasts: 1)])";
    let warned = of("\"1h\"", phases);
    assert!(
        warned.len() == 1 && warned[0].contains("phase \"r\" never comes: it is 1h 10m after the start"),
        "{warned:?}"
    );
    for (ttl, fields) in [("\"61m\"", fault), ("\"70m\"", phases), ("\"inf\"", fault), ("\"inf\"", phases)] {
        assert_eq!(of(ttl, fields), Vec::<String>::new(), "{ttl}");
    }
}

#[test]
fn units_that_contradict_the_name_are_doubted() {
    for (name, units) in [
        ("took_seconds", "ms"),
        ("heap_bytes", "MiB"),
        ("cpu_seconds_total", "minutes"),
        ("load_percent", "ratio"),
        ("took_ms", "s"),
    ] {
        let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
        let fields = format!("name: {name:?}, units: {units:?}, metric_type: {kind}");
        let warned = of_metric(&fields);
        assert!(
            warned.len() == 1
                && warned[0].contains(&format!("units {units:?} contradicts the name {name:?}")),
            "{warned:?}"
        );
    }
    for (name, units) in [
        ("took_seconds", "s"),
        ("took_seconds", "seconds"),
        ("took_seconds", "jiffies"),
        ("took", "ms"),
        ("heap_bytes", "B"),
        ("requests_per_minute", "1"),
        ("seconds", "ms"),
    ] {
        assert_eq!(
            of_metric(&format!("name: {name:?}, units: {units:?}")),
            Vec::<String>::new(),
            "{name} {units}"
        );
    }
}

#[test]
fn a_counter_whose_script_gives_less_than_0_is_doubted() {
    let of = |kind: &str, script: &str| {
        of_metric(&format!("name: \"n_total\", metric_type: {kind}, scenario: script(source: {script:?})"))
    };
    for (script, given) in
        [("-100 * run.load", "-200"), ("-5", "-5"), ("0 - 3 * t - 1", "-1"), ("-random(1, 1)", "-1")]
    {
        let warned = of("counter", script);
        assert!(
            warned.len() == 1
                && warned[0].contains(&format!("the counter stays at 0: its script gives {given}, and")),
            "{script}: {warned:?}"
        );
    }
    for (kind, script) in [
        ("gauge", "-5"),
        ("counter", "100 - t"),
        ("counter", "5"),
        ("counter", "run.load"),
        ("counter", "let x = -5; x + 10"),
    ] {
        assert_eq!(of(kind, script), Vec::<String>::new(), "{kind} {script}");
    }
}

#[test]
fn a_dollar_before_an_expression_is_doubted() {
    let of = |name: &str, labels: &str| {
        warnings(&format!(
            "hosts: [Host(repeat: Repeat(var: \"i\", from: 1, to: 2), name: {name:?}, labels: {{ \"zone\": {labels:?} }}, metrics: [Metric(name: \"x\")])]"
        ))
    };
    let warned = of("web-${i}", "z");
    assert!(
        warned.len() == 1 && warned[0].contains("the $ of \"${i}\" stays in the text; write \"{i}\""),
        "{warned:?}"
    );
    let warned = of("web-{i}", "z${i + 1}");
    assert!(warned.len() == 1 && warned[0].contains("write \"{i + 1}\""), "{warned:?}");
    for (name, label) in [("web-{i}", "5$"), ("$-{i}", "{i}$"), ("web-{i}", "${{i}}")] {
        assert_eq!(of(name, label), Vec::<String>::new(), "{name} {label}");
    }
}
