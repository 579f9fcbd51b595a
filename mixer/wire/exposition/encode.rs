//! Whole bodies.

use promemu_core::series::{LabelBlock, Sample, SeriesStore};

use super::column_writer::ColumnWriter;
use super::families::{Group, MergedFamilies};
use super::family::put_body_end;
use super::format::Format;

/// Appends the families of all groups to `out`, with the last samples of hosts that are down. Families without a sample
/// are left out.
pub fn encode(format: Format, groups: &[Group<'_>], out: &mut Vec<u8>) {
    let families = MergedFamilies::of(groups.iter().map(|group| group.store));
    for (family, parts) in families.iter(format) {
        let start = family.begin(out);
        for part in parts {
            let Group { store, labels } = groups[part.group];
            let mut writer = ColumnWriter::new(&family, labels);
            store.for_each_last_sample(part.family, |sample| writer.put(sample, out));
        }
        family.end(start, out);
    }
    put_body_end(format, out);
}

/// Appends the families of one host without its labels, as an exporter on that host would expose them.
pub fn encode_row(format: Format, store: &SeriesStore, row: usize, out: &mut Vec<u8>) {
    let (families, no_labels) = (MergedFamilies::of(std::iter::once(store)), LabelBlock::empty());
    // The host itself, then its pools of each kind, whose members keep the labels that are their own.
    let host = (row..row + 1, vec![LabelBlock::empty()]);
    let ranges: Vec<_> = std::iter::once(host).chain(store.pools_of(row)).collect();
    for (family, parts) in families.iter(format) {
        let start = family.begin(out);
        for part in parts {
            for (rows, labels) in &ranges {
                store.for_each_sample_in_rows(part.family, rows, |row, sample| {
                    let host_labels = &labels[row - rows.start];
                    let Sample { metric_labels, cells, layout, own_time, .. } = *sample;
                    let own = Sample { host_labels, metric_labels, cells, layout, own_time };
                    family.put(&own, &no_labels, out);
                });
            }
        }
        family.end(start, out);
    }
    put_body_end(format, out);
}
