//! The error of a thread that the system does not start, with its remedy.

use std::io;

/// The error in words: the system's own says neither that it is about a thread nor what to do.
#[must_use]
pub fn not_started(error: &io::Error) -> io::Error {
    let text = "no thread can be started; raise the limits of processes (ulimit -u) and memory (ulimit -v)";
    io::Error::new(error.kind(), format!("{text}: {error}"))
}
