use serde_json::json;

use super::*;

fn read(model: &Value) -> GrafanaDashboard {
    GrafanaDashboard::read(&model.to_string()).unwrap()
}

/// Title and queries of each panel.
fn queries(dashboard: &GrafanaDashboard) -> Vec<(&str, Vec<&str>)> {
    let panels = dashboard.panels.iter();
    panels
        .map(|panel| (panel.title.as_str(), panel.queries.iter().map(|query| query.expr.as_str()).collect()))
        .collect()
}

#[test]
fn panels_are_found_in_rows_and_in_the_library() {
    let target = |expr: &str| json!([{ "expr": expr }]);
    let dashboard = read(&json!({
        "__elements": { "lib": { "name": "Shared", "model": { "title": "Shared", "targets": target("shared") } } },
        "panels": [
            { "title": "Top", "targets": target("top") },
            { "type": "row", "title": "Closed", "collapsed": true, "repeat": "job",
              "panels": [{ "title": "Inside", "repeat": "host", "targets": target("inside") }] },
            { "type": "row", "title": "Open", "repeat": "zone", "panels": [] },
            { "title": "Below", "targets": target("below") },
            { "id": 7, "targets": target("untitled") },
            { "libraryPanel": { "uid": "lib", "name": "Shared" } },
            { "libraryPanel": { "uid": "away", "name": "Away" } },
            { "title": "Words", "type": "text" },
        ],
    }));
    let found = queries(&dashboard);
    assert_eq!(
        found,
        [
            ("Top", vec!["top"]),
            ("Inside", vec!["inside"]),
            ("Below", vec!["below"]),
            ("panel 7", vec!["untitled"]),
            ("Shared", vec!["shared"]),
            ("Away", vec![]),
        ]
    );
    let repeats: Vec<usize> = dashboard.panels.iter().map(|panel| panel.repeated_by.len()).collect();
    assert_eq!(repeats, [0, 2, 1, 1, 1, 1]);
    assert_eq!(dashboard.panels[1].repeated_by, ["job", "host"]);
    assert!(dashboard.panels[5].is_elsewhere);
    let old = read(&json!({ "rows": [{ "panels": [{ "title": "Old", "targets": target("old") }] }] }));
    assert_eq!(queries(&old), [("Old", vec!["old"])]);
}

#[test]
fn hidden_queries_and_those_of_other_sources_are_left_out() {
    let dashboard = read(&json!({
        "__inputs": [{ "name": "DS_LOKI", "pluginId": "loki" }, { "name": "DS_PROM", "pluginId": "prometheus" }],
        "templating": { "list": [{ "name": "logs", "type": "datasource", "query": "loki" }, { "name": "source", "type": "datasource", "query": "prometheus" }] },
        "panels": [{ "title": "Mixed", "datasource": { "uid": "-- Mixed --", "type": "datasource" }, "targets": [
            { "expr": "a" },
            { "expr": "hidden", "hide": true },
            { "expr": "b", "datasource": { "type": "loki", "uid": "x" } },
            { "expr": "c", "datasource": "${DS_LOKI}" },
            { "expr": "d", "datasource": { "uid": "$logs" } },
            { "expr": "e", "datasource": { "uid": "${source}", "type": "prometheus" } },
            { "expr": "f", "datasource": "${DS_PROM}" },
            { "expr": "g", "datasource": "My Prometheus" },
            { "expression": "$A + $B", "datasource": { "type": "__expr__" } },
            { "panelId": 3, "datasource": "-- Dashboard --" },
        ] }, { "title": "Logs", "datasource": { "type": "loki" }, "targets": [{ "expr": "h" }] }],
        "annotations": { "list": [
            { "builtIn": 1, "datasource": "-- Grafana --", "name": "Annotations & Alerts" },
            { "name": "deploys", "expr": "changes(a[5m]) > 0", "datasource": "$source" },
            { "name": "lines", "expr": "i", "datasource": { "type": "loki" } },
            { "name": "new form", "target": { "expr": "j" }, "datasource": { "type": "prometheus" } },
        ] },
    }));
    assert_eq!(queries(&dashboard), [("Mixed", vec!["a", "e", "f", "g"])]);
    let annotations: Vec<&str> =
        dashboard.annotations.iter().map(|annotation| annotation.query.expr.as_str()).collect();
    assert_eq!(annotations, ["changes(a[5m]) > 0", "j"]);
}

