//! The brackets and texts that are open at a place of a text, which may be no RON.

use crate::quote::closing_quote;

/// A bracket that is open.
pub(super) struct OpenBracket {
    pub(super) bracket: char,
    /// Its byte.
    pub(super) at: usize,
    /// Its line, from 1.
    pub(super) line: usize,
    /// First byte of the value in it that has no end yet: behind the last comma or colon.
    pub(super) value_at: usize,
}

impl OpenBracket {
    pub(super) const fn close(&self) -> char {
        match self.bracket {
            '(' => ')',
            '[' => ']',
            _ => '}',
        }
    }
}

/// The state at the end of a text.
#[derive(Default)]
pub(super) struct Open {
    /// The brackets that are open, the outermost first.
    pub(super) brackets: Vec<OpenBracket>,
    /// The last quoted text: the bytes of its quotes, the second of which may be missing.
    pub(super) quoted: Option<(usize, Option<usize>)>,
}

impl Open {
    /// Follows a text from its beginning.
    pub(super) fn at_end_of(text: &str) -> Self {
        let mut open = Self::default();
        let mut line = 1;
        let mut at = 0;
        while let Some(c) = text[at..].chars().next() {
            let rest = &text[at..];
            let length = match c {
                '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
                '"' => {
                    let end = closing_quote(rest, '"').map(|length| at + length - 1);
                    open.quoted = Some((at, end));
                    end.map_or(rest.len(), |end| end + 1 - at)
                }
                _ => c.len_utf8(),
            };
            match c {
                '(' | '[' | '{' => {
                    open.brackets.push(OpenBracket { bracket: c, at, line, value_at: at + 1 });
                }
                ')' | ']' | '}' => drop(open.brackets.pop()),
                ',' | ':' => {
                    if let Some(bracket) = open.brackets.last_mut() {
                        bracket.value_at = at + 1;
                    }
                }
                _ => {}
            }
            line += rest[..length].matches('\n').count();
            at += length;
        }
        open
    }
}
