//! Range queries over the evaluations of a test, in pieces that a Prometheus answers.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use promemu_core::backfill::Grid;
use promemu_core::time::{Span, Time};
use promemu_core::verdict::ResultSeries;

use super::matrix::{Matrix, MatrixSeries, Sample};
use crate::prometheus_client::{PrometheusClient, Unanswered};

/// Maximum number of steps of one query; Prometheus refuses more than 11 000.
const STEPS_MAX: usize = 10_000;
/// Number of samples that one query may read from the series of a run, about.
const SAMPLES_MAX: usize = 5_000_000;

/// The results of an expression at all steps.
#[derive(Debug, Default)]
pub(crate) struct Results {
    /// Its series. The value of a native histogram is not a number.
    pub(crate) series: Vec<ResultSeries>,
    /// `true` if some of the values are native histograms.
    pub(crate) has_histograms: bool,
}

/// The way of asking for the results of expressions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RangeQuery {
    grid: Grid,
    /// Number of steps of one query.
    steps: usize,
}

impl RangeQuery {
    /// Queries over the steps of a grid, of a run with so many series.
    pub(crate) fn new(grid: Grid, series: u64) -> Self {
        let steps = SAMPLES_MAX / usize::try_from(series).unwrap_or(SAMPLES_MAX).max(1);
        Self { grid, steps: steps.clamp(1, STEPS_MAX) }
    }

    /// The same queries over the steps of another grid.
    pub(super) const fn over(self, grid: Grid) -> Self {
        Self { grid, ..self }
    }

    /// Asks for the results of an expression.
    pub(crate) fn results(
        &self,
        prometheus: &PrometheusClient,
        expression: &str,
    ) -> Result<Results, Unanswered> {
        let mut known: IndexMap<BTreeMap<String, String>, Vec<(usize, f64)>> = IndexMap::new();
        let mut has_histograms = false;
        let step = self.grid.step.as_nanos() / 1_000_000;
        for part in self.grid.parts(self.steps) {
            let [start, end] = [part.from, part.to].map(|time: Time| seconds(time.unix_millis()));
            let parameters =
                [("query", expression), ("start", &start), ("end", &end), ("step", &seconds(step))];
            let answer: Matrix = prometheus.read("query_range", &parameters)?;
            for MatrixSeries { metric, values, histograms } in answer.result {
                has_histograms |= !histograms.is_empty();
                let histograms = histograms.iter().map(|point| (point.0, f64::NAN));
                let known = known.entry(metric).or_default();
                let first = known.len();
                let values = values.iter().map(|Sample { secs, value }| (*secs, *value));
                known.extend(values.chain(histograms).map(|(secs, value)| (self.step_of(secs), value)));
                known[first..].sort_unstable_by_key(|(step, _)| *step);
            }
        }
        let series = known
            .into_iter()
            .map(|(labels, values)| ResultSeries { labels: labels.into_iter().collect(), values });
        Ok(Results { series: series.collect(), has_histograms })
    }

    /// The number of the step at this time, in seconds since the Unix epoch.
    fn step_of(&self, secs: f64) -> usize {
        let since = Span::from_secs_f64(secs - self.grid.from.unix_millis_secs()).unwrap_or(Span::ZERO);
        let step = self.grid.step.as_nanos().max(1);
        usize::try_from((since.as_nanos() + step / 2) / step).unwrap_or(usize::MAX)
    }
}

/// Milliseconds as seconds with decimals.
fn seconds(millis: u64) -> String {
    format!("{}.{:03}", millis / 1_000, millis % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_times_and_histograms_of_answers_are_read() {
        let text = r#"{"resultType":"matrix","result":[
            {"metric":{"job":"a"},"values":[[1767600000.25,"NaN"],[1767600000.5,"-Inf"],[1767600001,"1e-05"]]},
            {"metric":{},"histograms":[[1767600000.75,{"count":"1","sum":"2","buckets":[[1,"0","1","1"]]}]]}]}"#;
        let matrix: Matrix = serde_json::from_str(text).unwrap();
        let from = Time::from_unix_secs(1_767_600_000);
        let step = Span::from_nanos(250_000_000);
        let query = RangeQuery::new(Grid { from, to: from + Span::from_secs(1), step }, 0);
        let steps: Vec<usize> =
            matrix.result[0].values.iter().map(|sample| query.step_of(sample.secs)).collect();
        assert_eq!(steps, [1, 2, 4]);
        let values: Vec<f64> = matrix.result[0].values.iter().map(|sample| sample.value).collect();
        assert!(
            values[0].is_nan() && values[1] == f64::NEG_INFINITY && values[2].to_bits() == 1e-5_f64.to_bits()
        );
        assert_eq!(query.step_of(matrix.result[1].histograms[0].0), 3);
        assert_eq!(seconds(1_767_600_000_007), "1767600000.007");
        for text in ["[1]", "[1, 2]", "[1, \"x\"]"] {
            assert!(serde_json::from_str::<Sample>(text).is_err(), "{text}");
        }
    }
}
