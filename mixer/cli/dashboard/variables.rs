//! The variables at the top of a dashboard.

use promemu_core::metric::MetricType;
use promemu_core::metric::promql::{is_keyword, selector};
use serde_json::{Value, json};

use super::catalog::{Catalog, CatalogMetric, HOST_LABEL};
use super::query::View;

/// The variable of the data source; no label has this name.
const SOURCE: &str = "prometheus_source";

/// The data source of panels and variables.
pub(super) fn data_source() -> Value {
    json!({ "type": "prometheus", "uid": format!("${{{SOURCE}}}") })
}

/// All variables, five at most. The values of a label are those of the selected jobs and hosts.
pub(super) fn variables(catalog: &Catalog, view: &View) -> Vec<Value> {
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
    let covering: Vec<&CatalogMetric> =
        catalog.covering.iter().map(|metric| &catalog.metrics[*metric]).collect();
    let mut selected = Vec::new();
    for label in catalog.variables.iter().filter(|label| catalog.labels.contains(*label)) {
        let is_single = view.one_host && label == HOST_LABEL;
        variables.push(label_variable(label, &covering, &selected, is_single));
        if matches!(label.as_str(), "job" | HOST_LABEL) {
            selected.push(label.as_str());
        }
    }
    for label in catalog.variables.iter().filter(|label| !catalog.labels.contains(*label)) {
        let having: Vec<&CatalogMetric> =
            catalog.metrics.iter().filter(|metric| metric.labels.contains(label)).collect();
        variables.push(label_variable(label, &having, &selected, false));
    }
    variables
}

/// A variable with the values of a label of these metrics.
fn label_variable(label: &str, metrics: &[&CatalogMetric], selected: &[&str], is_single: bool) -> Value {
    let names: Vec<String> = metrics.iter().map(|metric| sample_name(metric)).collect();
    let mut matchers: Vec<String> = selected.iter().map(|label| format!("{label}=~\"${label}\"")).collect();
    let selected = match &names[..] {
        [name] if matchers.is_empty() && !is_keyword(name) => name.clone(),
        [name] => selector(name, &matchers.join(",")),
        names => {
            matchers.insert(0, format!("__name__=~\"{}\"", names.join("|")));
            selector("", &matchers.join(","))
        }
    };
    let query = format!("label_values({selected}, {label})");
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
        // All includes series without the label; but all jobs are only the listed ones.
        variable["allValue"] = json!(".*");
    }
    variable
}

/// The name of series that a metric of any type has.
pub(super) fn sample_name(metric: &CatalogMetric) -> String {
    let suffix = match metric.metric_type {
        MetricType::Histogram | MetricType::Summary => "_count",
        _ => "",
    };
    format!("{}{suffix}", metric.name)
}
