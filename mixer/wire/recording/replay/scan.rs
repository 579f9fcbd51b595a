//! The series of a recording, and those of them that share their timestamps.
//!
//! Series of one target whose samples have a timestamp in common are scraped together: they become one host.

use indexmap::{IndexMap, IndexSet};
use promemu_core::metric::is_absent;

use super::exactness::{Composite, inexact};
use crate::recording::{Manifest, SeriesSamples};
use crate::samples::{HistogramSample, ReadSeries, SampleValue};

/// A target: the source, the job and the instance.
pub(super) type Target = (usize, String, String);

/// The series of a recording, as far as they are known.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// The target of each group of series.
    pub(super) groups: Vec<Target>,
    /// The group of each series, with its source.
    pub(super) series: IndexMap<(usize, ReadSeries), Found>,
    /// Histograms and summaries whose parts do not fit together: their series are plain ones.
    pub(super) inexact: IndexSet<String>,
}

/// A series.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) group: usize,
    pub(super) native: Option<NativeUse>,
}

/// The native histograms of a series.
#[derive(Clone, Debug)]
pub(super) struct NativeUse {
    pub(super) schema: i32,
    pub(super) zero_threshold: f64,
    /// Most buckets from the first to the last, above and below zero.
    pub(super) widths: [usize; 2],
    /// `false` if a host has no cells for one of them.
    pub(super) is_playable: bool,
}

impl Scan {
    /// Adds the series of a slice.
    pub(super) fn add(&mut self, source: usize, samples: &SeriesSamples, manifest: &Manifest) {
        let mut at: IndexMap<(Target, i64), usize> = IndexMap::new();
        let target_of = |series: &ReadSeries| {
            let label = |name| series.label(name).unwrap_or_default().to_owned();
            (source, label("job"), label("instance"))
        };
        for (series, samples) in samples {
            if let Some(found) = self.series.get(&(source, series.clone())) {
                note_times(&mut at, &target_of(series), samples, found.group);
            }
        }
        for (series, samples) in samples {
            let key = (source, series.clone());
            if !self.series.contains_key(&key) {
                let target = target_of(series);
                let known = samples.iter().find_map(|(time, _)| at.get(&(target.clone(), *time)).copied());
                let group = known.unwrap_or_else(|| {
                    self.groups.push(target.clone());
                    self.groups.len() - 1
                });
                note_times(&mut at, &target, samples, group);
                self.series.insert(key.clone(), Found { group, native: None });
            }
            if let Some(found) = self.series.get_mut(&key) {
                note_histograms(samples, &mut found.native);
            }
        }
        self.inexact.extend(inexact(samples, |series| Composite::of(series, manifest)));
    }
}

/// Notes the group that has a sample of a target at a time.
fn note_times(
    at: &mut IndexMap<(Target, i64), usize>,
    target: &Target,
    samples: &[(i64, SampleValue)],
    group: usize,
) {
    for (time, _) in samples {
        at.entry((target.clone(), *time)).or_insert(group);
    }
}

fn note_histograms(samples: &[(i64, SampleValue)], native: &mut Option<NativeUse>) {
    for (_, sample) in samples {
        let SampleValue::Histogram(histogram) = sample else { continue };
        if is_absent(histogram.sum) {
            continue;
        }
        let known = native.get_or_insert_with(|| NativeUse {
            schema: histogram.schema,
            zero_threshold: histogram.zero_threshold,
            widths: [1, 0],
            is_playable: true,
        });
        for (width, buckets) in known.widths.iter_mut().zip([&histogram.positive, &histogram.negative]) {
            let span = buckets.first().zip(buckets.last()).map(|(first, last)| last.0.abs_diff(first.0) + 1);
            *width = (*width).max(span.map_or(0, |span| usize::try_from(span).unwrap_or(usize::MAX)));
        }
        known.is_playable &= is_playable(histogram, known.zero_threshold);
    }
}

/// `true` for a histogram that the cells of a host can have.
fn is_playable(histogram: &HistogramSample, zero_threshold: f64) -> bool {
    let HistogramSample { positive, negative, count, zero_count, .. } = histogram;
    let counts = positive.iter().chain(negative).map(|bucket| bucket.1).chain([*count, *zero_count]);
    let is_whole = |count: f64| count >= 0.0 && libm::floor(count).to_bits() == count.to_bits();
    (-4..=8).contains(&histogram.schema)
        && !histogram.is_gauge
        && histogram.zero_threshold.to_bits() == zero_threshold.to_bits()
        && counts.into_iter().all(is_whole)
}
