//! A config's arguments: typed by their default, set by whoever loads it.

use indexmap::IndexMap;

use super::template::ArgTemplate;
use super::value::{FromValue, SpanRange, describe, is_size};
use crate::error::{Problems, suggestion};
use crate::excerpt::beginning;
use crate::expression::{Names, Value};
use crate::time::Span;

/// Names with another meaning in expressions.
const RESERVED: [&str; 18] = [
    "name",
    "host",
    "address",
    "labels",
    "metric",
    "args",
    "started_at",
    "run_id",
    "value",
    "t",
    "dt",
    "now",
    "event",
    "links",
    "run",
    "storage",
    "slot",
    "generation",
];

/// The type of an argument, from its default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ArgType {
    Bool,
    Int,
    Float,
    Duration,
    DurationRange,
    Size,
    List(ItemType),
    Text,
}

/// The type of a list's items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ItemType {
    Int,
    Float,
    Text,
}

impl ArgType {
    fn of(default: &Value) -> Self {
        match default {
            Value::Bool(_) => Self::Bool,
            Value::Int(_) => Self::Int,
            Value::Float(_) => Self::Float,
            Value::Text(text) if text.contains("..") && SpanRange::from_value(default).is_ok() => {
                Self::DurationRange
            }
            Value::Text(text) if Span::parse(text).is_ok() => Self::Duration,
            Value::Text(text) if is_size(text) => Self::Size,
            Value::Text(_) => Self::Text,
            Value::List(items) => Self::List(match items.first() {
                Some(Value::Int(_)) if items.iter().all(|item| matches!(item, Value::Int(_))) => {
                    ItemType::Int
                }
                Some(Value::Int(_) | Value::Float(_)) => ItemType::Float,
                _ => ItemType::Text,
            }),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Bool => "true or false",
            Self::Int => "a whole number",
            Self::Float => "a number",
            Self::Duration => "a duration, as in 15m",
            Self::DurationRange => "a duration or a range, as in 14s..16s",
            Self::Size => "a size, as in 1.5GiB",
            Self::List(ItemType::Int) => "whole numbers, as in 1,2",
            Self::List(ItemType::Float) => "numbers, as in 1.5,2",
            Self::List(ItemType::Text) => "a list, as in a,b",
            Self::Text => "text",
        }
    }

    /// The value as expressions see it (a duration as its seconds); `None` if it has another type.
    fn take(self, value: &Value) -> Option<Value> {
        match self {
            Self::Bool => bool::from_value(value).ok().map(Value::Bool),
            Self::Int => i64::from_value(value).ok().map(Value::Int),
            Self::Float | Self::Size => f64::from_value(value).ok().map(Value::Float),
            Self::Duration => Span::from_value(value).ok().map(|span| Value::Float(span.as_secs_f64())),
            Self::DurationRange => SpanRange::from_value(value).ok().map(|_| value.clone()),
            Self::List(item) => take_list(item, value).map(Value::List),
            Self::Text => Some(Value::Text(value.to_string())),
        }
    }
}

/// A list, or the items of text with commas; empty text is the empty list.
fn take_list(item: ItemType, value: &Value) -> Option<Vec<Value>> {
    let items: Vec<Value> = match value {
        Value::List(items) => items.clone(),
        Value::Text(text) if text.trim().is_empty() => Vec::new(),
        Value::Text(text) => text.split(',').map(|item| Value::Text(item.trim().to_owned())).collect(),
        other => vec![other.clone()],
    };
    let take = |value: &Value| match item {
        ItemType::Int => i64::from_value(value).ok().map(Value::Int),
        ItemType::Float => f64::from_value(value).ok().map(Value::Float),
        ItemType::Text => Some(Value::Text(value.to_string())),
    };
    items.iter().map(take).collect()
}

/// The description of an argument.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    /// The name.
    pub name: String,
    /// Its type in words.
    pub takes: &'static str,
    /// The only values allowed; empty if there is no such list.
    pub choices: Vec<String>,
    /// The default value.
    pub default: String,
    /// Its help text.
    pub help: String,
}

pub(super) fn describe_all(args: &IndexMap<String, ArgTemplate>) -> Vec<Argument> {
    let describe = |(name, arg): (&String, &ArgTemplate)| Argument {
        name: name.clone(),
        takes: ArgType::of(&arg.default).name(),
        choices: arg.choices.iter().map(Value::to_string).collect(),
        default: arg.default.to_string(),
        help: arg.help.clone(),
    };
    args.iter().map(describe).collect()
}

