//! The rows of a dashboard: metrics by what they say of a service.

use promemu_run::handle::Sense;

use super::catalog::CatalogMetric;

/// The rows in their order: the sense, and the title.
const ROWS: [(Sense, &str); 7] = [
    (Sense::Traffic, "traffic"),
    (Sense::Errors, "errors"),
    (Sense::Latency, "latency"),
    (Sense::Saturation, "saturation"),
    (Sense::State, "states"),
    (Sense::Other, "others"),
    (Sense::Constant, "constants"),
];
/// The row of labels without a value.
const INFO: &str = "about";

/// The metrics row by row, without empty rows.
pub(super) fn in_rows(metrics: &[CatalogMetric]) -> Vec<(&'static str, Vec<&CatalogMetric>)> {
    let of = |wanted: Option<Sense>| metrics.iter().filter(move |metric| sense(metric) == wanted).collect();
    let rows = ROWS.into_iter().map(|(sense, title)| (title, of(Some(sense))));
    let rows = rows.chain([(INFO, of(None))]);
    rows.filter(|(_, metrics): &(&str, Vec<&CatalogMetric>)| !metrics.is_empty()).collect()
}

/// The sense of a metric; `None` for labels without a value.
pub(super) fn sense(metric: &CatalogMetric) -> Option<Sense> {
    if metric.name.ends_with("_info") { None } else { Sense::of_name(&metric.name, metric.metric_type) }
}
