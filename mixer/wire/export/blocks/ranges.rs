//! The ranges of blocks: as Prometheus compacts them, in multiples of two hours since the Unix epoch.

use promemu_core::backfill::Grid;
use promemu_core::time::{Span, Time};

use crate::export::stretches::TimeRange;

/// Length of the shortest block.
const SHORTEST: Span = Span::from_secs(2 * 3_600);
/// Each longer block is this many times as long as the next shorter one.
const FACTOR: u64 = 3;
/// Number of lengths: the longest is 18 days.
const LENGTHS: u32 = 6;

/// The greatest length of a block that is not above `max`; two hours at least.
pub(super) fn length_for(max: Span) -> Span {
    let lengths = (0..LENGTHS).map(|level| SHORTEST.times(FACTOR.pow(level)));
    lengths.take_while(|length| *length <= max).last().unwrap_or(SHORTEST)
}

/// The blocks of an export, in order. `own` are the earliest and the latest time that a host set itself, in milliseconds.
pub(super) fn block_ranges_of(grid: &Grid, own: Option<(i64, i64)>, length: Span) -> Vec<TimeRange> {
    let length_millis = (length.as_nanos() / 1_000_000).cast_signed();
    let (first, last) = (millis(grid.from), millis(grid.to));
    let (first, last) = own.map_or((first, last), |own| (first.min(own.0), last.max(own.1)));
    let numbers = first.div_euclid(length_millis)..=last.div_euclid(length_millis);
    numbers
        .map(|number| {
            let (begin, end) = (number * length_millis, (number + 1) * length_millis);
            TimeRange { begin, end, grid: part(grid, begin, end) }
        })
        .collect()
}

/// The moments of a grid in a range of milliseconds.
fn part(grid: &Grid, begin: i64, end: i64) -> Option<Grid> {
    let step = grid.step.as_nanos().max(1);
    let skipped = Time::from_unix_millis(begin).since(grid.from).as_nanos().div_ceil(step);
    let from = grid.from + grid.step.times(skipped);
    let to = grid.to.min(Time::from_unix_millis(end).before(Span::from_nanos(1)));
    (from <= to).then_some(Grid { from, to, step: grid.step })
}

fn millis(time: Time) -> i64 {
    time.unix_millis().cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_moment_is_in_the_block_of_its_time() {
        let from = Time::from_unix_nanos(1_700_000_000_123_456_789);
        let grid = Grid { from, to: from + Span::from_secs(30 * 3_600), step: Span::from_secs(7) };
        let ranges = block_ranges_of(&grid, None, SHORTEST);
        let mut moments = Vec::new();
        for range in &ranges {
            assert_eq!(range.begin % 7_200_000, 0);
            for moment in range.grid.iter().flat_map(Grid::iter) {
                assert!((range.begin..range.end).contains(&millis(moment)));
                moments.push(moment);
            }
        }
        assert_eq!(moments, grid.iter().collect::<Vec<_>>());
    }

    #[test]
    fn blocks_are_as_long_as_prometheus_makes_them() {
        let hours = |hours: u64| Span::from_secs(hours * 3_600);
        for (max, length) in [(1, 2), (2, 2), (5, 2), (6, 6), (36, 18), (24 * 31, 486)] {
            assert_eq!(length_for(hours(max)), hours(length));
        }
    }

    #[test]
    fn times_of_hosts_before_and_after_the_grid_have_blocks_without_moments() {
        let from = Time::from_unix_secs(7_200 * 100);
        let grid = Grid { from, to: from + Span::from_secs(60), step: Span::from_secs(15) };
        let first = millis(from);
        let ranges = block_ranges_of(&grid, Some((first - 1, first + 7_200_000)), SHORTEST);
        let grids: Vec<bool> = ranges.iter().map(|range| range.grid.is_some()).collect();
        assert_eq!(grids, [false, true, false]);
    }
}
