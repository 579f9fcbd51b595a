//! The language: repetition, includes, overrides, arguments and formulas.

use super::*;
use crate::scenario::KINDS;

fn names(plan: &Plan) -> Vec<&str> {
    plan.hosts.iter().map(|host| &*host.name).collect()
}

fn metrics(plan: &Plan, host: usize) -> Vec<String> {
    let shown = |metric: &crate::plan::MetricPlan| {
        let labels = String::from_utf8_lossy(metric.labels.as_text()).into_owned();
        format!("{}{{{labels}}}", metric.name)
    };
    plan.hosts[host].shape.metrics.iter().map(shown).collect()
}

/// The errors, or the warnings of a config without any.
fn said(text: &str) -> String {
    plan_of(text, &[]).map_or_else(|error| error.to_string(), |loaded| loaded.warnings.join("\n"))
}

#[test]
fn repetition_goes_through_ranges_and_lists_nested() {
    let text = r#"Config(
        args: { "zones": Arg(default: ["a", "b"]), "size": 2 },
        hosts: [Host(
            repeat: [Repeat(var: "zone", in: "{zones}"), Repeat(var: "i", from: 1, to: "{size}")],
            name: "{zone}-{i}",
            metrics: [Metric(repeat: [Repeat(var: "core", from: 0, to: 1), Repeat(var: "mode", in: ["user", "idle"])],
                name: "cpu", labels: { "core": "{core}", "mode": "{mode}" })],
        )],
    )"#;
    let plan = plan_of(text, &[]).unwrap().plan;
    assert_eq!(names(&plan), ["a-1", "a-2", "b-1", "b-2"]);
    assert_eq!(plan.series_count(), 16);
    assert!(
        std::sync::Arc::ptr_eq(&plan.hosts[0].shape, &plan.hosts[3].shape),
        "metrics do not depend on the host"
    );
    insta::assert_snapshot!(metrics(&plan, 0).join("\n"), @r#"
    cpu{core="0",mode="user"}
    cpu{core="0",mode="idle"}
    cpu{core="1",mode="user"}
    cpu{core="1",mode="idle"}
    "#);
    let plan = plan_of(text, &[("zones", "x"), ("size", "1")]).unwrap().plan;
    assert_eq!(names(&plan), ["x-1"]);
    assert_eq!(
        error_of(text, &[("zones", "")]),
        "test.ron:3:17: the config makes no hosts with these arguments; raise a count"
    );
}

#[test]
fn repetitions_are_counted_before_hosts_are_made() {
    let host = |repeat: &str, metric: &str| {
        format!(
            "Config(hosts: [Host(repeat: {repeat}, name: \"h-{{i}}-{{j}}\", metrics: [Metric({metric}name: \"m\")])])"
        )
    };
    let twice = "[Repeat(var: \"i\", from: 1, to: 3000000), Repeat(var: \"j\", from: 1, to: \"{i}\")]";
    insta::assert_snapshot!(said(&host(twice, "")), @"test.ron:1:16: the config makes 5000703 series so far, more than 5000000; lower a count, or raise --max-series");
    let endless =
        "[Repeat(var: \"i\", from: 1, to: 9223372036854775807), Repeat(var: \"j\", from: 1, to: 2)]";
    insta::assert_snapshot!(said(&host(endless, "")), @"test.ron:1:16: the config makes 9223372036854775807 series so far, more than 5000000; lower a count, or raise --max-series");
    let one = "[Repeat(var: \"i\", from: 1, to: 1), Repeat(var: \"j\", from: 1, to: 1)]";
    insta::assert_snapshot!(said(&host(one, "repeat: Repeat(var: \"k\", from: 1, to: \"{i * 9000000}\"), ")), @"test.ron:1:16: the config makes 9000000 series so far, more than 5000000; lower a count, or raise --max-series");
    insta::assert_snapshot!(said(&host(one, "repeat: Repeat(var: \"k\", from: 1, to: 9000000), ")), @"test.ron:1:16: the config makes 9000000 series so far, more than 5000000; lower a count, or raise --max-series");
}

