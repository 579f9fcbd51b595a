//! Formulas and scripts, compiled but not yet bound to the values of a config.

use crate::config::interpolation::compile;
use crate::config::tree::{Node, NodeKind};
use crate::error::{Problems, SourceSpan};
use crate::expression::{Expression, Value};
use crate::time::Span;

#[derive(Debug)]
pub(in crate::config) struct FormulaTemplate {
    pub(in crate::config) span: SourceSpan,
    /// First byte of the expression; `None` if the file has it in escaped form.
    pub(in crate::config) text_at: Option<usize>,
    pub(in crate::config) expression: Expression,
}

impl FormulaTemplate {
    /// An expression, with or without braces around it, or a number.
    pub(super) fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let text = match &node.kind {
            NodeKind::Scalar(Value::Text(text)) => text.clone(),
            NodeKind::Scalar(value) => value.to_string(),
            other => {
                problems.error(node.span, format!("expected an expression, found {}", other.describe()));
                return None;
            }
        };
        let trimmed = text.trim();
        let bare = trimmed.strip_prefix('{').and_then(|t| t.strip_suffix('}')).unwrap_or(trimmed);
        if let Some(span) = Span::parse(bare).ok().filter(|_| bare.ends_with(char::is_alphabetic)) {
            let secs = span.as_secs_f64();
            problems.error(
                node.span,
                format!("{text:?} is not a formula, since formulas have no units; write {secs}"),
            );
            return None;
        }
        let before = text.find(bare).unwrap_or(0);
        let compiled = compile(bare);
        let compiled =
            compiled.map_err(|error| problems.error(node.span_at(before + error.at), error.message));
        let text_at = node.text_at.map(|at| at + before);
        Some(Self { span: node.span, text_at, expression: compiled.ok()? })
    }

    /// The place of a word in the expression, else of the whole.
    pub(in crate::config) fn span_of(&self, word: &str) -> SourceSpan {
        self.expression.place_of(word).map_or(self.span, |at| self.span_at(at, word))
    }

    /// The place of a word that begins at this byte of the expression, else of the whole.
    pub(in crate::config) fn span_at(&self, at: usize, word: &str) -> SourceSpan {
        let start = self.text_at.map(|start| start + at);
        start.map_or(self.span, |start| SourceSpan { start, end: start + word.len() })
    }

    /// `true` for a `^`, which is no power here.
    pub(in crate::config) fn has_power_sign(&self) -> bool {
        self.expression.place_of("^").is_some()
    }

    /// Reads a script.
    pub(super) fn read_script(node: &Node, problems: &mut Problems) -> Option<Self> {
        let NodeKind::Scalar(Value::Text(text)) = &node.kind else {
            let found = node.kind.describe();
            problems.error(node.span, format!("expected a script in quotes, found {found}"));
            return None;
        };
        let compiled = Expression::compile_script(text).map_err(|error| {
            let message = format!("the script is wrong: {}", error.message);
            problems.error(node.span_at(error.at), message);
        });
        Some(Self { span: node.span, text_at: node.text_at, expression: compiled.ok()? })
    }
}
