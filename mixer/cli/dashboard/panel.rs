//! The panels of a metric, by its type.

use promemu_core::metric::MetricType;
use serde_json::{Value, json};

use super::catalog::{Catalog, CatalogMetric};
use super::query::{Lines, Queries, Query, View};
use super::thresholds;
use super::unit::{Unit, is_timestamp, unit};
use super::variables::data_source;

/// The quantiles of histograms that are drawn.
const QUANTILES: [f64; 3] = [0.5, 0.9, 0.99];

/// A panel, not yet placed in the grid.
#[derive(Debug)]
pub(super) struct Panel {
    pub(super) json: Value,
    /// In columns of Grafana's grid.
    pub(super) width: usize,
    pub(super) height: usize,
}

/// Half a row.
const WIDTH: usize = 12;
const HEIGHT: usize = 8;

impl Panel {
    pub(super) fn new(
        kind: &str,
        title: &str,
        metric: &CatalogMetric,
        queries: &[Query],
        unit: Unit,
    ) -> Self {
        let targets: Vec<Value> = queries
            .iter()
            .zip('A'..)
            .map(|(query, id)| {
                json!({
                    "refId": id.to_string(),
                    "datasource": data_source(),
                    "expr": query.expr,
                    "legendFormat": query.legend,
                    "range": true,
                })
            })
            .collect();
        let mut defaults = json!({ "unit": unit.id });
        if let Some((low, high)) = unit.bounds {
            defaults["min"] = json!(low);
            defaults["max"] = json!(high);
        }
        let json = json!({
            "type": kind,
            "title": title,
            "description": if metric.help.is_empty() { title } else { metric.help.as_str() },
            "datasource": data_source(),
            "targets": targets,
            "fieldConfig": { "defaults": defaults, "overrides": [] },
            "options": {},
        });
        Self { json, width: WIDTH, height: HEIGHT }
    }

    /// Lines over time.
    fn lines(title: &str, metric: &CatalogMetric, queries: &[Query], unit: Unit) -> Self {
        let mut panel = Self::new("timeseries", title, metric, queries, unit);
        panel.json["fieldConfig"]["defaults"]["custom"] =
            json!({ "drawStyle": "line", "lineWidth": 1, "fillOpacity": 0, "showPoints": "never" });
        panel.json["options"] = json!({
            "legend": {
                "displayMode": "table", "placement": "bottom", "showLegend": true,
                "calcs": ["min", "mean", "max"],
            },
            "tooltip": { "mode": "multi", "sort": "desc" },
        });
        panel
    }
}

/// The panels of a metric: one, or two that stand side by side.
pub(super) fn panels(metric: &CatalogMetric, catalog: &Catalog, view: &View) -> Vec<Panel> {
    let queries = Queries::of(metric, catalog, view);
    let (name, unit) = (&metric.name, unit(&metric.name, metric.metric_type));
    match metric.metric_type {
        MetricType::Gauge if name.ends_with("_info") => vec![table(metric, &queries)],
        MetricType::Info => vec![table(metric, &queries)],
        MetricType::Gauge if is_timestamp(name) => vec![timestamps(metric, &queries, unit)],
        MetricType::Gauge | MetricType::Counter => vec![levels(metric, &queries, unit)],
        MetricType::Histogram | MetricType::NativeHistogram => {
            let quantiles: Vec<Query> =
                QUANTILES.iter().map(|quantile| queries.quantile(*quantile)).collect();
            vec![
                with_thresholds(
                    Panel::lines(&format!("{name}: quantiles"), metric, &quantiles, unit),
                    metric,
                    unit,
                ),
                heat_map(metric, &queries, unit),
            ]
        }
        MetricType::Summary => {
            let per_second = Unit { id: "cps", bounds: None };
            vec![
                Panel::lines(
                    &format!("{name}: quantiles, the highest"),
                    metric,
                    &[queries.summary_quantiles()],
                    unit,
                ),
                Panel::lines(
                    &format!("{name}: observations per second"),
                    metric,
                    &[queries.observations()],
                    per_second,
                ),
            ]
        }
        MetricType::StateSet => vec![states(metric, &queries)],
    }
}

