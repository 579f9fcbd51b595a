//! Scalar fields of a config: a literal, an `"{expression}"`, or text with `{expressions}` in it; and their types.

use crate::error::SourceSpan;
use crate::expression::{CompileError, Expression, Format, Names, Piece, Value};
use crate::number::number_and_unit;
use crate::time::Span;

use super::interpolation::read_pieces;
use super::number_hint::number_hint;
use super::tree::{Node, NodeKind};

/// A scalar field whose value has the type `T`.
#[derive(Clone, Debug)]
pub(super) struct Scalar<T> {
    pub(super) span: SourceSpan,
    source: Source<T>,
}

#[derive(Clone, Debug)]
enum Source<T> {
    Constant(T),
    Template(Vec<Piece>),
}

/// A type that a scalar can have.
pub(super) trait FromValue: Sized + Clone {
    /// Converts the value. Errors are text for a problem.
    fn from_value(value: &Value) -> Result<Self, String>;

    /// Its length, of a text; 0 for other types.
    fn text_bytes(&self) -> usize {
        0
    }

    /// A text that is a value of the type, but probably not the one that is meant: the reason.
    fn doubt(_text: &str) -> Option<String> {
        None
    }
}

impl<T: FromValue> Scalar<T> {
    /// Reads a node. An error has a place and a message.
    pub(super) fn read(node: &Node) -> Result<Self, (SourceSpan, String)> {
        let constant = |value: &Value| T::from_value(value).map_err(|error| (node.span, error));
        let source = match &node.kind {
            NodeKind::Scalar(Value::Text(text)) if text.contains(['{', '}']) => {
                let pieces =
                    read_pieces(text).map_err(|CompileError { at, message }| (node.span_at(at), message))?;
                match pieces.as_slice() {
                    [Piece::Text(text)] => Source::Constant(constant(&Value::Text(text.clone()))?),
                    _ => Source::Template(pieces),
                }
            }
            NodeKind::Scalar(value) => Source::Constant(constant(value)?),
            NodeKind::Word(word) => {
                let value = constant(&Value::Text(word.clone()));
                Source::Constant(
                    value.map_err(|(span, error)| (span, format!("{error}{}", word_hint(word))))?,
                )
            }
            other => return Err((node.span, format!("expected a value, found {}", other.describe()))),
        };
        Ok(Self { span: node.span, source })
    }

    /// A scalar with this value.
    pub(super) const fn constant(span: SourceSpan, value: T) -> Self {
        Self { span, source: Source::Constant(value) }
    }

    /// A scalar with the result of an expression.
    pub(super) fn of_expression(span: SourceSpan, expression: Expression) -> Self {
        Self { span, source: Source::Template(vec![Piece::Expression(expression, Format::default())]) }
    }

    /// `true` if it has the same value whatever the names mean.
    pub(super) const fn is_constant(&self) -> bool {
        matches!(self.source, Source::Constant(_))
    }

    /// The expressions in it.
    pub(super) fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let pieces = if let Source::Template(pieces) = &self.source { pieces.as_slice() } else { &[] };
        pieces.iter().filter_map(|piece| match piece {
            Piece::Expression(expression, _) => Some(expression),
            Piece::Text(_) => None,
        })
    }

    /// A scalar with this text, which may contain expressions.
    pub(super) fn text(text: &str) -> Result<Self, String> {
        Self::read(&Node::nowhere(NodeKind::Scalar(Value::Text(text.to_owned())))).map_err(|(_, error)| error)
    }

    /// Its value, with these names.
    pub(super) fn evaluate(&self, names: &Names) -> Result<T, String> {
        let pieces = match &self.source {
            Source::Constant(value) => return Ok(value.clone()),
            Source::Template(pieces) => pieces,
        };
        if let [Piece::Expression(expression, format)] = pieces.as_slice()
            && *format == Format::default()
        {
            return T::from_value(&expression.evaluate(names)?);
        }
        let mut text = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(piece) => text.push_str(piece),
                Piece::Expression(expression, format) => {
                    format.write(&expression.evaluate(names)?, &mut text);
                }
            }
        }
        T::from_value(&Value::Text(text))
    }

    /// Its parts, for a text that is evaluated during the run.
    pub(super) fn pieces(&self) -> Vec<Piece>
    where
        T: std::fmt::Display,
    {
        match &self.source {
            Source::Constant(value) => vec![Piece::Text(value.to_string())],
            Source::Template(pieces) => pieces.clone(),
        }
    }

    /// Names that it needs.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let pieces = if let Source::Template(pieces) = &self.source { pieces.as_slice() } else { &[] };
        pieces.iter().flat_map(|piece| match piece {
            Piece::Expression(expression, _) => expression.names().iter().map(String::as_str),
            Piece::Text(_) => [].iter().map(String::as_str),
        })
    }
}

