//! The growth of counters as `PromQL` calculates it: after a reset a counter starts at 0.

use promemu_core::metric::is_absent;

/// A time at which a series started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reset {
    at: usize,
    /// The last time with a sample before it.
    before: usize,
    /// `true` if a new series starts, whose first value is no growth.
    is_new_series: bool,
}

/// The times at which totals fall or a new series starts; times without a sample are skipped. `begins` is sorted.
pub(super) fn resets(totals: &[f64], begins: &[usize]) -> Vec<Reset> {
    let mut resets = Vec::new();
    let mut before: Option<usize> = None;
    for (at, total) in totals.iter().enumerate().filter(|(_, total)| !is_absent(**total)) {
        if let Some(before) = before {
            let is_new_series = begins
                .get(begins.partition_point(|begin| *begin <= before))
                .is_some_and(|begin| *begin <= at);
            if is_new_series || *total < totals[before] {
                resets.push(Reset { at, before, is_new_series });
            }
        }
        before = Some(at);
    }
    resets
}

/// The growth from one time to another.
pub(super) fn growth(cells: &[f64], from: usize, to: usize, resets: &[Reset]) -> f64 {
    let mut sum = 0.0;
    each_term(from, to, resets, |at, sign| sum += sign * cells[at]);
    sum
}

/// Calls `term` with the times and signs whose signed sum is the growth from one time to another.
pub(super) fn each_term(from: usize, to: usize, resets: &[Reset], mut term: impl FnMut(usize, f64)) {
    term(to, 1.0);
    term(from, -1.0);
    let first = resets.partition_point(|known| known.at <= from);
    for Reset { at, before, is_new_series } in resets[first..].iter().take_while(|known| known.at <= to) {
        term(*before, 1.0);
        if *is_new_series {
            term(*at, -1.0);
        }
    }
}

/// The start of the window of the n-th time: the first of the `steps` times before it that has a sample. `None` if the
/// window is shorter than half of `steps`.
pub(super) fn window(cells: &[f64], n: usize, steps: usize) -> Option<usize> {
    if is_absent(cells[n]) {
        return None;
    }
    let from = (n.saturating_sub(steps)..n).find(|n| !is_absent(cells[*n]))?;
    ((n - from) * 2 >= steps).then_some(from)
}

#[cfg(test)]
mod tests {
    use promemu_core::metric::ABSENT;

    use super::*;

    #[test]
    fn a_window_needs_half_of_its_steps() {
        let cells = [ABSENT, 1.0, 2.0, 3.0, 4.0, ABSENT];
        let windows: Vec<_> = (0..6).map(|n| window(&cells, n, 4)).collect();
        assert_eq!(windows, [None, None, None, Some(1), Some(1), None]);
        assert_eq!(window(&cells, 2, 1), Some(1));
    }

    #[test]
    fn after_a_reset_growth_starts_at_0_and_in_a_new_series_at_its_first_value() {
        let cells = [10.0, 30.0, 5.0, ABSENT, 25.0, 100.0, 104.0];
        let falls = resets(&cells, &[]);
        assert_eq!(falls, [Reset { at: 2, before: 1, is_new_series: false }]);
        let is = |from: usize, to: usize, resets: &[Reset], grown: f64| {
            assert_eq!(growth(&cells, from, to, resets).to_bits(), grown.to_bits(), "{from} to {to}");
        };
        is(0, 1, &falls, 20.0);
        is(0, 2, &falls, 25.0);
        is(1, 4, &falls, 25.0);
        is(2, 6, &falls, 99.0);
        let others = resets(&cells, &[0, 3, 5]);
        assert_eq!(others.len(), 3);
        is(1, 4, &others, 5.0);
        is(4, 5, &others, 0.0);
        is(0, 6, &others, 20.0 + 5.0 + 4.0);
    }
}
