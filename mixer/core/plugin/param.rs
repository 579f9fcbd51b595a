//! Types and values of a plugin's parameters.

use promemu_plugin::abi::{self, Text};

use crate::time::Span;

/// Type of a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParamType {
    /// A finite number.
    Number,
    /// A duration.
    Duration,
    /// Two finite numbers, the first not above the second.
    Range,
    /// Text.
    Text,
    /// One of these words.
    Choice(Vec<String>),
    /// Finite numbers.
    Numbers,
}

/// A parameter's value.
#[derive(Clone, Debug, PartialEq)]
pub enum ParamValue {
    /// For [`ParamType::Number`].
    Number(f64),
    /// For [`ParamType::Duration`].
    Duration(Span),
    /// For [`ParamType::Range`].
    Range((f64, f64)),
    /// For [`ParamType::Text`] and [`ParamType::Choice`].
    Text(String),
    /// For [`ParamType::Numbers`].
    Numbers(Vec<f64>),
}

impl ParamType {
    /// Name of the type, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Number => "number".to_owned(),
            Self::Duration => "duration".to_owned(),
            Self::Range => "(low, high)".to_owned(),
            Self::Text => "text".to_owned(),
            Self::Choice(words) => words.join(", "),
            Self::Numbers => "list of numbers".to_owned(),
        }
    }

    /// Reads a value from text: `2.5`, `90s`, `(0, 100)`, `[1, 2]`, the last two with or without their brackets. The
    /// error says what is expected.
    pub fn parse(&self, text: &str) -> Result<ParamValue, String> {
        let within = |open, close| {
            let text = text.trim();
            text.strip_prefix(open).and_then(|text| text.strip_suffix(close)).unwrap_or(text)
        };
        let expected = |what: &str| format!("{text:?} is not {what}");
        match self {
            Self::Number => Ok(ParamValue::Number(number(text)?)),
            Self::Duration => Span::parse(text).map(ParamValue::Duration),
            Self::Range => {
                let ends = within('(', ')').split_once(',');
                let (low, high) = ends.ok_or_else(|| expected("a range, as in (0, 100)"))?;
                let (low, high) = (number(low)?, number(high)?);
                if low > high {
                    return Err(expected("a range, as its low end is above its high end"));
                }
                Ok(ParamValue::Range((low, high)))
            }
            Self::Text => Ok(ParamValue::Text(text.to_owned())),
            Self::Choice(words) => {
                let is_known = words.iter().any(|word| word == text);
                let known = || expected(&format!("one of {}", words.join(", ")));
                is_known.then(|| ParamValue::Text(text.to_owned())).ok_or_else(known)
            }
            Self::Numbers => {
                let items = within('[', ']').split(',').filter(|item| !item.trim().is_empty());
                items.map(number).collect::<Result<_, _>>().map(ParamValue::Numbers)
            }
        }
    }
}

fn number(text: &str) -> Result<f64, String> {
    let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    number.ok_or_else(|| format!("{:?} is not a number", text.trim()))
}

impl ParamValue {
    /// The value as plugins see it. It borrows from `self`.
    pub(super) fn lend(&self) -> abi::Value {
        let nothing = abi::Value {
            kind: 0,
            reserved: 0,
            number: 0.0,
            high: 0.0,
            text: Text::EMPTY,
            numbers: std::ptr::null(),
            numbers_len: 0,
        };
        match self {
            Self::Number(number) => abi::Value { kind: abi::NUMBER, number: *number, ..nothing },
            Self::Duration(span) => {
                let number = if *span == Span::FOREVER { f64::INFINITY } else { span.as_secs_f64() };
                abi::Value { kind: abi::DURATION, number, ..nothing }
            }
            Self::Range((low, high)) => abi::Value { kind: abi::RANGE, number: *low, high: *high, ..nothing },
            Self::Text(text) => {
                abi::Value { kind: abi::TEXT, text: Text { data: text.as_ptr(), len: text.len() }, ..nothing }
            }
            Self::Numbers(numbers) => abi::Value {
                kind: abi::NUMBERS,
                numbers: numbers.as_ptr(),
                numbers_len: numbers.len(),
                ..nothing
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_they_are_written() {
        for (param_type, text, value) in [
            (ParamType::Number, "-2.5", ParamValue::Number(-2.5)),
            (ParamType::Duration, "90s", ParamValue::Duration(Span::from_secs(90))),
            (ParamType::Range, "(0, 1e3)", ParamValue::Range((0.0, 1000.0))),
            (ParamType::Text, "", ParamValue::Text(String::new())),
            (ParamType::Choice(vec!["up".into(), "down".into()]), "down", ParamValue::Text("down".into())),
            (ParamType::Numbers, "[1, 2,]", ParamValue::Numbers(vec![1.0, 2.0])),
            (ParamType::Numbers, "1,2", ParamValue::Numbers(vec![1.0, 2.0])),
            (ParamType::Numbers, "[]", ParamValue::Numbers(Vec::new())),
        ] {
            assert_eq!(param_type.parse(text), Ok(value), "{text}");
        }
        for (param_type, text) in [
            (ParamType::Number, "NaN"),
            (ParamType::Duration, "soon"),
            (ParamType::Range, "(2, 1)"),
            (ParamType::Range, "1"),
            (ParamType::Choice(vec!["up".into()]), "Up"),
            (ParamType::Numbers, "1; 2"),
        ] {
            assert!(param_type.parse(text).is_err(), "{text}");
        }
    }
}
