//! Where current values are kept between a host's report and the next body.
//!
//! A [`SeriesStore`] holds one job: a row of cells per host and, per family, which cells of which rows are
//! its series. Rows of hosts with the same metrics are neighbours, so a family of a million series is a
//! few [`Column`]s; a series costs its cells and its share of a [`Row`], nothing else.

use std::sync::Arc;

use crate::metric::{ABSENT, Layout, MetricType, is_absent};

/// Label names and values, rendered once for each format: as a run of `io.prometheus.client.Metric.label`
/// fields, and as `name="value",…` of the text format. Cheap to share.
#[derive(Clone)]
pub struct LabelBlock {
    arena: Arc<LabelArena>,
    protobuf: (u32, u32),
    text: (u32, u32),
}

/// The bytes of one block or of many, which then are neighbours and quick to go through.
#[derive(Default)]
struct LabelArena {
    protobuf: Vec<u8>,
    text: Vec<u8>,
}

const LABEL_PAIR_TAG: u8 = 0x0a; // Metric.label
const NAME_TAG: u8 = 0x0a; // LabelPair.name
const VALUE_TAG: u8 = 0x12; // LabelPair.value

impl LabelBlock {
    /// The labels in the order given.
    #[must_use]
    pub fn new<'a>(labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut arena = LabelArena::default();
        let LabelArena { protobuf, text } = &mut arena;
        for (name, value) in labels {
            let pair_len = field_len(name.len()) + field_len(value.len());
            protobuf.push(LABEL_PAIR_TAG);
            put_varint(protobuf, pair_len as u64);
            for (tag, text) in [(NAME_TAG, name), (VALUE_TAG, value)] {
                protobuf.push(tag);
                put_varint(protobuf, text.len() as u64);
                protobuf.extend_from_slice(text.as_bytes());
            }
            if !text.is_empty() {
                text.push(b',');
            }
            text.extend_from_slice(name.as_bytes());
            text.extend_from_slice(b"=\"");
            put_escaped(value, text);
            text.push(b'"');
        }
        protobuf.shrink_to_fit();
        text.shrink_to_fit();
        let (protobuf, text) = ((0, length(protobuf)), (0, length(text)));
        Self { arena: Arc::new(arena), protobuf, text }
    }

    /// No labels.
    #[must_use]
    pub fn empty() -> Self {
        Self::new([])
    }

    /// The same blocks as neighbours, in this order. Blocks of more than 4 GB together stay as they are.
    #[must_use]
    pub fn neighbours<'a>(blocks: impl Iterator<Item = &'a Self> + Clone) -> Vec<Self> {
        let sizes = |size: fn(&Self) -> usize| blocks.clone().map(size).sum::<usize>();
        let (protobuf_len, text_len) =
            (sizes(|block| block.as_protobuf().len()), sizes(|block| block.as_text().len()));
        if protobuf_len.max(text_len) > u32::MAX as usize {
            return blocks.cloned().collect();
        }
        let mut arena =
            LabelArena { protobuf: Vec::with_capacity(protobuf_len), text: Vec::with_capacity(text_len) };
        let places: Vec<_> = blocks
            .map(|block| {
                let starts = (length(&arena.protobuf), length(&arena.text));
                arena.protobuf.extend_from_slice(block.as_protobuf());
                arena.text.extend_from_slice(block.as_text());
                ((starts.0, length(&arena.protobuf)), (starts.1, length(&arena.text)))
            })
            .collect();
        let arena = Arc::new(arena);
        let block = |(protobuf, text)| Self { arena: Arc::clone(&arena), protobuf, text };
        places.into_iter().map(block).collect()
    }

    /// The protobuf fields.
    #[must_use]
    #[inline]
    pub fn as_protobuf(&self) -> &[u8] {
        &self.arena.protobuf[self.protobuf.0 as usize..self.protobuf.1 as usize]
    }

    /// The labels as the text format has them, without braces.
    #[must_use]
    #[inline]
    pub fn as_text(&self) -> &[u8] {
        &self.arena.text[self.text.0 as usize..self.text.1 as usize]
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut rest = self.as_protobuf();
        std::iter::from_fn(move || {
            let pair = take_field(&mut rest)?;
            let mut fields = pair;
            let name = take_field(&mut fields)?;
            let value = take_field(&mut fields)?;
            Some((std::str::from_utf8(name).ok()?, std::str::from_utf8(value).ok()?))
        })
    }

    /// The value of one label.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(n, _)| *n == name).map(|(_, value)| value)
    }
}

