//! The text to write in place of an expression that has the syntax of another language.

use super::functions::is_function;
use super::host_storage::is_in_name;

/// The sentence for a syntax error at this byte, whose message the engine gives; `None` if the message says enough.
pub(super) fn of_syntax(message: &str, text: &str, at: usize) -> Option<String> {
    let rest = text.get(at..)?;
    let before = text[..at].trim_end();
    let word = word_at(rest);
    let choice = "a choice is written if a > b { x } else { y }";
    match word {
        "and" => return Some("write && in place of and".to_owned()),
        "or" => return Some("write || in place of or".to_owned()),
        "if" | "then" | "elif" if !before.is_empty() => return Some(choice.to_owned()),
        _ => {}
    }
    if before.strip_suffix("not").is_some_and(|front| !front.ends_with(is_in_name)) {
        return Some("write ! in place of not".to_owned());
    }
    if rest.starts_with('?') && !rest.starts_with("?.") {
        return Some(choice.to_owned());
    }
    if rest.starts_with(':') && before.contains("if ") {
        return Some(choice.to_owned());
    }
    if rest.starts_with('=') && !rest.starts_with("==") {
        return Some("write == to compare".to_owned());
    }
    if message.contains("nvalid character") || rest.starts_with('\'') {
        let quoted =
            text[..at].rfind('\'').filter(|_| !rest.starts_with('\'')).map_or(rest, |start| &text[start..]);
        let inside = quoted.strip_prefix('\'')?.split('\'').next()?;
        return Some(format!("text in an expression stands in backticks; write `{inside}`"));
    }
    None
}

/// The sentence for an unknown name that another language has.
pub(super) fn of_name(unknown: &str) -> Option<String> {
    match unknown {
        "math" | "Math" | "np" | "numpy" => {
            Some(format!("functions are called without {unknown}, as in sin(t)"))
        }
        "null" | "nil" | "None" | "none" => Some("there is no empty value; write ()".to_owned()),
        _ if is_function(unknown) => {
            Some(format!("{unknown} is a function; write its arguments behind it, as in {unknown}(…)"))
        }
        _ => None,
    }
}

fn word_at(text: &str) -> &str {
    text.split(|c| !is_in_name(c)).next().unwrap_or_default()
}
