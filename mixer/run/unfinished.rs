//! Files and folders that are not whole yet: they go with their process, however it ends.
//!
//! A file has a name that begins with [`PREFIX`] until it is whole, and is locked so long. So what a killed process leaves
//! behind is known, even to a process in another container, and [`remove_leftovers`] removes it.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::process::geteuid;

use promemu_core::temporary_folder;

/// Begin of the names.
pub(crate) const PREFIX: &str = ".promemu-unfinished-";
/// An empty one that is so old has no process that is about to lock it.
const ABANDONED_AFTER: Duration = Duration::from_secs(10);
/// Attempts to lock one that another process looks at, and the time between two.
const LOCKS_MAX: usize = 50;
const LOCK_INTERVAL: Duration = Duration::from_millis(1);
/// Number of attempts to remove a folder that others write into.
const REMOVALS_MAX: usize = 100;
/// A folder in which only its owner may remove a file, as `/tmp`.
const STICKY: u32 = 0o1000;

/// Files and folders that are not whole, of all threads.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A file or folder that is not whole, for [`remove_unfinished`]. It is whole, or gone, when this is dropped.
#[derive(Debug)]
pub struct Unfinished(PathBuf);

impl Unfinished {
    /// Lists a path.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        unfinished().push(path.to_owned());
        Self(path.to_owned())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        unfinished().retain(|path| *path != self.0);
    }
}

/// Removes all files and folders that are not whole, and all temporary ones, for a process that ends at once. Their writers
/// fail.
///
/// No other one is begun until the answer is dropped.
pub fn remove_unfinished() -> MutexGuard<'static, Vec<PathBuf>> {
    let mut unfinished = unfinished();
    for path in unfinished.drain(..) {
        remove(&path);
    }
    temporary_folder::remove_all();
    unfinished
}

/// Removes the files that processes which have ended left in a folder; in one of all users, only those of this one.
pub fn remove_leftovers(dir: &Path) {
    let (Ok(entries), Ok(found)) = (fs::read_dir(dir), dir.metadata()) else { return };
    let is_shared = found.mode() & STICKY != 0;
    for entry in entries.flatten() {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        // A link, a pipe or a device is none.
        let Ok(found) = entry.metadata() else { continue };
        let is_own = !is_shared || found.uid() == geteuid().as_raw();
        if is_own && found.is_file() {
            remove_leftover(&entry.path(), &found);
        }
    }
}

/// Removes a file that no process has locked.
fn remove_leftover(path: &Path, found: &Metadata) {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let opened = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path);
    let Ok(leftover) = opened else { return };
    if leftover.try_lock().is_err() {
        return;
    }
    let age = found.modified().ok().and_then(|time| time.elapsed().ok());
    let is_empty = leftover.metadata().map_or(true, |found| found.len() == 0);
    if !is_empty || age.is_some_and(|age| age >= ABANDONED_AFTER) {
        // One that cannot be removed does no harm.
        let _is_removed = fs::remove_file(path).is_ok();
    }
}

/// Locks a file that this process has made, before it has any content.
pub(crate) fn lock(made: &File) {
    for _ in 0..LOCKS_MAX {
        match made.try_lock() {
            Err(TryLockError::WouldBlock) => thread::sleep(LOCK_INTERVAL),
            // Where the system has no locks, nothing is taken for a leftover.
            Err(TryLockError::Error(_)) | Ok(()) => return,
        }
    }
}

fn remove(path: &Path) {
    // It may have got its place just now.
    let is_removed = fs::remove_file(path).is_ok();
    let mut removals = 0;
    while !is_removed && removals < REMOVALS_MAX && path.is_dir() {
        let _is_removed = fs::remove_dir_all(path).is_ok();
        removals += 1;
    }
}

fn unfinished() -> MutexGuard<'static, Vec<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `true` if something in this folder is listed.
#[cfg(test)]
pub(crate) fn is_listed_in(dir: &Path) -> bool {
    unfinished().iter().any(|unfinished| unfinished.starts_with(dir))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn leftovers_of_ended_processes_are_removed_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(format!("{PREFIX}{name}"));
        let long_ago = dir.path().metadata().unwrap().modified().unwrap() - ABANDONED_AFTER;
        for name in ["with_content", "of_another_version-123-x.tmp", "locked"] {
            fs::write(path(name), "x").unwrap();
        }
        for name in ["empty_and_old", "empty_and_new"] {
            File::create(path(name)).unwrap();
        }
        File::open(path("empty_and_old")).unwrap().set_modified(long_ago).unwrap();
        fs::create_dir(path("folder")).unwrap();
        fs::write(dir.path().join("other"), "x").unwrap();
        symlink("other", path("link")).unwrap();
        let locked = File::open(path("locked")).unwrap();
        lock(&locked);
        remove_leftovers(dir.path());
        let left = ["empty_and_new", "folder", "link", "locked"].map(|name| format!("{PREFIX}{name}"));
        assert_eq!(names(dir.path()), [&left[..], &["other".to_owned()]].concat());
        drop(locked);
        remove_leftovers(dir.path());
        assert!(!path("locked").exists());
    }
}
