//! A folder with the versions of a model: files, a link to the current one, and what became current when.
//!
//! | file | content |
//! | --- | --- |
//! | `0001.promemu-model` | a version; its number is never given again |
//! | `current.promemu-model` | a link to one of them, replaced at once |
//! | `history.jsonl` | a line for each change of the link: time, version, and why |

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use promemu_core::error::Error;
use promemu_core::user_file;
use promemu_dynamics::file::{EXTENSION, Model};
use promemu_run::clock::wall_now;
use promemu_run::whole_file::unwritable;
use serde::{Deserialize, Serialize};

use crate::{model_file, output_file};

/// The name of the link.
const CURRENT: &str = "current";
const HISTORY: &str = "history.jsonl";
const LOCK: &str = ".lock";
/// The largest history that is read.
const HISTORY_BYTES_MAX: u64 = 16 << 20;

/// A folder of models.
#[derive(Debug)]
pub(super) struct ModelsFolder(PathBuf);

/// A change of the current version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Change {
    pub(super) at: String,
    pub(super) version: u32,
    pub(super) why: Why,
}

/// A reason for which a version became current.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Why {
    Added,
    Learned,
    Promoted,
    RolledBack,
}

impl ModelsFolder {
    /// The folder, which must be there.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        if path.is_dir() {
            return Ok(Self(path.to_owned()));
        }
        Err(Error::Usage(format!("{} is no folder of models; promemu models add makes one", path.display())))
    }

    /// Keeps other processes from changes, until it is dropped.
    ///
    /// # Errors
    ///
    /// Another one is about to make some.
    pub(super) fn lock(&self) -> Result<fs::File, Error> {
        let path = self.0.join(LOCK);
        let file = fs::File::create(&path).map_err(|source| unwritable(&path, "FOLDER", source))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(_) => Err(Error::Usage(format!(
                "{} is being changed by another promemu; try again when that has ended",
                self.0.display()
            ))),
        }
    }

    /// The folder, made if it is not there.
    pub(super) fn create(path: &Path) -> Result<Self, Error> {
        fs::create_dir_all(path).map_err(|source| unwritable(path, "FOLDER", source))?;
        Ok(Self(path.to_owned()))
    }

    pub(super) fn file(&self, version: u32) -> PathBuf {
        self.0.join(format!("{version:04}.{EXTENSION}"))
    }

    pub(super) fn current_file(&self) -> PathBuf {
        self.0.join(format!("{CURRENT}.{EXTENSION}"))
    }

    /// The numbers of all versions, the oldest first.
    pub(super) fn versions(&self) -> Result<Vec<u32>, Error> {
        let names = fs::read_dir(&self.0).and_then(|entries| {
            entries
                .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
                .collect::<io::Result<Vec<String>>>()
        });
        let names = names.map_err(|source| self.unreadable(source))?;
        let mut versions: Vec<u32> = names.iter().filter_map(|name| version_of(name)).collect();
        versions.sort_unstable();
        Ok(versions)
    }

    /// The current version, if there is one.
    pub(super) fn current(&self) -> Option<u32> {
        version_of(&fs::read_link(self.current_file()).ok()?.to_string_lossy())
    }

    /// The current version, which must be there.
    pub(super) fn needed_current(&self) -> Result<u32, Error> {
        self.current().ok_or_else(|| {
            Error::Usage(format!(
                "{} has no current model; add one, or choose one with promemu models promote",
                self.0.display()
            ))
        })
    }

    pub(super) fn read(&self, version: u32) -> Result<Model, Error> {
        let path = self.file(version);
        if !path.exists() {
            return Err(Error::Usage(format!(
                "version {version} cannot be read: there is no {}; promemu models list says which there are",
                path.display()
            )));
        }
        model_file::read(&path)
    }

    /// Writes the next version.
    pub(super) fn add(&self, model: &Model) -> Result<u32, Error> {
        let known = self.history()?.into_iter().map(|change| change.version);
        let version = self.versions()?.into_iter().chain(known).max().unwrap_or(0) + 1;
        let path = self.file(version);
        let bytes = model.to_bytes().map_err(|error| Error::Run(format!("the model {error}")))?;
        output_file::replace(&path, &bytes).map_err(|source| unwritable(&path, "FOLDER", source))?;
        Ok(version)
    }

    /// Points the link to a version, and notes it.
    pub(super) fn make_current(&self, version: u32, why: Why) -> Result<(), Error> {
        let unwritable = |source| unwritable(&self.0, "FOLDER", source);
        let (current, new) = (self.current_file(), self.0.join(format!(".{CURRENT}.new")));
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unwritable(error)),
            _ => {}
        }
        let target = self.file(version);
        let name = target.file_name().unwrap_or_default();
        std::os::unix::fs::symlink(name, &new)
            .and_then(|()| fs::rename(&new, &current))
            .map_err(unwritable)?;
        let change = Change { at: wall_now().rfc3339(), version, why };
        let line =
            serde_json::to_string(&change).map_err(|error| Error::Run(format!("the history: {error}")))?;
        let path = self.0.join(HISTORY);
        let written = fs::read(&path).unwrap_or_default();
        // Behind the half line of a process that was killed a new one begins.
        let begin = if written.last().is_some_and(|last| *last != b'\n') { "\n" } else { "" };
        let file = fs::OpenOptions::new().create(true).append(true).open(path);
        file.and_then(|mut file| file.write_all(format!("{begin}{line}\n").as_bytes())).map_err(unwritable)
    }

    /// All changes of the current version, the oldest first.
    pub(super) fn history(&self) -> Result<Vec<Change>, Error> {
        let path = self.0.join(HISTORY);
        let bytes = match user_file::read(&path, HISTORY_BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(_) if !path.exists() => return Ok(Vec::new()),
            Err(error) => return Err(Error::Usage(format!("{} cannot be read: {error}", path.display()))),
        };
        let text = String::from_utf8_lossy(&bytes);
        // The last line of a process that was killed may be a half one.
        Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }

    /// The version that was current before the one that is so now.
    pub(super) fn before_current(&self) -> Result<Option<u32>, Error> {
        let mut stack: Vec<u32> = Vec::new();
        for change in self.history()? {
            if change.why == Why::RolledBack {
                stack.pop();
            }
            if stack.last() != Some(&change.version) {
                stack.push(change.version);
            }
        }
        stack.pop();
        Ok(stack.pop())
    }

    fn unreadable(&self, source: io::Error) -> Error {
        Error::System { what: format!("{} cannot be read", self.0.display()), source }
    }
}

