//! The manifest of a recording: the list of all that belongs to it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::archived::ArchivedEntry;

/// Its name.
pub const MANIFEST: &str = "manifest.json";
/// The version of the format.
const VERSION: u32 = 1;
/// Bytes of a manifest, at most.
const BYTES_MAX: u64 = 256 << 20;

/// The content of `manifest.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the format.
    pub version: u32,
    /// The program and the machine that made the recording.
    pub recorder: RecorderEntry,
    /// The sources by their names.
    #[serde(default)]
    pub sources: IndexMap<String, SourceEntry>,
    /// Types, texts and units of the families.
    #[serde(default)]
    pub families: IndexMap<String, FamilyEntry>,
    /// Processors of each instance, as far as its metrics tell.
    #[serde(default)]
    pub cores: IndexMap<String, u32>,
    /// The file of actions, if there are any.
    #[serde(default)]
    pub actions: Option<FileEntry>,
    /// The slices, in the order in which they were written.
    #[serde(default)]
    pub slices: Vec<SliceEntry>,
    /// The files of steps, which take the place of slices that are gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepEntry>,
    /// Slices and steps that are in another store, or on their way there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub archived: Vec<ArchivedEntry>,
    /// Slices and steps whose rows are in a database, too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loaded: Vec<LoadedEntry>,
}

/// The program and the machine that made a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecorderEntry {
    /// The program with its version.
    pub program: String,
    /// Processors of its machine.
    pub cores: u32,
}

/// A source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SourceEntry {
    /// Its kind, as `scrape` or `remote_read`.
    pub kind: String,
    /// Its addresses or paths, without secrets.
    pub targets: Vec<String>,
    /// The selectors of its series; none for all.
    #[serde(default)]
    pub selectors: Vec<String>,
    /// Seconds between two samples of a series: the interval of scrapes, or the step of a query.
    #[serde(default)]
    pub interval_secs: Option<f64>,
    /// `true` if its samples are not those that were stored, but made anew by a query.
    #[serde(default)]
    pub is_resampled: bool,
    /// The clock of its timestamps.
    #[serde(default)]
    pub clock: Clock,
}

impl SourceEntry {
    /// A source of this kind with one address or path.
    #[must_use]
    pub fn new(kind: &str, target: impl std::fmt::Display) -> Self {
        Self { kind: kind.to_owned(), targets: vec![target.to_string()], ..Self::default() }
    }
}

/// The clock of a source's timestamps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Clock {
    /// `true` if the recorder gave the timestamps, unless samples have their own.
    pub is_recorder: bool,
    /// Seconds by which the source's clock was ahead when it was first asked, as far as it tells, to the second.
    pub ahead_secs: Option<f64>,
}

/// Type, text and unit of a family.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FamilyEntry {
    /// The type.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// The HELP text.
    #[serde(default)]
    pub help: String,
    /// The unit.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
}

/// A slice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SliceEntry {
    /// Its number, which is in the names of its files.
    pub number: u64,
    /// Name of the source.
    pub source: String,
    /// Its first millisecond since the Unix epoch.
    pub begin_ms: i64,
    /// The millisecond after its last.
    pub end_ms: i64,
    /// Its files; none if there was no sample.
    pub files: Vec<FileEntry>,
}

/// The steps of a source's day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepEntry {
    /// Its number, which is in the name of its file.
    pub number: u64,
    /// Name of the source.
    pub source: String,
    /// The first millisecond of the day, since the Unix epoch.
    pub day_ms: i64,
    /// Milliseconds of a step.
    pub step_ms: i64,
    /// Number of rows of the slices that it was made of.
    pub of_rows: u64,
    /// Its file.
    pub file: FileEntry,
}

impl StepEntry {
    /// `true` for the steps of this source, day and length.
    #[must_use]
    pub fn is_of(&self, source: &str, day_ms: i64, step_ms: i64) -> bool {
        self.source == source && self.day_ms == day_ms && self.step_ms == step_ms
    }
}

/// A slice or steps whose rows are in a database, too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadedEntry {
    /// Address of the database, without secrets.
    pub database: String,
    /// The number of the slice or the steps.
    pub number: u64,
}

/// A file of a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its path in the folder.
    pub path: String,
    /// Number of rows.
    pub rows: u64,
    /// Number of bytes.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: String,
}

impl Manifest {
    /// The manifest of a recording that is empty.
    #[must_use]
    pub fn new(cores: u32) -> Self {
        let program = concat!("promemu ", env!("CARGO_PKG_VERSION")).to_owned();
        Self {
            version: VERSION,
            recorder: RecorderEntry { program, cores },
            sources: IndexMap::new(),
            families: IndexMap::new(),
            cores: IndexMap::new(),
            actions: None,
            slices: Vec::new(),
            steps: Vec::new(),
            archived: Vec::new(),
            loaded: Vec::new(),
        }
    }

    /// The manifest of a folder; `None` if it has none.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is none of this version.
    pub fn read(folder: &Path) -> io::Result<Option<Self>> {
        let path = folder.join(MANIFEST);
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let mut text = Vec::new();
        file.take(BYTES_MAX).read_to_end(&mut text)?;
        let broken = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
        let manifest: Self = serde_json::from_slice(&text)
            .map_err(|error| broken(format!("{} is no manifest of a recording: {error}", path.display())))?;
        if manifest.version == VERSION {
            return Ok(Some(manifest));
        }
        Err(broken(format!(
            "{} has the version {}, but only {VERSION} can be read; use the promemu that made it",
            path.display(),
            manifest.version
        )))
    }

    /// Replaces the manifest of a folder. It is on disk afterwards.
    ///
    /// # Errors
    ///
    /// The folder cannot be written.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let mut file = super::hashed_file::HashedFile::create(folder, MANIFEST)?;
        let text = serde_json::to_vec_pretty(self).map_err(io::Error::other)?;
        file.write_all(&text)?;
        file.write_all(b"\n")?;
        file.finish(0).map(drop)
    }

    /// Times of the source's slices, as milliseconds since the Unix epoch.
    pub fn ranges_of<'m>(&'m self, source: &'m str) -> impl Iterator<Item = (i64, i64)> + 'm {
        let slices = self.slices.iter().filter(move |slice| slice.source == source);
        slices.map(|slice| (slice.begin_ms, slice.end_ms))
    }

    /// `true` if the rows of a slice or of steps are in a database.
    #[must_use]
    pub fn is_loaded(&self, database: &str, number: u64) -> bool {
        self.loaded.iter().any(|entry| entry.number == number && entry.database == database)
    }

    /// Number of rows of all slices.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.slices.iter().flat_map(|slice| &slice.files).map(|file| file.rows).sum()
    }
}
