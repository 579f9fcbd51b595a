//! The hosts of a recording, and the cells of its series.

use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use promemu_core::metric::{Kind, Layout, MetricType, NativeLayout};
use promemu_core::naming::{is_label_name, is_metric_name, is_reserved_metric};
use promemu_core::replay::{ReplaySeries, ReplayTable};
use promemu_core::series::Family;
use promemu_core::time::Span;

use super::exactness::{Composite, CompositeKey, Part};
use super::scan::{Found, NativeUse, Scan, Target};
use crate::recording::Manifest;
use crate::samples::ReadSeries;

/// Labels that hosts and jobs have.
const TARGET_LABELS: [&str; 2] = ["job", "instance"];
/// The job of series without one.
const NO_JOB: &str = "replay";
/// The interval of a source without one.
const INTERVAL: Span = Span::from_secs(15);

/// The cell of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    pub(super) table: usize,
    /// The first cell of the number, histogram or summary in its row.
    pub(super) offset: usize,
    /// The cell behind it.
    pub(super) cell: usize,
}

/// The tables, their sources, the places of series by source, and what is left out.
pub(super) type Tables = (Vec<ReplayTable>, Vec<usize>, Vec<IndexMap<ReadSeries, Place>>, Vec<String>);

/// The parts of one number, histogram or summary: series with their sources.
#[derive(Debug, Default)]
struct Draft {
    parts: Vec<(ReadSeries, Option<Part>)>,
    native: Option<NativeUse>,
}

/// Makes the tables of what was found.
pub(super) fn tables(scan: Scan, manifest: &Manifest, sources: usize) -> Tables {
    let Scan { groups, series, inexact } = scan;
    let natives: IndexSet<String> = series
        .iter()
        .filter(|(_, found)| found.native.is_some())
        .map(|((_, series), _)| series.metric.clone())
        .collect();
    let mut left_out: IndexMap<&str, Vec<String>> = IndexMap::new();
    let mut drafts: Vec<IndexMap<CompositeKey, Draft>> = Vec::new();
    drafts.resize_with(groups.len(), IndexMap::new);
    for ((_, series), Found { group, native }) in series {
        let composite = Composite::of(&series, manifest);
        let reason = refusal(&series, native.as_ref(), composite.as_ref(), &natives);
        if let Some(reason) = reason {
            left_out.entry(reason).or_default().push(series.metric);
            continue;
        }
        let whole = composite.filter(|composite| !inexact.contains(&composite.family));
        let (key, part) = match whole {
            Some(Composite { family, labels, part }) => ((family, labels), Some(part)),
            None => ((series.metric.clone(), series.labels.clone()), None),
        };
        let draft = drafts[group].entry(key).or_default();
        draft.native = native;
        draft.parts.push((series, part));
    }
    let mut names = Names::default();
    let (mut tables, mut of_tables) = (Vec::new(), Vec::new());
    let mut places = vec![IndexMap::new(); sources];
    for (target, drafts) in groups.into_iter().zip(drafts).filter(|(_, drafts)| !drafts.is_empty()) {
        let number = tables.len();
        let mut table = names.table(&target, manifest);
        let mut offset = 0;
        for ((name, labels), draft) in drafts {
            let layout = draft.layout();
            let family = family(name, &layout, manifest);
            let labels = labels.into_iter().filter(|(name, _)| !TARGET_LABELS.contains(&name.as_str()));
            let width = layout.width();
            for (series, part) in draft.parts {
                let cell = part.map_or(0, |part| cell_of(part, &layout.kind));
                places[target.0].insert(series, Place { table: number, offset, cell });
            }
            table.series.push(ReplaySeries { family, labels: labels.collect(), layout });
            offset += width;
        }
        tables.push(table);
        of_tables.push(target.0);
    }
    let left_out = left_out.into_iter().map(|(reason, names)| {
        let count = names.len();
        format!("{count} series of the recording are left out, as {}: they {reason}", names[0])
    });
    (tables, of_tables, places, left_out.collect())
}

/// The reason why a series cannot be played, if there is one.
fn refusal(
    series: &ReadSeries,
    native: Option<&NativeUse>,
    composite: Option<&Composite>,
    natives: &IndexSet<String>,
) -> Option<&'static str> {
    if !is_metric_name(&series.metric) || !series.labels.iter().all(|(name, _)| is_label_name(name)) {
        return Some("have names with other characters than letters, digits and _");
    }
    if is_reserved_metric(&series.metric) {
        return Some("have names that the Pushgateway and promemu use themselves");
    }
    if native.is_some_and(|native| !native.is_playable) {
        return Some("have native histograms with bounds of their own, parts of counts, or counts that fall");
    }
    if composite.is_some_and(|composite| natives.contains(&composite.family)) {
        return Some("are the buckets of native histograms once more");
    }
    None
}

