//! Large configs: reading takes time in proportion to their size, and ends when it is asked to.

use std::time::Duration;

use super::*;
use crate::preview::first_failures;
use crate::stop::Stop;

/// Number of like parts.
const PARTS: usize = 25_000;
/// A fifth of the parts take a fifth of the time, with room for a machine that is busy. Where each is compared with each other, it is a
/// twenty-fifth.
const FEWER: (usize, u32) = (5, 12);
/// A time in which no step for each pair fits.
const SHORT: Duration = Duration::from_secs(2);

fn many(part: impl Fn(usize) -> String) -> String {
    list(PARTS, part)
}

fn list(parts: usize, part: impl Fn(usize) -> String) -> String {
    (0..parts).map(part).collect::<Vec<_>>().join(",\n")
}

/// A config of one host with these fields, and these of the config.
fn config(host: &str, fields: &str) -> String {
    format!("Config({fields} hosts: [Host(name: \"h\", {host} metrics: [Metric(name: \"m\")])])")
}

#[expect(clippy::too_many_lines, reason = "a list of texts")]
/// Large configs by what they have many of.
fn shapes(parts: usize) -> Vec<(&'static str, String)> {
    let many = |part: fn(usize) -> String| list(parts, part);
    let name = |n: usize| format!("\"x{n}\": 1");
    let sets = many(|n| format!("\"x{n}\": []"));
    let names = many(|n| format!("\"x{n}\""));
    vec![
        ("labels of a host", config(&format!("labels: {{ {} }},", many(name)), "")),
        ("arguments", config("", &format!("args: {{ {} }},", many(name)))),
        ("levers", config("", &format!("levers: {{ {} }},", many(name)))),
        ("values of storage", config(&format!("storage: {{ {} }},", many(name)), "")),
        ("metric sets", config(&format!("metric_sets: [{names}],"), &format!("metric_sets: {{ {sets} }},"))),
        ("unknown fields", config(&many(|n| format!("f{n}: 1")), "")),
        ("repeated labels", config(&format!("labels: {{ {} }},", many(|_| "\"x\": 1".to_owned())), "")),
        (
            "unheard events",
            config(&format!("listen_events: {{ {} }},", many(|n| format!("\"e{n}\": emit(\"z{n}\")"))), ""),
        ),
        ("classes", format!("{{ {} }}", many(|n| format!("\"c{n}\": {}", config("", ""))))),
        (
            "relays, each of the next metric",
            format!(
                "Config(hosts: [Host(name: \"h\", metrics: [{}, Metric(name: \"m{parts}\")])])",
                many(|n| {
                    format!(
                        "Metric(name: \"m{n}\", scenario: relay_to_other_metric(source_metric_name: \"m{}\"))",
                        n + 1
                    )
                })
            ),
        ),
        (
            "actions on metrics",
            format!(
                "Config(hosts: [Host(name: \"h\", metrics: [{}], listen_events: {{ {} }})])",
                many(|n| format!("Metric(name: \"m{n}\")")),
                many(|n| format!("\"go@h{n}\": start_metric(\"m{n}\")")),
            ),
        ),
        (
            "hosts with unknown sets",
            format!(
                "Config(hosts: [{}], metric_sets: {{ {sets} }})",
                many(|n| { format!("Host(name: \"h{n}\", metric_sets: [\"nowhere{n}\"])") })
            ),
        ),
        (
            "hosts that read an argument each",
            format!(
                "Config(args: {{ {} }}, hosts: [{}])",
                many(name),
                many(|n| { format!("Host(name: \"h{n}{{x{n}}}\", metrics: [Metric(name: \"m\")])") })
            ),
        ),
        (
            "faults of one host each",
            format!(
                "Config(levers: {{ \"l\": 1 }}, faults: [{}], hosts: [Host(repeat: Repeat(var: \"i\", from: 1, to: {parts}), name: \"h{{i}}\", metrics: [Metric(name: \"m\", when: \"run.l > 0\")])])",
                many(|n| format!(
                    "Fault(id: \"f{n}\", hosts: \"h{}\", at: {n}, lasts: 1, set: {{ \"l\": 2 }})",
                    n + 1
                )),
            ),
        ),
        (
            "pools",
            config(
                &format!(
                    "pools: [{}],",
                    many(|n| {
                        format!(
                            "Pool(name: \"p{n}\", count: 1, labels: {{ \"id\": \"{n}\" }}, metrics: [Metric(name: \"p\")])"
                        )
                    })
                ),
                "",
            ),
        ),
    ]
}

