//! Questions about a recording: its samples, or what they come to in steps of time.
//!
//! Staleness markers are no values, and native histograms no numbers: neither is in an answer.

mod accumulator;
mod answer;

use std::collections::BTreeMap;
use std::io;

use indexmap::IndexMap;
use promemu_core::metric::is_absent;

pub(super) use self::accumulator::Accumulator;
pub use self::accumulator::Aggregate;
pub use self::answer::{AnswerFormat, AnswerWriter};
use super::store::{StepRow, read_steps};
use super::{FileEntry, Recording, SliceEntry, StepEntry};
use crate::samples::{NAME, ReadSeries, SampleValue, Selector};

/// A question about a recording.
#[derive(Clone, Debug)]
pub struct Query {
    /// The series that are asked for.
    pub selector: Selector,
    /// The first millisecond since the Unix epoch, and the one after the last.
    pub range_ms: (i64, i64),
    /// The aggregate of samples; `None` for the samples themselves.
    pub aggregation: Option<Aggregation>,
}

/// An aggregate of samples.
#[derive(Clone, Debug)]
pub struct Aggregation {
    /// Milliseconds of a step, which begins at a multiple of this; `None` for the whole range as one.
    pub step_ms: Option<i64>,
    /// The value of a step.
    pub aggregate: Aggregate,
    /// Labels that stay; series that are alike in these are one. `None` for each series on its own.
    pub by: Option<Vec<String>>,
}

impl Aggregation {
    /// The aggregation that a step or an aggregate asks for; `None` without both, for the samples themselves.
    #[must_use]
    pub fn asked(
        step_ms: Option<i64>,
        aggregate: Option<Aggregate>,
        by: Option<Vec<String>>,
    ) -> Option<Self> {
        let is_asked = step_ms.is_some() || aggregate.is_some();
        is_asked.then(|| Self { step_ms, aggregate: aggregate.unwrap_or(Aggregate::Last), by })
    }
}

/// The size of what was read for an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueryCounts {
    /// Number of rows of the answer.
    pub rows: u64,
    /// Number of native histograms that were left out.
    pub histograms: u64,
}

/// The steps of one series: what its samples came to, by the begin of each.
type Steps = BTreeMap<i64, Accumulator>;

/// A series, and its newest sample.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) steps: Steps,
    newest: Option<(i64, f64)>,
}

impl Query {
    /// Answers from a recording, slice by slice.
    ///
    /// # Errors
    ///
    /// A file of it is missing or damaged, or the answer cannot be written.
    pub fn answer(&self, recording: &Recording, out: &mut AnswerWriter<'_>) -> io::Result<QueryCounts> {
        let mut counts = QueryCounts::default();
        let mut counted: IndexMap<ReadSeries, Counted> = IndexMap::new();
        if let Some(aggregation) = &self.aggregation {
            for steps in in_place_of_slices(recording) {
                read_steps(recording, steps, |series, row| {
                    if self.is_in_range(row.at_ms) && self.selector.matches(series) {
                        let step = self.step_of(aggregation, row.at_ms);
                        counted.entry(series.clone()).or_default().add_step(row, step);
                    }
                    Ok(())
                })?;
            }
        }
        for slice in recording.slices().into_iter().filter(|slice| self.may_have(recording, slice)) {
            for (series, samples) in recording.samples(slice)? {
                if !self.selector.matches(&series) {
                    continue;
                }
                let mut own = Vec::with_capacity(samples.len());
                for (at, sample) in samples.iter().filter(|(at, _)| self.is_in_range(*at)) {
                    match sample {
                        SampleValue::Float(value) if is_absent(*value) => {}
                        SampleValue::Float(value) => own.push((*at, *value)),
                        SampleValue::Histogram(_) => counts.histograms += 1,
                    }
                }
                match &self.aggregation {
                    None => counts.rows += out.put(&series, &own)?,
                    Some(aggregation) if !own.is_empty() => {
                        counted.entry(series).or_default().add(&own, |at| self.step_of(aggregation, at));
                    }
                    Some(_) => {}
                }
            }
        }
        if let Some(aggregation) = &self.aggregation {
            counted.sort_unstable_keys();
            for (series, steps) in grouped(counted, aggregation.by.as_deref()) {
                let value = |(at, step): (&i64, &Accumulator)| {
                    let step_secs = self.step_secs(aggregation);
                    (*at, step.value(aggregation.aggregate, step_secs))
                };
                let values: Vec<(i64, f64)> = steps.iter().map(value).collect();
                counts.rows += out.put(&series, &values)?;
            }
        }
        Ok(counts)
    }

