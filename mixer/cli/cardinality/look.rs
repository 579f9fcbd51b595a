//! One look at the series of a Prometheus: by its own statistics of what it has in memory, or by queries.
//!
//! The statistics cost nothing (<https://prometheus.io/docs/prometheus/latest/querying/api/#tsdb-stats>); queries read the series.

use indexmap::IndexMap;
use promemu_core::time::{Span, Time};
use promemu_run::clock::wall_now;
use serde::Deserialize;

use crate::prometheus_client::{PrometheusClient, Unanswered};

/// The label with the name of a series.
const NAME: &str = "__name__";
/// The selector of all series.
const ALL: &str = "{__name__!=\"\"}";
/// Number of rows that are asked for, at least: budgets and growth need more of them than are listed.
const ROWS_MIN: usize = 100;
/// Number of labels whose values are counted by queries.
const LABELS_MAX: usize = 40;
/// The time for which a sample counts for queries.
const LOOKBACK: Span = Span::from_secs(300);

/// The series to count.
#[derive(Clone, Debug)]
pub(super) struct Questions {
    /// The selector; `None` for all series.
    pub(super) selector: Option<String>,
    /// The time; `None` for now.
    pub(super) at: Option<Time>,
    /// Number of rows that are shown.
    pub(super) top: usize,
}

/// A name, and the number of its series or values.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) name: String,
    #[serde(rename = "value")]
    pub(super) count: u64,
}

/// A label's value, and the number of its series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ValueCount {
    pub(super) label: String,
    pub(super) value: String,
    pub(super) series: u64,
}

/// The number of series, and the largest parts; each list begins with the largest.
#[derive(Clone, Debug)]
pub(super) struct Look {
    pub(super) at: Time,
    /// `true` if queries counted, `false` for the series in memory.
    pub(super) is_by_query: bool,
    pub(super) series: u64,
    pub(super) metrics: Vec<Count>,
    /// Labels with the number of their values.
    pub(super) labels: Vec<Count>,
    pub(super) values: Vec<ValueCount>,
    /// Number of labels whose values were not counted.
    pub(super) labels_left_out: usize,
}

/// The statistics that a Prometheus has, or a database with the same API.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statistics {
    head_stats: Option<HeadStatistics>,
    total_series: Option<u64>,
    #[serde(default)]
    series_count_by_metric_name: Vec<Count>,
    #[serde(default)]
    label_value_count_by_label_name: Vec<Count>,
    #[serde(default)]
    series_count_by_label_value_pair: Vec<Count>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HeadStatistics {
    num_series: u64,
}

/// The elements of the answer to a query.
#[derive(Deserialize)]
struct Vector {
    result: Vec<Element>,
}

#[derive(Deserialize)]
struct Element {
    metric: IndexMap<String, String>,
    value: (f64, String),
}

impl Element {
    fn count(&self) -> u64 {
        self.value.1.parse().unwrap_or_default()
    }
}

impl Questions {
    /// Counts the series.
    ///
    /// # Errors
    ///
    /// In words: the Prometheus is away, refuses a question, or answers too late or too much.
    pub(super) fn ask(&self, prometheus: &PrometheusClient) -> Result<Look, String> {
        let rows = self.top.saturating_mul(2).max(ROWS_MIN);
        let look = if self.selector.is_none() && self.at.is_none() {
            of_memory(prometheus, rows)
        } else {
            self.by_queries(prometheus, rows)
        };
        look.map_err(Unanswered::text)
    }

