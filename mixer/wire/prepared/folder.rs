//! The folder of outputs. One process at a time makes a new one.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::manifest::PreparedManifest;
use super::table::{ColumnKind, TableWriter};
use crate::recording::hashed_file::{HashedFile, UNFINISHED};
use crate::recording::{FileEntry, MANIFEST};

/// Locked while an output is made.
const LOCK: &str = ".prepare.lock";
/// The name of the output in use.
const CURRENT: &str = "current";
/// The name of events.
const LINEAGE: &str = "lineage.jsonl";

/// A folder of outputs.
#[derive(Debug)]
pub struct PreparedFolder {
    folder: PathBuf,
    _lock: File,
}

/// An output that is complete.
#[derive(Clone, Debug)]
pub struct Output {
    /// Its folder.
    pub path: PathBuf,
    /// Its manifest.
    pub manifest: PreparedManifest,
}

/// An output that is made. Dropped before it is committed, it is removed by the next one.
#[derive(Debug)]
pub struct NewOutput<'f> {
    folder: &'f PreparedFolder,
    number: u64,
    path: PathBuf,
}

impl PreparedFolder {
    /// Opens a folder of outputs, or begins one.
    ///
    /// # Errors
    ///
    /// Another process uses it, it has other files, or it cannot be written.
    pub fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        for entry in fs::read_dir(folder)? {
            let name = entry?.file_name();
            let name = name.to_string_lossy();
            if !is_number(&name) && name != LOCK && name != CURRENT && !name.starts_with(UNFINISHED) {
                let folder = folder.display();
                let why = format!("{folder} has {name}, which is no output; name a new folder with --out");
                return Err(io::Error::new(ErrorKind::AlreadyExists, why));
            }
        }
        let lock = File::create(folder.join(LOCK))?;
        lock.try_lock().map_err(|_| {
            let folder = folder.display();
            let why = format!(
                "{folder} is written by another process; wait for it, or name another folder with --out"
            );
            io::Error::new(ErrorKind::ResourceBusy, why)
        })?;
        Ok(Self { folder: folder.to_owned(), _lock: lock })
    }

    /// The output in use; `None` if there is none yet.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn current(&self) -> io::Result<Option<Output>> {
        let Ok(name) = fs::read_link(self.folder.join(CURRENT)) else { return Ok(None) };
        let path = self.folder.join(name);
        let text = fs::read(path.join(MANIFEST))?;
        let manifest = serde_json::from_slice(&text).map_err(io::Error::other)?;
        Ok(Some(Output { path, manifest }))
    }

    /// Begins an output. What a killed process left goes.
    ///
    /// # Errors
    ///
    /// The folder cannot be written.
    pub fn begin(&self) -> io::Result<NewOutput<'_>> {
        let current = self.current_number();
        for number in self.numbers()?.into_iter().filter(|number| Some(*number) > current) {
            fs::remove_dir_all(self.folder.join(name(number)))?;
        }
        let number = self.numbers()?.last().map_or(1, |last| last + 1);
        let path = self.folder.join(name(number));
        fs::create_dir(&path)?;
        Ok(NewOutput { folder: self, number, path })
    }

    /// Takes the output before the one in use. Returns its folder.
    ///
    /// # Errors
    ///
    /// There is none, or the folder cannot be written.
    pub fn roll_back(&self) -> io::Result<PathBuf> {
        let current = self.current_number();
        let before = self.numbers()?.into_iter().rfind(|number| Some(*number) < current);
        let before = before.ok_or_else(|| {
            let folder = self.folder.display();
            io::Error::new(ErrorKind::NotFound, format!("{folder} has no output before the one in use"))
        })?;
        self.take(before)?;
        Ok(self.folder.join(name(before)))
    }

    fn current_number(&self) -> Option<u64> {
        fs::read_link(self.folder.join(CURRENT)).ok()?.to_str()?.parse().ok()
    }

    /// Numbers of outputs, in order.
    fn numbers(&self) -> io::Result<Vec<u64>> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            numbers.extend(
                name.to_str().filter(|name| is_number(name)).and_then(|name| name.parse::<u64>().ok()),
            );
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Uses the output of a number, from one moment to the next.
    fn take(&self, number: u64) -> io::Result<()> {
        let link = self.folder.join(format!("{UNFINISHED}{CURRENT}"));
        match fs::remove_file(&link) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        std::os::unix::fs::symlink(name(number), &link)?;
        fs::rename(&link, self.folder.join(CURRENT))?;
        File::open(&self.folder)?.sync_all()
    }
}

