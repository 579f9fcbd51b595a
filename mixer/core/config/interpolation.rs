//! Text with `{expressions}` in it, and the expressions with their formats.

use crate::excerpt::beginning;
use crate::expression::{CompileError, Expression, Format, Piece};

/// Splits text at its `{expressions}`; `{{` and `}}` are braces. An error has its place in the text.
pub(super) fn read_pieces(text: &str) -> Result<Vec<Piece>, CompileError> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("{{") {
            plain.push('{');
            rest = after;
        } else if let Some(after) = rest.strip_prefix("}}") {
            plain.push('}');
            rest = after;
        } else if rest.starts_with('}') {
            return Err(error_at(text.len() - rest.len(), "a } without its {; write }} for a brace"));
        } else {
            let at = text.len() - rest.len();
            let end =
                closing_brace(rest).ok_or_else(|| error_at(at, "a { without its }; write {{ for a brace"))?;
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
            }
            let piece = read_expression(&rest[1..end]);
            pieces.push(piece.map_err(|error| CompileError { at: at + 1 + error.at, ..error })?);
            rest = &rest[end + 1..];
        }
    }
    plain.push_str(rest);
    if !plain.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    Ok(pieces)
}

/// The byte offset of the brace that closes the first one, past inner braces and quoted text.
fn closing_brace(text: &str) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0usize, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '{' if !quoted => depth += 1,
            '}' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

fn error_at(at: usize, message: &str) -> CompileError {
    CompileError { at, message: message.to_owned() }
}

fn read_expression(text: &str) -> Result<Piece, CompileError> {
    if let Some((expression, format)) = text.rsplit_once(':')
        && let Some(format) = Format::read(format.trim())
    {
        return Ok(Piece::Expression(compile(expression)?, format));
    }
    if let Some((expression, format)) = text.rsplit_once(':')
        && let Some(format) = other_format(format.trim())
    {
        let message =
            format!("a format is a width and a precision, without a letter; write {{{expression}:{format}}}");
        return Err(CompileError { at: expression.len(), message });
    }
    Ok(Piece::Expression(compile(text)?, Format::default()))
}

/// The width and precision of a format as other languages write it: `02d`, `.1f`, `>5`.
fn other_format(text: &str) -> Option<&str> {
    let digits =
        text.trim_start_matches(['<', '>', '^', '%', '+']).trim_end_matches(['d', 'f', 'i', 's', 'g']);
    let is_format = digits.contains(|c: char| c.is_ascii_digit()) && digits != text;
    Format::read(digits).filter(|_| is_format).map(|_| digits)
}

pub(super) fn compile(text: &str) -> Result<Expression, CompileError> {
    let named = |CompileError { at, message }| CompileError {
        at,
        message: format!("the expression {:?} is wrong: {message}", beginning(text.trim())),
    };
    Expression::compile(text).map_err(named)
}
