//! The times that queries take on a Prometheus with the samples of a run.

use std::path::Path;

use indexmap::IndexMap;
use promemu_core::error::Error;
use promemu_core::plan::Verdict;
use promemu_core::time::Span;
use promemu_core::verdict::QueryTimes;
use promemu_run::clock::Clock;
use serde_json::Value;

use super::large;
use super::rules::Rules;
use super::subject::Subject;
use crate::prometheus_client::PrometheusClient;

/// Maximum number of steps of a query, about those of a wide panel.
const STEPS_MAX: u64 = 1_000;

/// The times of queries, by query.
type AllTimes = IndexMap<String, Result<QueryTimes, String>>;

/// Asks for the queries of verdicts on a Prometheus of promemu's own.
pub(super) fn observe(subject: &Subject, rules: &Rules, program: &Path) -> Result<AllTimes, Error> {
    let queries = queries(subject);
    if queries.is_empty() {
        return Ok(AllTimes::new());
    }
    let seen = large::ask(subject, rules, program, |prometheus, _| observe_live(subject, prometheus))?;
    Ok(seen.unwrap_or_else(|why| queries.into_keys().map(|query| (query, Err(why.clone()))).collect()))
}

/// Asks a Prometheus for the queries of verdicts.
pub(super) fn observe_live(subject: &Subject, prometheus: &PrometheusClient) -> AllTimes {
    let times = |(query, runs): (String, u32)| {
        let times = times(subject, prometheus, (&query, runs));
        (query, times)
    };
    queries(subject).into_iter().map(times).collect()
}

/// The queries of verdicts, each with the number of its runs.
fn queries(subject: &Subject) -> IndexMap<String, u32> {
    let mut queries = IndexMap::new();
    for verdict in &subject.verdicts {
        if let Verdict::QueryTime { query, runs, .. } = &verdict.verdict {
            let most = queries.entry(query.clone()).or_insert(*runs);
            *most = (*runs).max(*most);
        }
    }
    queries
}

fn times(
    subject: &Subject,
    prometheus: &PrometheusClient,
    (query, runs): (&str, u32),
) -> Result<QueryTimes, String> {
    let grid = &subject.evaluations;
    let least = grid.to.since(grid.from).as_nanos().div_ceil(STEPS_MAX);
    let step = grid.step.max(Span::from_nanos(least)).as_secs_f64().to_string();
    let (start, end) = (grid.from.unix_millis_secs().to_string(), grid.to.unix_millis_secs().to_string());
    let parameters = [("query", query), ("start", &start), ("end", &end), ("step", &step)];
    let (clock, mut seen) = (Clock::start(), QueryTimes::default());
    for _ in 0..runs {
        let begin = clock.now();
        let answer = prometheus.ask("query_range", &parameters)?;
        let micros = clock.now().since(begin).as_nanos() / 1_000;
        seen.times.push(Span::from_nanos(micros * 1_000));
        seen.has_data = answer["result"].as_array().is_some_and(|series: &Vec<Value>| !series.is_empty());
    }
    Ok(seen)
}