impl PartialEq for LabelBlock {
    fn eq(&self, other: &Self) -> bool {
        self.as_protobuf() == other.as_protobuf()
    }
}

impl Eq for LabelBlock {}

impl std::hash::Hash for LabelBlock {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_protobuf().hash(state);
    }
}

impl std::fmt::Debug for LabelBlock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// A length below 4 GB; what is longer has none of the labels behind that.
fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

/// Appends a label's value; the text format escapes `\`, `"` and newlines.
pub fn put_escaped(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'"' => out.extend_from_slice(b"\\\""),
            b'\n' => out.extend_from_slice(b"\\n"),
            other => out.push(other),
        }
    }
}

const fn field_len(text_len: usize) -> usize {
    1 + varint_len(text_len as u64) + text_len
}

fn take_field<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (_, mut tail) = rest.split_first()?;
    let mut len = 0usize;
    for shift in (0..35).step_by(7) {
        let (byte, after) = tail.split_first()?;
        tail = after;
        len |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    let (field, after) = tail.split_at_checked(len)?;
    *rest = after;
    Some(field)
}

/// Appends a protobuf varint.
#[expect(clippy::cast_possible_truncation, reason = "seven bits are taken at a time")]
pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// How many bytes [`put_varint`] appends.
#[must_use]
pub const fn varint_len(value: u64) -> usize {
    (70 - (value | 1).leading_zeros() as usize) / 7
}

/// What all series of one name have in common.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// The family's name.
    pub name: Arc<str>,
    /// The HELP text.
    pub help: Arc<str>,
    /// The TYPE.
    pub metric_type: MetricType,
    /// The UNIT, with which the name ends; empty if there is none.
    pub unit: Arc<str>,
}

impl Family {
    /// A family without a unit.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, help: impl Into<Arc<str>>, metric_type: MetricType) -> Self {
        Self { name: name.into(), help: help.into(), metric_type, unit: "".into() }
    }
}

/// The same metric of neighbouring rows.
#[derive(Clone, Debug)]
pub struct Column {
    /// The family, as an index into the store's families.
    pub family: usize,
    /// The first row.
    pub first_row: usize,
    /// How many rows.
    pub rows: usize,
    /// Where in each row the metric's cells begin.
    pub offset: usize,
    /// The metric's own labels.
    pub labels: LabelBlock,
    /// What its cells are.
    pub layout: Arc<Layout>,
}

/// One host's place in a store.
#[derive(Clone, Debug)]
pub struct Row {
    /// The host's labels.
    pub labels: LabelBlock,
    /// How many cells it has.
    pub width: usize,
}

#[derive(Debug)]
struct StoredRow {
    labels: LabelBlock,
    start: usize,
}

/// The current values of one job's series.
#[derive(Debug)]
pub struct SeriesStore {
    families: Vec<(Family, Vec<Column>)>,
    rows: Vec<StoredRow>,
    cells: Vec<f64>,
    rows_present: usize,
    row_present: Vec<bool>,
    version: u64,
}

/// One series of a family, as the encoders see it.
#[derive(Debug)]
pub struct Sample<'a> {
    /// The host's labels.
    pub host_labels: &'a LabelBlock,
    /// The metric's own labels.
    pub metric_labels: &'a LabelBlock,
    /// The cells; see [`crate::metric`].
    pub cells: &'a [f64],
    /// What the cells are.
    pub layout: &'a Layout,
}

