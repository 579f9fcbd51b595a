//! The text of `promtool tsdb dump`, as one slice.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;

use promemu_wire::dump::read_line;
use promemu_wire::recording::SourceEntry;
use promemu_wire::samples::{ReadSeries, SampleValue};
use tokio::sync::watch;

use super::outlet::{Outlet, Piece};
use super::{Input, Work, blocking};

/// Bytes of a line, at most.
const LINE_BYTES_MAX: u64 = 16 << 20;
/// Samples of a series that are passed on at once.
const SAMPLES_AT_ONCE: usize = 10_000;

/// A file, or standard input.
#[derive(Debug)]
pub struct DumpFile {
    /// The file, or `-`.
    pub path: PathBuf,
}

impl Input for DumpFile {
    fn entry(&self) -> SourceEntry {
        SourceEntry::new("dump", self.path.display())
    }

    fn is_live(&self) -> bool {
        false
    }

    fn run(self: Box<Self>, outlet: Outlet, stopped: watch::Receiver<bool>) -> Work {
        blocking(move || self.read(&outlet, &stopped))
    }
}

impl DumpFile {
    fn read(&self, outlet: &Outlet, stopped: &watch::Receiver<bool>) -> Result<(), String> {
        // It is one slice, which is there or not.
        if !outlet.recorded.is_empty() {
            return Ok(());
        }
        let file: Box<dyn Read> = if self.path.as_os_str() == "-" {
            Box::new(std::io::stdin())
        } else {
            let file = File::open(&self.path);
            Box::new(file.map_err(|error| format!("{} cannot be read: {error}", self.path.display()))?)
        };
        let mut lines = BufReader::with_capacity(256 << 10, file);
        let mut open: Option<(ReadSeries, Vec<(i64, SampleValue)>)> = None;
        let (mut line, mut number, mut has_begun) = (String::new(), 0u64, false);
        let mut last_ms = i64::MIN;
        loop {
            line.clear();
            number += 1;
            let failed = |why: String| format!("{}:{number}: {why}", self.path.display());
            let len = (&mut lines).take(LINE_BYTES_MAX).read_line(&mut line);
            if len.map_err(|error| failed(error.to_string()))? == 0 {
                break;
            }
            if number.is_multiple_of(10_000) && *stopped.borrow() {
                return Ok(());
            }
            if line.trim().is_empty() {
                continue;
            }
            let (series, at, value) = read_line(line.trim()).map_err(failed)?;
            if !outlet.selection.takes(&series) {
                continue;
            }
            if !std::mem::replace(&mut has_begun, true) {
                outlet.put_blocking(Piece::Begin(at))?;
            }
            last_ms = last_ms.max(at);
            match &mut open {
                Some((last, samples)) if *last == series && samples.len() < SAMPLES_AT_ONCE => {
                    samples.push((at, value));
                }
                _ => {
                    if let Some((series, samples)) = open.replace((series, vec![(at, value)])) {
                        outlet.put_blocking(Piece::Series(series, samples))?;
                    }
                }
            }
        }
        let Some((series, samples)) = open else { return Ok(()) };
        outlet.put_blocking(Piece::Series(series, samples))?;
        outlet.end_slice_blocking(last_ms + 1)
    }
}
