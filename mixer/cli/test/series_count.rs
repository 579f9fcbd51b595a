//! The number of series that a Prometheus has of a run.

use indexmap::IndexMap;
use promemu_core::backfill::Grid;
use serde::Deserialize;

use crate::prometheus_client::{PrometheusClient, Unanswered};

#[derive(Deserialize)]
struct Vector {
    result: Vec<Count>,
}

#[derive(Deserialize)]
struct Count {
    metric: IndexMap<String, String>,
    value: (f64, String),
}

/// Number of series by metric name that match, and that have a sample at the times of a grid.
pub(super) fn series_by_name(
    prometheus: &PrometheusClient,
    matchers: &str,
    grid: &Grid,
) -> Result<IndexMap<String, u64>, Unanswered> {
    let millis = grid.to.since(grid.from).plus(grid.step).as_nanos() / 1_000_000;
    let query = format!("count by (__name__) (last_over_time({{{matchers}}}[{millis}ms]))");
    let time = grid.to.unix_millis_secs().to_string();
    let answer: Vector = prometheus.read("query", &[("query", &query), ("time", &time)])?;
    let count = |Count { metric, value }: Count| {
        let name = metric.get("__name__").cloned().unwrap_or_default();
        (name, value.1.parse().unwrap_or_default())
    };
    Ok(answer.result.into_iter().map(count).collect())
}
