//! Grafana's units (<https://github.com/grafana/grafana/blob/main/packages/grafana-data/src/valueFormats/categories.ts>),
//! by the ends of names (<https://prometheus.io/docs/practices/naming/>).

use promemu_core::metric::MetricType;

/// The unit of a name's end, and of a rate of it.
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

/// A moment, in seconds since the Unix epoch, ends so.
const MOMENTS: [&str; 3] = ["_start_time_seconds", "_timestamp_seconds", "_created"];

/// How values of a metric are to be read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Unit {
    /// Grafana's name of it.
    pub(super) id: &'static str,
    /// The lowest and the highest value that make sense.
    pub(super) bounds: Option<(f64, f64)>,
}

/// The unit of a metric as it is shown: counters as rates.
pub(super) fn unit(name: &str, metric_type: MetricType) -> Unit {
    if is_moment(name) {
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

/// Whether a metric's values are moments.
pub(super) fn is_moment(name: &str) -> bool {
    MOMENTS.iter().any(|end| name.ends_with(end))
}

/// Whether values of a gauge can be added up: shares, durations and temperatures cannot.
pub(super) fn adds_up(name: &str) -> bool {
    let unit = unit(name, MetricType::Gauge).id;
    !matches!(unit, "percent" | "percentunit" | "s" | "ms" | "celsius" | "volt" | "dateTimeFromNow")
}
