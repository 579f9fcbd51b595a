//! The top row of a dashboard: few numbers that say how it is.

use promemu_core::metric::MetricType;
use promemu_core::metric::promql::selector;
use promemu_run::handle::Sense;
use serde_json::json;

use super::catalog::{Catalog, CatalogMetric, HOST_LABEL};
use super::panel::{Panel, last_value_options};
use super::query::{Queries, Query, View};
use super::senses::sense;
use super::thresholds;
use super::unit::{Unit, unit};
use super::variables::sample_name;

const WIDTH: usize = 6;
const HEIGHT: usize = 4;

/// Hosts, traffic, latency and saturation, as far as there are such metrics.
pub(super) fn stats(catalog: &Catalog, view: &View) -> Vec<Panel> {
    let first = |wanted: Sense, is_fit: fn(&CatalogMetric) -> bool| {
        catalog.metrics.iter().find(|metric| sense(metric) == Some(wanted) && is_fit(metric))
    };
    let traffic = first(Sense::Traffic, |metric| metric.metric_type == MetricType::Counter);
    let latency = first(Sense::Latency, |metric| metric.metric_type == MetricType::Histogram);
    let saturation = first(Sense::Saturation, |metric| {
        thresholds::range(metric, unit(&metric.name, metric.metric_type)).is_some()
    });
    let traffic = traffic.map(|metric| {
        let expr = format!("sum({})", Queries::of(metric, catalog, view).rate(""));
        stat(&format!("{} per second", metric.name), metric, &expr, unit(&metric.name, metric.metric_type))
    });
    let latency = latency.map(|metric| {
        let Query { expr, .. } =
            Queries::of(metric, catalog, &View { one_host: false, by: None }).quantile(0.99);
        let unit = unit(&metric.name, metric.metric_type);
        with_thresholds(stat(&format!("{}: p99", metric.name), metric, &expr, unit), metric, unit)
    });
    let saturation = saturation.map(|metric| {
        let expr = format!("max({})", Queries::of(metric, catalog, view).series(""));
        let unit = unit(&metric.name, metric.metric_type);
        with_thresholds(stat(&format!("{}: the highest", metric.name), metric, &expr, unit), metric, unit)
    });
    [hosts(catalog), traffic, latency, saturation].into_iter().flatten().collect()
}

/// The number of hosts that have samples.
fn hosts(catalog: &Catalog) -> Option<Panel> {
    let covering: Vec<&CatalogMetric> =
        catalog.covering.iter().map(|index| &catalog.metrics[*index]).collect();
    let names: Vec<String> = covering.iter().map(|metric| sample_name(metric)).collect();
    let metric = covering.first().filter(|_| catalog.labels.contains(HOST_LABEL))?;
    let matchers = format!("__name__=~\"{}\",job=~\"$job\",{HOST_LABEL}=~\"${HOST_LABEL}\"", names.join("|"));
    let expr = format!("count(count by ({HOST_LABEL}) ({}))", selector("", &matchers));
    let mut panel = stat("hosts", metric, &expr, Unit { id: "short", bounds: None });
    panel.json["description"] = json!("hosts that have samples");
    Some(panel)
}

fn stat(title: &str, metric: &CatalogMetric, expr: &str, unit: Unit) -> Panel {
    let query = Query { expr: expr.to_owned(), legend: String::new() };
    let mut panel = Panel::new("stat", title, metric, &[query], unit);
    panel.json["options"] = last_value_options("area", "value");
    Panel { width: WIDTH, height: HEIGHT, ..panel }
}

/// Colours a value by the limits of rules, or by its share of the range.
fn with_thresholds(mut panel: Panel, metric: &CatalogMetric, unit: Unit) -> Panel {
    let Some(steps) = thresholds::of_metric(metric, unit, "green") else { return panel };
    panel.json["fieldConfig"]["defaults"]["thresholds"] = steps;
    panel.json["options"]["colorMode"] = json!("value");
    panel
}
