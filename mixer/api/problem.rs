//! Problems of a config, as JSON.

use serde::Serialize;
use utoipa::ToSchema;

use promemu_core::error::{Problem, Severity, Sources};

/// A problem of a config.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ProblemView {
    /// `error` or `warning`.
    severity: &'static str,
    /// The file, or the name of the config.
    file: String,
    /// The line, from 1.
    line: Option<usize>,
    /// The column in characters, from 1.
    column: Option<usize>,
    /// The problem, and the way to mend it.
    message: String,
}

impl ProblemView {
    pub(crate) fn of(problem: &Problem, sources: &Sources) -> Self {
        let place = problem.place(sources);
        Self {
            severity: if problem.severity == Severity::Error { "error" } else { "warning" },
            file: place.as_ref().map_or(sources.name(), |place| place.file).to_owned(),
            line: place.as_ref().map(|place| place.line),
            column: place.as_ref().map(|place| place.column),
            message: problem.message.clone(),
        }
    }

    pub(crate) fn warning(message: String) -> Self {
        Self { severity: "warning", file: String::new(), line: None, column: None, message }
    }
}
