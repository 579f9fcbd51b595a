//! A host that sets the times of its samples itself: all its samples, of which each stretch takes those of its time.
//!
//! A report that is seen at several moments is one sample. A sample older than one before it is left out: a Prometheus does
//! not take it either. There are no staleness markers, as Prometheus sets none for samples with a time; those of a recording
//! are there.

use std::io;

use promemu_core::backfill::Grid;
use promemu_core::metric::is_absent;
use promemu_core::plan::MetricPlan;
use promemu_core::time::Time;

use super::TimeRange;
use super::host_series::Moments;
use super::sink::Staleness;
use super::stretch::{Stretch, times_of};
use super::worker::HostEncoder;

/// All samples of one host with times of their own.
pub(super) struct WholeHost {
    grid: Grid,
    stretch: Stretch,
    /// The moments of the samples that are kept, in ascending order.
    places: Vec<usize>,
    /// The time of each of these, in milliseconds since the Unix epoch, in ascending order.
    times: Vec<i64>,
}

impl WholeHost {
    /// The samples of a host over the whole grid.
    pub(super) fn new(stretch: Stretch, grid: Grid) -> Self {
        let (mut places, mut times) = (Vec::new(), Vec::new());
        for (place, time) in stretch.samples.own_times().iter().enumerate() {
            let millis = time.unix_millis().cast_signed();
            if *time != Time::NEVER && times.last().is_none_or(|newest| *newest < millis) {
                places.push(place);
                times.push(millis);
            }
        }
        Self { grid, stretch, places, times }
    }

    /// Times of the first and the last sample.
    pub(super) fn times(&self) -> Option<(i64, i64)> {
        self.times.first().copied().zip(self.times.last().copied())
    }

    /// Encodes the samples of a range, and `up` at the moments of the grid.
    pub(super) fn encode(&self, range: &TimeRange, encode: &mut HostEncoder<'_, '_>) -> io::Result<()> {
        // A recording has the `up` that was recorded.
        if let Some(grid) = range.grid.as_ref().filter(|_| !encode.is_replay()) {
            let start = self.grid.iter().take_while(|moment| *moment < grid.from).count();
            let up = self.stretch.samples.up();
            let was_up = start.checked_sub(1).is_some_and(|before| !is_absent(up[before]));
            encode.put_up(&times_of(grid), &up[start..start + grid.count()], was_up)?;
        }
        let at = |millis: i64| self.times.partition_point(|time| *time < millis);
        let (from, to) = (at(range.begin), at(range.end));
        let (times, places) = (&self.times[from..to], &self.places[from..to]);
        let before = from.checked_sub(1).map(|before| self.places[before]);
        let had_sample =
            |cell: usize| before.is_some_and(|place| !is_absent(self.stretch.samples.cell(cell)[place]));
        let is_replay = encode.is_replay();
        let staleness = |metric: &MetricPlan| {
            if is_replay {
                Staleness::Marked { is_continued: had_sample(metric.offset) }
            } else {
                Staleness::Unmarked
            }
        };
        encode.put_own(&self.stretch, Moments { times, places: Some(places) }, staleness)?;
        for ((pool, labels), member) in &self.stretch.members {
            let count = member.samples.moments();
            let place_at = |moment: usize| places.partition_point(|place| *place < moment);
            let (from, to) = (place_at(member.first), place_at(member.first + count));
            let own: Vec<usize> = places[from..to].iter().map(|place| place - member.first).collect();
            let moments = Moments { times: &times[from..to], places: Some(&own) };
            encode.put_member((*pool, labels), (moments, &member.samples), Staleness::Unmarked)?;
        }
        Ok(())
    }
}
