//! The folder of a recording that is written.
//!
//! One process at a time writes slices; actions may come from others meanwhile. What a killed process left behind goes when
//! the next one begins.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::hashed_file::UNFINISHED;
use super::manifest::{MANIFEST, Manifest};
use super::slice::SliceWriter;

/// Locked while slices are written.
const RECORDER_LOCK: &str = ".recorder.lock";
/// Locked while the manifest is changed.
const MANIFEST_LOCK: &str = ".manifest.lock";
/// The folders of data, and the begin of the names of those of steps.
const DATA: [&str; 2] = ["samples", "histograms"];
const STEPS: &str = "step=";

/// A recording that is written.
#[derive(Debug)]
pub struct RecordingFolder {
    folder: PathBuf,
    /// Number of the next slice.
    next: AtomicU64,
    _lock: File,
}

impl RecordingFolder {
    /// Opens the recording of a folder, or begins one. The machine has this many processors.
    ///
    /// # Errors
    ///
    /// Another process records into it, it is no recording but has other files, or it cannot be written.
    pub fn open(folder: &Path, cores: u32) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let manifest = Manifest::read(folder)?;
        if manifest.is_none() && has_other_files(folder)? {
            return Err(io::Error::new(
                ErrorKind::AlreadyExists,
                format!(
                    "{} has files but no {MANIFEST}; name a new folder, or a recording",
                    folder.display()
                ),
            ));
        }
        let lock = File::create(folder.join(RECORDER_LOCK))?;
        lock.try_lock().map_err(|_| {
            io::Error::new(
                ErrorKind::ResourceBusy,
                format!(
                    "{} is recorded into by another process; end it, or name another folder",
                    folder.display()
                ),
            )
        })?;
        let manifest = if let Some(manifest) = manifest {
            manifest
        } else {
            let manifest = Manifest::new(cores);
            manifest.write(folder)?;
            manifest
        };
        remove_leftovers(folder, &manifest)?;
        let last = manifest.last_number();
        Ok(Self { folder: folder.to_owned(), next: AtomicU64::new(last + 1), _lock: lock })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// The manifest as it is now.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn manifest(&self) -> io::Result<Manifest> {
        Manifest::read(&self.folder)?.ok_or_else(|| io::Error::new(ErrorKind::NotFound, "manifest is gone"))
    }

    /// Begins a slice of a source at a time in milliseconds since the Unix epoch.
    #[must_use]
    pub fn begin_slice(&self, source: &str, begin_ms: i64) -> SliceWriter {
        SliceWriter::new(&self.folder, self.next_number(), source, begin_ms)
    }

    /// A number that no other file has.
    pub(super) fn next_number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// A slice belongs to the recording from now on, together with other changes of the manifest. Returns the bytes of its
    /// files.
    ///
    /// # Errors
    ///
    /// The folder cannot be written.
    pub fn commit(
        &self,
        slice: SliceWriter,
        end_ms: i64,
        change: impl FnOnce(&mut Manifest),
    ) -> io::Result<u64> {
        let slice = slice.finish(end_ms)?;
        let bytes = slice.files.iter().map(|file| file.bytes).sum();
        self.change(|manifest| {
            manifest.slices.push(slice);
            change(manifest);
        })?;
        Ok(bytes)
    }

    /// Changes the manifest.
    ///
    /// # Errors
    ///
    /// The folder cannot be written.
    pub fn change(&self, change: impl FnOnce(&mut Manifest)) -> io::Result<()> {
        change_manifest(&self.folder, |manifest| {
            change(manifest);
            Ok(())
        })
    }
}

/// Changes the manifest of a recording, one process at a time.
pub(super) fn change_manifest(
    folder: &Path,
    change: impl FnOnce(&mut Manifest) -> io::Result<()>,
) -> io::Result<()> {
    let missing = || {
        let folder = folder.display();
        io::Error::new(
            ErrorKind::NotFound,
            format!("{folder} has no {MANIFEST}; name the folder of a recording"),
        )
    };
    if !folder.join(MANIFEST).is_file() {
        return Err(missing());
    }
    let lock = File::create(folder.join(MANIFEST_LOCK))?;
    lock.lock()?;
    let mut manifest = Manifest::read(folder)?.ok_or_else(missing)?;
    change(&mut manifest)?;
    manifest.forget_loaded();
    manifest.write(folder)
}

/// `true` if a folder without a manifest has files that no interrupted begin of a recording leaves.
fn has_other_files(folder: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        if name != RECORDER_LOCK && !name.starts_with(UNFINISHED) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Removes files of slices that the manifest does not name.
fn remove_leftovers(folder: &Path, manifest: &Manifest) -> io::Result<()> {
    let files = manifest.slices.iter().flat_map(|slice| &slice.files);
    let files = files.chain(manifest.steps.iter().map(|steps| &steps.file));
    let named: BTreeSet<PathBuf> = files.map(|file| folder.join(&file.path)).collect();
    let is_data = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        DATA.contains(&&*name) || name.starts_with(STEPS)
    };
    let days = entries(folder).into_iter().filter(is_data).flat_map(|data| entries(&data));
    for path in days.flat_map(|day| entries(&day)).filter(|path| !named.contains(path)) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_slice =
            name.strip_suffix(".parquet").is_some_and(|name| name.bytes().all(|c| c.is_ascii_digit()));
        if is_slice || name.starts_with(UNFINISHED) {
            fs::remove_file(&path)?;
        }
    }
    for path in entries(folder) {
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(UNFINISHED)) {
            // An action that is written right now may have been renamed meanwhile.
            let _is_gone = fs::remove_file(&path).is_ok();
        }
    }
    Ok(())
}

/// The paths in a folder; none if there is no such folder.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect()
}