/// The current value of a gauge as a number; `None` for other types.
pub(super) fn number(metric: &CatalogMetric, catalog: &Catalog, view: &View) -> Option<Panel> {
    let name = &metric.name;
    let is_plain = metric.metric_type == MetricType::Gauge && metric.labels.is_empty();
    if !is_plain || name.ends_with("_info") || is_timestamp(name) {
        return None;
    }
    let queries = Queries::of(metric, catalog, view).levels();
    let mut panel = Panel::new("stat", name, metric, &queries, unit(name, metric.metric_type));
    panel.json["options"] = last_value_options("area", "value");
    Some(Panel { width: 4, height: 4, ..panel })
}

/// Of a timestamp only the last value is of interest.
fn timestamps(metric: &CatalogMetric, queries: &Queries<'_>, unit: Unit) -> Panel {
    let mut panel = Panel::new("stat", &metric.name, metric, &queries.levels(), unit);
    panel.json["options"] = last_value_options("none", "value_and_name");
    panel
}

pub(super) fn last_value_options(graph: &str, text: &str) -> Value {
    json!({
        "colorMode": "none",
        "graphMode": graph,
        "reduceOptions": { "calcs": ["lastNotNull"], "fields": "", "values": false },
        "textMode": text,
    })
}

fn levels(metric: &CatalogMetric, queries: &Queries<'_>, unit: Unit) -> Panel {
    let title = if metric.metric_type == MetricType::Counter {
        format!("{} per second", metric.name)
    } else {
        metric.name.clone()
    };
    let panel = Panel::lines(&title, metric, &queries.levels(), unit);
    let mut panel = with_thresholds(panel, metric, unit);
    if queries.lines == Lines::Band {
        panel.json["fieldConfig"]["overrides"] = json!([{
            "matcher": { "id": "byName", "options": "highest" },
            "properties": [
                { "id": "custom.fillBelowTo", "value": "lowest" },
                { "id": "custom.fillOpacity", "value": 20 },
            ],
        }]);
    }
    panel
}

/// Marks the limits of the metric by dashed lines, if it has any.
fn with_thresholds(mut panel: Panel, metric: &CatalogMetric, unit: Unit) -> Panel {
    if let Some(steps) = thresholds::of_metric(metric, unit, "transparent") {
        let defaults = &mut panel.json["fieldConfig"]["defaults"];
        defaults["thresholds"] = steps;
        defaults["custom"]["thresholdsStyle"] = json!({ "mode": "dashed" });
    }
    panel
}

fn heat_map(metric: &CatalogMetric, queries: &Queries<'_>, unit: Unit) -> Panel {
    let title = format!("{}: how many of each size", metric.name);
    let mut panel = Panel::new("heatmap", &title, metric, &[queries.heat_map()], unit);
    panel.json["targets"][0]["format"] = json!("heatmap");
    panel.json["options"] = json!({
        "calculate": false,
        "cellGap": 1,
        "color": { "mode": "scheme", "scheme": "Oranges", "steps": 64 },
        "legend": { "show": true },
        "tooltip": { "mode": "single", "yHistogram": false },
        "yAxis": { "unit": unit.id },
    });
    panel
}

/// The labels of an info.
fn table(metric: &CatalogMetric, queries: &Queries<'_>) -> Panel {
    let query = Query { expr: queries.series(""), legend: String::new() };
    let mut panel = Panel::new("table", &metric.name, metric, &[query], Unit { id: "short", bounds: None });
    let target = &mut panel.json["targets"][0];
    target["format"] = json!("table");
    target["instant"] = json!(true);
    target["range"] = json!(false);
    panel.json["transformations"] = json!([{
        "id": "organize",
        "options": { "excludeByName": { "Time": true, "Value": true, "__name__": true } },
    }]);
    panel
}

fn states(metric: &CatalogMetric, queries: &Queries<'_>) -> Panel {
    let (query, unit) = (queries.states(), Unit { id: "short", bounds: None });
    if queries.lines != Lines::All {
        return Panel::lines(&format!("{}: how many in each state", metric.name), metric, &[query], unit);
    }
    let mut panel = Panel::new("state-timeline", &metric.name, metric, &[query], unit);
    panel.json["fieldConfig"]["defaults"]["mappings"] = json!([{
        "type": "value",
        "options": {
            "0": { "index": 0, "text": " ", "color": "transparent" },
            "1": { "index": 1, "text": "on", "color": "green" },
        },
    }]);
    panel.json["options"] = json!({
        "legend": { "displayMode": "list", "placement": "bottom", "showLegend": false },
        "mergeValues": true,
        "showValue": "never",
        "tooltip": { "mode": "single" },
    });
    panel
}
