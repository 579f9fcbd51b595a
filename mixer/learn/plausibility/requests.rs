//! Requests by code sum to the count of all requests.
//!
//! The count of `x_requests_total{code}` is that of a histogram or summary of the same requests, as
//! `x_request_duration_seconds_count`, which has no label of the code.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use promemu_wire::samples::ReadSeries;

use super::{RuleOutcome, Subject, at};
use crate::load::Floats;

const CODES: [&str; 3] = ["code", "status", "status_code"];
/// A page of an exporter is not read at one moment.
const TOLERANCE: f64 = 0.01;
const TOLERANCE_REQUESTS: f64 = 2.0;

pub(super) fn outcome(subject: &Subject<'_>) -> RuleOutcome {
    let mut outcome = RuleOutcome::new("codes", "1 %, and 2 requests");
    let mut groups: IndexMap<(&str, &str), Vec<(&ReadSeries, &Floats)>> = IndexMap::new();
    for (series, floats) in subject.counters() {
        let Some(stem) = series.metric.strip_suffix("requests_total") else { continue };
        if let Some(code) = CODES.into_iter().find(|code| series.label(code).is_some()) {
            groups.entry((stem, code)).or_default().push((series, floats));
        }
    }
    for ((stem, code), by_code) in groups {
        let Some(counts) = counts(subject, stem, code) else { continue };
        for (count, counted) in counts {
            let own: Vec<&Floats> = by_code
                .iter()
                .filter(|(series, _)| count.labels.iter().all(|label| series.labels.contains(label)))
                .map(|(_, floats)| *floats)
                .collect();
            compare(&own, count, counted, &mut outcome);
        }
    }
    outcome
}

/// The series of the count of requests, if there is one and no more.
fn counts<'s>(subject: &Subject<'s>, stem: &str, code: &str) -> Option<Vec<(&'s ReadSeries, &'s Floats)>> {
    let begin = format!("{stem}request_");
    let mut by_name: BTreeMap<&str, Vec<(&ReadSeries, &Floats)>> = BTreeMap::new();
    for (series, floats) in subject.counters() {
        if series.metric.starts_with(&begin)
            && series.metric.ends_with("_seconds_count")
            && series.label(code).is_none()
        {
            by_name.entry(&series.metric).or_default().push((series, floats));
        }
    }
    if by_name.len() == 1 { by_name.pop_first().map(|(_, series)| series) } else { None }
}

/// Compares growth between samples, as counters may have begun at other times.
fn compare(own: &[&Floats], count: &ReadSeries, counted: &Floats, outcome: &mut RuleOutcome) {
    if own.is_empty() {
        return;
    }
    let sum = |time: i64| own.iter().map(|floats| at(floats, time)).sum::<Option<f64>>();
    for pair in counted.windows(2) {
        let (Some(from), Some(to)) = (sum(pair[0].0), sum(pair[1].0)) else { continue };
        let (by_code, all) = (to - from, pair[1].1 - pair[0].1);
        if by_code < 0.0 || all < 0.0 {
            // A reset.
            continue;
        }
        let holds = (by_code - all).abs() <= all * TOLERANCE + TOLERANCE_REQUESTS;
        outcome.check(holds, count, pair[1].0, || format!("{all} requests, but {by_code} by code"));
    }
}
