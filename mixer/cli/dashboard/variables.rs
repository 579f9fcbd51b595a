//! What the viewer can choose at the top of a dashboard, and the marks in all its charts.

use promemu_core::metric::MetricType;
use serde_json::{Value, json};

use super::query::View;
use super::subject::{HOST_LABEL, Shown, Subject};

/// The variable for the data source; no label is called so.
const SOURCE: &str = "prometheus_source";

/// Where panels ask.
pub(super) fn data_source() -> Value {
    json!({ "type": "prometheus", "uid": format!("${{{SOURCE}}}") })
}

/// All variables. A label's values are those of the jobs and the hosts that are chosen.
pub(super) fn variables(subject: &Subject, view: &View) -> Vec<Value> {
    let mut variables = vec![json!({
        "name": SOURCE,
        "label": "data source",
        "type": "datasource",
        "query": "prometheus",
        "hide": 0,
        "includeAll": false,
        "multi": false,
        "options": [],
        "refresh": 1,
        "regex": "",
    })];
    let everywhere: Vec<&Shown> = subject.everywhere.iter().map(|metric| &subject.metrics[*metric]).collect();
    let mut chosen = Vec::new();
    for label in &subject.labels {
        let is_single = view.one_host && label == HOST_LABEL;
        variables.push(of_label(label, &everywhere, &chosen, is_single));
        if matches!(label.as_str(), "job" | HOST_LABEL) {
            chosen.push(label.as_str());
        }
    }
    for label in subject.all_labels().into_iter().filter(|label| !subject.labels.contains(*label)) {
        let having: Vec<&Shown> =
            subject.metrics.iter().filter(|metric| metric.labels.contains(label)).collect();
        variables.push(of_label(label, &having, &chosen, false));
    }
    variables
}

/// A variable with the values of a label that these metrics have.
fn of_label(label: &str, metrics: &[&Shown], chosen: &[&str], is_single: bool) -> Value {
    let names: Vec<String> = metrics.iter().map(|metric| sample_name(metric)).collect();
    let mut matchers: Vec<String> = chosen.iter().map(|label| format!("{label}=~\"${label}\"")).collect();
    let name = match &names[..] {
        [name] => name.as_str(),
        names => {
            matchers.insert(0, format!("__name__=~\"{}\"", names.join("|")));
            ""
        }
    };
    let selector = if matchers.is_empty() { String::new() } else { format!("{{{}}}", matchers.join(",")) };
    let query = format!("label_values({name}{selector}, {label})");
    let mut variable = json!({
        "name": label,
        "label": label,
        "type": "query",
        "datasource": data_source(),
        "definition": query,
        "query": { "qryType": 1, "query": query, "refId": "StandardVariableQuery" },
        "hide": 0,
        "includeAll": !is_single,
        "multi": !is_single,
        "options": [],
        // When the time range changes.
        "refresh": 2,
        "regex": "",
        "sort": 1,
    });
    if !is_single {
        variable["current"] = json!({ "text": ["All"], "value": ["$__all"] });
    }
    if !is_single && label != "job" {
        // A series without the label is among all; but all jobs are those listed, and not somebody else's.
        variable["allValue"] = json!(".*");
    }
    variable
}

/// A name that series of the metric have, whatever it is.
fn sample_name(metric: &Shown) -> String {
    let suffix = match metric.metric_type {
        MetricType::Histogram | MetricType::Summary => "_count",
        _ => "",
    };
    format!("{}{suffix}", metric.name)
}

/// The times at which something was switched on, as marks; whoever is looked at.
pub(super) fn annotations(subject: &Subject) -> Value {
    let switches = subject.metrics.iter().filter(|metric| metric.is_switch);
    let marks: Vec<Value> = switches
        .map(|metric| {
            json!({
                "name": metric.name,
                "datasource": data_source(),
                "enable": true,
                "expr": format!("{}{{job=~\"$job\"}} > 0", metric.name),
                "iconColor": "orange",
                "step": "10s",
                "titleFormat": metric.help,
                "textFormat": "{{name}}",
                "useValueForTime": false,
            })
        })
        .collect();
    json!({ "list": marks })
}
