//! The ground truth of a live run as a file: a line of JSON for each time of a phase or a fault, written when that is over.
//!
//! A line is written whole, and the run goes on if the file cannot be written any more. The reader of a pipe may come later
//! and be slow: the run does not wait for it.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use promemu_core::error::Error;
use promemu_core::timeline::TruthRecord;
use tokio::time::{Instant, sleep};
use tracing::warn;

use crate::named_pipe;
use crate::whole_file::unwritable;

/// Size of the lines that wait for the reader of a pipe.
const WAITING_BYTES_MAX: usize = 1 << 20;
/// Time for the last lines at the end of a run, if the reader of a pipe does not take them.
const LAST_LINES: Duration = Duration::from_millis(500);
/// From one attempt to write the last lines to the next.
const ATTEMPT_INTERVAL: Duration = Duration::from_millis(20);

/// The file of one run.
#[derive(Debug)]
pub(crate) struct TruthFile {
    place: Place,
    /// Lines that a pipe has not taken yet.
    waiting: Vec<u8>,
}

#[derive(Debug)]
enum Place {
    Open(File),
    /// A pipe that nobody reads yet.
    Unread(PathBuf),
    /// After a failure.
    Lost,
}

impl TruthFile {
    /// Creates the file, or empties it. Of a pipe it only notes the place.
    pub(crate) fn create(path: &Path) -> Result<Self, Error> {
        let place = if named_pipe::is_pipe(path) {
            Place::Unread(path.to_owned())
        } else {
            Place::Open(File::create(path).map_err(|source| unwritable(path, "--truth", source))?)
        };
        Ok(Self { place, waiting: Vec::new() })
    }

    /// Appends records.
    pub(crate) fn write<'a>(&mut self, records: impl Iterator<Item = TruthRecord<'a>>) {
        for record in records {
            self.append(&record.json_line());
        }
    }

    /// Writes the lines that wait, as far as the reader of a pipe takes them soon.
    pub(crate) async fn finish(mut self) {
        let until = Instant::now() + LAST_LINES;
        self.put();
        while !self.waiting.is_empty() && Instant::now() < until {
            sleep(ATTEMPT_INTERVAL).await;
            self.put();
        }
        if !self.waiting.is_empty() {
            warn!(bytes = self.waiting.len(), "the pipe of --truth is not read; its last lines are lost");
        }
    }

    fn append(&mut self, line: &str) {
        if matches!(self.place, Place::Lost) {
            return;
        }
        self.waiting.extend_from_slice(line.as_bytes());
        self.put();
        if self.waiting.len() > WAITING_BYTES_MAX {
            self.lose(&io::Error::new(ErrorKind::WouldBlock, "its reader takes nothing"));
        }
    }

    /// Writes what can be written now.
    fn put(&mut self) {
        if let Err(error) = self.try_put()
            && error.kind() != ErrorKind::WouldBlock
        {
            self.lose(&error);
        }
    }

    fn try_put(&mut self) -> io::Result<()> {
        if let Place::Unread(path) = &self.place {
            match named_pipe::open(path) {
                Ok(pipe) => self.place = Place::Open(pipe),
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        let Place::Open(file) = &mut self.place else { return Ok(()) };
        while !self.waiting.is_empty() {
            match file.write(&self.waiting) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => drop(self.waiting.drain(..written)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn lose(&mut self, error: &io::Error) {
        warn!(error = %error, "the file of --truth cannot be written any more; the run goes on without it");
        (self.place, self.waiting) = (Place::Lost, Vec::new());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Read};

    use rustix::fs::{Mode, OFlags};

    fn pipe(dir: &tempfile::TempDir) -> PathBuf {
        let path = dir.path().join("truth");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        path
    }

    /// A reader that reads nothing.
    fn reader(path: &Path) -> File {
        rustix::fs::open(path, OFlags::RDONLY | OFlags::NONBLOCK, Mode::empty()).unwrap().into()
    }

    #[tokio::test]
    async fn a_pipe_gets_its_lines_when_its_reader_comes() {
        let dir = tempfile::tempdir().unwrap();
        let path = pipe(&dir);
        let mut file = TruthFile::create(&path).unwrap();
        file.append("one\n");
        file.append("two\n");
        let reader = std::thread::spawn(move || {
            let mut reader = BufReader::new(File::open(path).unwrap());
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            (line, reader)
        });
        while matches!(file.place, Place::Unread(_)) {
            file.put();
            tokio::task::yield_now().await;
        }
        let (line, mut reader) = reader.join().unwrap();
        file.append("three\n");
        file.finish().await;
        let mut rest = String::new();
        reader.read_to_string(&mut rest).unwrap();
        assert_eq!((line.as_str(), rest.as_str()), ("one\n", "two\nthree\n"));
    }

    #[tokio::test]
    async fn a_pipe_that_nobody_reads_or_drains_holds_up_nothing_and_takes_no_more_memory() {
        let dir = tempfile::tempdir().unwrap();
        let path = pipe(&dir);
        let line = format!("{}\n", "x".repeat(1_000));
        let (mut unread, mut undrained) =
            (TruthFile::create(&path).unwrap(), TruthFile::create(&path).unwrap());
        unread.append(&line);
        unread.finish().await;
        let _reader = reader(&path);
        for _ in 0..3_000 {
            undrained.append(&line);
            assert!(undrained.waiting.len() <= WAITING_BYTES_MAX);
        }
        assert!(matches!(undrained.place, Place::Lost));
    }

    #[test]
    fn a_reader_that_leaves_ends_the_file_and_not_the_run() {
        let dir = tempfile::tempdir().unwrap();
        let path = pipe(&dir);
        let reader = reader(&path);
        let mut file = TruthFile::create(&path).unwrap();
        file.append("one\n");
        assert!(matches!(file.place, Place::Open(_)) && file.waiting.is_empty());
        drop(reader);
        file.append("two\n");
        assert!(matches!(file.place, Place::Lost));
    }
}
