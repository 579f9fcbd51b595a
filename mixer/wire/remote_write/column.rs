//! A column, prepared: its series of plain numbers with the labels that they have beside those of a host. A native
//! histogram is one series.

use std::sync::Arc;

use promemu_core::metric::{Kind, Layout, MetricType};
use promemu_core::series::{Column, Family};

use super::labels::{SeriesLabel, SeriesLabels};
use crate::series_expansion::{ExtraLabel, Suffix, for_each_series};

/// The label that holds a series' name.
const NAME: &str = "__name__";

/// A column of a job, as it is written for every host.
#[derive(Debug)]
pub(super) struct PreparedColumn {
    pub(super) family: Family,
    pub(super) layout: Arc<Layout>,
    /// Labels of each of its series.
    pub(super) series: Box<[SeriesLabels]>,
    /// Number of the job's series before them.
    pub(super) series_before: usize,
}

impl PreparedColumn {
    /// Prepares all columns of a job.
    pub(super) fn all(columns: &[(&Family, &Column)]) -> Box<[Self]> {
        let mut series_before = 0;
        let prepared = columns.iter().map(|(family, column)| {
            let series = series_of(family, column);
            let prepared =
                Self { family: (*family).clone(), layout: Arc::clone(&column.layout), series_before, series };
            series_before += prepared.series.len();
            prepared
        });
        prepared.collect()
    }

    /// The type's number in `MetricMetadata.MetricType` of 1.0 and in `Metadata.MetricType` of 2.0.
    pub(super) const fn type_number(&self) -> u8 {
        match self.family.metric_type {
            MetricType::Counter => 1,
            MetricType::Gauge => 2,
            MetricType::Histogram | MetricType::NativeHistogram => 3,
            MetricType::Summary => 5,
            MetricType::Info => 6,
            MetricType::StateSet => 7,
        }
    }
}

fn series_of(family: &Family, column: &Column) -> Box<[SeriesLabels]> {
    let labels = |suffix: Suffix, extra: &ExtraLabel<'_>| {
        let own = column.labels.iter().map(|(name, value)| SeriesLabel::new(name, value));
        let name = SeriesLabel::new(NAME, &format!("{}{}", family.name, suffix.as_str()));
        let extra = extra.name_and_value(&family.name).map(|(name, value)| SeriesLabel::new(name, &value));
        SeriesLabels::new(own.chain([name]).chain(extra).collect())
    };
    if matches!(column.layout.kind, Kind::NativeHistogram(_)) {
        return [labels(Suffix::None, &ExtraLabel::None)].into();
    }
    let mut all = Vec::new();
    for_each_series(&column.layout.kind, |series| all.push(labels(series.suffix, &series.label)));
    all.into()
}

/// Calls `put` with the index and the value of each of a column's series. A native histogram has no plain values.
#[inline]
pub(super) fn for_each_value(layout: &Layout, cells: &[f64], mut put: impl FnMut(usize, f64)) {
    if matches!(layout.kind, Kind::NativeHistogram(_)) {
        return;
    }
    let mut total = 0.0;
    for_each_series(&layout.kind, |series| {
        put(series.index, series.source.value(|place| cells[place], &mut total));
    });
}
