//! Files that commands write: each appears whole or not at all.
//!
//! An unfinished file of a killed process is removed by the next write into the folder.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use promemu_run::whole_file::{WholeFile, folder};

/// Start of an unfinished file's name; the process follows.
const PREFIX: &str = ".promemu-unfinished-";

/// Replaces a file by these bytes.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_with(path, |file| file.write_all(bytes))
}

/// Replaces a file by the bytes that `write` writes.
pub(crate) fn replace_with<T>(
    path: &Path,
    write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<T>,
) -> io::Result<T> {
    remove_leftovers(folder(path));
    let prefix = format!("{PREFIX}{}-", std::process::id());
    let mut file = BufWriter::new(WholeFile::create(path, &prefix)?);
    let outcome = write(&mut file)?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?.replace()?;
    Ok(outcome)
}

/// Removes the unfinished files of processes that are gone.
fn remove_leftovers(dir: &Path) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let pid =
            name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split('-').next()?.parse::<u32>().ok());
        if pid.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
            // A file that cannot be removed does no harm.
            let _is_removed = fs::remove_file(entry.path()).is_ok();
        }
    }
}

#[cfg(test)]
mod tests {
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
    fn unfinished_files_of_processes_that_are_gone_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        for pid in [u32::MAX, std::process::id()] {
            fs::write(dir.path().join(format!("{PREFIX}{pid}-x")), "").unwrap();
        }
        replace(&dir.path().join("a"), b"whole").unwrap();
        let mut names = names(dir.path());
        names.sort();
        assert_eq!(names, [format!("{PREFIX}{}-x", std::process::id()), "a".to_owned()]);
    }
}
