//! One reading of a config: its texts, their classes, and the problems in them.

use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;

use super::classes::Classes;
use super::source::ConfigFile;
use super::tree::{self, Node};
use crate::error::{ConfigError, Problem, Problems, Severity, SourceSpan, Sources};
use crate::stop::Stop;

/// Maximum size of all texts of a config together.
pub(super) const SOURCES_BYTES_MAX: usize = 64 << 20;

/// The state of one reading: texts, files and problems so far.
pub(super) struct Reading {
    pub(super) sources: Sources,
    /// Maximum size of the texts together.
    sources_max: usize,
    pub(super) files: Vec<PathBuf>,
    pub(super) problems: Problems,
    /// Included files with their trees, by the file that names them and the name.
    pub(super) included: IndexMap<(Option<PathBuf>, String), (ConfigFile, Option<Node>)>,
}

impl Default for Reading {
    fn default() -> Self {
        Self::within(SOURCES_BYTES_MAX)
    }
}

impl Reading {
    /// Nothing read yet; the texts have so many bytes at most.
    pub(super) fn within(sources_max: usize) -> Self {
        Self {
            sources: Sources::default(),
            sources_max,
            files: Vec::new(),
            problems: Problems::default(),
            included: IndexMap::new(),
        }
    }

    /// Nothing read yet; `stop` ends the reading.
    pub(super) fn until(stop: &Stop) -> Self {
        Self { problems: Problems::until(stop.clone()), ..Self::default() }
    }

    /// Adds a file, which is named at this place, to the sources; returns the root of its tree.
    pub(super) fn root(&mut self, file: &ConfigFile, named_at: SourceSpan) -> Option<Node> {
        if self.sources.bytes() + file.text.len() > self.sources_max {
            self.problems.error(
                named_at,
                format!(
                    "the files that a config includes or names have {} bytes at most together; leave some out",
                    self.sources_max
                ),
            );
            return None;
        }
        self.files.extend(file.path.clone());
        let first_byte = self.sources.add(file.shown_path.as_str(), Arc::clone(&file.text));
        let root = tree::parse_at(&file.text, first_byte);
        root.map_err(|(span, message)| self.problems.error(span, message)).ok()
    }

    /// The classes of the config's own file, which is the first that is read.
    pub(super) fn classes<'f>(&mut self, file: &'f ConfigFile) -> Option<&'f Classes> {
        self.files.extend(file.path.clone());
        self.sources.add(file.shown_path.as_str(), Arc::clone(&file.text));
        match file.parsed() {
            Ok(classes) => {
                classes.check(&mut self.problems);
                Some(classes)
            }
            Err((span, message)) => {
                self.problems.error(*span, message.as_str());
                None
            }
        }
    }

    /// The warnings; all problems if one of them is an error.
    pub(super) fn finish(self) -> Result<Vec<Problem>, ConfigError> {
        if self.problems.is_stopped() {
            return Err(ConfigError::GivenUp);
        }
        let problems = self.problems.into_sorted();
        if problems.iter().any(|problem| problem.severity != Severity::Warning) {
            return Err(ConfigError::Invalid { sources: self.sources, problems });
        }
        Ok(problems)
    }
}
