//! Errors, in words that say what to do.
//!
//! A [`Problem`] is one error or warning in a config, with its place; a [`ConfigError`] carries all problems of a
//! config; an [`Error`] ends a run. Texts begin with the subject, in lower case, and have no full stop. Sources are
//! in the chain, not in the text.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use indexmap::IndexSet;

use crate::excerpt;
use crate::stop::Stop;

/// A byte range in a config's [`Sources`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SourceSpan {
    /// The first byte.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
}

/// The severity of a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// The config cannot run.
    Error,
    /// The config cannot run without a plugin that ships with promemu and is missing.
    NeedsPlugin,
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

    /// Adds a missing plugin at a place.
    pub fn needs_plugin(&mut self, span: SourceSpan, message: impl Into<String>) {
        self.add(Severity::NeedsPlugin, Some(span), message.into());
    }

    /// Removes missing plugins, for callers that run nothing.
    pub fn forget_plugins(&mut self) {
        self.list.retain(|problem| problem.severity != Severity::NeedsPlugin);
        self.left_out = self.left_out.filter(|severity| *severity != Severity::NeedsPlugin);
    }

    /// Adds a warning at a place.
    pub fn warning(&mut self, span: SourceSpan, message: impl Into<String>) {
        self.add(Severity::Warning, Some(span), message.into());
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

    /// Number of errors, missing plugins included.
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

/// An error that makes a config unusable.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// No file has that name.
    #[error("config {name:?} not found in {}, nor built in{}", .looked_in, suggestion(.name.trim_end_matches(".ron"), .known))]
    NotFound {
        /// The requested name.
        name: String,
        /// The searched folders.
        looked_in: String,
        /// The known names.
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
    #[error("config {} cannot be read; check that it is a readable text file", .path.display())]
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
    /// `true` if a missing plugin is the only error.
    #[must_use]
    pub fn needs_plugin(&self) -> bool {
        let Self::Invalid { problems, .. } = self else { return false };
        let has = |severity| problems.iter().any(|problem| problem.severity == severity);
        has(Severity::NeedsPlugin) && !has(Severity::Error)
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

/// The texts of a config: its own and those of included files. Byte numbers go on from one to the next.
#[derive(Clone, Debug, Default)]
pub struct Sources(Vec<SourceFile>);

#[derive(Clone, Debug)]
struct SourceFile {
    name: String,
    text: Arc<str>,
    first_byte: usize,
    /// Made for the first place that is looked up.
    index: OnceLock<Arc<TextIndex>>,
}

/// Lines and characters of a text by byte, so that a place costs the same anywhere in it.
#[derive(Debug)]
struct TextIndex {
    /// The first byte of each line.
    lines: Vec<usize>,
    /// Number of characters before each block of [`BLOCK_BYTES`].
    chars: Vec<usize>,
}

const BLOCK_BYTES: usize = 256;

impl TextIndex {
    fn of(text: &str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        let mut before = 0;
        let blocks = text.as_bytes().chunks(BLOCK_BYTES).map(|block| {
            let this = before;
            before += count_chars(block);
            this
        });
        let mut chars: Vec<usize> = blocks.collect();
        chars.push(before);
        Self { lines: std::iter::once(0).chain(ends).collect(), chars }
    }

    /// Number of characters before a byte.
    fn chars_before(&self, text: &str, byte: usize) -> usize {
        let block = byte / BLOCK_BYTES;
        self.chars[block] + count_chars(&text.as_bytes()[block * BLOCK_BYTES..byte])
    }
}

/// Number of characters that begin in these bytes of a text.
fn count_chars(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

impl SourceFile {
    fn index(&self) -> &TextIndex {
        self.index.get_or_init(|| Arc::new(TextIndex::of(&self.text)))
    }
}

impl Sources {
    /// Adds a file; returns the number of its first byte.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<Arc<str>>) -> usize {
        let first_byte = self.0.last().map_or(0, |last| last.first_byte + last.text.len() + 1);
        let (name, text, index) = (name.into(), text.into(), OnceLock::new());
        self.0.push(SourceFile { name, text, first_byte, index });
        first_byte
    }

    /// Number of bytes of all texts.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.last().map_or(0, |last| last.first_byte + last.text.len())
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

/// The place of a problem.
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
    /// The bytes within the line.
    pub in_line: std::ops::Range<usize>,
}

impl Problem {
    /// Its place; `None` if it has none in the sources.
    #[must_use]
    pub fn place<'a>(&self, sources: &'a Sources) -> Option<Place<'a>> {
        let span = self.span?;
        let file = sources.file_at(span.start)?;
        let text = &*file.text;
        let span =
            SourceSpan { start: span.start - file.first_byte, end: span.end.saturating_sub(file.first_byte) };
        let before = text.get(..span.start).unwrap_or(text).len();
        let index = file.index();
        let line = index.lines.partition_point(|start| *start <= before);
        let line_start = index.lines[line - 1];
        let line_end = index.lines.get(line).map_or(text.len(), |next| next - 1);
        let line_text = &text[line_start..line_end];
        let start = before - line_start;
        Some(Place {
            file: &file.name,
            line,
            column: index.chars_before(text, before) - index.chars_before(text, line_start) + 1,
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

/// Maximum length of a word that is compared with others.
const NAME_BYTES_MAX: usize = 200;
/// Maximum number of names that a word is compared with; among more of them no mistake is guessed.
pub(crate) const NAMES_COMPARED_MAX: usize = 1_000;
/// Maximum work of one suggestion: the sum of the products of the lengths compared.
const COMPARED_BYTES_MAX: usize = 500_000;

/// `; did you mean "x"?` if one of `known` is close to `word`, else a list of `known`.
#[must_use]
pub fn suggestion<S: AsRef<str>>(word: &str, known: &[S]) -> String {
    match nearest(word, known) {
        Some(name) => format!("; did you mean {name:?}?"),
        None if known.is_empty() => "; there are none".to_owned(),
        None => {
            let names: Vec<&str> = known.iter().map(AsRef::as_ref).take(30).collect();
            format!("; expected {}{}", if names.len() > 1 { "one of " } else { "" }, names.join(", "))
        }
    }
}

/// The one of `known` that is close to `word`, if there is one.
#[must_use]
pub fn nearest<'a, S: AsRef<str>>(word: &str, known: &'a [S]) -> Option<&'a str> {
    // The edit distance of a very long word takes too much memory.
    let is_nameable = word.len() <= NAME_BYTES_MAX && known.len() <= NAMES_COMPARED_MAX;
    let nameable = if is_nameable { known } else { &[] };
    let mut compared = 0;
    let closest = nameable
        .iter()
        .filter(|k| k.as_ref().len() <= NAME_BYTES_MAX)
        .take_while(|k| {
            compared += word.len() * k.as_ref().len();
            compared <= COMPARED_BYTES_MAX
        })
        .map(|k| (strsim::damerau_levenshtein(word, k.as_ref()), k.as_ref()))
        .filter(|(distance, k)| {
            let len = k.chars().count().max(word.chars().count());
            *distance <= (len / 3).max(1) && *distance < len
        })
        .min();
    // The word may be the first or last part of a name.
    let has_part = |k: &&str| {
        k.strip_suffix(word).is_some_and(|start| start.ends_with('_'))
            || k.strip_prefix(word).is_some_and(|end| end.starts_with('_'))
    };
    closest.map(|(_, name)| name).or_else(|| nameable.iter().map(AsRef::as_ref).find(has_part))
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
        assert_eq!(
            suggestion("zzz", &["sine_wave", "random_walk"]),
            "; expected one of sine_wave, random_walk"
        );
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
