//! What can go wrong, in words that say what to do.
//!
//! A [`Problem`] is one thing wrong in a config, with its place; [`ConfigError`] carries all of a config's
//! problems at once; [`Error`] is what a run can fail with. Texts start with the subject, in lower case,
//! and have no full stop.

use std::fmt;
use std::path::PathBuf;

use indexmap::IndexSet;

/// A byte range in a config's [`Sources`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SourceSpan {
    /// The first byte.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
}

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// The config cannot run.
    Error,
    /// The config cannot run as long as a plugin that ships with promemu is not there.
    NeedsPlugin,
    /// The config runs, but probably not as meant.
    Warning,
}

/// One thing wrong in a config.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// Where it is; `None` when it has no place in the file.
    pub span: Option<SourceSpan>,
    /// What is wrong, and what to do.
    pub message: String,
}

/// A longer message is cut: it repeats something endless of the config's.
const MESSAGE_CHARS_MAX: usize = 400;

/// The problems of one config, in the order of their places.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    list: IndexSet<Problem>,
    errors: usize,
}

impl Problems {
    /// Adds an error at a place. The same error at the same place is kept once.
    pub fn error(&mut self, span: SourceSpan, message: impl Into<String>) {
        self.add(Severity::Error, Some(span), message.into());
    }

    /// Adds an error without a place.
    pub fn error_anywhere(&mut self, message: impl Into<String>) {
        self.add(Severity::Error, None, message.into());
    }

    /// Adds that a plugin is needed which is not there.
    pub fn needs_plugin(&mut self, span: SourceSpan, message: impl Into<String>) {
        self.add(Severity::NeedsPlugin, Some(span), message.into());
    }

    /// Forgets what plugins are needed, where nothing is to run.
    pub fn forget_plugins(&mut self) {
        self.list.retain(|problem| problem.severity != Severity::NeedsPlugin);
    }

    /// Adds a warning at a place.
    pub fn warning(&mut self, span: SourceSpan, message: impl Into<String>) {
        self.add(Severity::Warning, Some(span), message.into());
    }

    fn add(&mut self, severity: Severity, span: Option<SourceSpan>, mut message: String) {
        if let Some((end, _)) = message.char_indices().nth(MESSAGE_CHARS_MAX) {
            message.truncate(end);
            message.push('…');
        }
        if self.list.insert(Problem { severity, span, message }) && severity != Severity::Warning {
            self.errors += 1;
        }
    }

    /// How many errors there are.
    #[must_use]
    pub const fn error_count(&self) -> usize {
        self.errors
    }

    /// The problems, sorted by place.
    #[must_use]
    pub fn into_sorted(self) -> Vec<Problem> {
        let mut list: Vec<Problem> = self.list.into_iter().collect();
        list.sort_by_key(|p| p.span.map_or(0, |s| s.start));
        list
    }
}

/// Why a config cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// No file has that name.
    #[error("config {name:?} not found in {}, nor built in{}", .looked_in, suggestion(.name.trim_end_matches(".ron"), .known))]
    NotFound {
        /// The name asked for.
        name: String,
        /// Where it was looked for.
        looked_in: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// The file cannot be read.
    #[error("config {} cannot be read; check that it is a readable text file", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The config has errors.
    #[error("{}", Rendered(.sources, .problems))]
    Invalid {
        /// The files, for lines and columns.
        sources: Sources,
        /// All that is wrong, warnings included.
        problems: Vec<Problem>,
    },
}

impl ConfigError {
    /// Whether nothing is wrong but that a plugin is not there.
    #[must_use]
    pub fn needs_plugin(&self) -> bool {
        let Self::Invalid { problems, .. } = self else { return false };
        let has = |severity| problems.iter().any(|problem| problem.severity == severity);
        has(Severity::NeedsPlugin) && !has(Severity::Error)
    }
}

/// Why a run ended badly.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The config is no good.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A flag or variable has a value that makes no sense.
    #[error("{0}")]
    Usage(String),
    /// The run could not start or go on.
    #[error("{0}")]
    Run(String),
    /// The run could not start or go on, because the system refused something.
    #[error("{what}")]
    System {
        /// What was tried, and what to do about it.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Error {
    /// The exit code: 2 for wrong usage or config, 1 for what failed at run time.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Usage(_) => 2,
            Self::Run(_) | Self::System { .. } => 1,
        }
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

