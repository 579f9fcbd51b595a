//! The life of a recording: slices become one, steps of time take the place of samples, and what is old goes.
//!
//! Each part of a plan is done as a recorder writes a slice: new files, then the manifest, then old files go. So whatever
//! ends it, each row is there once, and the same call goes on where it was.

mod archive;
mod compact;
mod downsample;
mod expire;
mod load;
mod measurement;
mod step_file;

use std::fs;
use std::io;
use std::path::Path;

use indexmap::IndexMap;

use super::folder::RecordingFolder;
use super::manifest::{FileEntry, Manifest};
use crate::samples::ReadSeries;

pub use self::archive::{archive, restore};
pub use self::compact::compact;
pub use self::downsample::downsample;
pub use self::expire::expire;
pub use self::load::load;
pub use self::measurement::{FieldRule, Measurement};
pub(super) use self::step_file::{StepRow, read_steps};

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// The samples of a recording, or steps of time that take their place, and how long they are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Tier {
    /// Its name in plans.
    pub name: String,
    /// Milliseconds of its steps; `None` for the samples themselves.
    pub step_ms: Option<i64>,
    /// Milliseconds after which a day of it goes; `None` to keep it.
    pub keep_ms: Option<i64>,
    /// The store in which its days are; `None` for the recording's folder.
    pub store: Option<TierStore>,
    /// Address of the database that has its rows, too, without secrets.
    pub database: Option<String>,
    /// `true` if its rows in the database are those of a measurement. It is no tier of the recording itself.
    pub is_measurement: bool,
}

/// The store of a tier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TierStore {
    /// Its address, without secrets.
    pub address: String,
    /// Milliseconds after the end of a day until it moves there.
    pub after_ms: i64,
}

/// A store of files, outside of a recording's folder. A path is one in a recording.
pub trait FileStore: std::fmt::Debug {
    /// Puts a copy of a file, which is there as a whole or not at all.
    ///
    /// # Errors
    ///
    /// A file of this path is there already ([`io::ErrorKind::AlreadyExists`]), or it cannot be put.
    fn put(&self, path: &str, file: &Path) -> io::Result<()>;

    /// Writes the content of a file.
    ///
    /// # Errors
    ///
    /// There is none, or it cannot be read.
    fn get(&self, path: &str, out: &mut dyn io::Write) -> io::Result<()>;

    /// Removes a file. One that is not there is removed already.
    ///
    /// # Errors
    ///
    /// It cannot be removed.
    fn remove(&self, path: &str) -> io::Result<()>;
}

/// A database that has the rows of a tier, too.
pub trait RowStore: std::fmt::Debug {
    /// Puts a row of a series: a time in milliseconds since the Unix epoch, and values by their names. It may wait for others.
    ///
    /// # Errors
    ///
    /// Rows cannot be put.
    fn put(&mut self, series: &ReadSeries, at_ms: i64, fields: &[(&str, f64)]) -> io::Result<()>;

    /// A row that has no form in a database, and is left out.
    fn leave_out(&mut self);

    /// All rows so far are in the database.
    ///
    /// # Errors
    ///
    /// They cannot be put.
    fn flush(&mut self) -> io::Result<()>;
}

/// The stores and databases of a policy, by their addresses.
#[derive(Debug, Default)]
pub struct Stores {
    /// Stores of files.
    pub files: IndexMap<String, Box<dyn FileStore>>,
    /// Databases of rows.
    pub databases: IndexMap<String, Box<dyn RowStore>>,
    /// Measurements of databases that do not have the rows of samples.
    pub measurements: IndexMap<String, Measurement>,
}

/// A part of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorePart {
    /// The name of what is done.
    pub action: &'static str,
    /// The source.
    pub source: String,
    /// The tier, of which it is a part.
    pub tier: String,
    /// The millisecond with which its first day begins.
    pub day_ms: i64,
    /// Number of files before, of their rows and of their bytes.
    pub files: [u64; 3],
    work: Work,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Work {
    Compact { slices: Vec<u64> },
    Downsample { step_ms: i64, slices: Vec<u64> },
    ExpireSlices { slices: Vec<u64> },
    ExpireSteps { number: u64 },
    Archive { store: String, numbers: Vec<u64> },
    Restore(String, u64),
    RemoveArchived(String, u64),
    Load { database: String, number: u64, from_ms: i64 },
    LoadMeasurement { database: String, numbers: Vec<u64>, from_ms: i64 },
}

