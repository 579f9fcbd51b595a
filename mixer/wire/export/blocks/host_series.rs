//! The series of one host and its pool members over a part of a block.

use std::borrow::Cow;
use std::io;

use promemu_core::backfill::HostSamples;
use promemu_core::metric::{ABSENT, Kind, is_absent, native_histogram};
use promemu_core::plan::{HostPlan, MetricPlan, Plan};
use promemu_core::series::{Family, LabelBlock};

use super::encoded::{EncodedPart, LabelSymbols};
use super::float_chunk::{FloatEncoder, Staleness};
use super::histogram_chunk::put_histograms;
use crate::export::target_labels::{INSTANCE, TargetLabels};
use crate::exposition::OpenMetricsFamily;
use crate::series_expansion::{ExtraLabel, ValueSource, for_each_series};

/// Name of the label that holds a series' name.
const NAME: &str = "__name__";
/// Name of the series that says if a target answers.
const UP: &str = "up";

/// The moments of some samples.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moments<'a> {
    /// Time of each, in milliseconds since the Unix epoch, in ascending order.
    pub(super) times: &'a [i64],
    /// Their places among the samples; `None` if these are all samples.
    pub(super) places: Option<&'a [usize]>,
}

impl Moments<'_> {
    fn pick<'v>(&self, values: &'v [f64]) -> Cow<'v, [f64]> {
        match self.places {
            None => Cow::Borrowed(values),
            Some(places) => places.iter().map(|place| values[*place]).collect(),
        }
    }
}

/// Encodes series into the part of one thread.
#[derive(Debug)]
pub(super) struct SeriesEncoder<'a> {
    pub(super) plan: &'a Plan,
    target: TargetLabels,
    /// `true` if hosts have the series [`UP`].
    has_up: bool,
    floats: FloatEncoder,
    values: Vec<f64>,
    totals: Vec<f64>,
}

/// Labels that several series share, as symbols.
pub(super) type SharedLabels = Vec<LabelSymbols>;

impl<'a> SeriesEncoder<'a> {
    pub(super) fn new(plan: &'a Plan, target: TargetLabels) -> Self {
        let has_up =
            target == TargetLabels::Scraped && plan.families.iter().all(|family| &*family.name != UP);
        Self { plan, target, has_up, floats: FloatEncoder::default(), values: Vec::new(), totals: Vec::new() }
    }

    /// The labels of a host as a target, and those of the host or a member.
    pub(super) fn shared_labels(
        &self,
        host: &HostPlan,
        labels: &LabelBlock,
        part: &mut EncodedPart,
    ) -> io::Result<SharedLabels> {
        let mut shared = Vec::new();
        let target = self.target.of(self.plan, host);
        target
            .filter(|(name, _)| labels.get(name).is_none())
            .try_for_each(|(name, value)| put_label(name, value, part, &mut shared))?;
        labels.iter().try_for_each(|(name, value)| put_label(name, value, part, &mut shared))?;
        Ok(shared)
    }

    /// Encodes `up` of a target, unless the config has a metric of this name.
    pub(super) fn put_up(
        &mut self,
        shared: &SharedLabels,
        (times, values): (&[i64], &[f64]),
        is_continued: bool,
        part: &mut EncodedPart,
    ) -> io::Result<()> {
        if !self.has_up {
            return Ok(());
        }
        let mut labels = shared.clone();
        put_label(NAME, UP, part, &mut labels)?;
        let staleness = Staleness::Marked { is_continued };
        part.put_series(labels, |part| self.floats.put(times, values, staleness, part))
    }

