//! Levers, faults of the run, and actions: what is refused, with its place.

use super::*;

/// The problems of a config with these fields, whose host `web-1` has the metric `m_total` and these fields.
fn said(fields: &str, host: &str) -> String {
    let text = format!(
        "Config({fields}\nhosts: [Host(name: \"web-1\", metrics: [Metric(name: \"m_total\", metric_type: counter)], {host})])"
    );
    plan_of(&text, &[]).map_or_else(|error| error.to_string(), |loaded| loaded.warnings.join("\n"))
}

#[test]
fn levers_and_faults_are_checked_with_their_places() {
    let levers = "levers: { \"load\": 1, \"latency\": 0.1 }, ";
    for (fault, expected) in [
        ("Fault(at: 1, set: { \"load\": 1 })", "test.ron:1:56: Fault needs a field \"id\""),
        ("Fault(id: \"a\")", "test.ron:1:56: the fault changes nothing; add set, times or plus"),
        ("Fault(id: \"a\", set: { \"laod\": 1 })", "unknown lever \"laod\"; did you mean \"load\"?"),
        ("Fault(id: \"a\", set: { \"load\": ramp(to: 5) })", "ramp needs a field \"over\""),
        (
            "Fault(id: \"a\", set: { \"load\": rampp(to: 5, over: 1) })",
            "unknown curve \"rampp\"; did you mean \"ramp\"?",
        ),
        (
            "Fault(id: \"a\", set: { \"load\": ramp(5, \"1m\") })",
            "ramp has its values by name, as in ramp(to: 5, over: \"1m\")",
        ),
        (
            "Fault(id: \"a\", set: { \"load\": sine(60, 2) })",
            "sine has its values by name, as in sine(period: \"10m\", amplitude: 2)",
        ),
        ("Fault(id: \"a\", set: { \"load\": curve([(5, 1), (5, 2)]) })", "the times of a curve must grow"),
        ("Fault(id: \"a\", set: { \"load\": curve([5]) })", "a point of a curve is a pair"),
        ("Fault(id: \"a\", set: { \"load\": \"inf\" })", "finite number"),
        (
            "Fault(id: \"a\", set: { \"load\": sine(period: 0, amplitude: 1) })",
            "period must be 1ms or longer",
        ),
        ("Fault(id: \"a\", lasts: 0, set: { \"load\": 1 })", "lasts must be 1ms or longer"),
        ("Fault(id: \"a\", at: \"inf\", set: { \"load\": 1 })", "at must not be endless"),
        ("Fault(id: \"a\", every: 5, set: { \"load\": 1 })", "every needs lasts"),
        ("Fault(id: \"a\", every: 5, lasts: 6, set: { \"load\": 1 })", "the fault would overlap itself"),
        (
            "Fault(id: \"a\", set: { \"load\": 1 }, hosts: \"wep-*\")",
            "no host matches \"wep-*\"; expected web-1",
        ),
        (
            "Fault(id: \"a\", set: { \"load\": 1 }, hosts: [\"web-*\", \"zone=x\"])",
            "no host matches \"zone=x\"",
        ),
        ("Fault(id: \"a\", set: { \"load\": 1 }, hosts: \"web-[1\")", "\"web-[1\" is not a pattern of hosts"),
        (
            "Fault(id: \"a\", set: { \"load\": 1 }), Fault(id: \"a\", plus: { \"load\": 1 })",
            "two faults are called \"a\"",
        ),
        (
            "Fault(id: \"a\", set: { \"load\": 1 }, hosts: [])",
            "hosts is empty; name one, or leave the field out",
        ),
        ("gap(every: 10, lasts: 1)", "test.ron:1:56: gap is a kind; write Fault(id: …, kind: gap), or move"),
        ("host_down", "test.ron:1:56: host_down is a kind; write Fault(id: …, kind: host_down)"),
        ("Fault(id: \"a\", sets: { \"load\": 1 })", "Fault has no field \"sets\"; did you mean \"set\"?"),
    ] {
        let said = said(&format!("{levers}faults: [{fault}],"), "");
        assert!(said.contains(expected), "{fault}: {said}");
    }
    assert_eq!(said(&format!("{levers}faults: [Fault(id: \"a\", set: {{ \"load\": 1 }})],"), ""), "");
    assert!(said("levers: { \"a b\": 1 },", "").contains("a lever cannot be called \"a b\""));
    assert!(said("levers: { \"a\": \"x\" },", "").contains("test.ron:1:23"));
}

