//! The fields of metrics.

use super::record::{Record, field};

/// One metric of a host, or several alike.
pub(super) const METRIC: Record = Record {
    name: "Metric",
    summary: "one metric of a host, or several alike",
    fields: &[
        field(
            &["name"],
            "letters, digits, `_`, `:`; not beginning with a digit",
            "must be given",
            "the metric's name",
        ),
        field(
            &["repeat"],
            "`Repeat(…)`, or a list of them",
            "one metric",
            "makes several, with different labels or names",
        ),
        field(
            &["metric_type"],
            "`gauge`, `counter`, `histogram`, `native_histogram`, `summary`, `info`, `stateset`",
            "`gauge`",
            "see [Metric types](#metric-types)",
        ),
        field(
            &["scenario"],
            "a scenario",
            "`do_nothing`",
            "generates its values; see [Scenarios](scenarios.md)",
        ),
        field(
            &["value_range"],
            "`(low, high)`, low not above high; an end may be `inf` or `-inf`",
            "no bounds; of a stateset its states",
            "values and observations are clamped to it",
        ),
        field(
            &["default_value"],
            "number within `value_range`",
            "0, clamped to the range",
            "the value before the first update; a counter counts from it, even outside of its range, but not from below 0",
        ),
        field(
            &["decimals"],
            "whole number, 0 to 15",
            "follows from the range, at least 2",
            "number of decimals to which values of gauges and counters are rounded; a rounded value stays in the value_range, and without `decimals` at least 100 steps of the range (of the metric, else of its scenario) differ; observations are not rounded",
        ),
        field(
            &["update_interval"],
            "duration, 1 ms or longer, not `inf`",
            "`10s`",
            "time between two values",
        ),
        field(&["start_time"], "duration", "`0s`", "time from its host's start to its first value"),
        field(
            &["duration"],
            "duration",
            "`inf`",
            "time from then on during which it has values; then it has no sample",
        ),
        field(&["listen_events"], "list of events", "none", "events that cause an update at once"),
        field(
            &["when"],
            "formula",
            "always",
            "it has a sample only after an update for which this is true; a `feature_toggle` is off without one",
        ),
        field(&["labels"], "`{ \"name\": text }`", "none", "its own labels, in addition to its host's"),
        field(&["description"], "text", "`an emulated metric`", "its HELP"),
        field(
            &["units"],
            "text",
            "none",
            "documents the unit in the config; OpenMetrics, protobuf and remote write have it as UNIT if it is a base unit (`seconds`, `bytes`, `joules`, `grams`, `meters`, `ratio`, `volts`, `amperes`, `celsius`) and the name ends with it",
        ),
        field(
            &["accumulate"],
            "`per_update`, `per_second`",
            "see [Metric types](#metric-types)",
            "for counters only",
        ),
        field(
            &["buckets"],
            "list of rising numbers, at least one",
            "0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10",
            "upper bounds, for histograms only; `+Inf` is added",
        ),
        field(
            &["schema"],
            "whole number, -4 to 8",
            "3",
            "the initial resolution of a native histogram: 2 to the power of it buckets for each doubling",
        ),
        field(
            &["zero_threshold"],
            "number, 0 or above",
            "2.9e-39",
            "a native histogram counts observations up to this absolute value in its zero bucket",
        ),
        field(
            &["max_buckets"],
            "whole number, 4 to 10 000",
            "160",
            "maximum number of buckets of a native histogram, for each sign; it halves its resolution before it needs more",
        ),
        field(
            &["quantiles"],
            "list of rising numbers from 0 to 1",
            "0.5, 0.9, 0.99",
            "the quantiles of a summary",
        ),
        field(
            &["window"],
            "duration",
            "`10m`",
            "the window of a summary's quantiles; it moves on by a fifth of its length",
        ),
        field(&["states"], "list of different names", "must be given for a stateset", "its states"),
        field(
            &["observations"],
            "formula",
            "1",
            "number of observations of an update, 0 to 1 000 000, for histograms and summaries only; a result outside of that is logged, and 0 or 1 000 000 are made; 2.3 means 3 in three of ten updates, else 2",
        ),
        field(
            &["spread"],
            "a spread",
            "none: all are equal",
            "the distribution of an update's observations; see [Spread](#spread)",
        ),
        field(
            &["exemplars"],
            "`true`, `false`",
            "`false`",
            "adds an exemplar with a trace to a counter's or histogram's last observation; see [Exemplars and created times](#exemplars-and-created-times)",
        ),
        field(
            &["created"],
            "`true`, `false`",
            "`false`",
            "adds the created time to a counter, histogram or summary",
        ),
        field(
            &["linked_metrics"],
            "list of names",
            "set by the relays",
            "the metrics that relay this one; checked, and may be left out",
        ),
    ],
};
