//! Long texts of others, as people are shown them: their beginning.
//!
//! Names and values come from configs, command lines and servers, and a message may repeat them. Nobody reads 100 kB of one.

use std::borrow::Cow;

use crate::quote::closing_quote;

/// Maximum length of a text that is shown in a message.
const CHARS_MAX: usize = 60;

/// Maximum length of a text in a table.
const CELL_CHARS_MAX: usize = 500;

/// A message that is longer has its long words and quoted texts shortened. A path may be as long as this.
const MESSAGE_BYTES_MAX: usize = 4_096;

/// The beginning of a long text.
#[must_use]
pub fn beginning(text: &str) -> Cow<'_, str> {
    cut(text, CHARS_MAX)
}

/// A text in a table, on one line.
#[must_use]
pub fn cell(text: &str) -> Cow<'_, str> {
    match cut(text, CELL_CHARS_MAX) {
        shown if shown.contains('\n') => Cow::Owned(shown.replace('\n', " ")),
        shown => shown,
    }
}

fn cut(text: &str, chars: usize) -> Cow<'_, str> {
    match text.char_indices().nth(chars) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// A message. In a very long one each quoted text and each word is shown by its beginning.
#[must_use]
pub fn message(text: &str) -> Cow<'_, str> {
    within(MESSAGE_BYTES_MAX, text)
}

/// As [`message`], of about this number of bytes at most.
#[must_use]
pub fn within(bytes_max: usize, text: &str) -> Cow<'_, str> {
    if text.len() <= bytes_max {
        return Cow::Borrowed(text);
    }
    let (mut shown, mut rest) = (String::new(), text);
    // After a quote that is not closed, others are no quotes either: looking for the ends of many takes long.
    let mut has_quotes = true;
    while let Some(first) = rest.chars().next().filter(|_| shown.len() <= bytes_max) {
        let end = match first {
            '"' | '\'' if has_quotes => {
                let end = closing_quote(rest, first);
                has_quotes = end.is_some();
                end.unwrap_or(1)
            }
            '"' => 1,
            _ if first.is_whitespace() => first.len_utf8(),
            _ => rest.find(|c: char| c.is_whitespace() || c == '"').unwrap_or(rest.len()),
        };
        let (part, after) = rest.split_at(end);
        let cut = beginning(part);
        shown.push_str(&cut);
        if matches!(first, '"' | '\'') && cut.len() < part.len() && part.ends_with(first) {
            shown.push(first);
        }
        rest = after;
    }
    // Very many words are no better.
    if shown.len() > bytes_max {
        shown.truncate(shown.floor_char_boundary(bytes_max));
        shown.push('…');
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_shown_by_its_beginning() {
        assert_eq!(beginning("größer"), "größer");
        assert_eq!(beginning(&"ö".repeat(61)), format!("{}…", "ö".repeat(60)));
    }

    #[test]
    fn a_cell_has_no_line_breaks() {
        assert_eq!(cell("web-1"), "web-1");
        assert_eq!(cell("a\nRUN  STATE\n"), "a RUN  STATE ");
    }

    #[test]
    fn a_message_keeps_its_words_around_a_long_text() {
        let long = "z".repeat(100_000);
        let around = |text: &str| message(text).replace(&"z".repeat(30), "Z");
        assert_eq!(
            around(&format!("--at: \"{long}\" is not a time; write T")),
            "--at: \"Zzzzzzzzzzzzzzzzzzzzzzzzzzzzzz…\" is not a time; write T"
        );
        assert_eq!(
            around(&format!("value '{long}' for '--x'")),
            "value 'Zzzzzzzzzzzzzzzzzzzzzzzzzzzzzz…' for '--x'"
        );
        assert_eq!(around(&format!("host {long}: no")), "host ZZ… no");
        assert!(message(&format!("don't {}", "\"a\\\" b\" ".repeat(2_000))).len() < 5_000);
        assert_eq!(message(&format!("/{}", "d/".repeat(1_000))).len(), 2_001, "a path can be copied");
    }
}
