//! The words of a command line as they were typed, for sentences about a line that is wrong.

use std::borrow::Cow;
use std::ffi::OsString;

/// The value that was typed for a flag, behind it or behind an equals sign.
pub(super) fn value_of(flag: &str, typed: &[OsString]) -> Option<String> {
    let dashed = [format!("--{flag}"), format!("-{flag}")];
    let words: Vec<_> = typed.iter().map(|word| word.to_string_lossy()).collect();
    words.iter().enumerate().find_map(|(at, word)| {
        let rest = dashed.iter().find_map(|flag| word.strip_prefix(flag.as_str()))?;
        if let Some(value) = rest.strip_prefix('=') {
            return Some(value.to_owned());
        }
        let next = words.get(at + 1).filter(|next| rest.is_empty() && !next.starts_with('-'));
        next.map(|next| next.clone().into_owned())
    })
}

/// The words behind the first one that is this, up to the next flag.
pub(super) fn words_behind(word: &str, typed: &[OsString]) -> Vec<String> {
    let behind = typed.iter().map(|word| word.to_string_lossy()).skip_while(|other| other != word).skip(1);
    behind.take_while(|word| !word.starts_with('-')).map(Cow::into_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_words_are_found_in_any_line() {
        let typed: Vec<OsString> =
            ["promemu", "ctl", "lever", "load", "3", "--for=5m", "--run", "two"].map(Into::into).to_vec();
        assert_eq!(value_of("for", &typed).as_deref(), Some("5m"));
        assert_eq!(value_of("run", &typed).as_deref(), Some("two"));
        assert_eq!(value_of("fo", &typed), None);
        assert_eq!(words_behind("lever", &typed), ["load", "3"]);
        assert!(words_behind("status", &typed).is_empty());
    }
}
