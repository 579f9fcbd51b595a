//! CPU seconds and the time in which they were spent.

use indexmap::IndexMap;
use promemu_wire::samples::ReadSeries;

use super::{RuleOutcome, Subject, at, without};
use crate::grid::millis;
use crate::load::Floats;

const OF_PROCESSES: [&str; 2] = ["process_cpu_seconds_total", "container_cpu_usage_seconds_total"];
const OF_MODES: &str = "cpu_seconds_total";
/// Shares and seconds by which clocks and reads may differ: a page is not read at the time that its samples have.
const TOLERANCE: f64 = 0.05;
const TOLERANCE_SECS: f64 = 0.5;
const TOLERANCE_TEXT: &str = "5 % of 10 s or more, and 0.5 s";
/// Shorter times are looked at together.
const WINDOW_MS: i64 = 10_000;

/// Neighbouring windows of samples: their first and their last one.
fn windows(floats: &Floats) -> Vec<[(i64, f64); 2]> {
    let (mut windows, mut first) = (Vec::new(), None);
    for sample in floats {
        let from = *first.get_or_insert(*sample);
        if sample.0 - from.0 >= WINDOW_MS {
            windows.push([from, *sample]);
            first = Some(*sample);
        }
    }
    windows
}

/// No more than the processors can give.
pub(super) fn of_processes(subject: &Subject<'_>) -> RuleOutcome {
    let mut outcome = RuleOutcome::new("cpu time", TOLERANCE_TEXT);
    for (series, floats) in subject.counters() {
        let cores = series.label("instance").and_then(|instance| subject.cores.get(instance));
        let Some(cores) = cores.filter(|_| OF_PROCESSES.contains(&&*series.metric)) else { continue };
        for pair in windows(floats) {
            let (secs, spent) = (millis(pair[1].0 - pair[0].0) / 1000.0, pair[1].1 - pair[0].1);
            let max = f64::from(*cores) * secs;
            outcome.check(spent <= max * (1.0 + TOLERANCE) + TOLERANCE_SECS, series, pair[1].0, || {
                format!("{spent:.3} CPU seconds in {secs:.3} s of {cores} cores")
            });
        }
    }
    outcome
}

/// The seconds of all modes are the time.
pub(super) fn of_modes(subject: &Subject<'_>) -> RuleOutcome {
    let mut outcome = RuleOutcome::new("modes", TOLERANCE_TEXT);
    let mut groups: IndexMap<ReadSeries, Vec<(&str, &Floats)>> = IndexMap::new();
    for (series, floats) in subject.counters() {
        if let Some(mode) = series.label("mode").filter(|_| series.metric.ends_with(OF_MODES)) {
            groups.entry(without(series, "mode")).or_default().push((mode, floats));
        }
    }
    for (group, modes) in groups {
        // Without idle time the rest has no sum.
        let Some((_, idle)) = modes.iter().find(|(mode, _)| *mode == "idle") else { continue };
        let cores = cores_of(subject, &group);
        for pair in windows(idle) {
            let (from, to) = (pair[0].0, pair[1].0);
            let steps = modes.iter().map(|(_, floats)| Some(at(floats, to)? - at(floats, from)?));
            let Some(steps) = steps.collect::<Option<Vec<f64>>>() else { continue };
            if steps.iter().any(|step| *step < 0.0) {
                // A reset.
                continue;
            }
            let (secs, spent) = (millis(to - from) / 1000.0 * cores, steps.iter().sum::<f64>());
            let holds = (spent - secs).abs() <= secs * TOLERANCE + TOLERANCE_SECS;
            outcome.check(holds, &group, to, || format!("modes sum to {spent:.3} s in {secs:.3} s"));
        }
    }
    outcome
}

/// Processors of a group of modes: one, if it has a label for them.
fn cores_of(subject: &Subject<'_>, group: &ReadSeries) -> f64 {
    if group.label("cpu").is_some() {
        return 1.0;
    }
    let cores = group.label("instance").and_then(|instance| subject.cores.get(instance));
    cores.map_or(1.0, |cores| f64::from(*cores))
}
