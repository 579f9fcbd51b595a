//! Checks of a library before any of its code runs, and its loading.
//!
//! Only a complete library that is marked as a plugin, and that nobody else can have changed, is loaded. It is copied to
//! a path of its own first: the system takes a known path, or a file that is overwritten, for the library that it has
//! already.

use std::fs::{self, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use promemu_plugin::abi::{ABI_MAJOR, SYMBOL, SYMBOL_PREFIX};

use super::declaration::PluginDecl;
use super::{boundary, elf};
use crate::temporary_folder::TemporaryFolder;
use crate::user_file;

/// Maximum size of a library.
const FILE_BYTES_MAX: u64 = 512 << 20;

/// Result of loading a file.
#[derive(Clone, Debug)]
pub(super) enum LoadState {
    /// Refused with this reason before any of its code ran.
    Skipped(String),
    /// Loaded, with its declaration or what is wrong with that. This is not done twice, as constructors run and the
    /// memory stays.
    Loaded(Result<&'static PluginDecl, String>),
}

/// Differs if a file has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileVersion {
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
}

impl FileVersion {
    pub(super) fn of(file: &Metadata) -> Self {
        Self { inode: file.ino(), bytes: file.len(), modified: (file.mtime(), file.mtime_nsec()) }
    }
}

/// Files in a folder with the system's extension for libraries, sorted.
pub(super) fn libraries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).ok().into_iter().flatten().flatten();
    let is_library = |path: &PathBuf| {
        path.extension().is_some_and(|extension| extension == std::env::consts::DLL_EXTENSION)
            && path.is_file()
    };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_library).collect();
    paths.sort();
    paths
}

/// Loads a copy of a file, if it passes all checks.
pub(super) fn load(path: &Path) -> LoadState {
    match copy(path) {
        // The mapping outlives the file, so the copy is removed at once.
        Ok((_folder, copy)) => {
            LoadState::Loaded(boundary::open(&copy).map(|declared| &*Box::leak(Box::new(declared))))
        }
        Err(reason) => LoadState::Skipped(reason),
    }
}

/// A copy of a file in a folder of its own; the error is the reason to refuse the file.
fn copy(path: &Path) -> Result<(TemporaryFolder, PathBuf), String> {
    let unreadable = |error: std::io::Error| format!("file cannot be read: {error}");
    let uncopied = |error: std::io::Error| format!("file cannot be copied: {error}");
    let folder = path.parent().unwrap_or(Path::new("."));
    let copies = TemporaryFolder::new().map_err(uncopied)?;
    let own = fs::metadata(copies.path()).map_err(unreadable)?.uid();
    let mut file = user_file::open(path).map_err(unreadable)?;
    check_owner(&fs::metadata(folder).map_err(unreadable)?, own, "folder")?;
    let before = file.metadata().map_err(unreadable)?;
    check_owner(&before, own, "file")?;
    if before.len() > FILE_BYTES_MAX {
        return Err(format!("file is no plugin: it has more than {} MiB", FILE_BYTES_MAX >> 20));
    }
    let mut bytes = Vec::new();
    (&mut file).take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(unreadable)?;
    if FileVersion::of(&before) != FileVersion::of(&file.metadata().map_err(unreadable)?) {
        return Err("file is incomplete: it changed while it was read; wait until it is written".to_owned());
    }
    elf::refuse_incomplete(&bytes)?;
    elf::refuse_other_machine(&bytes)?;
    check_symbol(&bytes)?;
    let copy = copies.path().join(path.file_name().unwrap_or_default());
    fs::write(&copy, &bytes).map_err(uncopied)?;
    Ok((copies, copy))
}

/// Refuses a file or folder that users other than this one and root can change. A user's own group counts as the user.
fn check_owner(file: &Metadata, own: u32, what: &str) -> Result<(), String> {
    let (mode, owner, group) = (file.mode(), file.uid(), file.gid());
    if owner != own && owner != 0 {
        return Err(format!("{what} belongs to another user ({owner}); change its owner with chown"));
    }
    // In a folder with the sticky bit, nobody replaces the files of others.
    let is_sticky = file.is_dir() && mode & 0o1000 != 0;
    if !is_sticky && (mode & 0o002 != 0 || (mode & 0o020 != 0 && group != owner)) {
        return Err(format!("{what} is writable by others; protect it with chmod go-w"));
    }
    Ok(())
}

/// Refuses a library without the name of a plugin's function, or with one of another major version only.
fn check_symbol(bytes: &[u8]) -> Result<(), String> {
    let prefix = SYMBOL_PREFIX.as_bytes();
    let starts = bytes.iter().enumerate().filter(|(_, byte)| **byte == prefix[0]);
    let mut symbols = starts.filter_map(|(at, _)| bytes[at..].strip_prefix(prefix)).peekable();
    if symbols.peek().is_none() {
        return Err(format!("file is not a plugin: function {SYMBOL} is missing"));
    }
    let own = ABI_MAJOR.to_string();
    let is_own = |after: &[u8]| {
        after.strip_prefix(own.as_bytes()).is_some_and(|rest| !rest.first().is_some_and(u8::is_ascii_digit))
    };
    if !symbols.any(is_own) {
        return Err(format!(
            "built for another version of the plugin interface than {own}, which this promemu has; rebuild it"
        ));
    }
    Ok(())
}
