//! OpenMetrics 1.0 with timestamps
//! (<https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md>).
//!
//! A bound in `le` is written as the text format does it (`1`, not `1.0`), so that series go on as they are
//! pushed and scraped live. An exemplar stands at the first moment that has it.

use std::sync::Arc;

use indexmap::IndexSet;

use super::lines::{Reads, lines};
use super::{Series, SeriesFormat, Written};
use crate::exposition::{openmetrics_type, put_exemplar, put_number, put_openmetrics_head};
use promemu_core::metric::{Exemplar, Kind, Layout, is_absent};
use promemu_core::series::Family;
use promemu_core::time::Time;

pub(super) struct OpenMetrics {
    /// The moments, each as it stands in a line: a blank, and the seconds.
    line_ends: Vec<u8>,
    /// Where each begins.
    starts: Vec<u32>,
    /// The families' names.
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
}

impl SeriesFormat for OpenMetrics {
    fn is_by_family(&self) -> bool {
        true
    }

    fn at(&self, own_times: &[Time]) -> Option<Box<dyn SeriesFormat>> {
        Some(Box::new(Self { names: Arc::clone(&self.names), ..Self::new(own_times.iter().copied()) }))
    }

    fn put_family(&self, family: &Family, out: &mut Vec<u8>) {
        let (type_name, stem) = openmetrics_type(family, |name| self.names.contains(name));
        put_openmetrics_head(family, type_name, stem, out);
    }

    fn put_series(&self, series: &Series<'_>, out: &mut Vec<u8>) -> Written {
        let layout = series.metric.cells.layout();
        let cell = |place: usize| series.samples.cell(series.metric.offset + place);
        let lines: Vec<(Vec<u8>, Reads)> = lines(&series.family.name, layout)
            .iter()
            .map(|line| (prefix(series, &series.family.name, line.suffix, &line.label), line.reads))
            .collect();
        let (type_name, stem) = openmetrics_type(series.family, |name| self.names.contains(name));
        let created = (layout.has_created && type_name != "unknown")
            .then(|| (prefix(series, stem, "_created", ""), cell(layout.width() - 1)));
        let mut exemplars = Exemplars { layout_width: layout.kind.width(), last: None };
        let mut moments = 0;
        for moment in (0..series.samples.moments()).filter(|moment| !is_absent(cell(0)[*moment])) {
            let exemplar = if layout.has_exemplar && type_name != "unknown" {
                exemplars.next(layout, |place| cell(place)[moment])
            } else {
                None
            };
            let mut exemplar = exemplar.map(|exemplar| (marked_line(&layout.kind, &exemplar), exemplar));
            let mut total = 0.0;
            for (n, (prefix, reads)) in lines.iter().enumerate() {
                out.extend_from_slice(prefix);
                put_number(reads.value(|place| cell(place)[moment], &mut total), out);
                out.extend_from_slice(self.line_end(moment));
                if let Some((_, exemplar)) = exemplar.take_if(|(line, _)| *line == n) {
                    put_exemplar(&exemplar, out);
                }
                out.push(b'\n');
            }
            if let Some((prefix, cells)) = &created {
                out.extend_from_slice(prefix);
                put_number(cells[moment], out);
                out.extend_from_slice(self.line_end(moment));
                out.push(b'\n');
            }
            moments += 1;
        }
        let series = if moments > 0 { lines.len() as u64 + u64::from(created.is_some()) } else { 0 };
        Written { series, samples: series * moments }
    }

    fn put_end(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"# EOF\n");
    }
}

/// The exemplars of a series, each once.
struct Exemplars {
    layout_width: usize,
    last: Option<Exemplar>,
}

impl Exemplars {
    /// The exemplar that these cells have, if it is new.
    fn next(&mut self, layout: &Layout, cell: impl Fn(usize) -> f64) -> Option<Exemplar> {
        let mut cells = vec![0.0; layout.width()];
        for (place, own) in cells.iter_mut().enumerate().skip(self.layout_width) {
            *own = cell(place);
        }
        let exemplar = layout.exemplar(&cells).filter(|exemplar| self.last != Some(*exemplar))?;
        self.last = Some(exemplar);
        Some(exemplar)
    }
}

/// Which of a series' lines an exemplar belongs to.
fn marked_line(kind: &Kind, exemplar: &Exemplar) -> usize {
    match kind {
        Kind::Histogram { bounds } => bounds.partition_point(|bound| *bound < exemplar.value),
        _ => 0,
    }
}

/// `name{labels} `
fn prefix(series: &Series<'_>, name: &str, suffix: &str, label: &str) -> Vec<u8> {
    let mut prefix = format!("{name}{suffix}{{").into_bytes();
    prefix.extend_from_slice(&series.labels);
    if !series.labels.is_empty() && !label.is_empty() {
        prefix.push(b',');
    }
    prefix.extend_from_slice(label.as_bytes());
    prefix.extend_from_slice(b"} ");
    prefix
}
