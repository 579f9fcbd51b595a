//! The journal of a run's effects: what they change where no name says whose it is. Each line is on the disk before the change
//! is done, so that whoever comes next can take it back.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Bytes of a journal that are read.
const BYTES_MAX: u64 = 1 << 20;

/// One line of a journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Entry {
    /// The first line: the run, and its proxy.
    Run {
        /// The owner of its toxics.
        owner: String,
        /// The API of the proxy; `None` without one.
        url: Option<String>,
    },
    /// The run disables a proxy.
    Disable(String),
    /// The run has enabled it again.
    Enabled(String),
    /// The run creates a proxy.
    Create(String),
    /// The run has a table in the packet filter of a network namespace; `None` for that of promemu.
    Filter(Option<String>),
}

/// The changes of a run that are not yet taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) owner: String,
    pub(super) url: Option<String>,
    pub(super) disabled: Vec<String>,
    pub(super) created: Vec<String>,
    /// The namespaces with a table.
    pub(super) filtered: Vec<Option<String>>,
}

/// A journal that is written.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Begins the journal of an owner.
    pub(super) fn create(folder: &Path, owner: &str, url: Option<&str>) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let path = folder.join(format!("{owner}.journal"));
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(&path)?;
        let journal = Self { path, file };
        journal.note(&Entry::Run { owner: owner.to_owned(), url: url.map(str::to_owned) })?;
        File::open(folder)?.sync_all()?;
        Ok(journal)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a line, and returns when it is on the disk.
    pub(super) fn note(&self, entry: &Entry) -> io::Result<()> {
        let line = format!("{}\n", serde_json::to_string(entry)?);
        (&self.file).write_all(line.as_bytes())?;
        self.file.sync_data()
    }
}

/// The changes that a journal tells of; `None` if it is not there, or not one.
pub(super) fn read(path: &Path) -> Option<Changes> {
    let is_short = fs::metadata(path).is_ok_and(|it| it.is_file() && it.len() <= BYTES_MAX);
    let text = is_short.then(|| fs::read_to_string(path).ok()).flatten()?;
    // A last line that is cut was not followed by its change.
    let entries = text.lines().map_while(|line| serde_json::from_str(line).ok());
    let mut changes = None::<Changes>;
    for entry in entries {
        match (entry, &mut changes) {
            (Entry::Run { owner, url }, None) => {
                changes = Some(Changes { owner, url, ..Changes::default() });
            }
            (Entry::Disable(server), Some(changes)) => changes.disabled.push(server),
            (Entry::Enabled(server), Some(changes)) => changes.disabled.retain(|it| *it != server),
            (Entry::Create(server), Some(changes)) => changes.created.push(server),
            (Entry::Filter(netns), Some(changes)) => changes.filtered.push(netns),
            _ => return None,
        }
    }
    changes
}

/// The journals in a folder.
pub(super) fn all(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths.filter(|path| path.extension().is_some_and(|it| it == "journal")).collect()
}

/// The folder of the journals: they outlive a boot, as a proxy on another machine does.
pub(super) fn folder() -> PathBuf {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")));
    state.unwrap_or_else(|| PathBuf::from("/var/tmp")).join("promemu/effects")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_tells_what_is_not_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::create(&folder.path().join("a/b"), "promemu~x", Some("http://h")).unwrap();
        for entry in [
            Entry::Create("c".into()),
            Entry::Filter(Some("n".into())),
            Entry::Disable("a".into()),
            Entry::Disable("b".into()),
            Entry::Enabled("a".into()),
        ] {
            journal.note(&entry).unwrap();
        }
        let expected = Changes {
            owner: "promemu~x".into(),
            url: Some("http://h".into()),
            disabled: vec!["b".into()],
            created: vec!["c".into()],
            filtered: vec![Some("n".into())],
        };
        assert_eq!(read(journal.path()), Some(expected.clone()));
        (&journal.file).write_all(b"{\"disab").unwrap();
        assert_eq!(read(journal.path()), Some(expected), "a cut line was followed by nothing");
        assert_eq!(all(&folder.path().join("a/b")), [journal.path()]);
    }

    #[test]
    fn what_is_no_journal_is_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.journal");
        assert_eq!(read(&path), None);
        fs::write(&path, "{\"disable\":\"a\"}\n").unwrap();
        assert_eq!(read(&path), None);
    }
}
