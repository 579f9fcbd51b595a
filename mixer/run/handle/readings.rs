//! Readings of series that only grow, over the range of a rate: each series has its own increase, before they are aggregated.

use std::collections::VecDeque;

use indexmap::IndexMap;

use promemu_core::metric::{ABSENT, is_absent, rate};
use promemu_core::rng::fnv1a;
use promemu_core::series::Sample;
use promemu_core::time::{Span, Time};

/// Identity of a job: its name.
#[derive(Clone, Copy, Debug)]
pub(super) struct JobKey(u64);

impl JobKey {
    /// The key of the job of this name.
    pub(super) fn of(name: &str) -> Self {
        Self(fnv1a(name.as_bytes()))
    }
}

/// Identity of a series: its labels and its job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct SeriesKey(u64);

impl SeriesKey {
    /// The key of a series in this job.
    pub(super) fn of(job: JobKey, sample: &Sample<'_>) -> Self {
        let (of_host, own) = (sample.host_labels.as_protobuf(), sample.metric_labels.as_protobuf());
        Self(fnv1a(of_host) ^ fnv1a(own).rotate_left(21) ^ job.0.rotate_left(42))
    }

    /// The key of the only series of a list.
    pub(super) const ONLY: Self = Self(0);
}

/// The numbers of some series at the last readings.
#[derive(Debug)]
pub(super) struct Readings {
    /// The range of a rate, in milliseconds.
    range_millis: u64,
    /// Numbers of a series: one, or one for each bucket of a histogram.
    width: usize,
    /// In milliseconds since 1970, within the range.
    times: VecDeque<u64>,
    tracks: IndexMap<SeriesKey, Track>,
}

/// One series.
#[derive(Debug, Default)]
struct Track {
    /// The numbers at the newest readings, the last at the end; absent ones where it had no sample.
    cells: VecDeque<f64>,
    /// Number of the newest readings in which it had none.
    absent: usize,
}

impl Readings {
    pub(super) fn new(range: Span, width: usize) -> Self {
        let range_millis = (range.as_nanos() / 1_000_000).max(1);
        Self { range_millis, width, times: VecDeque::new(), tracks: IndexMap::new() }
    }

    /// Number of the numbers of one reading.
    pub(super) fn numbers(&self) -> usize {
        self.tracks.len() * self.width
    }

    /// Begins a reading, later than the last one.
    pub(super) fn begin(&mut self, now: Time) {
        let from = now.unix_millis().saturating_sub(self.range_millis);
        self.times.push_back(now.unix_millis());
        while self.times.front().is_some_and(|time| *time <= from) {
            self.times.pop_front();
        }
        let kept = self.times.len() * self.width;
        for track in self.tracks.values_mut() {
            track.cells.extend(std::iter::repeat_n(ABSENT, self.width));
            track.cells.drain(..track.cells.len().saturating_sub(kept));
            track.absent += 1;
        }
        let kept = self.times.len();
        self.tracks.retain(|_, track| track.absent < kept);
    }

    /// Adds the numbers of one series to the reading.
    pub(super) fn add(&mut self, key: SeriesKey, cells: impl IntoIterator<Item = f64>) {
        let track = self.tracks.entry(key).or_default();
        // Its place in this reading, which a series that is new does not have yet.
        track.cells.truncate(track.cells.len().saturating_sub(self.width));
        track.cells.extend(cells);
        track.absent = 0;
    }

    /// The rates of one number of all series that have one.
    pub(super) fn rates(&self, cell: usize) -> impl Iterator<Item = f64> {
        let until = self.times.back().copied().unwrap_or(0);
        let from = until.saturating_sub(self.range_millis);
        self.tracks.values().filter_map(move |track| {
            let numbers = track.cells.iter().skip(cell).step_by(self.width).copied();
            let times = self.times.iter().skip(self.times.len() - track.cells.len() / self.width).copied();
            rate(from, until, times.zip(numbers).filter(|(_, number)| !is_absent(*number)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(readings: &Readings) -> Vec<f64> {
        readings.rates(0).map(|rate| (rate * 1e9).round() / 1e9).collect()
    }

    #[test]
    fn each_series_has_its_own_increase() {
        let mut readings = Readings::new(Span::from_secs(4), 1);
        let keys = [1, 2].map(SeriesKey);
        let mut read = |second: u64, values: [Option<f64>; 2]| {
            readings.begin(Time::from_unix_secs(1000 + second));
            for (key, value) in keys.into_iter().zip(values) {
                if let Some(value) = value {
                    readings.add(key, [value]);
                }
            }
            (rates(&readings), readings.numbers())
        };
        assert_eq!(read(0, [Some(100.0), None]), (vec![], 1));
        assert_eq!(read(1, [Some(102.0), Some(500.0)]), (vec![0.75], 2));
        read(2, [Some(104.0), Some(501.0)]);
        assert_eq!(
            read(3, [Some(106.0), Some(502.0)]).0,
            [2.0, 0.625],
            "a new series has no growth to its first value"
        );
        assert_eq!(
            read(4, [Some(108.0), None]).0,
            [2.0, 1.0],
            "a series that ends is there until its samples are old"
        );
        assert_eq!(read(5, [Some(2.0), None]).0, [2.0, 0.625], "a reset");
        assert_eq!(read(6, [Some(4.0), None]), (vec![2.0], 2));
        assert_eq!(read(7, [Some(6.0), None]), (vec![2.0], 1), "it is forgotten");
        assert_eq!(read(60, [Some(8.0), None]), (vec![], 1));
    }

    #[test]
    fn numbers_of_a_series_are_read_together() {
        let mut readings = Readings::new(Span::from_secs(10), 2);
        for second in 0..3 {
            readings.begin(Time::from_unix_secs(1000 + second));
            #[expect(clippy::cast_precision_loss, reason = "small")]
            readings.add(SeriesKey::ONLY, [100.0 + second as f64, 200.0 + 3.0 * second as f64]);
        }
        let rates = |cell| readings.rates(cell).collect::<Vec<f64>>();
        assert_eq!((rates(0).len(), rates(1).len()), (1, 1));
        assert!((rates(1)[0] - 3.0 * rates(0)[0]).abs() < 1e-9);
    }
}
