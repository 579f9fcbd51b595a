//! Labels as the text format has them: `name="value"`, separated by commas.

use promemu_core::series::put_escaped;

/// Appends a label's name; one that has other characters than letters, digits and `_` is quoted.
pub(super) fn put_name(name: &str, out: &mut Vec<u8>) {
    if is_plain(name) {
        return out.extend_from_slice(name.as_bytes());
    }
    out.push(b'"');
    put_escaped(name.as_bytes(), out);
    out.push(b'"');
}

fn is_plain(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first == b'_' || first.is_ascii_alphabetic())
        && bytes.all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
}

/// Reads labels, as they stand between the braces. A quoted text without a value is the name of the metric.
///
/// # Errors
///
/// In words: the text is not a list of labels.
pub fn labels_of_text(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut rest = text;
    let mut labels = Vec::new();
    take_labels(&mut rest, &mut labels)?;
    if rest.is_empty() { Ok(labels) } else { Err(format!("unexpected {:?} behind labels", first(rest))) }
}

/// Takes labels from the begin of a text, up to what is none.
pub(crate) fn take_labels(rest: &mut &str, labels: &mut Vec<(String, String)>) -> Result<(), String> {
    loop {
        *rest = rest.trim_start();
        let is_quoted = rest.starts_with('"');
        let name = if is_quoted { take_between('"', rest)? } else { take_name(rest).to_owned() };
        if name.is_empty() && !is_quoted {
            return Ok(());
        }
        *rest = rest.trim_start();
        if let Some(value) = rest.strip_prefix('=') {
            *rest = value.trim_start();
            labels.push((name, take_between('"', rest)?));
        } else if is_quoted {
            labels.push((super::NAME.to_owned(), name));
        } else {
            return Err(format!("label {name:?} has no value"));
        }
        *rest = rest.trim_start();
        match rest.strip_prefix(',') {
            Some(behind) => *rest = behind,
            None => return Ok(()),
        }
    }
}

/// Takes a name of a metric or a label.
pub(crate) fn take_name<'t>(rest: &mut &'t str) -> &'t str {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':' || c == '.';
    let end = rest.find(|c: char| !is_of_name(c)).unwrap_or(rest.len());
    let (name, behind) = rest.split_at(end);
    *rest = behind;
    name
}

/// Takes a text in double or single quotes, as PromQL has it.
pub(super) fn take_text(rest: &mut &str) -> Result<String, String> {
    take_between(if rest.starts_with('\'') { '\'' } else { '"' }, rest)
}

/// Takes a quoted text, with `\\`, `\n` and the escaped quote.
fn take_between(quote: char, rest: &mut &str) -> Result<String, String> {
    let Some(inside) = rest.strip_prefix(quote) else {
        return Err(format!("a quoted text is missing before {:?}", first(rest)));
    };
    let mut text = String::new();
    let mut chars = inside.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            end if end == quote => {
                *rest = &inside[at + 1..];
                return Ok(text);
            }
            '\\' => match chars.next() {
                Some((_, 'n')) => text.push('\n'),
                Some((_, c)) if c == '\\' || c == quote => text.push(c),
                Some((_, other)) => text.extend(['\\', other]),
                None => break,
            },
            other => text.push(other),
        }
    }
    Err("a quoted text does not end".to_owned())
}

/// The begin of a text, for errors.
fn first(text: &str) -> String {
    text.chars().take(20).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::samples::ReadSeries;

    #[test]
    fn broken_labels_are_told() {
        for (text, error) in [
            ("a", "label \"a\" has no value"),
            ("a=b", "a quoted text is missing before \"b\""),
            ("a=\"b", "a quoted text does not end"),
            ("a=\"b\"}", "unexpected \"}\" behind labels"),
        ] {
            assert_eq!(labels_of_text(text).unwrap_err(), error);
        }
        assert_eq!(labels_of_text("a=\"b\",").unwrap(), [("a".to_owned(), "b".to_owned())]);
    }

    proptest! {
        #[test]
        fn labels_are_read_back(labels in prop::collection::btree_map("[a-z_.é]{1,8}", ".{1,12}", 0..5)) {
            let series = ReadSeries::of_labels(labels);
            let read = labels_of_text(&series.label_text()).unwrap();
            prop_assert_eq!(read, series.labels);
        }
    }
}