#[test]
fn kinds_of_faults_are_checked_for_each_host_with_their_places() {
    for (fault, host, expected) in [
        (
            "Fault(id: \"a\", at: 1, kind: gap(lasts: 5))",
            "",
            "test.ron:1:49: lasts belongs to the Fault: write it beside kind, not inside of gap",
        ),
        ("Fault(id: \"a\", kind: flapping(at: 1, up: 1, down: 1))", "", "at belongs to the Fault"),
        ("Fault(id: \"a\", at: 1, kind: gap(on: \"go\"))", "", "a fault of the run has no on"),
        (
            "Fault(id: \"a\", at: 1, kind: gap(jitter: 1))",
            "",
            "jitter belongs to the Fault: write it beside kind, not inside of gap",
        ),
        ("Fault(id: \"a\", at: 1, kind: gapp)", "", "unknown fault \"gapp\"; did you mean \"gap\"?"),
        ("Fault(id: \"a\", at: 1, kind: late)", "", "late needs by"),
        ("Fault(id: \"a\", kind: gap)", "", "gap needs at, every or on: the time of the fault"),
        (
            "Fault(id: \"a\", at: 1, lasts: 2, kind: counter_reset)",
            "",
            "counter_reset is over when it has begun; leave out lasts",
        ),
        ("Fault(id: \"a\", at: 1, kind: nan(probability: 2))", "", "probability must be above 0"),
        (
            "Fault(id: \"a\", at: 1, kind: gap(metrics: [\"x\"]))",
            "",
            "fault \"a\" on host \"web-1\": the host has no metric \"x\"",
        ),
        (
            "Fault(id: \"a\", at: 1, kind: kill)",
            "",
            "fault \"a\" on host \"web-1\": kill is for a host with a model of processes",
        ),
        (
            "Fault(id: \"a\", at: 1, kind: late(by: \"1h\"))",
            "interval: 1",
            "fault \"a\" on host \"web-1\": late would keep 1000 reports or more waiting",
        ),
        (
            "Fault(id: \"a\", at: 1, kind: late(by: 1))",
            "pools: [Pool(count: 1, labels: { \"l\": \"{slot}\" }, metrics: [Metric(name: \"x\")])]",
            "fault \"a\" on host \"web-1\": late is for hosts without pools",
        ),
        (
            "Fault(id: \"a\", at: 1, kind: counter_reset)",
            "), Host(name: \"db\", metrics: [Metric(name: \"g\")]",
            "fault \"a\" on host \"db\": the host has no counter or histogram",
        ),
    ] {
        let said = said(&format!("faults: [{fault}],"), host);
        assert!(said.contains(expected), "{fault}: {said}");
    }
}

#[test]
fn hosts_with_equal_parts_of_the_run_share_one() {
    let text = r#"Config(
    faults: [Fault(id: "gone", at: "20m", lasts: "1m", hosts: "web-[12]", kind: host_down)],
    hosts: [Host(repeat: Repeat(var: "i", from: 1, to: 4), name: "web-{i}", metrics: [Metric(name: "x", labels: { "n": "{i}" })])])"#;
    let loaded = plan_of(text, &[]).unwrap();
    let parts: Vec<_> = loaded.plan.hosts.iter().map(|host| host.run.as_ref()).collect();
    let shown: Vec<usize> = loaded.plan.hosts.iter().map(|host| host.faults().count()).collect();
    assert_eq!((shown, loaded.warnings), (vec![1, 1, 0, 0], Vec::new()));
    assert!(parts[2].is_none() && parts[3].is_none());
    assert!(std::sync::Arc::ptr_eq(parts[0].unwrap(), parts[1].unwrap()), "of different shapes");
    assert!(loaded.plan.hosts.iter().all(|host| host.shape.faults.is_empty()));
}

