//! Regular expressions for names of metrics and hosts, with bounds on their size.
//!
//! A search takes memory for each state and each group of an expression, so a short text can ask for gigabytes.

use regex_lite::{Regex, RegexBuilder};

/// Maximum length of an expression.
const CHARS_MAX: usize = 10_000;
/// Maximum number of groups that capture.
const GROUPS_MAX: usize = 50;
/// Maximum size of a compiled expression.
const COMPILED_BYTES_MAX: usize = 1 << 20;

/// Compiles an expression that matches anywhere in a name. The error follows the expression in a sentence.
pub fn parse(text: &str) -> Result<Regex, String> {
    if text.chars().nth(CHARS_MAX).is_some() {
        return Err(format!("is longer than {CHARS_MAX} characters"));
    }
    let regex = RegexBuilder::new(text).size_limit(COMPILED_BYTES_MAX).build();
    let regex = regex.map_err(|error| format!("is not a regular expression: {error}"))?;
    // The whole match is one of them.
    if regex.captures_len() > GROUPS_MAX + 1 {
        return Err(format!(
            "has more than {GROUPS_MAX} groups; write (?:…) for those that need not capture"
        ));
    }
    Ok(regex)
}

/// As [`parse`], for whole names.
pub fn parse_whole(text: &str) -> Result<Regex, String> {
    // Alone first: a bracket of its own must not end the group around it.
    parse(text)?;
    parse(&format!("^(?:{text})$"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_that_would_take_much_memory_is_refused() {
        for (text, expected) in [
            ("()".repeat(60), "has more than 50 groups"),
            ("(a*)*".repeat(2_000), "has more than 50 groups"),
            (format!("(?P<x>a){}", "(b)".repeat(50)), "has more than 50 groups"),
            ("x".repeat(10_001), "is longer than 10000 characters"),
            ("(?:(?:a{1000}){1000}){1000}".to_owned(), "is not a regular expression: "),
            ("cpu_(".to_owned(), "is not a regular expression: "),
            ("a)|(b".to_owned(), "is not a regular expression: "),
        ] {
            let error = parse_whole(&text).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn an_expression_matches_anywhere_or_a_whole_name() {
        assert!(parse("pu_u").unwrap().is_match("cpu_usage"));
        assert!(!parse_whole("pu_u").unwrap().is_match("cpu_usage"));
        assert!(parse_whole("cpu.*|(mem)").unwrap().is_match("cpu_usage"));
        assert!(parse_whole(&"(?:a)?".repeat(500)).unwrap().is_match("aaa"));
    }
}