/// Processor time of this thread so far: other work on the machine does not count.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())
}

#[test]
fn a_config_with_very_many_parts_of_a_kind_takes_no_step_for_each_pair_of_them() {
    let spent = |text: &str| {
        let file = ConfigFile::from_text("large", text);
        let before = cpu_time();
        // Some of them have errors, too.
        let _is_good = file.plan(&LoadOptions::starting_at(START)).is_ok();
        cpu_time().saturating_sub(before)
    };
    let (fewer, most) = FEWER;
    for ((what, few), (_, all)) in shapes(PARTS / fewer).iter().zip(&shapes(PARTS)) {
        let (few, all) = (spent(few), spent(all));
        assert!(all < SHORT || all < few * most, "{what}: {few:?} {all:?}");
    }
}

#[test]
fn a_config_that_is_given_up_ends_in_an_error_that_says_so() {
    let stop = Stop::new();
    stop.set();
    let options = LoadOptions { stop, ..LoadOptions::starting_at(START) };
    // Nobody would wait for these hosts.
    let endless = r#"Config(hosts: [Host(repeat: [Repeat(var: "i", from: 1, to: 2000), Repeat(var: "j", from: 1, to: 2000)], name: "h-{i}-{j}", metrics: [Metric(name: "m")])])"#;
    let error = ConfigFile::from_text("test", endless).plan(&options).unwrap_err();
    insta::assert_snapshot!(error, @"config takes too long to load and was given up; make it smaller");
}

#[test]
fn of_very_many_problems_a_thousand_are_shown() {
    let hosts = many(|n| {
        format!("Host(name: \"h{n}\", nmae: 1, metrics: [Metric(name: \"m\", scenario: sine_wav)])")
    });
    let error = ConfigFile::from_text("test", &format!("Config(hosts: [{hosts}])"));
    let error = error.plan(&LoadOptions::starting_at(START)).unwrap_err().to_string();
    assert_eq!(error.lines().count(), 1_001);
    assert_eq!(error.lines().last(), Some("test.ron: more than 1000 problems; further ones are left out"));
    let place = error.lines().nth(998).unwrap();
    assert!(place.starts_with("test.ron:500:"), "{place}");
}

#[test]
fn a_repetition_of_too_many_variables_and_too_many_overrides_are_refused() {
    let repeats = vec!["Repeat(var: \"i\", from: 1, to: 1)"; 17].join(", ");
    let text =
        format!("Config(hosts: [Host(name: \"h\", repeat: [{repeats}], metrics: [Metric(name: \"m\")])])");
    insta::assert_snapshot!(error_of(&text, &[]), @"test.ron:1:40: repeat has 17 variables, and 16 at most");
    let overrides = many(|n| format!("\"h{n}\": Host(ttl: 1)"));
    let labels = (0..30).map(|n| format!("\"l{n}\": 1")).collect::<Vec<_>>().join(", ");
    let text = config(&format!("labels: {{ {labels} }}, overrides: {{ {overrides} }},"), "");
    assert!(error_of(&text, &[]).contains("25000 overrides repeat"), "{}", error_of(&text, &[]));
}