impl StorePart {
    fn new<'f>(
        action: &'static str,
        (source, tier, day_ms): (&str, &str, i64),
        files: impl Iterator<Item = &'f FileEntry>,
        work: Work,
    ) -> Self {
        let sum = files.fold([0; 3], |[n, rows, bytes], file| [n + 1, rows + file.rows, bytes + file.bytes]);
        Self { action, source: source.to_owned(), tier: tier.to_owned(), day_ms, files: sum, work }
    }

    /// `true` if a store beside the recording's folder takes part.
    #[must_use]
    pub const fn needs_store(&self) -> bool {
        matches!(
            self.work,
            Work::Archive { .. }
                | Work::Restore(..)
                | Work::RemoveArchived(..)
                | Work::Load { .. }
                | Work::LoadMeasurement { .. }
        )
    }

    /// Carries out this part.
    ///
    /// # Errors
    ///
    /// A file is missing or damaged, the folder cannot be written, or a store fails.
    pub fn carry_out(&self, folder: &RecordingFolder, stores: &mut Stores) -> io::Result<()> {
        match &self.work {
            Work::Compact { slices } => compact::carry_out(folder, slices),
            Work::Downsample { step_ms, slices } => downsample::carry_out(folder, self, *step_ms, slices),
            Work::ExpireSlices { slices } => expire::slices(folder, slices),
            Work::ExpireSteps { number } => expire::steps(folder, *number),
            Work::Archive { store, numbers } => archive::carry_out(folder, store, numbers, stores),
            Work::Restore(store, number) => archive::bring_back(folder, store, *number, stores),
            Work::RemoveArchived(store, number) => archive::remove_copies(folder, store, *number, stores),
            Work::Load { database, number, from_ms } => {
                load::carry_out(folder, (database, *number, *from_ms), stores)
            }
            Work::LoadMeasurement { database, numbers, from_ms } => {
                measurement::carry_out(folder, (database, numbers, *from_ms), stores)
            }
        }
    }
}

/// The day of a time.
const fn day_of(at_ms: i64) -> i64 {
    at_ms.div_euclid(DAY_MS) * DAY_MS
}

/// Days of a source's slices with the slices' numbers, in order of time.
fn days_of(manifest: &Manifest, source: &str) -> std::collections::BTreeMap<i64, Vec<u64>> {
    let mut days: std::collections::BTreeMap<i64, Vec<u64>> = std::collections::BTreeMap::new();
    let mut slices: Vec<_> = manifest.slices.iter().filter(|slice| slice.source == source).collect();
    slices.sort_by_key(|slice| (slice.begin_ms, slice.number));
    for slice in slices {
        days.entry(day_of(slice.begin_ms)).or_default().push(slice.number);
    }
    days
}

fn files_of<'m>(manifest: &'m Manifest, slices: &'m [u64]) -> impl Iterator<Item = &'m FileEntry> {
    manifest.slices.iter().filter(|slice| slices.contains(&slice.number)).flat_map(|slice| &slice.files)
}

/// `true` if the day of a source has the steps of all tiers that still keep it.
fn has_all_steps(
    manifest: &Manifest,
    tiers: &[Tier],
    (source, day, slices): (&str, i64, &[u64]),
    now_ms: i64,
) -> bool {
    let rows: u64 = files_of(manifest, slices).map(|file| file.rows).sum();
    let has_steps = |step: i64| {
        manifest.steps_anywhere().any(|steps| steps.is_of(source, day, step) && steps.of_rows == rows)
    };
    // Steps that are too old themselves are not made any more.
    let wanted = tiers.iter().filter(|tier| tier.keep_ms.is_none_or(|keep| day + DAY_MS + keep > now_ms));
    wanted.filter_map(|tier| tier.step_ms).all(has_steps)
}

/// Removes files that the manifest does not name any more.
fn remove(folder: &Path, files: &[FileEntry]) -> io::Result<()> {
    for file in files {
        match fs::remove_file(folder.join(&file.path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
