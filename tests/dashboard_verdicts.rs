//! `promemu test` on Grafana dashboards: each query returns data where it should.

use std::path::Path;

use serde_json::{Value, json};

use crate::processes::promemu_command;
use crate::simulated::plugins;

/// Two hosts with a counter, a gauge and a histogram; one of them has no disk.
const CONFIG: &str = r#"Config(
    VERDICTS
    default_job_name: "shop", hosts: [
        Host(name: "web", interval: "15s", labels: { "zone": "a.1" }, metric_sets: ["service"],
            metrics: [Metric(name: "disk_used_bytes", value_range: (1, 9), scenario: random_in_range),
                      Metric(name: "disk_size_bytes", labels: { "device": "sda" }, value_range: (10, 19), scenario: random_in_range)]),
        Host(name: "db", interval: "15s", labels: { "zone": "b.1" }, metric_sets: ["service"])],
    metric_sets: { "service": [
        Metric(name: "requests_total", metric_type: counter, accumulate: per_second, value_range: (80, 120), scenario: random_walk),
        Metric(name: "error_ratio", value_range: (0, 0.1), scenario: random_in_range),
        Metric(name: "latency_seconds", metric_type: histogram, buckets: [0.1, 0.5, 1], observations: "10", value_range: (0.02, 1.2), scenario: random_in_range)] })"#;

/// A dashboard with these panels and variables.
fn dashboard(panels: &Value, variables: &Value) -> Value {
    json!({ "title": "Shop", "panels": panels, "templating": { "list": variables } })
}

/// A dashboard of one panel.
fn panel(expr: &str) -> Value {
    dashboard(&json!([{ "title": "Panel", "targets": [{ "expr": expr }] }]), &json!([zone()]))
}

fn zone() -> Value {
    json!({ "name": "zone", "type": "query", "query": "label_values(error_ratio, zone)", "includeAll": true, "multi": true })
}

/// The exit code of a test with verdicts, and the outcome and findings of the last one.
fn tested(verdicts: &str, dashboard: &Value, args: &[&str]) -> (Option<i32>, String, String) {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let verdicts = if verdicts.is_empty() { String::new() } else { format!("verdicts: [{verdicts}],") };
    let config = write("c.ron", &CONFIG.replace("VERDICTS", &verdicts));
    let file = write("shop.json", &dashboard.to_string());
    let report = dir.path().join("report.json");
    let mut command = promemu_command(&["test", &config, "--for", "10m", "--json", report.to_str().unwrap()]);
    if verdicts.is_empty() {
        command.args(["--dashboard", &file]);
    }
    let output = command.args(args).output().unwrap();
    let report =
        std::fs::read_to_string(report).map_or(Value::Null, |text| serde_json::from_str(&text).unwrap());
    let last = report["verdicts"].as_array().and_then(|all| all.last()).cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let findings: Vec<String> = last["findings"].as_array().into_iter().flatten().map(text).collect();
    let said = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), text(&last["outcome"]), findings.join("; ") + said.as_str())
}

/// Outcome and findings of a dashboard of one panel.
fn of_panel(expr: &str) -> (String, String) {
    let (_, outcome, found) = tested("", &panel(expr), &[]);
    (outcome, found)
}

#[test]
fn shipped_dashboards_pass_on_the_configs_that_they_belong_to() {
    let plugins = plugins();
    for (config, dashboard, queries_min) in [
        ("hosts_load_with_peaks", "hosts_overview", 100),
        ("hosts_load_with_peaks", "one_host", 100),
        ("incident", "incident", 100),
        ("processes_realistic", "processes", 100),
    ] {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docker/grafana/dashboards/{dashboard}.json"));
        let output = promemu_command(&["--plugins-dir"])
            .arg(plugins.path())
            .args(["test", config, "--for", "15m", "--dashboard"])
            .arg(path)
            .output()
            .unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(0), "{dashboard}: {said}");
        let words: Vec<&str> = said.split_whitespace().collect();
        let queries = words.iter().position(|word| word.starts_with("queries")).unwrap();
        assert!(words[queries - 1].parse::<usize>().unwrap() > queries_min, "{said}");
    }
}

