//! The rows of a slice.

use std::sync::Arc;

use indexmap::IndexMap;
use promemu_core::metric::{ABSENT, Kind, NativeLayout, is_absent};
use promemu_core::replay::{ReplayRows, ReplayTable};

use super::tables::Place;
use crate::recording::SeriesSamples;
use crate::samples::{Buckets, HistogramSample, ReadSeries, SampleValue};

/// The rows of each table that has some in a slice.
pub(super) fn rows_of(
    samples: &SeriesSamples,
    places: &IndexMap<ReadSeries, Place>,
    tables: &[ReplayTable],
) -> IndexMap<usize, Arc<ReplayRows>> {
    let mut all: IndexMap<usize, ReplayRows> = IndexMap::new();
    let own = || samples.iter().filter_map(|(series, samples)| Some((*places.get(series)?, samples)));
    for (place, samples) in own() {
        let rows = all.entry(place.table).or_default();
        rows.times_ms.extend(samples.iter().map(|(at, _)| *at));
        if rows.times_ms.len() > 1 << 16 {
            rows.times_ms.sort_unstable();
            rows.times_ms.dedup();
        }
    }
    for (table, rows) in &mut all {
        rows.times_ms.sort_unstable();
        rows.times_ms.dedup();
        rows.cells = vec![ABSENT; rows.times_ms.len() * width_of(&tables[*table])];
    }
    for (place, samples) in own() {
        let Some(ReplayRows { times_ms, cells }) = all.get_mut(&place.table) else { continue };
        let width = width_of(&tables[place.table]);
        for (at, value) in samples {
            let row = times_ms.partition_point(|time| time < at) * width;
            match value {
                // A series of native histograms has no place for other numbers.
                SampleValue::Float(_) if native_layout(&tables[place.table], place.offset).is_some() => {}
                SampleValue::Float(value) => cells[row + place.offset + place.cell] = *value,
                SampleValue::Histogram(histogram) => {
                    if let Some(layout) = native_layout(&tables[place.table], place.offset) {
                        put_native(histogram, &layout, &mut cells[row + place.offset..][..layout.width()]);
                    }
                }
            }
        }
    }
    for (table, rows) in &mut all {
        separate_buckets(&tables[*table], &mut rows.cells);
    }
    all.into_iter().map(|(table, rows)| (table, Arc::new(rows))).collect()
}

fn width_of(table: &ReplayTable) -> usize {
    table.series.iter().map(|series| series.layout.width()).sum()
}

/// The layout of the native histogram that begins at a cell.
fn native_layout(table: &ReplayTable, offset: usize) -> Option<NativeLayout> {
    let mut begin = 0;
    let series = table.series.iter().find(|series| {
        let is_it = begin == offset;
        begin += series.layout.width();
        is_it
    })?;
    match series.layout.kind {
        Kind::NativeHistogram(layout) => Some(layout),
        _ => None,
    }
}

/// Makes counts of each bucket of cumulative ones.
fn separate_buckets(table: &ReplayTable, cells: &mut [f64]) {
    for row in cells.chunks_mut(width_of(table).max(1)) {
        let mut offset = 0;
        for series in &table.series {
            if let Kind::Histogram { bounds } = &series.layout.kind
                && !is_absent(row[offset])
            {
                for bucket in (1..=bounds.len()).rev() {
                    row[offset + bucket] -= row[offset + bucket - 1];
                }
            }
            offset += series.layout.width();
        }
    }
}

/// Puts a native histogram into its cells. A staleness marker leaves them absent.
fn put_native(histogram: &HistogramSample, layout: &NativeLayout, cells: &mut [f64]) {
    if is_absent(histogram.sum) {
        return;
    }
    layout.clear(cells);
    let HistogramSample { count, sum, zero_count, schema, .. } = *histogram;
    cells[..4].copy_from_slice(&[count, sum, zero_count, f64::from(schema)]);
    for (is_negative, buckets) in [(false, &histogram.positive), (true, &histogram.negative)] {
        put_buckets(buckets, is_negative, layout, cells);
    }
}

fn put_buckets(buckets: &Buckets, is_negative: bool, layout: &NativeLayout, cells: &mut [f64]) {
    for (bucket, count) in buckets {
        layout.put_bucket(cells, is_negative, *bucket, *count);
    }
}
