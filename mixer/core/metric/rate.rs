//! The growth of a counter per second.

/// As `PromQL`'s `rate` of Prometheus 3 over the times above `from` up to `until`, in milliseconds: after a reset a counter has
/// grown from 0, and growth is extrapolated to the ends of the range where samples are near them. The samples are in order of time,
/// and all in the range. `None` of fewer than two.
#[must_use]
pub fn rate(from: u64, until: u64, samples: impl IntoIterator<Item = (u64, f64)>) -> Option<f64> {
    let mut samples = samples.into_iter();
    let (first_time, first) = samples.next()?;
    let (mut last_time, mut last, mut steps, mut dropped) = (first_time, first, 0.0, 0.0);
    for (time, value) in samples {
        if value < last {
            dropped += last;
        }
        (last_time, last) = (time, value);
        steps += 1.0;
    }
    if last_time == first_time {
        return None;
    }
    let grown = last - first + dropped;
    let (span, mut before, after) =
        (secs(first_time, last_time), secs(from, first_time), secs(last_time, until));
    let mean = span / steps;
    let extrapolated = |to_end: f64| if to_end >= mean * 1.1 { mean / 2.0 } else { to_end };
    before = extrapolated(before);
    if grown > 0.0 && first >= 0.0 {
        // A counter was not below 0 before.
        before = before.min(span * (first / grown));
    }
    Some(grown * ((span + before + extrapolated(after)) / span / secs(from, until)))
}

#[expect(clippy::cast_precision_loss, reason = "ranges in milliseconds are below 2^53")]
const fn secs(from: u64, until: u64) -> f64 {
    until.saturating_sub(from) as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use super::rate;

    #[test]
    fn rates_are_those_of_promql() {
        let is = |samples: &[(u64, f64)], expected: Option<f64>| {
            let found = rate(0, 10_000, samples.iter().copied());
            let is_near = match (found, expected) {
                (Some(found), Some(expected)) => (found - expected).abs() < 1e-12,
                (found, expected) => found == expected,
            };
            assert!(is_near, "{samples:?}: {found:?}");
        };
        let grown =
            |from: f64| [(1_000, from), (4_000, from + 3.0), (7_000, from + 6.0), (10_000, from + 9.0)];
        is(&grown(100.0), Some(1.0));
        // Nothing before 0.
        is(&grown(0.5), Some(0.95));
        // Far from both ends, half of the mean distance.
        is(&[(4_000, 100.0), (5_000, 101.0), (6_000, 102.0)], Some(0.3));
        is(&[(1_000, 100.0), (5_000, 104.0), (9_000, 2.0)], Some(6.0 * 10.0 / 8.0 / 10.0));
        is(&[(1_000, 7.0), (9_000, 7.0)], Some(0.0));
        is(&[(9_000, 7.0)], None);
        is(&[], None);
        assert!(rate(0, 10_000, [(1_000, 1.0), (5_000, f64::NAN), (9_000, f64::NAN)]).unwrap().is_nan());
    }
}
