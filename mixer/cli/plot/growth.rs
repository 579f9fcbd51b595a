//! By how much something that only grows has grown, as `PromQL` says it: what begins anew begins at 0.

use promemu_core::metric::is_absent;

/// A moment at which a series began anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Break {
    at: usize,
    /// The last moment before it that had a sample.
    before: usize,
    /// Whether it is another series, so that its first value is no growth.
    is_other: bool,
}

/// Where totals have fallen, and where another series begins; moments without a sample are passed over. `begins` rises.
pub(super) fn breaks(totals: &[f64], begins: &[usize]) -> Vec<Break> {
    let mut breaks = Vec::new();
    let mut before: Option<usize> = None;
    for (at, total) in totals.iter().enumerate().filter(|(_, total)| !is_absent(**total)) {
        if let Some(before) = before {
            let is_other = begins
                .get(begins.partition_point(|begin| *begin <= before))
                .is_some_and(|begin| *begin <= at);
            if is_other || *total < totals[before] {
                breaks.push(Break { at, before, is_other });
            }
        }
        before = Some(at);
    }
    breaks
}

/// What has grown from one moment to another.
pub(super) fn growth(cells: &[f64], from: usize, to: usize, breaks: &[Break]) -> f64 {
    let mut sum = 0.0;
    each_part(from, to, breaks, |moment, sign| sum += sign * cells[moment]);
    sum
}

/// The moments whose values, added and taken away, are what has grown from one moment to another.
pub(super) fn each_part(from: usize, to: usize, breaks: &[Break], mut part: impl FnMut(usize, f64)) {
    part(to, 1.0);
    part(from, -1.0);
    let first = breaks.partition_point(|known| known.at <= from);
    for Break { at, before, is_other } in breaks[first..].iter().take_while(|known| known.at <= to) {
        part(*before, 1.0);
        if *is_other {
            part(*at, -1.0);
        }
    }
}

/// The moment with which the n-th is compared: the first with a sample among so many before it. None if there
/// is not yet half of them to look back on.
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
    fn a_window_needs_half_of_its_moments() {
        let cells = [ABSENT, 1.0, 2.0, 3.0, 4.0, ABSENT];
        let windows: Vec<_> = (0..6).map(|n| window(&cells, n, 4)).collect();
        assert_eq!(windows, [None, None, None, Some(1), Some(1), None]);
        assert_eq!(window(&cells, 2, 1), Some(1));
    }

    #[test]
    fn what_begins_anew_begins_at_0_and_another_series_at_its_first_value() {
        let cells = [10.0, 30.0, 5.0, ABSENT, 25.0, 100.0, 104.0];
        let falls = breaks(&cells, &[]);
        assert_eq!(falls, [Break { at: 2, before: 1, is_other: false }]);
        let is = |from: usize, to: usize, breaks: &[Break], grown: f64| {
            assert_eq!(growth(&cells, from, to, breaks).to_bits(), grown.to_bits(), "{from} to {to}");
        };
        is(0, 1, &falls, 20.0);
        is(0, 2, &falls, 25.0);
        is(1, 4, &falls, 25.0);
        is(2, 6, &falls, 99.0);
        let others = breaks(&cells, &[0, 3, 5]);
        assert_eq!(others.len(), 3);
        is(1, 4, &others, 5.0);
        is(4, 5, &others, 0.0);
        is(0, 6, &others, 20.0 + 5.0 + 4.0);
    }
}