#[test]
fn a_config_is_refused_before_its_hosts_metrics_or_members_take_too_much_memory() {
    let refused = |text: &str| {
        let options = LoadOptions { memory_max: 64 << 20, ..LoadOptions::starting_at(START) };
        ConfigFile::from_text("test", text).plan(&options).map(|loaded| loaded.plan.memory_bytes())
    };
    let native = r#"Metric(name: "m", metric_type: native_histogram, max_buckets: 10000, schema: 8, repeat: Repeat(var: "i", from: 1, to: 1500000), labels: { "i": "{i}" })"#;
    for text in [
        with_metrics(native),
        r#"Config(hosts: [Host(repeat: Repeat(var: "i", from: 1, to: 4000000), name: "h{i}", metrics: [Metric(name: "m")])])"#.to_owned(),
        config(r#"pools: [Pool(count: 2000000, labels: { "id": "{uuid()}" }, metrics: [Metric(name: "p")])],"#, ""),
        config(r#"pools: [Pool(count: "t", max: 2000000, labels: { "id": "{uuid()}" }, metrics: [Metric(name: "p")])],"#, ""),
        format!(r#"Config(hosts: [Host(repeat: Repeat(var: "i", from: 1, to: 100000), name: "h{{i}}", labels: {{ "l": "{}" }}, metrics: [Metric(name: "m")])])"#, "x".repeat(20_000)),
    ] {
        let error = refused(&text).unwrap_err().to_string();
        assert!(error.contains("the config takes more than 64 MiB of memory so far"), "{error}");
    }
    let small = r#"Config(hosts: [Host(repeat: Repeat(var: "i", from: 1, to: 1000), name: "h{i}", metrics: [Metric(name: "m")])])"#;
    assert!((1 << 19..4 << 20).contains(&refused(small).unwrap()));
}

#[test]
fn names_are_short_and_long_texts_bounded_together_however_they_are_made() {
    let long = |at: &str| {
        let text = "{a}{a}{i}";
        format!(
            r#"Config(args: {{ "a": Arg(default: "{}") }}, hosts: [Host(repeat: Repeat(var: "i", from: 1, to: 2), {})])"#,
            "x".repeat(600),
            at.replace("LONG", text)
        )
    };
    for (at, field) in [
        (r#"name: "h{i}", metrics: [Metric(name: "LONG")]"#, "name"),
        (r#"name: "LONG", metrics: [Metric(name: "m")]"#, "name"),
        (r#"name: "h{i}", host: "LONG", metrics: [Metric(name: "m")]"#, "host"),
        (r#"name: "h{i}", job_name: "LONG", metrics: [Metric(name: "m")]"#, "job_name"),
        (r#"name: "h{i}", listen_events: { "x": emit("LONG") }, metrics: [Metric(name: "m")]"#, "event"),
    ] {
        let error = error_of(&long(at), &[]);
        assert!(error.contains(&format!("{field} has 1000 bytes at most")), "{at}: {error}");
    }
    let word = "l".repeat(1_001);
    for rest in [
        format!("labels: {{ \"{word}\": \"1\" }},"),
        format!("listen_events: {{ \"{word}\": emit(\"x\") }},"),
    ] {
        let error = error_of(&config(&rest, ""), &[]);
        assert!(error.contains("1000 bytes at most"), "{error}");
    }
    let text = "y".repeat(60_000);
    for rest in [
        r#"metrics: [Metric(name: "m{n}", description: "{a}{n}", repeat: Repeat(var: "n", from: 1, to: 3000))]"#,
        r#"metrics: [Metric(name: "m", labels: { "l": "{a}{n}" }, repeat: Repeat(var: "n", from: 1, to: 3000))]"#,
    ] {
        let text =
            format!(r#"Config(args: {{ "a": Arg(default: "{text}") }}, hosts: [Host(name: "h", {rest})])"#);
        let error = error_of(&text, &[]);
        assert!(error.contains("the long texts of the config take more than 64 MiB"), "{error}");
    }
}

/// The errors of a config with little memory and few series.
fn refused(text: &str) -> String {
    let options = LoadOptions { memory_max: 64 << 20, series_max: 10_000, ..LoadOptions::starting_at(START) };
    ConfigFile::from_text("test", &format!("Config({text})"))
        .plan(&options)
        .map(drop)
        .unwrap_err()
        .to_string()
}

#[test]
fn state_of_scenarios_counts_as_memory() {
    let host = |scenario: &str| {
        format!(
            "hosts: [Host(repeat: Repeat(var: \"i\", from: 1, to: 1000), name: \"h{{i}}\", metrics: [
               Metric(name: \"m\", value_range: (0, 1), update_interval: \"10ms\", scenario: {scenario})])]"
        )
    };
    let sum = format!("sum(of: [{}])", vec!["random_walk"; 2_000].join(", "));
    let case = format!("switch_scenario_by_events(events_config: {{ \"e\": (scenario: {sum}) }})");
    for scenario in
        [&sum, &case, "delay(by: \"1h\", of: random_walk)", &format!("clamp(of: {sum}, range: (0, 1))")]
    {
        let error = refused(&host(scenario));
        assert!(error.contains("the config takes more than 64 MiB of memory so far"), "{error}");
    }
    for scenario in ["delay(by: \"1s\", of: random_walk)", "sum(of: [random_walk, brownian])"] {
        let options = LoadOptions { memory_max: 64 << 20, ..LoadOptions::starting_at(START) };
        ConfigFile::from_text("test", &format!("Config({})", host(scenario))).plan(&options).unwrap();
    }
}

#[test]
fn pools_without_members_count_as_memory() {
    let error = refused(
        "hosts: [Host(name: \"a\", pools: [Pool(repeat: Repeat(var: \"i\", from: 1, to: 1000000000), name: \"p{i}\",
           count: \"0 * t\", max: 1, labels: { \"s\": \"{slot}\", \"i\": \"{i}\" }, metrics: [Metric(name: \"m\")])])]",
    );
    assert!(error.contains("the config takes more than 64 MiB of memory so far"), "{error}");
}

#[test]
fn repetitions_without_items_are_counted() {
    let many = "Repeat(var: \"i\", from: 1, to: 9000), Repeat(var: \"j\", from: 1, to: 9000)";
    let empty = format!("repeat: [{many}, Repeat(var: \"k\", from: 1, to: 0)]");
    let pool = "count: 1, labels: { \"s\": \"{slot}\" }, metrics: [Metric(name: \"m\")]";
    let few = "Repeat(var: \"i\", from: 1, to: \"{100 + h - h}\"), Repeat(var: \"j\", in: [])";
    for text in [
        format!("hosts: [Host(name: \"a\", metrics: [Metric({empty}, name: \"m\")])]"),
        format!("hosts: [Host({empty}, name: \"a{{i}}-{{j}}\", metrics: [Metric(name: \"m\")])]"),
        format!("hosts: [Host(name: \"a\", pools: [Pool({empty}, name: \"p\", {pool})])]"),
        format!(
            "hosts: [Host(repeat: Repeat(var: \"h\", from: 1, to: 1000), name: \"a{{h}}\", metrics: [
               Metric(name: \"m\"), Metric(repeat: [{few}], name: \"m{{h}}\")])]"
        ),
    ] {
        let error = refused(&text);
        assert!(
            error.contains("repeat has no items, more than 10000 times; lower the count of those around it"),
            "{error}"
        );
    }
}

#[test]
fn texts_that_others_are_sent_or_shown_are_bounded() {
    let long = "x".repeat(65_536);
    let config = |rest: &str, metric: &str| {
        format!(
            r#"Config(args: {{ "a": Arg(default: "{long}") }}, {rest} hosts: [Host(name: "h", metrics: [Metric(name: "m", {metric})])])"#
        )
    };
    let verdict = |verdict: &str| {
        let phases = "timeline: Timeline(phases: [Phase(name: \"p\", lasts: \"1m\")])";
        config(&format!("{phases}, verdicts: [{verdict}],"), "")
    };
    for (text, field) in [
        (config("", "description: \"y{a}\""), "description has 65536 bytes"),
        (config("", "labels: { \"l\": \"y{a}\" }"), "label \"l\" has 65536 bytes"),
        (config(&format!("description: \"y{long}\","), ""), "description has 65536 bytes"),
        (verdict(&format!("holds(query: \"y{long}\")")), "query has 65536 bytes"),
        (verdict(&format!("first(query: \"y{long}\")")), "query has 65536 bytes"),
        (verdict(&format!("query(query: \"y{long}\", p95: \"1s\")")), "query has 65536 bytes"),
        (
            verdict(&format!("panels(dashboard: \"d\", may_be_empty: [\"y{long}\"])")),
            "may_be_empty has 65536 bytes",
        ),
        (verdict("panels(dashboard: \"y{a}\")"), "dashboard has 65536 bytes"),
        (verdict("fires(alert: \"x\", labels: { \"l\": \"y{a}\" })"), "l has 65536 bytes"),
        (verdict("fires(alert: \"{a}\")"), "alert has 1000 bytes"),
        (verdict("no_other_alerts(except: [\"{a}\"])"), "except has 1000 bytes"),
        (verdict("notifies(receiver: \"{a}\", alert: \"x\")"), "receiver has 1000 bytes"),
        (config("", "units: \"{a}\""), "units has 1000 bytes"),
        (config("faults: [Fault(id: \"{a}\", at: \"1m\", lasts: \"1m\")],", ""), "id has 1000 bytes"),
    ] {
        let (error, shown) = (error_of(&text, &[]), text.replace(&long, "LONG"));
        assert!(error.contains(&format!("{field} at most")), "{shown}: {error}");
    }
    for text in [
        config("", "description: \"{a}\", labels: { \"l\": \"{a}\" }"),
        verdict(&format!("holds(query: \"{long}\")")),
    ] {
        ConfigFile::from_text("test", &text).plan(&LoadOptions::starting_at(START)).unwrap();
    }
}

/// The outcome of loading a config on a thread with a stack of 1 MiB; a thread that needs more ends the process.
fn on_a_small_stack(text: String) -> Result<(), String> {
    let load = move || {
        let loaded = ConfigFile::from_text("test", &text).plan(&LoadOptions::starting_at(START));
        // Its first values are made, too, and all of it is dropped.
        loaded.map(|loaded| drop(first_failures(&loaded.plan, 1, START))).map_err(|error| error.to_string())
    };
    std::thread::Builder::new().stack_size(1 << 20).spawn(load).unwrap().join().unwrap()
}

#[test]
fn a_nested_config_is_loaded_or_refused_on_a_small_stack() {
    let nested = |depth: usize, open: &str, inner: &str, close: &str| {
        format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
    };
    let scenario = |text: String| {
        with_metrics(&format!(
            "Metric(name: \"m\", value_range: (0, 1), update_interval: 1, scenario: {text})"
        ))
    };
    let expression =
        |text: String| with_metrics(&format!("Metric(name: \"m\", default_value: \"{{{text}}}\")"));
    let script = |text: String| scenario(format!("script(source: r#\"{text}\"#)"));
    for depth in [
        1, 7, 15, 20, 25, 30, 31, 32, 33, 41, 42, 43, 60, 62, 63, 64, 65, 120, 126, 127, 128, 129, 1_000,
        100_000,
    ] {
        for (kind, text) in [
            ("lists", format!("Config(args: {{ \"a\": {} }}, hosts: [])", nested(depth, "[", "1", "]"))),
            ("structs", format!("Config(hosts: {})", nested(depth, "(x: ", "1", ")"))),
            ("maps", format!("Config(levers: {})", nested(depth, "{ \"a\": ", "1", "}"))),
            ("sum", scenario(nested(depth, "sum(of: [", "random_walk", "])"))),
            ("clamp", scenario(nested(depth, "clamp(range: (0, 1), of: ", "random_walk", ")"))),
            ("delay", scenario(nested(depth, "delay(by: 1, of: ", "random_walk", ")"))),
            (
                "switch",
                scenario(nested(
                    depth,
                    "switch_scenario_by_events(events_config: { \"e\": (scenario: ",
                    "random_walk",
                    ") })",
                )),
            ),
            ("parentheses", expression(nested(depth, "(", "1", ")"))),
            ("signs", expression(nested(depth, "-", "1", ""))),
            ("arrays", expression(nested(depth, "[", "1", "]"))),
            ("calls", expression(nested(depth, "min(1, ", "1", ")"))),
            ("blocks", script(nested(depth, "{ ", "1.0", " }"))),
            ("ifs", script(nested(depth, "if true { ", "1.0", " } else { 2.0 }"))),
            ("script arrays", script(nested(depth, "[", "1.0", "]"))),
            ("closures", script(nested(depth, "|| ", "1.0", ""))),
            ("interpolations", script(nested(depth, "`${", "1.0", "}`"))),
            ("sums", expression(nested(depth, "1+", "1", ""))),
            ("indices", expression(nested(depth, "a[", "1", "]"))),
        ] {
            let outcome = on_a_small_stack(text);
            let is_told = outcome.as_ref().err().is_none_or(|error| !error.is_empty() && error.len() < 5_000);
            assert!(is_told, "{depth} {kind}: {outcome:?}");
        }
    }
    let clamped =
        |depth| on_a_small_stack(scenario(nested(depth, "clamp(range: (0, 1), of: ", "random_walk", ")")));
    let deepest = (1..128).rev().find(|depth| clamped(*depth).is_ok()).unwrap();
    let beyond = clamped(deepest + 1).unwrap_err();
    assert!(
        deepest > 30 && beyond.contains("nested too deeply; a config has at most 128 levels"),
        "{deepest}: {beyond}"
    );
}
