//! The series of a run that clients watch, with their newest points. All clients that watch a series share its points.
//!
//! A series is sampled while a client watches it and for a while longer, so that a page that is loaded again has its
//! curve, and those of the charts that a page opens with from the run's begin to its end. This module samples nothing itself:
//! `sampling.rs` does.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use indexmap::IndexMap;
use tokio::sync::watch;

use promemu_run::handle::ChartView;

/// The most points of a series that are kept.
const POINTS_MAX: usize = 900;
/// The number of samples after which a series without a watcher is dropped.
const LINGER_SAMPLES: u32 = 300;
/// A series that lacks so many samples of others is as old as they are.
const LATE_MAX: usize = 2;
/// Longer times between two samples are a hole, in usual ones.
const HOLE_MIN: f64 = 3.0;
/// The most series of a run that are watched at the same time.
pub(crate) const WATCHED_MAX: usize = 512;

/// Points of a series: emulated seconds since 1970, and the value.
pub(crate) type Points = Vec<(f64, Option<f64>)>;

/// The watched series of one run.
#[derive(Debug, Default)]
pub(crate) struct LiveSeries {
    watched: Mutex<Watched>,
    /// The charts that a page opens with, whose series are kept.
    charts: OnceLock<Vec<ChartView>>,
    /// The number of the last sample.
    samples: watch::Sender<u64>,
}

/// The series by id, and the times of their samples.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    /// The times of the newest samples, in emulated seconds since 1970; the newest is the last.
    times: VecDeque<f64>,
    series: IndexMap<Arc<str>, Series>,
    is_sampling: bool,
    /// Number of clients that watch some.
    clients: usize,
}

#[derive(Debug, Default)]
struct Series {
    /// The values of the newest samples.
    values: VecDeque<Option<f64>>,
    watchers: usize,
    samples_unwatched: u32,
}

impl LiveSeries {
    pub(crate) fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The charts whose series are kept, once they are known.
    pub(crate) fn charts(&self) -> Option<&[ChartView]> {
        self.charts.get().map(Vec::as_slice)
    }

    /// Sets these charts; the first ones stay.
    pub(crate) fn set_charts(&self, charts: Vec<ChartView>) {
        self.charts.get_or_init(|| charts);
    }

    /// Receives the number of each new sample.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.samples.subscribe()
    }

    /// Announces a new sample.
    pub(crate) fn announce(&self) {
        self.samples.send_modify(|samples| *samples += 1);
    }
}

impl Watched {
    /// Counts a watcher of each series. `false`, and no change, if there would be too many series.
    pub(crate) fn watch(&mut self, ids: &[Arc<str>]) -> bool {
        let new = ids.iter().filter(|id| !self.series.contains_key(*id)).count();
        if self.series.len() + new > WATCHED_MAX {
            return false;
        }
        self.keep(ids);
        self.clients += 1;
        true
    }

    /// Counts a watcher of each series that is no client.
    pub(crate) fn keep(&mut self, ids: &[Arc<str>]) {
        for id in ids {
            self.series.entry(Arc::clone(id)).or_default().watchers += 1;
        }
    }

    /// `true` if clients watch some.
    pub(crate) const fn has_clients(&self) -> bool {
        self.clients > 0
    }

    /// Counts the watchers out again.
    pub(crate) fn unwatch(&mut self, ids: &[Arc<str>]) {
        self.clients -= 1;
        for id in ids {
            if let Some(series) = self.series.get_mut(id) {
                series.watchers -= 1;
            }
        }
    }

    /// Begins to sample; `false` if that goes on already.
    pub(crate) fn begin_sampling(&mut self) -> bool {
        if std::mem::replace(&mut self.is_sampling, true) {
            return false;
        }
        self.times.clear();
        true
    }

    pub(crate) fn end_sampling(&mut self) {
        self.is_sampling = false;
    }

    /// The ids of all series to sample.
    pub(crate) fn ids(&self) -> Vec<Arc<str>> {
        self.series.keys().cloned().collect()
    }

    /// Adds the values of these series at a time, and drops series that have been without a watcher for long.
    pub(crate) fn add_sample(&mut self, t: f64, ids: &[Arc<str>], values: Vec<Option<f64>>) {
        self.times.push_back(t);
        if self.times.len() > POINTS_MAX {
            self.times.pop_front();
        }
        let mut sampled: IndexMap<&Arc<str>, Option<f64>> = ids.iter().zip(values).collect();
        for (id, series) in &mut self.series {
            // A series that has just been added was not sampled yet.
            let Some(value) = sampled.swap_remove(id) else { continue };
            series.values.push_back(value);
            if series.values.len() > POINTS_MAX {
                series.values.pop_front();
            }
            series.samples_unwatched = if series.watchers > 0 { 0 } else { series.samples_unwatched + 1 };
        }
        self.series.retain(|_, series| series.samples_unwatched <= LINGER_SAMPLES);
    }

    /// The newest points of a series, as many as are kept or `points_max`.
    pub(crate) fn points(&self, id: &str, points_max: usize) -> Points {
        let Some(series) = self.series.get(id) else { return Vec::new() };
        let count = series.values.len().min(self.times.len()).min(points_max);
        let (times, values) = (self.times.len() - count, series.values.len() - count);
        self.times.iter().skip(times).copied().zip(series.values.iter().skip(values).copied()).collect()
    }

