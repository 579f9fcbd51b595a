//! Answers of queries in a folder, by the query and the SHA-256 of the files that they are made of.
//!
//! Old ones go when the folder is full.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use promemu_wire::digest::key;
use promemu_wire::recording::{Query, Recording};

use crate::output_file::replace;

/// Bytes of the folder, at most.
const BYTES_MAX: u64 = 1 << 30;
/// The end of the names of its files.
const SUFFIX: &str = ".answer";

/// The place of an answer.
#[derive(Debug)]
pub(super) struct CachedAnswer {
    folder: PathBuf,
    path: PathBuf,
}

impl CachedAnswer {
    /// That of a query whose selector is this text, in a format.
    pub(super) fn of(
        folder: &Path,
        query: &Query,
        (selector, format): (&str, &str),
        recording: &Recording,
    ) -> Self {
        let mut texts = vec![concat!("promemu ", env!("CARGO_PKG_VERSION")).to_owned()];
        texts.extend([selector.to_owned(), format.to_owned(), format!("{:?}", query.range_ms)]);
        texts.push(format!("{:?}", query.aggregation));
        texts.extend(query.files(recording).into_iter().map(|file| file.sha256.clone()));
        Self { folder: folder.to_owned(), path: folder.join(format!("{}{SUFFIX}", key(texts))) }
    }

    /// The answer, if it is there.
    pub(super) fn read(&self) -> io::Result<Option<Vec<u8>>> {
        match fs::read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => read.map(Some),
        }
    }

    /// Keeps an answer, and lets the oldest ones go.
    pub(super) fn write(&self, answer: &[u8]) -> io::Result<()> {
        if answer.len() as u64 > BYTES_MAX {
            return Ok(());
        }
        fs::create_dir_all(&self.folder)?;
        replace(&self.path, answer)?;
        let mut answers = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().ends_with(SUFFIX) {
                let metadata = entry.metadata()?;
                answers.push((metadata.modified()?, entry.path(), metadata.len()));
            }
        }
        answers.sort();
        let mut bytes: u64 = answers.iter().map(|(_, _, bytes)| bytes).sum();
        for (_, path, own) in answers {
            if bytes <= BYTES_MAX {
                break;
            }
            fs::remove_file(path)?;
            bytes -= own;
        }
        Ok(())
    }
}
