//! The quality of a recording as metrics.

use promemu_learn::Measure;

use super::budget::Budget;
use super::report::Report;
use crate::metrics_file::MetricsFile;

/// The metrics of a report.
pub(super) fn of(report: &Report, budget: &Budget) -> MetricsFile {
    let name = &*report.name;
    let of_recording = || vec![("recording", name)];
    let of_measure = |measure: &'static str| vec![("measure", measure), ("recording", name)];
    let found = &report.found;
    let mut file = MetricsFile::default();
    file.gauges(
        "promemu_quality_share",
        "share of a recording that is good; by measure",
        found.measures.iter().map(|measure| (of_measure(measure.name), Measure::share(measure))),
    );
    let limits =
        budget.limits().map(|(measure, limit)| (vec![("measure", measure), ("recording", name)], limit));
    file.gauges("promemu_quality_budget", "budget of a measure, or of problems", limits);
    file.gauges(
        "promemu_quality_over_budget",
        "number of budgets that a recording does not keep",
        [(of_recording(), count(report.exceeded.len()))],
    );
    file.gauges(
        "promemu_quality_problems",
        "number of problems; by measure",
        found.measures.iter().map(|measure| {
            let own = found.problems.iter().filter(|problem| problem.measure == measure.name);
            (of_measure(measure.name), count(own.count()))
        }),
    );
    let samples = u32::try_from(found.samples).map_or(f64::from(u32::MAX), f64::from);
    file.gauges("promemu_quality_samples", "samples that can be read", [(of_recording(), samples)]);
    file.gauges("promemu_quality_series", "series of a recording", [(of_recording(), count(found.series))]);
    file.gauges(
        "promemu_quality_psi",
        "population stability index; by metric",
        found.drift.iter().map(|drift| (vec![("metric", &*drift.metric), ("recording", name)], drift.psi)),
    );
    let end_secs = found.range_ms.1.div_euclid(1000);
    let end = i32::try_from(end_secs).map_or(f64::from(i32::MAX), f64::from);
    file.gauges(
        "promemu_quality_end_seconds",
        "end of a recording, since the Unix epoch",
        [(of_recording(), end)],
    );
    file
}

fn count(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::from(u32::MAX), f64::from)
}