    /// The ids of those series that lack samples, and the times of these, the newest `times_max` of them; none where nothing is missing.
    /// A series lacks the samples of others that are kept since earlier, and all lack those of a hole, in which the run was not
    /// sampled. Samples are `every` seconds apart.
    pub(crate) fn missing(
        &self,
        ids: &[Arc<str>],
        every: f64,
        times_max: usize,
    ) -> (Vec<Arc<str>>, Vec<f64>) {
        let kept = |id: &Arc<str>| self.series.get(id).map_or(0, |series| series.values.len());
        let is_late = |id: &&Arc<str>| kept(id) + LATE_MAX < self.times.len();
        let late: Vec<Arc<str>> = ids.iter().filter(is_late).cloned().collect();
        let least = late.iter().map(kept).min().unwrap_or(self.times.len());
        let lacked = self.times.len().saturating_sub(least);
        let holes = self.holes(every);
        let series = if holes.is_empty() { late } else { ids.to_vec() };
        let mut times: Vec<f64> = self.times.iter().take(lacked).copied().chain(holes).collect();
        times.sort_by(f64::total_cmp);
        times.drain(..times.len().saturating_sub(times_max));
        (series, times)
    }

    /// The times at which the run would have been sampled, where it was not for a while.
    fn holes(&self, every: f64) -> Vec<f64> {
        let mut times = Vec::new();
        for (from, to) in self.times.iter().zip(self.times.iter().skip(1)) {
            if to - from <= HOLE_MIN * every {
                continue;
            }
            let mut time = from + every;
            while time < to - every / 2.0 && times.len() < POINTS_MAX {
                times.push(time);
                time += every;
            }
        }
        times
    }

    /// The time of the newest sample, and the values of these series.
    pub(crate) fn newest(&self, ids: &[Arc<str>]) -> Option<(f64, Vec<Option<f64>>)> {
        let t = *self.times.back()?;
        let newest = |id| self.series.get(id).and_then(|series: &Series| series.values.back().copied());
        Some((t, ids.iter().map(|id| newest(id).flatten()).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids<const N: usize>(names: [&str; N]) -> [Arc<str>; N] {
        names.map(Into::into)
    }

    #[test]
    fn points_are_those_of_the_newest_samples() {
        let mut watched = Watched::default();
        let ids = ids(["a", "b"]);
        assert!(watched.watch(&ids[..1]));
        watched.add_sample(1.0, &ids[..1], vec![Some(10.0)]);
        assert!(watched.watch(&ids[1..]));
        watched.add_sample(2.0, &ids, vec![Some(11.0), None]);
        assert_eq!(watched.points("a", 9), [(1.0, Some(10.0)), (2.0, Some(11.0))]);
        assert_eq!(watched.points("b", 9), [(2.0, None)]);
        assert_eq!(watched.points("a", 1), [(2.0, Some(11.0))], "the newest");
        assert_eq!(watched.points("a", 0), []);
        assert_eq!(watched.newest(&ids), Some((2.0, vec![Some(11.0), None])));
        for n in 0..2 * POINTS_MAX {
            watched.add_sample(f64::from(u32::try_from(n).unwrap()), &ids, vec![None, None]);
        }
        assert_eq!(watched.points("a", usize::MAX).len(), POINTS_MAX);
    }

    #[test]
    fn series_that_are_kept_since_later_than_others_lack_the_first_times() {
        let mut watched = Watched::default();
        let ids = ids(["a", "b"]);
        assert!(watched.watch(&ids[..1]));
        for n in 0..9 {
            watched.add_sample(f64::from(n), &ids[..1], vec![None]);
        }
        assert_eq!(watched.missing(&ids[..1], 1.0, 99), (Vec::new(), Vec::new()));
        assert!(watched.watch(&ids[1..]));
        watched.add_sample(9.0, &ids, vec![None, None]);
        let (late, times) = watched.missing(&ids, 1.0, 99);
        assert_eq!((&*late, times.len(), times[8].to_bits()), (&ids[1..], 9, 8f64.to_bits()));
        assert_eq!(watched.missing(&ids, 1.0, 2).1, [7.0, 8.0], "the newest of them");
    }

    #[test]
    fn all_series_lack_the_times_of_a_hole() {
        let mut watched = Watched::default();
        let ids = ids(["a"]);
        assert!(watched.watch(&ids));
        for t in [10.0, 11.0, 14.0, 18.5] {
            watched.add_sample(t, &ids, vec![Some(1.0)]);
        }
        let (series, times) = watched.missing(&ids, 1.0, 99);
        assert_eq!((&*series, times), (&ids[..], vec![15.0, 16.0, 17.0]));
        assert_eq!(watched.missing(&ids, 60.0, 99), (Vec::new(), Vec::new()), "of a faster clock it is none");
    }

    #[test]
    fn a_series_without_a_watcher_is_dropped_after_a_while() {
        let mut watched = Watched::default();
        let ids = ids(["a"]);
        assert!(watched.watch(&ids));
        watched.unwatch(&ids);
        for n in 0..=LINGER_SAMPLES {
            assert_eq!(watched.ids().len(), 1);
            watched.add_sample(f64::from(n), &ids, vec![None]);
        }
        assert!(watched.ids().is_empty());
    }

    #[test]
    fn more_series_than_the_limit_are_not_watched() {
        let mut watched = Watched::default();
        let many: Vec<Arc<str>> = (0..WATCHED_MAX).map(|n| n.to_string().into()).collect();
        assert!(watched.watch(&many));
        assert!(!watched.watch(&ids(["one more"])));
        assert!(watched.watch(&many[..1]), "it is watched already");
    }
}