    /// Encodes all series of one metric.
    pub(super) fn put_metric(
        &mut self,
        metric: &MetricPlan,
        shared: &SharedLabels,
        (moments, samples): (Moments<'_>, &HostSamples),
        staleness: Staleness,
        part: &mut EncodedPart,
    ) -> io::Result<()> {
        let family = &self.plan.families[metric.family];
        let mut labels = shared.clone();
        if metric.labels.get(INSTANCE).is_some() {
            let instance = part.symbol(INSTANCE)?;
            labels.retain(|(name, _)| *name != instance);
        }
        metric.labels.iter().try_for_each(|(name, value)| put_label(name, value, part, &mut labels))?;
        let layout = metric.cells.layout();
        let cell = |place: usize| moments.pick(samples.cell(metric.offset + place));
        if let Kind::NativeHistogram(native) = &layout.kind {
            put_label(NAME, &family.name, part, &mut labels)?;
            let cells: Vec<Cow<'_, [f64]>> = (0..layout.kind.width()).map(cell).collect();
            let rows: Vec<Vec<f64>> =
                (0..moments.times.len()).map(|n| cells.iter().map(|cell| cell[n]).collect()).collect();
            let histograms = moments
                .times
                .iter()
                .zip(&rows)
                .map(|(time, row)| (*time, (!is_absent(row[0])).then(|| native_histogram(native, row))));
            return part.put_series(labels, |part| put_histograms(histograms, staleness, part));
        }
        self.put_plain(metric, family, &labels, (moments, samples), staleness, part)?;
        self.put_created(metric, family, labels, (moments, samples), staleness, part)
    }

    /// Encodes the plain series of a metric without its created time.
    fn put_plain(
        &mut self,
        metric: &MetricPlan,
        family: &Family,
        labels: &[LabelSymbols],
        (moments, samples): (Moments<'_>, &HostSamples),
        staleness: Staleness,
        part: &mut EncodedPart,
    ) -> io::Result<()> {
        let cell = |place: usize| moments.pick(samples.cell(metric.offset + place));
        let first = cell(0);
        self.totals.clear();
        self.totals.resize(first.len(), 0.0);
        let mut outcome = Ok(());
        for_each_series(&metric.cells.layout().kind, |series| {
            if outcome.is_err() {
                return;
            }
            let column = match series.source {
                ValueSource::Cell(place) | ValueSource::Cumulative(place) => cell(place),
                ValueSource::Total | ValueSource::IsState(_) => Cow::Borrowed(&*first),
            };
            self.values.clear();
            for ((value, total), first) in column.iter().zip(&mut self.totals).zip(&*first) {
                let value = series.source.value(|_| *value, total);
                self.values.push(if is_absent(*first) { ABSENT } else { value });
            }
            let mut labels = labels.to_vec();
            let name = [&*family.name, series.suffix.as_str()].concat();
            outcome = put_label(NAME, &name, part, &mut labels)
                .and_then(|()| put_extra(&series.label, &family.name, part, &mut labels))
                .and_then(|()| {
                    let Self { floats, values, .. } = self;
                    part.put_series(labels, |part| floats.put(moments.times, values, staleness, part))
                });
        });
        outcome
    }

    /// Encodes the created time of a metric that has one, as a series of its own, as OpenMetrics has it.
    fn put_created(
        &mut self,
        metric: &MetricPlan,
        family: &Family,
        mut labels: SharedLabels,
        (moments, samples): (Moments<'_>, &HostSamples),
        staleness: Staleness,
        part: &mut EncodedPart,
    ) -> io::Result<()> {
        let layout = metric.cells.layout();
        let is_taken = |name: &str| self.plan.families.iter().any(|family| &*family.name == name);
        if !layout.has_created {
            return Ok(());
        }
        let openmetrics = OpenMetricsFamily::new(family, is_taken);
        if !openmetrics.has_created() {
            return Ok(());
        }
        put_label(NAME, &[openmetrics.stem, "_created"].concat(), part, &mut labels)?;
        let cell = |place: usize| moments.pick(samples.cell(metric.offset + place));
        let (first, created) = (cell(0), cell(layout.width() - 1));
        let shown = |(first, created): (&f64, &f64)| if is_absent(*first) { ABSENT } else { *created };
        let values: Vec<f64> = first.iter().zip(&*created).map(shown).collect();
        part.put_series(labels, |part| self.floats.put(moments.times, &values, staleness, part))
    }
}

/// Appends a label, unless its value is empty: for Prometheus it does not exist then.
fn put_label(name: &str, value: &str, part: &mut EncodedPart, labels: &mut SharedLabels) -> io::Result<()> {
    if !value.is_empty() {
        labels.push((part.symbol(name)?, part.symbol(value)?));
    }
    Ok(())
}

fn put_extra(
    label: &ExtraLabel<'_>,
    family_name: &str,
    part: &mut EncodedPart,
    labels: &mut SharedLabels,
) -> io::Result<()> {
    match label.name_and_value(family_name) {
        Some((name, value)) => put_label(name, &value, part, labels),
        None => Ok(()),
    }
}
