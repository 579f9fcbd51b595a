//! Rows for learning, made of a recording: a folder of outputs, of which the newest is in use.
//!
//! ```text
//! current -> 000003                            the output that is in use
//! 000003/manifest.json                         pipeline, inputs, counts of each step, files with their SHA-256
//! 000003/rows/day=2026-01-05/000000.parquet    rows; the name is the time of the day at which they begin
//! 000003/learned.parquet                       what was learned from rows of training, for each series
//! 000003/windows.parquet                       stretches of time for learning
//! 000003/lineage.jsonl                         events of OpenLineage
//! ```
//!
//! An output is complete before `current` names it, and the one before stays beside it. Files that did not change are the same
//! ones on disk.

mod folder;
mod manifest;
mod table;

pub use folder::{NewOutput, Output, PreparedFolder};
pub use manifest::{PipelineEntry, PreparedManifest, PreparedPart};
pub use table::{Column, ColumnKind, TableWriter, read_numbers};
