//! PromQL: the selection of series, and their aggregation into lines.

use promemu_core::metric::MetricType;
use promemu_core::metric::promql::{MetricQuery, QuantileOf};

use super::catalog::{Catalog, CatalogMetric, HOST_LABEL};
use super::unit;

/// More series are aggregated.
const LINES_MAX: usize = 50;
/// The range of a rate; Grafana fits it to the scrape interval.
const RATE_RANGE: &str = "$__rate_interval";

/// Labels that say most about what is counted, the first before the others.
const TELLING: [&str; 10] =
    ["code", "status", "outcome", "result", "reason", "state", "mode", "type", "operation", "method"];

/// The selection of hosts and the aggregation that the user chose.
#[derive(Debug)]
pub(super) struct View {
    /// One host, which the viewer selects.
    pub(super) one_host: bool,
    /// One line for each value of this label.
    pub(super) by: Option<String>,
}

/// The lines of a metric's panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lines<'a> {
    /// One for each series.
    All,
    /// The lowest, the median and the highest of all series; of counters the sum, by the label that says most.
    Band,
    /// One for each value of a label.
    By(&'a str),
}

/// An expression, and its text in the legend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) expr: String,
    pub(super) legend: String,
}

impl Query {
    fn new(expr: impl Into<String>, legend: impl Into<String>) -> Self {
        Self { expr: expr.into(), legend: legend.into() }
    }
}

/// The queries of one metric.
#[derive(Debug)]
pub(super) struct Queries<'a> {
    series: MetricQuery<'a>,
    legend: String,
    pub(super) lines: Lines<'a>,
    /// The label of a metric that says most about what is counted.
    telling: Option<&'static str>,
}

impl<'a> Queries<'a> {
    pub(super) fn of(metric: &'a CatalogMetric, catalog: &Catalog, view: &'a View) -> Self {
        let labels = catalog.labels.iter().chain(&metric.labels);
        let labels = labels.filter(|label| catalog.variables.contains(*label));
        let matchers = labels.map(|label| format!("{label}=~\"${label}\"")).collect::<Vec<_>>().join(",");
        let lines = match &view.by {
            Some(label) if metric.labels.contains(label) || catalog.labels.contains(label) => {
                Lines::By(label)
            }
            _ if view.one_host || metric.series <= LINES_MAX => Lines::All,
            _ => Lines::Band,
        };
        let host = if catalog.labels.contains(HOST_LABEL) { HOST_LABEL } else { "instance" };
        let host = (!view.one_host || metric.labels.is_empty()).then_some(host);
        let legend = host.into_iter().chain(metric.labels.iter().map(String::as_str));
        let legend = legend.map(|label| format!("{{{{{label}}}}}")).collect::<Vec<_>>().join(" ");
        let (name, metric_type) = (&metric.name, metric.metric_type);
        let series = MetricQuery { name, metric_type, matchers, range: RATE_RANGE };
        let telling = TELLING.into_iter().find(|label| metric.labels.contains(*label));
        Self { series, legend, lines, telling }
    }

    /// The selector of the series whose name has this suffix.
    pub(super) fn series(&self, suffix: &str) -> String {
        self.series.series(suffix)
    }

    /// The growth per second of the series with this suffix.
    pub(super) fn rate(&self, suffix: &str) -> String {
        self.series.rate(suffix)
    }

    /// The lines of a gauge or a counter.
    pub(super) fn levels(&self) -> Vec<Query> {
        let name = self.series.name;
        let is_counter = self.series.metric_type == MetricType::Counter;
        let level = if !is_counter && unit::is_timestamp(name) {
            // Grafana's timestamps are in milliseconds.
            format!("{} * 1000", self.series(""))
        } else {
            self.series.level()
        };
        match self.lines {
            Lines::All => vec![Query::new(level, &self.legend)],
            Lines::Band if is_counter => vec![match self.telling {
                Some(label) => Query::new(format!("sum by ({label}) ({level})"), format!("{{{{{label}}}}}")),
                None => Query::new(format!("sum({level})"), "total"),
            }],
            Lines::Band => vec![
                Query::new(format!("min({level})"), "lowest"),
                Query::new(format!("quantile(0.5, {level})"), "median"),
                Query::new(format!("max({level})"), "highest"),
            ],
            Lines::By(label) => {
                let aggregation = match () {
                    () if is_counter || unit::is_additive(name) => "sum",
                    () if unit::is_timestamp(name) => "max",
                    () => "avg",
                };
                vec![Query::new(format!("{aggregation} by ({label}) ({level})"), format!("{{{{{label}}}}}"))]
            }
        }
    }

    /// A quantile of the observations of a histogram, of all its series together.
    pub(super) fn quantile(&self, quantile: f64) -> Query {
        let percent = quantile * 100.0;
        let (of, legend) = match self.lines {
            Lines::By(label) => (QuantileOf::By(label), format!("{{{{{label}}}}} p{percent}")),
            Lines::All | Lines::Band => (QuantileOf::All, format!("p{percent}")),
        };
        Query::new(self.series.quantile(quantile, of), legend)
    }

    /// The number of observations in each bucket.
    pub(super) fn heat_map(&self) -> Query {
        let increase = self.series.increase(self.series.bucket_suffix());
        if self.series.metric_type == MetricType::Histogram {
            Query::new(format!("sum by (le) ({increase})"), "{{le}}")
        } else {
            Query::new(format!("sum({increase})"), "")
        }
    }

    /// The quantiles of a summary, each the highest of its series, as quantiles cannot be aggregated.
    pub(super) fn summary_quantiles(&self) -> Query {
        match self.lines {
            Lines::By(label) => Query::new(
                format!("max by (quantile, {label}) ({})", self.series("")),
                format!("{{{{{label}}}}} {{{{quantile}}}}"),
            ),
            Lines::All | Lines::Band => {
                Query::new(format!("max by (quantile) ({})", self.series("")), "{{quantile}}")
            }
        }
    }

    /// The observations of a summary per second.
    pub(super) fn observations(&self) -> Query {
        match self.lines {
            Lines::By(label) => {
                Query::new(format!("sum by ({label}) ({})", self.rate("_count")), format!("{{{{{label}}}}}"))
            }
            Lines::All | Lines::Band => Query::new(format!("sum({})", self.rate("_count")), "observations"),
        }
    }

    /// The states of a stateset: those of each series, or of many series the number in each state.
    pub(super) fn states(&self) -> Query {
        let state = self.series.name;
        match self.lines {
            Lines::All => Query::new(self.series(""), format!("{} {{{{{state}}}}}", self.legend)),
            Lines::Band | Lines::By(_) => Query::new(
                format!("count by ({state}) ({} == 1)", self.series("")),
                format!("{{{{{state}}}}}"),
            ),
        }
    }
}
