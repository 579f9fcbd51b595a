//! Encoded series of one thread that wait for their place in a block.
//!
//! A block has its series in the order of their labels, which is known when all of them are there. So chunks are spooled,
//! ready for a segment, and what the index needs of them stays in memory: 12 bytes a chunk, 8 a label, 24 a series.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use indexmap::IndexSet;

use crate::export::stretches::{LabelSymbols, index_of_symbol};
use crate::protobuf::put_varint;

/// Number of bytes that are written to the spool at once.
const BUFFER_BYTES: usize = 1 << 20;

/// A chunk in the spool.
#[derive(Clone, Copy, Debug)]
pub(super) struct EncodedChunk {
    /// Milliseconds from the part's begin to the first sample.
    pub(super) first: u32,
    /// The same to the last sample.
    pub(super) last: u32,
    /// Number of bytes.
    pub(super) len: u32,
}

/// A series of a part.
#[derive(Clone, Copy, Debug)]
pub(super) struct EncodedSeries {
    /// Start and end in the part's labels.
    pub(super) labels: (u32, u32),
    /// Start and end in the part's chunks.
    pub(super) chunks: (u32, u32),
    /// Offset of its chunks in the spool.
    offset: u64,
}

/// The series of one thread for one block.
#[derive(Debug)]
pub(super) struct EncodedPart {
    /// A file without a name.
    spool: File,
    /// Number of bytes in the file.
    spooled: u64,
    buffer: Vec<u8>,
    /// Milliseconds from the Unix epoch to the begin of the block.
    begin: i64,
    pub(super) symbols: IndexSet<Box<str>>,
    pub(super) labels: Vec<LabelSymbols>,
    pub(super) chunks: Vec<EncodedChunk>,
    pub(super) series: Vec<EncodedSeries>,
    /// Number of samples: floats, and native histograms.
    pub(super) samples: [u64; 2],
    /// Times of the first and the last sample, in milliseconds since the Unix epoch.
    pub(super) times: Option<(i64, i64)>,
}

impl EncodedPart {
    /// An empty part of a block that begins at this time, in milliseconds since the Unix epoch. Its spool is in `dir`.
    pub(super) fn new(dir: &Path, begin: i64) -> io::Result<Self> {
        Ok(Self {
            spool: tempfile::tempfile_in(dir)?,
            spooled: 0,
            buffer: Vec::new(),
            begin,
            symbols: IndexSet::new(),
            labels: Vec::new(),
            chunks: Vec::new(),
            series: Vec::new(),
            samples: [0; 2],
            times: None,
        })
    }

    /// The index of a symbol.
    pub(super) fn symbol(&mut self, text: &str) -> io::Result<u32> {
        index_u32(index_of_symbol(text, &mut self.symbols))
    }

    /// Adds a series of these labels; `put` encodes its chunks. A series without a chunk is left out.
    pub(super) fn put_series(
        &mut self,
        labels: &[LabelSymbols],
        put: impl FnOnce(&mut Self),
    ) -> io::Result<()> {
        let (offset, first) = (self.spooled + self.buffer.len() as u64, self.chunks.len());
        put(self);
        if self.chunks.len() == first {
            return Ok(());
        }
        let start = index_u32(self.labels.len())?;
        self.labels.extend_from_slice(labels);
        let labels = (start, index_u32(self.labels.len())?);
        let chunks = (index_u32(first)?, index_u32(self.chunks.len())?);
        self.series.push(EncodedSeries { labels, chunks, offset });
        if self.buffer.len() >= BUFFER_BYTES { self.flush() } else { Ok(()) }
    }

    /// Appends a chunk as a segment has it
    /// (<https://github.com/prometheus/prometheus/blob/main/tsdb/docs/format/chunks.md>): length, encoding, data, checksum.
    pub(super) fn put_chunk(
        &mut self,
        encoding: ChunkEncoding,
        data: [&[u8]; 2],
        (first, last): (i64, i64),
        samples: u16,
    ) {
        let start = self.buffer.len();
        put_varint(&mut self.buffer, (data[0].len() + data[1].len()) as u64);
        let summed = self.buffer.len();
        self.buffer.push(encoding as u8);
        for data in data {
            self.buffer.extend_from_slice(data);
        }
        let checksum = crc32c::crc32c(&self.buffer[summed..]);
        self.buffer.extend_from_slice(&checksum.to_be_bytes());
        let since = |time: i64| u32::try_from(time - self.begin).unwrap_or(u32::MAX);
        let len = u32::try_from(self.buffer.len() - start).unwrap_or(u32::MAX);
        self.chunks.push(EncodedChunk { first: since(first), last: since(last), len });
        self.samples[usize::from(encoding == ChunkEncoding::Histogram)] += u64::from(samples);
        let (earliest, latest) = self.times.unwrap_or((first, last));
        self.times = Some((earliest.min(first), latest.max(last)));
    }

    fn flush(&mut self) -> io::Result<()> {
        self.spool.write_all(&self.buffer)?;
        self.spooled += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Ends the part: all its bytes are in the spool.
    pub(super) fn end(&mut self) -> io::Result<()> {
        self.flush()?;
        self.buffer = Vec::new();
        Ok(())
    }

    /// Replaces `out` by the bytes of a series' chunks.
    pub(super) fn read(&self, series: EncodedSeries, out: &mut Vec<u8>) -> io::Result<()> {
        let len: u64 = self.chunks_of(series).iter().map(|chunk| u64::from(chunk.len)).sum();
        out.resize(usize::try_from(len).map_err(io::Error::other)?, 0);
        self.spool.read_exact_at(out, series.offset)
    }

    /// The chunks of a series.
    pub(super) fn chunks_of(&self, series: EncodedSeries) -> &[EncodedChunk] {
        &self.chunks[series.chunks.0 as usize..series.chunks.1 as usize]
    }

    /// The labels of a series.
    pub(super) fn labels_of(&self, series: EncodedSeries) -> &[LabelSymbols] {
        &self.labels[series.labels.0 as usize..series.labels.1 as usize]
    }
}

/// Encoding of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChunkEncoding {
    /// Floats.
    Xor = 1,
    /// Native histograms with whole counts.
    Histogram = 2,
}

/// An index that must fit the tables of a block.
fn index_u32(index: usize) -> io::Result<u32> {
    u32::try_from(index).map_err(|_| io::Error::other("block has too many labels or chunks; make it shorter"))
}
