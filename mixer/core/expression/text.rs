//! Text with expressions in it: fields of configs, and labels that are made anew while a run goes on.

use rhai::Scope;

use super::engine::{Context, ENGINE, text_of, with_context};
use super::{Expression, Names, Value};
use crate::rng::Rng;

/// A part of a text.
#[derive(Clone, Debug)]
pub enum Piece {
    /// What stands there.
    Text(String),
    /// What an expression gives.
    Expression(Expression, Format),
}

/// How an interpolated value is written: `{i:02}`, `{share:.1}`, `{name:>8}` is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Format {
    zeros: bool,
    width: usize,
    precision: Option<usize>,
}

impl Format {
    /// Reads what stands after the colon: `02`, `8`, `.1`, `06.2`.
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

/// A text that is made again and again, with the config's names bound.
#[derive(Clone, Debug)]
pub struct TextFormula {
    pieces: Vec<Piece>,
    scope: Scope<'static>,
    /// What it is made of: two with the same one do the same.
    key: String,
}

impl PartialEq for TextFormula {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

/// What a text is made for.
#[derive(Debug)]
pub struct MemberContext<'a> {
    /// The host's name.
    pub name: &'a str,
    /// The place that it is for.
    pub slot: u32,
    /// How often something has been made for that place, from 1.
    pub generation: u32,
    /// How often something has been made for any place, from 1.
    pub sequence: u64,
    /// Where random parts come from.
    pub rng: &'a mut Rng,
}

impl TextFormula {
    /// The names that it has beside the config's.
    pub const NAMES: [&str; 3] = ["name", "slot", "generation"];

    /// Binds the config-time names.
    #[must_use]
    pub fn bind(pieces: Vec<Piece>, names: &Names) -> Self {
        let mut scope = Scope::new();
        let mut key = Vec::new();
        for piece in &pieces {
            match piece {
                Piece::Text(text) => key.push(format!("{text:?}")),
                Piece::Expression(expression, format) => {
                    key.push(format!("{:?}{format:?}", expression.source));
                    for name in
                        expression.all_names.iter().filter(|name| !Self::NAMES.contains(&name.as_str()))
                    {
                        if let Some(value) = names.scope.get(name).filter(|_| !scope.contains(name)) {
                            scope.push_constant_dynamic(name.as_str(), value.clone());
                        }
                    }
                }
            }
        }
        let key = format!("{}\0{scope:?}", key.concat());
        Self { pieces, scope, key }
    }

    /// Whether it may give something else each time that it is made.
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

    /// Whether no two hosts make the same: it has the host's name in it, or a random number that is large.
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

    /// What it is made of: two with the same one do the same.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Makes the text. An error says what went wrong.
    pub fn make(&self, making: &mut MemberContext<'_>) -> Result<String, String> {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(piece) => text.push_str(piece),
                Piece::Expression(expression, format) => {
                    format.write(&self.value(expression, making)?, &mut text);
                }
            }
        }
        Ok(text)
    }

    fn value(&self, expression: &Expression, making: &mut MemberContext<'_>) -> Result<Value, String> {
        let mut scope = self.scope.clone();
        scope.push_constant("name", making.name.to_owned());
        scope.push_constant("slot", i64::from(making.slot));
        scope.push_constant("generation", i64::from(making.generation));
        let context =
            Context { rng: making.rng.clone(), range: None, emitted: None, sequence: Some(making.sequence) };
        let (result, context) = with_context(context, || {
            ENGINE.eval_ast_with_scope::<rhai::Dynamic>(&mut scope, &expression.ast)
        });
        if let Some(context) = context {
            *making.rng = context.rng;
        }
        Value::from_dynamic(result.map_err(text_of)?)
    }
}
