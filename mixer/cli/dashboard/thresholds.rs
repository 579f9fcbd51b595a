//! Thresholds of metrics: the limits of alert rules, and of metrics that say how full something is, shares of their ranges.

use promemu_core::metric::MetricType;
use promemu_run::handle::Sense;
use serde_json::{Value, json};

use super::catalog::CatalogMetric;
use super::rule_limits;
use super::senses::sense;
use super::unit::Unit;

/// Shares of a range from which a value is orange, and red.
const BUSY: f64 = 0.8;
const FULL: f64 = 0.9;

/// The range of a gauge of saturation: that of its unit, or that which the config allows; `None` of others.
pub(super) fn range(metric: &CatalogMetric, unit: Unit) -> Option<(f64, f64)> {
    let is_share = metric.metric_type == MetricType::Gauge && sense(metric) == Some(Sense::Saturation);
    let (low, high) = metric.range;
    let allowed = (low.is_finite() && high.is_finite() && low < high).then_some(metric.range);
    unit.bounds.or(allowed).filter(|_| is_share)
}

/// Grafana's thresholds of a metric, all other values in this colour: the limits of rules, or else shares of its range. `None` if it has
/// neither.
pub(super) fn of_metric(metric: &CatalogMetric, unit: Unit, colour: &str) -> Option<Value> {
    if !metric.limits.is_empty() {
        return Some(rule_limits::steps(&metric.limits, colour));
    }
    range(metric, unit).map(|range| steps(range, colour))
}

/// Grafana's thresholds of such a range, the values below in this colour.
fn steps((low, high): (f64, f64), colour: &str) -> Value {
    let at = |share: f64| low + (high - low) * share;
    json!({
        "mode": "absolute",
        "steps": [
            { "color": colour, "value": null },
            { "color": "orange", "value": at(BUSY) },
            { "color": "red", "value": at(FULL) },
        ],
    })
}