/// The version that a file has.
fn version_of(name: &str) -> Option<u32> {
    let number = name.strip_suffix(EXTENSION)?.strip_suffix('.')?;
    (number.len() >= 4).then(|| number.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(changes: &[(u32, Why)]) -> (tempfile::TempDir, ModelsFolder) {
        let dir = tempfile::tempdir().unwrap();
        let folder = ModelsFolder::create(dir.path()).unwrap();
        for (version, why) in changes {
            fs::write(folder.file(*version), "x").unwrap();
            folder.make_current(*version, *why).unwrap();
        }
        (dir, folder)
    }

    #[test]
    fn a_rollback_leads_to_the_version_before_and_never_in_a_circle() {
        use Why::{Added, Learned, Promoted, RolledBack};
        let before = |changes: &[(u32, Why)]| changed(changes).1.before_current().unwrap();
        assert_eq!(before(&[(1, Added)]), None);
        assert_eq!(before(&[(1, Added), (2, Learned)]), Some(1));
        assert_eq!(before(&[(1, Added), (2, Learned), (3, Learned)]), Some(2));
        assert_eq!(before(&[(1, Added), (2, Learned), (3, Learned), (2, RolledBack)]), Some(1));
        assert_eq!(before(&[(1, Added), (2, Learned), (1, RolledBack)]), None);
        assert_eq!(before(&[(1, Added), (2, Learned), (1, Promoted), (1, Promoted)]), Some(2));
    }

    #[test]
    fn the_link_is_the_current_version_and_a_half_line_of_history_is_passed_over() {
        let (dir, folder) = changed(&[(1, Why::Added), (12, Why::Promoted)]);
        assert_eq!((folder.current(), folder.versions().unwrap()), (Some(12), vec![1, 12]));
        let target = fs::read_link(dir.path().join("current.promemu-model")).unwrap();
        assert_eq!(target, Path::new("0012.promemu-model"));
        let path = dir.path().join(HISTORY);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{text}{{\"at\":\"2026")).unwrap();
        assert_eq!(folder.history().unwrap().len(), 2);
        folder.make_current(1, Why::RolledBack).unwrap();
        assert_eq!(folder.history().unwrap().len(), 3);
    }

    #[test]
    fn one_process_at_a_time_changes_a_folder() {
        let (_dir, folder) = changed(&[(1, Why::Added)]);
        let first = folder.lock().unwrap();
        assert!(folder.lock().unwrap_err().to_string().contains("try again when that has ended"));
        drop(first);
        folder.lock().unwrap();
    }
}