    /// The files that an answer is made of.
    #[must_use]
    pub fn files<'r>(&self, recording: &'r Recording) -> Vec<&'r FileEntry> {
        let slices = recording.slices().into_iter().filter(|slice| self.may_have(recording, slice));
        let steps = self.aggregation.iter().flat_map(|_| in_place_of_slices(recording));
        slices.flat_map(|slice| &slice.files).chain(steps.map(|steps| &steps.file)).collect()
    }

    const fn is_in_range(&self, at: i64) -> bool {
        self.range_ms.0 <= at && at < self.range_ms.1
    }

    /// `false` for a slice that has no sample of the range.
    fn may_have(&self, recording: &Recording, slice: &SliceEntry) -> bool {
        recording.has_senders_times(slice)
            || (slice.begin_ms < self.range_ms.1 && self.range_ms.0 < slice.end_ms)
    }

    /// The begin of the step that has this time.
    fn step_of(&self, aggregation: &Aggregation, at: i64) -> i64 {
        aggregation.step_ms.map_or(self.range_ms.0, |step| at.div_euclid(step) * step)
    }

    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a range are below 2^53")]
    fn step_secs(&self, aggregation: &Aggregation) -> f64 {
        aggregation.step_ms.unwrap_or(self.range_ms.1 - self.range_ms.0) as f64 / 1e3
    }
}

impl Counted {
    /// Begins behind a sample that is counted already.
    pub(super) fn begin_behind(&mut self, sample: (i64, f64)) {
        if self.newest.is_none_or(|(newest, _)| newest < sample.0) {
            self.newest = Some(sample);
        }
    }

    /// Adds what samples came to that are gone.
    fn add_step(&mut self, row: &StepRow, step: i64) {
        self.steps.entry(step).or_default().follow(row);
        self.begin_behind((row.last_at_ms, row.last));
    }

    /// Adds samples in order of time. Those that are not newer than the ones before are left out.
    pub(super) fn add(&mut self, samples: &[(i64, f64)], step_of: impl Fn(i64) -> i64) {
        for (at, value) in samples {
            if self.newest.is_some_and(|(newest, _)| newest >= *at) {
                continue;
            }
            let before = self.newest.replace((*at, *value)).map(|(_, value)| value);
            self.steps.entry(step_of(*at)).or_default().add(*at, *value, before);
        }
    }
}

/// The finest steps of each day whose slices are gone, in order of time.
fn in_place_of_slices(recording: &Recording) -> Vec<&StepEntry> {
    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
    let manifest = recording.manifest();
    let has_slices = |steps: &StepEntry| {
        manifest.slices.iter().any(|slice| {
            slice.source == steps.source && slice.begin_ms.div_euclid(DAY_MS) * DAY_MS == steps.day_ms
        })
    };
    let mut finest: BTreeMap<(i64, &str), &StepEntry> = BTreeMap::new();
    for steps in manifest.steps.iter().filter(|steps| !has_slices(steps)) {
        let known = finest.entry((steps.day_ms, &steps.source)).or_insert(steps);
        if steps.step_ms < known.step_ms {
            *known = steps;
        }
    }
    finest.into_values().collect()
}

/// Series that are alike in some labels as one.
fn grouped(counted: IndexMap<ReadSeries, Counted>, by: Option<&[String]>) -> IndexMap<ReadSeries, Steps> {
    let mut groups: IndexMap<ReadSeries, Steps> = IndexMap::new();
    for (series, Counted { steps, .. }) in counted {
        let Some(by) = by else {
            groups.insert(series, steps);
            continue;
        };
        let labels = by.iter().filter_map(|name| Some((name.clone(), series.label(name)?.to_owned())));
        let mut key = ReadSeries::of_labels(labels);
        if !by.iter().any(|name| name == NAME) {
            key.metric.clear();
        }
        let group = groups.entry(key).or_default();
        for (at, step) in steps {
            group.entry(at).or_default().join(&step);
        }
    }
    groups
}
