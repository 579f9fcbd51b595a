//! Expressions of others in PromQL, parsed within bounds: the parser's stack and time grow faster than its text.

use promql_parser::parser::{Expr, parse as parse_any};

/// Largest expression that is parsed, in words and signs.
const TOKENS_MAX: usize = 1_000;
/// Largest expression that is parsed, in bytes.
const BYTES_MAX: usize = 64 << 10;

/// Parses an expression.
///
/// # Errors
///
/// It is wrong, newer than the parser, or too large for it.
pub(crate) fn parse(text: &str) -> Result<Expr, String> {
    if text.len() > BYTES_MAX || tokens(text).nth(TOKENS_MAX).is_some() {
        return Err(format!("it has more than {TOKENS_MAX} words and signs, or {} KiB", BYTES_MAX >> 10));
    }
    parse_any(text)
}

/// `true` if a comparison may be in an expression, which need not be understood. The operator of a matcher counts, too.
pub(super) fn may_compare(text: &str) -> bool {
    ["<", ">", "==", "!="].iter().any(|operator| text.contains(operator))
}

/// The begin of each word, sign, text in quotes and comment.
fn tokens(text: &str) -> impl Iterator<Item = usize> {
    let mut chars = text.char_indices().peekable();
    std::iter::from_fn(move || {
        let (at, first) = chars.find(|(_, c)| !c.is_whitespace())?;
        match first {
            '"' | '\'' | '`' => {
                while let Some((_, c)) = chars.next() {
                    if c == first {
                        break;
                    }
                    if c == '\\' && first != '`' {
                        chars.next();
                    }
                }
            }
            '#' => while chars.next_if(|(_, c)| *c != '\n').is_some() {},
            c if is_of_word(c) => while chars.next_if(|(_, c)| is_of_word(*c)).is_some() {},
            _ => {}
        }
        Some(at)
    })
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | ':' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_counted_in_words_signs_and_texts() {
        let count = |text: &str| tokens(text).count();
        assert_eq!(count("sum by (job) (rate(a:b{code=~\"5..|(x)\"}[5m])) > 1.5"), 22);
        assert_eq!(count("a{b='\\'(((', c=`\\`} # ((( \" \n+ b"), 13);
        assert_eq!([count(""), count(" \n"), count("\"open (("), count("é")], [0, 0, 1, 1]);
    }

    #[test]
    fn an_expression_that_is_too_large_for_the_parser_is_told() {
        let nested = |open: &str, close: &str, depth: usize| {
            format!("{}m{} > 0", open.repeat(depth), close.repeat(depth))
        };
        for (open, close) in [("(", ")"), ("-", ""), ("abs(", ")"), ("", " + m"), ("", "^m"), ("(m or ", ")")]
        {
            let tokens_each = tokens(open).count() + tokens(close).count();
            assert!(parse(&nested(open, close, 990 / tokens_each)).is_ok(), "{open}m{close}");
            let error = parse(&nested(open, close, 20_000)).unwrap_err();
            assert!(error.contains("more than 1000"), "{error}");
        }
        assert!(parse(&format!("m{{a=\"{}\"}}", "x".repeat(BYTES_MAX))).unwrap_err().contains("64 KiB"));
        assert!(parse(&format!("m{{a=\"{}\"}}", "(".repeat(50_000))).is_ok(), "a text is one of them");
    }
}
