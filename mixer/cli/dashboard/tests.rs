use indexmap::IndexSet;
use promemu_core::config::{ConfigFile, LoadOptions};
use promemu_core::metric::MetricType;
use promemu_core::plan::Plan;
use promemu_core::time::Time;
use serde_json::Value;

use super::catalog::Catalog;
use super::query::View;
use super::unit::unit;
use super::{model, view};
use crate::args::{ArgumentWords, DashboardArgs};
use crate::test::Rules;

/// A host with a metric of each type, and some with labels of their own.
const TYPES: &str = r#"Config(hosts: [
    Host(name: "a", labels: { "zone": "z1" }, metrics: [
        Metric(name: "switch", value_range: (0, 1), description: "the switch", scenario: feature_toggle),
        Metric(name: "load_percent", description: "how busy it is", scenario: do_nothing),
        Metric(name: "sent_bytes_total", metric_type: counter, labels: { "device": "eth0" }, scenario: do_nothing),
        Metric(name: "wait_seconds", metric_type: histogram, scenario: do_nothing),
        Metric(name: "native_seconds", metric_type: native_histogram, scenario: do_nothing),
        Metric(name: "size_bytes", metric_type: summary, scenario: do_nothing),
        Metric(name: "build_info", metric_type: info, labels: { "version": "1" }),
        Metric(name: "mode", metric_type: stateset, states: ["idle", "busy"]),
        Metric(name: "boot_timestamp_seconds", default_value: 1000),
    ]),
    Host(repeat: Repeat(var: "i", from: 1, to: 60), name: "b-{i}", metrics: [
        Metric(name: "memory_bytes", scenario: do_nothing),
        Metric(name: "jobs_total", metric_type: counter, scenario: do_nothing),
    ]),
])"#;

fn plan(text: &str) -> Plan {
    let file = ConfigFile::from_text("example", text);
    file.plan(&LoadOptions::starting_at(Time::from_unix_secs(1_767_600_000))).unwrap().plan
}

