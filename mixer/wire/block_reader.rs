//! Blocks of a Prometheus, read from its data folder: index, chunks and tombstones
//! (<https://github.com/prometheus/prometheus/tree/main/tsdb/docs/format>).
//!
//! In memory are the symbols of a block and one series at a time. What a Prometheus has not written into a block yet, its
//! log has, which is not read.

mod index;
mod tombstones;

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::chunks::read_chunk;
use crate::samples::{ReadSeries, SampleValue};
use index::{ChunkRef, Index};
use tombstones::Tombstones;

/// The length of a chunk in a segment has so many bytes, at most.
const LENGTH_BYTES_MAX: usize = 5;
/// Bytes that are read for a chunk at first: most are smaller.
const CHUNK_BYTES: usize = 512;

/// A taker of the samples of a series, in the order of their times.
pub type TakeSeries<'a> = &'a mut dyn FnMut(&ReadSeries, Vec<(i64, SampleValue)>) -> io::Result<()>;

/// A block.
#[derive(Clone, Debug)]
pub struct Block {
    folder: PathBuf,
    /// Its first millisecond since the Unix epoch.
    pub begin_ms: i64,
    /// The millisecond after its last.
    pub end_ms: i64,
}

#[derive(Deserialize)]
struct Meta {
    #[serde(rename = "minTime")]
    min_time: i64,
    #[serde(rename = "maxTime")]
    max_time: i64,
}

impl Block {
    /// The blocks of a data folder, or the one of its own folder, in the order of their times.
    ///
    /// # Errors
    ///
    /// There is none, or one cannot be read.
    pub fn all(data: &Path) -> io::Result<Vec<Self>> {
        let mut folders = vec![data.to_owned()];
        let entries = fs::read_dir(data).map_err(|error| {
            io::Error::new(error.kind(), format!("folder {} cannot be read: {error}", data.display()))
        })?;
        folders.extend(entries.filter_map(|entry| entry.ok().map(|entry| entry.path())));
        let mut blocks = Vec::new();
        for folder in folders {
            let is_block = folder.extension().is_none() && folder.join("index").is_file();
            if is_block && folder.join("meta.json").is_file() {
                let text = fs::read(folder.join("meta.json"))?;
                let Meta { min_time, max_time } = serde_json::from_slice(&text).map_err(|error| {
                    let folder = folder.display();
                    io::Error::new(ErrorKind::InvalidData, format!("{folder}/meta.json is broken: {error}"))
                })?;
                blocks.push(Self { folder, begin_ms: min_time, end_ms: max_time });
            }
        }
        if blocks.is_empty() {
            let why = format!("{} has no blocks; name the data folder of a Prometheus", data.display());
            return Err(io::Error::new(ErrorKind::NotFound, why));
        }
        blocks.sort_by_key(|block| (block.begin_ms, block.end_ms));
        Ok(blocks)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> String {
        self.folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Calls `take` with the samples of each series, in the order of their times, that `select` takes. Deleted samples are
    /// left out.
    ///
    /// # Errors
    ///
    /// A file is broken or missing, or `take` fails.
    pub fn for_each(&self, select: &dyn Fn(&ReadSeries) -> bool, take: TakeSeries<'_>) -> io::Result<()> {
        let named = |error: io::Error| {
            io::Error::new(error.kind(), format!("block {}: {error}", self.folder.display()))
        };
        let index = Index::open(&self.folder.join("index")).map_err(named)?;
        let tombstones = Tombstones::read(&self.folder.join("tombstones")).map_err(named)?;
        let mut segments = Segments { folder: self.folder.join("chunks"), files: Vec::new() };
        index.for_each(|reference, series, chunks| {
            if !select(series) {
                return Ok(());
            }
            let mut samples = Vec::new();
            for chunk in chunks {
                segments.read(*chunk, &mut samples).map_err(named)?;
            }
            tombstones.remove_deleted(reference, &mut samples);
            take(series, samples)
        })
    }
}

/// The files of chunks.
struct Segments {
    folder: PathBuf,
    /// By number; opened when they are needed.
    files: Vec<Option<File>>,
}

impl Segments {
    /// Appends the samples of a chunk.
    fn read(&mut self, chunk: ChunkRef, samples: &mut Vec<(i64, SampleValue)>) -> io::Result<()> {
        let broken = |why: &str| io::Error::new(ErrorKind::InvalidData, format!("chunk {chunk:x}: {why}"));
        let number = usize::try_from(chunk >> 32).map_err(io::Error::other)?;
        let file = self.file(number)?;
        let offset = chunk & 0xffff_ffff;
        let mut bytes = vec![0; CHUNK_BYTES];
        let mut len = file.read_at(&mut bytes, offset)?;
        let (data_len, head_len) = index::varint(&bytes[..len.min(LENGTH_BYTES_MAX)])
            .ok_or_else(|| broken("its length is cut off"))?;
        // The encoding, the data, and the checksum.
        let wanted = usize::try_from(data_len).map_err(io::Error::other)?.saturating_add(head_len + 5);
        if wanted > len {
            let rest = file.metadata()?.len().saturating_sub(offset);
            if wanted as u64 > rest {
                return Err(broken("it is cut off"));
            }
            bytes.resize(wanted, 0);
            file.read_exact_at(&mut bytes[len..], offset + len as u64)?;
            len = wanted;
        }
        let (summed, checksum) = bytes[head_len..wanted.min(len)].split_at(wanted - head_len - 4);
        if crc32c::crc32c(summed).to_be_bytes() != checksum {
            return Err(broken("its checksum is wrong"));
        }
        let take = &mut |at, value| samples.push((at, value));
        read_chunk(i32::from(summed[0]), &summed[1..], take).map_err(|why| broken(&why))
    }

    fn file(&mut self, number: usize) -> io::Result<&File> {
        if self.files.len() <= number {
            self.files.resize_with(number + 1, || None);
        }
        let place = &mut self.files[number];
        match place {
            Some(file) => Ok(file),
            None => Ok(place.insert(File::open(self.folder.join(format!("{:06}", number + 1)))?)),
        }
    }
}
