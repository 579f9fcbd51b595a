//! Errors, in words that say what to do.
//!
//! A [`Problem`] is one error or warning in a config, with its place; a [`ConfigError`] carries all problems of a
//! config; an [`Error`] ends a run. Texts begin with the subject, in lower case, and have no full stop. Sources are
//! in the chain, not in the text.

mod sources;
mod suggestion;

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

use indexmap::IndexSet;

use crate::excerpt;
use crate::stop::Stop;
use crate::user_file::remedy;

pub use sources::{Place, SourceSpan, Sources};
pub(crate) use suggestion::NAMES_COMPARED_MAX;
pub use suggestion::{nearest, suggestion};

/// The severity of a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// The config cannot run.
    Error,
    /// The config cannot run without something that it does not have: a plugin that ships with promemu, or a user's recording.
    NeedsMore,
    /// The config runs, but probably not as meant.
    Warning,
}

/// One error or warning in a config.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Problem {
    /// Its severity.
    pub severity: Severity,
    /// Its place; `None` if it has none in the file, such as a wrong argument.
    pub span: Option<SourceSpan>,
    /// The error, and what to do about it.
    pub message: String,
}

/// Maximum length of a message; a longer one repeats a very long text of the config.
const MESSAGE_BYTES_MAX: usize = 400;

/// Maximum number of problems that are kept; nobody reads more.
const PROBLEMS_MAX: usize = 1_000;

/// The problems of one config, in the order of their places.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    list: IndexSet<Problem>,
    errors: usize,
    /// The severest of the problems that were not kept.
    left_out: Option<Severity>,
    stop: Stop,
}

impl Problems {
    /// No problems yet; `stop` ends the work that looks for them.
    #[must_use]
    pub fn until(stop: Stop) -> Self {
        Self { stop, ..Self::default() }
    }

    /// `true` if the work that looks for problems is to end: it was asked to, or there are more errors than are kept.
    /// Steps that are repeated look at it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.errors > PROBLEMS_MAX || self.is_stopped()
    }

    /// `true` if the work was asked to end.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stop.is_set()
    }

    /// `true` if no further problem is kept.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.list.len() >= PROBLEMS_MAX
    }

    /// Adds an error at a place; a repeated one is kept once.
    pub fn error(&mut self, span: SourceSpan, message: impl Into<String>) {
        self.add(Severity::Error, Some(span), message.into());
    }

    /// Adds an error without a place.
    pub fn error_anywhere(&mut self, message: impl Into<String>) {
        self.add(Severity::Error, None, message.into());
    }

    /// Adds something that the config needs, at a place.
    pub fn needs_more(&mut self, span: SourceSpan, message: impl Into<String>) {
        self.add(Severity::NeedsMore, Some(span), message.into());
    }

    /// Adds something that the config needs, without a place.
    pub fn needs_more_anywhere(&mut self, message: impl Into<String>) {
        self.add(Severity::NeedsMore, None, message.into());
    }

    /// Removes what the config needs, for callers that run nothing.
    pub fn forget_needs(&mut self) {
        self.list.retain(|problem| problem.severity != Severity::NeedsMore);
        self.left_out = self.left_out.filter(|severity| *severity != Severity::NeedsMore);
    }

    /// Takes back an error that another one has caused.
    pub(crate) fn take_back(&mut self, span: SourceSpan, message: String) {
        let problem = Problem { severity: Severity::Error, span: Some(span), message };
        if self.list.shift_remove(&problem) {
            self.errors -= 1;
        }
    }

    /// Adds a warning at a place.
    pub fn warning(&mut self, span: SourceSpan, message: impl Into<String>) {
        self.add(Severity::Warning, Some(span), message.into());
    }

    /// Adds a warning without a place.
    pub fn warning_anywhere(&mut self, message: impl Into<String>) {
        self.add(Severity::Warning, None, message.into());
    }

    fn add(&mut self, severity: Severity, span: Option<SourceSpan>, message: String) {
        let message = match excerpt::within(MESSAGE_BYTES_MAX, &message) {
            Cow::Borrowed(_) => message,
            Cow::Owned(shortened) => shortened,
        };
        let problem = Problem { severity, span, message };
        let is_new = if self.is_full() {
            let is_new = !self.list.contains(&problem);
            if is_new && self.left_out.is_none_or(|severest| severest == Severity::Warning) {
                self.left_out = Some(severity);
            }
            is_new
        } else {
            self.list.insert(problem)
        };
        self.errors += usize::from(is_new && severity != Severity::Warning);
    }

    /// Number of errors, what the config needs included.
    #[must_use]
    pub const fn error_count(&self) -> usize {
        self.errors
    }

    /// The problems, sorted by place. If some were not kept, the last one says so.
    #[must_use]
    pub fn into_sorted(self) -> Vec<Problem> {
        let mut list: Vec<Problem> = self.list.into_iter().collect();
        list.sort_by_key(|p| p.span.map_or(0, |s| s.start));
        if let Some(severity) = self.left_out {
            let message = format!("more than {PROBLEMS_MAX} problems; further ones are left out");
            list.push(Problem { severity, span: None, message });
        }
        list
    }
}

/// The known config that is meant by a name or a path.
fn known_config(name: &str, known: &[String]) -> String {
    match known {
        [only] if only.strip_suffix(".ron") == Some(name) => format!("; did you mean {only:?}?"),
        _ => {
            let name = name.rsplit('/').next().unwrap_or(name);
            suggestion(name.trim_end_matches(".ron"), known)
        }
    }
}