fn dashboard(catalog: &Catalog, one_host: bool, by: Option<&str>) -> Value {
    let view = View { one_host, by: by.map(str::to_owned) };
    serde_json::from_str(&model::text(catalog, &view, (&catalog.name, "http://127.0.0.1:8000/")).unwrap())
        .unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

/// A line for each panel with its kind, title and unit, and a line for each query.
fn panel_lines(dashboard: &Value) -> String {
    let mut lines = Vec::new();
    for panel in list(&dashboard["panels"]) {
        if panel["type"] == "row" {
            lines.push(format!("row, {}", panel["title"].as_str().unwrap()));
            continue;
        }
        let [kind, title] = ["type", "title"].map(|key| panel[key].as_str().unwrap());
        let unit = panel["fieldConfig"]["defaults"]["unit"].as_str().unwrap();
        lines.push(format!("{kind}, {title}, {unit}"));
        for target in list(&panel["targets"]) {
            let [expr, legend] = ["expr", "legendFormat"].map(|key| target[key].as_str().unwrap());
            lines.push(format!("    {expr} as {legend:?}"));
        }
    }
    lines.join("\n")
}

#[test]
fn a_metrics_type_and_name_choose_its_panel_query_and_unit() {
    let of_all = dashboard(&Catalog::of_plan(&plan(TYPES)), false, None);
    // All panels have the same matchers.
    let choice = r#"job=~"$job",name=~"$name",zone=~"$zone""#;
    assert!(panel_lines(&of_all).contains(choice));
    insta::assert_snapshot!(panel_lines(&of_all).replace(choice, "…"), @r#"
    row, is it well?
    stat, hosts, short
        count(count by (name) ({__name__=~"switch|memory_bytes",job=~"$job",name=~"$name"})) as ""
    stat, jobs_total per second, cps
        sum(rate(jobs_total{…}[$__rate_interval])) as ""
    stat, wait_seconds: p99, s
        histogram_quantile(0.99, sum by (le) (rate(wait_seconds_bucket{…}[$__rate_interval]))) as ""
    stat, load_percent: the highest, percent
        max(load_percent{…}) as ""
    row, traffic
    timeseries, jobs_total per second, cps
        sum(rate(jobs_total{…}[$__rate_interval])) as "total"
    row, latency
    timeseries, wait_seconds: quantiles, s
        histogram_quantile(0.5, sum by (le) (rate(wait_seconds_bucket{…}[$__rate_interval]))) as "p50"
        histogram_quantile(0.9, sum by (le) (rate(wait_seconds_bucket{…}[$__rate_interval]))) as "p90"
        histogram_quantile(0.99, sum by (le) (rate(wait_seconds_bucket{…}[$__rate_interval]))) as "p99"
    heatmap, wait_seconds: how many of each size, s
        sum by (le) (increase(wait_seconds_bucket{…}[$__rate_interval])) as "{{le}}"
    timeseries, native_seconds: quantiles, s
        histogram_quantile(0.5, sum(rate(native_seconds{…}[$__rate_interval]))) as "p50"
        histogram_quantile(0.9, sum(rate(native_seconds{…}[$__rate_interval]))) as "p90"
        histogram_quantile(0.99, sum(rate(native_seconds{…}[$__rate_interval]))) as "p99"
    heatmap, native_seconds: how many of each size, s
        sum(increase(native_seconds{…}[$__rate_interval])) as ""
    timeseries, size_bytes: quantiles, the highest, bytes
        max by (quantile) (size_bytes{…}) as "{{quantile}}"
    timeseries, size_bytes: observations per second, cps
        sum(rate(size_bytes_count{…}[$__rate_interval])) as "observations"
    row, saturation
    timeseries, load_percent, percent
        load_percent{…} as "{{name}}"
    timeseries, memory_bytes, bytes
        min(memory_bytes{…}) as "lowest"
        quantile(0.5, memory_bytes{…}) as "median"
        max(memory_bytes{…}) as "highest"
    row, states
    state-timeline, mode, short
        mode{…} as "{{name}} {{mode}}"
    row, others
    timeseries, switch, short
        switch{…} as "{{name}}"
    timeseries, sent_bytes_total per second, Bps
        rate(sent_bytes_total{…,device=~"$device"}[$__rate_interval]) as "{{name}} {{device}}"
    row, constants
    stat, boot_timestamp_seconds, dateTimeFromNow
        boot_timestamp_seconds{…} * 1000 as "{{name}}"
    row, about
    table, build_info, short
        build_info{…} as ""
    "#);
}

#[test]
fn with_a_label_there_is_a_line_for_each_of_its_values() {
    let text = panel_lines(&dashboard(&Catalog::of_plan(&plan(TYPES)), false, Some("zone")));
    let text = text.replace(r#"{job=~"$job",name=~"$name",zone=~"$zone""#, "{…");
    for query in [
        "sum by (zone) (rate(jobs_total{…}[$__rate_interval])) as \"{{zone}}\"",
        "sum by (zone) (memory_bytes{…}) as \"{{zone}}\"",
        "avg by (zone) (load_percent{…}) as \"{{zone}}\"",
        "max by (zone) (boot_timestamp_seconds{…} * 1000) as \"{{zone}}\"",
        "histogram_quantile(0.5, sum by (le, zone) (rate(wait_seconds_bucket{…}[$__rate_interval]))) as \"{{zone}} p50\"",
        "histogram_quantile(0.5, sum by (zone) (rate(native_seconds{…}[$__rate_interval]))) as \"{{zone}} p50\"",
        "max by (quantile, zone) (size_bytes{…}) as \"{{zone}} {{quantile}}\"",
    ] {
        assert!(text.contains(query), "{query} in {text}");
    }
}

#[test]
fn with_one_host_numbers_come_first_and_the_viewer_selects_it() {
    let one = dashboard(&Catalog::of_plan(&plan(TYPES)), true, None);
    let kinds: Vec<&str> = list(&one["panels"]).iter().map(|panel| panel["type"].as_str().unwrap()).collect();
    assert_eq!(kinds[..4], ["stat", "stat", "stat", "row"]);
    assert!(!panel_lines(&one).contains("quantile(0.5, rate"), "{}", panel_lines(&one));
    let choices = list(&one["templating"]["list"]);
    let of_host = choices.iter().find(|choice| choice["name"] == "name").unwrap();
    assert_eq!((&of_host["multi"], &of_host["includeAll"]), (&Value::Bool(false), &Value::Bool(false)));
}

#[test]
fn few_labels_have_a_variable_and_each_switch_has_an_annotation() {
    let all = dashboard(&Catalog::of_plan(&plan(TYPES)), false, None);
    let choices: Vec<&str> = list(&all["templating"]["list"])[1..]
        .iter()
        .map(|choice| choice["query"]["query"].as_str().unwrap())
        .collect();
    insta::assert_snapshot!(choices.join("\n"), @r#"
    label_values({__name__=~"switch|memory_bytes"}, job)
    label_values({__name__=~"switch|memory_bytes",job=~"$job"}, name)
    label_values({__name__=~"switch|memory_bytes",job=~"$job",name=~"$name"}, zone)
    label_values(sent_bytes_total{job=~"$job",name=~"$name"}, device)
    "#);
    let marks: Vec<&Value> = list(&all["annotations"]["list"]).iter().map(|mark| &mark["expr"]).collect();
    assert_eq!(marks, ["switch{job=~\"$job\"} > 0"]);
}

#[test]
fn phases_and_faults_of_a_timeline_are_annotations() {
    let config = |timeline: &str| {
        let host = r#"Host(name: "a", metrics: [Metric(name: "m", scenario: script(source: "run.load"))])"#;
        let plan = plan(&format!(r#"Config(levers: {{ "load": 1 }}, {timeline} hosts: [{host}])"#));
        let dashboard = dashboard(&Catalog::of_plan(&plan), false, None);
        check_form(&dashboard);
        let lines = list(&dashboard["annotations"]["list"]).iter().map(|mark| {
            let [name, expr, title] = ["name", "expr", "titleFormat"].map(|key| mark[key].as_str().unwrap());
            format!("{name}: {expr} as {title:?}")
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    let phases = r#"phases: [Phase(name: "calm", lasts: "5m"), Phase(name: "a $ and a \"", lasts: "5m")]"#;
    let fault = r#"faults: [Fault(id: "f", at: "1m", lasts: "1m", set: { "load": 2 })]"#;
    insta::assert_snapshot!(config(&format!("timeline: Timeline({phases}, {fault}),")), @r#"
    phases: label_replace(max by (scenario) (scenario_phase{job=~"$job"}) == 1, "phase", "calm", "", "") or label_replace(max by (scenario) (scenario_phase{job=~"$job"}) == 2, "phase", "a $$ and a \"", "", "") as "{{phase}}"
    faults: max by (fault, kind, target, root) (fault_active{job=~"$job"}) == 1 as "{{fault}}"
    "#);
    assert!(!config(&format!("timeline: Timeline({phases}),")).contains("fault"));
    assert_eq!(config(&format!("{fault},")), "", "only a timeline has the metrics");
}

/// Checks what any dashboard must have: unique ids, panels that do not overlap, known variables.
fn check_form(dashboard: &Value) {
    let panels = list(&dashboard["panels"]);
    assert!(!panels.is_empty());
    let ids: IndexSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "ids are unique");
    let mut taken = IndexSet::new();
    for panel in panels {
        let [x, y, w, h] = ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().unwrap());
        assert!(w > 0 && h > 0 && x + w <= 24, "{panel}");
        for place in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
            assert!(taken.insert(place), "{} lies over another one", panel["title"]);
        }
        if panel["type"] == "row" {
            continue;
        }
        for asks in std::iter::once(panel).chain(list(&panel["targets"])) {
            assert_eq!(asks["datasource"]["uid"], "${prometheus_source}");
        }
        check_rules(panel);
    }
    let choices = list(&dashboard["templating"]["list"]);
    assert!(choices.len() <= 5, "{} variables", choices.len());
    assert!(choices.iter().filter(|choice| choice["type"] == "query").all(|choice| choice["refresh"] == 2));
    let names: IndexSet<&str> = list(&dashboard["templating"]["list"])
        .iter()
        .map(|choice| choice["name"].as_str().unwrap())
        .collect();
    let text = format!("{} {}", dashboard["panels"], dashboard["annotations"]);
    for used in text.split("=~\\\"$").skip(1).map(|rest| rest.split('\\').next().unwrap()) {
        assert!(names.contains(used), "{used} is among {names:?}");
    }
    assert!(dashboard["uid"].as_str().unwrap().len() <= 40);
}

/// Checks the rules of Grafana's dashboard-linter for a panel: title, description, unit, and in each query the job, the interval of rates,
/// and counters as rates that no quantile mixes.
fn check_rules(panel: &Value) {
    for field in ["title", "description"] {
        assert!(panel[field].as_str().is_some_and(|text| !text.is_empty()), "{field} of {panel}");
    }
    assert!(panel["fieldConfig"]["defaults"]["unit"].is_string(), "{panel}");
    assert!(!list(&panel["targets"]).is_empty(), "{panel}");
    for target in list(&panel["targets"]) {
        let expr = target["expr"].as_str().unwrap();
        assert!(expr.contains("job=~\"$job\""), "{expr}");
        assert_eq!(
            expr.contains("rate(") || expr.contains("increase("),
            expr.contains("$__rate_interval"),
            "{expr}"
        );
        assert!(!expr.contains("_total{") || expr.contains("rate("), "{expr}");
        let is_mixed = expr.starts_with("quantile(") || expr.starts_with("min(");
        assert!(!(is_mixed && expr.contains("rate(")), "{expr}");
    }
}

#[test]
fn the_form_of_every_shipped_configs_dashboard_is_sound() {
    let dirs = promemu_core::config::ConfigDirs::new(None);
    let mut count = 0;
    for config in dirs.list() {
        // Some need a plugin.
        let Ok(file) = dirs.open(&config.name) else { continue };
        let Ok(loaded) = file.plan(&LoadOptions::starting_at(Time::from_unix_secs(1_767_600_000))) else {
            continue;
        };
        let catalog = Catalog::of_plan(&loaded.plan);
        for (one_host, by) in [(false, None), (true, None), (false, Some("name"))] {
            check_form(&dashboard(&catalog, one_host, by));
        }
        count += 1;
    }
    assert!(count > 10, "only {count} configs were found");
    check_form(&dashboard(&Catalog::of_self_metrics().unwrap(), false, None));
}

#[test]
fn units_go_by_the_ends_of_names() {
    let of = |name: &str, metric_type| unit(name, metric_type).id;
    for (name, metric_type, expected) in [
        ("disk_bytes", MetricType::Gauge, "bytes"),
        ("disk_read_bytes_total", MetricType::Counter, "Bps"),
        ("cpu_seconds_total", MetricType::Counter, "percentunit"),
        ("requests_total", MetricType::Counter, "cps"),
        ("cpu_percent", MetricType::Gauge, "percent"),
        ("error_ratio", MetricType::Gauge, "percentunit"),
        ("latency_seconds", MetricType::Histogram, "s"),
        ("process_start_time_seconds", MetricType::Gauge, "dateTimeFromNow"),
        ("node_boot_time_seconds", MetricType::Gauge, "dateTimeFromNow"),
        ("queue", MetricType::Gauge, "short"),
    ] {
        assert_eq!(of(name, metric_type), expected, "{name}");
    }
}

#[test]
fn an_impossible_view_is_refused_with_advice() {
    let catalog = Catalog::of_plan(&plan(TYPES));
    let args = |one_host, by: Option<&str>| DashboardArgs {
        words: ArgumentWords::default(),
        name: None,
        one_host,
        by: by.map(str::to_owned),
        title: None,
        page_url: String::new(),
        rules: Vec::new(),
        out: None,
    };
    insta::assert_snapshot!(view(&args(false, Some("zine")), &catalog).unwrap_err(), @r#"--by or PME_DASHBOARD_BY: no metric has a label "zine"; did you mean "zone"?; the labels are job, name, host, address, zone, device, version"#);
    insta::assert_snapshot!(view(&args(true, None), &Catalog::of_self_metrics().unwrap()).unwrap_err(), @"--one-host or PME_DASHBOARD_ONE_HOST: promemu's own metrics have no hosts; leave it out");
}

#[test]
fn panels_mark_the_limits_of_rules_on_what_they_show() {
    let text = r#"Config(default_job_name: "j", hosts: [Host(name: "a", metrics: [
        Metric(name: "memory_usage_percent", value_range: (0, 100), scenario: do_nothing),
        Metric(name: "free_bytes", scenario: do_nothing),
        Metric(name: "request_seconds", metric_type: histogram, buckets: [0.1, 1], value_range: (0, 2), scenario: random_in_range),
        Metric(name: "errors_total", metric_type: counter, scenario: do_nothing),
    ])])"#;
    let rules = r#"groups: [{ name: g, rules: [
        { alert: A, expr: "max by (job) (memory_usage_percent) > 70" },
        { alert: B, expr: "memory_usage_percent{job=\"j\"} >= 95", labels: { severity: critical } },
        { alert: C, expr: "avg_over_time(free_bytes[5m]) < 1e6", labels: { severity: critical } },
        { alert: D, expr: "free_bytes < 5e6" },
        { alert: E, expr: "histogram_quantile(0.9, sum by (le) (rate(request_seconds_bucket[1m]))) > 0.5" },
        { alert: F, expr: "increase(errors_total[5m]) > 3" },
        { alert: G, expr: "memory_usage_percent / free_bytes > 3" },
    ] }]"#;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("r.yml");
    std::fs::write(&path, rules).unwrap();
    let rules = Rules::read(&[path.display().to_string()]).unwrap();
    let dashboard = dashboard(&Catalog::of_plan(&plan(text)).with_limits_of(&rules), false, None);
    let steps = |title: &str| {
        let mut panels = list(&dashboard["panels"]).iter();
        let panel = panels.find(|panel| panel["title"] == title && panel["type"] == "timeseries").unwrap();
        let steps = &panel["fieldConfig"]["defaults"]["thresholds"]["steps"];
        let step = |step: &Value| format!("{} {}", step["color"].as_str().unwrap(), step["value"]);
        steps.as_array().into_iter().flatten().map(step).collect::<Vec<_>>()
    };
    assert_eq!(steps("memory_usage_percent"), ["transparent null", "orange 70.0", "red 95.0"]);
    assert_eq!(steps("free_bytes"), ["red null", "orange 1000000.0", "transparent 5000000.0"]);
    assert_eq!(steps("request_seconds: quantiles"), ["transparent null", "orange 0.5"]);
    assert!(steps("errors_total per second").len() < 2, "{:?}", steps("errors_total per second"));
}
