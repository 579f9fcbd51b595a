//! Texts of others in HTML.

use promemu_run::printable::printable;

/// The text with each character that HTML would read as its own, or a terminal would obey, replaced.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in printable(text.as_bytes(), false).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_shown_and_neither_read_nor_obeyed() {
        assert_eq!(
            escaped("<b title=\"x\" id='y'>\u{1b}[31m\0&\u{202e}é\n"),
            "&lt;b title=&quot;x&quot; id=&#39;y&#39;&gt;\\u001b[31m\\u0000&amp;\\u202eé\n"
        );
    }
}
