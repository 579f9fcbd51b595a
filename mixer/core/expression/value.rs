//! Values in configs, and results of expressions.

use rhai::Dynamic;

use crate::number::Shown;

/// A value in a config, or the result of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
    /// Several values.
    List(Vec<Value>),
}

impl Value {
    /// The number; `None` for other types.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "whole numbers in configs are small")]
    pub const fn number(&self) -> Option<f64> {
        match self {
            Self::Int(int) => Some(*int as f64),
            Self::Float(float) => Some(*float),
            Self::Bool(_) | Self::Text(_) | Self::List(_) => None,
        }
    }

    pub(super) fn from_dynamic(value: Dynamic) -> Result<Self, String> {
        if let Ok(bool) = value.as_bool() {
            return Ok(Self::Bool(bool));
        }
        if let Ok(int) = value.as_int() {
            return Ok(Self::Int(int));
        }
        if let Ok(float) = value.as_float() {
            return Ok(Self::Float(float));
        }
        if value.is_array() {
            let items = value.into_array().unwrap_or_default().into_iter();
            return items.map(Self::from_dynamic).collect::<Result<_, _>>().map(Self::List);
        }
        let type_name = if value.is_unit() { "nothing" } else { value.type_name() };
        let refusal = format!("gives {type_name}, not a number or text");
        value.into_string().map(Self::Text).map_err(|_| refusal)
    }
}

/// The number, which a metric can take; an error for an infinite one and NaN.
#[inline]
pub fn finite(number: f64) -> Result<f64, String> {
    if number.is_finite() { Ok(number) } else { Err(not_finite(number)) }
}

#[cold]
fn not_finite(number: f64) -> String {
    format!("gives {number}, not a finite number")
}

impl From<Value> for Dynamic {
    fn from(value: Value) -> Self {
        match value {
            Value::Bool(bool) => bool.into(),
            Value::Int(int) => int.into(),
            Value::Float(float) => float.into(),
            Value::Text(text) => text.into(),
            Value::List(items) => Self::from_array(items.into_iter().map(Into::into).collect()),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i64> for Value {
    fn from(int: i64) -> Self {
        Self::Int(int)
    }
}

impl From<f64> for Value {
    fn from(float: f64) -> Self {
        Self::Float(float)
    }
}

impl From<bool> for Value {
    fn from(bool: bool) -> Self {
        Self::Bool(bool)
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bool(bool) => bool.fmt(f),
            Self::Int(int) => int.fmt(f),
            Self::Float(float) => Shown(*float).fmt(f),
            Self::Text(text) => f.write_str(text),
            Self::List(items) => {
                for (n, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if n == 0 { "" } else { "," })?;
                }
                Ok(())
            }
        }
    }
}
