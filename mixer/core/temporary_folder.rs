//! Temporary folders that no kill leaves behind: the next start removes those of processes that are gone.
//!
//! A folder holds a file that is locked for as long as its process lives. Only folders with such a name, of this user, and with a
//! lock that nobody holds are removed; those without the file, which a kill can leave, too: at once where there is something in
//! it, as that is the rest of a removal, and after a minute where it is empty, as it may be one that is just made.

use std::fs::{self, File, Metadata, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

use tempfile::{Builder, TempDir};

/// Beginning of the names of the folders.
const PREFIX: &str = "promemu-tmp-";
/// The file that is locked.
const LOCK: &str = "promemu.lock";
/// Attempts to make a folder whose lock no other process takes, as one does that clears up at that moment.
const ATTEMPTS_MAX: usize = 10;

/// Time after which an empty folder is not one that is just made.
const BEGINNING_MAX: Duration = Duration::from_mins(1);
/// Number of attempts to remove a folder that others write into.
const REMOVALS_MAX: usize = 100;

/// The folders of this process.
static OWN: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn own() -> MutexGuard<'static, Vec<PathBuf>> {
    OWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes all folders of this process, for one that ends at once.
pub fn remove_all() {
    for path in own().drain(..) {
        let mut removals = 0;
        while removals < REMOVALS_MAX && path.is_dir() {
            let _is_removed = fs::remove_dir_all(&path).is_ok();
            removals += 1;
        }
    }
}

/// A folder for temporary files, which is removed when it is dropped.
#[derive(Debug)]
pub struct TemporaryFolder {
    dir: TempDir,
    _lock: File,
}

impl TemporaryFolder {
    /// Makes an empty folder in the system's one for temporary files. The first one removes those that others left.
    ///
    /// # Errors
    ///
    /// It cannot be made.
    pub fn new() -> io::Result<Self> {
        static CLEARED: Once = Once::new();
        let parent = std::env::temp_dir();
        let folder = Self::new_in(&parent)?;
        CLEARED.call_once(|| folder.remove_abandoned(&parent));
        Ok(folder)
    }

    /// Makes an empty folder in this one.
    ///
    /// # Errors
    ///
    /// It cannot be made.
    pub fn new_in(parent: &Path) -> io::Result<Self> {
        for _ in 0..ATTEMPTS_MAX {
            if let Some(folder) = Self::within(parent)? {
                return Ok(folder);
            }
        }
        Err(io::Error::other("another process removes it at once"))
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A new folder; `None` if another process took it for one that is abandoned.
    fn within(parent: &Path) -> io::Result<Option<Self>> {
        let dir = Builder::new().prefix(PREFIX).tempdir_in(parent)?;
        own().push(dir.path().to_owned());
        let path = dir.path().join(LOCK);
        let is_taken = |error: io::Error| if dir.path().exists() { Err(error) } else { Ok(None) };
        let lock = match File::create(&path) {
            Ok(lock) => lock,
            Err(error) => return is_taken(error),
        };
        match lock.try_lock() {
            Ok(()) if path.exists() => Ok(Some(Self { dir, _lock: lock })),
            Ok(()) | Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Removes the folders in `parent` that belong to this user and whose process is gone. What cannot be removed stays.
    fn remove_abandoned(&self, parent: &Path) {
        let (Ok(own), Ok(entries)) = (self.path().metadata(), fs::read_dir(parent)) else { return };
        for entry in entries.flatten() {
            let is_named = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
            let is_own = || entry.metadata().is_ok_and(|found| found.is_dir() && found.uid() == own.uid());
            if !is_named || !is_own() {
                continue;
            }
            // The lock comes before all else, so a folder that was filled and has none now has lost it to a removal.
            let was_filled = is_filled(&entry.path());
            // Its lock is held until it is gone, so that a process that has just made it cannot take it.
            let lock = File::open(entry.path().join(LOCK));
            let is_abandoned = match &lock {
                Ok(lock) => lock.try_lock().is_ok(),
                Err(error) if error.kind() != io::ErrorKind::NotFound => false,
                Err(_) => {
                    was_filled || entry.metadata().is_ok_and(|found| is_older_than(&found, BEGINNING_MAX))
                }
            };
            if is_abandoned {
                let _is_removed = fs::remove_dir_all(entry.path()).is_ok();
            }
        }
    }
}

fn is_filled(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
}

fn is_older_than(found: &Metadata, age: Duration) -> bool {
    found.modified().is_ok_and(|then| then.elapsed().is_ok_and(|elapsed| elapsed > age))
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        own().retain(|path| path != self.dir.path());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_processes_that_are_gone_are_removed_and_no_others() {
        let parent = tempfile::tempdir().unwrap();
        let make = || TemporaryFolder::within(parent.path()).unwrap().unwrap();
        let (own, alive) = (make(), make());
        // The lock is free, as after a kill.
        let gone = parent.path().join("promemu-tmp-gone");
        fs::create_dir(&gone).unwrap();
        for name in [LOCK, "data"] {
            fs::write(gone.join(name), "left").unwrap();
        }
        let names = ["other-tmp-1", "promemu-tmp-begun", "promemu-tmp-older", "promemu-tmp-half"];
        let [foreign, begun, older, half_removed] = names.map(|name| parent.path().join(name));
        for folder in [&foreign, &begun, &older, &half_removed] {
            fs::create_dir(folder).unwrap();
        }
        fs::write(half_removed.join("data"), "left").unwrap();
        let hour_ago = own.path().metadata().unwrap().modified().unwrap() - Duration::from_hours(1);
        File::open(&older).unwrap().set_modified(hour_ago).unwrap();
        fs::write(foreign.join(LOCK), "").unwrap();
        own.remove_abandoned(parent.path());
        assert!(!gone.exists() && !older.exists() && !half_removed.exists());
        assert!([own.path(), alive.path(), &*foreign, &*begun].iter().all(|path| path.exists()));
        let path = own.path().to_owned();
        drop(own);
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_that_is_just_made_is_not_taken_by_one_that_clears_up() {
        let parent = tempfile::tempdir().unwrap();
        let own = TemporaryFolder::new_in(parent.path()).unwrap();
        let is_over = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                        own.remove_abandoned(parent.path());
                    }
                });
            }
            for number in 0..3000 {
                let folder = TemporaryFolder::new_in(parent.path()).unwrap();
                let written =
                    (0..10).try_for_each(|file| fs::write(folder.path().join(file.to_string()), "kept"));
                // All threads end, also if it fails.
                is_over.store(number == 2999 || written.is_err(), std::sync::atomic::Ordering::Relaxed);
                written.unwrap();
            }
        });
    }
}
