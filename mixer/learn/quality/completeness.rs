//! Samples that are missing: files, slices and places on the grid of a series.

use std::collections::BTreeMap;

use promemu_core::time::Span;
use promemu_wire::recording::Recording;

use super::content::{Content, SliceContent, step_ms, stretches};
use super::{COMPLETENESS, Measure, Problem};
use crate::plausibility::shown;

/// A series whose share is below has a problem of its own.
const SHARE_MIN: f64 = 0.99;
/// Slices of a source may be this many intervals apart.
const APART_MAX: i64 = 3;
/// So many series with the same gap are told one by one.
const APART: usize = 3;
/// The interval of a source that does not tell it, in milliseconds.
const DEFAULT_MS: i64 = 15_000;

/// Job and instance, the begin of the longest gap, and a clause.
type Gap<'c> = ([&'c str; 2], i64, String);

pub(super) fn measure(recording: &Recording, content: &Content, problems: &mut Vec<Problem>) -> Measure {
    for slice in content.slices.iter().filter(|slice| slice.files.1 > 0) {
        problems.push(Problem {
            measure: COMPLETENESS,
            of: slice.name.clone(),
            at_ms: Some(slice.range_ms.0),
            what: format!("it cannot be read: {} rows are lost", slice.rows_lost),
        });
    }
    for name in recording.manifest().sources.keys() {
        missing_slices(recording, content, name, problems);
    }
    let (mut good, mut of) = (0, 0);
    let mut gaps: BTreeMap<Gap<'_>, Vec<String>> = BTreeMap::new();
    for (series, samples) in &content.series {
        let stretches = stretches(samples);
        let (present, expected, longest) = counts(&stretches);
        good += present;
        of += expected;
        let measure = Measure { name: COMPLETENESS, good: present, of: expected, unit: "samples" };
        if let Some((at, gap)) = longest.filter(|_| measure.share() < SHARE_MIN) {
            let target = ["job", "instance"].map(|label| series.label(label).unwrap_or_default());
            let what = format!(
                "{} of {expected} samples are missing, the longest time for {}",
                expected - present,
                length(gap)
            );
            gaps.entry((target, at, what)).or_default().push(shown(series));
        }
    }
    put_gaps(gaps, problems);
    of += content.slices.iter().map(|slice| lost_at_an_end(content, slice)).sum::<u64>();
    Measure { name: COMPLETENESS, good, of, unit: "samples" }
}

/// Gaps of series, or of all those of a target that have the same one.
fn put_gaps(gaps: BTreeMap<Gap<'_>, Vec<String>>, problems: &mut Vec<Problem>) {
    let put = |of: String, at, what| Problem { measure: COMPLETENESS, of, at_ms: Some(at), what };
    for (([job, instance], at, what), series) in gaps {
        let (Some(first), true) = (series.first(), series.len() > APART) else {
            problems.extend(series.into_iter().map(|series| put(series, at, what.clone())));
            continue;
        };
        let target = format!("{{instance={instance:?},job={job:?}}}");
        let what = format!("of each of {} series, as {first}, {what}", series.len());
        problems.push(put(target, at, what));
    }
}

/// Samples that are there and that should be, and the longest gap with its begin.
fn counts(stretches: &[Vec<i64>]) -> (u64, u64, Option<(i64, i64)>) {
    let Some(step) = step_ms(stretches) else {
        let present = stretches.iter().map(Vec::len).sum::<usize>() as u64;
        return (present, present, None);
    };
    let (mut present, mut missing, mut longest) = (0, 0, None);
    for times in stretches {
        present += times.len() as u64;
        for pair in times.windows(2) {
            let steps = (pair[1] - pair[0] + step / 2) / step;
            if steps > 1 {
                missing += steps.unsigned_abs() - 1;
                let gap = pair[1] - pair[0];
                if longest.is_none_or(|(_, length)| gap > length) {
                    longest = Some((pair[0], gap));
                }
            }
        }
    }
    (present, present + missing, longest)
}

/// Rows of a damaged slice at the begin or the end, where no series shows a gap.
fn lost_at_an_end(content: &Content, slice: &SliceContent) -> u64 {
    let read = || content.slices.iter().filter(|other| !other.times.is_empty());
    let is_between = read().any(|other| other.range_ms.0 < slice.range_ms.0)
        && read().any(|other| other.range_ms.0 > slice.range_ms.0);
    if is_between { 0 } else { slice.rows_lost }
}

/// Times of a source that are in none of its slices.
fn missing_slices(recording: &Recording, content: &Content, name: &str, problems: &mut Vec<Problem>) {
    let apart_max = APART_MAX * interval_ms(recording, name);
    let mut own: Vec<&SliceContent> = content.slices.iter().filter(|slice| slice.source == name).collect();
    own.sort_by_key(|slice| slice.range_ms);
    let mut end: Option<i64> = None;
    for slice in own {
        let (begin, own_end) = slice.range_ms;
        if let Some(end) = end.filter(|end| begin - end > apart_max) {
            problems.push(Problem {
                measure: COMPLETENESS,
                of: slice.name.clone(),
                at_ms: Some(end),
                what: format!("a slice is missing before it: there is none for {}", length(begin - end)),
            });
        }
        end = end.max(Some(own_end));
    }
}

/// Milliseconds between two samples of a source.
pub(super) fn interval_ms(recording: &Recording, source: &str) -> i64 {
    let secs = recording.manifest().sources.get(source).and_then(|source| source.interval_secs);
    secs.map_or(DEFAULT_MS, |secs| crate::grid::whole_millis(secs).max(1))
}

/// Milliseconds as a duration; whole seconds from one on.
pub(super) fn length(millis: i64) -> Span {
    let millis = millis.unsigned_abs();
    let shown = if millis >= 1_000 { (millis + 500) / 1_000 * 1_000 } else { millis };
    Span::from_nanos(shown.saturating_mul(1_000_000))
}