#[test]
fn a_name_that_the_run_does_not_have_fails_with_the_one_that_is_meant() {
    for (expr, expected) in [
        (
            "sum(rate(request_total[5m]))",
            "unknown metric \"request_total\"; did you mean \"requests_total\"?",
        ),
        ("error_ratios{zone=~\"$zone\"}", "unknown metric \"error_ratios\"; did you mean \"error_ratio\"?"),
        ("error_ratio{zones=~\"a.*\"}", "error_ratio has no label \"zones\"; did you mean \"zone\"?"),
        ("sum by (zonne) (error_ratio)", "no series has the label \"zonne\"; did you mean \"zone\"?"),
        (
            "error_ratio / on (hosts) group_left () requests_total",
            "no series has the label \"hosts\"; did you mean \"host\"?",
        ),
        ("disk_used_bytes{device=\"sda\"}", "disk_used_bytes has no label \"device\""),
    ] {
        let (outcome, found) = of_panel(expr);
        assert_eq!(outcome, "failed", "{expr}");
        assert!(found.starts_with(&format!("panel \"Panel\": {expected}")), "{found}");
    }
    for expr in [
        "error_ratio{zones=\"\"}",
        "label_replace(sum by (zone) (error_ratio), \"x\", \"$1\", \"zone\", \"(.*)\")",
    ] {
        assert_eq!(of_panel(expr).0, "passed", "{expr}");
    }
}

#[test]
fn a_panel_without_data_fails_and_a_refused_query_is_undecided() {
    let (outcome, found) = of_panel("error_ratio{zone=~\"$zone\"} > 5");
    assert_eq!(
        (&*outcome, &*found),
        ("failed", "panel \"Panel\": no data: error_ratio{zone=~\"(a\\\\.1|b\\\\.1)\"} > 5")
    );
    let (code, outcome, found) = tested("", &panel("error_ratio * on () requests_total"), &[]);
    assert_eq!((code, &*outcome), (Some(1), "undecided"), "{found}");
    assert!(found.contains("Prometheus refuses it"), "{found}");
    assert_eq!(of_panel("sum(rate(").0, "undecided");
    let (outcome, found) = of_panel("error_ratio{zone=~\"$zones\"}");
    assert_eq!(outcome, "failed");
    assert!(found.contains("the dashboard has no variable $zones"), "{found}");
    // The one host without a disk has none, which is no fault of the panel; a division that never matches is.
    assert_eq!(of_panel("disk_used_bytes{zone=~\"$zone\"}").0, "passed");
    assert_eq!(of_panel("disk_used_bytes / disk_size_bytes").0, "failed");
    assert_eq!(of_panel("disk_used_bytes / ignoring (device) disk_size_bytes").0, "passed");
    let mixed = "error_ratio{zone=~\"$zone\"} * on (zone) (sum by (zone) (error_ratio{zone=\"a.1\"}))";
    let (outcome, found) = of_panel(mixed);
    assert_eq!(outcome, "failed");
    assert!(
        found
            .contains("no data with zone = \"b.1\", though there are series: error_ratio{zone=~\"b\\\\.1\"}"),
        "{found}"
    );
}