/// The way to write a name of an expression, in place of its bare word.
fn word_hint(word: &str) -> String {
    if bool_in_other_letters(word).is_some() {
        return String::new();
    }
    if ["null", "nil", "none", "undefined"].contains(&word) {
        return "; leave the field out for no value".to_owned();
    }
    format!("; for the value of a name write \"{{{word}}}\"")
}

impl FromValue for String {
    fn from_value(value: &Value) -> Result<Self, String> {
        Ok(value.to_string())
    }

    fn text_bytes(&self) -> usize {
        self.len()
    }
}

impl FromValue for Value {
    fn from_value(value: &Value) -> Result<Self, String> {
        Ok(value.clone())
    }

    fn text_bytes(&self) -> usize {
        if let Self::Text(text) = self { text.len() } else { 0 }
    }
}

impl FromValue for bool {
    fn from_value(value: &Value) -> Result<Self, String> {
        match value {
            Value::Bool(bool) => Ok(*bool),
            Value::Text(text) if text == "true" || text == "false" => Ok(text == "true"),
            Value::Text(text) => {
                let hint = bool_in_other_letters(text).map(|bool| format!("; write {bool}"));
                Err(format!("expected true or false, found {}{}", describe(value), hint.unwrap_or_default()))
            }
            other => Err(format!("expected true or false, found {}", describe(other))),
        }
    }
}

impl FromValue for f64 {
    fn from_value(value: &Value) -> Result<Self, String> {
        let number = value.number().or(match value {
            Value::Text(text) => text.trim().parse().ok().or_else(|| parse_size(text)),
            _ => None,
        });
        match number {
            Some(number) if number.is_finite() => Ok(number),
            _ => Err(format!(
                "expected a finite number (or a size, as in \"1.5GiB\"), found {}{}",
                describe(value),
                number_hint(value)
            )),
        }
    }
}

/// An end of a range: a number, `inf` or `-inf`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound(pub(super) f64);

impl FromValue for Bound {
    fn from_value(value: &Value) -> Result<Self, String> {
        let endless = match value {
            Value::Float(float) => Some(*float),
            Value::Text(text) => text.trim().parse().ok(),
            _ => None,
        };
        match endless.filter(|number: &f64| number.is_infinite()) {
            Some(endless) => Ok(Self(endless)),
            None => f64::from_value(value).map(Self),
        }
    }
}

impl FromValue for i64 {
    #[expect(clippy::cast_possible_truncation, reason = "whole and in range, as checked")]
    fn from_value(value: &Value) -> Result<Self, String> {
        let whole = match value {
            Value::Int(int) => Some(*int),
            Value::Float(float) if float.fract() == 0.0 && float.abs() < 9e15 => Some(*float as Self),
            Value::Text(text) => text.trim().parse().ok(),
            _ => None,
        };
        whole.ok_or_else(|| format!("expected a whole number, found {}", describe(value)))
    }
}

impl FromValue for Span {
    fn from_value(value: &Value) -> Result<Self, String> {
        match (value.number(), value) {
            (Some(secs), _) => Self::from_secs_f64(secs).ok_or_else(|| {
                format!("expected a duration of 0 or more seconds, found {}", describe(value))
            }),
            (None, Value::Text(text)) => Self::parse(text),
            _ => Err(format!("expected a duration, found {}", describe(value))),
        }
    }

    fn doubt(text: &str) -> Option<String> {
        Self::doubt(text)
    }
}

/// A duration, or a range of them as in `14s..16s`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct SpanRange(pub(super) Span, pub(super) Span);

impl FromValue for SpanRange {
    fn from_value(value: &Value) -> Result<Self, String> {
        if let Value::Text(text) = value
            && let Some((low, high)) = text.split_once("..")
        {
            let range = Self(Span::parse(low)?, Span::parse(high)?);
            return if range.0 <= range.1 {
                Ok(range)
            } else {
                Err(format!("the range {text:?} has low above high"))
            };
        }
        Span::from_value(value).map(|span| Self(span, span))
    }

    fn doubt(text: &str) -> Option<String> {
        text.split("..").find_map(Span::doubt)
    }
}

pub(super) fn describe(value: &Value) -> String {
    NodeKind::Scalar(value.clone()).describe()
}

/// `true` for a size with a unit.
pub(super) fn is_size(text: &str) -> bool {
    parse_size(text).is_some()
}

/// The value of a word like `True` or `FALSE`; `None` for `true` and `false` themselves.
pub(super) fn bool_in_other_letters(word: &str) -> Option<bool> {
    [true, false].into_iter().find(|bool| {
        let right = bool.to_string();
        word != right && word.eq_ignore_ascii_case(&right)
    })
}

