//! A file that is replaced as a whole: readers see the old content or the new one, never a part of it.
//!
//! A file that cannot be replaced but written, as one that is mounted by itself or in a folder of another user, is written
//! in place. A link stays, and the file behind it is replaced.

use std::borrow::Cow;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Others may read the file, as far as the user's mask allows.
const MODE: u32 = 0o666;

/// New content of a file, written beside it until it is whole. Dropped before that, it leaves nothing.
#[derive(Debug)]
pub struct WholeFile<'a> {
    beside: tempfile::NamedTempFile,
    path: Cow<'a, Path>,
}

/// The way that new content came to its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// As a whole.
    Whole,
    /// In place, so that readers may have seen a part of it.
    InPlace,
}

impl<'a> WholeFile<'a> {
    /// New content for this path. Until it is whole it has a name of its own in the same folder, which begins with
    /// `prefix`.
    pub fn create(path: &'a Path, prefix: &str) -> io::Result<Self> {
        let is_link = path.symlink_metadata().is_ok_and(|found| found.is_symlink());
        let behind = is_link.then(|| path.canonicalize().ok()).flatten();
        let path = behind.map_or(Cow::Borrowed(path), Cow::Owned);
        let mut builder = tempfile::Builder::new();
        // With another suffix than the file's, collectors of a folder leave it alone.
        let builder = builder.prefix(prefix).suffix(".tmp").permissions(Permissions::from_mode(MODE));
        let beside = match builder.tempfile_in(folder(&path)) {
            Err(error) if OpenOptions::new().append(true).open(&path).is_err() => return Err(error),
            Err(_) => builder.tempfile()?,
            Ok(beside) => beside,
        };
        Ok(Self { beside, path })
    }

    /// The content is whole and takes the file's place.
    pub fn replace(self) -> io::Result<Replaced> {
        self.put_in_place(|_| Ok(()))
    }

    fn put_in_place(self, sync: impl Fn(&File) -> io::Result<()>) -> io::Result<Replaced> {
        sync(self.beside.as_file())?;
        match self.beside.persist(&self.path) {
            Ok(_) => Ok(Replaced::Whole),
            Err(refused) => match OpenOptions::new().write(true).truncate(true).open(&self.path) {
                Ok(mut file) => {
                    io::copy(&mut refused.file.reopen()?, &mut file)?;
                    sync(&file).map(|()| Replaced::InPlace)
                }
                Err(_) => Err(refused.error),
            },
        }
    }

    /// The same, after the content has reached the disk.
    pub fn replace_durably(self) -> io::Result<Replaced> {
        self.put_in_place(File::sync_all)
    }
}

impl Write for WholeFile<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.beside.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.beside.flush()
    }
}

/// The folder of a file.
#[must_use]
pub fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written<'a>(path: &'a Path, text: &str) -> WholeFile<'a> {
        let mut file = WholeFile::create(path, ".x-").unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    #[test]
    fn a_link_stays_and_the_file_behind_it_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let [file, link] = ["file.prom", "link.prom"].map(|name| dir.path().join(name));
        std::fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink("file.prom", &link).unwrap();
        assert_eq!(written(&link, "new").replace().unwrap(), Replaced::Whole);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new");
        assert!(link.symlink_metadata().unwrap().is_symlink());
    }

    #[test]
    fn a_file_of_whose_folder_nothing_is_to_be_changed_is_written_in_place() {
        // The kernel takes no new names beside the files of processes, whoever asks; what is written is a thread's name.
        let path = format!("/proc/self/task/{}/comm", std::process::id());
        let path = Path::new(&path);
        assert_eq!(written(path, "promemu-x").replace().unwrap(), Replaced::InPlace);
        assert_eq!(std::fs::read_to_string(path).unwrap(), "promemu-x\n");
        let missing = Path::new("/proc/self/promemu.prom");
        assert!(WholeFile::create(missing, ".x-").is_err(), "there is no file to write to");
    }

    #[test]
    fn a_file_has_its_old_content_until_the_new_one_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.prom");
        let read = || std::fs::read_to_string(&path).unwrap();
        let write = |text: &str| {
            let mut file = WholeFile::create(&path, ".x-").unwrap();
            file.write_all(text.as_bytes()).unwrap();
            file
        };
        write("old").replace().unwrap();
        let new = write("new");
        assert_eq!(read(), "old");
        drop(write("dropped"));
        assert_eq!(read(), "old");
        new.replace_durably().unwrap();
        assert_eq!(read(), "new");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
        assert_ne!(path.metadata().unwrap().permissions().mode() & 0o044, 0, "others may read it");
    }
}
