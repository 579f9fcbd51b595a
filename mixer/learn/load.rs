//! The samples of a recording, series by series.
//!
//! Staleness markers and values that are not finite are gaps: they are left out.

use std::collections::BTreeMap;

use promemu_core::time::Span;
use promemu_wire::recording::Recording;
use promemu_wire::samples::{HistogramSample, ReadSeries, SampleValue, Selector};

use crate::error::LearnError;
use crate::grid::GridSeries;

/// The largest number of samples.
pub(crate) const SAMPLES_MAX: usize = 200_000_000;

/// Times in milliseconds, ascending and each once, and numbers.
pub(crate) type Floats = Vec<(i64, f64)>;

/// The samples of all series that are fitted, in the order of their names and labels.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    pub(crate) floats: BTreeMap<ReadSeries, Floats>,
    /// The native histograms: the first and the last sample of each series, and their number.
    pub(crate) histograms: BTreeMap<ReadSeries, NativeSamples>,
}

/// A series of native histograms.
#[derive(Debug)]
pub(crate) struct NativeSamples {
    pub(crate) times: Vec<i64>,
    pub(crate) first: HistogramSample,
    pub(crate) last: HistogramSample,
}

/// Reads the series that one of the selectors takes, or all.
pub(crate) fn load(
    recording: &Recording,
    selectors: &[Selector],
    mut progress: impl FnMut(usize, usize),
) -> Result<Samples, LearnError> {
    let mut samples = Samples::default();
    let slices = recording.slices();
    let mut count = 0;
    for (n, slice) in slices.iter().enumerate() {
        recording.for_each(slice, |series, found| {
            if selectors.is_empty() || selectors.iter().any(|selector| selector.matches(series)) {
                count += samples.put(series, found);
            }
            Ok(())
        })?;
        if count > SAMPLES_MAX {
            return Err(LearnError::TooLarge { max: SAMPLES_MAX });
        }
        progress(n + 1, slices.len());
    }
    samples.floats.retain(|_, floats| !floats.is_empty());
    for floats in samples.floats.values_mut() {
        // Slices of two sources may overlap; of two samples at a time the later one counts.
        floats.sort_by_key(|(at, _)| *at);
        floats.reverse();
        floats.dedup_by_key(|(at, _)| *at);
        floats.reverse();
    }
    if samples.floats.is_empty() && samples.histograms.is_empty() {
        let of = if selectors.is_empty() { "" } else { " that --match selects" };
        return Err(LearnError::Empty { of });
    }
    Ok(samples)
}

/// The time between two samples of most series in the first slice that has some.
///
/// # Errors
///
/// The recording cannot be read, or has no series that one of the selectors takes.
pub fn sample_step(recording: &Recording, selectors: &[Selector]) -> Result<Span, LearnError> {
    let mut steps = Vec::new();
    for slice in recording.slices() {
        for (series, samples) in recording.samples(slice)? {
            let is_taken = selectors.is_empty() || selectors.iter().any(|own| own.matches(&series));
            let floats = samples.into_iter().filter_map(|(at, value)| match value {
                SampleValue::Float(value) if value.is_finite() => Some((at, value)),
                _ => None,
            });
            let floats: Floats = floats.collect();
            if is_taken && floats.len() > 2 {
                steps.push(GridSeries::of(&floats).step_secs);
            }
        }
        if !steps.is_empty() {
            break;
        }
    }
    steps.sort_by(f64::total_cmp);
    let step = steps.get(steps.len() / 2).and_then(|secs| Span::from_secs_f64(*secs));
    let of = if selectors.is_empty() { "" } else { " that --match selects" };
    step.filter(|step| *step > Span::ZERO).ok_or(LearnError::Empty { of })
}

impl Samples {
    /// Adds samples of a series. Returns their number.
    fn put(&mut self, series: &ReadSeries, found: &mut dyn Iterator<Item = (i64, SampleValue)>) -> usize {
        let mut count = 0;
        let mut floats = Vec::new();
        for (at, value) in found {
            count += 1;
            match value {
                SampleValue::Float(value) if value.is_finite() => floats.push((at, value)),
                SampleValue::Histogram(histogram) if histogram.sum.is_finite() => {
                    self.put_histogram(series, at, *histogram);
                }
                SampleValue::Float(_) | SampleValue::Histogram(_) => {}
            }
        }
        if !floats.is_empty() {
            match self.floats.get_mut(series) {
                Some(own) => own.extend(floats),
                None => drop(self.floats.insert(series.clone(), floats)),
            }
        }
        count
    }

    fn put_histogram(&mut self, series: &ReadSeries, at: i64, histogram: HistogramSample) {
        if let Some(own) = self.histograms.get_mut(series) {
            own.times.push(at);
            own.last = histogram;
        } else {
            let native = NativeSamples { times: vec![at], first: histogram.clone(), last: histogram };
            self.histograms.insert(series.clone(), native);
        }
    }
}