/// An error that makes a config unusable.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// No file has that name.
    #[error("config {name:?} not found in {}, nor built in{}", .looked_in, known_config(.name, .known))]
    NotFound {
        /// The requested name.
        name: String,
        /// The searched folders.
        looked_in: String,
        /// The known names, or the path of the one file that is meant.
        known: Vec<String>,
    },
    /// A list of configs leaves one out, as those before it are too large together.
    #[error(
        "config is not looked into, as those before it in the list have more than {bytes_max} bytes together"
    )]
    NotListed {
        /// The largest number of bytes.
        bytes_max: usize,
    },
    /// A folder of configs cannot be read, and no other place has the config.
    #[error("config {name:?} not found, and the folder {} cannot be read; check its path and mode", .dir.display())]
    UnreadableDir {
        /// The requested name.
        name: String,
        /// The folder.
        dir: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The file cannot be read.
    #[error("config {} cannot be read{}", .path.display(), remedy(.source, "check that it is a readable text file"))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// Only who starts promemu has files read by their paths.
    #[error(
        "{path:?} is a path; what a client sends names files of the configs folders only, as in \"node_sets\""
    )]
    PathOfClient {
        /// The path.
        path: String,
    },
    /// Loading it was ended early.
    #[error("config takes too long to load and was given up; make it smaller")]
    GivenUp,
    /// The config has errors.
    #[error("{}", Rendered(.sources, .problems))]
    Invalid {
        /// The files, for lines and columns.
        sources: Sources,
        /// All problems, warnings included.
        problems: Vec<Problem>,
    },
}

impl ConfigError {
    /// `true` if something that is missing, as a plugin, a recording or an argument of a plugin's config, is the only error.
    #[must_use]
    pub fn needs_more(&self) -> bool {
        let Self::Invalid { problems, .. } = self else { return false };
        let has = |severity| problems.iter().any(|problem| problem.severity == severity);
        has(Severity::NeedsMore) && !has(Severity::Error)
    }
}

/// An error that ends a run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The config has errors.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A flag or variable has an invalid value.
    #[error("{0}")]
    Usage(String),
    /// The run cannot start or go on.
    #[error("{0}")]
    Run(String),
    /// The run cannot start or go on, because of a server's answer. The answer is for the operator, who knows the server.
    #[error("{text}")]
    Server {
        /// The error, with what the server said.
        text: String,
        /// The error without that.
        for_clients: String,
    },
    /// The run cannot start or go on, because of an error of the system.
    #[error("{what}")]
    System {
        /// The failed step, and what to do about it.
        what: String,
        /// The system's error.
        source: std::io::Error,
    },
}

impl Error {
    /// The exit code: 2 for wrong usage or a wrong config, 1 for a failure at run time.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Usage(_) => 2,
            Self::Run(_) | Self::Server { .. } | Self::System { .. } => 1,
        }
    }

    /// The error and its causes as clients of the API may see them: without the answers of servers.
    #[must_use]
    pub fn for_clients(&self) -> String {
        match self {
            Self::Server { for_clients, .. } => for_clients.clone(),
            _ => self.with_causes(),
        }
    }

    /// The error and its causes on one line: `subject: cause: its cause`.
    #[must_use]
    pub fn with_causes(&self) -> String {
        let causes = std::iter::successors(std::error::Error::source(self), |cause| cause.source());
        causes.fold(self.to_string(), |text, cause| format!("{text}: {cause}"))
    }
}

/// One line per problem: `file:line:column: message`.
struct Rendered<'a>(&'a Sources, &'a [Problem]);

impl fmt::Display for Rendered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.1.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            let kind = if problem.severity == Severity::Warning { "warning: " } else { "" };
            write!(f, "{kind}{}", problem.render(self.0))?;
        }
        Ok(())
    }
}

impl Problem {
    /// Its place; `None` if it has none in the sources.
    #[must_use]
    pub fn place<'a>(&self, sources: &'a Sources) -> Option<Place<'a>> {
        sources.place(self.span?)
    }

    /// `file:line:column: message`.
    #[must_use]
    pub fn render(&self, sources: &Sources) -> String {
        match self.place(sources) {
            Some(Place { file, line, column, .. }) => format!("{file}:{line}:{column}: {}", self.message),
            None => format!("{}: {}", sources.name(), self.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_show_their_line_and_column() {
        let text = "Config(\n  höst: 1,\n)";
        let at = text.find('1').unwrap();
        let problem = Problem {
            severity: Severity::Error,
            span: Some(SourceSpan { start: at, end: at + 1 }),
            message: "x is wrong".into(),
        };
        let mut sources = Sources::default();
        sources.add("configs/a.ron", text);
        let second = sources.add("configs/b.ron", "one\ntwo");
        assert_eq!(problem.render(&sources), "configs/a.ron:2:9: x is wrong");
        let span = Some(SourceSpan { start: second + 4, end: second + 7 });
        let problem = Problem { span, ..problem };
        assert_eq!(problem.render(&sources), "configs/b.ron:2:1: x is wrong");
    }

    #[test]
    fn the_same_problem_is_kept_once() {
        let mut problems = Problems::default();
        for _ in 0..3 {
            problems.error(SourceSpan { start: 1, end: 2 }, "twice");
        }
        assert_eq!(problems.error_count(), 1);
    }
}