impl Draft {
    fn layout(&self) -> Layout {
        if let Some(NativeUse { schema, zero_threshold, widths: [positive, negative], .. }) = self.native {
            let schema = i8::try_from(schema).unwrap_or_default();
            return Layout::plain(Kind::NativeHistogram(NativeLayout {
                schema,
                zero_threshold,
                positive,
                negative,
            }));
        }
        let numbers = |number: fn(Part) -> Option<f64>| -> Arc<[f64]> {
            let mut numbers: Vec<f64> =
                self.parts.iter().filter_map(|(_, part)| part.and_then(number)).collect();
            numbers.sort_by(f64::total_cmp);
            numbers.into()
        };
        if self.parts.iter().all(|(_, part)| part.is_none()) {
            return Layout::value();
        }
        let bounds = numbers(|part| match part {
            Part::Bucket(bound) => Some(bound),
            _ => None,
        });
        match bounds.split_last() {
            Some((_, finite)) => Layout::histogram(finite.into()),
            None => Layout::plain(Kind::Summary {
                quantiles: numbers(|part| match part {
                    Part::Quantile(quantile) => Some(quantile),
                    _ => None,
                }),
            }),
        }
    }
}

/// The cell of a part.
fn cell_of(part: Part, kind: &Kind) -> usize {
    match (part, kind) {
        (Part::Bucket(bound), Kind::Histogram { bounds }) => bounds.partition_point(|other| *other < bound),
        (Part::Sum, Kind::Histogram { bounds }) => bounds.len() + 1,
        // The count is that of the last bucket.
        (Part::Count, Kind::Histogram { bounds }) => bounds.len(),
        (Part::Sum, _) => 1,
        (Part::Quantile(quantile), Kind::Summary { quantiles }) => {
            2 + quantiles.partition_point(|other| *other < quantile)
        }
        _ => 0,
    }
}

/// The family of a series or of a histogram, as the manifest describes it.
fn family(name: String, layout: &Layout, manifest: &Manifest) -> Family {
    let stem = name.strip_suffix("_total").unwrap_or(&name);
    let entry = manifest.families.get(&name).or_else(|| {
        let of_stem = manifest.families.get(stem);
        of_stem.filter(|entry| entry.kind == "counter")
    });
    let metric_type = match layout.kind {
        Kind::Histogram { .. } => MetricType::Histogram,
        Kind::NativeHistogram(_) => MetricType::NativeHistogram,
        Kind::Summary { .. } => MetricType::Summary,
        Kind::Value if entry.is_some_and(|entry| entry.kind == "counter") => MetricType::Counter,
        Kind::Value | Kind::StateSet { .. } => MetricType::Gauge,
    };
    let help = entry.map_or("", |entry| entry.help.as_str());
    Family::new(name, help, metric_type)
}

/// The names that hosts have already.
#[derive(Debug, Default)]
struct Names(IndexSet<String>);

impl Names {
    /// The empty table of a target: named after its instance, its job or its source.
    fn table(&mut self, (source, job, instance): &Target, manifest: &Manifest) -> ReplayTable {
        let entry = manifest.sources.get_index(*source);
        let of_source = entry.map_or(NO_JOB, |(name, _)| name);
        let first =
            [instance, job].into_iter().find(|name| !name.is_empty()).map_or(of_source, String::as_str);
        let more = std::iter::once(format!("{job}/{instance}")).chain((2..).map(|n| format!("{first}#{n}")));
        let name = std::iter::once(first.to_owned()).chain(more).find(|name| !self.0.contains(name));
        let name = name.unwrap_or_default();
        self.0.insert(name.clone());
        let secs = entry.and_then(|(_, entry)| entry.interval_secs);
        let labels = [("instance".to_owned(), instance.clone())];
        ReplayTable {
            name,
            job: if job.is_empty() { NO_JOB.to_owned() } else { job.clone() },
            labels: labels.into_iter().filter(|(_, value)| !value.is_empty()).collect(),
            interval: secs.and_then(Span::from_secs_f64).unwrap_or(INTERVAL),
            series: Vec::new(),
        }
    }
}
