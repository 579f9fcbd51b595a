//! A pipe with a path: it is opened without waiting for its reader.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

/// `true` if there is a pipe at this path.
pub(crate) fn is_pipe(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    path.metadata().is_ok_and(|found| found.file_type().is_fifo())
}

/// Opens a pipe for writes that do not wait either: one that finds no room fails with [`ErrorKind::WouldBlock`].
///
/// # Errors
///
/// [`ErrorKind::BrokenPipe`] as long as nobody reads it.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let unread = |error: Errno| match error {
        Errno::NXIO => io::Error::new(ErrorKind::BrokenPipe, "nobody reads the pipe"),
        error => error.into(),
    };
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).map(File::from).map_err(unread)
}
