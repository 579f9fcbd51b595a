//! RON text to a tree in which every node knows its place.
//!
//! The `ron` crate decides whether a text is RON, and reads its literals; this module only follows the
//! structure of a text that is known to be good, because `ron`'s own values have neither places nor names.

use serde::de::DeserializeOwned;

use crate::error::SourceSpan;
use crate::expression::Value;

/// A piece of a config.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) span: SourceSpan,
    pub(super) kind: NodeKind,
}

#[derive(Clone, Debug)]
pub(super) enum NodeKind {
    /// A number, text, true or false.
    Scalar(Value),
    /// A bare word, as in `metric_type: gauge`.
    Word(String),
    /// `None` or `()`.
    Nothing,
    /// `[a, b]`.
    List(Vec<Node>),
    /// `Name(a, b)` or `(a, b)`.
    Tuple(Option<String>, Vec<Node>),
    /// `Name(field: a)` or `(field: a)`; a `Name()` or `()` without any is [`NodeKind::Tuple`].
    Struct(Option<String>, Vec<Field>),
    /// `{ key: a }`.
    Map(Vec<(Node, Node)>),
}

/// A field of a struct.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) name_span: SourceSpan,
    pub(super) value: Node,
}

impl NodeKind {
    /// The text of a word or a quoted text, which name the same.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Scalar(value) => value.to_string(),
            other => other.describe(),
        }
    }

    /// What it is, for messages.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Scalar(Value::Text(text)) => format!("text {text:?}"),
            Self::Scalar(value) => value.to_string(),
            Self::Word(word) => word.clone(),
            Self::Nothing => "nothing".to_owned(),
            Self::List(_) => "a list".to_owned(),
            Self::Tuple(Some(name), _) | Self::Struct(Some(name), _) => format!("{name}(…)"),
            Self::Tuple(None, items) => format!("a tuple of {}", items.len()),
            Self::Struct(None, _) => "a group of fields".to_owned(),
            Self::Map(_) => "a map".to_owned(),
        }
    }
}

/// Parses; an error says what is wrong and where.
pub(super) fn parse(text: &str) -> Result<Node, (SourceSpan, String)> {
    let options = ron::Options::default();
    if let Err(error) = options.from_str::<serde::de::IgnoredAny>(text) {
        let span = SourceSpan { start: offset(text, error.span.start), end: offset(text, error.span.end) };
        let rest = text[span.start..].trim_start();
        let message = if rest.starts_with('=') {
            "expected a colon: a field is written name: value".to_owned()
        } else {
            describe_syntax(&error.code)
        };
        return Err((span, message));
    }
    let mut parser = Parser { text, at: 0 };
    parser.skip_blank();
    while parser.rest().starts_with("#!") {
        parser.at += parser.rest().find(']').map_or(parser.rest().len(), |end| end + 1);
        parser.skip_blank();
    }
    parser.node()
}

fn describe_syntax(error: &ron::Error) -> String {
    match error {
        ron::Error::Eof => "the file ends too early; close what is open".to_owned(),
        ron::Error::ExpectedComma => "expected a comma, or a closing bracket".to_owned(),
        ron::Error::TrailingCharacters => {
            "there is more behind the config's end; a file holds one Config(…), or a map of them".to_owned()
        }
        other => {
            let text = other.to_string();
            let mut chars = text.chars();
            let first = chars.next().map(|c| c.to_lowercase().to_string()).unwrap_or_default();
            format!("not valid RON: {first}{}", chars.as_str())
        }
    }
}

