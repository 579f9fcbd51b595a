//! The texts of a config, and places in them: a file, a line, a column. A place costs the same anywhere in a text.

use std::sync::{Arc, OnceLock};

/// A byte range in a config's [`Sources`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SourceSpan {
    /// The first byte.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
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

    /// The place of these bytes; `None` if they are not in the sources.
    #[must_use]
    pub fn place(&self, span: SourceSpan) -> Option<Place<'_>> {
        let file = self.file_at(span.start)?;
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
