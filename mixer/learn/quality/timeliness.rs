//! Samples that are on time, and clocks that jump.

use promemu_wire::recording::Recording;
use promemu_wire::samples::ReadSeries;

use super::completeness::{interval_ms, length};
use super::content::{Content, SliceContent, step_ms, stretches};
use super::{Measure, Problem, TIMELINESS};
use crate::grid::{millis, whole_millis};
use crate::plausibility::shown;

/// The share of its step by which a sample may be early or late.
const EARLY_OR_LATE_MAX: f64 = 0.1;
/// Steps for which a whole source says nothing, at the least, if its clock has jumped ahead.
const AHEAD_STEPS: i64 = 10;
/// Seconds by which the clock of a source may be ahead of the recorder's or behind it.
const AHEAD_SECS_MAX: f64 = 5.0;
/// A gauge of a system's clock, in seconds.
const CLOCK: &str = "node_time_seconds";
/// Seconds by which it may jump.
const JUMP_SECS_MAX: f64 = 2.0;

pub(super) fn measure(recording: &Recording, content: &Content, problems: &mut Vec<Problem>) -> Measure {
    for name in recording.manifest().sources.keys() {
        jumps_of_source(recording, content, name, problems);
    }
    for (series, samples) in content.series.iter().filter(|(series, _)| series.metric == CLOCK) {
        jumps_of_system(series, samples, problems);
    }
    let (mut good, mut of) = (0, 0);
    for samples in content.series.values() {
        let stretches = stretches(samples);
        let Some(step) = step_ms(&stretches).map(millis) else { continue };
        for pair in stretches.iter().flat_map(|times| times.windows(2)) {
            let steps = millis(pair[1] - pair[0]) / step;
            of += 1;
            good += u64::from((steps - libm::round(steps)).abs() <= EARLY_OR_LATE_MAX && steps >= 0.5);
        }
    }
    Measure { name: TIMELINESS, good, of, unit: "distances" }
}

/// The clock by which the samples of a source have their times.
fn jumps_of_source(recording: &Recording, content: &Content, name: &str, problems: &mut Vec<Problem>) {
    let mut put = |of: &str, at_ms, what| {
        problems.push(Problem { measure: TIMELINESS, of: of.to_owned(), at_ms, what });
    };
    let interval = interval_ms(recording, name);
    let clock = recording.manifest().sources.get(name).map(|source| &source.clock);
    if let Some(ahead) = clock.and_then(|clock| clock.ahead_secs).filter(|secs| secs.abs() > AHEAD_SECS_MAX) {
        put(name, None, format!("its clock was {ahead} s ahead of the recorder's"));
    }
    let mut own: Vec<&SliceContent> = content.slices.iter().filter(|slice| slice.source == name).collect();
    own.sort_by_key(|slice| slice.range_ms);
    let mut before: Option<&SliceContent> = None;
    for slice in own {
        if let Some((after, last)) = slice.back {
            let what = format!("its clock jumps back by {}", length(last - after));
            put(&slice.name, Some(after), what);
        }
        let step = step_ms(std::slice::from_ref(&slice.times)).unwrap_or(interval).max(interval);
        for pair in slice.times.windows(2).filter(|pair| pair[1] - pair[0] > AHEAD_STEPS * step) {
            let gap = length(pair[1] - pair[0]);
            let what = format!("its clock jumps ahead by {gap}, or the recorder stood still");
            put(&slice.name, Some(pair[0]), what);
        }
        if let Some(other) = before.filter(|other| other.range_ms.1 - slice.range_ms.0 > interval) {
            let both = length(other.range_ms.1.min(slice.range_ms.1) - slice.range_ms.0);
            let what = format!("it has {both} in common with {}: the clock jumped back", other.name);
            put(&slice.name, Some(slice.range_ms.0), what);
        }
        if before.is_none_or(|other| other.range_ms.1 < slice.range_ms.1) {
            before = Some(slice);
        }
    }
}

/// The clock that a system tells, against the times of its samples.
fn jumps_of_system(series: &ReadSeries, samples: &[(i64, f64)], problems: &mut Vec<Problem>) {
    let finite: Vec<(i64, f64)> = samples.iter().filter(|(_, value)| value.is_finite()).copied().collect();
    for pair in finite.windows(2) {
        let (passed, told) = (millis(pair[1].0 - pair[0].0) / 1000.0, pair[1].1 - pair[0].1);
        let jump = told - passed;
        if jump.abs() > JUMP_SECS_MAX {
            let by = length(whole_millis(jump.abs()));
            let direction = if jump > 0.0 { "ahead" } else { "back" };
            problems.push(Problem {
                measure: TIMELINESS,
                of: shown(series),
                at_ms: Some(pair[1].0),
                what: format!("the system's clock jumps {direction} by {by}"),
            });
        }
    }
}