impl NewOutput<'_> {
    /// Its folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it again.
    ///
    /// # Errors
    ///
    /// The folder cannot be written.
    pub fn discard(self) -> io::Result<()> {
        fs::remove_dir_all(&self.path)
    }

    /// Writes a table. Returns its entry and what `write` returned.
    ///
    /// # Errors
    ///
    /// `write` fails, or the file cannot be written.
    pub fn table<T>(
        &self,
        path: &str,
        columns: &[(String, ColumnKind)],
        write: impl FnOnce(&mut dyn FnMut(Vec<super::Column>) -> io::Result<()>) -> io::Result<T>,
    ) -> io::Result<(FileEntry, T)> {
        let mut table = TableWriter::new(HashedFile::create(&self.path, path)?, columns)?;
        let outcome = write(&mut |part| table.put(part))?;
        let (file, rows) = table.close()?;
        Ok((file.finish(rows)?, outcome))
    }

    /// Keeps a file of another output as it is.
    ///
    /// # Errors
    ///
    /// The file is gone, or the folder cannot be written.
    pub fn keep(&self, of: &Output, entry: &FileEntry) -> io::Result<()> {
        let (from, to) = (of.path.join(&entry.path), self.path.join(&entry.path));
        fs::create_dir_all(to.parent().unwrap_or(&self.path))?;
        // Not each file system has links.
        if fs::hard_link(&from, &to).is_err() {
            fs::copy(&from, &to)?;
            File::open(&to)?.sync_all()?;
        }
        Ok(())
    }

    /// The output is complete, and used from now on. The one before stays, and others go.
    ///
    /// # Errors
    ///
    /// The folder cannot be written.
    pub fn commit(self, manifest: &PreparedManifest, lineage: &[String]) -> io::Result<PathBuf> {
        let mut text = serde_json::to_vec_pretty(manifest).map_err(io::Error::other)?;
        text.push(b'\n');
        let lineage = lineage.join("\n") + "\n";
        for (path, bytes) in [(LINEAGE, lineage.as_bytes()), (MANIFEST, &text)] {
            let mut file = HashedFile::create(&self.path, path)?;
            file.write_all(bytes)?;
            file.finish(0)?;
        }
        let before = self.folder.current_number();
        self.folder.take(self.number)?;
        for number in self.folder.numbers()? {
            if number != self.number && Some(number) != before {
                fs::remove_dir_all(self.folder.folder.join(name(number)))?;
            }
        }
        Ok(self.path)
    }
}

fn name(number: u64) -> String {
    format!("{number:06}")
}

fn is_number(name: &str) -> bool {
    name.len() >= 6 && name.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(folder: &PreparedFolder, name: &str) -> PathBuf {
        let new = folder.begin().unwrap();
        let pipeline = super::super::PipelineEntry { name: name.to_owned(), ..Default::default() };
        new.commit(&PreparedManifest { pipeline, ..Default::default() }, &["{}".to_owned()]).unwrap()
    }

    fn in_use(folder: &PreparedFolder) -> String {
        folder.current().unwrap().unwrap().manifest.pipeline.name
    }

    #[test]
    fn an_output_is_used_once_it_is_complete_and_the_one_before_stays() {
        let dir = tempfile::tempdir().unwrap();
        let folder = PreparedFolder::open(dir.path()).unwrap();
        assert!(folder.current().unwrap().is_none());
        assert!(folder.roll_back().unwrap_err().to_string().ends_with("has no output before the one in use"));
        made(&folder, "a");
        drop(folder.begin().unwrap());
        assert_eq!(in_use(&folder), "a");
        made(&folder, "b");
        made(&folder, "c");
        assert_eq!((in_use(&folder), folder.numbers().unwrap()), ("c".to_owned(), vec![2, 3]));
        folder.roll_back().unwrap();
        assert_eq!(in_use(&folder), "b");
        made(&folder, "d");
        assert_eq!((in_use(&folder), folder.numbers().unwrap()), ("d".to_owned(), vec![2, 3]));
        assert!(PreparedFolder::open(dir.path()).unwrap_err().to_string().contains("by another process"));
    }

    #[test]
    fn a_folder_of_other_files_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("notes.txt"), "").unwrap();
        let told = PreparedFolder::open(dir.path()).unwrap_err().to_string();
        assert!(told.contains("has notes.txt, which is no output; name a new folder"), "{told}");
    }
}
