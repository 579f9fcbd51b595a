//! Quoted texts in configs, expressions and messages: a backslash escapes the character behind it in all of them.

/// The end of the text that begins with this quote, past escaped quotes; `None` if it is not closed.
pub(crate) fn closing_quote(text: &str, quote: char) -> Option<usize> {
    let mut at = 1;
    loop {
        let found = at + text.get(at..)?.find([quote, '\\'])?;
        if text[found..].starts_with(quote) {
            return Some(found + 1);
        }
        // An escaped character may have several bytes.
        at = found + 1 + text[found + 1..].chars().next()?.len_utf8();
    }
}
