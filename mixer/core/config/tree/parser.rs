//! The structure of a text that is known to be RON.

use serde::de::DeserializeOwned;

use super::hint::{describe_syntax, range};
use super::node::{Field, Node, NodeKind};
use crate::error::SourceSpan;
use crate::expression::Value;
use crate::quote::closing_quote;

/// The tree of a text.
pub(super) fn parse(text: &str) -> Parsed<Node> {
    let mut parser = Parser { text, at: 0 };
    parser.skip_blank();
    while parser.rest().starts_with("#!") {
        parser.at += parser.rest().find(']').map_or(parser.rest().len(), |end| end + 1);
        parser.skip_blank();
    }
    parser.node()
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

type Parsed<T> = Result<T, (SourceSpan, String)>;

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn unexpected<T>(&self) -> Parsed<T> {
        let found = self.peek().map_or_else(|| "the end of the file".to_owned(), |c| format!("{c:?}"));
        Err((SourceSpan { start: self.at, end: self.at }, format!("did not expect {found} here")))
    }

    /// Skips white space and comments.
    fn skip_blank(&mut self) {
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start().len();
            if blank > 0 {
                self.at += blank;
            } else if rest.starts_with("//") {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with("/*") {
                self.skip_block_comment();
            } else {
                return;
            }
        }
    }

    fn skip_block_comment(&mut self) {
        let mut depth = 0usize;
        loop {
            let rest = self.rest();
            if rest.starts_with("/*") {
                depth += 1;
                self.at += 2;
            } else if rest.starts_with("*/") {
                depth -= 1;
                self.at += 2;
            } else {
                self.at += rest.chars().next().map_or(0, char::len_utf8);
            }
            if depth == 0 || self.rest().is_empty() {
                return;
            }
        }
    }

    /// Takes `symbol` and the white space after it, if it is next.
    fn take(&mut self, symbol: char) -> bool {
        let found = self.peek() == Some(symbol);
        if found {
            self.at += symbol.len_utf8();
            self.skip_blank();
        }
        found
    }

    fn node(&mut self) -> Parsed<Node> {
        let start = self.at;
        let mut text_at = None;
        let kind = match self.peek() {
            Some('[') => {
                self.take('[');
                NodeKind::List(self.items(']')?)
            }
            Some('{') => self.map()?,
            Some('(') => self.parenthesized(None)?,
            Some('"' | '\'') => self.quoted(&mut text_at)?,
            Some('0'..='9' | '+' | '-' | '.') => self.number()?,
            Some('r' | 'b') if self.rest()[1..].starts_with(['"', '#', '\'']) => self.quoted(&mut text_at)?,
            _ => self.named()?,
        };
        let end = start + self.text[start..self.at].trim_end().len();
        self.skip_blank();
        Ok(Node { span: SourceSpan { start, end }, text_at, kind })
    }

    fn items(&mut self, close: char) -> Parsed<Vec<Node>> {
        let mut items = Vec::new();
        while !self.take_end(close) {
            items.push(self.node()?);
            self.separator(close)?;
        }
        Ok(items)
    }

    /// Takes a closing bracket but not the white space after it, so that the node ends there.
    fn take_end(&mut self, close: char) -> bool {
        let found = self.peek() == Some(close);
        if found {
            self.at += close.len_utf8();
        }
        found
    }

    fn separator(&mut self, close: char) -> Parsed<()> {
        if self.take(',') || self.peek() == Some(close) { Ok(()) } else { self.unexpected() }
    }

    fn map(&mut self) -> Parsed<NodeKind> {
        self.take('{');
        let mut entries = Vec::new();
        while !self.take_end('}') {
            let key = self.node()?;
            if !self.take(':') {
                return self.unexpected();
            }
            entries.push((key, self.node()?));
            self.separator('}')?;
        }
        Ok(NodeKind::Map(entries))
    }

    fn parenthesized(&mut self, name: Option<String>) -> Parsed<NodeKind> {
        self.take('(');
        let first_field = self.field_name();
        if first_field.is_none() {
            let items = self.items(')')?;
            return Ok(if name.is_none() && items.is_empty() {
                NodeKind::Nothing
            } else {
                NodeKind::Tuple(name, items)
            });
        }
        let mut fields = Vec::new();
        let mut next = first_field;
        while let Some((field, name_span)) = next {
            fields.push(Field { name: field, name_span, value: self.node()? });
            self.separator(')')?;
            next = self.field_name();
        }
        if self.take_end(')') { Ok(NodeKind::Struct(name, fields)) } else { self.unexpected() }
    }

    /// Takes `name:` if it is next.
    fn field_name(&mut self) -> Option<(String, SourceSpan)> {
        let before = self.at;
        let (name, span) = self.word()?;
        self.skip_blank();
        if self.take(':') {
            return Some((name, span));
        }
        self.at = before;
        None
    }

    fn word(&mut self) -> Option<(String, SourceSpan)> {
        let start = self.at;
        let raw = self.rest().strip_prefix("r#").map_or(0, |_| 2);
        let rest = &self.rest()[raw..];
        let len = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        if len == 0 || rest.starts_with(|c: char| c.is_numeric()) {
            return None;
        }
        self.at += raw + len;
        Some((rest[..len].to_owned(), SourceSpan { start, end: self.at }))
    }

    fn named(&mut self) -> Parsed<NodeKind> {
        let Some((word, span)) = self.word() else { return self.unexpected() };
        let after_word = self.at;
        match word.as_str() {
            "true" => return Ok(NodeKind::Scalar(Value::Bool(true))),
            "false" => return Ok(NodeKind::Scalar(Value::Bool(false))),
            "inf" | "inff32" | "inff64" => return Ok(NodeKind::Scalar(Value::Float(f64::INFINITY))),
            "NaN" | "NaNf32" | "NaNf64" => return Ok(NodeKind::Scalar(Value::Float(f64::NAN))),
            "None" => return Ok(NodeKind::Nothing),
            _ => self.skip_blank(),
        }
        if self.peek() != Some('(') {
            self.at = after_word;
            return Ok(NodeKind::Word(word));
        }
        let kind = self.parenthesized(Some(word))?;
        match kind {
            NodeKind::Tuple(Some(name), mut items) if name == "Some" => match items.pop() {
                Some(item) if items.is_empty() => Ok(item.kind),
                _ => Err((span, "Some takes one value".to_owned())),
            },
            kind => Ok(kind),
        }
    }

    /// A quoted text. `text_at` is set to its first byte, unless the file has it in escaped form.
    fn quoted(&mut self, text_at: &mut Option<usize>) -> Parsed<NodeKind> {
        let rest = self.rest();
        let len = if let Some(raw) = rest.strip_prefix('r') {
            let hashes = raw.len() - raw.trim_start_matches('#').len();
            let close = format!("\"{}", "#".repeat(hashes));
            raw.get(hashes + 1..)
                .and_then(|body| body.find(&close))
                .map(|at| 1 + hashes + 1 + at + close.len())
        } else {
            let quote = rest.chars().next().unwrap_or('"');
            closing_quote(rest, quote)
        };
        let Some(len) = len else { return self.unexpected() };
        let literal = &rest[..len];
        let text = if rest.starts_with('\'') {
            self.literal::<char>(literal)?.to_string()
        } else {
            self.literal::<String>(literal)?
        };
        *text_at = literal.find(text.as_str()).filter(|_| !text.is_empty()).map(|at| self.at + at);
        self.at += len;
        Ok(NodeKind::Scalar(Value::Text(text)))
    }

    fn number(&mut self) -> Parsed<NodeKind> {
        let rest = self.rest();
        let len = rest
            .char_indices()
            .find(|(at, c)| {
                let after_exponent = rest[..*at].ends_with(['e', 'E']) && !rest.starts_with("0x");
                !(c.is_alphanumeric()
                    || matches!(c, '_' | '.')
                    || matches!(c, '+' | '-') && (*at == 0 || after_exponent))
            })
            .map_or(rest.len(), |(at, _)| at);
        let literal = &rest[..len];
        let value = if let Ok(int) = ron::from_str::<i64>(literal) {
            Value::Int(int)
        } else {
            let number = self.literal::<f64>(literal);
            Value::Float(number.map_err(|(span, why)| (span, range(self.text, self.at).unwrap_or(why)))?)
        };
        if literal.contains(|c: char| c.is_ascii_digit()) && value.number().is_some_and(f64::is_infinite) {
            let span = SourceSpan { start: self.at, end: self.at + len };
            return Err((span, format!("the number {literal} is too large")));
        }
        self.at += len;
        Ok(NodeKind::Scalar(value))
    }

    fn literal<T: DeserializeOwned>(&self, literal: &str) -> Parsed<T> {
        let span = SourceSpan { start: self.at, end: self.at + literal.len() };
        ron::from_str(literal).map_err(|error| (span, describe_syntax(&error.code)))
    }
}
