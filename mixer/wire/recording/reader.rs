//! A recording that is read.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use super::action_file::{self, Action};
use super::hashed_file::sha256_of;
use super::manifest::{FileEntry, MANIFEST, Manifest, SliceEntry};
use super::{histogram_file, sample_file};
use crate::samples::{ReadSeries, SampleValue, labels_of_text};

/// Kinds of sources whose senders choose the timestamps.
const SENT: [&str; 2] = ["remote_write", "otlp"];

/// A recording.
#[derive(Clone, Debug)]
pub struct Recording {
    folder: PathBuf,
    manifest: Manifest,
}

/// The samples of series: milliseconds since the Unix epoch, in ascending order, and values.
pub type SeriesSamples = IndexMap<ReadSeries, Vec<(i64, SampleValue)>>;

impl Recording {
    /// Opens a recording. Of the data nothing is read yet.
    ///
    /// # Errors
    ///
    /// The folder is none.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let manifest = Manifest::read(folder)?.ok_or_else(|| {
            let folder = folder.display();
            io::Error::new(
                ErrorKind::NotFound,
                format!("{folder} has no {MANIFEST}; name the folder of a recording"),
            )
        })?;
        Ok(Self { folder: folder.to_owned(), manifest })
    }

    /// The folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The manifest.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// First millisecond of the recording, and the one after its last; `None` if it is empty.
    #[must_use]
    pub fn range(&self) -> Option<(i64, i64)> {
        let ranges = self.manifest.slices.iter().map(|slice| (slice.begin_ms, slice.end_ms));
        ranges.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }

    /// The slices, in the order of their begin.
    #[must_use]
    pub fn slices(&self) -> Vec<&SliceEntry> {
        let mut slices: Vec<&SliceEntry> = self.manifest.slices.iter().collect();
        slices.sort_by_key(|slice| (slice.begin_ms, slice.number));
        slices
    }

    /// Calls `take` for each run of neighbouring samples of a series in a slice: its number of rows bounds the memory.
    ///
    /// # Errors
    ///
    /// A file is missing or damaged, or `take` fails.
    pub fn for_each(
        &self,
        slice: &SliceEntry,
        mut take: impl FnMut(&ReadSeries, &mut dyn Iterator<Item = (i64, SampleValue)>) -> io::Result<()>,
    ) -> io::Result<()> {
        for entry in &slice.files {
            let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", entry.path));
            let file = File::open(self.folder.join(&entry.path)).map_err(named)?;
            let read = if entry.path.starts_with("histograms/") {
                histogram_file::read(file, |name, labels, at, histogram| {
                    let value = SampleValue::Histogram(Box::new(histogram));
                    take(&series(name, labels)?, &mut std::iter::once((at, value)))
                })
            } else {
                sample_file::read(file, |name, labels, times, values| {
                    let values = values.iter().map(|value| SampleValue::Float(*value));
                    take(&series(name, labels)?, &mut times.iter().copied().zip(values))
                })
            };
            read.map_err(named)?;
        }
        Ok(())
    }

    /// All samples of a slice, by series.
    ///
    /// # Errors
    ///
    /// A file is missing or damaged.
    pub fn samples(&self, slice: &SliceEntry) -> io::Result<SeriesSamples> {
        let mut all = SeriesSamples::new();
        self.for_each(slice, |series, samples| {
            match all.get_mut(series) {
                Some(own) => own.extend(samples),
                None => drop(all.insert(series.clone(), samples.collect())),
            }
            Ok(())
        })?;
        all.values_mut().for_each(|samples| samples.sort_by_key(|(at, _)| *at));
        Ok(all)
    }

    /// The actions, in the order of their times.
    ///
    /// # Errors
    ///
    /// The file is damaged.
    pub fn actions(&self) -> io::Result<Vec<Action>> {
        if self.manifest.actions.is_none() { Ok(Vec::new()) } else { action_file::read(&self.folder) }
    }

    /// The files that are missing or have another content than the manifest says, each in a sentence.
    #[must_use]
    pub fn damage(&self) -> Vec<String> {
        let of_slices = self.manifest.slices.iter().flat_map(|slice| &slice.files);
        let of_steps = self.manifest.steps.iter().map(|steps| &steps.file);
        of_slices
            .chain(of_steps)
            .chain(&self.manifest.actions)
            .filter_map(|entry| self.damage_of(entry))
            .collect()
    }

    /// The files of a slice that are missing or have another content than the manifest says, each in a sentence.
    #[must_use]
    pub fn damage_of_slice(&self, slice: &SliceEntry) -> Vec<String> {
        slice.files.iter().filter_map(|entry| self.damage_of(entry)).collect()
    }

    /// `true` if senders chose the timestamps of a slice, so that it may have those of any time.
    #[must_use]
    pub fn has_senders_times(&self, slice: &SliceEntry) -> bool {
        let source = self.manifest.sources.get(&slice.source);
        source.is_some_and(|source| SENT.contains(&source.kind.as_str()))
    }

    fn damage_of(&self, entry: &FileEntry) -> Option<String> {
        let FileEntry { path, sha256, .. } = entry;
        match sha256_of(&self.folder.join(path)) {
            Ok(found) if found == *sha256 => None,
            Ok(found) => Some(format!("{path} has the SHA-256 {found}, but the manifest says {sha256}")),
            Err(error) if error.kind() == ErrorKind::NotFound => Some(format!("{path} is missing")),
            Err(error) => Some(format!("{path} cannot be read: {error}")),
        }
    }
}

fn series(name: &str, labels: &str) -> io::Result<ReadSeries> {
    let labels = labels_of_text(labels).map_err(io::Error::other)?;
    Ok(ReadSeries { metric: name.to_owned(), labels })
}
