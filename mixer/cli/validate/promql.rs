//! Agreement in PromQL: a real Prometheus answers the same queries over the recording and over a run of the config.
//!
//! Both sides are blocks at the times of one grid, so that each query has the same steps.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use indexmap::IndexMap;
use promemu_core::backfill::Grid;
use promemu_core::error::Error;
use promemu_core::metric::ABSENT;
use promemu_core::temporary_folder::TemporaryFolder;
use promemu_core::time::Span;
use promemu_core::verdict::ResultSeries;
use promemu_learn::{EmulatedRun, MetricKind, newest_values, quantiles_agree};
use promemu_wire::export::{GridSeries, write_grid_series};
use promemu_wire::rule_file::Rule;

use crate::test::{Prometheus, RangeQuery, Rules};

/// Names and values of labels, sorted.
type Labels = Vec<(String, String)>;

/// Maximum length of a block.
const LENGTH_MAX: Span = Span::from_secs(24 * 3_600);
/// Steps of the window of a rate.
const RATE_STEPS: u64 = 5;
/// Metrics that are asked for, and steps of a query.
const METRICS_MAX: usize = 100;
const STEPS_MAX: u64 = 1_000;
/// Values agree if they differ by less than this share of the query's range.
const AGREE: f64 = 0.05;

/// A query, and how much its answers agree.
#[derive(Clone, Debug)]
pub(super) struct QueryAgreement {
    pub(super) query: String,
    /// Share of values, by series and step, that agree; `None` without an answer over the recording.
    pub(super) steps: Option<f64>,
    /// Share of quantiles that agree.
    pub(super) quantiles: Option<f64>,
}

/// An alert, and how much its times agree.
#[derive(Clone, Debug)]
pub(super) struct AlertAgreement {
    pub(super) alert: String,
    /// Steps at which it fires over both, over the config alone, and over the recording alone.
    pub(super) both: u64,
    pub(super) config_only: u64,
    pub(super) recording_only: u64,
}

impl AlertAgreement {
    /// F1 of its steps; `None` if it fires nowhere.
    #[expect(clippy::cast_precision_loss, reason = "counts of steps are below 2^53")]
    pub(super) fn f1(&self) -> Option<f64> {
        let errors = self.config_only + self.recording_only;
        (self.both + errors > 0).then(|| 2.0 * self.both as f64 / (2 * self.both + errors) as f64)
    }
}

/// Agreement of queries and alerts.
#[derive(Clone, Debug, Default)]
pub(super) struct Agreement {
    pub(super) queries: Vec<QueryAgreement>,
    pub(super) alerts: Vec<AlertAgreement>,
}

impl QueryAgreement {
    /// The better one of both shares: values of what is determined, quantiles of what is random.
    pub(super) fn best(&self) -> Option<f64> {
        match (self.steps, self.quantiles) {
            (Some(steps), Some(quantiles)) => Some(steps.max(quantiles)),
            (steps, quantiles) => steps.or(quantiles),
        }
    }
}

impl Agreement {
    /// The mean of the queries that have an answer.
    pub(super) fn share(&self) -> Option<f64> {
        mean(self.queries.iter().filter_map(QueryAgreement::best))
    }

    /// The mean F1 of the alerts that fire.
    pub(super) fn f1(&self) -> Option<f64> {
        mean(self.alerts.iter().filter_map(AlertAgreement::f1))
    }
}

#[expect(clippy::cast_precision_loss, reason = "there are few")]
fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let values: Vec<f64> = values.collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The subject: both sides, their metrics, and the rules.
pub(super) struct Compared<'a> {
    pub(super) recorded: &'a EmulatedRun,
    pub(super) emulated: &'a EmulatedRun,
    pub(super) metrics: &'a BTreeMap<String, MetricKind>,
    pub(super) grid: Grid,
    pub(super) rules: &'a Rules,
}

