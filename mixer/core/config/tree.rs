//! RON text to a tree in which every node knows its place.
//!
//! The `ron` crate checks the text and reads its literals. This module only follows the structure of a text that
//! `ron` accepts ([`parser`]), because `ron`'s own values have neither places nor names. For a text that it refuses, [`hint`] says what to
//! write.

mod brackets;
mod hint;
mod node;
mod parser;

pub(super) use node::{Field, INCLUDE, Node, NodeKind, repeated_keys};

use crate::error::SourceSpan;

/// Parses a text whose first byte has this number in the sources. An error has a place and a message.
pub(super) fn parse_at(text: &str, first_byte: usize) -> Result<Node, (SourceSpan, String)> {
    let shift = |(SourceSpan { start, end }, message)| {
        (SourceSpan { start: start + first_byte, end: end + first_byte }, message)
    };
    let mut node = parse(text).map_err(shift)?;
    node.shift(first_byte);
    Ok(node)
}

/// Parses a text. An error has a place and a message.
pub(super) fn parse(text: &str) -> Result<Node, (SourceSpan, String)> {
    let options = ron::Options::default();
    if let Err(error) = options.from_str::<serde::de::IgnoredAny>(text) {
        let span = SourceSpan { start: offset(text, error.span.start), end: offset(text, error.span.end) };
        return Err(hint::message(text, span, &error.code));
    }
    parser::parse(text)
}

/// The byte offset of a line and column (characters, both from 1).
fn offset(text: &str, position: ron::error::Position) -> usize {
    let line_start: usize =
        text.split_inclusive('\n').take(position.line.saturating_sub(1)).map(str::len).sum();
    let line = text[line_start..].split('\n').next().unwrap_or("");
    let in_line = line.char_indices().nth(position.col.saturating_sub(1)).map_or(line.len(), |(at, _)| at);
    line_start + in_line
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
