//! OpenMetrics 1.0 with timestamps
//! (<https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md>), family by family.
//!
//! Numbers in `le` and `quantile` are written as in the text format (`1`, not `1.0`), so that the series are the same as
//! those that are pushed and scraped live. An exemplar is at the first moment that has it.

use std::sync::Arc;

use indexmap::IndexSet;
use promemu_core::metric::{Exemplar, Layout, is_absent};
use promemu_core::series::Family;
use promemu_core::time::Time;

use super::report::WrittenCount;
use super::series::{Pieces, SampledSeries, SeriesFormat};
use crate::exposition::{OPENMETRICS_EOF, OpenMetricsFamily, put_exemplar};
use crate::number::put_number;
use crate::series_expansion::{ExtraLabel, exemplar_index, for_each_series};

pub(super) struct OpenMetrics {
    /// The moments as they end a line, one after the other: a blank, and seconds.
    line_ends: Vec<u8>,
    /// Start of each moment in `line_ends`, and the end of the last one.
    starts: Vec<u32>,
    /// Names of all families.
    names: Arc<IndexSet<Arc<str>>>,
}

impl OpenMetrics {
    pub(super) fn new(moments: impl Iterator<Item = Time>) -> Self {
        let (mut line_ends, mut starts) = (Vec::new(), Vec::new());
        for moment in moments {
            starts.push(u32::try_from(line_ends.len()).unwrap_or(u32::MAX));
            line_ends.push(b' ');
            put_number(moment.unix_millis_secs(), &mut line_ends);
        }
        starts.push(u32::try_from(line_ends.len()).unwrap_or(u32::MAX));
        Self { line_ends, starts, names: Arc::default() }
    }

    /// The same for families of these names.
    pub(super) fn with_names(self, names: impl Iterator<Item = Arc<str>>) -> Self {
        Self { names: Arc::new(names.collect()), ..self }
    }

    fn line_end(&self, moment: usize) -> &[u8] {
        &self.line_ends[self.starts[moment] as usize..self.starts[moment + 1] as usize]
    }

    fn family<'f>(&self, family: &'f Family) -> OpenMetricsFamily<'f> {
        OpenMetricsFamily::new(family, |name| self.names.contains(name))
    }
}

impl SeriesFormat for OpenMetrics {
    fn is_by_family(&self) -> bool {
        true
    }

    fn with_times(&self, times: &[Time]) -> Option<Box<dyn SeriesFormat>> {
        Some(Box::new(Self { names: Arc::clone(&self.names), ..Self::new(times.iter().copied()) }))
    }

    fn put_family_head(&self, family: &Family, out: &mut Vec<u8>) {
        self.family(family).put_head(family, out);
    }

    fn put_series(&self, series: &SampledSeries<'_>, out: &mut Pieces<'_>) -> WrittenCount {
        let layout = series.metric.cells.layout();
        let family = self.family(series.family);
        let cell = |place: usize| series.samples.cell(series.metric.offset + place);
        let mut lines = Vec::new();
        for_each_series(&layout.kind, |plain| {
            let prefix =
                prefix(&series.family.name, plain.suffix.as_str(), &series.labels_with(&plain.label));
            lines.push((prefix, plain.source));
        });
        let created = (layout.has_created && family.has_created()).then(|| {
            let labels = series.labels_with(&ExtraLabel::None);
            (prefix(family.stem, "_created", &labels), cell(layout.width() - 1))
        });
        let mut last_exemplar = None;
        let mut moments = 0;
        for moment in (0..series.samples.moments()).filter(|moment| !is_absent(cell(0)[*moment])) {
            let exemplar =
                if family.has_exemplars() { exemplar_at(layout, |place| cell(place)[moment]) } else { None };
            let exemplar = exemplar.filter(|exemplar| last_exemplar.replace(*exemplar) != Some(*exemplar));
            let mut marked =
                exemplar.map(|exemplar| (exemplar_index(&layout.kind, exemplar.value), exemplar));
            let (mut total, text) = (0.0, &mut out.text);
            for (index, (prefix, source)) in lines.iter().enumerate() {
                text.extend_from_slice(prefix);
                put_number(source.value(|place| cell(place)[moment], &mut total), text);
                text.extend_from_slice(self.line_end(moment));
                if let Some((_, exemplar)) = marked.take_if(|(marked, _)| *marked == index) {
                    put_exemplar(&exemplar, text);
                }
                text.push(b'\n');
            }
            if let Some((prefix, cells)) = &created {
                text.extend_from_slice(prefix);
                put_number(cells[moment], text);
                text.extend_from_slice(self.line_end(moment));
                text.push(b'\n');
            }
            out.pass_on();
            moments += 1;
        }
        let series = if moments > 0 { lines.len() as u64 + u64::from(created.is_some()) } else { 0 };
        WrittenCount { series, samples: series * moments }
    }

    fn put_end(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(OPENMETRICS_EOF);
    }
}

/// The exemplar in these cells.
fn exemplar_at(layout: &Layout, cell: impl Fn(usize) -> f64) -> Option<Exemplar> {
    if !layout.has_exemplar {
        return None;
    }
    let mut cells = vec![0.0; layout.width()];
    for (place, value) in cells.iter_mut().enumerate().skip(layout.kind.width()) {
        *value = cell(place);
    }
    layout.exemplar(&cells)
}

/// `name{labels} `
fn prefix(name: &str, suffix: &str, labels: &[u8]) -> Vec<u8> {
    [name.as_bytes(), suffix.as_bytes(), b"{", labels, b"} "].concat()
}
