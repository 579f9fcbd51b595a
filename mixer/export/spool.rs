//! A thread's share of an export on the disk: bytes, and where each host's are.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// So much is read of a spool at once.
const COPY_BYTES: usize = 256 * 1024;

/// Some bytes of a spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    start: u64,
    len: u64,
}

/// A file without a name, which is gone when nobody has it open any more, however the process ends.
#[derive(Debug)]
pub(super) struct Spool {
    file: BufWriter<File>,
    end: u64,
    /// Of each host, in the order in which they came, the segments of each part, in the order of the parts.
    hosts: Vec<Vec<(usize, Segment)>>,
}

impl Spool {
    pub(super) fn new(dir: &Path) -> io::Result<Self> {
        Ok(Self { file: BufWriter::new(tempfile::tempfile_in(dir)?), end: 0, hosts: Vec::new() })
    }

    /// Appends bytes.
    pub(super) fn put(&mut self, bytes: &[u8]) -> io::Result<Segment> {
        self.file.write_all(bytes)?;
        let segment = Segment { start: self.end, len: bytes.len() as u64 };
        self.end += segment.len;
        Ok(segment)
    }

    /// Ends a host, whose segments these are, each with its part.
    pub(super) fn end_host(&mut self, mut segments: Vec<(usize, Segment)>) {
        segments.retain(|(_, segment)| segment.len > 0);
        segments.sort_by_key(|(part, _)| *part);
        self.hosts.push(segments);
    }

    fn segments(&self, host: usize, part: usize) -> impl Iterator<Item = Segment> + use<'_> {
        let segments = self.hosts.get(host).map_or(&[][..], Vec::as_slice);
        let from = segments.partition_point(|(other, _)| *other < part);
        segments[from..].iter().take_while(move |(other, _)| *other == part).map(|(_, segment)| *segment)
    }

    /// Whether a host has something in a part.
    pub(super) fn has(&self, host: usize, part: usize) -> bool {
        self.segments(host, part).next().is_some()
    }

    /// Copies what a host has in a part.
    pub(super) fn copy(&mut self, host: usize, part: usize, out: &mut dyn Write) -> io::Result<()> {
        let segments: Vec<Segment> = self.segments(host, part).collect();
        let mut buffer = Vec::new();
        for Segment { start, len } in segments {
            // A seek writes what is still in the buffer.
            self.file.seek(SeekFrom::Start(start))?;
            let mut left = usize::try_from(len).map_err(io::Error::other)?;
            while left > 0 {
                buffer.resize(left.min(COPY_BYTES), 0);
                self.file.get_mut().read_exact(&mut buffer)?;
                out.write_all(&buffer)?;
                left -= buffer.len();
            }
        }
        Ok(())
    }
}
