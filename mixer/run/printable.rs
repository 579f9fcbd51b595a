//! Text as a terminal may show it: names and descriptions come from configs, servers and plugins, and a terminal obeys
//! control characters.
//!
//! Everything that promemu prints for people passes through here on its way out, so nobody escapes elsewhere.

use std::borrow::Cow;
use std::fmt::Write;

/// The text with each control character, and each one that changes the direction of writing, as `\u001b`, which is an
/// escape of JSON, too. Line feeds and tabs stay; with `keeps_colours` so do promemu's own colours, `ESC[…m`.
#[must_use]
pub fn printable(bytes: &[u8], keeps_colours: bool) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(bytes);
    if !text.contains(is_control) {
        return text;
    }
    let mut shown = String::with_capacity(text.len() + 64);
    let mut rest = &*text;
    while let Some(at) = rest.find(is_control) {
        let (before, from) = rest.split_at(at);
        shown.push_str(before);
        let colour = if keeps_colours { colour_len(from) } else { 0 };
        if colour > 0 {
            shown.push_str(&from[..colour]);
            rest = &from[colour..];
            continue;
        }
        let mut chars = from.chars();
        let control = chars.next().map_or(0, u32::from);
        // A String takes everything.
        let _is_written = write!(shown, "\\u{control:04x}").is_ok();
        rest = chars.as_str();
    }
    shown.push_str(rest);
    Cow::Owned(shown)
}

fn is_control(c: char) -> bool {
    // U+2028 and U+2029 end a line or a paragraph, which the others of them turn.
    let turns =
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || (c.is_control() && c != '\n' && c != '\t')
}

/// The length of the colour that a text begins with, or 0.
fn colour_len(text: &str) -> usize {
    let Some(parameters) = text.strip_prefix("\u{1b}[") else { return 0 };
    let end = parameters.find(|c: char| !c.is_ascii_digit() && c != ';');
    end.filter(|end| parameters[*end..].starts_with('m')).map_or(0, |end| "\u{1b}[".len() + end + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> String {
        printable(text.as_bytes(), false).into_owned()
    }

    #[test]
    fn control_characters_are_shown_and_obeyed_by_no_terminal() {
        for (text, printed) in [
            ("größer\tand\nlonger", "größer\tand\nlonger"),
            ("\u{1b}]0;title\u{7}", "\\u001b]0;title\\u0007"),
            ("\u{9b}2J and \u{7f}", "\\u009b2J and \\u007f"),
            ("over\rwritten", "over\\u000dwritten"),
            ("user\u{202e}nor.exe", "user\\u202enor.exe"),
            ("one\u{2028}two\u{2029}three", "one\\u2028two\\u2029three"),
            ("\u{1b}[31mred\u{1b}[0m", "\\u001b[31mred\\u001b[0m"),
        ] {
            assert_eq!(shown(text), printed);
        }
        assert_eq!(printable(b"\xffx", false), "\u{fffd}x");
    }

    #[test]
    fn on_a_coloured_terminal_only_colours_stay() {
        let coloured = |text: &str| printable(text.as_bytes(), true).into_owned();
        assert_eq!(coloured("\u{1b}[1;31mred\u{1b}[0m"), "\u{1b}[1;31mred\u{1b}[0m");
        for cut in ["\u{1b}[", "\u{1b}[31", "\u{1b}[2J", "\u{1b}[?25l", "\u{1b}c", "\u{1b}]8;;x\u{1b}\\"] {
            assert!(!coloured(cut).contains('\u{1b}'), "{cut:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_has_a_control_character_that_is_printed(text in any::<String>()) {
            let shown = shown(&text);
            prop_assert!(!shown.contains(is_control));
            prop_assert!(text.contains(is_control) || shown == text);
        }
    }
}
