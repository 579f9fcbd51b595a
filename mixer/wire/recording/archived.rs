//! Slices and steps in another store, as the manifest has them.

use serde::{Deserialize, Serialize};

use super::manifest::{FileEntry, Manifest, SliceEntry, StepEntry};

/// A slice or the steps of a day, with copies in another store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchivedEntry {
    /// Address of the store, without secrets.
    pub store: String,
    /// `true` if its files are only there; `false` while they are copied, or were brought back.
    pub is_moved: bool,
    /// The slice, or the steps.
    pub part: ArchivedPart,
}

/// The part of a recording that an entry is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArchivedPart {
    /// A slice.
    Slice(SliceEntry),
    /// The steps of a source's day.
    Steps(StepEntry),
}

impl ArchivedEntry {
    /// `true` for the entry of the part of this number in this store.
    pub(super) fn is_copy(&self, store: &str, number: u64) -> bool {
        self.store == store && self.part.number() == number
    }
}

impl ArchivedPart {
    /// Its number.
    #[must_use]
    pub const fn number(&self) -> u64 {
        match self {
            Self::Slice(slice) => slice.number,
            Self::Steps(steps) => steps.number,
        }
    }

    /// Name of its source.
    #[must_use]
    pub fn source(&self) -> &str {
        match self {
            Self::Slice(slice) => &slice.source,
            Self::Steps(steps) => &steps.source,
        }
    }

    /// A millisecond of its day: the first one of the slice, or that of the day.
    #[must_use]
    pub const fn day_ms(&self) -> i64 {
        match self {
            Self::Slice(slice) => slice.begin_ms,
            Self::Steps(steps) => steps.day_ms,
        }
    }

    /// Milliseconds of its steps; `None` for samples.
    #[must_use]
    pub const fn step_ms(&self) -> Option<i64> {
        match self {
            Self::Slice(_) => None,
            Self::Steps(steps) => Some(steps.step_ms),
        }
    }

    /// Its files.
    #[must_use]
    pub fn files(&self) -> &[FileEntry] {
        match self {
            Self::Slice(slice) => &slice.files,
            Self::Steps(steps) => std::slice::from_ref(&steps.file),
        }
    }
}

impl Manifest {
    /// Steps in the folder and those in another store.
    pub(super) fn steps_anywhere(&self) -> impl Iterator<Item = &StepEntry> {
        let moved = self.archived.iter().filter(|entry| entry.is_moved);
        self.steps.iter().chain(moved.filter_map(|entry| match &entry.part {
            ArchivedPart::Steps(steps) => Some(steps),
            ArchivedPart::Slice(_) => None,
        }))
    }

    /// The slices and steps in the folder that have these numbers.
    pub(super) fn parts_of(&self, numbers: &[u64]) -> Vec<ArchivedPart> {
        let slices = self.slices.iter().cloned().map(ArchivedPart::Slice);
        let parts = slices.chain(self.steps.iter().cloned().map(ArchivedPart::Steps));
        parts.filter(|part| numbers.contains(&part.number())).collect()
    }

    /// `true` if a slice or steps in the folder have this number.
    pub(super) fn has_number(&self, number: u64) -> bool {
        self.slices.iter().any(|slice| slice.number == number)
            || self.steps.iter().any(|steps| steps.number == number)
    }

    /// Forgets that what is gone is in a database.
    pub(super) fn forget_loaded(&mut self) {
        let mut loaded = std::mem::take(&mut self.loaded);
        let is_archived = |number: u64| self.archived.iter().any(|entry| entry.part.number() == number);
        loaded.retain(|entry| self.has_number(entry.number) || is_archived(entry.number));
        self.loaded = loaded;
    }

    /// The highest number of a slice or of steps, wherever they are; 0 without any.
    pub(super) fn last_number(&self) -> u64 {
        let slices = self.slices.iter().map(|slice| slice.number);
        let steps = self.steps.iter().map(|steps| steps.number);
        let archived = self.archived.iter().map(|entry| entry.part.number());
        slices.chain(steps).chain(archived).max().unwrap_or(0)
    }
}
