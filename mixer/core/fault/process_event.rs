//! Faults of a host's processes: events to the model that makes them, with the processes that they are about.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::kind::FaultError;
use super::spec::FaultEvent;
use crate::scenario::{Arguments, Param, ParamKind};
use crate::time::Span;

pub(super) const PATTERN: Param = Param {
    name: "pattern",
    kind: ParamKind::Text,
    default: "all",
    help: "the processes by name, with `*` and `?`",
};

pub(super) const PRIORITY: Param = Param {
    name: "priority",
    kind: ParamKind::Choice(&["critical", "high", "medium", "low"]),
    default: "all",
    help: "the processes by priority",
};

/// An event to a model of processes, without the length of the episode.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ProcessEvent {
    name: &'static str,
    data: Map<String, Value>,
}

impl ProcessEvent {
    /// The event of this name about the chosen processes.
    pub(super) fn new(name: &'static str, arguments: &mut Arguments) -> Self {
        let mut data = Map::new();
        for key in [PATTERN.name, PRIORITY.name] {
            data.extend(arguments.text(key).map(|text| (key.to_owned(), json!(text))));
        }
        Self { name, data }
    }

    /// The same with a number of 0 or more, if it is given.
    pub(super) fn with(mut self, key: &'static str, arguments: &mut Arguments) -> Result<Self, FaultError> {
        if let Some(number) = arguments.number(key) {
            if number < 0.0 {
                let message = format!("{key} must be 0 or more, but is {number}");
                return Err(FaultError { param: Some(key), message });
            }
            self.data.insert(key.to_owned(), json!(number));
        }
        Ok(self)
    }

    /// The event of an episode that lasts so long; of one without an end, the model knows the length.
    pub(super) fn of_episode(&self, lasts: Option<Span>) -> FaultEvent {
        let mut data = self.data.clone();
        if let Some(lasts) = lasts.filter(|lasts| *lasts != Span::FOREVER) {
            data.insert("duration".to_owned(), json!(lasts.as_secs_f64()));
        }
        FaultEvent { name: Arc::from(self.name), data: Value::Object(data) }
    }

    /// The parameters in words.
    pub(super) fn describe(&self) -> String {
        let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let words: Vec<String> =
            self.data.iter().map(|(key, value)| format!("{key} {}", word(value))).collect();
        words.join(", ")
    }
}
