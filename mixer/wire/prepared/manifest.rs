//! The manifest of an output: the list of all that belongs to it, and of what it was made of.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::recording::FileEntry;

/// The content of `manifest.json`. The same pipeline and the same inputs give the same bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PreparedManifest {
    /// The program with its version.
    pub program: String,
    /// The pipeline.
    pub pipeline: PipelineEntry,
    /// SHA-256 of all inputs, in the order of their list.
    pub inputs_sha256: String,
    /// The files of the recording that rows were made of.
    pub inputs: Vec<FileEntry>,
    /// Names of the columns of rows.
    pub columns: Vec<String>,
    /// Counts of each step, of all parts.
    pub counts: IndexMap<String, u64>,
    /// Key of what was learned, which changes with its rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learned_key: Option<String>,
    /// The file of what was learned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learned: Option<FileEntry>,
    /// The file of windows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windows: Option<FileEntry>,
    /// Parts of the rows, in order of time.
    pub parts: Vec<PreparedPart>,
}

/// A pipeline.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PipelineEntry {
    /// Its name.
    pub name: String,
    /// Its version, as its author counts.
    pub version: String,
    /// SHA-256 of its text.
    pub sha256: String,
    /// The fold of a cross-validation that takes the place of its split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fold: Option<u32>,
}

/// Rows of some time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreparedPart {
    /// Their first millisecond since the Unix epoch.
    pub begin_ms: i64,
    /// The millisecond after their last.
    pub end_ms: i64,
    /// A key that changes with anything that the rows were made of.
    pub key: String,
    /// Counts of each step.
    pub counts: IndexMap<String, u64>,
    /// Their file.
    pub file: FileEntry,
}