    fn by_queries(&self, prometheus: &PrometheusClient, rows: usize) -> Result<Look, Unanswered> {
        let at = self.at.unwrap_or_else(wall_now);
        let selector = self.selector.as_deref().unwrap_or(ALL);
        let query = |text: &str| {
            let answer: Vector =
                prometheus.read("query", &[("query", text), ("time", &at.unix_millis_secs().to_string())])?;
            Ok::<_, Unanswered>(answer.result)
        };
        let one = |text: &str| Ok::<_, Unanswered>(query(text)?.first().map_or(0, Element::count));
        let by = |label: &str| {
            let counts = query(&format!("topk({rows}, count by ({label}) ({selector}))"))?;
            let count = |element: Element| Count {
                name: element.metric.get(label).cloned().unwrap_or_default(),
                count: element.count(),
            };
            Ok::<_, Unanswered>(counts.into_iter().map(count).collect::<Vec<_>>())
        };
        let series = one(&format!("count({selector})"))?;
        let metrics = by(NAME)?;
        let (from, to) = (at.before(LOOKBACK).rfc3339(), at.rfc3339());
        let names: Vec<String> =
            prometheus.read("labels", &[("match[]", selector), ("start", &from), ("end", &to)])?;
        // Names of UTF-8 would need quotes, which an older Prometheus refuses.
        let is_plain = |name: &String| name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_');
        let names: Vec<String> = names.into_iter().filter(|name| name != NAME && is_plain(name)).collect();
        let (mut labels, mut values) = (Vec::new(), Vec::new());
        for name in names.iter().take(LABELS_MAX) {
            let count = one(&format!("count(count by ({name}) ({selector}))"))?;
            let of_label = by(name)?;
            // Series without the label are no value of it.
            let has_none = of_label.iter().any(|value| value.name.is_empty());
            let count = count.saturating_sub(u64::from(has_none));
            labels.push(Count { name: name.clone(), count });
            values.extend(
                of_label.into_iter().filter(|value| !value.name.is_empty()).map(|value| ValueCount {
                    label: name.clone(),
                    value: value.name,
                    series: value.count,
                }),
            );
        }
        labels.push(Count {
            name: NAME.to_owned(),
            count: one(&format!("count(count by ({NAME}) ({selector}))"))?,
        });
        Ok(Look {
            at,
            is_by_query: true,
            series,
            metrics,
            labels,
            values,
            labels_left_out: names.len().saturating_sub(LABELS_MAX),
        }
        .sorted(rows))
    }
}

/// Number of series of all metrics, and of the largest ones: of those in memory, or else, as with blocks alone, of those that have
/// a value now.
///
/// # Errors
///
/// The Prometheus is away, or refuses a question.
pub(crate) fn series_by_metric(
    prometheus: &PrometheusClient,
) -> Result<(u64, Vec<(String, u64)>), Unanswered> {
    let counts = |metrics: Vec<Count>| metrics.into_iter().map(|of| (of.name, of.count)).collect();
    match of_memory(prometheus, ROWS_MIN) {
        Ok(look) if look.series > 0 => return Ok((look.series, counts(look.metrics))),
        Err(Unanswered::Failed(why)) if why.contains("is away") => return Err(Unanswered::Failed(why)),
        _ => {}
    }
    let query = format!("count by ({NAME}) ({ALL})");
    let answer: Vector = prometheus.read("query", &[("query", &query)])?;
    let count = |element: Element| Count {
        name: element.metric.get(NAME).cloned().unwrap_or_default(),
        count: element.count(),
    };
    let mut metrics: Vec<Count> = answer.result.into_iter().map(count).collect();
    metrics.sort_by_key(|metric| std::cmp::Reverse(metric.count));
    Ok((metrics.iter().map(|metric| metric.count).sum(), counts(metrics)))
}

fn of_memory(prometheus: &PrometheusClient, rows: usize) -> Result<Look, Unanswered> {
    let statistics: Statistics =
        prometheus.read("status/tsdb", &[("limit", &rows.to_string()), ("topN", &rows.to_string())])?;
    let series = statistics.head_stats.map(|head| head.num_series).or(statistics.total_series);
    let series = series.ok_or_else(|| {
        Unanswered::Failed(
            "it has no statistics of its series; count them by queries with --match".to_owned(),
        )
    })?;
    let pair = |Count { name, count }: Count| {
        let (label, value) = name.split_once('=')?;
        (label != NAME).then(|| ValueCount {
            label: label.to_owned(),
            value: value.to_owned(),
            series: count,
        })
    };
    Ok(Look {
        at: wall_now(),
        is_by_query: false,
        series,
        metrics: statistics.series_count_by_metric_name,
        labels: statistics.label_value_count_by_label_name,
        values: statistics.series_count_by_label_value_pair.into_iter().filter_map(pair).collect(),
        labels_left_out: 0,
    }
    .sorted(rows))
}

impl Look {
    /// The largest first, and no more than these.
    fn sorted(mut self, rows: usize) -> Self {
        for counts in [&mut self.metrics, &mut self.labels] {
            counts.sort_by(|one, other| other.count.cmp(&one.count).then_with(|| one.name.cmp(&other.name)));
            counts.truncate(rows);
        }
        self.values.sort_by(|one, other| {
            let names = || (&one.label, &one.value).cmp(&(&other.label, &other.value));
            other.series.cmp(&one.series).then_with(names)
        });
        self.values.truncate(rows);
        self
    }
}