/// The texts that a config is made of: its own, and those of the files that it includes. Their bytes are
/// counted on from one to the next.
#[derive(Clone, Debug, Default)]
pub struct Sources(Vec<SourceFile>);

#[derive(Clone, Debug)]
struct SourceFile {
    name: String,
    text: String,
    first_byte: usize,
}

impl Sources {
    /// Adds a file; gives the number of its first byte.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> usize {
        let first_byte = self.0.last().map_or(0, |last| last.first_byte + last.text.len() + 1);
        self.0.push(SourceFile { name: name.into(), text: text.into(), first_byte });
        first_byte
    }

    /// The name of the config's own file.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.first().map_or("", |file| &file.name)
    }

    fn file_at(&self, byte: usize) -> Option<&SourceFile> {
        self.0.iter().rev().find(|file| file.first_byte <= byte)
    }
}

/// Where a problem is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The file.
    pub file: &'a str,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The line's text.
    pub line_text: &'a str,
    /// Which bytes of the line.
    pub in_line: std::ops::Range<usize>,
}

impl Problem {
    /// Where it is, if it has a place.
    #[must_use]
    pub fn place<'a>(&self, sources: &'a Sources) -> Option<Place<'a>> {
        let span = self.span?;
        let file = sources.file_at(span.start)?;
        let text = file.text.as_str();
        let span =
            SourceSpan { start: span.start - file.first_byte, end: span.end.saturating_sub(file.first_byte) };
        let before = text.get(..span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line_text = text[line_start..].split('\n').next().unwrap_or("");
        let start = before.len() - line_start;
        Some(Place {
            file: &file.name,
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            line_text,
            in_line: start..(span.end.saturating_sub(line_start)).clamp(start, line_text.len().max(start)),
        })
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

/// A longer word is not compared with others.
const NAME_BYTES_MAX: usize = 200;

/// `; did you mean "x"?` when one of `known` is close to `word`, else what there is.
#[must_use]
pub fn suggestion<S: AsRef<str>>(word: &str, known: &[S]) -> String {
    // The distance of an endless word would take endless memory.
    let nameable = if word.len() <= NAME_BYTES_MAX { known } else { &[] };
    let closest = nameable
        .iter()
        .filter(|k| k.as_ref().len() <= NAME_BYTES_MAX)
        .map(|k| (strsim::damerau_levenshtein(word, k.as_ref()), k.as_ref()))
        .filter(|(distance, k)| {
            let len = k.chars().count().max(word.chars().count());
            *distance <= (len / 3).max(1) && *distance < len
        })
        .min();
    // Of a name with several parts, the last or the first may be what somebody remembers.
    let has_part = |k: &&str| {
        k.strip_suffix(word).is_some_and(|start| start.ends_with('_'))
            || k.strip_prefix(word).is_some_and(|end| end.starts_with('_'))
    };
    let closest = closest.map(|(_, name)| name).or_else(|| nameable.iter().map(AsRef::as_ref).find(has_part));
    match closest {
        Some(name) => format!("; did you mean {name:?}?"),
        None if known.is_empty() => "; there is none".to_owned(),
        None => {
            let names: Vec<&str> = known.iter().map(AsRef::as_ref).take(30).collect();
            format!("; there is {}", names.join(", "))
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
    fn a_close_name_is_suggested_and_a_far_one_lists_all() {
        assert_eq!(suggestion("sine_wav", &["sine_wave", "random_walk"]), "; did you mean \"sine_wave\"?");
        assert_eq!(suggestion("walk", &["sine_wave", "random_walk"]), "; did you mean \"random_walk\"?");
        assert_eq!(suggestion("random", &["sine_wave", "random_walk"]), "; did you mean \"random_walk\"?");
        assert_eq!(suggestion("zzz", &["sine_wave", "random_walk"]), "; there is sine_wave, random_walk");
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