#[test]
fn names_of_levers_are_checked_where_formulas_read_them() {
    let levers = "levers: { \"load\": 1 },";
    let with = |levers: &str, source: &str| {
        said(
            levers,
            &format!(
                "storage: {{ \"x\": 1 }}, listen_events: {{ \"run_started\": when(\"{source}\", emit(\"a\")) }}"
            ),
        )
    };
    assert_eq!(with(levers, "run.load > 1"), "");
    let unknown = with(levers, "run.laod > 1");
    assert!(
        unknown.contains("test.ron:2:") && unknown.contains("unknown lever \"laod\"; did you mean \"load\"?"),
        "{unknown}"
    );
    assert!(with("", "run.load > 1").contains("the config has no levers"));
    assert!(with(levers, "run > 1").contains("run is written with a lever's name behind it"));
    let in_field = said(levers, "ttl: \"{run.load}\"");
    assert!(in_field.contains("it is for formulas and scripts"), "{in_field}");
    let argument = said("args: { \"run\": Arg(default: 1) },", "");
    assert!(argument.contains("an argument cannot be called \"run\""), "{argument}");
}

#[test]
fn a_script_that_assigns_to_what_it_only_reads_is_refused() {
    let said = |script: &str| {
        let metric = format!("Metric(name: \"a\", scenario: script(source: {script:?}))");
        let text = format!(
            "Config(levers: {{ \"load\": 1 }}, args: {{ \"factor\": Arg(default: 2) }}, hosts: [Host(name: \"h\", metrics: [\n{metric}])])"
        );
        plan_of(&text, &[]).map_or_else(|error| error.to_string(), |_| String::new())
    };
    let place = |at: usize| {
        format!("test.ron:2:{}: ", "Metric(name: \"a\", scenario: script(source: \"".len() + 1 + at)
    };
    for (script, at, expected) in [
        (
            "run.load = 3",
            0,
            "a script reads levers and cannot move them; move one by an action, as in lever(\"load\", 3)",
        ),
        ("if run.load > 2 { run.load += 1; } 1", 18, "a script reads levers"),
        ("let x = run.load; run['load'] = x; 1", 0, ""),
        ("value = 5", 0, "a script cannot assign to value; its last expression is the metric's new value"),
        ("let x = t; t *= 2; x", 11, "a script cannot assign to t, which comes from outside"),
        ("event.data.x = 2; 1", 0, "a script cannot assign to event,"),
        ("let y = factor; factor = y; 3", 16, "a script cannot assign to factor,"),
    ] {
        let said = said(script);
        if expected.is_empty() {
            assert!(!said.is_empty(), "{script}");
        } else {
            assert!(said.contains(&format!("{}{expected}", place(at))), "{script}: {said}");
        }
    }
    for script in [
        "storage.n = 3; storage.n",
        "let value = 3; value += run.load; value",
        "let t = #{}; t.a = 1; t.a",
        "for t in 0..3 { t += 1; } 2",
    ] {
        assert_eq!(said(script), "", "{script}");
    }
}

#[test]
fn actions_are_checked_with_their_places() {
    let levers = "levers: { \"load\": 1 },";
    for (action, expected) in [
        ("override(\"n\", 1)", "the host has no metric \"n\"; expected m_total"),
        (
            "override(\"m_total\", -1)",
            "metric \"m_total\" is a counter and takes 0 or more, but the value is -1",
        ),
        ("override(\"m_total\", 1, 0)", "the duration of an action must be longer than 0"),
        ("override(\"m_total\")", "action override is written as in override(\"metric\", 5)"),
        ("release(\"n\")", "the host has no metric \"n\""),
        ("lever(\"laod\", 1)", "unknown lever \"laod\"; did you mean \"load\"?"),
        ("lever(\"load\", \"inf\")", "finite number"),
        ("release_lever(\"laod\")", "unknown lever \"laod\""),
        ("down(\"x\")", "is not a duration"),
        ("stopp", "unknown action \"stopp\"; did you mean \"stop\"?"),
        ("stop(1)", "action stop is written as in stop"),
    ] {
        let said = said(levers, &format!("listen_events: {{ \"run_started\": {action} }}"));
        assert!(said.contains("test.ron:2:") && said.contains(expected), "{action}: {said}");
    }
    for action in [
        "override(\"m_total\", 1, \"2m\")",
        "release(\"m_total\")",
        "lever(\"load\", 3, \"5m\")",
        "release_lever(\"load\")",
        "down(\"5s\")",
        "down",
        "up",
        "stop",
    ] {
        assert_eq!(said(levers, &format!("listen_events: {{ \"run_started\": {action} }}")), "", "{action}");
    }
}

