//! A series with all its samples, and the trait of the formats that are written series by series.

use promemu_core::backfill::HostSamples;
use promemu_core::metric::is_absent;
use promemu_core::plan::MetricPlan;
use promemu_core::series::{Family, put_escaped};
use promemu_core::time::Time;

use super::report::WrittenCount;
use crate::series_expansion::{ExtraLabel, for_each_series};

/// Length of a piece of text, about.
const PIECE_BYTES: usize = 1 << 20;

/// One metric of one host or pool member.
pub(super) struct SampledSeries<'a> {
    pub(super) metric: &'a MetricPlan,
    pub(super) family: &'a Family,
    /// Names and values of all labels as in the text format, without braces.
    pub(super) labels: Vec<u8>,
    pub(super) samples: &'a HostSamples,
    /// Time of each sample, if it is not the time of the grid.
    pub(super) own_times: Option<&'a [Time]>,
    /// `true` if an earlier pool member had the same labels, so that for Prometheus this is no new series.
    pub(super) is_continuation: bool,
}

/// The grid's moments at which a series has a sample, and the values.
pub(super) type Values<'v> = &'v mut dyn Iterator<Item = (usize, f64)>;

impl SampledSeries<'_> {
    /// Calls `visit` for each plain series that Prometheus makes of this one, with its name, labels and samples.
    pub(super) fn for_each_plain(&self, visit: &mut dyn FnMut(&str, &str, Values<'_>)) {
        let moments = self.samples.moments();
        let has_sample: Vec<bool> =
            self.samples.cell(self.metric.offset).iter().map(|first| !is_absent(*first)).collect();
        let mut totals = vec![0.0; moments];
        let mut values = vec![0.0; moments];
        for_each_series(&self.metric.cells.layout().kind, |series| {
            for (moment, (value, total)) in values.iter_mut().zip(&mut totals).enumerate() {
                let cell = |place| self.samples.cell(self.metric.offset + place)[moment];
                *value = series.source.value(cell, total);
            }
            let name = format!("{}{}", self.family.name, series.suffix.as_str());
            let labels = self.labels_with(&series.label);
            let present = (0..moments).filter(|moment| has_sample[*moment]);
            visit(
                &name,
                &String::from_utf8_lossy(&labels),
                &mut present.map(|moment| (moment, values[moment])),
            );
        });
    }

    /// The labels of a plain series, as in the text format without braces.
    pub(super) fn labels_with(&self, extra: &ExtraLabel<'_>) -> Vec<u8> {
        let mut labels = self.labels.clone();
        if let Some((name, value)) = extra.name_and_value(&self.family.name) {
            if !labels.is_empty() {
                labels.push(b',');
            }
            labels.extend_from_slice(name.as_bytes());
            labels.extend_from_slice(b"=\"");
            put_escaped(value.as_bytes(), &mut labels);
            labels.push(b'"');
        }
        labels
    }
}

/// Text that is passed on piece by piece, so that it is never in memory as a whole.
pub(super) struct Pieces<'p> {
    /// The end of the text, which is not passed on yet.
    pub(super) text: Vec<u8>,
    take: &'p mut dyn FnMut(Vec<u8>),
}

impl<'p> Pieces<'p> {
    /// Passes on pieces to `take`.
    pub(super) fn new(take: &'p mut dyn FnMut(Vec<u8>)) -> Self {
        Self { text: Vec::new(), take }
    }

    /// Passes on what is there, if it is much.
    #[inline]
    pub(super) fn pass_on(&mut self) {
        if self.text.len() >= PIECE_BYTES {
            let next = Vec::with_capacity(self.text.capacity());
            (self.take)(std::mem::replace(&mut self.text, next));
        }
    }
}

/// A text format that is written series by series.
pub(super) trait SeriesFormat: Sync {
    /// `true` if all series of a family must be neighbours.
    fn is_by_family(&self) -> bool;

    /// The same format for samples of these times instead of the grid's; `None` if it writes no times.
    fn with_times(&self, _times: &[Time]) -> Option<Box<dyn SeriesFormat>> {
        None
    }

    /// Appends the head of the file.
    fn put_head(&self, _out: &mut Vec<u8>) {}

    /// Appends the head of a family.
    fn put_family_head(&self, _family: &Family, _out: &mut Vec<u8>) {}

    /// Appends a series with all its samples. Returns their number.
    fn put_series(&self, series: &SampledSeries<'_>, out: &mut Pieces<'_>) -> WrittenCount;

    /// Appends the end of the file.
    fn put_end(&self, _out: &mut Vec<u8>) {}
}
