//! Types and values of a plugin's parameters.

use super::declaration::ParamDecl;
use crate::time::Span;

/// Type of a parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum ParamType {
    /// A finite number.
    Number,
    /// A duration.
    Duration,
    /// Two finite numbers, the first not above the second.
    Range,
    /// The same behind one of these words, as in `steady(0, 1)`.
    WordRange(Vec<String>),
    /// Text.
    Text,
    /// One of these words.
    Choice(Vec<String>),
    /// Finite numbers.
    Numbers,
    /// Values of this declaration.
    List(Box<ParamDecl>),
    /// The same, each under a text.
    Map(Box<ParamDecl>),
    /// A value for each of these fields.
    Record(Vec<ParamDecl>),
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
    /// For [`ParamType::WordRange`].
    WordRange(String, (f64, f64)),
    /// For [`ParamType::Text`] and [`ParamType::Choice`], and a word in place of a list, a map or a record.
    Text(String),
    /// For [`ParamType::Numbers`].
    Numbers(Vec<f64>),
    /// For [`ParamType::List`].
    List(Vec<Self>),
    /// For [`ParamType::Map`].
    Map(Vec<(String, Self)>),
    /// For [`ParamType::Record`]: one for each field, in their order.
    Record(Vec<Self>),
}

/// A parameter that a plugin refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Path of the parameter, as in `profile.programs[0].threads`; empty if the refusal names none.
    pub path: String,
    /// The reason; with a path it follows that in a sentence.
    pub reason: String,
}

impl Refusal {
    /// A refusal that names no parameter.
    #[must_use]
    pub fn of_all(reason: impl Into<String>) -> Self {
        Self { path: String::new(), reason: reason.into() }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { path, reason } = self;
        if path.is_empty() { f.write_str(reason) } else { write!(f, "{path} {reason}") }
    }
}

/// All refusals in one text.
#[must_use]
pub fn join(refusals: &[Refusal]) -> String {
    refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl ParamType {
    /// Name of the type, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Number => "number".to_owned(),
            Self::Duration => "duration".to_owned(),
            Self::Range => "(low, high)".to_owned(),
            Self::WordRange(words) => format!("{}(low, high)", words.join("|")),
            Self::Text => "text".to_owned(),
            Self::Choice(words) => words.join(", "),
            Self::Numbers => "list of numbers".to_owned(),
            Self::List(of) => format!("list of {}", of.name),
            Self::Map(of) => format!("map of {}", of.name),
            Self::Record(fields) => {
                let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
                format!("({})", names.join(", "))
            }
        }
    }

    /// `true` for types that hold other values.
    #[must_use]
    pub const fn is_nested(&self) -> bool {
        matches!(self, Self::List(_) | Self::Map(_) | Self::Record(_))
    }

    /// Reads a value from text: `2.5`, `90s`, `(0, 100)`, `[1, 2]`, the last two with or without their brackets; of a list,
    /// a map or a record only an empty one. The error says what is expected.
    pub fn parse(&self, text: &str) -> Result<ParamValue, String> {
        let within = |text: &str, open, close| {
            let text = text.trim();
            let inner = text.strip_prefix(open).and_then(|text| text.strip_suffix(close));
            inner.unwrap_or(text).to_owned()
        };
        let expected = |what: &str| format!("{text:?} is not {what}");
        let range = |text: &str| {
            let text = within(text, '(', ')');
            let ends = text.split_once(',');
            let (low, high) = ends.ok_or_else(|| expected("a range, as in (0, 100)"))?;
            let (low, high) = (number(low)?, number(high)?);
            if low > high {
                return Err(expected("a range, as its low end is above its high end"));
            }
            Ok((low, high))
        };
        match self {
            Self::Number => Ok(ParamValue::Number(number(text)?)),
            Self::Duration => Span::parse(text).map(ParamValue::Duration),
            Self::Range => range(text).map(ParamValue::Range),
            Self::WordRange(words) => {
                let word =
                    words.iter().find_map(|word| Some((word, text.trim().strip_prefix(word.as_str())?)));
                let (word, rest) = word.ok_or_else(|| expected(&format!("one of {}", words.join(", "))))?;
                Ok(ParamValue::WordRange(word.clone(), range(rest)?))
            }
            Self::Text => Ok(ParamValue::Text(text.to_owned())),
            Self::Choice(words) => {
                let is_known = words.iter().any(|word| word == text);
                let known = || expected(&format!("one of {}", words.join(", ")));
                is_known.then(|| ParamValue::Text(text.to_owned())).ok_or_else(known)
            }
            Self::Numbers => {
                let text = within(text, '[', ']');
                let items = text.split(',').filter(|item| !item.trim().is_empty());
                items.map(number).collect::<Result<_, _>>().map(ParamValue::Numbers)
            }
            Self::List(_) if text == "[]" => Ok(ParamValue::List(Vec::new())),
            Self::Map(_) if text == "{}" => Ok(ParamValue::Map(Vec::new())),
            Self::Record(fields) if text == "()" => {
                let defaults = fields.iter().map(|field| field.default.clone());
                let defaults = defaults.collect::<Option<_>>().map(ParamValue::Record);
                defaults.ok_or_else(|| expected("possible, as a field has no default"))
            }
            Self::List(_) => Err(expected("[]")),
            Self::Map(_) => Err(expected("{}")),
            Self::Record(_) => Err(expected("()")),
        }
    }
}

fn number(text: &str) -> Result<f64, String> {
    let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    number.ok_or_else(|| format!("{:?} is not a number", text.trim()))
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