#[test]
fn levers_of_an_included_file_are_those_of_the_config_unless_it_has_its_own() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("more.ron"),
        r#"Include(levers: { "load": 2, "other": 5 }, metric_sets: {
        "set": [Metric(name: "m", scenario: script(source: "run.load + run.other"))] })"#,
    )
    .unwrap();
    let text =
        r#"Config(include: ["more"], levers: { "load": 3 }, hosts: [Host(name: "a", metric_sets: ["set"])])"#;
    std::fs::write(dir.path().join("main.ron"), text).unwrap();
    let file = ConfigFile::read(&dir.path().join("main.ron")).unwrap();
    let plan = plan_with(&file, &[]).unwrap().plan;
    let levers: Vec<_> = plan.levers.iter().map(|lever| (&*lever.name, lever.default)).collect();
    assert_eq!(levers, [("load", 3.0), ("other", 5.0)]);
}

#[test]
fn a_fault_about_some_hosts_is_six_lines_at_most() {
    let text = r#"Config(
    levers: { "error_ratio": 0.002, "latency": 1.0 },
    faults: [
        Fault(id: "slow", at: "3m", lasts: "5m", hosts: "web-*", set: { "error_ratio": 0.3 }, times: { "latency": ramp(to: 5, over: "2m") }),
    ],
    hosts: [Host(name: "web-1", metrics: [Metric(name: "failing", scenario: script(source: "run.error_ratio"))])])"#;
    let loaded = plan_of(text, &[]).unwrap();
    assert_eq!((loaded.plan.faults.len(), loaded.warnings.len()), (1, 0));
}

/// The places of the errors of a config, as `line:column`.
fn places(text: &str) -> Vec<String> {
    let error = plan_of(text, &[]).unwrap_err().to_string();
    let place = |line: &str| line.split(": ").next().unwrap().trim_start_matches("test.ron:").to_owned();
    error.lines().map(place).collect()
}

#[test]
fn each_error_of_a_fault_is_told_once_and_causes_no_other() {
    let text = r#"Config(levers: { "load": "5m", "wait": "{1.0 / 0}" }, faults: [
Fault(id: "a", set: { "load": ramp(to: 5) }),
Fault(id: "a", sets: { "load": 1 }),
Fault(id: "b", hosts: ["web-*", "zone=north"], set: { "load": 1 })],
hosts: [Host(name: "web-1", labels: { "zone": "{nort}" }, metrics: [Metric(name: "m", scenario: script(source: "run.load + run.wait"))])])"#;
    assert_eq!(places(text), ["1:26", "1:40", "2:31", "3:11", "3:16", "5:47"]);
    let unmatched = r#"Config(levers: { "load": 1 }, faults: [Fault(id: "a", hosts: ["db-*", "web-1", "x[", "y-*"], set: { "load": 1 })],
hosts: [Host(name: "web-1", metrics: [Metric(name: "m")])])"#;
    assert_eq!(places(unmatched), ["1:63", "1:80", "1:86"]);
}

#[test]
fn all_errors_of_a_host_are_told_at_once() {
    let text = r#"Config(hosts: [Host(name: "a", metrics: [Metric(name: "m")],
ttl: "{x}",
start_time: "{x}",
job_name: "{x}",
listen_events: { "e": [override("n", 1), down(0)], "f": release("n") },
faults: [
nan(probability: 2),
late(by: 0),
gap(every: 1, lasts: 2)],
storage: { "s": "{x}", "t": "{x}" })])"#;
    let lines: Vec<String> =
        places(text).iter().map(|place| place.split(':').next().unwrap().to_owned()).collect();
    assert_eq!(lines, ["2", "3", "4", "5", "5", "5", "7", "8", "9", "10", "10"]);
}
