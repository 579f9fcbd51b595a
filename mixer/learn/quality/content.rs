//! The content of a recording as it is: all that can be read, in the order in which it was written.

use std::collections::BTreeMap;

use promemu_core::metric::ABSENT;
use promemu_wire::recording::Recording;
use promemu_wire::samples::{ReadSeries, SampleValue};

use crate::error::LearnError;
use crate::load::{SAMPLES_MAX, Samples};

/// All that can be read.
#[derive(Debug, Default)]
pub(super) struct Content {
    /// Floats of each series in the order of time; staleness markers among them.
    pub(super) series: BTreeMap<ReadSeries, Vec<(i64, f64)>>,
    /// Times of native histograms.
    pub(super) histograms: BTreeMap<ReadSeries, Vec<i64>>,
    pub(super) slices: Vec<SliceContent>,
    /// Sentences on files that are missing or damaged.
    pub(super) damage: Vec<String>,
    /// Number of rows that were read.
    pub(super) rows: u64,
}

/// A slice.
#[derive(Clone, Debug, Default)]
pub(super) struct SliceContent {
    pub(super) name: String,
    pub(super) source: String,
    /// Its first millisecond, and the one after its last.
    pub(super) range_ms: (i64, i64),
    /// All times of its samples, each once, in order.
    pub(super) times: Vec<i64>,
    /// The first time that is before the one before it in its series: milliseconds after and before.
    pub(super) back: Option<(i64, i64)>,
    /// Number of rows outside of its range, and the first of them.
    pub(super) outside: (u64, Option<i64>),
    /// Number of rows of its files that cannot be read.
    pub(super) rows_lost: u64,
    /// Number of files, and of those that are damaged.
    pub(super) files: (u64, u64),
}

impl Content {
    /// Reads all slices whose files are whole.
    pub(super) fn read(
        recording: &Recording,
        mut progress: impl FnMut(usize, usize),
    ) -> Result<Self, LearnError> {
        let mut content = Self { damage: recording.damage(), ..Self::default() };
        let slices = recording.slices();
        for (done, slice) in slices.iter().enumerate() {
            let mut own = SliceContent {
                name: format!("slice {} of {}", slice.number, slice.source),
                source: slice.source.clone(),
                range_ms: (slice.begin_ms, slice.end_ms),
                files: (slice.files.len() as u64, 0),
                ..SliceContent::default()
            };
            let mut whole = (*slice).clone();
            whole.files.retain(|file| {
                let is_damaged = content.is_damaged(&file.path);
                own.files.1 += u64::from(is_damaged);
                own.rows_lost += if is_damaged { file.rows } else { 0 };
                !is_damaged
            });
            let read = recording.for_each(&whole, |series, samples| {
                content.put(series, samples, &mut own);
                Ok(())
            });
            if let Err(error) = read {
                content.damage.push(error.to_string());
                own.files.1 += 1;
            }
            own.times.sort_unstable();
            own.times.dedup();
            content.slices.push(own);
            if content.rows > SAMPLES_MAX as u64 {
                return Err(LearnError::TooLarge { max: SAMPLES_MAX });
            }
            progress(done + 1, slices.len());
        }
        content.series.values_mut().for_each(|samples| samples.sort_by_key(|(at, _)| *at));
        content.histograms.values_mut().for_each(|times| times.sort_unstable());
        Ok(content)
    }

    fn is_damaged(&self, path: &str) -> bool {
        self.damage.iter().any(|damage| damage.strip_prefix(path).is_some_and(|rest| rest.starts_with(' ')))
    }

    fn put(
        &mut self,
        series: &ReadSeries,
        samples: &mut dyn Iterator<Item = (i64, SampleValue)>,
        slice: &mut SliceContent,
    ) {
        let mut last = None;
        for (at, value) in samples {
            self.rows += 1;
            if last != Some(at) && slice.times.last() != Some(&at) {
                slice.times.push(at);
            }
            if let Some(last) = last.filter(|last| *last > at) {
                slice.back.get_or_insert((at, last));
            }
            last = Some(at);
            if at < slice.range_ms.0 || at >= slice.range_ms.1 {
                slice.outside.0 += 1;
                slice.outside.1.get_or_insert(at);
            }
            match value {
                SampleValue::Float(value) => put_to(&mut self.series, series, (at, value)),
                SampleValue::Histogram(_) => put_to(&mut self.histograms, series, at),
            }
        }
    }

    /// The numbers, as a config is fitted to them.
    pub(super) fn samples(&self) -> Samples {
        let mut samples = Samples::default();
        for (series, floats) in &self.series {
            let mut own: Vec<(i64, f64)> =
                floats.iter().filter(|(_, value)| value.is_finite()).copied().collect();
            own.dedup_by_key(|(at, _)| *at);
            if !own.is_empty() {
                samples.floats.insert(series.clone(), own);
            }
        }
        samples
    }
}

fn put_to<T>(all: &mut BTreeMap<ReadSeries, Vec<T>>, series: &ReadSeries, item: T) {
    match all.get_mut(series) {
        Some(own) => own.push(item),
        None => drop(all.insert(series.clone(), vec![item])),
    }
}

/// `true` for the marker of a series that ended.
pub(super) fn is_stale(value: f64) -> bool {
    value.to_bits() == ABSENT.to_bits()
}

/// Times of a series, without those of staleness markers, in stretches that no marker interrupts.
pub(super) fn stretches(samples: &[(i64, f64)]) -> Vec<Vec<i64>> {
    let parts = samples.split(|(_, value)| is_stale(*value)).filter(|part| !part.is_empty());
    let times = parts.map(|part| {
        let mut times: Vec<i64> = part.iter().map(|(at, _)| *at).collect();
        times.dedup();
        times
    });
    times.collect()
}

/// The median distance of times; `None` below two distances.
pub(super) fn step_ms(stretches: &[Vec<i64>]) -> Option<i64> {
    let distances = stretches.iter().flat_map(|times| times.windows(2).map(|pair| pair[1] - pair[0]));
    let mut distances: Vec<i64> = distances.collect();
    distances.sort_unstable();
    distances.get(distances.len() / 2).copied().filter(|step| distances.len() > 1 && *step > 0)
}
