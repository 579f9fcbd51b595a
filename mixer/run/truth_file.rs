//! The ground truth of a live run as a file: a line of JSON for each time of a phase or a fault, written when that is over.
//!
//! A line is written whole, and the run goes on if the file cannot be written any more.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use promemu_core::error::Error;
use promemu_core::timeline::TruthRecord;
use tracing::warn;

use crate::whole_file::unwritable;

/// The file of one run.
#[derive(Debug)]
pub(crate) struct TruthFile {
    /// `None` after a failure.
    file: Option<File>,
}

impl TruthFile {
    /// Creates the file, or empties it.
    pub(crate) fn create(path: &Path) -> Result<Self, Error> {
        let file = File::create(path).map_err(|source| unwritable(path, "--truth", source))?;
        Ok(Self { file: Some(file) })
    }

    /// Appends records.
    pub(crate) fn write<'a>(&mut self, records: impl Iterator<Item = TruthRecord<'a>>) {
        for record in records {
            let Some(file) = &mut self.file else { return };
            if let Err(error) = file.write_all(record.json_line().as_bytes()) {
                warn!(error = %error, "the file of --truth cannot be written any more; the run goes on without it");
                self.file = None;
            }
        }
    }
}