impl SeriesStore {
    /// An empty store: no row has been reported yet.
    #[must_use]
    pub fn new(families: Vec<Family>, columns: Vec<Column>, rows: Vec<Row>) -> Self {
        let mut start = 0;
        let stored = rows
            .into_iter()
            .map(|row| {
                let this = start;
                start += row.width;
                StoredRow { labels: row.labels, start: this }
            })
            .collect::<Vec<_>>();
        let mut families: Vec<_> = families.into_iter().map(|family| (family, Vec::new())).collect();
        for column in columns {
            let family = column.family;
            families[family].1.push(column);
        }
        Self {
            families,
            row_present: vec![false; stored.len()],
            rows: stored,
            cells: vec![ABSENT; start],
            rows_present: 0,
            version: 0,
        }
    }

    /// A store of one gauge with one series.
    #[must_use]
    pub fn single(family: Family, labels: LabelBlock, value: f64) -> Self {
        let column = Column {
            family: 0,
            first_row: 0,
            rows: 1,
            offset: 0,
            labels: LabelBlock::empty(),
            layout: Arc::new(Layout::value()),
        };
        let mut store = Self::new(vec![family], vec![column], vec![Row { labels, width: 1 }]);
        store.report(0, &[value]);
        store
    }

    /// Takes over a host's row of cells. The same cells again are no change.
    pub fn report(&mut self, row: usize, cells: &[f64]) {
        let start = self.rows[row].start;
        let stored = &mut self.cells[start..start + cells.len()];
        let is_same = |(old, new): (&f64, &f64)| old.to_bits() == new.to_bits();
        if self.row_present[row] && stored.iter().zip(cells).all(is_same) {
            return;
        }
        stored.copy_from_slice(cells);
        if !self.row_present[row] {
            self.row_present[row] = true;
            self.rows_present += 1;
        }
        self.version += 1;
    }

    /// Takes over what another store has in one of its rows, if it has anything there.
    pub fn inherit(&mut self, row: usize, from: &Self, from_row: usize) {
        if from.row_present[from_row] {
            self.report(row, from.row(from_row));
        }
    }

    /// Takes a host's series out.
    pub fn remove(&mut self, row: usize) {
        if self.row_present[row] {
            self.row_present[row] = false;
            self.rows_present -= 1;
            let (start, width) = (self.rows[row].start, self.row(row).len());
            self.cells[start..start + width].fill(ABSENT);
            self.version += 1;
        }
    }

    /// The cells of a host's row.
    #[must_use]
    pub fn row(&self, row: usize) -> &[f64] {
        let end = self.rows.get(row + 1).map_or(self.cells.len(), |next| next.start);
        &self.cells[self.rows[row].start..end]
    }

    /// A number that grows with every change.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// How many hosts have series here now.
    #[must_use]
    pub const fn rows_present(&self) -> usize {
        self.rows_present
    }

    /// The families, in the config's order.
    pub fn families(&self) -> impl Iterator<Item = &Family> {
        self.families.iter().map(|(family, _)| family)
    }

    /// Whether any series has a label of this name.
    #[must_use]
    pub fn has_label(&self, name: &str) -> bool {
        let mut columns = self.families.iter().flat_map(|(_, columns)| columns);
        columns.any(|column| column.labels.get(name).is_some())
            || self.rows.iter().any(|row| row.labels.get(name).is_some())
    }

    /// How many series have a sample now, as Prometheus counts them.
    #[must_use]
    pub fn series_count(&self) -> usize {
        let samples = (0..self.families.len()).flat_map(|family| self.samples(family));
        samples.map(|sample| sample.layout.series()).sum()
    }

