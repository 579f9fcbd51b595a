//! Text with `{expressions}` in it: fields of configs, and labels that are evaluated for each new member.

use indexmap::IndexSet;
use rhai::Scope;

use super::compiled::Expression;
use super::engine::{self, CallContext, text_of, with_call};
use super::names::Names;
use super::value::Value;
use crate::rng::Rng;

/// A part of a text.
#[derive(Clone, Debug)]
pub enum Piece {
    /// Literal text.
    Text(String),
    /// The result of an expression.
    Expression(Expression, Format),
}

/// Width and precision of an interpolated value, as in `{i:02}` or `{share:.1}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Format {
    zeros: bool,
    width: usize,
    precision: Option<usize>,
}

impl Format {
    /// Reads the text after the colon: `02`, `8`, `.1`, `06.2`.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (width, precision) = text.split_once('.').map_or((text, None), |(w, p)| (w, Some(p)));
        let number = |text: &str| text.parse::<usize>().ok().filter(|n| *n <= 64);
        Some(Self {
            zeros: width.starts_with('0'),
            width: if width.is_empty() { 0 } else { number(width)? },
            precision: match precision {
                Some(digits) => Some(number(digits)?),
                None => None,
            },
        })
    }

    /// Appends a value.
    pub fn write(self, value: &Value, out: &mut String) {
        let text = match (value.number(), self.precision) {
            (Some(number), Some(precision)) => format!("{number:.precision$}"),
            _ => value.to_string(),
        };
        let padding = self.width.saturating_sub(text.chars().count());
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) if self.zeros => ("-", digits),
            _ => ("", text.as_str()),
        };
        out.push_str(sign);
        out.extend(std::iter::repeat_n(if self.zeros { '0' } else { ' ' }, padding));
        out.push_str(digits);
    }
}

/// A text that is evaluated for each new member, with the config's names bound.
#[derive(Clone, Debug)]
pub struct TextFormula {
    pieces: Vec<Piece>,
    scope: Scope<'static>,
    /// Parts and bound values: texts with equal keys behave equally.
    key: String,
}

impl PartialEq for TextFormula {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

/// The member that a text is evaluated for.
#[derive(Debug)]
pub struct MemberContext<'a> {
    /// The host's name.
    pub name: &'a str,
    /// The member's slot.
    pub slot: u32,
    /// Number of members in the slot so far, including this one.
    pub generation: u32,
    /// Number of members in the pool so far, including this one.
    pub sequence: u64,
    /// Random stream of the pool's labels.
    pub rng: &'a mut Rng,
}

impl TextFormula {
    /// Names that it knows in addition to the config's.
    pub const NAMES: [&str; 3] = ["name", "slot", "generation"];

    /// Binds the config-time names; only [`Self::NAMES`] stay open.
    #[must_use]
    pub fn bind(pieces: Vec<Piece>, names: &Names) -> Self {
        let mut scope = Scope::new();
        let (mut key, mut bound) = (Vec::new(), IndexSet::new());
        for piece in &pieces {
            match piece {
                Piece::Text(text) => key.push(format!("{text:?}")),
                Piece::Expression(expression, format) => {
                    key.push(format!("{:?}{format:?}", expression.source));
                    for name in
                        expression.all_names.iter().filter(|name| !Self::NAMES.contains(&name.as_str()))
                    {
                        if let Some(value) = names.get(name).filter(|_| bound.insert(name.as_str())) {
                            scope.push_constant_dynamic(name.as_str(), value.clone());
                        }
                    }
                }
            }
        }
        let key = format!("{}\0{scope:?}", key.concat());
        Self { pieces, scope, key }
    }

    /// `true` if it may differ between members.
    #[must_use]
    pub fn varies(&self) -> bool {
        self.pieces.iter().any(|piece| match piece {
            Piece::Text(_) => false,
            Piece::Expression(expression, _) => {
                expression.names.iter().any(|name| matches!(name.as_str(), "slot" | "generation"))
                    || expression.draws()
            }
        })
    }

    /// `true` if it differs between hosts: it contains the host's name, or a large random number.
    #[must_use]
    pub fn is_of_one_host(&self) -> bool {
        self.pieces.iter().any(|piece| match piece {
            Piece::Text(_) => false,
            Piece::Expression(expression, _) => {
                expression.names.iter().any(|name| name == "name")
                    || ["uuid", "hex"].iter().any(|function| expression.place_of(function).is_some())
            }
        })
    }

    /// Parts and bound values: texts with equal keys behave equally.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The text for one member. Errors are text for the log.
    pub fn evaluate(&self, member: &mut MemberContext<'_>) -> Result<String, String> {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(piece) => text.push_str(piece),
                Piece::Expression(expression, format) => {
                    format.write(&self.value(expression, member)?, &mut text);
                }
            }
        }
        Ok(text)
    }

    fn value(&self, expression: &Expression, member: &mut MemberContext<'_>) -> Result<Value, String> {
        let mut scope = self.scope.clone();
        scope.push_constant("name", member.name.to_owned());
        scope.push_constant("slot", i64::from(member.slot));
        scope.push_constant("generation", i64::from(member.generation));
        let call = CallContext {
            rng: member.rng.clone(),
            range: None,
            emitted: None,
            sequence: Some(member.sequence),
        };
        let (result, call) = with_call(call, || engine::evaluate(&mut scope, &expression.ast));
        if let Some(call) = call {
            *member.rng = call.rng;
        }
        Value::from_dynamic(result.map_err(text_of)?)
    }
}