#[test]
fn invalid_repetitions_are_refused() {
    let said = |repeat: &str| {
        said(&format!(
            "Config(args: {{ \"n\": 1 }}, hosts: [Host(repeat: {repeat}, name: \"h\", metrics: [Metric(name: \"m\")])])"
        ))
    };
    insta::assert_snapshot!(said("Repeat(var: \"n\", from: 1, to: 2)"), @r#"test.ron:1:47: repeat cannot use "n" as its var; choose another name"#);
    insta::assert_snapshot!(said("Repeat(var: \"value\", from: 1, to: 2)"), @r#"test.ron:1:47: repeat cannot use "value" as its var; choose another name"#);
    insta::assert_snapshot!(said("Repeat(var: \"i\", in: [1], from: 1, to: 2)"), @"test.ron:1:47: Repeat takes either from and to, or in");
    insta::assert_snapshot!(said("Repeat(var: \"i\")"), @r#"
    test.ron:1:47: Repeat needs a field "from"
    test.ron:1:47: Repeat needs a field "to"
    "#);
    insta::assert_snapshot!(said("Repeat(var: \"i\", in: \"{n}\")"), @"test.ron:1:68: in takes a list, as in [a, b]; found 1");
    insta::assert_snapshot!(said("Repeat(from: 1, to: 2)"), @r#"test.ron:1:47: Repeat needs a plain "var", as in var: "i""#);
}

#[test]
fn overrides_change_single_hosts() {
    let text = r#"Config(hosts: [Host(
        repeat: Repeat(var: "i", from: 1, to: 3), name: "w-{i}", ttl: "1h", labels: { "zone": "a" },
        metrics: [Metric(name: "m"), Metric(name: "n", default_value: 1)],
        overrides: { "w-2": Host(ttl: "5m", labels: { "canary": "{i}" }, metrics: [Metric(name: "n", default_value: 7), Metric(name: "o")]) },
    )])"#;
    let loaded = plan_of(text, &[]).unwrap();
    assert_eq!(loaded.warnings, Vec::<String>::new());
    let plan = loaded.plan;
    let ttls: Vec<u64> = plan.hosts.iter().map(|host| host.ttl.as_nanos() / 1_000_000_000).collect();
    assert_eq!(ttls, [3600, 300, 3600]);
    assert_eq!(plan.hosts[1].labels.get("zone"), Some("a"));
    assert_eq!(plan.hosts[1].labels.get("canary"), Some("2"));
    assert_eq!(metrics(&plan, 1), ["m{}", "n{}", "o{}"]);
    assert_eq!(plan.hosts[1].shape.metrics[1].default_value.to_bits(), 7.0f64.to_bits());
    assert!(std::sync::Arc::ptr_eq(&plan.hosts[0].shape, &plan.hosts[2].shape));
    insta::assert_snapshot!(said(&text.replace("\"w-2\"", "\"w-4\"")), @r#"test.ron:1:16: override "w-4" is for a host that does not exist; did you mean "w-1"?"#);
    insta::assert_snapshot!(said(&text.replace("Host(ttl: \"5m\"", "Host(name: \"x\", tll: 5")), @r#"
    test.ron:4:34: an override cannot change "name"; leave it out
    test.ron:4:45: Host has no field "tll"; did you mean "ttl"?
    "#);
}

#[test]
fn sets_come_from_other_files_and_errors_name_them() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write(
        "sets.ron",
        r#"Include(include: ["more"], metric_sets: { "node": [Metric(name: "load", labels: { "of": "{what}" })] })"#,
    );
    write("more.ron", r#"Include(include: ["sets"], metric_sets: { "disk": [Metric(name: "disk")] })"#);
    write(
        "main.ron",
        r#"Config(args: { "what": "all" }, include: ["sets.ron"], hosts: [Host(name: "a", metric_sets: ["node", "disk"])])"#,
    );
    let load = |name: &str| {
        let loaded =
            ConfigDirs::new(Some(dir.path().to_owned())).load(name, &LoadOptions::starting_at(START));
        loaded.map_err(|error| error.to_string().replace(&format!("{}/", dir.path().display()), ""))
    };
    let loaded = load("main").unwrap();
    assert_eq!(metrics(&loaded.plan, 0), ["load{of=\"all\"}", "disk{}"]);
    assert_eq!(loaded.files.len(), 3);
    write("more.ron", "Include(\n    metric_sets: { \"disk\": [Metric(name: \"9disk\")] },\n)");
    insta::assert_snapshot!(load("main").unwrap_err(), @r#"more.ron:2:42: metric name "9disk" is not allowed; use letters, digits, _ and :, not beginning with a digit"#);
    write("more.ron", "Include(metric_sets: [], hosts: [])");
    insta::assert_snapshot!(load("main").unwrap_err(), @r#"
    main.ron:1:102: unknown metric set "disk"; expected node
    more.ron:1:22: metric_sets takes a map; found a list
    more.ron:1:26: Include has no field "hosts"; expected one of metric_sets, levers, include
    "#);
    write("more.ron", "Include(");
    insta::assert_snapshot!(load("main").unwrap_err(), @r#"
    main.ron:1:102: unknown metric set "disk"; expected node
    more.ron:1:8: the file ends too early; close what is open
    "#);
    write("main.ron", r#"Config(include: ["stes"], hosts: [Host(name: "a", metrics: [Metric(name: "m")])])"#);
    let error = load("main").unwrap_err();
    assert!(
        error.contains("main.ron:1:18: config \"stes\" not found")
            && error.contains("did you mean \"sets\"?"),
        "{error}"
    );
    let listed: Vec<String> =
        ConfigDirs::new(Some(dir.path().to_owned())).list().into_iter().map(|c| c.name).collect();
    assert!(listed.contains(&"main".to_owned()) && !listed.contains(&"sets".to_owned()), "{listed:?}");
    let missing = ConfigDirs::new(Some(dir.path().to_owned())).open("zzz").unwrap_err().to_string();
    assert!(missing.contains(", main, ") && !missing.contains("sets"), "{missing}");
}

#[test]
fn arguments_may_be_sizes_lists_and_choices() {
    let text = r#"Config(
        args: { "ram": "8GiB", "ports": [80, 443], "stage": Arg(default: "test", choices: ["test", "prod"]) },
        hosts: [Host(name: "{stage}-{args.stage}", metrics: [
            Metric(name: "m", value_range: (0, "{ram}"), default_value: "{ram / 2}"),
            Metric(repeat: Repeat(var: "port", in: "{ports}"), name: "p", labels: { "port": "{port + 1}" }),
        ])],
    )"#;
    let plan = plan_of(text, &[("ram", "1GiB"), ("ports", "1,2,3"), ("stage", "prod")]).unwrap().plan;
    assert_eq!(names(&plan), ["prod-prod"]);
    assert_eq!(plan.hosts[0].shape.metrics[0].value_range.1.to_bits(), 1_073_741_824.0f64.to_bits());
    assert_eq!(metrics(&plan, 0), ["m{}", "p{port=\"2\"}", "p{port=\"3\"}", "p{port=\"4\"}"]);
    let wrong = [("ram", "much"), ("ports", "80,http"), ("stage", "prd")];
    insta::assert_snapshot!(error_of(text, &wrong), @r#"
    test.ron: argument "ram" takes a size, as in 1.5GiB, not "much"
    test.ron: argument "ports" takes whole numbers, as in 1,2, not "80,http"
    test.ron: argument "stage" cannot be "prd"; did you mean "prod"?
    "#);
    insta::assert_snapshot!(said(&text.replace("{args.stage}", "{args.stag}")), @r#"test.ron:3:28: name: unknown name "args.stag" in an expression; did you mean "stage"?"#);
}

#[test]
fn formulas_know_their_metric_their_host_and_other_metrics() {
    let text = with_metrics(
        r#"Metric(name: "a", value_range: (0, 50)),
        Metric(name: "b", value_range: (10, 30), labels: { "top": "{metric.high}" },
            when: "links.a < 40", scenario: script(source: "percent_of_range(50) + links.a"))"#,
    );
    let plan = plan_of(&text, &[]).unwrap().plan;
    assert_eq!(metrics(&plan, 0), ["a{}", "b{top=\"30\"}"]);
    assert_eq!(plan.hosts[0].shape.metrics[1].links, [0]);
}

const WRONG_FORMULAS: [&str; 26] = [
    r#"Metric(name: "m", when: "links.n > 3")"#,
    r#"Metric(name: "m", when: "links > 3")"#,
    r#"Metric(name: "m", when: "metric.hihg > 3")"#,
    r#"Metric(name: "m", when: "emit(\"x\")")"#,
    r#"Metric(name: "m", when: "percent_of_range(5) > 1")"#,
    r#"Metric(name: "m", when: "event.name == \"x\" && percent_of_range(5) > 1")"#,
    r#"Metric(name: "m", scenario: script(source: "metric.low + 1"))"#,
    r#"Metric(name: "m", value_range: (0, inf), when: "metric.high > 1")"#,
    r#"Metric(name: "m", value_range: (0, inf), scenario: random_in_range)"#,
    r#"Metric(name: "m", value_range: (-inf, 5), labels: { "low": "{metric.low}" })"#,
    r#"Metric(name: "m", value_range: (0, inf), scenario: script(source: "percent_of_range(50)"))"#,
    r#"Metric(name: "m", when: "0.0 / 0.0")"#,
    r#"Metric(name: "m", value_range: (5.3, 5.7), decimals: 0)"#,
    r#"Metric(name: "m", when: "sinn(t) > 0")"#,
    r#"Metric(name: "m", default_value: "{round(1, 2)}")"#,
    r#"Metric(name: "m", when: ["value"])"#,
    r#"Metric(name: "m", default_value: "{value}")"#,
    r#"Metric(name: "m", default_value: "{noise(1)}")"#,
    r#"Metric(name: "m", default_value: "{3 +}")"#,
    r#"Metric(name: "m", default_value: "{[1, 2]}")"#,
    r#"Metric(name: "m", default_value: "{while true { }}")"#,
    r#"Metric(name: "m", scenario: script(source: 5))"#,
    "Metric(name: \"m\", scenario: script(source: r#\"\n    let x = 1;\n    x + * 2\n\"#))",
    r#"Metric(name: "m", scenario: script(source: "let a = 1; a + vlaue"))"#,
    r#"Metric(name: "m", scenario: script(source: "fn f() { 1 } f()"))"#,
    r#"Metric(name: "m", metric_type: histogram, observations: "\"many\"")"#,
];

#[test]
#[expect(clippy::too_many_lines, reason = "one snapshot of all messages")]
fn invalid_formulas_are_refused_at_their_place() {
    let said: Vec<String> = WRONG_FORMULAS
        .iter()
        .map(|metric| format!("{metric}\n    {}", error_of(&with_metrics(metric), &[])))
        .collect();
    insta::assert_snapshot!(said.join("\n"), @r##"
    Metric(name: "m", when: "links.n > 3")
        test.ron:2:14: the host has no metric "n" to link; expected m
    Metric(name: "m", when: "links > 3")
        test.ron:2:26: the expression "links > 3" is wrong: links is written with a metric's name behind it, as in links.cpu_usage_percent
    Metric(name: "m", when: "metric.hihg > 3")
        test.ron:2:33: unknown name "metric.hihg" in an expression; did you mean "high"?
    Metric(name: "m", when: "emit(\"x\")")
        test.ron:2:25: emit works in scripts only; to emit after an event, use an action of the host
    Metric(name: "m", when: "percent_of_range(5) > 1")
        test.ron:2:26: percent_of_range needs the metric's value_range, as in (0, 100)
    Metric(name: "m", when: "event.name == \"x\" && percent_of_range(5) > 1")
        test.ron:2:25: percent_of_range needs the metric's value_range, as in (0, 100)
    Metric(name: "m", scenario: script(source: "metric.low + 1"))
        test.ron:2:52: metric.low needs the metric's value_range with a low end, as in (0, 100)
    Metric(name: "m", value_range: (0, inf), when: "metric.high > 1")
        test.ron:2:56: metric.high needs the metric's value_range with a high end, as in (0, 100)
    Metric(name: "m", value_range: (0, inf), scenario: random_in_range)
        test.ron:2:52: random_in_range: needs the metric's value_range, as in (0, 100), or its own value_range
    Metric(name: "m", value_range: (-inf, 5), labels: { "low": "{metric.low}" })
        test.ron:2:60: label "low": metric.low needs the metric's value_range with a low end, as in (0, 100)
    Metric(name: "m", value_range: (0, inf), scenario: script(source: "percent_of_range(50)"))
        test.ron:2:68: percent_of_range needs the metric's value_range, as in (0, 100)
    Metric(name: "m", when: "0.0 / 0.0")
        test.ron:2:25: the expression does not give a number: gives NaN, not a finite number
    Metric(name: "m", value_range: (5.3, 5.7), decimals: 0)
        test.ron:2:54: no number of value_range (5.3, 5.7) has 0 decimals or fewer; give the metric more
    Metric(name: "m", when: "sinn(t) > 0")
        test.ron:2:26: there is no function sinn; did you mean "sin"?
    Metric(name: "m", default_value: "{round(1, 2)}")
        test.ron:2:34: default_value: function round does not take these arguments: round (i64, i64)
    Metric(name: "m", when: ["value"])
        test.ron:2:25: expected an expression, found a list
    Metric(name: "m", default_value: "{value}")
        test.ron:2:34: default_value: unknown name "value" in an expression; expected one of address, args, host, labels, name, run_id, started_at
    Metric(name: "m", default_value: "{noise(1)}")
        test.ron:2:34: default_value: noise works in formulas and scripts only, not in fields
    Metric(name: "m", default_value: "{3 +}")
        test.ron:2:39: default_value: the expression "3 +" is wrong: it ends too early
    Metric(name: "m", default_value: "{[1, 2]}")
        test.ron:2:34: default_value: expected a finite number (or a size, as in "1.5GiB"), found 1,2
    Metric(name: "m", default_value: "{while true { }}")
        test.ron:2:36: default_value: the expression "while true { }" is wrong: unexpected 'while'
    Metric(name: "m", scenario: script(source: 5))
        test.ron:2:44: expected a script in quotes, found 5
    Metric(name: "m", scenario: script(source: r#"
        let x = 1;
        x + * 2
    "#))
        test.ron:4:9: the script is wrong: unexpected '*'
    Metric(name: "m", scenario: script(source: "let a = 1; a + vlaue"))
        test.ron:2:60: unknown name "vlaue" in an expression; did you mean "value"?
    Metric(name: "m", scenario: script(source: "fn f() { 1 } f()"))
        test.ron:2:45: the script is wrong: number of functions defined exceeds maximum limit
    Metric(name: "m", metric_type: histogram, observations: "\"many\"")
        test.ron:2:57: the expression does not give a number: gives the text "many", not a number
    "##);
}

#[test]
fn compositions_are_checked() {
    let said = |scenario: &str| {
        said(&with_metrics(&format!("Metric(name: \"n\"), Metric(name: \"m\", scenario: {scenario})")))
    };
    insta::assert_snapshot!(said("sum(of: [])"), @"test.ron:2:48: sum: of must have at least one scenario");
    insta::assert_snapshot!(said("sum(of: sine_wave)"), @"test.ron:2:56: of takes a list of scenarios, found sine_wave");
    insta::assert_snapshot!(said("sum(of: [sine_wav, random_in_range])"), @r#"
    test.ron:2:57: unknown scenario "sine_wav"; did you mean "sine_wave"?
    test.ron:2:67: random_in_range: needs the metric's value_range, as in (0, 100), or its own value_range
    "#);
    insta::assert_snapshot!(said("product(of: [relay_to_other_metric(source_metric_name: \"n\")])"), @"test.ron:2:48: product: relay_to_other_metric cannot be a part; give it a metric of its own, or read links.NAME");
    insta::assert_snapshot!(said("clamp(of: sine_wave, range: (5, 1))"), @"test.ron:2:76: range (5, 1) has low above high; write (1, 5)");
    insta::assert_snapshot!(said("delay(of: sine_wave, by: 0)"), @"test.ron:2:48: delay: by must be longer than 0 and not endless, but is 0s");
    insta::assert_snapshot!(said("seasonal(hours: [1, 2])"), @"test.ron:2:48: seasonal: hours takes 24 numbers, but there are 2");
    insta::assert_snapshot!(said("seasonal(time_zone: \"Europe/Atlantis\")"), @r#"test.ron:2:48: seasonal: unknown time_zone "Europe/Atlantis"; write one of the tz database, as in Europe/Berlin"#);
    insta::assert_snapshot!(said("burst(interval: 5, duration: 10)"), @"test.ron:2:48: burst: interval must be longer than duration, 10s, and not endless, but is 5s");
    insta::assert_snapshot!(said("brownian"), @"test.ron:2:48: brownian: needs the metric's value_range, as in (0, 100), or its own base");
}

#[test]
fn listeners_to_events_that_never_come_are_warnings() {
    let text = r#"Config(hosts: [
        Host(name: "till", listen_events: { "feature_onn": emit("sale_begins"), "feature_off": when("t > 5", emit("sale_ends")) },
            metrics: [Metric(name: "m", scenario: feature_toggle)]),
        Host(name: "web", metrics: [
            Metric(name: "n", listen_events: ["sale_begin"], scenario: calc_by_event(events_config: { "sale_ends@tilll": "1" })),
            Metric(name: "o", value_range: (0, 1), scenario: load_peak_cpu),
            Metric(name: "p", listen_events: ["run_started", "sale_ends@till"]),
        ]),
    ])"#;
    insta::assert_snapshot!(said(text), @r#"
    test.ron:2:45: event "feature_onn" is never emitted; did you mean "feature_on"?
    test.ron:5:47: event "sale_begin" is never emitted; did you mean "sale_begins"?
    test.ron:5:103: event "sale_ends" is expected from host "tilll", which does not exist; did you mean "till"?
    "#);
    let any = text.replace(
        "Metric(name: \"m\"",
        "Metric(name: \"s\", scenario: script(source: \"emit(`e-${t}`)\")), Metric(name: \"m\"",
    );
    insta::assert_snapshot!(said(&any), @r#"test.ron:5:103: event "sale_ends" is expected from host "tilll", which does not exist; did you mean "till"?"#);
}

#[test]
fn events_of_clients_are_expected_from_their_source() {
    let warnings = |listener: &str| {
        warnings_of(&format!(
            "Metric(name: \"m\", scenario: calc_by_event(events_config: {{ {listener}: \"1\" }}))"
        ))
        .join("\n")
    };
    assert_eq!(warnings("\"sale@api\""), "");
    for source in ["ctl", "apii"] {
        let said = warnings(&format!("\"host_started@{source}\""));
        let expected =
            format!("event \"host_started\" is expected from host \"{source}\", which does not exist");
        assert!(said.contains(&expected) && said.contains("api"), "{said}");
    }
    assert_eq!(warnings("\"sale\""), "", "a client may emit it");
    assert!(warnings("\"host_startd\"").contains("did you mean \"host_started\"?"));
}

#[test]
fn fields_of_a_config_in_braces_and_words_without_quotes_get_the_text_to_write() {
    insta::assert_snapshot!(said(r#"{ "hosts": [{ "name": "a" }], "levers": {} }"#), @"test.ron:1:1: the fields of a config stand in Config(…), not in braces; write Config(hosts: [Host(…)])");
    insta::assert_snapshot!(said("{ hosts: [] }"), @"test.ron:1:1: the fields of a config stand in Config(…), not in braces; write Config(hosts: [Host(…)])");
    let metric = |fields: &str| said(&with_metrics(&format!("Metric(name: \"m\", {fields})")));
    insta::assert_snapshot!(metric("default_value: n"), @r#"test.ron:2:34: default_value: expected a finite number (or a size, as in "1.5GiB"), found text "n"; for the value of a name write "{n}""#);
    insta::assert_snapshot!(metric("repeat: Repeat(var: i, from: 1, to: hosts)"), @r#"test.ron:2:55: to: expected a whole number, found text "hosts"; for the value of a name write "{hosts}""#);
    insta::assert_snapshot!(metric("exemplars: True, update_interval: soon"), @r#"
    test.ron:2:30: exemplars: expected true or false, found text "True"; write true
    test.ron:2:53: update_interval: "soon" is not a duration; write 15m, 90s, 1h30m, inf, or seconds; for the value of a name write "{soon}"
    "#);
}

#[test]
fn invalid_numbers_and_times_are_refused() {
    let said = |field: &str| said(&with_metrics(&format!("Metric(name: \"m\", {field})")));
    for (field, expected) in [
        ("default_value: NaN", "default_value: expected a finite number"),
        ("default_value: \"{0.0 / 0.0}\"", "default_value: expected a finite number"),
        ("value_range: (0, 1e400)", "number 1e400 is too large"),
        ("value_range: (-1.7e308, 1.7e308)", "is too wide"),
        ("update_interval: \"0s\"", "update_interval must be 1ms or longer"),
        ("update_interval: \"1e300s\"", "is not a duration"),
        ("duration: \"99999999999999y\"", "is not a duration"),
        ("start_time: -5", "expected a duration of 0 or more seconds"),
        ("start_time: 1e300", "expected a duration of 0 or more seconds"),
        ("labels: { \"__x\": \"1\" }", "label name \"__x\" is not allowed"),
        ("labels: { \"address\": \"1\" }", "label \"address\" is set by promemu itself"),
    ] {
        let said = said(field);
        assert!(said.contains(expected), "{field}: {said}");
    }
}

fn warnings_of(metrics: &str) -> Vec<String> {
    plan_of(&with_metrics(metrics), &[]).unwrap().warnings
}

#[test]
fn an_entry_for_an_event_that_another_always_takes_is_a_warning() {
    let switch = |entries: &str| {
        warnings_of(&format!(
            "Metric(name: \"e\", scenario: script(source: \"emit(`${{t}}`)\")), Metric(name: \"m\", scenario: switch_scenario_by_events(events_config: {{ {entries} }}))"
        ))
    };
    let unreachable = "this entry is never reached: one above it is for event \"e\", too";
    for (entries, is_reached) in [
        (r#""e": (duration: 1), "e@any": (duration: 2)"#, false),
        (r#""e@any": time_duration, "e@promemu": sine_wave, "e": do_nothing"#, false),
        (r#""e": (when: "t > 3"), "e@any": (duration: 2)"#, true),
        (r#""e": (duration: 1), "e@own": (duration: 2), "e@promemu": (duration: 3)"#, true),
    ] {
        let said = switch(entries);
        assert_eq!(said.is_empty(), is_reached, "{entries}: {said:?}");
        assert!(said.iter().all(|warning| warning.ends_with(unreachable)), "{said:?}");
    }
    let calc = r#"Metric(name: "m", scenario: calc_by_event(events_config: { "host_started": "1", "host_started@own": "2" }))"#;
    assert!(warnings_of(calc)[0].contains("never reached"), "{:?}", warnings_of(calc));
}

#[test]
fn a_counter_that_stays_where_it_begins_is_a_warning() {
    let counter =
        |fields: &str| warnings_of(&format!("Metric(name: \"m_total\", metric_type: counter, {fields})"));
    insta::assert_snapshot!(counter("default_value: 5").join("\n"), @"test.ron:2:62: the counter stays at 5, since it has no scenario; if each update is to add 5, write scenario: random_in_range(value_range: (5, 5))");
    assert_eq!(counter("default_value: 0.5, listen_events: [\"host_started\"]").len(), 1);
    assert!(counter("value_range: (-3, 0), scenario: random_in_range")[0].contains("raise its high end"));
    assert!(counter("value_range: (-inf, -1), scenario: sine_wave")[0].contains("raise its high end"));
    for fields in [
        "value_range: (0, 0), scenario: time_duration",
        "default_value: 5, scenario: random_in_range(value_range: (0, 1))",
        "default_value: 0",
    ] {
        assert!(counter(fields).is_empty(), "{fields}: {:?}", counter(fields));
    }
}

#[test]
fn a_source_without_the_end_that_a_relay_asks_for_is_an_error() {
    let relay = |source: &str, formula: &str| {
        said(&with_metrics(&format!(
            "Metric(name: \"a\" {source}), Metric(name: \"m\", scenario: relay_to_other_metric(source_metric_name: \"a\", calc_function: \"{formula}\"))"
        )))
    };
    assert!(
        relay("", "value / source.high")
            .contains("source.high needs the source metric's value_range with a high end")
    );
    assert!(relay(", value_range: (0, inf)", "value / source.high").contains("with a high end"));
    assert!(relay(", value_range: (-inf, 0)", "value - source.low").contains("with a low end"));
    let script = said(&with_metrics("Metric(name: \"m\", scenario: script(source: \"source.low\"))"));
    assert!(script.contains("unknown name \"source\""), "{script}");
}

#[test]
fn a_long_text_is_shortened_in_messages() {
    let long = "x".repeat(1_000_000);
    let message = said(&with_metrics(&format!("Metric(name: \"m\", default_value: \"{long}\")")));
    assert!(message.len() < 300, "{} bytes", message.len());
    let message = said(&with_metrics(&format!("Metric(name: \"m\", default_value: \"{{ {long} }}\")")));
    assert!(message.len() < 500, "{} bytes", message.len());
    let message = said(&format!("Config(hosts: [Host(name: \"{long}\", {long}: 1)])"));
    assert!(message.len() < 500, "{} bytes", message.len());
}

#[test]
fn scenario_kinds_have_unique_names() {
    for (n, kind) in KINDS.iter().enumerate() {
        assert!(KINDS[..n].iter().all(|other| other.name != kind.name), "{}", kind.name);
    }
}

#[test]
fn a_field_under_another_name_is_said_once_with_its_own() {
    let host = |fields: &str| format!("Config(levers: {{ \"load\": 1 }}, hosts: [Host({fields})])");
    let metric = |fields: &str| host(&format!("name: \"a\", metrics: [Metric({fields})]"));
    for (text, meant) in [
        (metric("name: \"m_total\", type: counter, accumulate: per_second"), "metric_type"),
        (metric("name: \"m\", kind: histogram, buckets: [1]"), "metric_type"),
        (metric("id: \"m\""), "name"),
        (metric("name: \"m\", scenario: script(code: \"1\")"), "source"),
        (metric("name: \"m\", scenario: sine_wave(perod: 60)"), "period"),
        (
            metric(
                "name: \"m\", metric_type: summary, observations: \"5\", spread: lognormal(median: 1, p95: 2)",
            ),
            "p99",
        ),
        (metric("repeat: Repeat(name: \"i\", from: 1, to: 2), name: \"m{i}\""), "var"),
        (host("hostname: \"a\", metrics: [Metric(name: \"m\")]"), "name"),
        (
            host("name: \"a\", pools: [Pool(name: \"x-{slot}\", size: 3, metrics: [Metric(name: \"m\")])]"),
            "count",
        ),
        (
            metric("name: \"m\"").replace(
                "levers:",
                "faults: [Fault(name: \"f\", set: { \"load\": 2 }, at: \"1m\", lasts: \"1m\")], levers:",
            ),
            "id",
        ),
        (metric("name: \"m\"").replace("levers:", "args: { \"n\": Arg(value: 1) }, levers:"), "default"),
    ] {
        let said = said(&text);
        assert_eq!(said.lines().count(), 1, "{text}: {said}");
        assert!(said.ends_with(&format!("; did you mean {meant:?}?")), "{text}: {said}");
    }
}

#[test]
fn a_wrong_part_is_said_once() {
    for metric in [
        r#"Metric(name: "m", scenario: calc_by_event(events_config: { "host_started": "x+" }))"#,
        r#"Metric(name: "m", scenario: sum(of: [sine_wav]))"#,
        r#"Metric(name: "m", scenario: switch_scenario_by_events(events_config: { "host_started": nothing_known }))"#,
        r#"Metric(name: "m", scenario: calc_by_event(events_config: { "{1 +}": "1" }))"#,
        r#"Metric(name: "m", value_range: (0, "5KB"), scenario: random_in_range)"#,
        r#"Metric(name: "m", value_range: 5, default_value: 50, scenario: random_walk)"#,
        r#"Metric(name: "n", value_range: ("lots", 9)), Metric(name: "m", scenario: relay_to_other_metric(source_metric_name: "n", calc_function: "source.high"))"#,
    ] {
        let said = said(&with_metrics(metric));
        assert_eq!(said.lines().count(), 1, "{metric}: {said}");
        assert!(!said.contains("must"), "{said}");
    }
}

#[test]
fn a_url_that_no_client_can_use_is_an_error_of_the_config() {
    let config = |url: &str| {
        format!(
            "Config(pushgateway_url: \"{url}\", hosts: [Host(name: \"a\", metrics: [Metric(name: \"m\")])])"
        )
    };
    for url in [
        "ftp://x",
        "",
        "http://",
        "http://:9091",
        "https://gw:port",
        "gw:99999",
        "file:///tmp/x",
        "http://a b",
    ] {
        let said = said(&config(url));
        assert!(
            said.starts_with("test.ron:1:25: pushgateway_url must be an http or https URL"),
            "{url}: {said}"
        );
    }
    for url in ["http://gw:9091", "https://me:secret@gw/prefix", "gw:9091", "http://[::1]:9091", "HTTP://gw"]
    {
        assert!(plan_of(&config(url), &[]).is_ok(), "{url}");
    }
}

#[test]
fn a_config_without_metrics_is_a_warning_and_its_estimate_has_no_sign() {
    let loaded = plan_of("Config(hosts: [Host(name: \"a\")])", &[]).unwrap();
    assert!(loaded.warnings[0].contains("no host has a metric"), "{:?}", loaded.warnings);
    let estimate = crate::estimate::Estimate::of(&loaded.plan, crate::time::Span::from_secs(15)).to_string();
    assert!(estimate.contains("; 0.0 values/s") && !estimate.contains('-'), "{estimate}");
}

#[test]
fn a_mark_of_the_encoding_is_no_part_of_a_config() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &[u8]| std::fs::write(dir.path().join(name), text).unwrap();
    let config = "Config(include: [\"sets\"], hosts: [Host(name: \"a\", metric_sets: [\"s\"])])";
    write("marked.ron", format!("\u{feff}{config}").as_bytes());
    write("sets.ron", "\u{feff}Include(metric_sets: { \"s\": [Metric(name: \"m\")] })".as_bytes());
    write("wide.ron", b"\xff\xfeC\0");
    let dirs = ConfigDirs::new(Some(dir.path().to_owned()));
    let options = LoadOptions::starting_at(crate::time::Time::from_unix_secs(1_767_600_000));
    assert_eq!(names(&dirs.load("marked", &options).unwrap().plan), ["a"]);
    let wide = dirs.load("wide", &options).unwrap_err();
    assert_eq!(std::error::Error::source(&wide).unwrap().to_string(), "the file is UTF-16; save it as UTF-8");
    let text = "\u{feff}Config(hosts: [Host(name: \"b\", metrics: [Metric(name: \"m\")])])";
    assert_eq!(names(&plan_of(text, &[]).unwrap().plan), ["b"]);
}

#[test]
fn a_folder_that_cannot_be_read_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let cycle = dir.path().join("cycle");
    std::os::unix::fs::symlink(&cycle, &cycle).unwrap();
    for folder in [&file, &cycle] {
        let error = ConfigDirs::new(Some(folder.clone())).open("no_such_config").unwrap_err().to_string();
        let expected = format!("the folder {} cannot be read; check its path and mode", folder.display());
        assert!(error.contains(&expected), "{error}");
    }
    let away = ConfigDirs::new(Some(dir.path().join("away"))).open("no_such_config").unwrap_err();
    assert!(matches!(away, ConfigError::NotFound { .. }), "{away}");
}

#[test]
fn a_config_nested_too_deeply_is_told_without_a_library() {
    let deep = format!("Config(hosts: {}{})", "[".repeat(500), "]".repeat(500));
    assert!(said(&deep).contains("nested too deeply"), "{}", said(&deep));
    let deep = format!("Config(args: {{ \"a\": {}1{} }})", "(x: ".repeat(300), ")".repeat(300));
    assert!(!said(&deep).contains("serde"), "{}", said(&deep));
}

#[test]
fn words_of_other_languages_get_the_spelling_that_a_config_takes() {
    let arg = |fields: &str| {
        said(&format!(
            "Config(args: {{ \"b\": {fields} }}, hosts: [Host(name: \"h\", metrics: [Metric(name: \"m\")])])"
        ))
    };
    insta::assert_snapshot!(arg("Arg(default: True)"), @"test.ron:1:34: default: True is text; write true");
    insta::assert_snapshot!(arg("FALSE"), @"test.ron:1:21: default: FALSE is text; write false");
    assert_eq!(arg("Arg(default: \"True\")"), "");
    assert!(said("Config(cleanup_on_start: True, hosts: [])").contains("found text \"True\"; write true"));
    let script = |source: &str| {
        said(&with_metrics(&format!("Metric(name: \"m\", scenario: script(source: \"{source}\"))")))
    };
    insta::assert_snapshot!(script("if False { 1.0 }"), @r#"test.ron:2:48: unknown name "False" in an expression; write false"#);
    let unquoted = |field: &str| said(&with_metrics(&format!("Metric(name: \"m\", {field})")));
    for (field, number) in [
        ("default_value: 1KB", "1KB"),
        ("value_range: (0, 1.5GiB)", "1.5GiB"),
        ("update_interval: 10m", "10m"),
        ("update_interval: 1h30m", "1h30m"),
    ] {
        let expected = format!("a number with a unit is text; write {number:?}");
        assert!(unquoted(field).ends_with(&expected), "{field}: {}", unquoted(field));
    }
    assert!(unquoted("labels: { \"a\": 5 \"b\": 1 }").contains("expected a comma"));
    assert_eq!(unquoted("default_value: 1e3, value_range: (0x10, 1_000)"), "");
}

#[test]
fn a_list_looks_into_configs_of_a_bounded_size_and_shows_their_first_problems() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    let padded = |mib: usize| {
        format!(
            "Config(hosts: [Host(name: \"a\", metrics: [Metric(name: \"m\")])]) /*{}*/",
            "x".repeat(mib << 20)
        )
    };
    write("large.ron", &padded(4));
    (0..12).for_each(|n| write(&format!("many_{n}.ron"), &padded(3)));
    let fields = (0..50).map(|n| format!("f{n}: 1")).collect::<Vec<_>>().join(", ");
    write("wrong.ron", &format!("Config({fields})"));
    let listed = ConfigDirs::new(Some(dir.path().to_owned())).list();
    let error = |name: &str| {
        let config = listed.iter().find(|config| config.name == name).unwrap();
        config.classes.clone().err().unwrap_or_default()
    };
    assert!(error("large").contains("it has more than 4 MiB"), "{}", error("large"));
    assert_eq!(error("many_0"), "");
    assert!(error("many_9").ends_with("have more than 33554432 bytes together"), "{}", error("many_9"));
    assert_eq!(error("wrong").lines().count(), 11);
    assert!(error("wrong").ends_with("more problems; promemu check wrong shows them"), "{}", error("wrong"));
}

#[test]
fn a_config_that_is_no_regular_file_is_named_as_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = |name: &str| {
        let path = dir.path().join(name);
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        path.display().to_string()
    };
    let (named, _in_folder) = (pipe("pipe"), pipe("inner.ron"));
    let dirs = ConfigDirs::new(Some(dir.path().to_owned()));
    for (name, kind) in [
        (&*named, "a pipe"),
        ("inner", "a pipe"),
        ("/dev/zero", "a device"),
        (&*dir.path().display().to_string(), "a folder"),
    ] {
        let Err(crate::error::ConfigError::Unreadable { source, .. }) = dirs.open(name) else {
            panic!("{name} is read")
        };
        assert!(source.to_string().contains(kind), "{name}: {source}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table of all hints")]
fn a_habit_of_another_language_gets_the_text_to_write() {
    let said = |metric: &str, want: &str| {
        let config =
            format!("Config(levers: {{ \"load\": 1.0 }}, hosts: [Host(name: \"a\", metrics: [{metric}])])");
        let said = said(&config);
        assert!(said.contains(want) && (!want.is_empty() || said.is_empty()), "{metric}: {said}");
    };
    let field = |field: &str, want: &str| said(&format!("Metric(name: \"m\", {field})"), want);
    let script = |text: &str, want: &str| field(&format!("scenario: script(source: {text:?})"), want);
    for (text, want) in [
        ("25 * load", "write run.load for the lever"),
        ("random.uniform(1, 2)", "random is a function; write its arguments behind it, as in random(…)"),
        ("max + 1", "max is a function"),
        ("Math.sin(t)", "functions are called without Math, as in sin(t)"),
        ("value > 1 ? 2 : 3", "a choice is written if a > b { x } else { y }"),
        ("2 if value > 1 else 3", "a choice is written if a > b { x } else { y }"),
        ("if value > 1 and t < 2 { 1 } else { 2 }", "write && in place of and"),
        ("value > 1 or t < 2", "write || in place of or"),
        ("if not (value > 1) { 1 } else { 2 }", "there is no operator not; write !"),
        ("if not storage.a { 1 } else { 2 }", "write ! in place of not"),
        ("if event.name == 'GET' { 1 } else { 2 }", "stands in backticks; write `GET`"),
        ("if 'deploy' == event.name { 1 } else { 2 }", "stands in backticks; write `deploy`"),
    ] {
        script(text, want);
    }
    for (text, want) in [
        ("default_value: \"0.1s\"", "numbers of seconds have no unit; write 0.1"),
        ("default_value: \"100ms\"", "numbers of seconds have no unit; write 0.1"),
        ("default_value: \"20%\"", "write 20 in percent, or 0.2 as a share of 1"),
        ("default_value: \"2.5 %\"", "write 2.5 in percent, or 0.025 as a share of 1"),
        ("default_value: \"1Gi\"", "write 1GiB"),
        ("default_value: \"500Mi\"", "write 500MiB"),
        ("default_value: \"3 * 4\"", "an expression in a field stands in braces; write \"{3 * 4}\""),
        (
            "scenario: sine_wave(offset: \"run.load\")",
            "stands in a script, as in script(source: \"run.load\")",
        ),
        (
            "scenario: sine_wave(offset: \"value + 1\")",
            "stands in a script, as in script(source: \"value + 1\")",
        ),
        ("scenario: script(\"100 * run.load\")", "by name; write script(source: \"100 * run.load\")"),
        ("scenario: random_walk(3)", "random_walk takes its parameters by name; write random_walk("),
        ("decimals: null", "leave the field out for no value"),
        ("default_value: none", "leave the field out for no value"),
        ("help: \"x\"", "did you mean \"description\"?"),
        ("interval: 5", "did you mean \"update_interval\"?"),
        ("labels: { \"a\": \"{i:02d}\" }", "write {i:02}"),
        ("labels: { \"a\": \"{i:.2f}\" }", "write {i:.2}"),
    ] {
        field(text, want);
    }
    for (text, want) in [
        ("rand(1, 2)", "1:111: there is no function rand; write random(low, high)"),
        ("if t > 1e9 { sinn(t) } else { 1 }", "1:124: there is no function sinn; did you mean \"sin\"?"),
        ("let a = [1]; a.pushh(2); a.len()", "there is no function pushh"),
        ("value ^ 2", "there is no operator ^ (f64, i64); write pow(a, b)"),
        ("t ^ 0.5", "there is no operator ^ (f64, f64); write pow(a, b)"),
    ] {
        script(text, want);
    }
    let good = "let a = [1, 2]; a.push(3); a.insert(0, 1); let m = #{ x: 1 }; print(type_of(a)); \
                if is_def_var(\"m\") && a.contains(2) { m.keys().len() + a.pop() } else { a.len() + (6 ^ 3) + sleep(1) }";
    script(good, "");
    let run = |fault: &str| error_of(&format!("Config(faults: [{fault}], hosts: [Host(name: \"a\")])"), &[]);
    assert!(run("Fault(id: \"f\", kind: gap, start: 1)").contains("did you mean \"at\"?"));
    assert!(run("Fault(id: \"f\", kind: gap, at: 1, duration: 1)").contains("did you mean \"lasts\"?"));
}

#[test]
fn a_very_large_number_is_short_in_messages() {
    for (metric, want) in [
        ("scenario: random_walk(step: -1e300)", "step must not be negative, but is -1e+300"),
        (
            "scenario: variety_selection(values: [1, 2], change_probability: 1e300)",
            "change_probability must be from 0 to 1, but is 1e+300",
        ),
        (
            "metric_type: native_histogram, zero_threshold: -1e300",
            "zero_threshold must be 0 or above, but is -1e+300",
        ),
        (
            "metric_type: histogram, observations: \"1e300\"",
            "observations must be from 0 to 1000000, but is 1e+300",
        ),
    ] {
        let said = said(&with_metrics(&format!("Metric(name: \"m\", {metric})")));
        assert!(said.contains(want), "{metric}: {said}");
    }
    for (host, want) in [
        (
            "faults: [gap(at: 1, lasts: 5, probability: 1e300)]",
            "probability must be above 0 and 1 at most, but is 1e+300",
        ),
        (
            "pools: [Pool(count: 1, replace_every: 5, replace_share: 1e300, labels: { \"s\": \"{slot}\" }, metrics: [Metric(name: \"p\")])]",
            "replace_share must be above 0 and 1 at most, but is 1e+300",
        ),
    ] {
        let said = said(&format!("Config(hosts: [Host(name: \"a\", {host})])"));
        assert!(said.contains(want), "{host}: {said}");
    }
}
