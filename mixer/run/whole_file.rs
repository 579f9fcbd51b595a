//! A file that is replaced as a whole: readers see the old content or the new one, never a part of it.
//!
//! A file that cannot be replaced but written, as one that is mounted by itself or in a folder of another user, is written
//! in place. A link stays, and the file behind it is replaced. A pipe or a device is written to. What is not whole is removed
//! when it is dropped, and is [`crate::unfinished`] until then.

use std::borrow::Cow;
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::Path;

use crate::unfinished::{PREFIX, Unfinished, lock, remove_leftovers};
use promemu_core::error::Error;

/// Others may read a new file, as far as the user's mask allows.
const MODE: u32 = 0o666;
/// Links from link to link, as many as Linux follows.
const LINKS_MAX: usize = 40;

/// New content of a file, written beside it until it is whole. Dropped before that, it leaves nothing.
#[derive(Debug)]
pub struct WholeFile<'a>(Content<'a>);

#[derive(Debug)]
enum Content<'a> {
    Beside {
        file: tempfile::NamedTempFile,
        path: Cow<'a, Path>,
        _listed: Unfinished,
    },
    /// A pipe or a device.
    Stream(File),
}

/// The way that new content came to its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// As a whole, or as a stream.
    Whole,
    /// In place, so that readers may have seen a part of it.
    InPlace,
}

impl<'a> WholeFile<'a> {
    /// New content for this path. Until it is whole it has a name of its own in the same folder. Waits for the reader of a
    /// pipe.
    pub fn create(path: &'a Path) -> io::Result<Self> {
        let old = path.metadata().ok();
        if let Some(old) = old.as_ref().filter(|old| !old.is_file()) {
            return open_stream(path, old).map(|file| Self(Content::Stream(file)));
        }
        let path = behind_links(path);
        let mut builder = tempfile::Builder::new();
        // With another suffix than the file's, collectors of a folder leave it alone.
        let builder = builder.prefix(PREFIX).suffix(".tmp").permissions(Permissions::from_mode(MODE));
        let file = match builder.tempfile_in(folder(&path)) {
            Err(error) if OpenOptions::new().append(true).open(&path).is_err() => return Err(error),
            Err(_) => {
                remove_leftovers(&std::env::temp_dir());
                builder.tempfile()?
            }
            Ok(beside) => beside,
        };
        let listed = Unfinished::new(file.path());
        lock(file.as_file());
        if let Some(old) = old {
            keep_owner_and_mode(file.as_file(), &old)?;
        }
        Ok(Self(Content::Beside { file, path, _listed: listed }))
    }

    /// The content is whole, reaches the disk, and takes the file's place.
    pub fn replace(self) -> io::Result<Replaced> {
        let (file, path) = match self.0 {
            Content::Beside { file, path, .. } => (file, path),
            Content::Stream(mut file) => return file.flush().map(|()| Replaced::Whole),
        };
        file.as_file().sync_all()?;
        match file.persist(&path) {
            Ok(_) => {
                // A file system whose folders cannot be synchronized does so by itself.
                let _is_synced = File::open(folder(&path)).and_then(|folder| folder.sync_all()).is_ok();
                Ok(Replaced::Whole)
            }
            Err(refused) => match OpenOptions::new().write(true).truncate(true).open(&path) {
                Ok(mut file) => {
                    io::copy(&mut refused.file.reopen()?, &mut file)?;
                    match file.sync_all() {
                        // A file of the kernel is on no disk.
                        Err(error) if error.kind() != ErrorKind::InvalidInput => Err(error),
                        _ => Ok(Replaced::InPlace),
                    }
                }
                Err(_) => Err(refused.error),
            },
        }
    }
}

impl Write for WholeFile<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            // The error of the file itself, which does not name the unfinished file.
            Content::Beside { file, .. } => file.as_file_mut().write(bytes),
            Content::Stream(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Content::Beside { file, .. } => file.as_file_mut().flush(),
            Content::Stream(file) => file.flush(),
        }
    }
}

/// Removes what earlier processes that ended too early left of their writes to this path, and to others in its folder.
pub fn remove_leftovers_beside(path: &Path) {
    if path.metadata().is_ok_and(|found| !found.is_file()) {
        return;
    }
    let path = behind_links(path);
    remove_leftovers(folder(&path));
}

/// The error of a file that the user names and that cannot be written, with the remedy for its cause, or another place with
/// `flag`.
#[must_use]
pub fn unwritable(path: &Path, flag: &str, source: io::Error) -> Error {
    let remedy = match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "make room on its disk, or ",
        ErrorKind::FileTooLarge => "raise the limit of a file's size (ulimit -f), or ",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => "make it writable for this user, or ",
        ErrorKind::NotFound => "make its folder first, or ",
        ErrorKind::NotADirectory => "a part of its path is no folder; ",
        ErrorKind::IsADirectory => "name a file in this folder, or ",
        ErrorKind::BrokenPipe => "its reader went before the end; ",
        _ => "",
    };
    Error::System {
        what: format!("{} cannot be written; {remedy}choose another place with {flag}", path.display()),
        source,
    }
}

/// The folder of a file.
#[must_use]
pub fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
}

fn open_stream(path: &Path, found: &Metadata) -> io::Result<File> {
    if found.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    OpenOptions::new().write(true).open(path)
}

