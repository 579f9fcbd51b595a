//! Standard output, for the user or for the next program in a pipe.

use std::io::{ErrorKind, IsTerminal, Write};

use promemu_core::error::Error;
use promemu_run::printable::printable;

use crate::logs::wants_colour;

/// Prints, without control characters on a terminal; a reader that is gone is no error.
pub(crate) fn print(bytes: &[u8]) -> Result<(), Error> {
    let mut stdout = std::io::stdout();
    let printed = if stdout.is_terminal() {
        stdout.write_all(printable(bytes, wants_colour()).as_bytes())
    } else {
        // The next program in a pipe gets what there is.
        stdout.write_all(bytes)
    };
    match printed.and_then(|()| stdout.flush()) {
        Err(source) if source.kind() != ErrorKind::BrokenPipe => {
            Err(Error::System { what: "standard output cannot be written".to_owned(), source })
        }
        _ => Ok(()),
    }
}
