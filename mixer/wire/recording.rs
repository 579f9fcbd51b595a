//! Recordings: what a real system said, and what was done to it, in a folder.
//!
//! ```text
//! manifest.json                            sources, families, and the slices with the SHA-256 of their files
//! actions.parquet                          time, name, target, value, until
//! samples/day=2026-01-05/000001.parquet    timestamp, metric, labels, value
//! histograms/day=2026-01-05/000001.parquet native histograms
//! step=60s/day=2026-01-05/000002.parquet   what samples came to, in steps of time
//! ```
//!
//! A slice is the time of one source whose files are written together. Its files appear whole, and belong to the recording
//! once the manifest names them, which is written last. So whatever ends the writer, a slice is there once or not at all.
//!
//! A recording is read slice by slice; files that the manifest does not name are none of it.

mod action_file;
mod archived;
pub(crate) mod columns;
mod folder;
pub(crate) mod hashed_file;
mod histogram_file;
mod manifest;
mod query;
mod reader;
mod replay;
mod sample_file;
mod slice;
mod store;
#[cfg(test)]
mod tests;

pub use action_file::{Action, append_actions, change_actions};
pub use archived::{ArchivedEntry, ArchivedPart};
pub use folder::RecordingFolder;
pub use manifest::{
    Clock, FamilyEntry, FileEntry, LoadedEntry, MANIFEST, Manifest, RecorderEntry, SliceEntry, SourceEntry,
    StepEntry,
};
pub use query::{Aggregate, Aggregation, AnswerFormat, AnswerWriter, Query, QueryCounts};
pub use reader::{Recording, SeriesSamples};
pub use replay::RecordingReplays;
pub use slice::SliceWriter;
pub use store::{
    FieldRule, FileStore, Measurement, RowStore, StorePart, Stores, Tier, TierStore, archive, compact,
    downsample, expire, load, restore,
};
