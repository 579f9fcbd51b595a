//! Files that a person names: configs, arguments, tokens, certificates, plugins.
//!
//! Reading one takes a bounded number of bytes and a bounded time, whatever is behind the name: pipes, devices and folders are
//! refused before they are opened, and a file system that does not answer is not waited for. `-` is standard input.

use std::fs::{self, File, FileType};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use crate::thread_limit;

/// The name of standard input.
pub const STDIN: &str = "-";

/// `true` for standard input, by any of its names.
#[must_use]
pub fn is_stdin(path: &Path) -> bool {
    [STDIN, "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"].iter().any(|name| path == Path::new(name))
}

/// Largest config, or file that it includes.
pub const CONFIG_BYTES_MAX: u64 = 64 << 20;
/// Largest secret, certificate, or file of parameters or arguments.
pub const SMALL_BYTES_MAX: u64 = 4 << 20;

/// A file system that does not answer within this time is not waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// With as many reads that do not end, no other one begins.
const STUCK_MAX: usize = 8;
/// Reads that have not ended.
static UNENDED: AtomicUsize = AtomicUsize::new(0);

/// The bytes of a regular file, or of standard input for one of its names.
///
/// # Errors
///
/// It is no regular file, has more than `bytes_max` bytes, does not answer in time, or cannot be read.
pub fn read(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    if is_stdin(path) {
        // Whoever types, or the program before promemu in a pipe, takes its time.
        return bytes_of(io::stdin().lock(), bytes_max);
    }
    let path = path.to_owned();
    within(&UNENDED, PATIENCE, move || bytes_of(open(&path)?, bytes_max))
}

/// Opens a regular file.
///
/// # Errors
///
/// It is no regular file, or cannot be opened.
pub fn open(path: &Path) -> io::Result<File> {
    // To open a pipe waits for its writer, and to open a device may do something.
    refuse_others(fs::metadata(path)?.file_type())?;
    let file = File::open(path)?;
    refuse_others(file.metadata()?.file_type())?;
    Ok(file)
}

fn refuse_others(found: FileType) -> io::Result<()> {
    let found = match found {
        found if found.is_file() => return Ok(()),
        found if found.is_dir() => "a folder",
        found if found.is_fifo() => "a pipe",
        found if found.is_char_device() || found.is_block_device() => "a device",
        found if found.is_socket() => "a socket",
        _ => "something else",
    };
    let wanted = "it is not a regular file but";
    Err(io::Error::new(ErrorKind::InvalidInput, format!("{wanted} {found}; give - to read standard input")))
}

/// The remedy for a file that cannot be read, behind a semicolon; empty if the error has its own.
#[must_use]
pub fn remedy(error: &io::Error, usual: &str) -> String {
    // Only a thread that cannot be started has such an error: regular files do not block.
    if error.kind() == ErrorKind::WouldBlock { String::new() } else { format!("; {usual}") }
}

fn bytes_of(from: impl Read, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(bytes_max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        let mib = bytes_max >> 20;
        return Err(io::Error::new(ErrorKind::FileTooLarge, format!("it has more than {mib} MiB")));
    }
    Ok(bytes)
}

/// The outcome of `work`, if it ends in time. Work that does not is left behind.
fn within<T: Send + 'static>(
    unended: &'static AtomicUsize,
    patience: Duration,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let late = || {
        let secs = PATIENCE.as_secs();
        io::Error::new(ErrorKind::TimedOut, format!("its file system does not answer within {secs} s"))
    };
    if unended.fetch_add(1, Ordering::Relaxed) >= STUCK_MAX {
        unended.fetch_sub(1, Ordering::Relaxed);
        return Err(late());
    }
    let (sender, outcome) = mpsc::sync_channel(1);
    let reading = move || {
        // Nobody waits for it any more if it is late.
        let _is_in_time = sender.send(work()).is_ok();
        unended.fetch_sub(1, Ordering::Relaxed);
    };
    if let Err(error) = std::thread::Builder::new().name("read".to_owned()).spawn(reading) {
        unended.fetch_sub(1, Ordering::Relaxed);
        return Err(thread_limit::not_started(&error));
    }
    outcome.recv_timeout(patience).unwrap_or_else(|_| Err(late()))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn refusal(path: &Path) -> String {
        read(path, 1 << 20).unwrap_err().to_string()
    }

    #[test]
    fn only_regular_files_are_read_and_links_to_them() {
        let dir = tempfile::tempdir().unwrap();
        let [file, pipe, link, zero] = ["file", "pipe", "link", "zero"].map(|name| dir.path().join(name));
        fs::write(&file, "text").unwrap();
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        std::os::unix::fs::symlink(&file, &link).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &zero).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("socket")).unwrap();
        assert_eq!(read(&link, 4).unwrap(), b"text");
        for (path, kind) in [
            (pipe, "a pipe"),
            (zero, "a device"),
            (dir.path().to_owned(), "a folder"),
            (dir.path().join("socket"), "a socket"),
        ] {
            assert!(refusal(&path).contains(kind), "{kind}: {}", refusal(&path));
        }
    }

    #[test]
    fn a_file_that_is_too_large_is_refused_also_if_its_size_is_not_told() {
        let dir = tempfile::tempdir().unwrap();
        let sparse = dir.path().join("sparse");
        File::create(&sparse).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(refusal(&sparse), "it has more than 1 MiB");
        // A file of the kernel has the size 0.
        assert_eq!(read(Path::new("/proc/self/cmdline"), 0).unwrap_err().kind(), ErrorKind::FileTooLarge);
    }

    #[test]
    fn a_read_that_does_not_end_is_left_behind_and_there_are_few_of_them() {
        static UNENDED: AtomicUsize = AtomicUsize::new(0);
        let (hold, release) = mpsc::channel::<()>();
        let release = std::sync::Arc::new(std::sync::Mutex::new(release));
        for _ in 0..2 * STUCK_MAX {
            let release = std::sync::Arc::clone(&release);
            let stuck = within(&UNENDED, Duration::from_millis(1), move || {
                let _is_released = release.lock().unwrap().recv().is_ok();
                Ok(())
            });
            assert_eq!(stuck.unwrap_err().kind(), ErrorKind::TimedOut);
        }
        assert_eq!(UNENDED.load(Ordering::Relaxed), STUCK_MAX);
        drop(hold);
    }
}
