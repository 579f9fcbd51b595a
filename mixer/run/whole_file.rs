//! A file that is replaced as a whole: readers see the old content or the new one, never a part of it.

use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Others may read the file, as far as the user's mask allows.
const MODE: u32 = 0o666;

/// New content of a file, written beside it until it is whole. Dropped before that, it leaves nothing.
#[derive(Debug)]
pub struct WholeFile<'a> {
    beside: tempfile::NamedTempFile,
    path: &'a Path,
}

impl<'a> WholeFile<'a> {
    /// New content for this path. Until it is whole it has a name of its own in the same folder, which begins with
    /// `prefix`.
    pub fn create(path: &'a Path, prefix: &str) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        // With another suffix than the file's, collectors of a folder leave it alone.
        let builder = builder.prefix(prefix).suffix(".tmp").permissions(Permissions::from_mode(MODE));
        Ok(Self { beside: builder.tempfile_in(folder(path))?, path })
    }

    /// The content is whole and takes the file's place.
    pub fn replace(self) -> io::Result<()> {
        self.beside.persist(self.path).map(drop).map_err(|error| error.error)
    }

    /// The same, after the content has reached the disk.
    pub fn replace_durably(self) -> io::Result<()> {
        File::sync_all(self.beside.as_file())?;
        self.replace()
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
