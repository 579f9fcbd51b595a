//! The history of alerts by the samples that a Prometheus wrote at its evaluations: `ALERTS` and `ALERTS_FOR_STATE`.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use promemu_core::time::{Span, Time};
use promemu_core::verdict::{AlertSeries, Firing};

use crate::test::matrix::{Matrix, MatrixSeries, Sample};

/// Labels of the series that are none of the alert.
const OWN_LABELS: [&str; 3] = ["__name__", "alertname", "alertstate"];

/// The name and the other labels of an alert.
type Identity = (String, Vec<(String, String)>);

/// The samples of a Prometheus on alerts.
pub(super) struct AlertSamples {
    /// Of each alert, by millisecond, the Unix second since which it is active.
    active_since: IndexMap<Identity, BTreeMap<u64, f64>>,
    states: Vec<MatrixSeries>,
}

impl AlertSamples {
    /// The samples of `ALERTS`, and those of `ALERTS_FOR_STATE`.
    pub(super) fn new(states: Matrix, active_since: &Matrix) -> Self {
        let series = active_since.result.iter().map(|series| {
            let values = series.values.iter().map(|sample| (millis(sample.secs), sample.value));
            (identity(series), values.collect())
        });
        Self { active_since: series.collect(), states: states.result }
    }

    /// The histories of alerts that became active after the start of a run, until its end. `interval` is the time between two
    /// evaluations of an alert.
    pub(super) fn histories(
        &self,
        (start, end): (Time, Time),
        interval: impl Fn(&str) -> Span,
    ) -> Vec<AlertSeries> {
        let mut known: IndexMap<Identity, AlertSeries> = IndexMap::new();
        for series in &self.states {
            let identity = identity(series);
            let interval = interval(&identity.0);
            let since = self.active_since.get(&identity);
            let active_since = |at: u64| since.and_then(|since| since.get(&at)).copied();
            // Prometheus has it in whole seconds.
            let is_of_run =
                |at: u64| active_since(at).is_none_or(|since| since >= start.unix_millis_secs().floor());
            let times: Vec<u64> = series
                .values
                .iter()
                .map(|Sample { secs, .. }| millis(*secs))
                .filter(|at| is_of_run(*at))
                .collect();
            if times.is_empty() {
                continue;
            }
            let firing = stretches(&times, interval, |from, to| {
                active_since(from)
                    .is_some_and(|since| Some(since.to_bits()) == active_since(to).map(f64::to_bits))
            });
            let firing = firing.into_iter().map(|(first, last)| {
                let off = last + interval;
                let since_start = |time: Time| start + rounded(time.since(start));
                Firing {
                    begin: since_start(first),
                    end: if off > end { Time::NEVER } else { since_start(off) },
                }
            });
            let alert = known.entry(identity.clone()).or_insert_with(|| AlertSeries {
                name: identity.0,
                labels: identity.1,
                ..AlertSeries::default()
            });
            let is_firing = series.metric.get("alertstate").is_some_and(|state| state == "firing");
            let list = if is_firing { &mut alert.firing } else { &mut alert.pending };
            list.extend(firing);
        }
        let begin = |alert: &AlertSeries| alert.pending.iter().chain(&alert.firing).map(|on| on.begin).min();
        let mut alerts: Vec<AlertSeries> = known.into_values().collect();
        alerts.sort_by(|a, b| (begin(a), &a.name, &a.labels).cmp(&(begin(b), &b.name, &b.labels)));
        alerts
    }
}

/// The first and the last evaluation of each stretch at which an alert is on. Evaluations that are missing end none, if the alert
/// is the same one on both sides.
fn stretches(times: &[u64], interval: Span, is_same: impl Fn(u64, u64) -> bool) -> Vec<(Time, Time)> {
    let interval = interval.as_nanos() / 1_000_000;
    let goes_on = |from: &u64, to: &u64| (to - from) * 2 <= interval * 3 || is_same(*from, *to);
    let time = |millis: u64| Time::from_unix_millis(millis.cast_signed());
    let ends = |stretch: &[u64]| Some((time(*stretch.first()?), time(*stretch.last()?)));
    times.chunk_by(goes_on).filter_map(ends).collect()
}

