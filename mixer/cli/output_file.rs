//! Files that commands write: each appears whole or not at all.
//!
//! An unfinished file of a killed process is removed by the next write into the folder.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use promemu_run::whole_file::{WholeFile, remove_leftovers_beside};

/// Replaces a file by these bytes.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_with(path, |file| file.write_all(bytes))
}

/// Replaces a file by the bytes that `write` writes.
pub(crate) fn replace_with<T>(
    path: &Path,
    write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<T>,
) -> io::Result<T> {
    remove_leftovers_beside(path);
    let mut file = BufWriter::new(WholeFile::create(path)?);
    let outcome = write(&mut file)?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?.replace()?;
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
        entries.map(|name| name.into_string().unwrap()).collect()
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        replace(&path, b"old").unwrap();
        let failed = replace_with(&path, |file| {
            file.write_all(b"new")?;
            Err::<(), _>(io::Error::other("no"))
        });
        assert!(failed.is_err());
        assert_eq!(
            (fs::read_to_string(&path).unwrap().as_str(), names(dir.path())),
            ("old", vec!["a".to_owned()])
        );
    }

    #[test]
    fn an_unfinished_file_of_a_killed_process_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(".promemu-unfinished-1-x.tmp"), "half").unwrap();
        replace(&dir.path().join("a"), b"whole").unwrap();
        assert_eq!(names(dir.path()), ["a"]);
    }
}
