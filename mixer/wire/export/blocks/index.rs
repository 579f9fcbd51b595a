//! The index of a block, version 2
//! (<https://github.com/prometheus/prometheus/blob/main/tsdb/docs/format/index.md>).
//!
//! It is written from front to back: symbols, series, values by label name, series by label, the tables of both, and the
//! table of contents. In memory is a posting of 12 bytes for each label of a series.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::encoded::EncodedChunk;
use super::merged::MergedParts;
use super::segments::SegmentWriter;
use crate::export::stretches::LabelSymbols;
use crate::protobuf::{put_varint, zigzag};

/// Magic number and version.
const HEAD: [u8; 5] = [0xba, 0xaa, 0xd7, 0x00, 2];
/// A series begins at a multiple of this; the multiple is its number.
const SERIES_ALIGNMENT: u64 = 16;
/// Lists begin at multiples of this.
const LIST_ALIGNMENT: u64 = 4;

/// A label, and the number of a series that has it.
type Posting = (LabelSymbols, u32);

/// The label of the list of all series, as symbols: the empty one twice.
const ALL_SERIES: LabelSymbols = (0, 0);

/// Writes the index, and meanwhile the chunks. `begin` is that of the block, in milliseconds since the Unix epoch. Returns a
/// checksum over the index.
pub(super) fn write(
    path: &Path,
    parts: &MergedParts,
    begin: i64,
    segments: &mut SegmentWriter,
) -> io::Result<u32> {
    let mut out = IndexFile::new(path)?;
    out.put(&HEAD)?;
    let symbols = out.offset;
    out.put_symbols(parts)?;
    out.align(SERIES_ALIGNMENT)?;
    let series = out.offset;
    let mut postings = out.put_all_series(parts, begin, segments)?;
    postings.sort_unstable();
    out.align(LIST_ALIGNMENT)?;
    let values = out.offset;
    let value_table = out.put_values(&postings, parts)?;
    out.align(LIST_ALIGNMENT)?;
    let lists = out.offset;
    let list_table = out.put_postings(&postings, parts)?;
    out.align(LIST_ALIGNMENT)?;
    let value_offsets = out.offset;
    out.put_section(&value_table)?;
    let list_offsets = out.offset;
    out.put_section(&list_table)?;
    let contents = [symbols, series, values, value_offsets, lists, list_offsets];
    let contents: Vec<u8> = contents.iter().flat_map(|offset| offset.to_be_bytes()).collect();
    out.put(&contents)?;
    out.put(&crc32c::crc32c(&contents).to_be_bytes())?;
    out.end()
}

struct IndexFile {
    file: BufWriter<File>,
    offset: u64,
    checksum: u32,
}

impl IndexFile {
    fn new(path: &Path) -> io::Result<Self> {
        Ok(Self { file: BufWriter::new(File::create_new(path)?), offset: 0, checksum: 0 })
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.offset += bytes.len() as u64;
        self.checksum = crc32c::crc32c_append(self.checksum, bytes);
        self.file.write_all(bytes)
    }

    fn align(&mut self, to: u64) -> io::Result<()> {
        while !self.offset.is_multiple_of(to) {
            self.put(&[0])?;
        }
        Ok(())
    }

    /// A length of four bytes, the content, and its checksum.
    fn put_section(&mut self, content: &[u8]) -> io::Result<()> {
        self.put(&len_u32(content.len())?.to_be_bytes())?;
        self.put(content)?;
        self.put(&crc32c::crc32c(content).to_be_bytes())
    }

    fn put_symbols(&mut self, parts: &MergedParts) -> io::Result<()> {
        let mut content = len_u32(parts.symbols().len())?.to_be_bytes().to_vec();
        parts.symbols().for_each(|symbol| put_text(symbol, &mut content));
        self.put_section(&content)
    }