impl Compared<'_> {
    /// Asks a Prometheus of its own for each side.
    pub(super) fn agreement(&self, program: &Path) -> Result<Agreement, Error> {
        let queries = self.queries();
        let alerts: Vec<&Rule> = self.rules.alerts().collect();
        let [recorded, emulated] = [
            self.answers(program, self.recorded, &queries, &alerts)?,
            self.answers(program, self.emulated, &queries, &alerts)?,
        ];
        let steps = self.asked().count();
        let of_queries =
            queries.iter().enumerate().map(|(n, query)| compare(query, &recorded[n], &emulated[n]));
        let of_alerts = alerts.iter().enumerate().map(|(n, rule)| {
            let place = queries.len() + n;
            self.compare_alert(rule, &recorded[place], &emulated[place], steps)
        });
        Ok(Agreement { queries: of_queries.collect(), alerts: of_alerts.collect() })
    }

    /// The steps of queries: those of the grid, or fewer.
    fn asked(&self) -> Grid {
        let steps = (self.grid.count() as u64).div_ceil(STEPS_MAX).max(1);
        Grid { step: self.grid.step.times(steps), ..self.grid }
    }

    fn queries(&self) -> Vec<String> {
        let window = self.grid.step.times(RATE_STEPS).as_nanos() / 1_000_000;
        let query = |(name, kind): (&String, &MetricKind)| match kind {
            MetricKind::Gauge => name.clone(),
            MetricKind::Counter => format!("rate({name}[{window}ms])"),
            MetricKind::Buckets => format!("histogram_quantile(0.9, rate({name}[{window}ms]))"),
        };
        self.metrics.iter().take(METRICS_MAX).map(query).collect()
    }

    fn answers(
        &self,
        program: &Path,
        side: &EmulatedRun,
        queries: &[String],
        alerts: &[&Rule],
    ) -> Result<Vec<Vec<ResultSeries>>, Error> {
        let failed = |source: io::Error| Error::System {
            what: "the samples cannot be written to the folder of temporary files".to_owned(),
            source,
        };
        let folder = TemporaryFolder::new().map_err(failed)?;
        let series: Vec<GridSeries> = side
            .iter()
            .map(|(name, floats)| {
                let labels = name.labels.iter().cloned();
                let labels = std::iter::once(("__name__".to_owned(), name.metric.clone())).chain(labels);
                GridSeries { labels: labels.collect(), values: on_grid(floats, &self.grid) }
            })
            .collect();
        write_grid_series(folder.path(), &self.grid, &series, LENGTH_MAX).map_err(failed)?;
        let prometheus = Prometheus::start(program, folder.path())?;
        let asked = RangeQuery::new(self.asked(), series.len() as u64);
        let expressions =
            queries.iter().map(String::as_str).chain(alerts.iter().map(|rule| rule.expr.as_str()));
        expressions
            .map(|expression| {
                let results = asked.results(prometheus.client(), expression);
                results
                    .map(|results| results.series)
                    .map_err(|why| Error::Run(format!("query {expression} has no answer: {}", why.text())))
            })
            .collect()
    }

    fn compare_alert(
        &self,
        rule: &Rule,
        recorded: &[ResultSeries],
        emulated: &[ResultSeries],
        steps: usize,
    ) -> AlertAgreement {
        let hold = rule.hold.as_nanos().div_ceil(self.asked().step.as_nanos().max(1));
        let hold = usize::try_from(hold).unwrap_or(usize::MAX);
        let [real, own] = [recorded, emulated].map(|results| firing(results, hold, steps));
        let both = real.intersection(&own).count() as u64;
        AlertAgreement {
            alert: rule.name.clone(),
            both,
            config_only: own.len() as u64 - both,
            recording_only: real.len() as u64 - both,
        }
    }
}

fn on_grid(floats: &[(i64, f64)], grid: &Grid) -> Vec<f64> {
    let step_ms = i64::try_from(grid.step.as_nanos() / 1_000_000).unwrap_or(i64::MAX);
    newest_values(floats, grid.iter().map(|time| time.unix_millis().cast_signed()), step_ms, ABSENT)
}

/// Label sets and steps at which an alert fires, which its expression has held for so many steps.
fn firing(results: &[ResultSeries], hold: usize, steps: usize) -> BTreeSet<(Labels, usize)> {
    let mut found = BTreeSet::new();
    for series in results {
        let mut labels = series.labels.clone();
        labels.retain(|(name, _)| name != "__name__");
        labels.sort();
        let mut active = vec![false; steps];
        for (step, _) in &series.values {
            if let Some(is_active) = active.get_mut(*step) {
                *is_active = true;
            }
        }
        let mut since = 0;
        for (step, is_active) in active.into_iter().enumerate() {
            since = if is_active { since + 1 } else { 0 };
            if since > hold {
                found.insert((labels.clone(), step));
            }
        }
    }
    found
}

/// The answers to a query over both sides.
fn compare(query: &str, recorded: &[ResultSeries], emulated: &[ResultSeries]) -> QueryAgreement {
    let by_labels = |series: &[ResultSeries]| -> IndexMap<Labels, Vec<(usize, f64)>> {
        let sorted = |series: &ResultSeries| {
            let mut labels = series.labels.clone();
            labels.sort();
            let values = series.values.iter().filter(|(_, value)| value.is_finite()).copied();
            (labels, values.collect())
        };
        series.iter().map(sorted).collect()
    };
    let (recorded, emulated) = (by_labels(recorded), by_labels(emulated));
    let all = || recorded.values().flatten().map(|(_, value)| *value);
    let range = all().fold(f64::MIN, f64::max) - all().fold(f64::MAX, f64::min);
    let size = all().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    // Values that are all equal have no range.
    let tolerance = AGREE * if range > 1e-9 * size { range } else { size.max(f64::MIN_POSITIVE) };
    let (mut agree, mut values, mut quantiles) = (0_usize, 0_usize, Vec::new());
    for (labels, own) in &recorded {
        let other = emulated.get(labels).map(Vec::as_slice).unwrap_or_default();
        values += own.len();
        for (step, value) in own {
            let place = other.binary_search_by_key(step, |(step, _)| *step).ok();
            agree += usize::from(place.is_some_and(|place| (other[place].1 - value).abs() <= tolerance));
        }
        if !own.is_empty() {
            let values = |of: &[(usize, f64)]| -> Vec<f64> { of.iter().map(|(_, value)| *value).collect() };
            quantiles.push(quantiles_agree(&values(own), &values(other), tolerance));
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of values are below 2^53")]
    let steps = (values > 0).then(|| agree as f64 / values as f64);
    QueryAgreement { query: query.to_owned(), steps, quantiles: mean(quantiles.into_iter()) }
}
