//! The units of metrics by the ends of their names (<https://prometheus.io/docs/practices/naming/>), in Grafana's terms
//! (<https://github.com/grafana/grafana/blob/main/packages/grafana-data/src/valueFormats/categories.ts>).

use promemu_core::metric::MetricType;

/// The end of a name, its unit, and the unit of its rate.
const UNITS: [(&str, &str, &str); 12] = [
    ("_bytes", "bytes", "Bps"),
    ("_percent", "percent", "percent"),
    ("_ratio", "percentunit", "percentunit"),
    ("_seconds", "s", "percentunit"),
    ("_ms", "ms", "ms"),
    ("_milliseconds", "ms", "ms"),
    ("_mbps", "Mbits", "Mbits"),
    ("_bits", "decbits", "bps"),
    ("_celsius", "celsius", "celsius"),
    ("_volts", "volt", "volt"),
    ("_joules", "joule", "watt"),
    ("_per_second", "cps", "cps"),
];

/// The ends of names of timestamps, which are in seconds since the Unix epoch.
const TIMESTAMP_SUFFIXES: [&str; 4] =
    ["_start_time_seconds", "_boot_time_seconds", "_timestamp_seconds", "_created"];

/// The unit of a panel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Unit {
    /// Its id in Grafana.
    pub(super) id: &'static str,
    /// The lowest and the highest possible value.
    pub(super) bounds: Option<(f64, f64)>,
}

/// The unit of a metric's panel, in which a counter is a rate.
pub(super) fn unit(name: &str, metric_type: MetricType) -> Unit {
    if is_timestamp(name) {
        return Unit { id: "dateTimeFromNow", bounds: None };
    }
    let is_counter = metric_type == MetricType::Counter;
    let stem = if is_counter { name.trim_end_matches("_total") } else { name };
    let found = UNITS.iter().find(|(end, ..)| stem.ends_with(end));
    let id = match found {
        Some((_, _, of_rate)) if is_counter => of_rate,
        Some((_, id, _)) => id,
        None if is_counter => "cps",
        None => "short",
    };
    let bounds = match id {
        "percent" => Some((0.0, 100.0)),
        "percentunit" if !is_counter => Some((0.0, 1.0)),
        _ => None,
    };
    Unit { id, bounds }
}

/// `true` if a metric's values are timestamps.
pub(super) fn is_timestamp(name: &str) -> bool {
    TIMESTAMP_SUFFIXES.iter().any(|end| name.ends_with(end))
}

/// `true` if values of a gauge can be added up; ratios, durations and temperatures cannot.
pub(super) fn is_additive(name: &str) -> bool {
    let unit = unit(name, MetricType::Gauge).id;
    !matches!(unit, "percent" | "percentunit" | "s" | "ms" | "celsius" | "volt" | "dateTimeFromNow")
}
