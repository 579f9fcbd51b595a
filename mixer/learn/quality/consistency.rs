//! Samples that agree with those before and beside them.

use super::content::Content;
use super::{CONSISTENCY, Measure, Problem, of_rule};
use crate::plausibility::{RuleOutcome, shown};

pub(super) fn measure(
    content: &Content,
    counters: Option<&RuleOutcome>,
    problems: &mut Vec<Problem>,
) -> Measure {
    let mut bad = 0;
    let mut put = |of: String, at_ms, what| problems.push(Problem { measure: CONSISTENCY, of, at_ms, what });
    for slice in &content.slices {
        let (count, first) = slice.outside;
        if count > 0 {
            bad += count;
            put(slice.name.clone(), first, format!("{count} samples are outside of its time"));
        }
    }
    for (series, samples) in &content.series {
        let pairs = samples.windows(2);
        let mut differ =
            pairs.filter(|pair| pair[0].0 == pair[1].0 && pair[0].1.to_bits() != pair[1].1.to_bits());
        if let Some(first) = differ.next() {
            let more = differ.count() as u64;
            bad += 1 + more;
            let [(at, one), (_, other)] = [first[0], first[1]];
            let more = if more > 0 { format!(", and {more} times more") } else { String::new() };
            put(shown(series), Some(at), format!("it has two values at a time: {one} and {other}{more}"));
        }
        if let Some(times) = content.histograms.get(series) {
            let what = "it is a number at some times and a native histogram at others".to_owned();
            put(shown(series), times.first().copied(), what);
        }
    }
    if let Some(rule) = counters {
        bad += rule.violations.len() as u64;
        problems.extend(of_rule(CONSISTENCY, rule));
    }
    Measure {
        name: CONSISTENCY,
        good: content.rows - bad.min(content.rows),
        of: content.rows,
        unit: "samples",
    }
}
