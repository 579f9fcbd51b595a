//! The series of one host and its pool members over one stretch.

use std::borrow::Cow;
use std::io;

use promemu_core::backfill::HostSamples;
use promemu_core::metric::{ABSENT, Kind, is_absent, native_histogram};
use promemu_core::plan::{HostPlan, MetricPlan, Plan};
use promemu_core::series::{Family, LabelBlock};

use super::sink::{LabelSymbols, SeriesSink, Staleness};
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

/// Makes series of samples.
#[derive(Debug)]
pub(super) struct SeriesEncoder<'a> {
    pub(super) plan: &'a Plan,
    target: TargetLabels,
    /// `true` if hosts have the series [`UP`].
    has_up: bool,
    values: Vec<f64>,
    totals: Vec<f64>,
}

/// Labels that several series share, as symbols.
pub(super) type SharedLabels = Vec<LabelSymbols>;

impl<'a> SeriesEncoder<'a> {
    pub(super) fn new(plan: &'a Plan, target: TargetLabels) -> Self {
        let has_up =
            target == TargetLabels::Scraped && plan.families.iter().all(|family| &*family.name != UP);
        Self { plan, target, has_up, values: Vec::new(), totals: Vec::new() }
    }

    /// The labels of a host as a target, and those of the host or a member.
    pub(super) fn shared_labels(
        &self,
        host: &HostPlan,
        labels: &LabelBlock,
        sink: &mut dyn SeriesSink,
    ) -> io::Result<SharedLabels> {
        let mut shared = Vec::new();
        let target = self.target.of(self.plan, host);
        target
            .filter(|(name, _)| labels.get(name).is_none())
            .try_for_each(|(name, value)| put_label(name, value, sink, &mut shared))?;
        labels.iter().try_for_each(|(name, value)| put_label(name, value, sink, &mut shared))?;
        Ok(shared)
    }

    /// Encodes `up` of a target, unless the config has a metric of this name.
    pub(super) fn put_up(
        &mut self,
        shared: &SharedLabels,
        (times, values): (&[i64], &[f64]),
        is_continued: bool,
        sink: &mut dyn SeriesSink,
    ) -> io::Result<()> {
        if !self.has_up {
            return Ok(());
        }
        let mut labels = shared.clone();
        put_label(NAME, UP, sink, &mut labels)?;
        let staleness = Staleness::Marked { is_continued };
        sink.put_floats(&labels, (times, values), staleness)
    }

    /// Encodes all series of one metric.
    pub(super) fn put_metric(
        &mut self,
        metric: &MetricPlan,
        shared: &SharedLabels,
        (moments, samples): (Moments<'_>, &HostSamples),
        staleness: Staleness,
        sink: &mut dyn SeriesSink,
    ) -> io::Result<()> {
        let family = &self.plan.families[metric.family];
        let mut labels = shared.clone();
        if metric.labels.get(INSTANCE).is_some() {
            let instance = sink.symbol(INSTANCE)?;
            labels.retain(|(name, _)| *name != instance);
        }
        metric.labels.iter().try_for_each(|(name, value)| put_label(name, value, sink, &mut labels))?;
        let layout = metric.cells.layout();
        let cell = |place: usize| moments.pick(samples.cell(metric.offset + place));
        if let Kind::NativeHistogram(native) = &layout.kind {
            put_label(NAME, &family.name, sink, &mut labels)?;
            let cells: Vec<Cow<'_, [f64]>> = (0..layout.kind.width()).map(cell).collect();
            let rows: Vec<Vec<f64>> =
                (0..moments.times.len()).map(|n| cells.iter().map(|cell| cell[n]).collect()).collect();
            let histograms: Vec<_> =
                rows.iter().map(|row| (!is_absent(row[0])).then(|| native_histogram(native, row))).collect();
            return sink.put_histograms(&labels, (moments.times, &histograms), staleness);
        }
        self.put_plain(metric, family, &labels, (moments, samples), staleness, sink)?;
        self.put_created(metric, family, labels, (moments, samples), staleness, sink)
    }

    /// Encodes the plain series of a metric without its created time.
    fn put_plain(
        &mut self,
        metric: &MetricPlan,
        family: &Family,
        labels: &[LabelSymbols],
        (moments, samples): (Moments<'_>, &HostSamples),
        staleness: Staleness,
        sink: &mut dyn SeriesSink,
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
            let mut labels = labels.to_vec();
            let name = [&*family.name, series.suffix.as_str()].concat();
            outcome = put_label(NAME, &name, sink, &mut labels)
                .and_then(|()| put_extra(&series.label, &family.name, sink, &mut labels));
            if outcome.is_err() {
                return;
            }
            // The first cell is absent where the sample is.
            let values = if series.source == ValueSource::Cell(0) {
                &*first
            } else {
                let column = match series.source {
                    ValueSource::Cell(place) | ValueSource::Cumulative(place) => cell(place),
                    ValueSource::Total | ValueSource::IsState(_) => Cow::Borrowed(&*first),
                };
                self.values.clear();
                let samples = column.iter().zip(&mut self.totals).zip(&*first);
                self.values.extend(samples.map(|((value, total), first)| {
                    let value = series.source.value(|_| *value, total);
                    if is_absent(*first) { ABSENT } else { value }
                }));
                &self.values
            };
            outcome = sink.put_floats(&labels, (moments.times, values), staleness);
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
        sink: &mut dyn SeriesSink,
    ) -> io::Result<()> {
        let layout = metric.cells.layout();
        let is_taken = |name: &str| self.plan.families.iter().any(|family| &*family.name == name);
        if !layout.has_created || !sink.has_created() {
            return Ok(());
        }
        let openmetrics = OpenMetricsFamily::new(family, is_taken);
        if !openmetrics.has_created() {
            return Ok(());
        }
        put_label(NAME, &[openmetrics.stem, "_created"].concat(), sink, &mut labels)?;
        let cell = |place: usize| moments.pick(samples.cell(metric.offset + place));
        let (first, created) = (cell(0), cell(layout.width() - 1));
        let shown = |(first, created): (&f64, &f64)| if is_absent(*first) { ABSENT } else { *created };
        let values: Vec<f64> = first.iter().zip(&*created).map(shown).collect();
        sink.put_floats(&labels, (moments.times, &values), staleness)
    }
}

/// Appends a label, unless its value is empty: for Prometheus it does not exist then.
fn put_label(
    name: &str,
    value: &str,
    sink: &mut dyn SeriesSink,
    labels: &mut SharedLabels,
) -> io::Result<()> {
    if !value.is_empty() {
        labels.push((sink.symbol(name)?, sink.symbol(value)?));
    }
    Ok(())
}

fn put_extra(
    label: &ExtraLabel<'_>,
    family_name: &str,
    sink: &mut dyn SeriesSink,
    labels: &mut SharedLabels,
) -> io::Result<()> {
    match label.name_and_value(family_name) {
        Some((name, value)) => put_label(name, &value, sink, labels),
        None => Ok(()),
    }
}