#[test]
fn panels_that_may_be_empty_are_named_and_are_there() {
    let board = dashboard(
        &json!([
            { "title": "Errors of $zone", "targets": [{ "expr": "no_such_metric" }] },
            { "title": "Good", "targets": [{ "expr": "error_ratio" }] },
        ]),
        &json!([{ "name": "pod", "type": "query", "query": "label_values(error_ratio, pod)" }]),
    );
    let (code, _, found) = tested(r#"panels(dashboard: "shop.json")"#, &board, &[]);
    assert_eq!(code, Some(3));
    assert!(found.contains("variable \"pod\": it has no values; no series of error_ratio has the label \"pod\": label_values(error_ratio, pod)"), "{found}");
    assert!(found.contains("panel \"Errors of $zone\": unknown metric \"no_such_metric\""), "{found}");
    let both = r#"panels(dashboard: "shop.json", may_be_empty: ["Errors of $zone", "pod"])"#;
    let (code, outcome, found) = tested(both, &board, &[]);
    assert_eq!((code, &*outcome), (Some(0), "passed"), "{found}");
    let (code, _, found) = tested(&both.replace("\"pod\"", "\"pod\", \"Goood\""), &board, &[]);
    assert_eq!(code, Some(3));
    assert_eq!(
        found,
        "may_be_empty names \"Goood\", which the dashboard does not have; did you mean \"Good\"?"
    );
}

#[test]
fn variables_of_all_kinds_have_their_values_from_the_data() {
    let target = |expr: &str| json!([{ "expr": expr }]);
    let board = dashboard(
        &json!([
            { "title": "all kinds", "targets": target("sum by ($by) (quantile_over_time($quantile, error_ratio{host=~\"$host\",zone=~\"[[zone]]\",job=\"$job\"}[$window])) + $offset") },
            { "type": "row", "collapsed": true, "title": "Row", "panels": [
                { "title": "Of $host", "repeat": "host", "targets": target("rate(requests_total{host=~\"$host\"}[$__rate_interval])") }] },
            { "title": "formats", "targets": target("count({__name__=~\"${metric:pipe}\"}) and on () error_ratio{job=~\"${job:regex}\"}") },
            { "title": "range", "targets": target("max_over_time(error_ratio[$__range]) * $__interval_ms") },
        ]),
        &json!([
            // Behind the variable that it needs, which comes later.
            { "name": "zone", "type": "query", "query": { "query": "label_values(error_ratio{host=~\"$host\"}, zone)" }, "includeAll": true, "allValue": ".+" },
            { "name": "host", "type": "query", "query": "query_result(up{job=\"$job\"} == 1)", "regex": "/host=\"([^\"]*)\"/", "multi": true, "includeAll": true },
            { "name": "job", "type": "query", "query": "label_values(job)" },
            { "name": "metric", "type": "query", "query": "metrics(.*_ratio)", "multi": true },
            { "name": "by", "type": "custom", "query": "the host : host,zone" },
            { "name": "quantile", "type": "constant", "query": "0.5" },
            { "name": "window", "type": "interval", "query": "1m,5m" },
            { "name": "offset", "type": "textbox", "query": "1" },
        ]),
    );
    let (code, _, found) = tested("", &board, &[]);
    assert_eq!(code, Some(0), "{found}");
    // Defaults, and each other value of by, window, host, zone, metric and quantile; the repeated panel has two hosts.
    assert!(found.starts_with("4 panels, "), "{found}");
}

#[test]
fn panels_have_the_series_that_rules_record_and_their_alerts() {
    let dir = tempfile::tempdir().unwrap();
    let rules = dir.path().join("rules.yml");
    let text = r#"{ "groups": [{ "name": "g", "rules": [
        { "record": "zone:errors:avg", "expr": "avg by (zone) (error_ratio)" },
        { "alert": "Errors", "expr": "zone:errors:avg > -1", "for": "1m" },
        { "alert": "Quiet", "expr": "zone:errors:avg > 5" }] }] }"#;
    std::fs::write(&rules, text).unwrap();
    let of = |expr: &str| {
        let verdict = "no_other_alerts(except: [\"Errors\"]), panels(dashboard: \"shop.json\")";
        tested(verdict, &panel(expr), &["--rules", rules.to_str().unwrap()])
    };
    for expr in ["zone:errors:avg{zone=~\"$zone\"}", "count(ALERTS{alertstate=\"firing\"})"] {
        let (code, _, found) = of(expr);
        assert_eq!(code, Some(0), "{expr}: {found}");
    }
    let (code, _, found) = of("zone:error:avg");
    assert!(code == Some(3) && found.contains("did you mean \"zone:errors:avg\"?"), "{found}");
    assert_eq!(of("ALERTS{alertname=\"Quiet\"}").0, Some(3), "it was never on");
    let (outcome, found) = of_panel("count(ALERTS)");
    assert!(outcome == "undecided" && found.contains("ALERTS is made by Prometheus itself"), "{found}");
}

#[test]
fn a_unit_that_contradicts_its_metric_fails() {
    let of_unit = |unit: &str, expr: &str| {
        let panel = json!({ "title": "P", "fieldConfig": { "defaults": { "unit": unit } }, "targets": [{ "expr": expr }] });
        tested("", &dashboard(&json!([panel]), &json!([])), &[])
    };
    let (code, _, found) =
        of_unit("bytes", "histogram_quantile(0.9, sum by (le) (rate(latency_seconds_bucket[5m])))");
    assert_eq!(code, Some(3));
    assert!(
        found.contains("the panel's unit is \"bytes\", but latency_seconds is in seconds; choose \"s\""),
        "{found}"
    );
    assert_eq!(of_unit("percent", "avg(error_ratio)").0, Some(3));
    assert_eq!(of_unit("percent", "avg(error_ratio) * 100").0, Some(0));
}

#[test]
fn a_dashboard_or_a_prometheus_that_is_not_there_is_an_error() {
    let good = panel("error_ratio");
    let (code, _, said) = tested("", &good, &["--dashboard", "none.json"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("--dashboard or PME_TEST_DASHBOARD: none.json cannot be read"), "{said}");
    let (code, _, said) = tested(r#"panels(dashboard: "none.json")"#, &good, &[]);
    assert!(code == Some(2) && said.contains("the verdict panels: ") && said.contains("none.json"), "{said}");
    let (code, _, said) = tested("", &json!({ "groups": [] }), &[]);
    assert!(code == Some(2) && said.contains("it is no dashboard of Grafana"), "{said}");
    let (code, _, said) = tested("", &good, &["--prometheus", "/no/prometheus"]);
    assert!(
        code == Some(1) && said.contains("install Prometheus") && said.contains("--prometheus"),
        "{said}"
    );
    let (code, _, said) = tested("", &good, &["--prometheus", "false"]);
    assert!(code == Some(1) && said.contains("false did not begin to answer queries"), "{said}");
}
