//! The index of a block, versions 1 and 2: its symbols and its series. Postings are not needed, as all series are read.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::samples::ReadSeries;

/// A segment and an offset in it.
pub(super) type ChunkRef = u64;

const MAGIC: [u8; 4] = [0xba, 0xaa, 0xd7, 0x00];
/// The table of contents: six offsets and a checksum.
const CONTENTS_BYTES: usize = 6 * 8 + 4;
/// A series begins at a multiple of this.
const ALIGNMENT: u64 = 16;
/// Bytes of an entry, at most: labels, and chunks of a block of weeks.
const ENTRY_BYTES_MAX: u64 = 64 << 20;

/// An index that is open.
pub(super) struct Index {
    file: File,
    symbols: Vec<Box<str>>,
    /// Begin and end of the series.
    series: (u64, u64),
    /// `true` if symbols are numbered, not named by their offsets.
    is_numbered: bool,
    /// Offsets of the symbols, in version 1.
    offsets: Vec<u64>,
}

impl Index {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        let mut head = [0; 5];
        file.read_exact_at(&mut head, 0)?;
        if head[..4] != MAGIC || !(1..=2).contains(&head[4]) {
            return Err(broken("index is none of version 1 or 2"));
        }
        let mut contents = [0; CONTENTS_BYTES];
        file.read_exact_at(&mut contents, len.saturating_sub(CONTENTS_BYTES as u64))?;
        let (offsets, checksum) = contents.split_at(contents.len() - 4);
        if crc32c::crc32c(offsets).to_be_bytes() != checksum {
            return Err(broken("index has a wrong checksum at its end"));
        }
        let offsets: Vec<u64> = offsets.as_chunks().0.iter().copied().map(u64::from_be_bytes).collect();
        let [symbols, series, ..] = offsets[..] else { return Err(broken("index has no contents")) };
        // The series end where the next part begins, whichever a version has.
        let end = offsets.iter().copied().filter(|offset| *offset > series).min();
        let mut index = Self {
            file,
            symbols: Vec::new(),
            series: (series, end.unwrap_or(len - CONTENTS_BYTES as u64)),
            is_numbered: head[4] == 2,
            offsets: Vec::new(),
        };
        index.read_symbols(symbols, len)?;
        Ok(index)
    }

    fn read_symbols(&mut self, offset: u64, file_len: u64) -> io::Result<()> {
        let mut len = [0; 4];
        self.file.read_exact_at(&mut len, offset)?;
        let len = u64::from(u32::from_be_bytes(len));
        if offset + len > file_len {
            return Err(broken("index has symbols beyond its end"));
        }
        let mut table = vec![0; usize::try_from(len).map_err(io::Error::other)?];
        self.file.read_exact_at(&mut table, offset + 4)?;
        let mut rest = table.get(4..).unwrap_or_default();
        while !rest.is_empty() {
            self.offsets.push(offset + 4 + (table.len() - rest.len()) as u64);
            let text = take_bytes(&mut rest).ok_or_else(|| broken("index has a broken symbol"))?;
            let text = str::from_utf8(text).map_err(|_| broken("index has a symbol that is not UTF-8"))?;
            self.symbols.push(text.into());
        }
        Ok(())
    }

    fn symbol(&self, reference: u64) -> Option<&str> {
        let place = if self.is_numbered {
            usize::try_from(reference).ok()?
        } else {
            self.offsets.binary_search(&reference).ok()?
        };
        self.symbols.get(place).map(|symbol| &**symbol)
    }

    /// Calls `take` with the reference, the labels and the chunks of each series.
    pub(super) fn for_each(
        &self,
        mut take: impl FnMut(u64, &ReadSeries, &[ChunkRef]) -> io::Result<()>,
    ) -> io::Result<()> {
        let (mut at, end) = self.series;
        let mut file = BufReader::with_capacity(256 << 10, &self.file);
        file.seek(SeekFrom::Start(at))?;
        let mut entry = Vec::new();
        while at < end {
            let padding = at.next_multiple_of(ALIGNMENT) - at;
            io::copy(&mut file.by_ref().take(padding), &mut io::sink())?;
            at += padding;
            // Only padding is left.
            if at >= end {
                break;
            }
            let mut len_bytes = Vec::new();
            let (len, head_len) = loop {
                let mut byte = [0];
                file.read_exact(&mut byte)?;
                len_bytes.push(byte[0]);
                if let Some(number) = varint(&len_bytes) {
                    break number;
                }
                if len_bytes.len() > 10 {
                    return Err(broken("index has a broken series"));
                }
            };
            // Behind the last series is padding, too.
            if len == 0 {
                break;
            }
            if len > ENTRY_BYTES_MAX {
                return Err(broken("index has a series that is too large"));
            }
            entry.resize(usize::try_from(len + 4).map_err(io::Error::other)?, 0);
            file.read_exact(&mut entry)?;
            let (content, checksum) = entry.split_at(entry.len() - 4);
            if crc32c::crc32c(content).to_be_bytes() != checksum {
                return Err(broken("index has a series with a wrong checksum"));
            }
            let reference = if self.is_numbered { at / ALIGNMENT } else { at };
            let (series, chunks) = self.entry(content).ok_or_else(|| broken("index has a broken series"))?;
            take(reference, &series, &chunks)?;
            at += head_len as u64 + len + 4;
        }
        Ok(())
    }

    /// Labels and chunks of a series.
    fn entry(&self, content: &[u8]) -> Option<(ReadSeries, Vec<ChunkRef>)> {
        let mut rest = content;
        let mut labels = Vec::new();
        for _ in 0..take_varint(&mut rest)? {
            let (name, value) = (take_varint(&mut rest)?, take_varint(&mut rest)?);
            labels.push((self.symbol(name)?.to_owned(), self.symbol(value)?.to_owned()));
        }
        let mut chunks: Vec<ChunkRef> = Vec::new();
        for _ in 0..take_varint(&mut rest)? {
            // Times, which the samples tell.
            let _times = (take_varint(&mut rest)?, take_varint(&mut rest)?);
            let number = take_varint(&mut rest)?;
            let difference = (number >> 1).cast_signed() ^ -((number & 1).cast_signed());
            chunks.push(match chunks.last() {
                None => number,
                Some(last) => last.wrapping_add_signed(difference),
            });
        }
        Some((ReadSeries::of_labels(labels), chunks))
    }
}

/// A number at the begin of bytes, and how many bytes it has.
pub(super) fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut rest = bytes;
    let number = take_varint(&mut rest)?;
    Some((number, bytes.len() - rest.len()))
}

/// Takes a number from the begin of bytes.
pub(super) fn take_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, behind) = rest.split_first()?;
        *rest = behind;
        number |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return Some(number);
        }
    }
    None
}

fn take_bytes<'b>(rest: &mut &'b [u8]) -> Option<&'b [u8]> {
    let len = usize::try_from(take_varint(rest)?).ok()?;
    let (bytes, behind) = rest.split_at_checked(len)?;
    *rest = behind;
    Some(bytes)
}

pub(super) fn broken(why: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, why)
}