fn identity(series: &MatrixSeries) -> Identity {
    let name = series.metric.get("alertname").cloned().unwrap_or_default();
    let others = series.metric.iter().filter(|(label, _)| !OWN_LABELS.contains(&label.as_str()));
    (name, others.map(|(label, value)| (label.clone(), value.clone())).collect())
}

/// Milliseconds of seconds since the Unix epoch.
fn millis(secs: f64) -> u64 {
    rounded(Span::from_secs_f64(secs).unwrap_or(Span::ZERO)).as_nanos() / 1_000_000
}

/// Rounded to milliseconds, which samples have.
const fn rounded(span: Span) -> Span {
    Span::from_nanos((span.as_nanos() + 500_000) / 1_000_000 * 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Time = Time::from_unix_secs(1_000);

    fn matrix(series: &[(&str, &[(f64, f64)])]) -> Matrix {
        let series = series.iter().map(|(metric, values)| {
            let values: Vec<String> =
                values.iter().map(|(secs, value)| format!("[{secs},\"{value}\"]")).collect();
            format!("{{\"metric\":{metric},\"values\":[{}]}}", values.join(","))
        });
        let text = format!("{{\"result\":[{}]}}", series.collect::<Vec<_>>().join(","));
        serde_json::from_str(&text).unwrap()
    }

    /// Begin and end of each firing, in seconds since the start.
    fn firing(states: Matrix, active_since: &Matrix) -> Vec<(f64, Option<f64>)> {
        let end = START + Span::from_secs(60);
        let histories =
            AlertSamples::new(states, active_since).histories((START, end), |_| Span::from_secs(2));
        let secs = |time: Time| time.since(START).as_secs_f64();
        let firing = histories.iter().flat_map(|alert| &alert.firing);
        firing.map(|on| (secs(on.begin), Some(on.end).filter(|end| *end != Time::NEVER).map(secs))).collect()
    }

    const FIRING: &str = r#"{"__name__":"ALERTS","alertname":"A","alertstate":"firing","job":"j"}"#;
    const SINCE: &str = r#"{"__name__":"ALERTS_FOR_STATE","alertname":"A","job":"j"}"#;

    #[test]
    fn an_alert_fires_from_its_first_evaluation_to_the_one_behind_the_last() {
        let on = |secs: &[f64]| secs.iter().map(|secs| (1_000.0 + secs, 1.0)).collect::<Vec<_>>();
        let one = on(&[4.5, 6.5, 8.5, 20.5, 22.5, 58.5, 59.5]);
        let found = firing(matrix(&[(FIRING, &one)]), &matrix(&[]));
        assert_eq!(found, [(4.5, Some(10.5)), (20.5, Some(24.5)), (58.5, None)]);
    }

    #[test]
    fn a_missing_evaluation_ends_no_alert_that_is_active_since_the_same_time() {
        let at = |secs: f64, value: f64| (1_000.0 + secs, value);
        let on = [at(4.0, 1.0), at(6.0, 1.0), at(14.0, 1.0), at(24.0, 1.0)];
        let since = [at(4.0, 1_002.0), at(6.0, 1_002.0), at(14.0, 1_002.0), at(24.0, 1_024.0)];
        let found = firing(matrix(&[(FIRING, &on)]), &matrix(&[(SINCE, &since)]));
        assert_eq!(found, [(4.0, Some(16.0)), (24.0, Some(26.0))]);
    }

    #[test]
    fn an_alert_that_was_active_before_the_start_is_none_of_the_run() {
        let at = |secs: f64, value: f64| (1_000.0 + secs, value);
        let on = [at(1.0, 1.0), at(3.0, 1.0), at(9.0, 1.0)];
        let since = [at(1.0, 998.0), at(3.0, 998.0), at(9.0, 1_000.0)];
        assert_eq!(firing(matrix(&[(FIRING, &on)]), &matrix(&[(SINCE, &since)])), [(9.0, Some(11.0))]);
    }
}
