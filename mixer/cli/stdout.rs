//! Standard output, for the user or for the next program in a pipe.

use std::io::{ErrorKind, Write};

use promemu_core::error::Error;

/// Prints; a reader that is gone is no error.
pub(crate) fn print(bytes: &[u8]) -> Result<(), Error> {
    match std::io::stdout().write_all(bytes) {
        Err(source) if source.kind() != ErrorKind::BrokenPipe => {
            Err(Error::System { what: "standard output cannot be written".to_owned(), source })
        }
        _ => Ok(()),
    }
}
