//! What remote write makes of a family: series of single numbers, but for native histograms.

use std::sync::Arc;

use super::labels::{OwnLabel, OwnLabels};
use crate::exposition::put_number;
use promemu_core::metric::{self, Kind, Layout, MetricType, whole};
use promemu_core::series::{Column, Family};

/// The label of a series' name.
const NAME: &str = "__name__";

/// A column as it is written.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) family: Family,
    pub(super) layout: Arc<Layout>,
    /// Its series, each with the labels that are not the host's.
    pub(super) series: Box<[OwnLabels]>,
    /// The number of the first one among those of the job.
    pub(super) first: usize,
}

impl Written {
    /// A job's columns.
    pub(super) fn all(columns: &[(&Family, &Column)]) -> Box<[Self]> {
        let mut first = 0;
        let written = columns.iter().map(|(family, column)| {
            let series = series(family, column);
            first += series.len();
            Self {
                family: (*family).clone(),
                layout: Arc::clone(&column.layout),
                first: first - series.len(),
                series,
            }
        });
        written.collect()
    }

    /// The type, as `MetricMetadata.MetricType` and as `Metadata.MetricType` of 2.0 number it.
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

fn series(family: &Family, column: &Column) -> Box<[OwnLabels]> {
    let labels = |suffix: &str, extra: Option<(&str, String)>| {
        let own = column.labels.iter().map(|(name, value)| OwnLabel::new(name, value));
        let name = OwnLabel::new(NAME, &format!("{}{suffix}", family.name));
        let extra = extra.map(|(name, value)| OwnLabel::new(name, &value));
        OwnLabels::new(own.chain([name]).chain(extra).collect())
    };
    match &column.layout.kind {
        Kind::Value | Kind::NativeHistogram(_) => [labels("", None)].into(),
        Kind::Histogram { bounds } => {
            let bounds = bounds.iter().chain(&[f64::INFINITY]);
            let buckets = bounds.map(|bound| labels("_bucket", Some(("le", number(*bound)))));
            buckets.chain([labels("_sum", None), labels("_count", None)]).collect()
        }
        Kind::Summary { quantiles } => {
            let values = quantiles.iter().map(|quantile| labels("", Some(("quantile", number(*quantile)))));
            values.chain([labels("_sum", None), labels("_count", None)]).collect()
        }
        Kind::StateSet { states } => {
            let state = |state: &Arc<str>| labels("", Some((&family.name, state.to_string())));
            states.iter().map(state).collect()
        }
    }
}

fn number(number: f64) -> String {
    let mut text = Vec::new();
    put_number(number, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// Shows the value of each of a column's series, by its place among them. A native histogram has none.
#[inline]
pub(super) fn for_each_value(layout: &Layout, cells: &[f64], mut put: impl FnMut(usize, f64)) {
    match &layout.kind {
        Kind::Value => put(0, cells[0]),
        Kind::NativeHistogram(_) => {}
        Kind::Histogram { bounds } => {
            let buckets = metric::buckets(bounds, cells);
            let mut count = 0.0;
            for (place, bucket) in buckets.counts.iter().enumerate() {
                count += bucket;
                put(place, count);
            }
            put(bounds.len() + 1, buckets.sum);
            put(bounds.len() + 2, count);
        }
        Kind::Summary { quantiles } => {
            let summary = metric::quantiles(quantiles, cells);
            for (place, value) in summary.values.iter().enumerate() {
                put(place, *value);
            }
            put(quantiles.len(), summary.sum);
            put(quantiles.len() + 1, summary.count);
        }
        Kind::StateSet { states } => {
            let state = whole(cells[0]);
            for (place, number) in (0..states.len()).zip(0..) {
                put(place, if number == state { 1.0 } else { 0.0 });
            }
        }
    }
}

/// The series that an exemplar of this value belongs to, by its place.
pub(super) fn place_of_exemplar(layout: &Layout, value: f64) -> usize {
    match &layout.kind {
        Kind::Histogram { bounds } => bounds.partition_point(|bound| *bound < value),
        _ => 0,
    }
}