#[test]
fn variables_of_each_kind_are_read() {
    let dashboard = read(&json!({ "panels": [], "templating": { "list": [
        { "name": "job", "type": "query", "query": { "query": "label_values(up, job)", "refId": "x" }, "regex": "/web.*/",
          "includeAll": true, "allValue": ".*", "multi": true },
        { "name": "old", "type": "query", "query": "label_values(job)" },
        { "name": "newer", "type": "query", "query": { "qryType": 3 }, "definition": "query_result(up)" },
        { "name": "quantile", "type": "custom", "query": "half : 0.5, most : 0.9,0.99,a\\,b" },
        { "name": "step", "type": "interval", "query": "1m,10m,auto", "auto": true },
        { "name": "cluster", "type": "constant", "query": "eu" },
        { "name": "filter", "type": "textbox", "query": "", "current": { "value": "web" } },
        { "name": "source", "type": "datasource", "query": "prometheus", "current": { "value": "Prometheus" } },
        { "type": "query" },
    ] } }));
    let kinds: Vec<VariableKind> = dashboard.variables.iter().map(|variable| variable.kind.clone()).collect();
    let values =
        |values: &[&str]| VariableKind::Values(values.iter().map(|value| (*value).to_owned()).collect());
    assert_eq!(
        kinds,
        [
            VariableKind::Query("label_values(up, job)".to_owned()),
            VariableKind::Query("label_values(job)".to_owned()),
            VariableKind::Query("query_result(up)".to_owned()),
            values(&["0.5", "0.9", "0.99", "a,b"]),
            values(&["1m", "10m"]),
            values(&["eu"]),
            VariableKind::Free("web".to_owned()),
            VariableKind::Free("Prometheus".to_owned()),
        ]
    );
    let job = &dashboard.variables[0];
    assert!(job.has_all && job.is_multi);
    assert_eq!((job.regex.as_str(), job.all_value.as_deref()), ("/web.*/", Some(".*")));
}

#[test]
fn the_unit_of_a_panel_is_that_of_all_its_values() {
    let unit = |more: &Value| {
        let mut panel = json!({ "targets": [{ "expr": "a" }], "fieldConfig": { "defaults": { "unit": "s" }, "overrides": [] } });
        for (field, value) in more.as_object().unwrap() {
            panel[field] = value.clone();
        }
        read(&json!({ "panels": [panel] })).panels[0].unit.clone()
    };
    assert_eq!(unit(&json!({})).as_deref(), Some("s"));
    assert_eq!(unit(&json!({ "type": "heatmap" })), None);
    assert_eq!(unit(&json!({ "transformations": [{ "id": "x" }] })), None);
    let by_name = json!({ "fieldConfig": { "defaults": { "unit": "s" }, "overrides": [{ "properties": [{ "id": "unit", "value": "bytes" }] }] } });
    assert_eq!(unit(&by_name), None);
    assert_eq!(
        unit(&json!({ "fieldConfig": {}, "yaxes": [{ "format": "bytes" }] })).as_deref(),
        Some("bytes")
    );
}

#[test]
fn what_is_no_dashboard_is_refused() {
    let error = |text: &str| GrafanaDashboard::read(text).unwrap_err();
    assert!(error("{").starts_with("it is not JSON"));
    assert!(error("[1]").contains("no panels"));
    assert!(error("{\"groups\": []}").contains("no panels"));
    assert!(
        error("{\"apiVersion\": \"dashboard.grafana.app/v2beta1\", \"spec\": {}}").contains("second schema")
    );
    let answer = json!({ "meta": {}, "dashboard": { "title": "T", "panels": [] } }).to_string();
    assert_eq!(GrafanaDashboard::read(&answer).unwrap().title, "T");
}
