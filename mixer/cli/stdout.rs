//! Standard output, for the user or for the next program in a pipe.

use std::io::{ErrorKind, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use promemu_core::error::Error;
use promemu_run::printable::printable;

use crate::logs::wants_colour;

/// `true` if standard output was closed when the process began.
static WAS_CLOSED: AtomicBool = AtomicBool::new(false);

/// Rust opens the null device in place of a closed standard output before `main` runs, and what is printed there is lost.
extern "C" fn note_closed() {
    WAS_CLOSED.store(rustix::io::fcntl_getfd(rustix::stdio::stdout()).is_err(), Ordering::Relaxed);
}

#[expect(unsafe_code, reason = "the loader calls the functions of this section before Rust's own start")]
// SAFETY: the section holds pointers to such functions, and this one needs nothing that Rust's start sets up.
#[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func"))]
#[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".init_array"))]
#[used]
static BEFORE_MAIN: extern "C" fn() = note_closed;

/// Fails if standard output was closed when the process began.
pub(crate) fn check() -> Result<(), Error> {
    if WAS_CLOSED.load(Ordering::Relaxed) {
        let problem = "standard output is closed, so that nothing can be printed; open it, as with > FILE";
        return Err(Error::Run(problem.to_owned()));
    }
    Ok(())
}

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
    check()?;
    let mut stdout = std::io::stdout();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(source) if source.kind() != ErrorKind::BrokenPipe => {
            Err(Error::System { what: "standard output cannot be written".to_owned(), source })
        }
        _ => Ok(()),
    }
}