    /// Writes all series and their chunks.
    fn put_all_series(
        &mut self,
        parts: &MergedParts,
        begin: i64,
        segments: &mut SegmentWriter,
    ) -> io::Result<Vec<Posting>> {
        let mut postings = Vec::new();
        let (mut entry, mut framed) = (Vec::new(), Vec::new());
        parts.for_each(|labels, chunks, bytes| {
            let reference = segments.put(bytes)?;
            self.align(SERIES_ALIGNMENT)?;
            let id = u32::try_from(self.offset / SERIES_ALIGNMENT)
                .map_err(|_| io::Error::other("block has too many series; make it shorter"))?;
            postings.push((ALL_SERIES, id));
            postings.extend(labels.iter().map(|label| (*label, id)));
            entry.clear();
            put_series(labels, chunks, (begin, reference), &mut entry);
            framed.clear();
            put_varint(&mut framed, entry.len() as u64);
            framed.extend_from_slice(&entry);
            framed.extend_from_slice(&crc32c::crc32c(&entry).to_be_bytes());
            self.put(&framed)
        })?;
        Ok(postings)
    }

    /// Writes the values of each label name; returns the table of their places.
    fn put_values(&mut self, postings: &[Posting], parts: &MergedParts) -> io::Result<Vec<u8>> {
        let names = || postings.chunk_by(|a, b| a.0.0 == b.0.0).filter(|of_name| of_name[0].0 != ALL_SERIES);
        let mut table = len_u32(names().count())?.to_be_bytes().to_vec();
        for of_name in names() {
            self.align(LIST_ALIGNMENT)?;
            table.push(1);
            put_text(parts.symbol(of_name[0].0.0), &mut table);
            put_varint(&mut table, self.offset);
            let values = || of_name.chunk_by(|a, b| a.0 == b.0).map(|of_label| of_label[0].0.1);
            let mut content = 1u32.to_be_bytes().to_vec();
            content.extend_from_slice(&len_u32(values().count())?.to_be_bytes());
            values().for_each(|value| content.extend_from_slice(&value.to_be_bytes()));
            self.put_section(&content)?;
        }
        Ok(table)
    }

    /// Writes the series of each label; returns the table of their places.
    fn put_postings(&mut self, postings: &[Posting], parts: &MergedParts) -> io::Result<Vec<u8>> {
        let labels = || postings.chunk_by(|a, b| a.0 == b.0);
        let mut table = len_u32(labels().count())?.to_be_bytes().to_vec();
        let mut content = Vec::new();
        for of_label in labels() {
            self.align(LIST_ALIGNMENT)?;
            let (name, value) = of_label[0].0;
            table.push(2);
            put_text(parts.symbol(name), &mut table);
            put_text(parts.symbol(value), &mut table);
            put_varint(&mut table, self.offset);
            content.clear();
            content.extend_from_slice(&len_u32(of_label.len())?.to_be_bytes());
            content.extend(of_label.iter().flat_map(|(_, series)| series.to_be_bytes()));
            self.put_section(&content)?;
        }
        Ok(table)
    }

    fn end(self) -> io::Result<u32> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok(self.checksum)
    }
}

/// Appends labels, and times and references of chunks. The first chunk has this reference, counted from `begin`.
fn put_series(
    labels: &[LabelSymbols],
    chunks: &[EncodedChunk],
    (begin, mut reference): (i64, u64),
    out: &mut Vec<u8>,
) {
    put_varint(out, labels.len() as u64);
    for (name, value) in labels {
        put_varint(out, u64::from(*name));
        put_varint(out, u64::from(*value));
    }
    put_varint(out, chunks.len() as u64);
    let mut before: Option<&EncodedChunk> = None;
    for chunk in chunks {
        match before {
            None => put_varint(out, zigzag(begin + i64::from(chunk.first))),
            Some(before) => put_varint(out, u64::from(chunk.first - before.last)),
        }
        put_varint(out, u64::from(chunk.last - chunk.first));
        match before {
            None => put_varint(out, reference),
            Some(before) => {
                put_varint(out, zigzag(i64::from(before.len)));
                reference += u64::from(before.len);
            }
        }
        before = Some(chunk);
    }
}

fn put_text(text: &str, out: &mut Vec<u8>) {
    put_varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn len_u32(len: usize) -> io::Result<u32> {
    u32::try_from(len).map_err(|_| io::Error::other("index of a block is over 4 GiB; make the block shorter"))
}
