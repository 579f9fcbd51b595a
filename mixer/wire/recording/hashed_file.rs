//! A file that appears whole, with its SHA-256.

use std::fmt::Write as _;
use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ring::digest::{Context, SHA256};

use super::manifest::FileEntry;

/// Begin of the name of a file that is not whole.
pub(crate) const UNFINISHED: &str = ".unfinished-";
/// Others may read a file, as far as the user's mask allows.
const MODE: u32 = 0o666;

/// A file that is written under another name until it is whole.
pub(crate) struct HashedFile {
    file: tempfile::NamedTempFile,
    folder: PathBuf,
    /// Its path in the folder.
    path: String,
    digest: Context,
    bytes: u64,
}

impl HashedFile {
    /// A file at a path of a recording's folder. Folders on the way are made.
    pub(crate) fn create(folder: &Path, path: &str) -> io::Result<Self> {
        let target = folder.join(path);
        let parent = target.parent().unwrap_or(folder);
        fs::create_dir_all(parent)?;
        let mut builder = tempfile::Builder::new();
        let builder = builder.prefix(UNFINISHED).permissions(Permissions::from_mode(MODE));
        let file = builder.tempfile_in(parent)?;
        Ok(Self {
            file,
            folder: folder.to_owned(),
            path: path.to_owned(),
            digest: Context::new(&SHA256),
            bytes: 0,
        })
    }

    /// The SHA-256 of all that was written so far.
    pub(crate) fn sha256(&self) -> String {
        hex(self.digest.clone().finish().as_ref())
    }

    /// The file is whole: it is on disk, and then it has its name.
    pub(crate) fn finish(self, rows: u64) -> io::Result<FileEntry> {
        let target = self.folder.join(&self.path);
        self.file.as_file().sync_all()?;
        self.file.persist(&target).map_err(|refused| refused.error)?;
        // The names on the way to it are on disk, too.
        for parent in target.ancestors().skip(1) {
            File::open(parent)?.sync_all()?;
            if parent == self.folder {
                break;
            }
        }
        Ok(FileEntry { path: self.path, rows, bytes: self.bytes, sha256: hex(self.digest.finish().as_ref()) })
    }
}

impl Write for HashedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.as_file_mut().write(bytes)?;
        self.digest.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_file_mut().flush()
    }
}

/// The SHA-256 of what is written, which goes on to another writer.
pub(crate) struct HashedSink<W> {
    out: W,
    digest: Context,
}

impl<W: Write> HashedSink<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { out, digest: Context::new(&SHA256) }
    }

    pub(crate) fn sha256(self) -> String {
        hex(self.digest.finish().as_ref())
    }
}

impl<W: Write> Write for HashedSink<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.digest.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The SHA-256 of a file, in hexadecimal digits.
pub(crate) fn sha256_of(path: &Path) -> io::Result<String> {
    let mut digest = Context::new(&SHA256);
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        match io::Read::read(&mut file, &mut buffer)? {
            0 => return Ok(hex(digest.finish().as_ref())),
            len => digest.update(&buffer[..len]),
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // A string takes all that is written.
        let _is_written = write!(text, "{byte:02x}").is_ok();
        text
    })
}
