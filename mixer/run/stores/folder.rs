//! Another folder, perhaps of another disk or machine.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use promemu_wire::recording::FileStore;

/// Begin of the name of a file that is not whole.
const UNFINISHED: &str = ".unfinished-";

/// A folder with the files of one recording.
#[derive(Debug)]
pub struct FolderStore {
    folder: PathBuf,
}

impl FolderStore {
    /// The store of a folder, which is made when a file is put.
    #[must_use]
    pub const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }
}

impl FileStore for FolderStore {
    fn put(&self, path: &str, file: &Path) -> io::Result<()> {
        let target = self.folder.join(path);
        let parent = target.parent().unwrap_or(&self.folder);
        fs::create_dir_all(parent)?;
        if let Ok(there) = fs::metadata(&target) {
            let own = fs::metadata(file)?;
            if (there.dev(), there.ino()) == (own.dev(), own.ino()) {
                let folder = self.folder.display();
                let why = format!("store folder {folder} is the recording itself; name another folder");
                return Err(io::Error::new(ErrorKind::InvalidInput, why));
            }
            return Err(ErrorKind::AlreadyExists.into());
        }
        remove_unfinished(parent)?;
        let mut out = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(parent)?;
        io::copy(&mut File::open(file)?, &mut out)?;
        out.as_file().sync_all()?;
        out.persist_noclobber(&target).map_err(|refused| refused.error)?;
        // The names on the way to it are on disk, too.
        for parent in target.ancestors().skip(1) {
            File::open(parent)?.sync_all()?;
            if parent == self.folder {
                break;
            }
        }
        Ok(())
    }

    fn get(&self, path: &str, out: &mut dyn Write) -> io::Result<()> {
        io::copy(&mut File::open(self.folder.join(path))?, &mut { out }).map(drop)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        match fs::remove_file(self.folder.join(path)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Removes what a killed process left behind.
fn remove_unfinished(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_put_once_read_back_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "whole").unwrap();
        let store = FolderStore::new(dir.path().join("store"));
        let day = dir.path().join("store/samples/day=1");
        fs::create_dir_all(&day).unwrap();
        fs::write(day.join(".unfinished-x"), "half").unwrap();
        store.put("samples/day=1/1.parquet", &file).unwrap();
        assert_eq!(fs::read_dir(&day).unwrap().count(), 1);
        let again = store.put("samples/day=1/1.parquet", &file).unwrap_err();
        assert_eq!(again.kind(), ErrorKind::AlreadyExists);
        let mut read = Vec::new();
        store.get("samples/day=1/1.parquet", &mut read).unwrap();
        assert_eq!(read, b"whole");
        store.remove("samples/day=1/1.parquet").unwrap();
        store.remove("samples/day=1/1.parquet").unwrap();
        assert!(store.get("samples/day=1/1.parquet", &mut read).is_err());
    }

    #[test]
    fn the_recording_itself_is_no_store_of_it() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), "whole").unwrap();
        let store = FolderStore::new(dir.path().to_owned());
        let told = store.put("file", &dir.path().join("file")).unwrap_err().to_string();
        assert!(told.ends_with("is the recording itself; name another folder"), "{told}");
    }
}