/// The arguments' names with the given values, else the defaults.
pub(super) fn bind(
    args: &IndexMap<String, ArgTemplate>,
    given: &IndexMap<String, Value>,
    problems: &mut Problems,
) -> Names {
    let known: Vec<&str> = args.keys().map(String::as_str).collect();
    for name in given.keys().filter(|name| !args.contains_key(*name)) {
        problems.error_anywhere(format!("the config has no argument {name:?}{}", suggestion(name, &known)));
    }
    let mut names = Names::default();
    let mut all = Vec::new();
    for (name, arg) in args {
        if !is_free_name(name) {
            problems.error(arg.span, format!("an argument cannot be called {name:?}; choose another name"));
        }
        let given = given.get(name).map(|value| (value, Origin::Given));
        let default = (&arg.default, Origin::Default);
        let values = given.into_iter().chain([default]);
        let mut binding = Binding { name, arg, arg_type: ArgType::of(&arg.default), problems };
        let Some(value) = values.into_iter().find_map(|(value, origin)| binding.take(value, origin)) else {
            continue;
        };
        names.set(name, value.clone());
        all.push((name.as_str(), value));
    }
    names.set_fields("args", all);
    names
}

/// The origin of an argument's value.
#[derive(Clone, Copy, Debug)]
enum Origin {
    /// Whoever loads the config; it has no place in a file.
    Given,
    /// The config.
    Default,
}

/// An argument that is about to have a value.
struct Binding<'a> {
    name: &'a str,
    arg: &'a ArgTemplate,
    arg_type: ArgType,
    problems: &'a mut Problems,
}

impl Binding<'_> {
    /// The value as expressions see it; `None` if it has the wrong type. Bounds and choices are checked, too.
    fn take(&mut self, value: &Value, origin: Origin) -> Option<Value> {
        let Some(taken) = self.arg_type.take(value) else {
            let (takes, found) = (self.arg_type.name(), value.to_string());
            self.refuse(origin, &format!("takes {takes}, not {:?}", beginning(&found)));
            return None;
        };
        self.doubt(value, origin);
        self.refuse_out_of_bounds(&taken, origin);
        self.refuse_other_choices(&taken, origin);
        Some(taken)
    }

    /// Warns of a duration that is probably another one than was meant.
    fn doubt(&mut self, value: &Value, origin: Origin) {
        let (Value::Text(text), ArgType::Duration | ArgType::DurationRange) = (value, self.arg_type) else {
            return;
        };
        let Some(doubt) = SpanRange::doubt(text) else { return };
        match origin {
            Origin::Given => self.problems.warning_anywhere(format!("argument {:?}: {doubt}", self.name)),
            Origin::Default => self.problems.warning(self.arg.default_span, format!("default: {doubt}")),
        }
    }

    fn refuse(&mut self, origin: Origin, message: &str) {
        let name = self.name;
        match origin {
            Origin::Given => self.problems.error_anywhere(format!("argument {name:?} {message}")),
            Origin::Default => {
                let message = format!("the default of argument {name:?} {message}");
                self.problems.error(self.arg.default_span, message);
            }
        }
    }

    fn refuse_out_of_bounds(&mut self, value: &Value, origin: Origin) {
        let (min, max) = (self.arg.min, self.arg.max);
        let is_outside =
            |number: f64| min.is_some_and(|min| number < min) || max.is_some_and(|max| number > max);
        if !value.number().is_some_and(is_outside) {
            return;
        }
        let bound = |bound: Option<f64>, word: &str| bound.map_or(String::new(), |b| format!(" {word} {b}"));
        let (at_least, at_most) = (bound(min, "at least"), bound(max, "at most"));
        let joint = if min.is_some() && max.is_some() { " and" } else { "" };
        self.refuse(origin, &format!("must be{at_least}{joint}{at_most}, but is {}", describe(value)));
    }

    /// Choices are compared by value, so that `1024MiB` equals `1GiB`.
    fn refuse_other_choices(&mut self, value: &Value, origin: Origin) {
        let choices = &self.arg.choices;
        let is_value = |choice| self.arg_type.take(choice).as_ref() == Some(value);
        if choices.is_empty() || choices.iter().any(is_value) {
            return;
        }
        let choices: Vec<String> = choices.iter().map(Value::to_string).collect();
        let text = value.to_string();
        let hint = suggestion(&text, &choices);
        self.refuse(origin, &format!("cannot be {:?}{hint}", beginning(&text)));
    }
}

/// `true` for a name that an argument or the variable of a repetition can have: expressions can use it, and it has no other
/// meaning there.
#[must_use]
pub fn is_free_name(text: &str) -> bool {
    is_name(text) && !RESERVED.contains(&text)
}

/// `true` for a name that expressions can use.
pub(super) fn is_name(text: &str) -> bool {
    !text.starts_with(|c: char| c.is_ascii_digit())
        && !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
