//! What a command hands over: on standard output for its user or for the next program in a pipe, or in a file.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use promemu_core::error::Error;

/// Prints; a reader that has gone away is no error.
pub(crate) fn print(bytes: &[u8]) -> Result<(), Error> {
    match std::io::stdout().write_all(bytes) {
        Err(source) if source.kind() != ErrorKind::BrokenPipe => {
            Err(Error::System { what: "the output cannot be written".to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// Writes beside the file and renames, so that nobody ever sees half of it.
pub(crate) fn replace_file(path: &Path, bytes: &[u8]) -> Result<(), io::Error> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let beside = path.with_file_name(name);
    let written = fs::write(&beside, bytes).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // What cannot be written need not be there to be removed.
        let _was_there = fs::remove_file(&beside).is_ok();
    }
    written
}
