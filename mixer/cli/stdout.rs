//! Standard output, for the user or for the next program in a pipe.

use std::io::{ErrorKind, IsTerminal, Write};

use promemu_core::error::Error;
use promemu_run::printable::printable;

use crate::logs::wants_colour;

/// Prints text for people, without control characters: the pager or the CI log behind a pipe obeys them, too. A reader that is
/// gone is no error.
pub(crate) fn print(text: &[u8]) -> Result<(), Error> {
    let keeps_colours = std::io::stdout().is_terminal() && wants_colour();
    put(printable(text, keeps_colours).as_bytes())
}

/// Prints what a program reads, such as JSON or a page of metrics, as it is; on a terminal without control characters. A reader
/// that is gone is no error.
pub(crate) fn print_for_programs(bytes: &[u8]) -> Result<(), Error> {
    if std::io::stdout().is_terminal() { print(bytes) } else { put(bytes) }
}

fn put(bytes: &[u8]) -> Result<(), Error> {
    let mut stdout = std::io::stdout();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(source) if source.kind() != ErrorKind::BrokenPipe => {
            Err(Error::System { what: "standard output cannot be written".to_owned(), source })
        }
        _ => Ok(()),
    }
}
