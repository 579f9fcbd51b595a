//! `host.storage` in expressions: it is compiled as one variable, since `host` alone is text.
//!
//! The variable is as long as what it replaces, so that places in the text stay.

use std::borrow::Cow;

use crate::quote::closing_quote;

/// The variable's name while compiled.
pub(super) const VARIABLE: &str = "_HostStorage";
/// As it is written.
pub(super) const WRITTEN: &str = "host.storage";

/// The text with the variable in place of each `host.storage` that is code. Texts and comments stay.
pub(super) fn as_variable(text: &str) -> Cow<'_, str> {
    if !text.contains("storage") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    // Open braces in each `${` of a text in backticks, the innermost last.
    let mut interpolations: Vec<usize> = Vec::new();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' | '\'' => closing_quote(rest, first).unwrap_or(rest.len()),
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |at| at + 2),
            '`' => template(&rest[1..], &mut interpolations) + 1,
            '}' if interpolations.last() == Some(&0) => {
                interpolations.pop();
                template(&rest[1..], &mut interpolations) + 1
            }
            c if is_in_name(c) => {
                let follows_a_dot = out.trim_end().ends_with('.') && !out.trim_end().ends_with("..");
                if let (false, Some((length, blanks))) = (follows_a_dot, host_storage(rest)) {
                    out.push_str(VARIABLE);
                    out.push_str(&blanks);
                    rest = &rest[length..];
                    continue;
                }
                rest.find(|c| !is_in_name(c)).unwrap_or(rest.len())
            }
            other => {
                if let Some(open) = interpolations.last_mut() {
                    *open = *open + usize::from(other == '{') - usize::from(other == '}');
                }
                other.len_utf8()
            }
        };
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    Cow::Owned(out)
}

/// `true` for a character of a name.
pub(super) fn is_in_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length of a text in backticks up to its end, or up to the code in its next `${`, which is noted.
fn template(text: &str, interpolations: &mut Vec<usize>) -> usize {
    match (text.find('`'), text.find("${")) {
        (end, Some(code)) if end.is_none_or(|end| code < end) => {
            interpolations.push(0);
            code + 2
        }
        (end, _) => end.map_or(text.len(), |end| end + 1),
    }
}

/// The length of `host.storage` at the text's beginning, and the blanks in it.
fn host_storage(text: &str) -> Option<(usize, String)> {
    let after_host = text.strip_prefix("host")?;
    let dot = after_host.trim_start();
    let after_dot = dot.strip_prefix('.')?;
    let word = after_dot.trim_start();
    let end = word.strip_prefix("storage")?;
    if end.starts_with(is_in_name) {
        return None;
    }
    let blanks = [&after_host[..after_host.len() - dot.len()], &after_dot[..after_dot.len() - word.len()]];
    Some((text.len() - end.len(), blanks.concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_replaced_and_texts_comments_and_fields_stay() {
        for (text, expected) in [
            ("host.storage.n + host . storage[k]", "_HostStorage.n + _HostStorage  [k]"),
            (
                "ghost.storage + host.storages + a.host.storage",
                "ghost.storage + host.storages + a.host.storage",
            ),
            ("0..host.storage", "0.._HostStorage"),
            (
                r#""host.storage \" host.storage" + host.storage"#,
                r#""host.storage \" host.storage" + _HostStorage"#,
            ),
            (
                "1 // host.storage\n + host.storage /* host.storage */",
                "1 // host.storage\n + _HostStorage /* host.storage */",
            ),
            (
                "`host.storage ${host.storage}` + host.storage",
                "`host.storage ${_HostStorage}` + _HostStorage",
            ),
            (
                "`${if a { host.storage } else { `${host.storage} host.storage` }} host.storage`",
                "`${if a { _HostStorage } else { `${_HostStorage} host.storage` }} host.storage`",
            ),
            ("if a { host.storage } }", "if a { _HostStorage } }"),
            ("`host.storage ${ {", "`host.storage ${ {"),
        ] {
            assert_eq!(as_variable(text), expected);
            assert_eq!(as_variable(text).len(), text.len());
        }
    }
}