/// The byte offset of a line and column (characters, both from 1).
fn offset(text: &str, position: ron::error::Position) -> usize {
    let line_start: usize =
        text.split_inclusive('\n').take(position.line.saturating_sub(1)).map(str::len).sum();
    let line = text[line_start..].split('\n').next().unwrap_or("");
    let in_line = line.char_indices().nth(position.col.saturating_sub(1)).map_or(line.len(), |(at, _)| at);
    line_start + in_line
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

    /// Takes `symbol` and the blank after it, if it is next.
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
        let kind = match self.peek() {
            Some('[') => {
                self.take('[');
                NodeKind::List(self.items(']')?)
            }
            Some('{') => self.map()?,
            Some('(') => self.parenthesized(None)?,
            Some('"' | '\'') => self.quoted()?,
            Some('0'..='9' | '+' | '-' | '.') => self.number()?,
            Some('r' | 'b') if self.rest()[1..].starts_with(['"', '#', '\'']) => self.quoted()?,
            _ => self.named()?,
        };
        let end = start + self.text[start..self.at].trim_end().len();
        self.skip_blank();
        Ok(Node { span: SourceSpan { start, end }, kind })
    }

    fn items(&mut self, close: char) -> Parsed<Vec<Node>> {
        let mut items = Vec::new();
        while !self.take_end(close) {
            items.push(self.node()?);
            self.separator(close)?;
        }
        Ok(items)
    }

    /// Takes a closing bracket, but not the blank after it, so that the node ends there.
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

    fn quoted(&mut self) -> Parsed<NodeKind> {
        let rest = self.rest();
        let len = if let Some(raw) = rest.strip_prefix('r') {
            let hashes = raw.len() - raw.trim_start_matches('#').len();
            let close = format!("\"{}", "#".repeat(hashes));
            raw.get(hashes + 1..)
                .and_then(|body| body.find(&close))
                .map(|at| 1 + hashes + 1 + at + close.len())
        } else {
            let quote = rest.chars().next().unwrap_or('"');
            let mut escaped = false;
            rest.char_indices().skip(1).find_map(|(at, c)| {
                let ends = c == quote && !escaped;
                escaped = c == '\\' && !escaped;
                ends.then_some(at + 1)
            })
        };
        let Some(len) = len else { return self.unexpected() };
        let literal = &rest[..len];
        let text = if rest.starts_with('\'') {
            self.literal::<char>(literal)?.to_string()
        } else {
            self.literal::<String>(literal)?
        };
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
        let value = match ron::from_str::<i64>(literal) {
            Ok(int) => Value::Int(int),
            Err(_) => Value::Float(self.literal::<f64>(literal)?),
        };
        self.at += len;
        Ok(NodeKind::Scalar(value))
    }

    fn literal<T: DeserializeOwned>(&self, literal: &str) -> Parsed<T> {
        let span = SourceSpan { start: self.at, end: self.at + literal.len() };
        ron::from_str(literal).map_err(|error| (span, describe_syntax(&error.code)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(node: &Node) -> String {
        let list = |items: &[Node]| items.iter().map(show).collect::<Vec<_>>().join(" ");
        match &node.kind {
            NodeKind::Scalar(value) => format!("{value:?}"),
            NodeKind::Word(word) => word.clone(),
            NodeKind::Nothing => "nothing".into(),
            NodeKind::List(items) => format!("[{}]", list(items)),
            NodeKind::Tuple(name, items) => format!("{}({})", name.as_deref().unwrap_or(""), list(items)),
            NodeKind::Struct(name, fields) => {
                let fields: Vec<_> =
                    fields.iter().map(|f| format!("{}: {}", f.name, show(&f.value))).collect();
                format!("{}({})", name.as_deref().unwrap_or(""), fields.join(" "))
            }
            NodeKind::Map(entries) => {
                let entries: Vec<_> =
                    entries.iter().map(|(k, v)| format!("{} => {}", show(k), show(v))).collect();
                format!("{{{}}}", entries.join(" "))
            }
        }
    }

    #[test]
    fn all_of_ron_that_configs_use_is_followed() {
        let text = r##"#![enable(implicit_some)] // a "#comment"#
            Config(a: 1, b: -2.5e3, /* nested /* comment */ */ c: [0x1F, 1_000, .5,], d: "q\"\u{e9}\n", e: r#"raw "x""#,
                f: { "k": emit("x"), "l": (scenario: gauge, t: (1, 2)) }, g: Some(true), h: None, i: inf, j: unit(), k: 'c')"##;
        let tree = parse(text).unwrap();
        assert_eq!(
            show(&tree),
            "Config(a: Int(1) b: Float(-2500.0) c: [Int(31) Int(1000) Float(0.5)] d: Text(\"q\\\"é\\n\") \
             e: Text(\"raw \\\"x\\\"\") f: {Text(\"k\") => emit(Text(\"x\")) Text(\"l\") => (scenario: gauge t: (Int(1) Int(2)))} \
             g: Bool(true) h: nothing i: Float(inf) j: unit() k: Text(\"c\"))"
        );
    }

    #[test]
    fn nodes_know_their_place() {
        let text = "Config(\n  a: gauge,\n  b: [ 1 ] ,\n)";
        let NodeKind::Struct(_, fields) = parse(text).unwrap().kind else { panic!() };
        let slice = |span: SourceSpan| &text[span.start..span.end];
        assert_eq!(slice(fields[0].name_span), "a");
        assert_eq!(slice(fields[0].value.span), "gauge");
        assert_eq!(slice(fields[1].value.span), "[ 1 ]");
    }

    #[test]
    fn broken_text_is_an_error_with_a_place() {
        for (text, line) in
            [("Config(a: 1", 1), ("Config(\n a: [1 2],\n)", 2), ("Config(\n\n a: \"x)", 3), ("", 1)]
        {
            let (span, message) = parse(text).unwrap_err();
            assert_eq!(text[..span.start].matches('\n').count() + 1, line, "{text:?}: {message}");
        }
    }
}
