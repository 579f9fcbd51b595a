//! Units of panels against the units in the names of metrics (<https://prometheus.io/docs/practices/naming/>).
//!
//! Only queries whose values have the unit of their one metric are judged: any arithmetic may change it.

use promql_parser::parser::Expr;

use super::selectors::{Selectors, name_of};

/// The end of a name, its unit in words, and the units of Grafana that say so.
const UNITS: [(&str, &str, &[&str]); 6] = [
    ("_seconds", "in seconds", &["s", "dtdurations", "dthms", "clocks"]),
    ("_milliseconds", "in milliseconds", &["ms", "dtdurationms"]),
    ("_ms", "in milliseconds", &["ms", "dtdurationms"]),
    ("_bytes", "in bytes", &["bytes", "decbytes"]),
    ("_ratio", "a ratio from 0 to 1", &["percentunit"]),
    ("_percent", "in percent, from 0 to 100", &["percent"]),
];

/// Units of Grafana for durations, sizes and shares. Others, as `short`, fit any metric.
const JUDGED: [&str; 24] = [
    "ns",
    "µs",
    "ms",
    "s",
    "m",
    "h",
    "d",
    "dtdurations",
    "dtdurationms",
    "dthms",
    "clocks",
    "bits",
    "decbits",
    "bytes",
    "decbytes",
    "kbytes",
    "deckbytes",
    "mbytes",
    "decmbytes",
    "gbytes",
    "decgbytes",
    "tbytes",
    "percent",
    "percentunit",
];

/// Ends of the names of timestamps.
const TIMESTAMPS: [&str; 3] = ["_start_time_seconds", "_timestamp_seconds", "_boot_time_seconds"];

/// Aggregations whose values have the unit of their elements.
const AGGREGATIONS: [&str; 7] = ["sum", "avg", "min", "max", "topk", "bottomk", "quantile"];

/// Functions whose values have the unit of their first series.
const FUNCTIONS: [&str; 18] = [
    "abs",
    "avg_over_time",
    "clamp",
    "clamp_max",
    "clamp_min",
    "delta",
    "increase",
    "label_join",
    "label_replace",
    "last_over_time",
    "max_over_time",
    "min_over_time",
    "quantile_over_time",
    "round",
    "sort",
    "sort_desc",
    "sum_over_time",
    "idelta",
];

/// The conflict of a panel's unit with the metric of its query, in words.
pub(super) fn conflict(unit: &str, query: &Expr) -> Option<String> {
    let metric = metric_of(query)?;
    if !JUDGED.contains(&unit) || TIMESTAMPS.iter().any(|end| metric.ends_with(end)) {
        return None;
    }
    let stem = metric.trim_end_matches("_total");
    let (_, words, fitting) = UNITS.into_iter().find(|(end, ..)| stem.ends_with(end))?;
    (!fitting.contains(&unit)).then(|| {
        format!("the panel's unit is {unit:?}, but {metric} is {words}; choose {:?} in Grafana", fitting[0])
    })
}

/// The metric whose unit the values of a query have, if that is certain.
fn metric_of(query: &Expr) -> Option<String> {
    match query {
        Expr::Paren(inside) => metric_of(&inside.expr),
        Expr::Subquery(inside) => metric_of(&inside.expr),
        Expr::VectorSelector(selector) => name_of(selector),
        Expr::MatrixSelector(matrix) => name_of(&matrix.vs),
        Expr::Aggregate(aggregate) if AGGREGATIONS.contains(&aggregate.op.to_string().as_str()) => {
            metric_of(&aggregate.expr)
        }
        Expr::Call(call) if call.func.name == "histogram_quantile" => {
            let selectors = Selectors::of(query).all;
            let [(selector, _)] = selectors.as_slice() else { return None };
            Some(name_of(selector)?.trim_end_matches("_bucket").to_owned())
        }
        Expr::Call(call) if FUNCTIONS.contains(&call.func.name) => {
            call.args.args.iter().find_map(|argument| metric_of(argument))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use promql_parser::parser::parse;

    use super::*;

    #[test]
    fn only_certain_conflicts_of_units_are_found() {
        let found = |unit: &str, query: &str| conflict(unit, &parse(query).unwrap());
        for (unit, query) in [
            ("bytes", "request_seconds"),
            ("percent", "avg by (job) (error_ratio)"),
            ("percentunit", "max_over_time(cpu_percent[5m])"),
            ("ms", "histogram_quantile(0.9, sum by (le) (rate(request_seconds_bucket[5m])))"),
            ("s", "sum(memory_bytes)"),
            ("kbytes", "quantile_over_time(0.9, memory_bytes[5m])"),
            ("percent", "increase(cpu_seconds_total[1h])"),
        ] {
            assert!(found(unit, query).is_some(), "{unit}: {query}");
        }
        for (unit, query) in [
            ("s", "request_seconds"),
            ("short", "request_seconds"),
            ("ms", "request_seconds * 1000"),
            ("percent", "error_ratio * 100"),
            ("percentunit", "rate(cpu_seconds_total[5m])"),
            ("percentunit", "a_bytes / b_bytes"),
            ("dateTimeFromNow", "process_start_time_seconds"),
            ("s", "count(memory_bytes)"),
            ("s", "request_seconds_count"),
            ("bytes", "some_metric"),
        ] {
            assert_eq!(found(unit, query), None, "{unit}: {query}");
        }
        assert_eq!(
            found("percent", "error_ratio").unwrap(),
            "the panel's unit is \"percent\", but error_ratio is a ratio from 0 to 1; choose \"percentunit\" in Grafana"
        );
    }
}