/// The file behind links, which need not exist.
fn behind_links(path: &Path) -> Cow<'_, Path> {
    let mut path = Cow::Borrowed(path);
    for _ in 0..LINKS_MAX {
        let Ok(target) = fs::read_link(&path) else { break };
        path = Cow::Owned(folder(&path).join(target));
    }
    path
}

/// Gives a new file the mode of the old one, and its owner as far as the system lets this user do so.
fn keep_owner_and_mode(file: &File, old: &Metadata) -> io::Result<()> {
    let new = file.metadata()?;
    if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
        let _is_given = fchown(file, Some(old.uid()), Some(old.gid())).is_ok();
    }
    file.set_permissions(Permissions::from_mode(old.mode() & 0o7777))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unfinished::is_listed_in;

    fn written<'a>(path: &'a Path, text: &str) -> WholeFile<'a> {
        let mut file = WholeFile::create(path).unwrap();
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
        assert!(WholeFile::create(missing).is_err(), "there is no file to write to");
    }

    #[test]
    fn a_file_has_its_old_content_until_the_new_one_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.prom");
        let read = || std::fs::read_to_string(&path).unwrap();
        let write = |text: &str| {
            let mut file = WholeFile::create(&path).unwrap();
            file.write_all(text.as_bytes()).unwrap();
            file
        };
        write("old").replace().unwrap();
        let new = write("new");
        assert_eq!(read(), "old");
        drop(write("dropped"));
        assert_eq!(read(), "old");
        new.replace().unwrap();
        assert_eq!(read(), "new");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
        assert_ne!(path.metadata().unwrap().permissions().mode() & 0o044, 0, "others may read it");
    }

    #[test]
    fn a_file_keeps_its_mode_and_a_link_to_nothing_gets_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let [file, link] = ["file", "link"].map(|name| dir.path().join(name));
        std::os::unix::fs::symlink("file", &link).unwrap();
        written(&link, "new").replace().unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        written(&link, "newer").replace().unwrap();
        assert_eq!(file.metadata().unwrap().mode() & 0o7777, 0o640);
        assert!(link.symlink_metadata().unwrap().is_symlink());
    }

    #[test]
    fn a_device_and_a_pipe_are_written_to_and_stay() {
        let dir = tempfile::tempdir().unwrap();
        let [null, pipe] = ["null", "pipe"].map(|name| dir.path().join(name));
        std::os::unix::fs::symlink("/dev/null", &null).unwrap();
        written(&null, "lost").replace().unwrap();
        assert!(null.symlink_metadata().unwrap().is_symlink());
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let reader = {
            let pipe = pipe.clone();
            std::thread::spawn(move || fs::read_to_string(pipe).unwrap())
        };
        written(&pipe, "through").replace().unwrap();
        assert_eq!(reader.join().unwrap(), "through");
        assert!(!pipe.metadata().unwrap().is_file());
        let full = WholeFile::create(Path::new("/dev/full")).unwrap().write_all(b"x").unwrap_err();
        assert_eq!(full.kind(), ErrorKind::StorageFull);
        assert_eq!(WholeFile::create(dir.path()).unwrap_err().kind(), ErrorKind::IsADirectory);
    }

    #[test]
    fn a_file_that_cannot_be_written_is_told_with_the_remedy_for_its_cause() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), "").unwrap();
        let told = |path: &Path| {
            let written = WholeFile::create(path).and_then(|mut file| {
                file.write_all(b"x")?;
                file.replace()
            });
            unwritable(path, "--out", written.unwrap_err()).to_string()
        };
        for (path, remedy) in [
            (dir.path().join("file/x"), "a part of its path is no folder; choose"),
            (dir.path().join("x/"), "a part of its path is no folder; choose"),
            (dir.path().join("none/x"), "make its folder first, or choose"),
            (dir.path().to_owned(), "name a file in this folder, or choose"),
            ("/dev/full".into(), "make room on its disk, or choose"),
        ] {
            let path = path.as_path();
            let expected = format!("{} cannot be written; {remedy} another place with --out", path.display());
            assert_eq!(told(path), expected);
        }
        let told = unwritable(Path::new("x"), "--truth", ErrorKind::FileTooLarge.into()).to_string();
        assert_eq!(
            told,
            "x cannot be written; raise the limit of a file's size (ulimit -f), or choose another place with --truth"
        );
    }

    #[test]
    fn leftovers_beside_the_file_behind_a_link_are_removed_and_a_living_write_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let [folder, link] = ["folder", "link.prom"].map(|name| dir.path().join(name));
        fs::create_dir(&folder).unwrap();
        std::os::unix::fs::symlink("folder/file.prom", &link).unwrap();
        let leftover = folder.join(format!("{PREFIX}1-x.tmp"));
        fs::write(&leftover, "half").unwrap();
        let living = written(&link, "whole");
        remove_leftovers_beside(&link);
        assert!(!leftover.exists());
        assert_eq!(living.replace().unwrap(), Replaced::Whole);
        assert_eq!(fs::read_to_string(&link).unwrap(), "whole");
    }

    #[test]
    fn a_file_that_is_not_whole_is_listed_until_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        let is_listed = || is_listed_in(dir.path());
        let file = written(&path, "whole");
        assert!(is_listed());
        file.replace().unwrap();
        assert!(!is_listed());
        drop(written(&path, "dropped"));
        assert!(!is_listed());
    }
}