    /// Shows the series of one family that have a sample, as [`Self::samples`] but quicker.
    pub fn for_each_sample(&self, family: usize, mut visit: impl FnMut(&Sample<'_>)) {
        for column in &self.families[family].1 {
            let width = column.layout.width();
            for row in &self.rows[column.first_row..column.first_row + column.rows] {
                let start = row.start + column.offset;
                let cells = &self.cells[start..start + width];
                if !is_absent(cells[0]) {
                    visit(&Sample {
                        host_labels: &row.labels,
                        metric_labels: &column.labels,
                        cells,
                        layout: &column.layout,
                    });
                }
            }
        }
    }

    /// The series of one family that have a sample.
    pub fn samples(&self, family: usize) -> impl Iterator<Item = Sample<'_>> {
        self.families[family].1.iter().flat_map(move |column| {
            let width = column.layout.width();
            self.rows[column.first_row..column.first_row + column.rows].iter().filter_map(move |row| {
                let start = row.start + column.offset;
                let cells = &self.cells[start..start + width];
                (!is_absent(cells[0])).then_some(Sample {
                    host_labels: &row.labels,
                    metric_labels: &column.labels,
                    cells,
                    layout: &column.layout,
                })
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_blocks_give_back_what_they_were_made_of() {
        let long = "x".repeat(300);
        let labels = [("name", "worker-01"), ("empty", ""), ("long", &long), ("odd", "ü\n\"\\")];
        let block = LabelBlock::new(labels);
        assert_eq!(block.iter().collect::<Vec<_>>(), labels);
        assert_eq!(block.get("empty"), Some(""));
        assert_eq!(block.get("none"), None);
    }

    #[test]
    fn blocks_that_are_made_neighbours_stay_what_they_are() {
        let blocks =
            [LabelBlock::new([("a", "1"), ("b", "x\"")]), LabelBlock::empty(), LabelBlock::new([("c", "")])];
        let packed = LabelBlock::neighbours(blocks.iter());
        assert_eq!(packed, blocks);
        let texts =
            |blocks: &[LabelBlock]| blocks.iter().map(|block| block.as_text().to_vec()).collect::<Vec<_>>();
        assert_eq!(texts(&packed), texts(&blocks));
    }

    #[test]
    fn varints_have_the_length_that_is_foretold() {
        for value in [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX), u64::MAX] {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            assert_eq!(bytes.len(), varint_len(value), "{value}");
        }
    }

    #[test]
    fn the_same_report_again_is_no_change() {
        let family = Family::new("up", "", MetricType::Gauge);
        let mut store = SeriesStore::single(family, LabelBlock::empty(), f64::NAN);
        let version = store.version();
        store.report(0, &[f64::NAN]);
        assert_eq!(store.version(), version);
        store.report(0, &[0.0]);
        store.report(0, &[-0.0]);
        assert_eq!(store.version(), version + 2);
    }

    #[test]
    fn a_row_is_inherited_if_it_is_there() {
        let family = || Family::new("up", "", MetricType::Gauge);
        let mut old = SeriesStore::single(family(), LabelBlock::empty(), 1.0);
        let mut new = SeriesStore::single(family(), LabelBlock::empty(), 2.0);
        new.inherit(0, &old, 0);
        assert_eq!(new.row(0), [1.0]);
        (old, new) = (new, old);
        old.remove(0);
        new.remove(0);
        new.inherit(0, &old, 0);
        assert_eq!(new.rows_present(), 0);
    }

    #[test]
    fn a_removed_row_leaves_no_sample() {
        let family = Family::new("up", "", MetricType::Gauge);
        let mut store = SeriesStore::single(family, LabelBlock::empty(), 1.0);
        assert_eq!((store.series_count(), store.rows_present()), (1, 1));
        let before = store.version();
        store.remove(0);
        store.remove(0);
        assert_eq!((store.series_count(), store.rows_present()), (0, 0));
        assert_eq!(store.version(), before + 1);
    }
}
