//! The files of a block that hold its chunks
//! (<https://github.com/prometheus/prometheus/blob/main/tsdb/docs/format/chunks.md>).

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Begin of each file: magic number, version, three bytes of padding.
const HEAD: [u8; 8] = [0x85, 0xbd, 0x40, 0xdd, 1, 0, 0, 0];

/// Largest length of a file, unless one series alone has more.
const SEGMENT_BYTES_MAX: u64 = 512 << 20;

/// Number of bytes that are written at once.
const BUFFER_BYTES: usize = 256 << 10;

/// Writes chunks to files `000001`, `000002`, … of a folder.
#[derive(Debug)]
pub(super) struct SegmentWriter {
    dir: PathBuf,
    file: Option<BufWriter<File>>,
    /// Number of files.
    count: u64,
    /// Length of the last file.
    len: u64,
    /// Checksum over everything written.
    pub(super) checksum: u32,
}

impl SegmentWriter {
    /// A writer into this folder, which it makes.
    pub(super) fn new(dir: &Path) -> io::Result<Self> {
        std::fs::create_dir(dir)?;
        Ok(Self { dir: dir.to_path_buf(), file: None, count: 0, len: 0, checksum: 0 })
    }

    /// Writes the chunks of one series. Returns the reference of the first one: the number of its file from 0 in the upper
    /// half, its offset in the lower.
    pub(super) fn put(&mut self, chunks: &[u8]) -> io::Result<u64> {
        if self.file.is_none() || self.len + chunks.len() as u64 > SEGMENT_BYTES_MAX {
            self.end()?;
            self.count += 1;
            let file = File::create_new(self.dir.join(format!("{:06}", self.count)))?;
            let mut file = BufWriter::with_capacity(BUFFER_BYTES, file);
            file.write_all(&HEAD)?;
            (self.file, self.len) = (Some(file), HEAD.len() as u64);
        }
        let reference = (self.count - 1) << 32 | self.len;
        if let Some(file) = &mut self.file {
            file.write_all(chunks)?;
        }
        self.len += chunks.len() as u64;
        self.checksum = crc32c::crc32c_append(self.checksum, chunks);
        Ok(reference)
    }

    /// Ends the last file: it is on disk.
    pub(super) fn end(&mut self) -> io::Result<()> {
        let Some(file) = self.file.take() else { return Ok(()) };
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
    }
}