/// A size in bytes: a number and a unit, binary (`GiB`), decimal (`GB`) or in bits (`Mbit`).
fn parse_size(text: &str) -> Option<f64> {
    let (count, unit) = number_and_unit(text.trim())?;
    let prefixes = [("k", "Ki"), ("M", "Mi"), ("G", "Gi"), ("T", "Ti"), ("P", "Pi")];
    let (mut decimal, mut binary) = (1.0, 1.0);
    for (prefix, binary_prefix) in prefixes {
        decimal *= 1000.0;
        binary *= 1024.0;
        if unit == format!("{binary_prefix}B") {
            return Some(count * binary);
        }
        if unit == format!("{prefix}B") {
            return Some(count * decimal);
        }
        if unit == format!("{prefix}bit") {
            return Some(count * decimal / 8.0);
        }
    }
    match unit {
        "B" => Some(count),
        "bit" => Some(count / 8.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> Node {
        Node::nowhere(NodeKind::Scalar(Value::Text(value.into())))
    }

    fn names() -> Names {
        let mut names = Names::default();
        names.set("i", Value::Int(7));
        names.set("share", Value::Float(0.256));
        names.set("who", Value::Text("web".into()));
        names
    }

    fn evaluate<T: FromValue>(value: &str) -> Result<T, String> {
        Scalar::<T>::read(&text(value)).map_err(|(_, error)| error)?.evaluate(&names())
    }

    #[test]
    fn text_interpolates_with_width_and_precision() {
        for (template, expected) in [
            ("worker-{i:02}", "worker-07"),
            ("{who}-{i}", "web-7"),
            ("{share:.1} of {{all}}", "0.3 of {all}"),
            ("{-i:04}", "-007"),
            ("{if i > 3 { \"many\" } else { \"few\" }}", "many"),
            ("plain", "plain"),
        ] {
            assert_eq!(evaluate::<String>(template).as_deref(), Ok(expected), "{template}");
        }
    }

    #[test]
    fn a_whole_expression_keeps_its_type() {
        assert_eq!(evaluate::<f64>("{i * 2}"), Ok(14.0));
        assert_eq!(evaluate::<Span>("{i}m"), Ok(Span::from_secs(420)));
        assert_eq!(evaluate::<Span>("{i}"), Ok(Span::from_secs(7)));
        assert_eq!(evaluate::<bool>("{i == 7}"), Ok(true));
    }

    #[test]
    fn sizes_and_ranges_are_read() {
        assert_eq!(evaluate::<f64>("1.5GiB"), Ok(1.5 * 1024.0 * 1024.0 * 1024.0));
        assert_eq!(evaluate::<f64>("100Mbit"), Ok(12_500_000.0));
        assert_eq!(
            evaluate::<SpanRange>("14s..16s"),
            Ok(SpanRange(Span::from_secs(14), Span::from_secs(16)))
        );
        assert!(evaluate::<SpanRange>("16s..14s").is_err());
    }

    #[test]
    fn a_known_word_in_other_letters_gets_its_right_spelling() {
        for (wrong, right) in [
            ("1KB", "; write 1kB (powers of 1000), or 1KiB (powers of 1024)"),
            ("2gb", "; write 2GB (powers of 1000), or 2GiB (powers of 1024)"),
            ("1.5 MIB", "; write 1.5MiB"),
            ("512M", "; write 512MB (powers of 1000), or 512MiB (powers of 1024)"),
            ("10mbit", "; write 10Mbit"),
        ] {
            let said = evaluate::<f64>(wrong).unwrap_err();
            assert!(said.ends_with(right), "{wrong}: {said}");
        }
        assert!(evaluate::<f64>("KB").unwrap_err().ends_with("found text \"KB\""));
        assert_eq!(
            evaluate::<bool>("True").unwrap_err(),
            "expected true or false, found text \"True\"; write true"
        );
        assert_eq!(
            evaluate::<bool>("FALSE").unwrap_err(),
            "expected true or false, found text \"FALSE\"; write false"
        );
        assert!(!evaluate::<bool>("yes").unwrap_err().contains("write"));
    }

    #[test]
    fn errors_name_the_value_and_what_was_expected() {
        insta::assert_snapshot!(evaluate::<f64>("{j}").unwrap_err(), @r#"unknown name "j" in an expression; expected one of i, share, who"#);
        insta::assert_snapshot!(evaluate::<f64>("many").unwrap_err(), @r#"expected a finite number (or a size, as in "1.5GiB"), found text "many""#);
        insta::assert_snapshot!(evaluate::<String>("{i").unwrap_err(), @"a { without its }; write {{ for a brace");
        insta::assert_snapshot!(evaluate::<Span>("soon").unwrap_err(), @r#""soon" is not a duration; write 15m, 90s, 1h30m, inf, or seconds"#);
        assert!(evaluate::<f64>("{1 +}").is_err());
        assert!(evaluate::<i64>("1.5").is_err());
    }
}
